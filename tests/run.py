"""Run a tier of the tests: `python -m tests.run TIER [pytest's options]`.

    fast      unit and content tests
    test      everything that a change may break: what `make test` runs
    all       also the slow tier, and ten times the examples of property tests
    changed   of the slow tier, the tests whose paths changed since all of it was green; 30 minutes at most

Two workers share the tests; those with short limits run by themselves afterwards. `all` and `changed`, passed on a
clean tree, note the commit in GREEN, which is what `changed` compares with.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ALONE, FAST, SHARED_BY_ALL, SLOW
from tests.support.properties import THOROUGH

ROOT = Path(__file__).resolve().parents[1]
GREEN = ROOT / "tests" / "slow_tier_passed_at.txt"
SLOW_TIER_S = 30 * 60
STOPS_WITHIN_S = 60
TOGETHER = ("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder")


def passes(tier: str, options: Sequence[str]) -> list[list[str]]:
    """The calls of pytest: what runs together, then what runs by itself; paths among `options` say what of each."""
    chosen = any((ROOT / option.partition("::")[0]).exists() for option in options if not option.startswith("-"))
    where = {"together": [] if chosen or tier != "fast" else FAST, "alone": [] if chosen else ALONE}
    tiers = {"fast": "not slow and ", "test": "not slow and ", "all": ""}
    more = [f"--hypothesis-profile={THOROUGH}"] if tier == "all" else []
    together = [*where["together"], *TOGETHER, "-m", f"{tiers[tier]}not alone", *more, *options]
    alone = [*where["alone"], "-m", f"{tiers[tier]}alone", *more, *options]
    return [together] if tier == "fast" else [together, alone]


def pytest_run(arguments: Sequence[str], seconds: float | None = None) -> int:
    """pytest's exit code; `seconds`: after which it is told to stop, and that is a failure."""
    with subprocess.Popen([sys.executable, "-m", "pytest", *arguments], cwd=ROOT) as running:
        try:
            return running.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"tests: {' '.join(arguments)} did not end within {seconds:.0f} s", flush=True)
            running.send_signal(signal.SIGINT)  # what its fixtures started ends with it
        try:
            running.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            running.kill()
        return 1


def run_tier(tier: str, options: Sequence[str]) -> int:
    """0 if all passed and something was run."""
    codes = {pytest_run(arguments) for arguments in passes(tier, options)}
    nothing = int(pytest.ExitCode.NO_TESTS_COLLECTED)
    return next((code for code in codes if code not in (0, nothing)), 0 if 0 in codes else nothing)


def git(*arguments: str) -> str | None:
    """What git prints; None if it cannot."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def affected(changed: Sequence[str] | None) -> list[str]:
    """Of the slow tier, what tests one of the `changed` files or is one; all of it if nobody knows what changed."""
    return [
        tests
        for tests, paths in SLOW.items()
        if changed is None
        or any(path.startswith((tests.partition("::")[0], *paths, *SHARED_BY_ALL)) for path in changed)
    ]


def run_changed(options: Sequence[str]) -> int:
    """Run what is affected, one after the other while there is time; 0 if all that was run passed."""
    commit = GREEN.read_text().strip()
    listed = git("diff", "--name-only", commit)
    chosen = affected(None if listed is None else listed.splitlines())
    print(f"tests: {len(chosen)} of {len(SLOW)} rows of the slow tier changed since {commit[:12]}", flush=True)
    end, failed = time.monotonic() + SLOW_TIER_S, False
    for place, tests in enumerate(chosen):
        if (left := end - time.monotonic()) < 60:
            print(f"tests: no time for {', '.join(chosen[place:])}", flush=True)
            return int(failed)
        failed |= pytest_run([tests, *options], left) != 0
    if not failed:
        note_green()
    return int(failed)


def note_green() -> None:
    """Keep the commit, if it is what was tested."""
    if git("status", "--porcelain") == "" and (head := git("rev-parse", "HEAD")) is not None:
        GREEN.write_text(head)
        print(f"tests: all green; commit {GREEN.name} so that CI knows", flush=True)


def main(tier: str, options: Sequence[str]) -> int:
    if tier == "changed":
        return run_changed(options)
    code = run_tier(tier, options)
    if tier == "all" and code == 0 and not options:
        note_green()
    return code


if __name__ == "__main__":
    if sys.argv[1:2] not in [[tier] for tier in ("fast", "test", "all", "changed")]:
        raise SystemExit(__doc__)
    raise SystemExit(main(sys.argv[1], sys.argv[2:]))
