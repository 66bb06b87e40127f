"""Searching a bank: what is found, and what the filters promise."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams import ledger
from exams.bankdesk.banks import Bank, Banks, Record, searched
from exams.bankdesk.furnish import PACKAGED, furnish
from exams.bankdesk.search import FILTERS, Query, counts, found, query_of
from exams.documents import DocumentError
from exams.items import load_bank
from exams.ledger import Act, State
from tests.support.narrowing import present

AT = datetime(2027, 1, 8, tzinfo=UTC)
ITEMS = load_bank(PACKAGED / "diagnostics")
RECORDS = [Record(item, "", "", searched(item), list(State)[place % 4], (), None) for place, item in enumerate(ITEMS)]
VALUES: dict[str, list[str]] = {
    "type": sorted({item.type for item in ITEMS}),
    "topic": sorted({item.topic for item in ITEMS}),
    "level": sorted({item.level for item in ITEMS}),
    "state": list(State),
}
QUERIES = st.builds(
    Query,
    text=st.sampled_from(["", "PR", "pr 间期", "ECG-00", "心电图", "《诊断学》 呼吸", "nowhere"]),
    **{name: st.sampled_from(["", *values]) for name, values in VALUES.items()},
)


def fits(record, query):
    own = {"type": record.item.type, "topic": record.item.topic, "level": record.item.level, "state": record.state}
    words = query.text.lower().split()
    return all(getattr(query, name) in ("", value) for name, value in own.items()) and all(
        word in record.text for word in words
    )


@given(QUERIES)
def test_all_that_fits_is_found_in_order(query):
    assert found(RECORDS, query) == [record for record in RECORDS if fits(record, query)]


@given(QUERIES)
def test_a_filter_promises_what_choosing_the_value_shows(query):
    promised = counts(RECORDS, query)
    for name in FILTERS:
        for value in VALUES[name]:
            assert promised[name].get(value, 0) == len(found(RECORDS, replace(query, **{name: value})))


@pytest.mark.parametrize("part", ["id", "topic", "stem", "option", "rationale", "source", "shared", "rubric"])
def test_every_part_of_an_item_is_searched(part):
    item = next(
        item
        for item in ITEMS
        if (part != "shared" or (item.group and item.group.stem))
        and (part != "rubric" or item.rubric)
        and (part != "option" or item.options)
    )
    text = {
        "option": lambda: item.options[0][1],
        "shared": lambda: present(item.group).stem,
        "rubric": lambda: item.rubric[0][1],
    }.get(part, lambda: getattr(item, part))()
    word = text.split()[0]
    assert item in [record.item for record in found(RECORDS, Query(word.upper()))]


def test_a_query_takes_no_other_names():
    assert query_of({"text": " a ", "state": "live", "key": "B"}) == Query("a", state="live")


@pytest.fixture
def banks(tmp_path):
    furnish(tmp_path / "banks")
    return Banks(tmp_path / "banks")


def test_what_comes_with_us_is_furnished_once(banks):
    assert banks.names() == ["diagnostics", "imaging", "physiology"]
    assert tuple(record.item for record in banks.bank("diagnostics").records.values()) == ITEMS
    (banks.root / "imaging" / "bone.yaml").unlink()
    furnish(banks.root)
    assert not (banks.root / "imaging" / "bone.yaml").exists()


def test_a_bank_is_the_same_object_while_nothing_changes_and_new_when_something_does(banks):
    before = banks.bank("diagnostics")
    assert banks.bank("diagnostics") is before
    assert not before.has_ledger
    ledger.append(before.folder, [ledger.entry(ITEMS[0], Act.WRITE, "a", AT)])
    after = banks.bank("diagnostics")
    assert after.has_ledger
    assert [entry.by for entry in after.entries[ITEMS[0].id]] == ["a"]
    path = before.folder / "ecg.yaml"
    path.write_text(path.read_text("utf-8").replace("常规心电图走纸速度", "常规走纸速度"), encoding="utf-8")
    assert banks.bank("diagnostics").records["dx-ecg-001"].item.stem.startswith("常规走纸速度")


@pytest.mark.parametrize("name", ["nowhere", "../banks", "", ".hidden"])
def test_there_is_no_other_bank(banks, name):
    with pytest.raises(LookupError):
        banks.bank(name)


def test_an_id_in_two_files_is_refused(banks):
    folder = banks.root / "diagnostics"
    (folder / "twin.yaml").write_bytes((folder / "ecg.yaml").read_bytes())
    with pytest.raises(DocumentError, match=r"twin\.yaml stands in ecg\.yaml too"):
        banks.bank("diagnostics")


def test_new_ids_go_on_where_the_topic_ended(banks):
    bank = banks.bank("diagnostics")
    assert bank.next_ids("ecg", 2) == ["dx-ecg-019", "dx-ecg-020"]
    assert {"dx-ecg-019", "dx-ecg-020"}.isdisjoint(bank.names())
    assert Bank("new", Path(), {}, {}, False).next_ids("肺", 1) == ["new-001"]
