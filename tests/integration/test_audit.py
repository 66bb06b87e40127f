"""The audit log: whatever is altered behind the service's back is found and named."""

import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from exams import replay
from exams.change import Origin
from exams.cli import exam
from exams.exam import DATABASE
from exams.response import Response
from exams.sitting import SittingStore
from exams.timing import Allowance
from tests.support.exam_host import furnish, settings_of

FAR = 4_000_000_000_000
ALLOWANCE = Allowance(90, FAR)


@pytest.fixture
def home(tmp_path):
    """Three candidates: one has submitted, all were given time back, one came again on another machine."""
    furnish(tmp_path)
    store = SittingStore(f"sqlite:///{tmp_path / 'exams' / DATABASE}")
    for number in ("N1", "N2", "N3"):
        origin = Origin("a", "::1", "a browser")
        sitting = store.enter("joint", number, "A", 7, ALLOWANCE, seat="s1", actor=number, origin=origin).result()
        store.save(sitting, "s1", [Response(1, "one", "A", False, "d"), Response(2, "two", "B", True, "d")]).result()
    store.submit("joint", "N1", "s1", 2, "N1").result()
    store.credit("joint", 60, "a power cut", "lead01").result()
    store.credit("joint", 30, "a slow machine", "lead01", "N2").result()
    store.enter(
        "joint", "N3", "A", 7, ALLOWANCE, seat="s2", actor="N3", origin=Origin("a", "::2", "another browser")
    ).result()
    store.note("joint", "lead01", "collect", {"outcome": "2"}).result()
    store.close()
    return tmp_path


def command(home, *arguments):
    return CliRunner().invoke(
        exam,
        ["audit", "joint", *arguments],
        obj=settings_of(home),
    )


def test_what_was_not_touched_holds(home, tmp_path):
    done = command(home, "--out", str(tmp_path / "log.jsonl"))
    assert done.exit_code == 0, done.output
    assert "opened: 3" in done.output
    assert "all as written" in done.output
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text("utf-8").splitlines()]
    assert entries[-1]["act"] == "collect"
    assert f"Note down the last seal: {entries[-1]['seal']}" in done.output


TAMPERED = {
    "an answer changed": (
        "UPDATE responses SET value = '\"C\"' WHERE sequence = 2 AND sitting = 1",
        "responses that it saved",
    ),
    "an answer deleted": ("DELETE FROM responses WHERE sequence = 2 AND sitting = 2", "responses that it saved"),
    "an answer invented": (
        "INSERT INTO responses SELECT sitting, 3, item, value, flagged, device, received_ms, entry FROM responses "
        "WHERE sequence = 2 AND sitting = 2",
        "responses that it saved",
    ),
    "time given": ("UPDATE sittings SET credit_s = 600 WHERE number = 'N2'", "candidate N2 has another credit_s"),
    "a submission undone": (
        "UPDATE sittings SET submitted_ms = NULL WHERE number = 'N1'",
        "N1 has another submitted_ms",
    ),
    "another order": ("UPDATE sittings SET seed = 8 WHERE number = 'N3'", "N3 has another seed"),
    "another form": ("UPDATE sittings SET form = 'B' WHERE number = 'N3'", "N3 has another form"),
    "another start": (
        "UPDATE sittings SET started_ms = started_ms + 1 WHERE number = 'N3'",
        "N3 has another started_ms",
    ),
    "a sitting deleted": ("DELETE FROM sittings WHERE number = 'N3'", "the sitting of candidate N3 is missing"),
    "a sitting invented": (
        "INSERT INTO sittings SELECT 99, exam, 'N9', form, seed, started_ms, minutes, closes_ms, extra_minutes, "
        "credit_s, seat, NULL FROM sittings WHERE number = 'N2'",
        "the sitting of candidate N9 is not told of",
    ),
    "an act deleted": ("DELETE FROM audit WHERE act = 'collect'", None),
    "an act altered": ("UPDATE audit SET actor = 'lead02' WHERE act = 'credited'", "it is not what was written"),
    "an act of another exam": ("UPDATE audit SET exam = 'other' WHERE act = 'collect'", "it is not what was written"),
    "another act": ("UPDATE audit SET act = 'release' WHERE act = 'collect'", "it is not what was written"),
    "an act deleted in the middle": ("DELETE FROM audit WHERE act = 'submitted'", "it is not what was written"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_altered_is_named(home, name):
    statement, said = TAMPERED[name]
    seal = command(home).output.split("last seal: ")[1].split()[0]
    engine = sa.create_engine(f"sqlite:///{home / 'exams' / DATABASE}")
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    done = command(home, "--seal", seal)
    assert done.exit_code == 1
    # the end of the log can be cut off without a trace inside it: that is what a noted seal is for
    assert (said or "the seal you noted is not in it") in done.output


def test_a_noted_seal_is_found_later(home):
    seal = command(home).output.split("last seal: ")[1].split()[0]
    store = SittingStore(f"sqlite:///{home / 'exams' / DATABASE}")
    store.note("joint", "lead01", "mark", {}).result()
    store.close()
    done = command(home, "--seal", seal)
    assert done.exit_code == 0
    assert "all up to it is as it was then" in done.output


def test_an_exam_that_is_none(home):
    done = CliRunner().invoke(exam, ["audit", "nowhere"], obj=settings_of(home))
    assert done.exit_code == 1
    assert "There is no exam" in done.output


def test_retold_of_nothing():
    assert replay.retold([]) == {}
