"""The platform as a whole: parts that die come back, a stop leaves nothing behind, a bad start says one line."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urljoin, urlsplit

import psutil
import pytest
import requests

from exams.exam import DATABASE
from tests.support.platform import ROOT, Platform, needs_bwrap, until
from tests.support.ports import free_port


def health(address):
    try:
        return requests.get(address, timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def second(platform, tmp_path_factory):
    """A platform of its own beside the first: to be killed and stopped."""
    running = Platform(tmp_path_factory.mktemp("second") / "home").start()
    yield running
    if running.process.poll() is None:
        running.stop()


def test_two_platforms_run_side_by_side(platform, second):
    for one in (platform, second):
        assert health(f"{one.url}/hub/health")
        assert health(f"{one.url}/services/exams/health")
    assert platform.accounts["student01"]["password"] != second.accounts["student01"]["password"]


def test_the_accounts_file_is_its_owners_alone(platform):
    assert (platform.home / "demo-accounts.json").stat().st_mode & 0o777 == 0o600
    assert set(platform.accounts["lead01"]) == {"name", "password", "role", "school"}


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("exams", "hub.cli"), "/services/exams/health"),
        (("hub.cli", "course"), "/services/apps/health"),
        (("jupyterhub", "jupyterhub_config"), "/hub/health"),
        (("configurable-http-proxy",), "/services/exams/health"),
    ],
)
def test_a_part_killed_is_back(second, words, path):
    victim = second.part(*words)
    victim.kill()
    until(lambda: second.part(*words).pid != victim.pid, 10, "another process is there")
    until(lambda: health(second.url + path), 40, f"{path} answers again")


def test_a_login_that_began_at_a_process_that_was_killed_ends_at_the_next(second):
    session = second.session("student01")
    begun = session.get(
        f"{second.url}/services/exams/login", params={"next": "/services/exams/"}, allow_redirects=False
    )
    assert begun.status_code == 302
    victim = second.part("exams", "hub.cli")
    victim.kill()
    until(lambda: second.part("exams", "hub.cli").pid != victim.pid, 10, "another process is there")
    done = session.get(urljoin(second.url, begun.headers["Location"]), timeout=60)
    assert (done.status_code, urlsplit(done.url).path) == (200, "/services/exams/")
    assert "诊断学联考" in done.text


def alive(processes):
    """Those that still run; one that has ended and only waits for the system's init to notice does not."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def test_a_stop_leaves_no_process_behind_and_a_second_start_keeps_everything(second):
    session = second.session("student01")
    session.get(f"{second.url}/services/apps/voila/render/physiology/01_nerve.ipynb", timeout=60)
    accounts = second.accounts
    processes = second.processes()
    assert len(processes) > 5
    assert second.stop(signal.SIGINT) == 0
    assert alive(processes) == []
    second.start()
    assert second.accounts == accounts
    assert "我的实验" in second.session("student01").get(f"{second.url}/hub/home", timeout=20).text


def test_a_platform_killed_takes_its_parts_along(second):
    processes = second.processes()
    second.process.send_signal(signal.SIGKILL)
    second.process.wait(10)
    until(lambda: not alive(processes), 30, "all parts are gone")


def command(*arguments, home, port=None, **environment):
    environment = {**os.environ, "XINGLIN_HOME": str(home), **environment}
    if port:
        environment["XINGLIN_PORT"] = str(port)
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_second_exam_service_on_the_same_sqlite_is_refused_in_one_line(platform):
    database = f"sqlite:///{platform.home / 'exams' / DATABASE}"
    environment = os.environ | {
        "XINGLIN_HOME": str(platform.home),
        "XINGLIN_EXAMS_DATABASE": database,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
    }
    command = [sys.executable, "-m", "exams"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [done.stderr.strip()]
    assert "Another process serves the exams" in done.stderr


def test_two_exam_processes_on_postgresql_and_one_of_them_killed(tmp_path, database):
    """The whole platform: the demo's exams are seeded there, candidates and the portal see them."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "xinglin.toml").write_text(f'[exams]\ndatabase = "{database}"\nprocesses = 2\n')
    running = Platform(home).start()
    try:
        processes = [one for one in running.processes() if "exams" in one.cmdline()]
        assert len(processes) == 2
        session = running.session("student01")
        assert "诊断学联考" in session.get(f"{running.url}/hub/home", timeout=30).text
        processes[0].kill()
        exams = f"{running.url}/services/exams/"
        until(lambda: "诊断学联考" in session.get(exams, timeout=30).text, 5, "the other answers")
        until(lambda: len([one for one in running.processes() if "exams" in one.cmdline()]) == 2, 30, "both run")
        assert not (home / "exams" / DATABASE).exists()
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("exams", "said"),
    [
        ("processes = 2", "more than 1 only with PostgreSQL"),
        ('database = "postgresql://u:geheim@127.0.0.1:1/x"', "is it there, is it running"),
        ('database = "mysql://u:geheim@127.0.0.1/x"', "cannot be read"),
    ],
)
def test_a_database_that_cannot_serve_is_said_in_one_line(tmp_path, exams, said):
    (tmp_path / "xinglin.toml").write_text(f"[exams]\n{exams}\n")
    code, _out, error = command("serve", home=tmp_path, port=free_port())
    assert code == 1
    assert error.strip().splitlines() == [error.strip()]
    assert said in error
    assert "geheim" not in error


def test_a_port_in_use_is_said_in_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _out, error = command("serve", home=tmp_path, port=port)
    assert code == 1
    assert error.strip().splitlines() == [error.strip()]
    assert f"Port {port}" in error
    assert "XINGLIN_PORT" in error


def test_all_parts_may_open_as_many_files_as_the_system_allows():
    code = (
        "import resource; from hub.serve import OPEN_FILES, raise_open_files\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)); raise_open_files()\n"
        "wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE) == (wanted, hard))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


def test_the_demo_is_never_shown_to_the_network(tmp_path):
    (tmp_path / "xinglin.toml").write_text('[server]\naddress = "0.0.0.0"\n')
    (tmp_path / "demo-accounts.json").write_text("[]")
    code, _out, error = command("serve", home=tmp_path, port=free_port())
    assert code == 1
    assert "demo" in error


@pytest.mark.parametrize(("folder", "reason"), [("nowhere", "No such file"), (".", "no control group")])
def test_a_folder_that_is_no_control_group_is_said_in_one_line(tmp_path, folder, reason):
    (tmp_path / "xinglin.toml").write_text(f'[kernels]\ncontrol_groups = ["{tmp_path / folder}"]\n')
    code, _out, error = command("serve", home=tmp_path, port=free_port())
    assert code == 1
    assert error.strip().splitlines() == [error.strip()]
    assert str(tmp_path / folder) in error
    assert reason in error
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("kernel-")] == []


@pytest.mark.parametrize("port", ["0", "65536", "eighty"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    code, _out, error = command("user", "list", home=tmp_path, port=port)
    assert code == 1
    assert "XINGLIN_PORT" in error


class TestFormgrader:
    """nbgrader's formgrader as a service."""

    pytestmark = needs_bwrap()

    def address(self, platform):
        return f"{platform.url}/services/diagnostics"

    def test_teachers_and_the_lead_get_in_students_and_operators_do_not(self, platform):
        for user, expected in (("teacher01", 200), ("lead01", 200), ("student01", 403), ("operator01", 403)):
            answer = platform.session(user).get(f"{self.address(platform)}/formgrader/gradebook", timeout=30)
            assert answer.status_code == expected, user

    def test_there_is_no_shell_and_no_kernel(self, platform):
        session = platform.session("teacher01")
        session.get(f"{self.address(platform)}/formgrader/gradebook", timeout=30)
        header = {"X-XSRFToken": session.cookies.get("_xsrf", path="/services/diagnostics/")}
        for path, body in (("terminals", {}), ("kernels", {"name": "python3"}), ("kernels", {})):
            answer = session.post(f"{self.address(platform)}/api/{path}", json=body, headers=header, timeout=20)
            assert answer.status_code >= 400, path

    def test_only_the_gradebook_can_be_written(self, platform):
        session = platform.session("teacher01")
        session.get(f"{self.address(platform)}/formgrader/gradebook", timeout=30)
        header = {"X-XSRFToken": session.cookies.get("_xsrf", path="/services/diagnostics/")}
        model = {"type": "file", "format": "text", "content": "import os"}
        for path in ("nbgrader_config.py", "jupyter_server_config.py", "nbgrader_config.json", "source/x.py"):
            answer = session.put(
                f"{self.address(platform)}/api/contents/{path}", json=model, headers=header, timeout=20
            )
            assert answer.status_code >= 400, path
        assert "import os" not in (platform.home / "nbgrader/diagnostics/nbgrader_config.py").read_text()

    def test_it_sees_its_course_alone(self, platform):
        service = platform.part("bwrap", "/course/gradebook")
        inner = psutil.Process(service.pid).children(recursive=True)[-1]
        root = f"/proc/{inner.pid}/root"
        assert os.path.isdir(f"{root}/course/gradebook")
        assert not os.path.exists(f"{root}{platform.home}")
