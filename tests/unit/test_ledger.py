"""The ledger of a bank: nothing goes live that a second teacher has not seen as it is."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from exams import ledger
from exams.cli import exam
from exams.documents import DocumentError
from exams.items import load_bank
from exams.ledger import Act, NotAllowedError, State
from tests.support.narrowing import present

FOLDER = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
BANK = load_bank(FOLDER)
ITEM = BANK[0]
AT = datetime(2027, 1, 8, 9, tzinfo=UTC)


def done(*acts):
    """A ledger of (who, act), each allowed when it was made."""
    entries: list[ledger.Entry] = []
    for by, act in acts:
        ledger.allow(entries, ITEM, act, by)
        entries.append(ledger.entry(ITEM, act, by, AT))
    return entries


def test_from_draft_to_live_to_retired():
    entries = done(("a", Act.WRITE), ("b", Act.REVIEW), ("a", Act.PUBLISH), ("a", Act.RETIRE))
    states = [ledger.state(entries[:number], ITEM) for number in range(5)]
    assert states == [State.DRAFT, State.DRAFT, State.REVIEWED, State.LIVE, State.RETIRED]


def test_whatever_is_changed_is_a_draft_again():
    entries = done(("a", Act.WRITE), ("b", Act.REVIEW), ("a", Act.PUBLISH))
    grouped = next(item for item in BANK if item.group and item.group.stem)
    assert ledger.version_of(grouped) != ledger.version_of(
        replace(grouped, group=replace(present(grouped.group), stem="x"))
    )
    for change in ({"stem": "x"}, {"rationale": "x"}, {"difficulty": 0.5}, {"key": "E"}, {"points": 2.0}):
        assert ledger.state(entries, replace(ITEM, **change)) is State.DRAFT
    assert ledger.state(entries, replace(ITEM)) is State.LIVE


@pytest.mark.parametrize(
    ("acts", "said"),
    [
        ([("b", Act.REVIEW)], "Nobody has put their name to"),
        ([("a", Act.WRITE), ("a", Act.REVIEW)], "another teacher reviews it"),
        ([("a", Act.WRITE), ("c", Act.WRITE), ("c", Act.REVIEW)], "another teacher reviews it"),
        ([("a", Act.WRITE), ("a", Act.PUBLISH)], "only a reviewed item goes live"),
        ([("a", Act.WRITE), ("b", Act.REVIEW), ("c", Act.REVIEW)], "only a draft is reviewed"),
        ([("a", Act.RETIRE), ("a", Act.RETIRE)], "retired already"),
    ],
)
def test_what_is_not_allowed(acts, said):
    with pytest.raises(NotAllowedError, match=said):
        done(*acts)


class Teachers(RuleBasedStateMachine):
    """Teachers who try anything in any order, and change the item in between."""

    def __init__(self):
        super().__init__()
        self.entries, self.item, self.seen = [], ITEM, {}

    @rule(by=st.sampled_from("abc"), act=st.sampled_from(list(Act)))
    def act(self, by, act):
        try:
            ledger.allow(self.entries, self.item, act, by)
        except NotAllowedError:
            return
        self.entries.append(ledger.entry(self.item, act, by, AT))
        if act in {Act.WRITE, Act.REVIEW}:
            self.seen.setdefault(ledger.version_of(self.item), set()).add(by)

    @rule(stem=st.sampled_from(["one", "two", ITEM.stem]))
    def change(self, stem):
        self.item = replace(self.item, stem=stem)

    @invariant()
    def what_is_live_was_seen_by_two_as_it_is(self):
        if ledger.state(self.entries, self.item) is State.LIVE:
            assert len(self.seen[ledger.version_of(self.item)]) >= 2


TestTeachers = Teachers.TestCase


@given(st.lists(st.sampled_from(BANK[:5])))
def test_exposure_counts_uses(items):
    entries = [ledger.entry(item, Act.USE, "lead01", AT, exam="x", form="A") for item in items]
    assert ledger.exposure(entries) == {item.id: items.count(item) for item in items}


def test_a_ledger_is_read_as_it_was_written(tmp_path):
    assert ledger.read(tmp_path) is None
    entries = done(("张老师", Act.WRITE), ("b", Act.REVIEW))
    ledger.append(tmp_path, entries[:1])
    ledger.append(tmp_path, entries[1:])
    assert ledger.read(tmp_path) == entries


@pytest.mark.parametrize("line", ["{", "[]", '{"act": "sell"}', '{"act": "use", "more": 1}', '{"act": "use"}'])
def test_a_line_that_is_no_entry_is_named(tmp_path, line):
    ledger.append(tmp_path, done(("a", Act.WRITE)))
    with (tmp_path / ledger.FILE).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DocumentError, match=r"ledger\.jsonl:2: This line is no entry"):
        ledger.read(tmp_path)


@pytest.fixture
def bank(tmp_path):
    return Path(shutil.copytree(FOLDER, tmp_path / "bank"))


def run(*arguments):
    return CliRunner().invoke(exam, [str(argument) for argument in arguments], obj=SimpleNamespace(home=None))


def test_by_command_two_people_bring_items_to_life_and_forms_take_no_others(bank, tmp_path):
    def item(act, *more, by="a"):
        return run("item", act, "--bank", bank, "--by", by, *more)

    plan = bank / "blueprint-20.toml"
    assert "has no ledger" in run("item", "states", "--bank", bank).output
    assert f"write: {len(BANK)} items." in item("write", "--all").output
    made = run("assemble", plan, "--bank", bank, "--out", tmp_path / "dx-1")
    assert (made.exit_code, "the bank has 0" in made.output) == (1, True)
    assert "review: 0 items." in item("review", "--all").output  # all are the author's own
    refused = item("review", ITEM.id)
    assert (refused.exit_code, "another teacher reviews it. Nothing was changed." in refused.output) == (1, True)
    assert f"review: {len(BANK)} items." in item("review", "--all", by="b").output
    assert f"publish: {len(BANK)} items." in item("publish", "--all", by="b").output
    assert f"live {len(BANK)}" in run("item", "states", "--bank", bank).output
    made = run("assemble", plan, "--bank", bank, "--out", tmp_path / "dx-1")
    assert made.exit_code == 0, made.output
    told = run("item", "history", "--bank", bank, ITEM.id).output.splitlines()
    assert [line.split()[2] for line in told] == ["write", "review", "publish"]
    taken = json.loads((tmp_path / "dx-1" / "A.json").read_text("utf-8"))["items"][0]["id"]
    assert "retire: 1 items." in item("retire", taken, "--note", "leaked").output
    assert "note leaked" in run("item", "history", "--bank", bank, taken).output
    for wrong in (("review",), ("review", "--all", ITEM.id), ("review", "no-such-item")):
        assert item(*wrong).exit_code != 0
