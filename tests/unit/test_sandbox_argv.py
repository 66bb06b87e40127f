"""The sandbox's arguments and limits; what they do is tried in the integration tests."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from hub.sandbox import HOME, Sandbox, SandboxMissingError, limits
from hub.settings import ROOT

COMMAND = ["python", "-c", "print('a b')"]
SANDBOX = Sandbox(writable={HOME: Path("/srv/homes/a")}, readonly={"/courses": Path("/srv/courses")})
OPERANDS = {"--ro-bind": 2, "--ro-bind-try": 2, "--bind": 2, "--tmpfs": 1, "--proc": 1, "--dev": 1, "--remount-ro": 1}
OPERANDS |= {"--cap-drop": 1, "--uid": 1, "--gid": 1, "--hostname": 1, "--chdir": 1}


def steps(argv):
    """bwrap's options as (flag, operands), up to the command."""
    rest, found = argv[1 : argv.index("--")], []
    while rest:
        flag, rest = rest[0], rest[1:]
        count = OPERANDS.get(flag, 0)
        found.append((flag, *rest[:count]))
        rest = rest[count:]
    return found


@pytest.fixture
def argv():
    return SANDBOX.argv(COMMAND, program="/usr/bin/bwrap")


def test_the_command_comes_last_as_it_is(argv):
    assert argv[0] == "/usr/bin/bwrap"
    assert argv[argv.index("--") + 1 :] == COMMAND


def test_the_home_is_bound_after_what_would_cover_it(argv):
    order = steps(argv)
    places = {step: place for place, step in enumerate(order)}
    assert places["--tmpfs", "/home"] < places["--bind", "/srv/homes/a", HOME]
    assert places["--ro-bind", "/srv/courses", "/courses"] < places["--bind", "/srv/homes/a", HOME]
    for flag, *paths in order:
        if flag.endswith("bind") or flag.endswith("bind-try"):
            covered = [
                place for (other, *inner), place in places.items() if other == "--tmpfs" and inner[0] != paths[1]
            ]
            assert all(places[flag, *paths] > place for place in covered)
    assert order[-2:] == [("--remount-ro", "/"), ("--chdir", HOME)]


def test_one_folder_alone_can_be_written(argv):
    assert [step for step in steps(argv) if step[0] == "--bind"] == [("--bind", "/srv/homes/a", HOME)]


def test_nothing_of_the_platform_but_what_labs_import_and_run_in_and_a_user_list_is_shown(argv):
    shown = {step[1] for step in steps(argv) if "bind" in step[0]}
    ours = {path for path in shown if Path(path).is_relative_to(ROOT) and not Path(path).is_relative_to(sys.prefix)}
    names = ("courses", "widgets", "hub/__init__.py", "hub/kernels", "configs/sandbox-passwd")
    assert ours == {str(ROOT / name) for name in names}
    assert not {"/", "/etc", "/home", "/root", "/var", "/proc", "/sys", "/run"} & shown


def test_processes_and_privileges_are_kept_apart(argv):
    flags = {step[0] for step in steps(argv)}
    assert flags >= {"--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-ipc"}
    assert ("--cap-drop", "ALL") in steps(argv)
    assert ("--uid", "1000") in steps(argv)


def test_without_bubblewrap_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxMissingError, match="apt-get install bubblewrap"):
        SANDBOX.argv(COMMAND)


def test_a_limited_process_has_its_limits_and_cannot_raise_them():
    code = (
        "import resource as r\n"
        "for name in ('AS', 'NPROC', 'FSIZE', 'CORE'): print(*r.getrlimit(getattr(r, f'RLIMIT_{name}')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], preexec_fn=limits(512, 64), capture_output=True, text=True, check=True
    )
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert rows == [(512 * 1024**2,) * 2, (64, 64), (2 * 1024**3,) * 2, (0, 0)]
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 512 * 1024**2
