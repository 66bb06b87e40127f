"""jupyter_client's own tests of kernel managers and clients, with our kernel in the place of theirs.

They come with the source distribution of the locked version. Its other files start no kernel that could be ours: they
test messages, kernelspecs and commands, or provisioners and servers that they bring along.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bootstrap import source_distribution
from tests.support.narrowing import present
from tests.support.platform import ROOT

SUITE_S = 600
FILES = ("test_client", "test_consoleapp", "test_kernelmanager", "test_multikernelmanager", "test_restarter")
LEFT_OUT = {
    # our provisioner takes ipc where no port was asked for, and these ask which port they were given
    "tests/test_multikernelmanager.py::TestKernelManager::test_tcp_cinfo",
    "tests/test_multikernelmanager.py::TestAsyncKernelManager::test_tcp_cinfo",
    # its cell is a bare word, which only the echo kernel can run
    "tests/test_client.py::TestAsyncKernelClient::test_execute_interactive",
    # these send a test kernel's own commands (`start`, `check`, `sleep`, `env`)
    "tests/test_kernelmanager.py::TestKernelManager::test_signal_kernel_subprocesses",
    "tests/test_kernelmanager.py::TestAsyncKernelManager::test_signal_kernel_subprocesses",
    "tests/test_kernelmanager.py::TestKernelManager::test_templated_kspec_env",
    "tests/test_kernelmanager.py::TestParallel::",
    # a kernel that fails at its start on purpose is never forked; a minute of waiting for it
    "tests/test_restarter.py::test_restarter_gives_up",
    "tests/test_restarter.py::test_async_restarter_gives_up",
}
"""Tests that cannot have our kernel, by the beginning of their ids."""
SKIPPED = {
    "tests/test_client.py::TestThreadedKernelClient::test_execute_interactive",
    "tests/test_multikernelmanager.py::TestKernelManager::test_start_parallel_process_kernels",
}
"""Those that skip themselves on Linux, with whatever kernel."""
LEAST_FORKED = 100


def unpack(archive, folder):
    """Tests and their configuration; the package itself stays out, so that the installed one is tested."""
    with tarfile.open(archive) as packed:
        for member in packed:
            path = Path(*Path(member.name).parts[1:])
            if member.isfile() and path.parts[0] in {"pyproject.toml", "tests"} and ".." not in path.parts:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(present(packed.extractfile(member)).read())


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """{"outcomes": {test: outcome}, "left_out": [test], "forked": kernels, "stock": kernels} of a run of the suite."""
    folder = tmp_path_factory.mktemp("suite")
    archive = source_distribution("jupyter-client", ROOT / "requirements-dev.lock")
    assert archive is not None, "bootstrap.py --dev fetches it"
    unpack(archive, folder)
    shutil.copy(ROOT / "tests" / "support" / "jupyter_client_plugin.py", folder)
    environment = {
        **os.environ,
        "ASYNC_TEST_TIMEOUT": "60",  # seconds; one test forks this process, whose first kernel waits for a parent
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "xinglin-fork",  # kernels with faults go through our provisioner too
        "PYTEST_ADDOPTS": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    plugins = ["-p", "pytest_timeout", "-p", "jupyter_client_plugin", "-p", "no:cacheprovider", "--basetemp=temporary"]
    options = ["-q", "--color=no", "-o", "timeout_method=signal", *(f"--deselect={test}" for test in LEFT_OUT)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, *options, *(f"tests/{name}.py" for name in FILES)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SUITE_S,
    )
    assert done.returncode == 0, done.stdout
    return json.loads((folder / "report.json").read_text())


def test_all_passes_but_for_what_is_named(report):
    others = {test: outcome for test, outcome in report["outcomes"].items() if outcome != "passed"}
    assert others == dict.fromkeys(SKIPPED, "skipped")
    assert [test for test in LEFT_OUT if not any(found.startswith(test) for found in report["left_out"])] == []


def test_the_kernels_were_forks(report):
    assert report.get("stock", 0) == 0
    assert report["forked"] > LEAST_FORKED
