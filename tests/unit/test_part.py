"""Parts: real processes that die, are started again, and are stopped for certain."""

import asyncio
import os
import signal
import sys

import psutil
import pytest

from hub import part as parts
from hub.part import Part
from tests.support.narrowing import present

DEADLINE_S = 15


async def until(found, what):
    """Poll `found` until it gives something true."""
    async with asyncio.timeout(DEADLINE_S):
        while not (value := found()):
            await asyncio.sleep(0.01)
    assert value, what
    return value


@pytest.fixture(autouse=True)
def brisk(monkeypatch):
    """The times a person would wait for, made short."""
    monkeypatch.setattr(parts, "BACKOFF_S", 0.01)
    monkeypatch.setattr(parts, "STOP_TIMEOUT_S", 0.2)


@pytest.fixture
async def run(tmp_path):
    """Starts a part that runs Python `code`; all are stopped in the end."""
    running = []

    def start(code, **options):
        argv = [sys.executable, "-S", "-c", code]
        made = Part("part", argv, {"WORD": "heard"}, tmp_path / "logs" / "part.log", **options)
        running.append((made, asyncio.create_task(made.run())))
        return running[-1]

    yield start
    for made, task in running:
        await made.stop()
        await asyncio.wait_for(task, DEADLINE_S)


SLEEP = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile 1: signal.pause()"
)


async def up(part, times=1):
    await until(lambda: part.tail().count("up") >= times, "the part is up")
    return part.process.pid


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_part_that_dies_is_started_again(run, caplog):
    part, _ = run(SLEEP)
    first = await up(part)
    os.kill(first, signal.SIGKILL)
    second = await up(part, times=2)
    assert first != second
    assert "code -9" in caplog.text
    assert str(part.log_file) in caplog.text


async def test_a_part_that_always_fails_is_tried_again_and_again(run):
    part, task = run("print('up'); raise SystemExit(3)")
    await up(part, times=3)
    assert not task.done()


async def test_a_stop_ends_the_run_and_the_process(run):
    part, task = run(SLEEP)
    pid = await up(part)
    await part.stop()
    await asyncio.wait_for(task, DEADLINE_S)
    assert gone(pid)
    assert part.process.returncode == -signal.SIGTERM


async def test_a_stubborn_process_is_killed(run):
    part, _ = run(STUBBORN)
    pid = await up(part)
    await part.stop()
    assert gone(pid)
    assert part.process.returncode == -signal.SIGKILL


async def test_what_a_part_has_started_goes_with_it(run):
    part, _ = run(f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {STUBBORN!r}]).wait()")
    pid = await up(part)
    (child,) = psutil.Process(pid).children()
    await part.stop()
    await until(lambda: gone(child.pid), "the child is gone")


async def test_a_launcher_that_dies_leaves_no_program_behind(run):
    """As of Node from PyPI, which is a Python script that starts the real one."""
    part, _ = run(f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {STUBBORN!r}]).wait()")
    pid = await up(part)
    (child,) = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    await up(part, times=2)
    assert gone(child.pid)


async def test_a_stop_before_the_start_starts_nothing(tmp_path):
    part = Part("part", [sys.executable, "-c", SLEEP], {}, tmp_path / "part.log")
    await part.stop()
    await asyncio.wait_for(part.run(), DEADLINE_S)
    assert part.process is None
    assert part.tail() == ""


async def test_a_stop_while_the_process_is_being_made_leaves_none(run):
    part, task = run(SLEEP)
    await asyncio.sleep(0)  # the run has begun, the process is not there yet
    await part.stop()
    await asyncio.wait_for(task, DEADLINE_S)
    assert part.process is None or gone(part.process.pid)


async def test_after_each_start_it_is_prepared(run):
    prepared = []

    async def prepare():
        prepared.append(part.process.pid)

    part, _ = run(SLEEP, started=prepare)
    os.kill(await up(part), signal.SIGKILL)
    await up(part, times=2)
    await until(lambda: len(prepared) == 2, "prepared twice")
    assert prepared[1] == part.process.pid


async def test_a_part_that_dies_while_it_is_prepared_is_started_again(run):
    async def forever():
        await asyncio.Event().wait()

    part, _ = run("print('up')", started=forever)
    await up(part, times=2)


async def test_a_stop_does_not_wait_for_the_preparing(run):
    async def forever():
        await asyncio.Event().wait()

    part, task = run(SLEEP, started=forever)
    await up(part)
    await part.stop()
    await asyncio.wait_for(task, DEADLINE_S)


async def test_a_part_that_cannot_be_prepared_is_started_anew(run, caplog):
    tries = []

    async def refused():
        tries.append(part.process.pid)
        await until(lambda: part.tail().count("up") >= len(tries), "the part is up")
        raise ConnectionRefusedError("nobody there")

    part, _ = run(SLEEP, started=refused)
    await up(part, times=2)
    assert "nobody there" in caplog.text


async def test_output_and_environment(run):
    part, _ = run("import os, sys; print(dict(os.environ)['WORD'], file=sys.stderr)\n" + SLEEP)
    await up(part)
    assert part.tail() == "heard\nup"
    assert part.tail(1) == "up"


async def test_a_long_log_makes_way(run, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "LOG_BYTES", 10)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "part.log").write_text("x" * 11)
    part, _ = run(SLEEP)
    await up(part)
    assert part.tail() == "up"
    assert (tmp_path / "logs" / "part.log.1").read_text() == "x" * 11


def test_a_part_does_not_outlive_a_platform_that_is_killed(tmp_path):
    """The kernel's promise (prctl(2), PR_SET_PDEATHSIG), tried on a platform that is killed by -9."""
    code = (
        "import asyncio, sys; from pathlib import Path; from hub.part import Part\n"
        f"part = Part('p', [sys.executable, '-S', '-c', {SLEEP!r}], {{}}, Path({str(tmp_path / 'p.log')!r}))\n"
        "async def main():\n"
        "    run = asyncio.create_task(part.run())\n"
        "    while 'up' not in part.tail(): await asyncio.sleep(0.01)\n"
        "    print(part.process.pid, flush=True); await run\n"
        "asyncio.run(main())"
    )

    async def kill_it():
        platform = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
        pid = int(await asyncio.wait_for(present(platform.stdout).readline(), DEADLINE_S))
        assert not gone(pid)
        platform.kill()
        await platform.wait()
        await until(lambda: gone(pid), "the part is gone")

    asyncio.run(kill_it())
