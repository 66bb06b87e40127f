"""Forked kernels: each is a full kernel, shares nothing it must not, and a parent that fails costs nobody theirs."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from queue import Empty
from typing import Any

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, KernelManager

from hub.kernels import link
from hub.kernels.limits import MIB
from hub.kernels.link import ForkedProcess, Link
from hub.kernels.provisioner import sockets_folder
from tests.support.narrowing import present
from tests.support.platform import until

READY_S = 60


def provisioner(manager: Any) -> Any:
    """What started the manager's kernel; the type it is declared with knows no process."""
    return manager.provisioner


class Running:
    """A kernel and its client."""

    def __init__(self, *, kernel="xinglin", manager=None, **options):
        self.manager = manager or KernelManager(kernel_name=kernel)
        self.manager.start_kernel(**options)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=READY_S)

    @property
    def forked(self):
        return isinstance(provisioner(self.manager).process, ForkedProcess)

    def run(self, code, **options):
        """(reply's content, text of the streams, other outputs) of a cell."""
        text, outputs = [], []

        def hook(message):
            if message["msg_type"] == "stream":
                text.append(message["content"]["text"])
            elif message["msg_type"] in {"display_data", "execute_result", "error"}:
                outputs.append(message["content"])

        options = {"allow_stdin": False, "timeout": 30, "output_hook": hook, **options}
        reply = self.client.execute_interactive(code, **options)
        return reply["content"], "".join(text), outputs

    def reply_to(self, request):
        """The content of the reply to one request; replies to others, such as to asking whether it is up, pass by."""
        while (message := self.client.get_shell_msg(timeout=20))["parent_header"]["msg_id"] != request:
            pass
        return message["content"]

    def says(self, code):
        reply, text, _outputs = self.run(code)
        assert reply["status"] == "ok", reply
        return text.strip()

    def close(self, now=False):
        if self.manager.has_kernel:
            self.client.stop_channels()
            self.manager.shutdown_kernel(now=now)


@pytest.fixture
def kernels():
    made = []

    def start(**options):
        made.append(Running(**options))
        return made[-1]

    yield start
    for kernel in made:
        kernel.close(now=True)


@pytest.fixture
def kernel(kernels):
    made = kernels()
    assert made.forked
    return made


def test_what_the_kernelspec_names_is_there_already(kernel):
    wanted = KernelSpecManager().get_kernel_spec("xinglin").metadata["kernel_provisioner"]["config"]["preload"]
    loaded = json.loads(kernel.says("import sys, json; print(json.dumps(list(sys.modules)))"))
    assert set(wanted) <= set(loaded)
    assert "debugpy" not in loaded


def test_its_sockets_are_files_in_a_private_folder_that_goes_with_it(kernels):
    kernel = kernels()
    folder = Path(kernel.manager.ip).parent
    assert kernel.manager.transport == "ipc"
    assert folder.stat().st_mode & 0o777 == 0o700
    kernel.close()
    assert not folder.exists()


def test_two_kernels_share_no_randomness(kernels):
    code = (
        "import random, numpy, tempfile, uuid, multiprocessing as m\n"
        "print(random.random(), numpy.random.rand(), numpy.random.default_rng().random(), uuid.uuid4(), "
        "next(tempfile._get_candidate_names()), m.current_process().authkey)"
    )
    one, two = (kernels().says(code).split(" ", 5) for _ in range(2))
    assert [value for value, other in zip(one, two, strict=True) if value == other] == []


def test_two_kernels_share_no_session_and_no_variables(kernels):
    one, two = kernels(), kernels()
    one.says("x = 1")
    assert two.says("print('x' in globals())") == "False"
    sessions = [kernel.says("print(get_ipython().kernel.session.session)") for kernel in (one, two)]
    assert sessions[0] != sessions[1]


def test_an_interrupt_stops_a_cell_and_the_kernel_goes_on(kernel):
    request = kernel.client.execute("print('on', flush=True)\nwhile True: pass")
    until(lambda: streamed(kernel, "on"), 10, "the cell runs")
    kernel.manager.interrupt_kernel()
    assert kernel.reply_to(request)["ename"] == "KeyboardInterrupt"
    # what comes right after an error may be one of those that ipykernel aborts with it
    until(lambda: kernel.run("print(1)")[0]["status"] == "ok", 10, "the next cell runs")


def streamed(kernel, text):
    try:
        message = kernel.client.get_iopub_msg(timeout=1)
    except Empty:
        return False
    return message["msg_type"] == "stream" and text in message["content"]["text"]


def test_input_is_asked_of_the_client(kernel):
    given = []

    def answer(_message):
        given.append(True)
        kernel.client.input("杏林")

    _reply, text, _outputs = kernel.run("print(input('?'))", allow_stdin=True, stdin_hook=answer)
    assert (text.strip(), given) == ("杏林", [True])


def test_working_directory_environment_and_argv(kernels, tmp_path):
    kernel = kernels(cwd=str(tmp_path), env={**os.environ, "OWN": "值", "HOME": os.environ["HOME"]})
    assert kernel.says("import os; print(os.getcwd(), os.environ['OWN'])") == f"{tmp_path} 值"
    (tmp_path / "beside.py").write_text("x = 7")
    assert kernel.says("import beside; print(beside.x)") == "7"
    assert kernel.says("import sys; print(sys.argv[1])") == "-f"


def test_a_variable_the_server_has_does_not_leak_where_the_kernel_is_given_none(kernels, monkeypatch):
    monkeypatch.setenv("LEAK", "1")
    environment = {name: value for name, value in os.environ.items() if name != "LEAK"}
    kernel = kernels(env=environment)
    assert kernel.says("import os; print(os.environ.get('LEAK'), os.popen('echo $LEAK').read())") == "None"


@pytest.mark.parametrize(
    ("code", "status"), [("import os; os._exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL)]
)
def test_how_it_ended_is_known(kernels, code, status):
    kernel = kernels()
    kernel.client.execute(code)
    process = kernel.manager.provisioner.process
    assert process.wait(10) == status
    assert not kernel.manager.is_alive()


def test_output_of_the_descriptors_themselves_is_caught(kernels):
    # ipykernel leaves the descriptors alone where it sees that it is tested by pytest
    kernel = kernels(env={name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"})
    code = "import os, sys; os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.system('echo three')"
    kernel.client.execute(code)
    seen = []

    def all_three():
        seen.append(streamed_text(kernel))
        return all(word in "".join(seen) for word in ("one", "two", "three"))

    until(all_three, 10, "three lines written past Python")


def streamed_text(kernel):
    try:
        message = kernel.client.get_iopub_msg(timeout=1)
    except Empty:
        return ""
    return message["content"]["text"] if message["msg_type"] == "stream" else ""


def test_pipes_and_files_as_streams(tmp_path):
    manager = KernelManager(kernel_name="xinglin")
    manager.start_kernel(stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = provisioner(manager).process
    assert isinstance(process, ForkedProcess)
    assert process.stdout.fileno() != process.stderr.fileno()
    manager.shutdown_kernel(now=True)
    with (tmp_path / "out").open("wb") as out:
        manager = KernelManager(kernel_name="xinglin")
        manager.start_kernel(stdout=out, stderr=subprocess.STDOUT)
        manager.shutdown_kernel(now=True)


def test_comms_threads_subprocesses_figures_and_completion(kernel):
    assert kernel.says("import comm; c = comm.create_comm(target_name='t'); print(len(c.comm_id))") == "32"
    code = "import threading; t = threading.Thread(target=lambda: print('from a thread')); t.start(); t.join()"
    assert kernel.says(code) == "from a thread"
    code = "import subprocess, sys; print(subprocess.check_output([sys.executable, '-c', 'print(6 * 7)'], text=True))"
    assert kernel.says(code) == "42"
    code = (
        "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as pool: print(sum(pool.map(abs, [-1, -2])))"
    )
    assert kernel.says(code) == "3"
    _reply, _text, outputs = kernel.run("%matplotlib inline\nimport matplotlib.pyplot as p\np.plot([1, 2]); p.show()")
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "zip" in kernel.client.complete("zi", reply=True, timeout=10)["content"]["matches"]
    assert kernel.says("import asyncio\nawait asyncio.sleep(0)\nprint('awaited')") == "awaited"


def test_a_traceback_names_the_line(kernel):
    reply, _text, outputs = kernel.run("def f():\n    raise ValueError('so')\nf()")
    assert (reply["ename"], reply["evalue"]) == ("ValueError", "so")
    assert "line 2, in f()" in re.sub(r"\x1b\[[0-9;]*m", "", "".join(outputs[-1]["traceback"]))


def test_restart_gives_a_fresh_kernel_at_the_same_place(kernel):
    kernel.says("x = 1")
    before = kernel.manager.provisioner.pid
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=READY_S)
    assert kernel.says("print('x' in globals())") == "False"
    assert kernel.manager.provisioner.pid != before
    assert kernel.forked


def test_a_shutdown_runs_exit_handlers(kernels, tmp_path):
    kernel = kernels()
    mark = tmp_path / "mark"
    kernel.says(f"import atexit, pathlib; atexit.register(lambda: pathlib.Path({str(mark)!r}).write_text('x'))")
    process = kernel.manager.provisioner.process
    kernel.close()
    assert mark.read_text() == "x"
    assert process.returncode == 0


def test_what_a_kernel_left_running_in_its_group_goes_with_it(kernels):
    kernel = kernels()
    child = int(kernel.says("import subprocess; print(subprocess.Popen(['sleep', '1000']).pid)"))
    kernel.close(now=True)
    until(lambda: not running(child), 5, "what the kernel left running is gone")


def running(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("limit", "code"), [("memory_mb", "x = bytearray(600_000_000)"), ("cpu_s", "while True: pass")]
)
def test_limits_hold(kernels, limit, code):
    manager = KernelManager(kernel_name="xinglin")
    manager.config.ForkProvisioner[limit] = {"memory_mb": 200, "cpu_s": 2}[limit]
    kernel = Running(manager=manager)
    request = kernel.client.execute(code)
    if limit == "cpu_s":
        assert provisioner(manager).process.wait(30) in {-signal.SIGXCPU, -signal.SIGKILL}
    else:
        assert kernel.reply_to(request)["ename"] == "MemoryError"
    kernel.close(now=True)


@pytest.fixture
def delegated():
    """Control groups for us, as an operator makes them: of version 2, or of version 1 with two controllers."""
    root = Path("/sys/fs/cgroup")
    bases = [root] if (root / "cgroup.controllers").exists() else [root / "memory", root / "pids"]
    if not all(os.access(base, os.W_OK) for base in bases):
        pytest.skip("only who may write to /sys/fs/cgroup can delegate control groups")
    folders = [base / f"xinglin-test-{os.getpid()}" for base in bases]
    for folder in folders:
        folder.mkdir()
        if (folder / "cgroup.subtree_control").exists():
            (folder / "cgroup.subtree_control").write_text("+memory +pids")
    yield folders
    for folder in folders:
        until(lambda folder=folder: not [path for path in folder.iterdir() if path.is_dir()], 10, "groups are removed")
        folder.rmdir()


def grouping(folders, **limits):
    """A manager whose kernel has a control group in each of `folders`."""
    manager = KernelManager(kernel_name="xinglin")
    manager.config.ForkProvisioner.update(control_groups=[str(folder) for folder in folders], **limits)
    return manager


def test_memory_of_a_kernel_and_all_it_starts_is_counted_together(delegated, kernels):
    """Three of its children use 50 MB each and are within their own limits; Linux ends the group's largest."""
    kernel = kernels(manager=grouping(delegated, memory_mb=100))
    process = psutil.Process(kernel.manager.provisioner.pid)
    big = "x = bytearray(b'x' * 50_000_000); import signal; signal.pause()"
    kernel.client.execute(
        f"import subprocess, sys\nc = [subprocess.Popen([sys.executable, '-c', {big!r}]) for _ in 'abc']"
    )

    def one_is_gone():
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.STATUS_ZOMBIE in [child.status() for child in process.children()]
        return True

    until(one_is_gone, 30, "one is ended")


def test_processes_of_one_kernel_are_limited_and_another_has_its_own(delegated, kernels):
    one, two = (kernels(manager=grouping(delegated, tasks=40)) for _ in range(2))
    code = (
        "import subprocess\n"
        "many = []\n"
        "try:\n"
        "    while len(many) < 60: many.append(subprocess.Popen(['sleep', '300']))\n"
        "except BlockingIOError as error: print(len(many) < 40, error.strerror)\n"
    )
    assert one.says(code) == "True Resource temporarily unavailable"
    assert two.says("import subprocess; print(subprocess.run(['true']).returncode)") == "0"


@pytest.mark.parametrize("now", [True, False])
def test_what_left_its_session_goes_with_the_kernels_control_group(delegated, kernels, now):
    kernel = kernels(manager=grouping(delegated))
    pid = int(kernel.says("import subprocess; p = subprocess.Popen(['setsid', 'sleep', '300']); print(p.pid)"))
    until(lambda: os.getsid(pid) == pid, 10, "it has a session of its own")
    kernel.close(now=now)
    until(lambda: not running(pid), 10, "it is gone")


def test_a_full_process_table_lets_the_next_kernel_start_the_stock_way(kernels, delegated, caplog):
    first = kernels()
    assert first.forked
    parent = psutil.Process(first.manager.provisioner.pid).parent()
    (group,) = [folder for folder in delegated if (folder / "pids.max").exists()]
    full = group / "full"
    full.mkdir()
    (full / "pids.max").write_text("1")
    (full / "cgroup.procs").write_text(str(parent.pid))
    stock = kernels()
    assert not stock.forked
    assert "starts the stock way: [Errno 11]" in caplog.text
    assert stock.says("print(1)") == "1"
    (full / "pids.max").write_text("max")
    again = kernels()
    assert again.forked
    again.close(now=True)
    (full.parent.parent / "cgroup.procs").write_text(str(parent.pid))
    until(lambda: not (full / "cgroup.procs").read_text(), 10, "the parent is out again")
    full.rmdir()


def isolated(folder, **options):
    """A kernel from which `folder` is hidden, but for what is in folder/shown."""
    manager = KernelManager(kernel_name="xinglin")
    manager.config.ForkProvisioner.hidden = [str(folder)]
    manager.config.ForkProvisioner.shown = [str(folder / "shown")]
    return Running(manager=manager, **options)


def test_an_isolated_kernel_sees_neither_what_is_hidden_nor_another_kernels_files(tmp_path):
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "file").write_text("seen")
    (tmp_path / "secret").write_text("hidden")
    one, two = isolated(tmp_path), isolated(tmp_path)
    one.says(
        "import os\n"
        "def look(path):\n"
        "    try: return open(path).read()\n"
        "    except OSError as error: return type(error).__name__\n"
    )
    assert one.says(f"print(look({str(tmp_path / 'shown' / 'file')!r}))") == "seen"
    assert one.says(f"print(os.listdir({str(tmp_path)!r}))") == "['shown']"
    sockets = Path(two.manager.ip).parent
    assert len(list(sockets.iterdir())) == 6
    theirs = [two.manager.connection_file, str(sockets), f"/proc/{two.manager.provisioner.pid}/environ"]
    theirs += [f"/proc/{os.getpid()}/environ", f"/proc/{two.manager.provisioner.pid}/root{tmp_path}/secret"]
    for path in theirs:
        assert one.says(f"print(look({path!r}))") in {"FileNotFoundError", "PermissionError"}, path
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({str(sockets / 'kernel-1')!r})"
    assert one.run(connect)[0]["ename"] == "FileNotFoundError"
    undo = f"import subprocess; print(subprocess.run(['umount', {str(tmp_path)!r}], capture_output=True).returncode)"
    assert one.says(undo) != "0"
    undo = f"import subprocess; print(subprocess.run(['unshare', '-Urm', 'umount', {str(tmp_path)!r}]).returncode)"
    assert one.says(undo).splitlines()[-1] != "0"
    assert one.says(f"print(look({str(tmp_path / 'secret')!r}))") == "FileNotFoundError"
    one.close(now=True)
    two.close(now=True)


def test_history_is_the_kernels_own_file_and_thread(kernel):
    assert kernel.says("h = get_ipython().history_manager; print(h.enabled, h.save_thread.is_alive())") == "True True"


def test_a_parent_that_was_killed_takes_its_kernels_and_the_next_starts_the_stock_way(kernels, caplog):
    kernel = kernels()
    pid = kernel.manager.provisioner.pid
    (parent,) = {psutil.Process(pid).parent()}
    parent.kill()
    assert kernel.manager.provisioner.process.wait(10) == -signal.SIGKILL
    until(lambda: not running(pid), 10, "the kernel is gone too")
    stock = kernels()
    assert not stock.forked
    assert "starts the stock way" in caplog.text
    assert stock.says("print(1)") == "1"
    until(lambda: all(each.usable for each in link.PARENTS.links()), 10, "another parent")
    assert kernels().forked


def test_a_preload_that_fails_is_said_and_the_kernel_starts_the_stock_way(tmp_path, monkeypatch, caplog):
    spec = json.loads(Path("configs/kernels/xinglin/kernel.json").read_text())
    spec["metadata"]["kernel_provisioner"]["config"]["preload"] = ["no_such_module"]
    folder = tmp_path / "kernels" / "broken"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernel = Running(kernel="broken")
    assert not kernel.forked
    assert "No module named 'no_such_module'" in caplog.text
    assert kernel.says("print(1)") == "1"
    kernel.close(now=True)


def test_a_parent_that_hangs_is_given_up(kernels, monkeypatch, caplog):
    first = kernels()
    assert first.forked
    monkeypatch.setattr("hub.kernels.provisioner.FORK_TIMEOUT_S", 1.0)
    parent = psutil.Process(first.manager.provisioner.pid).parent()
    parent.suspend()
    kernel = kernels()
    assert not kernel.forked
    assert "the parent did not answer within 1 s" in caplog.text
    kernels()  # the next parent is started; the one that was given up does not stand in its way
    assert not running(parent.pid)
    until(lambda: any(each.pid for each in link.PARENTS.links()), 30, "another parent")
    assert kernels().forked


def test_a_fork_that_does_not_come_up_costs_nobody_else_theirs(kernels, monkeypatch, caplog):
    """Its sign that it is up never comes, as another holds the same end of the pipe."""
    first = kernels()
    assert first.forked
    fork, held = Link.fork, []

    def silent(self, launch, descriptors):
        held.append(os.dup(descriptors[-1]))
        return fork(self, launch, descriptors)

    with monkeypatch.context() as patched:
        patched.setattr(Link, "fork", silent)
        patched.setattr("hub.kernels.provisioner.FORK_TIMEOUT_S", 1.0)
        assert not kernels().forked
    for descriptor in held:
        os.close(descriptor)
    assert "the fork is not up within 1 s" in caplog.text
    parent = psutil.Process(first.manager.provisioner.pid).parent()
    until(lambda: [child.pid for child in parent.children()] == [first.manager.provisioner.pid], 10, "it is gone")
    assert first.says("print(1)") == "1"
    assert kernels().forked


def test_a_shutdown_does_not_wait_for_anything(kernels):
    """The control thread's last flush went through a thread that had ended already, one time in four."""
    for _ in range(20):
        kernel = kernels()
        process = kernel.manager.provisioner.process
        kernel.client.shutdown()
        assert process.wait(2) == 0


def test_a_client_is_ready_with_an_empty_iopub_and_what_comes_next_is_its_own(kernel):
    for _ in range(5):
        kernel.client.wait_for_ready(timeout=READY_S)
        with pytest.raises(Empty):
            kernel.client.get_iopub_msg(timeout=0.3)
        request = kernel.client.execute("1")
        assert kernel.client.get_iopub_msg(timeout=20)["parent_header"]["msg_id"] == request
        while kernel.client.get_iopub_msg(timeout=20)["content"].get("execution_state") != "idle":
            pass


def test_a_client_is_told_when_the_kernel_dies_before_it_is_ready():
    manager = KernelManager(kernel_name="xinglin")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    os.kill(provisioner(manager).pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="died"):
        client.wait_for_ready(timeout=READY_S)
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_client_gives_up_on_a_kernel_that_does_not_answer(kernel):
    os.kill(kernel.manager.provisioner.pid, signal.SIGSTOP)
    with pytest.raises(RuntimeError, match="didn't respond in 2 seconds"):
        kernel.client.wait_for_ready(timeout=2)


def test_a_server_that_is_killed_takes_parent_and_kernels_along(tmp_path):
    code = (
        "from jupyter_client.manager import AsyncKernelManager, KernelManager\n"
        "import signal\n"
        "m = KernelManager(kernel_name='xinglin'); m.start_kernel()\n"
        "print(m.provisioner.pid, flush=True)\n"
        "signal.pause()\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    kernel = psutil.Process(int(present(server.stdout).readline()))
    parent = kernel.parent()
    server.kill()
    server.wait()
    present(server.stdout).close()
    until(lambda: not running(kernel.pid) and not running(parent.pid), 10, "kernel and parent are gone")


@pytest.mark.parametrize("times", [100, 1000])
def test_opens_and_closes_leave_nothing_behind(kernels, times):
    """Processes, descriptors, sockets, folders and the parent's memory stay where they were."""
    first = kernels()
    parent = psutil.Process(first.manager.provisioner.pid).parent()

    def state():
        here = psutil.Process()
        sockets = [line for line in Path("/proc/net/unix").read_text().splitlines() if sockets_folder() in line]
        folders = os.listdir(sockets_folder())
        return here.num_fds(), parent.num_fds(), len(parent.children(recursive=True)), len(sockets), len(folders)

    open_and_close(20)
    before, memory = state(), parent.memory_info().rss
    open_and_close(times)
    until(lambda: state() == before, 10, f"{state()} is {before} again")
    assert parent.memory_info().rss - memory < 4 * MIB


def open_and_close(times, at_once=8):
    """Kernels, by turns shut down and killed."""

    async def one(number):
        manager = AsyncKernelManager(kernel_name="xinglin")
        await manager.start_kernel()
        assert isinstance(provisioner(manager).process, ForkedProcess)
        await manager.shutdown_kernel(now=number % 2)

    async def all_of_them():
        numbers = iter(range(times))

        async def worker():
            for number in numbers:
                await one(number)

        await asyncio.gather(*(worker() for _ in range(at_once)))

    asyncio.run(all_of_them())
