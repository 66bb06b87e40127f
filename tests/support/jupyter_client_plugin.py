"""A pytest plugin for jupyter_client's own test suite: the kernels that it starts are ours.

It is copied beside the unpacked suite and runs in a process of its own (see test_jupyter_client_suite.py).
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager

from hub.kernels.link import PARENTS, ForkedProcess
from hub.kernels.provisioner import ForkProvisioner

REPORT = Path("report.json")
OURS = KernelSpecManager().get_kernel_spec("xinglin")  # now: the suite's fixtures hide the environment's kernels
PRELOAD = OURS.metadata["kernel_provisioner"]["config"]["preload"]
STANDS_FOR = {"python3", "echo", "signaltest", "problemtest"}
"""Names under which the suite asks for a kernel that has no fault on purpose."""
PARENT_S = 120

started: Counter[str] = Counter()
outcomes: dict[str, str] = {}
left_out: list[str] = []

get_kernel_spec = KernelSpecManager.get_kernel_spec
launch_kernel = ForkProvisioner.launch_kernel


def ours_for(self, kernel_name):
    """KernelSpecManager.get_kernel_spec."""
    return OURS if kernel_name in STANDS_FOR else get_kernel_spec(self, kernel_name)


async def counted(self, cmd, **kwargs):
    """ForkProvisioner.launch_kernel: a kernel of ours that starts the stock way is told from a forked one."""
    connection = await launch_kernel(self, cmd, **kwargs)
    if self.kernel_spec is OURS:
        started["forked" if isinstance(self.process, ForkedProcess) else "stock"] += 1
    return connection


KernelSpecManager.get_kernel_spec = ours_for  # type: ignore[method-assign]  # replaced for the whole run
ForkProvisioner.launch_kernel = counted  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def warm_parent(jp_environ, monkeypatch, home):
    """One parent for all tests, ready before each.

    The suite gives each test a home of its own, and a kernel with another home needs another parent: each would wait
    for imports and for matplotlib to look through the fonts, longer than the five seconds of many tests.
    """
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(home / "jupyter"))
    PARENTS.get(PRELOAD, os.environ).ready.result(PARENT_S)


def pytest_deselected(items):
    left_out.extend(item.nodeid for item in items)


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish():
    REPORT.write_text(json.dumps({"outcomes": outcomes, "left_out": left_out, **started}))


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure():
    """A failed test leaves sockets open that the interpreter would wait for at its end, whatever the kernel."""
    if "failed" in outcomes.values():
        sys.stdout.flush()
        os._exit(pytest.ExitCode.TESTS_FAILED)
