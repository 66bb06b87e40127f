"""Items through every format and back: what is equal is carried, and the report lists the rest, all of it."""

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exams.interchange.bankfile import Defaults
from exams.interchange.formats import FORMATS, exported, imported
from exams.interchange.report import ALL, WHOLE, Loss
from exams.items import Item, load_bank, load_file
from tests.support.bank_items import LINES, TAME, WILD, banks
from tests.support.properties import examples

BANKS = Path(__file__).parents[2] / "exams" / "bank"
OWN = Defaults("a subject", "a topic", "a source", "recall", 0.123)
EASY = settings(examples(12), suppress_health_check=list(HealthCheck))


def changes(items: tuple[Item, ...], back: tuple[Item, ...]) -> set[tuple[str, str]]:
    """(item, field) of all that did not come back as it was."""
    found = {item.id: item for item in back}
    gone = {(item.id, WHOLE) for item in items if item.id not in found}
    return gone | {
        (item.id, field.name)
        for item in items
        if item.id in found
        for field in fields(Item)
        if getattr(item, field.name) != getattr(found[item.id], field.name)
    }


def listed(losses: list[Loss]) -> set[tuple[str, str]]:
    return {(loss.item, loss.what) for loss in losses if loss.item != ALL}


@pytest.mark.parametrize("texts", [WILD, LINES], ids=["wild", "lines"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_report_lists_exactly_what_does_not_come_back(
    name: str, texts: st.SearchStrategy[str], tmp_path: Path
) -> None:
    @EASY
    @given(banks(texts))
    def check(items: tuple[Item, ...]) -> None:
        data, losses = exported(items, name)
        if len({loss.item for loss in losses if loss.what == WHOLE}) == len(items):
            return
        made, _ = imported(data, name, "x", OWN)
        assert changes(items, made.items) == listed(losses)
        path = tmp_path / "made.yaml"
        path.write_text(made.text(), encoding="utf-8")
        assert load_file(path) == made.items

    check()


@pytest.mark.parametrize("name", FORMATS)
def test_texts_without_odd_spaces_come_back_whole(name: str) -> None:
    @EASY
    @given(banks(TAME))
    def check(items: tuple[Item, ...]) -> None:
        _, losses = exported(items, name)
        pictured = {(item.id, WHOLE) for item in items if item.asset is not None or item.type == "code"}
        forward = {(item.id, "group") for item in items if item.group and item.group.forward_only}
        assert listed(losses) == (set() if name == "xlsx" else pictured | forward)

    check()


@pytest.mark.parametrize("subject", ["diagnostics", "imaging", "physiology"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_projects_own_banks_come_back(name: str, subject: str) -> None:
    items = load_bank(BANKS / subject)
    data, losses = exported(items, name)
    made, told = imported(data, name, "x", OWN)
    pictured = {(item.id, WHOLE) for item in items if item.asset is not None or item.type == "code"}
    assert changes(items, made.items) == listed(losses) == (set() if name == "xlsx" else pictured)
    assert not told
