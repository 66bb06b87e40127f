"""Students' code answers in the sandbox: honest ones run as in a notebook, hostile ones are held."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from courses.values import Opaque, decode
from hub.settings import ROOT
from hub.warm import ENVIRONMENT
from tests.support.narrowing import present
from tests.support.platform import needs_bwrap, until

pytestmark = needs_bwrap()
COMMAND = [sys.executable, "-m", "hub.cli", "answers", "--jobs", "2"]
LIMITS = {
    "wall_s": 20.0,
    "cpu_s": 10,
    "memory_mb": 200,
    "tasks": 24,
    "disk_mb": 8,
    "output_bytes": 50_000,
}
SECRET = ("wanted", "value", "7919")
"""What must not be found, in parts, so that whoever looks for it does not hold it."""


class Runner:
    """`xinglin answers`, running."""

    def __init__(self):
        self.process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT), "XINGLIN_SECRET": "".join(SECRET)},
        )
        self.number = 0
        self.replies = {}

    def send(self, *cells, **limits):
        """Start a job; its id."""
        self.number += 1
        job = {"id": f"job-{self.number}", "cells": [cell_of(each) for each in cells], **LIMITS, **limits}
        present(self.process.stdin).write(json.dumps(job).encode() + b"\n")
        present(self.process.stdin).flush()
        return job["id"]

    def reply(self, job):
        """The reply to a job."""
        while job not in self.replies:
            line = present(self.process.stdout).readline()
            assert line, "the runner has ended"
            reply = json.loads(line)
            self.replies[reply["id"]] = reply
        return self.replies.pop(job)

    def ask(self, *cells, **limits):
        """A job's reply."""
        return self.reply(self.send(*cells, **limits))

    def warm(self):
        """The warm process, seen from outside."""
        for each in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # a job's process that has just ended
                if "hub.kernels.answers" in each.cmdline() and each.name() != "bwrap":
                    return each
        raise LookupError("there is no sandbox")

    def close(self):
        present(self.process.stdin).close()
        assert self.process.wait(20) == 0
        present(self.process.stdout).close()


def cell_of(each):
    """A student's cell, or a probe."""
    return each if isinstance(each, dict) else {"source": textwrap.dedent(each), "probe": False}


def probe(source):
    return {"source": textwrap.dedent(source), "probe": True}


def text_of(cell):
    """What a cell printed."""
    return "".join(each["text"] for each in cell["outputs"] if each["output_type"] == "stream")


def value_of(cell, key=0):
    """The value that the leaf `key` gave."""
    return decode(dict(cell["leaves"])[key]["value"])


def answered(reply):
    """The cells of a job that came to its end."""
    assert reply["stopped"] is None, reply
    return reply["cells"]


@pytest.fixture(scope="module")
def running():
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def runner(running):
    """The runner; after each test it serves an honest job, and nothing is left of the others."""
    yield running
    reply = running.ask("def f(n):\n    return n + 1", probe("assert __leaf__(0, lambda: f(1))"))
    assert value_of(answered(reply)[1]) == 2
    until(lambda: not running.warm().children(), 10, "what jobs started is gone")


def held(reply, *why):
    """The job was stopped, for one of the reasons; the cell in which."""
    assert reply["stopped"] is not None, reply
    assert reply["stopped"]["why"] in why, reply
    assert len(reply["cells"]) == reply["stopped"]["cell"]
    return reply["stopped"]["cell"]


# honest answers


def test_cells_run_as_in_a_notebook(runner):
    first, second, third, fourth = answered(
        runner.ask(
            "x = 20\nx + 1", "print('好')\n1 / 0", "%matplotlib inline\nimport matplotlib.pyplot as plt", "_ * 2"
        )
    )
    assert first["outputs"] == [
        {"output_type": "execute_result", "data": {"text/plain": "21"}, "metadata": {}, "execution_count": 1}
    ]
    assert text_of(second) == "好\n"
    assert second["error"]["ename"] == "ZeroDivisionError"
    assert second["outputs"][-1] == {"output_type": "error", **second["error"]}
    assert third["error"] is None
    assert fourth["outputs"][0]["data"] == {"text/plain": "42"}


def test_a_figure_is_an_image(runner):
    (cell,) = answered(runner.ask("import matplotlib.pyplot as plt\nplt.plot([1, 2]);"))
    (figure,) = cell["outputs"]
    assert figure["output_type"] == "display_data"
    assert figure["data"]["image/png"].startswith("iVBOR")


def test_html_and_other_kinds_are_left_out(runner):
    (cell,) = answered(runner.ask("from IPython.display import HTML, display\ndisplay(HTML('<script>1</script>'))"))
    assert [list(each["data"]) for each in cell["outputs"]] == [["text/plain"]]


def test_programs_that_cells_start_are_heard(runner):
    (cell,) = answered(runner.ask("!echo from a shell"))
    assert "from a shell" in text_of(cell)


def test_leaves_are_values_or_what_was_raised(runner):
    cell = answered(
        runner.ask(
            """
            class Wrong(ValueError):
                pass

            def f(n):
                if n > 1:
                    raise Wrong(f"n is {n}")
                return [n]
            """,
            probe(
                """
                assert __leaf__(0, lambda: f(1)) == 'not this'
                """
            ),
            probe("__leaf__('a', lambda: f(1))\n__leaf__('b', lambda: f(2))\n__leaf__('c', lambda: f(1))"),
        )
    )
    assert cell[1]["error"]["ename"] == "AssertionError"
    assert value_of(cell[1]) == [1]
    leaves = dict(cell[2]["leaves"])
    assert decode(leaves["a"]["value"]) == [1]
    told = leaves["b"]["raised"]
    assert told == {
        "type": "Wrong",
        "bases": ["Wrong", "ValueError", "Exception", "BaseException", "object"],
        "text": "n is 2",
    }
    assert "c" not in leaves
    assert cell[2]["error"]["ename"] == "Wrong"


def test_what_labs_import_is_there_and_nothing_else_of_ours(runner):
    (cell,) = answered(
        runner.ask(
            """
            import importlib.util, courses.models.nerve, widgets.trace
            for name in ("exams", "hub.settings", "hub.answers", "courses.imaging.window_level", "courses.physiology"):
                try:
                    print(name, importlib.util.find_spec(name) is not None)
                except ModuleNotFoundError:
                    print(name, False)
            """
        )
    )
    assert cell["error"] is None
    assert len(text_of(cell).split()) == 10
    assert "True" not in text_of(cell)


def test_jobs_share_no_random_numbers_and_no_files(runner):
    look = """
        import os, random, numpy as np
        print(os.listdir('.'), random.random(), np.random.rand())
        open('mine', 'w').write('x')
    """
    texts = [text_of(answered(runner.ask(look))[0]) for _ in range(2)]
    assert all(text.startswith("[] ") for text in texts)
    assert texts[0] != texts[1]


# what would decide in one's own favour


def test_an_ast_transformer_touches_no_probe(runner):
    cells = answered(
        runner.ask(
            """
            import ast
            class Drop(ast.NodeTransformer):
                def visit_Assert(self, node):
                    return ast.Pass()
            get_ipython().ast_transformers.append(Drop())
            get_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])
            """,
            "print('not run')",
            probe("assert __leaf__(0, lambda: 3) == 4"),
        )
    )
    assert text_of(cells[1]) == ""
    assert cells[2]["error"]["ename"] == "AssertionError"
    assert value_of(cells[2]) == 3


def test_patched_builtins_do_not_change_what_is_emitted(runner):
    cells = answered(
        runner.ask(
            """
            import builtins, json, os
            import courses.values as values
            __leaf__ = lambda key, thunk: 99
            builtins.compile = builtins.exec = lambda *a, **k: None
            json.dumps = json.JSONEncoder.encode = values.encode = lambda *a, **k: '{}'
            json.loads = lambda *a: {}
            """,
            probe("__leaf__(0, lambda: 5)"),
        )
    )
    assert value_of(cells[1]) == 5


def test_an_overwritten_numpy_is_the_jobs_own(runner):
    cells = answered(
        runner.ask(
            """
            import sys, types, numpy as np
            np.allclose = np.array_equal = lambda *a, **k: True
            sys.modules['numpy'] = types.ModuleType('numpy')
            """,
            probe("__leaf__(0, lambda: np.arange(3))"),
        )
    )
    assert value_of(cells[1]).tolist() == [0, 1, 2]
    (cell,) = answered(runner.ask("import numpy as np\nnp.allclose([1], [2])"))
    assert cell["outputs"][0]["data"]["text/plain"] == "False"


def test_hostile_objects_are_opaque(runner):
    cells = answered(
        runner.ask(
            """
            class Meta(type):
                __name__ = property(lambda self: 1 / 0)
                __mro__ = property(lambda self: 1 / 0)
            class Evil(metaclass=Meta):
                def _no(self, *a):
                    raise SystemExit('evil')
                __repr__ = __eq__ = __hash__ = __reduce__ = __reduce_ex__ = __len__ = __iter__ = __bool__ = _no
                __class__ = property(lambda self: int)
            class Thrown(Exception):
                __str__ = __repr__ = lambda self: 1 / 0
            def thrown():
                raise Thrown
            deep = []
            for _ in range(100_000):
                deep = [deep]
            """,
            probe("__leaf__(0, lambda: Evil()); __leaf__(1, lambda: deep); __leaf__(2, lambda: [Evil()])"),
            probe("__leaf__(3, thrown)"),
        )
    )
    assert isinstance(value_of(cells[1]), Opaque)
    assert isinstance(value_of(cells[1], 1), Opaque)
    assert isinstance(value_of(cells[1], 2)[0], Opaque)
    assert dict(cells[2]["leaves"])[3]["raised"]["type"] == "Thrown"


SCAN = '''
import ctypes, gc, os
read_end, write_end = os.pipe()
libc = ctypes.CDLL(None)
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
def held(page):
    told = libc.write(write_end, page, 1)
    if told == 1:
        os.read(read_end, 1)
    return told == 1
def memory():
    pages, near = set(), 512
    for thing in gc.get_objects():
        at = id(thing) >> 12
        pages.update(range(at - 1, at + 2))
    regions = {page // near for page in pages}
    for region in sorted(regions):
        for page in range(region * near, (region + 1) * near):
            if held(page << 12):
                yield ctypes.string_at(page << 12, 4096)
def holds(data, parts):
    """Whether `parts` stand in `data` one after another; whoever asks never holds the whole."""
    first, *rest = [part.encode() for part in parts]
    at = data.find(first)
    while at >= 0:
        end = at + len(first)
        for part in rest:
            if data[end : end + len(part)] != part:
                break
            end += len(part)
        else:
            return True
        at = data.find(first, at + 1)
    return False
def found(parts):
    return sum(holds(page, parts) for page in memory())
mine = ("control", "of", "the", "search")
kept = "".join(mine).encode() * 3
'''
"""Reads whatever memory lies near any object of Python, and finds what it is known to hold."""


def test_no_test_and_no_other_submission_is_in_memory(runner):
    secret = "".join(SECRET)
    answered(runner.ask(f"x = {secret!r} * 1000", probe(f"__leaf__(0, lambda: x + {secret!r})")))
    with beside(runner, f"x = {secret!r} * 1000"):
        cells = answered(
            runner.ask(SCAN, f"print(found({SECRET!r}), found(mine) > 0)", probe(f"__leaf__(0, lambda: {secret!r})"))
        )
    assert cells[1]["error"] is None
    assert text_of(cells[1]) == "0 True\n"


def test_no_test_is_in_a_frame_or_a_file(runner, tmp_path):
    (tmp_path / "test.ipynb").write_text("".join(SECRET))
    cells = answered(
        runner.ask(
            SCAN,
            f"""
            import os, sys
            frame, seen = sys._getframe(), 0
            while frame is not None:
                seen += holds(repr(frame.f_locals).encode(), {SECRET!r})
                frame = frame.f_back
            files = [os.path.join(top, name) for top, _, names in os.walk('/xinglin') for name in names]
            print(seen, len(files) > 50, sum(holds(open(path, 'rb').read(), {SECRET!r}) for path in files))
            print(os.path.exists({str(tmp_path)!r}), os.listdir('/proc'), os.path.exists({str(ROOT / "exams")!r}))
            """,
            probe(f"__leaf__(0, lambda: {''.join(SECRET)!r})"),
        )
    )
    assert text_of(cells[1]) == "0 True 0\nFalse [] False\n"


def test_the_environment_is_its_own(runner):
    (cell,) = answered(
        runner.ask(
            """
            import ctypes, os
            held = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), "environ")
            at = 0
            while held[at]:
                print(held[at].decode())
                at += 1
            print(*(f"{name}={value}" for name, value in os.environ.items()), sep="\\n")
            """
        )
    )
    names = {line.split("=")[0] for line in text_of(cell).splitlines()}
    of_a_kernel = {"CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "GIT_PAGER", "PAGER", "TERM"}
    assert ENVIRONMENT.keys() <= names <= {*ENVIRONMENT, *of_a_kernel, "PWD"}
    assert "".join(SECRET) not in text_of(cell)


# what would reach outside


def test_nobody_is_in_its_network(runner):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(f"\0xinglin-{os.getpid()}")
        abstract.listen()
        (cell,) = answered(
            runner.ask(
                f"""
                import socket
                for family, address in (
                    (socket.AF_INET, ("127.0.0.1", {server.getsockname()[1]})),
                    (socket.AF_UNIX, "\\0xinglin-{os.getpid()}"),
                    (socket.AF_VSOCK, (2, 22)),
                    (socket.AF_NETLINK, (0, 0)),
                ):
                    try:
                        socket.socket(family).connect(address)
                        print("connected")
                    except OSError as error:
                        print("refused", error.errno)
                """
            )
        )
    assert text_of(cell).split()[::2] == ["refused"] * 4


def test_two_jobs_do_not_meet(runner):
    name = f"\\0meeting-{os.getpid()}"
    listening = runner.send(
        f"""
        import os, socket
        server = socket.socket(socket.AF_UNIX)
        server.bind("{name}")
        server.listen()
        server.settimeout(2)
        open('/dev/shm/there', 'w').write('x')
        try:
            server.accept()
            print("met")
        except TimeoutError:
            print("alone")
        """
    )
    (cell,) = answered(
        runner.ask(
            f"""
            import os, socket, time
            until = time.monotonic() + 1.5
            while time.monotonic() < until:
                try:
                    socket.socket(socket.AF_UNIX).connect("{name}")
                    print("met")
                    break
                except OSError:
                    time.sleep(0.05)
            print(os.listdir('/dev/shm'), os.listdir('/tmp'), os.listdir('/dev/pts'))
            """
        )
    )
    # where this tree or its Python lies in the machine's own /tmp, its place is shown there and nothing else
    ours = {Path(path).parts[2] for path in (ROOT, sys.prefix, sys.base_prefix) if Path(path).parts[1] == "tmp"}
    assert text_of(cell) == f"[] {sorted(ours)} ['ptmx']\n"
    assert text_of(answered(runner.reply(listening))[0]) == "alone\n"


def test_nothing_but_its_own_folder_can_be_written(runner, tmp_path):
    gradebook = tmp_path / "gradebook.db"
    gradebook.write_text("marks")
    (cell,) = answered(
        runner.ask(
            f"""
            import os
            own = os.stat(os.environ["HOME"]).st_dev
            writable = {{
                top for top, _, _ in os.walk('/') if os.stat(top).st_dev != own and os.access(top, os.W_OK)
            }}
            print(sorted(writable))
            for path in ({str(gradebook)!r}, '/home/x', '/dev/x', '/xinglin/x', '/usr/x', '/x'):
                try:
                    open(path, 'w').write('100')
                    print('written', path)
                except OSError as error:
                    print('refused')
            """
        )
    )
    lines = text_of(cell).splitlines()
    assert lines[0] in ("[]", "['/dev/pts']")
    assert lines[1:] == ["refused"] * 6
    assert gradebook.read_text() == "marks"


def test_no_private_key_of_the_machine_is_there(runner):
    (cell,) = answered(
        runner.ask("import os, ssl\nprint(os.listdir('/etc/ssl'), ssl.create_default_context().check_hostname)")
    )
    assert "private" not in text_of(cell)
    assert cell["error"] is None


def test_other_processes_cannot_be_looked_into(runner):
    (cell,) = answered(
        runner.ask(
            """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            print(os.getpid())
            for pid in (1, os.getppid()):
                print(libc.ptrace(16, pid, None, None), os.path.exists(f'/proc/{pid}/mem'))
            print(libc.unshare(0x10000000), libc.mount(b'x', b'/tmp', b'tmpfs', 0, None), libc.memfd_create(b'x', 0))
            """
        )
    )
    assert text_of(cell) == "1\n-1 False\n-1 False\n-1 -1 -1\n"


def test_whoever_it_kills_it_kills_in_its_own_job(runner):
    with beside(runner):
        (cell,) = answered(
            runner.ask(
                """
                import os, signal
                for number in (signal.SIGKILL, signal.SIGSTOP):
                    for pid in (-1, 0, 1, os.getppid(), *range(2, 3000)):
                        try:
                            os.kill(pid, number)
                        except OSError:
                            pass
                print("here")
                """
            )
        )
    assert text_of(cell) == "here\n"


# what would not end, or fill


def test_a_daemon_ends_with_its_job(runner):
    cells = answered(
        runner.ask(
            """
            import os, signal
            hear, tell = os.pipe()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    os.write(tell, b'born')
                    while True:
                        signal.pause()
                os._exit(0)
            print(os.read(hear, 4).decode())
            """,
        )
    )
    assert text_of(cells[0]) == "born\n"
    assert runner.warm().children(recursive=True) == []


def test_a_fork_that_comes_back_from_its_cell_says_nothing(runner):
    cells = answered(runner.ask("import os\nchild = os.fork()", "print('once')", probe("__leaf__(0, lambda: 1)")))
    assert text_of(cells[1]) == "once\n"
    assert value_of(cells[2]) == 1


def test_sleeping_for_ever(runner):
    source = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.pthread_sigmask(0, range(1, 65))"
    )
    reply = runner.ask("x = 1", f"{source}\nwhile True:\n    time.sleep(1)", "x", wall_s=0.5)
    assert held(reply, "time") == 1


def test_a_busy_loop(runner):
    held(runner.ask("while True:\n    pass", cpu_s=1), "cpu")


def test_busy_children(runner):
    held(runner.ask("import os\nfor _ in range(3):\n    os.fork()\nwhile True:\n    pass", cpu_s=1), "cpu")


def test_forks_without_end(runner):
    reply = runner.ask(
        """
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """,
        wall_s=5,
    )
    held(reply, "tasks", "cpu", "time")  # where Linux itself counts, forks fail and the loop goes on


def test_threads_without_end(runner):
    reply = runner.ask(
        """
        import threading, time
        while True:
            threading.Thread(target=time.sleep, args=(1000,)).start()
        """
    )
    if reply["stopped"] is None:
        assert reply["cells"][0]["error"]["ename"] == "RuntimeError"  # Linux itself counts
    else:
        held(reply, "tasks")


def test_memory_at_once(runner):
    cells = answered(runner.ask("x = bytearray(1 << 30)", "print('goes on')"))
    assert cells[0]["error"]["ename"] == "MemoryError"
    assert text_of(cells[1]) == "goes on\n"


@pytest.mark.parametrize(
    "fill",
    [
        "held = bytearray(100 << 20)\nheld[::4096] = bytes(len(held) // 4096)",
        "import mmap\nheld = mmap.mmap(-1, 100 << 20)\nfor at in range(0, len(held), 4096):\n    held[at] = 1",
    ],
    ids=["own", "shared"],
)
def test_memory_of_many_processes(runner, fill):
    source = f"import ctypes, os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        break\n{fill}\n"
    held(runner.ask(source + "time.sleep(1000)"), "memory")
    held(runner.ask(source + "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\ntime.sleep(1000)"), "memory")  # not dumpable


def test_a_full_disk(runner):
    (cell,) = answered(
        runner.ask(
            """
            import os
            written, why = 0, set()
            for number in range(100):
                try:
                    with open(f'file{number % 20}', 'ab', 0) as file:
                        written += file.write(bytes(1 << 20))
                except OSError as error:
                    why.add(error.errno)
            print(written <= 8 << 20, why)
            """
        )
    )
    assert text_of(cell) == "True {28}\n"


def test_files_without_end(runner):
    (cell,) = answered(
        runner.ask("import os\nos.mkdir('x')\nfor number in range(1_000_000):\n    os.mknod(f'x/{number}')")
    )
    assert cell["error"]["ename"] == "OSError"


def test_printing_a_gigabyte(runner):
    (cell,) = answered(runner.ask("for _ in range(1000):\n    print('x' * (1 << 20))"))
    text = text_of(cell)
    assert 50_000 <= len(text) < 50_200
    assert "output cut at 50000 bytes" in text


def test_a_warning_is_known_of_whatever_was_printed_before(runner):
    """By nbgrader's rule a test that writes to stderr earns nothing; that output was cut is no such text."""
    loud, quiet, warns = answered(
        runner.ask("print('x' * 60_000)", "print('y')", "import sys\nprint('no', file=sys.stderr)\nprint('z')")
    )
    streams = [{each["name"] for each in cell["outputs"]} for cell in (loud, quiet, warns)]
    assert streams == [{"stdout"}, set(), {"stderr"}]


def test_printing_for_ever(runner):
    held(runner.ask("while True:\n    print('x' * 1000)", cpu_s=1), "cpu")


def test_a_gigabyte_to_the_channel(runner):
    before = psutil.Process(runner.process.pid).memory_info().rss
    held(runner.ask("import os\nfor _ in range(1000):\n    os.write(3, b'x' * (1 << 20))"), "output")
    assert psutil.Process(runner.process.pid).memory_info().rss - before < 100 << 20


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b"{}\n",
        b'{"outputs": [], "error": null, "leaves": [[0, {"value": NaN}]]}\n',
        b'{"outputs": [{"output_type": "display_data", "data": {"text/html": "x"}, "metadata": {}}],'
        b' "error": null, "leaves": []}\n',
    ],
)
def test_nonsense_in_the_channel(runner, nonsense):
    held(runner.ask(f"import os\nos.write(3, {nonsense!r})"), "protocol")


def test_closing_all_files(runner):
    held(runner.ask("import os\nos.closerange(0, 10_000)"), "ended", "protocol")
    held(runner.ask("import os, time\nos.closerange(0, 10_000)\ntime.sleep(1000)"), "protocol")


@pytest.mark.parametrize(
    "leave",
    [
        "import os\nos._exit(0)",
        "import ctypes\nctypes.string_at(0)",
        "import os\nos.abort()",
        "import ctypes\nctypes.CDLL(None).exit(0)",
    ],
    ids=["exit", "segfault", "abort", "libc"],
)
def test_leaving_in_the_middle(runner, leave):
    assert held(runner.ask("x = 1", leave, "x"), "ended") == 1


def test_a_bottomless_recursion(runner):
    reply = runner.ask(
        """
        import sys
        sys.setrecursionlimit(10**9)
        class Deep:
            def __getattr__(self, name):
                return getattr(self, name)
        Deep().x
        """
    )
    held(reply, "ended", "memory")


# the runner itself


def test_a_lost_sandbox_is_replaced_and_its_jobs_are_run_again(runner):
    job = runner.send("import os, time\nopen('x', 'w')\ntime.sleep(1)\nprint('done')")
    first = runner.warm()
    until(lambda: jobs_of(runner), 10, "the job runs", 0.01)
    first.kill()
    assert text_of(answered(runner.reply(job))[0]) == "done\n"
    assert runner.warm().pid != first.pid


def test_a_job_that_loses_two_sandboxes_is_given_up(runner):
    job = runner.send("import os, time\nif os.fork():\n    os.fork()\ntime.sleep(1000)", wall_s=60)
    for _ in range(2):
        warm = until(lambda: sleeper(runner), 30, "the job runs", 0.01)
        warm.kill()
        warm.wait(10)
    held(runner.reply(job), "ended")


def sleeper(runner):
    """The warm process whose job has forked twice, if there is one."""
    with contextlib.suppress(psutil.NoSuchProcess):  # the one before is on its way out
        return next((each.parent() for each in jobs_of(runner) if len(each.children()) == 2), None)
    return None


@contextlib.contextmanager
def beside(runner, source=""):
    """While another job is there that has run `source`: it is seen to be there, and to be there still at the end."""
    job = runner.send(f"{source}\nimport os, signal\nos.fork()\nsignal.pause()", wall_s=600)
    own = until(lambda: next((each for each in jobs_of(runner) if below(each)), None), 30, "it runs", 0.01)
    try:
        yield
        assert {each.status() for each in (own, *own.children())} == {psutil.STATUS_SLEEPING}
        assert job not in runner.replies
    finally:
        own.kill()  # from outside, as Linux does where memory runs out: that is what the reply takes it for
        reply = runner.reply(job)
    held(reply, "memory")


def below(process):
    """Its children, none where it has ended meanwhile."""
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def jobs_of(runner):
    """The first processes of all jobs, none while there is no sandbox."""
    try:
        return [each for each in runner.warm().children() if first_of_a_namespace(each)]
    except (LookupError, psutil.NoSuchProcess):
        return []


def first_of_a_namespace(process):
    """As a job's first process is; what forks it is there for a moment too, and is not."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return re.search(r"^NSpid:.*\t1$", status, re.MULTILINE) is not None


def test_two_jobs_run_at_once_and_not_three(runner):
    source = "import time\nprint(time.monotonic())\ntime.sleep(1)\nprint(time.monotonic())"
    jobs = [runner.send(source) for _ in range(4)]
    spans = [tuple(map(float, text_of(answered(runner.reply(job))[0]).split())) for job in jobs]
    assert max(sum(start <= begun < end for start, end in spans) for begun, _ in spans) == 2


def test_what_a_job_names_is_imported_before_it_and_once_for_all():
    look = "import sys\nprint('pan' 'das' in sys.modules)"
    runner = Runner()
    for cells, there in (([look], "False\n"), ([look, "import pandas"], "True\n"), ([look], "True\n")):
        assert text_of(answered(runner.ask(*cells))[0]) == there
    runner.close()


def test_a_sandbox_that_is_lost_over_an_import_is_replaced():
    runner = Runner()
    answered(runner.ask("1"))
    first = runner.warm()
    first.suspend()
    job = runner.send("import pandas\nprint('done')")
    first.kill()
    assert text_of(answered(runner.reply(job))[0]) == "done\n"
    assert runner.warm().pid != first.pid
    runner.close()


def test_nothing_is_left_when_the_runner_is_killed():
    runner = Runner()
    runner.send("import os, time\nos.fork()\ntime.sleep(1000)", wall_s=1000)
    until(lambda: jobs_of(runner), 60, "the job runs", 0.05)
    left = psutil.Process(runner.process.pid).children(recursive=True)
    with runner.process:
        runner.process.kill()
    assert psutil.wait_procs(left, 10)[1] == []


def test_a_missing_bubblewrap_is_one_clear_sentence(tmp_path):
    (tmp_path / "python").symlink_to(shutil.which("true"))
    result = subprocess.run(
        COMMAND, env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, input=""
    )
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert "bubblewrap is missing" in line
