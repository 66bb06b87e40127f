"""Writing into a bank: one entry changes and nothing else; writers take turns; the ledger knows who it was."""

import re
import threading
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exams import ledger
from exams.bankdesk import deeds, splice
from exams.bankdesk.banks import Banks
from exams.bankdesk.editing import Change, ClashError, add, do, group_version, save
from exams.bankdesk.fields import OWN, fields_of
from exams.bankdesk.furnish import PACKAGED, furnish
from exams.documents import DocumentError
from exams.files import stamp
from exams.items import TYPES, load_bank, load_file
from exams.ledger import Act, NotAllowedError, State
from tests.support.narrowing import present
from tests.support.properties import examples

AT = datetime(2027, 1, 8, tzinfo=UTC)
FILES = sorted(PACKAGED.glob("*/*.yaml"))
ITEM = "dx-ecg-001"


def load(text):
    return yaml.load(text, yaml.CSafeLoader)


@pytest.fixture
def banks(tmp_path):
    furnish(tmp_path / "banks")
    return Banks(tmp_path / "banks")


def edited(banks, name=ITEM, **changes):
    """The change of an item as it is now; a browser's whole numbers have no point."""
    record = banks.bank("diagnostics").records[name]
    document = {name: int(value) if value == 1.0 else value for name, value in record.item.document().items()}
    return Change({name: document | changes}, {name: record.version})


def new(name="dx-new-001", **changes):
    own = {"id": name, "type": "A1", "topic": "ecg", "level": "apply", "difficulty": 0.5, "points": 1, "stem": "s"}
    own |= {"options": dict(zip("ABCDE", "vwxyz", strict=True)), "key": "A", "rationale": "r", "source": "b"}
    return {item: value for item, value in (own | changes).items() if value is not None}


TEXTS = st.text("心电 aB#:-{}[]'\"\n|>&*!%@`,?", min_size=1, max_size=30).filter(lambda text: text.strip())


@examples(15)
@given(data=st.data())
def test_one_entry_changes_and_every_other_line_stays(data):
    text = data.draw(st.sampled_from(FILES)).read_text("utf-8")
    plain = load(text)
    index = data.draw(st.integers(0, len(plain["items"]) - 1))
    entry = plain["items"][index] | {"stem": data.draw(TEXTS), "source": data.draw(TEXTS)}
    changed = splice.replaced(text, "items", index, entry)
    plain["items"][index] = entry
    assert load(changed) == plain
    names = [item["id"] for item in plain["items"]]
    before, after = (
        dict(zip(names, re.split(r"(?m)^ *- id: (?=.*-\d)", whole)[1:], strict=False)) for whole in (text, changed)
    )
    assert {name for name in before if before[name] != after.get(name)} <= {names[index]}
    more = splice.added(splice.added(changed, "items", entry | {"id": "new"}), "groups", {"id": "g", "stem": "s"})
    plain["items"].append(entry | {"id": "new"})
    plain.setdefault("groups", []).append({"id": "g", "stem": "s"})
    assert load(more) == plain


def test_comments_and_lists_in_one_line_are_left_as_they_are():
    text = "# head\nitems: # all\n- {id: a, n: 1} # one\n\n# between\n- id: b\n  n: 2 # two\n# tail\n"
    assert splice.replaced(text, "items", 0, {"id": "a", "n": 3}) == text.replace(
        "{id: a, n: 1} # one", "id: a\n  n: 3"
    )
    assert splice.replaced(text, "items", 1, {"id": "b", "n": 3}) == text.replace("n: 2 # two", "n: 3")
    assert splice.added(text, "items", {"id": "c"}) == text.replace("# two\n", "# two\n- id: c\n")
    line = "items: [{id: a}, {id: b}]\n"
    assert splice.replaced(line, "items", 0, {"id": "c"}) == 'items: [{"id": "c"}, {id: b}]\n'
    assert splice.added(line, "items", {"id": "c"}) == 'items: [{id: a}, {id: b}, {"id": "c"}]\n'


@pytest.mark.parametrize(
    "item", load_bank(PACKAGED / "diagnostics") + load_bank(PACKAGED / "imaging"), ids=lambda item: item.id
)
def test_the_form_has_a_field_for_whatever_an_item_holds(item):
    names = {field.name for field in fields_of(item.type)} | {"id", "type", "subject"}

    def held(prefix, value):
        for name, inner in value.items():
            path = f"{prefix}{name}"
            if path not in names and isinstance(inner, dict):
                yield from held(f"{path}.", inner)
            else:
                yield path

    assert set(held("", item.document())) <= names


def test_every_type_has_a_form():
    assert sorted(OWN) == sorted(TYPES)


def test_what_is_saved_is_a_draft_of_who_saved_it_and_the_file_is_otherwise_the_same(banks):
    path = banks.root / "diagnostics" / "ecg.yaml"
    before = path.read_text("utf-8").splitlines()
    assert save(banks, "diagnostics", edited(banks, stem="新的题干"), "teacher01", AT) == [ITEM]
    after = path.read_text("utf-8").splitlines()
    assert [line for line in after if line not in before] == ["    stem: 新的题干"]
    record = banks.bank("diagnostics").records[ITEM]
    assert (record.item.stem, record.state) == ("新的题干", State.DRAFT)
    (entry,) = present(ledger.read(path.parent))
    assert (entry.by, entry.act, entry.version, entry.item) == ("teacher01", Act.WRITE, record.version, ITEM)
    assert path.stat().st_mode & 0o077 == 0


def test_saving_what_is_the_same_changes_nothing(banks):
    path = banks.root / "diagnostics" / "ecg.yaml"
    before = stamp(path)
    assert save(banks, "diagnostics", edited(banks), "teacher01", AT) == []
    assert stamp(path) == before
    assert ledger.read(path.parent) is None


def test_who_edited_what_another_has_changed_is_refused_and_nothing_is_written(banks):
    mine, theirs = edited(banks, stem="mine"), edited(banks, stem="theirs")
    save(banks, "diagnostics", theirs, "teacher02", AT)
    with pytest.raises(ClashError):
        save(banks, "diagnostics", mine, "teacher01", AT)
    assert banks.bank("diagnostics").records[ITEM].item.stem == "theirs"


def test_of_many_who_save_the_same_item_at_once_one_is_first(banks):
    changes = [edited(banks, stem=f"number {number}") for number in range(8)]
    others = [edited(banks, f"dx-ecg-{place:03}", rationale="new") for place in (2, 4)]
    outcomes: list[list[str] | str] = []

    def attempt(change):
        try:
            outcomes.append(save(banks, "diagnostics", change, "teacher01", AT))
        except ClashError:
            outcomes.append("clash")

    threads = [threading.Thread(target=attempt, args=(change,)) for change in changes + others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted([str([ITEM]), "['dx-ecg-002']", "['dx-ecg-004']", *["clash"] * 7])
    items = {item.id: item for item in load_bank(banks.root / "diagnostics")}
    assert items[ITEM].stem.startswith("number ")
    assert items["dx-ecg-002"].rationale == items["dx-ecg-004"].rationale == "new"
    assert len(present(ledger.read(banks.root / "diagnostics"))) == 3


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"stem": " "}, ("stem",), "is blank"),
        ({"key": "Z"}, ("key",), "is not one of the options"),
        ({"key": ""}, ("key",), "is blank"),
        ({"difficulty": 1}, ("difficulty",), "between 0 and 1"),
        ({"difficulty": None}, ("difficulty",), "is missing"),
        ({"points": "1"}, ("points",), "must be a number"),
        ({"options": {"A": "a", "B": "b", "C": "c", "D": "d", "E": ""}}, ("options", "E"), "is blank"),
        ({"options": {"A": "a", "B": "b", "C": "c", "D": "d", "E": "a"}}, ("options",), "say the same"),
        ({"topic": " "}, ("topic",), "is blank"),
        ({"rationale": "<script>x</script>"}, ("rationale",), "a <script> element"),
        ({"asset": {"kind": "ecg", "rhythm": "waltz"}}, ("asset", "rhythm"), "is not one of"),
        ({"secret": 1}, ("secret",), "is unknown here"),
        ({"id": "has space"}, ("id",), "may hold only letters"),
        ({"id": ITEM}, ("id",), "has the id"),
        ({"id": "dx-ecg-g1"}, ("id",), "has the id"),
    ],
)
def test_what_is_wrong_is_said_of_its_field_and_nothing_is_written(banks, changes, path, said):
    before = {file: file.read_bytes() for file in (banks.root / "diagnostics").glob("*.yaml")}
    entry = new(**changes)
    with pytest.raises(DocumentError, match=said) as raised:
        save(banks, "diagnostics", Change({entry["id"]: entry}), "teacher01", AT)
    assert raised.value.path == ("items", entry["id"], *path)
    assert {file: file.read_bytes() for file in (banks.root / "diagnostics").glob("*.yaml")} == before
    assert ledger.read(banks.root / "diagnostics") is None


def test_a_new_item_goes_to_the_others_of_its_topic_or_begins_a_file(banks):
    folder = banks.root / "diagnostics"
    save(banks, "diagnostics", Change({"dx-new-001": new()}), "a", AT)
    save(banks, "diagnostics", Change({"dx-new-002": new("dx-new-002", topic="皮肤")}), "a", AT)
    records = banks.bank("diagnostics").records
    assert load_file(folder / records["dx-new-001"].file)[0].topic == "ecg"
    assert (records["dx-new-002"].file, records["dx-new-002"].item.topic) == ("items.yaml", "皮肤")
    assert records["dx-new-002"].item.subject == "diagnostics"
    assert len(records) == len(load_bank(PACKAGED / "diagnostics")) + 2


def test_an_id_that_was_used_once_is_never_used_again(banks):
    gone = load_bank(PACKAGED / "diagnostics")[0]
    ledger.append(banks.root / "diagnostics", [ledger.entry(gone, Act.WRITE, "a", AT)])
    path = banks.root / "diagnostics" / "ecg.yaml"
    text = path.read_text("utf-8")
    path.write_text(text.replace(f"id: {gone.id}\n", "id: dx-renamed\n"), encoding="utf-8")
    with pytest.raises(DocumentError, match="has the id"):
        save(banks, "diagnostics", Change({gone.id: new(gone.id)}), "a", AT)


def test_a_new_group_comes_with_its_items_and_only_with_two(banks):
    group = {"id": "dx-new-g", "stem": "男，58 岁。"}
    pair = {name: new(name, type="A3", group="dx-new-g") for name in ("dx-new-1", "dx-new-2")}
    with pytest.raises(DocumentError, match="two items or more") as raised:
        save(banks, "diagnostics", Change(dict([*pair.items()][:1]), group=group), "a", AT)
    assert raised.value.path == ("group",)
    assert save(banks, "diagnostics", Change(pair, group=group), "a", AT) == [*pair]
    assert [item.id for item in banks.bank("diagnostics").members("dx-new-g")] == [*pair]
    taken = Change({"dx-new-3": new("dx-new-3")}, group=group)
    with pytest.raises(DocumentError) as raised:
        save(banks, "diagnostics", taken, "a", AT)
    assert raised.value.path == ("group", "id")


def test_what_is_shared_changes_for_all_who_share_it(banks):
    bank = banks.bank("diagnostics")
    group = bank.group("dx-ecg-g1")
    options = dict(group.options) | {"A": "Ⅱ、Ⅲ 和 aVF"}
    change = Change({}, group={"id": group.id, "options": options}, group_version=group_version(group))
    members = [item.id for item in bank.members(group.id)]
    assert save(banks, "diagnostics", change, "a", AT) == members
    assert [dict(item.options)["A"] for item in banks.bank("diagnostics").members(group.id)] == ["Ⅱ、Ⅲ 和 aVF"] * len(
        members
    )
    assert [entry.item for entry in present(ledger.read(bank.folder))] == members
    with pytest.raises(ClashError):
        save(banks, "diagnostics", change, "b", AT)


def test_an_import_is_a_file_of_its_own_or_nothing(banks):
    folder = banks.root / "diagnostics"
    data = {"subject": "diagnostics", "topic": "imported", "items": [new("in-1", topic=None)]}
    assert add(banks, "diagnostics", data, "ecg", "a", AT) == ["in-1"]
    assert (folder / "ecg_2.yaml").exists()
    with pytest.raises(ClashError):
        add(banks, "diagnostics", data, "again", "a", AT)
    assert not (folder / "again.yaml").exists()


def act(banks, deed, by, version=None):
    record = banks.bank("diagnostics").records[ITEM]
    do(banks, "diagnostics", ITEM, version or record.version, deed, by, AT, "why")


def test_from_draft_to_live_by_two(banks):
    act(banks, Act.WRITE, "a")
    with pytest.raises(NotAllowedError, match="another teacher"):
        act(banks, Act.REVIEW, "a")
    act(banks, Act.REVIEW, "b")
    with pytest.raises(NotAllowedError, match="only a draft without a name"):
        act(banks, Act.WRITE, "c")
    act(banks, Act.PUBLISH, "a")
    with pytest.raises(ClashError):
        act(banks, Act.RETIRE, "a", "another")
    act(banks, Act.RETIRE, "a")
    act(banks, Act.WRITE, "b")
    entries = present(ledger.read(banks.root / "diagnostics"))
    assert [entry.act for entry in entries] == ["write", "review", "publish", "retire", "write"]
    assert {entry.detail["note"] for entry in entries} == {"why"}


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from([Act.WRITE, Act.REVIEW, Act.PUBLISH, Act.RETIRE])),
        max_size=12,
    )
)
def test_what_is_offered_is_what_may_be_done(tried):
    item = load_file(FILES[0])[0]
    entries: list[ledger.Entry] = []
    for by, deed in tried:
        told = dict(deeds.offered(entries, item, by))
        allowed = not deeds.refusal(entries, item, deed, by)
        assert (told.get(deed) == "") == allowed
        if allowed:
            entries.append(ledger.entry(item, deed, by, AT))
    if ledger.state(entries, item) is State.LIVE:
        assert len({entry.by for entry in entries if entry.act in (Act.WRITE, Act.REVIEW)}) >= 2
