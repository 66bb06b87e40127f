"""Which of the slow tier CI runs."""

import subprocess
from types import SimpleNamespace

import pytest

from tests import run
from tests.conftest import ALONE, FAST, SKIPS, SLOW, Skips

KERNELS = "tests/integration/test_jupyter_client_suite.py"


def test_what_a_changed_file_is_or_is_tested_by_runs():
    assert KERNELS in run.affected(["hub/kernels/child.py"])
    assert KERNELS in run.affected(["README.md", KERNELS])
    assert run.affected(["README.md"]) == []
    assert run.affected(["tests/support/platform.py"]) == list(SLOW)


def test_all_of_it_runs_if_nobody_knows_what_changed():
    assert run.affected(None) == list(SLOW)


def test_every_row_names_tests_and_paths_that_exist():
    for tests, paths in SLOW.items():
        file, _, name = tests.partition("::")
        text = (run.ROOT / file).read_text(encoding="utf-8")
        assert not name or f"def {name.partition('[')[0]}(" in text, tests
        assert [path for path in paths if not any(run.ROOT.glob(f"{path}*"))] == []
    assert [folder for folder in FAST if not (run.ROOT / folder).is_dir()] == []


def test_what_runs_by_itself_runs_once_and_paths_say_what_of_each_pass():
    together, alone = run.passes("test", ["--durations=25"])
    assert "not slow and not alone" in together
    assert alone[: len(ALONE)] == list(ALONE)
    for arguments in run.passes("test", ["tests/browser", "-k", "marking"]):
        assert [one for one in arguments if one.startswith("tests/")] == ["tests/browser"]
    (fast,) = run.passes("fast", [])
    assert fast[: len(FAST)] == list(FAST)


@pytest.mark.parametrize(
    ("reason", "strict", "status"), [(SKIPS[0], True, 0), ("no time", False, 0), ("no time", True, 1)]
)
def test_in_ci_a_skip_whose_reason_is_not_listed_is_a_failure(reason, strict, status):
    skips, session = Skips(strict), SimpleNamespace(exitstatus=0)
    skips.pytest_runtest_logreport(SimpleNamespace(skipped=True, longrepr=("file", 1, f"Skipped: {reason}")))
    skips.pytest_sessionfinish(session)
    assert session.exitstatus == status


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A new repository with one commit, which tests/run.py takes for ours; gives a function that calls git in it."""

    def git(*arguments):
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "GREEN", tmp_path / "green.txt")
    git("init", "-q")
    (tmp_path / "hub" / "kernels").mkdir(parents=True)
    (tmp_path / "hub" / "kernels" / "child.py").write_text("1")
    run.GREEN.write_text("none")
    git("add", ".")
    git("commit", "-qm", "first")
    return git


def test_since_the_noted_commit_only_what_changed_runs(repository, tmp_path, monkeypatch):
    ran: list[str] = []

    def noted(arguments, _seconds):
        ran.append(arguments[0])
        return 0

    monkeypatch.setattr(run, "pytest_run", noted)
    run.run_changed([])
    assert ran == list(SLOW)  # the noted commit is unknown
    run.GREEN.write_text(repository("rev-parse", "HEAD"))
    repository("commit", "-qam", "noted")
    ran.clear()
    assert run.run_changed([]) == 0
    assert ran == []
    (tmp_path / "hub" / "kernels" / "child.py").write_text("2")
    run.run_changed([])
    assert KERNELS in ran
    assert len(ran) < len(SLOW)


def test_what_finds_no_time_is_named_and_a_failure_is_one(repository, monkeypatch, capsys):
    monkeypatch.setattr(run, "SLOW_TIER_S", 0)
    monkeypatch.setattr(run, "pytest_run", lambda *_call: 1)
    assert run.run_changed([]) == 0
    assert KERNELS in capsys.readouterr().out
    monkeypatch.setattr(run, "SLOW_TIER_S", 600)
    assert run.run_changed([]) == 1


def test_only_a_clean_tree_is_noted_as_green(repository, tmp_path):
    (tmp_path / "hub" / "kernels" / "child.py").write_text("2")
    run.note_green()
    assert run.GREEN.read_text() == "none"
    repository("checkout", "-q", ".")
    run.note_green()
    assert run.GREEN.read_text() == repository("rev-parse", "HEAD")
