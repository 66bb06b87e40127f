"""Setting up: without a network, what it decides and what it says when it cannot."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from bootstrap import SetupError, locked, run, stamp

ROOT = Path(bootstrap.__file__).parent


@pytest.fixture
def lock(tmp_path):
    file = tmp_path / "requirements.lock"
    file.write_text(
        "# made by uv\nuvloop==0.22.1 \\\n    --hash=sha256:aa\n    # via xinglin\n"
        "uv==0.9.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n    # via xinglin\n"
        "zarr==2 \\\n    --hash=sha256:dd\n"
    )
    return file


def test_a_package_is_taken_from_the_lock_with_all_its_hashes_and_no_other(lock):
    assert locked("uv", lock) == "uv==0.9.9 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"


def test_a_package_that_is_not_locked_is_refused(lock):
    with pytest.raises(SetupError, match=r"requirements\.lock does not name pip: .*make lock"):
        locked("pip", lock)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_of_this_project_hold_the_installer(name):
    entry = locked("uv", ROOT / name)
    assert entry.count("uv==") == 1
    assert "--hash=sha256:" in entry
    assert "http" not in entry


def test_a_stamp_follows_every_file(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")
    two.write_text("b")
    first = stamp(one, two)
    assert stamp(one, two) == first
    two.write_text("c")
    assert stamp(one, two) != first
    two.write_text("b")
    assert stamp(one, two) == first


def test_a_command_that_fails_shows_its_end_and_says_what_to_do(capfd):
    code = "print('\\n'.join(f'row {n}' for n in range(40))); raise SystemExit(1)"
    with pytest.raises(SetupError, match=r"^check the network$"):
        run([sys.executable, "-c", code], "check the network")
    said = capfd.readouterr().err.splitlines()
    assert said[-1] == "row 39"
    assert len(said) == 15


def test_a_command_that_works_is_quiet_and_gets_its_environment(capfd):
    run(
        [sys.executable, "-c", "import os; print(os.environ['WORD']); assert os.environ['WORD'] == 'x'"], "no", WORD="x"
    )
    assert capfd.readouterr() == ("", "")


def test_a_program_that_is_missing_is_said_in_one_line(tmp_path):
    with pytest.raises(SetupError, match="check the network"):
        run([str(tmp_path / "npm"), "ci"], "check the network")


@pytest.fixture
def copy(tmp_path):
    """Bootstrap in a folder of its own, where nothing is set up; gives its exit code and lines."""
    (tmp_path / "bootstrap.py").write_bytes((ROOT / "bootstrap.py").read_bytes())
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    for name in ("requirements.lock", "requirements-dev.lock", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    engine = tmp_path / bootstrap.ENGINE.relative_to(ROOT)
    engine.parent.mkdir(parents=True)
    engine.touch()
    archive = tmp_path / "build" / "sdists" / "a.tar.gz"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"a source distribution")
    hashed = f"jupyter-client==1 --hash=sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}\n"
    (tmp_path / "requirements-dev.lock").write_text(hashed)
    shutil.copytree(ROOT / "configs" / "kernels", tmp_path / "configs" / "kernels")

    def start(*arguments):
        command = [sys.executable, str(tmp_path / "bootstrap.py"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr.splitlines()

    return start


def test_an_environment_that_cannot_be_made_is_one_line(copy, tmp_path):
    (tmp_path / ".venv").write_text("a file in its place")
    code, _out, errors = copy()
    assert code == 1
    assert len(errors) == 1
    assert errors[0].startswith("xinglin: Python cannot create .venv")


def test_in_step_it_does_nothing(copy, tmp_path):
    for arguments, lock in (
        (("--dev",), "requirements-dev.lock"),
        ((), "requirements.lock"),
        ((), "requirements-dev.lock"),
    ):
        (tmp_path / ".venv").mkdir(exist_ok=True)
        (tmp_path / "node_modules").mkdir(exist_ok=True)
        (tmp_path / ".venv" / "lock.stamp").write_text(stamp(tmp_path / lock, tmp_path / "pyproject.toml") + lock)
        (tmp_path / "node_modules" / "lock.stamp").write_text(stamp(tmp_path / "package-lock.json") + " dev")
        assert copy(*arguments) == (0, "", [])


def test_the_environment_has_our_kernel_as_it_stands_here(copy, tmp_path):
    (tmp_path / ".venv").mkdir()
    (tmp_path / "node_modules").mkdir()
    lock = tmp_path / "requirements.lock"
    (tmp_path / ".venv" / "lock.stamp").write_text(stamp(lock, tmp_path / "pyproject.toml") + lock.name)
    (tmp_path / "node_modules" / "lock.stamp").write_text(stamp(tmp_path / "package-lock.json") + " dev")
    kernel = tmp_path / ".venv" / "share" / "jupyter" / "kernels" / "xinglin" / "kernel.json"
    for change in ("", "\n"):
        source = tmp_path / "configs" / "kernels" / "xinglin" / "kernel.json"
        source.write_text(source.read_text() + change)
        assert copy() == (0, "", [])
        assert kernel.read_text() == source.read_text()
    shutil.rmtree(kernel.parent)
    kernel.parent.write_text("a file in its place")
    code, _out, errors = copy()
    assert (code, len(errors)) == (1, 1)
    assert errors[0].startswith("xinglin: Our kernel could not be put into .venv")


def test_an_environment_for_running_does_not_pass_for_one_for_developing(copy, tmp_path):
    (tmp_path / ".venv").mkdir()
    mark = tmp_path / ".venv" / "lock.stamp"
    mark.write_text(stamp(tmp_path / "requirements.lock", tmp_path / "pyproject.toml") + "requirements.lock")
    code, out, errors = copy("--dev")
    assert code == 1  # the lock of this test names no installer
    assert "bringing .venv in step" in out
    assert errors == ["xinglin: requirements-dev.lock does not name uv: make it again with `make lock`."]
    assert not mark.exists()  # half set up is not set up
