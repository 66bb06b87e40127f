import sqlite3
from concurrent.futures import wait

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from exams import audit, replay, sitting_tables
from exams.change import Enter, Origin, RefusedError
from exams.database import connect
from exams.response import Response, latest
from exams.sitting import SittingStore
from exams.sitting_changes import apply
from exams.sitting_tables import response_of, responses, sittings
from exams.timing import GRACE_MS, MINUTE_MS, Allowance
from tests.support.changes import BATCHES, plain
from tests.support.properties import examples

START_MS = 1_800_000_000_000
ALLOWANCE = Allowance(90, START_MS + 120 * MINUTE_MS)


HERE = Origin("device", "::1", "test")


class Clock:
    def __init__(self):
        self.now = START_MS

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    store = SittingStore(f"sqlite:///{tmp_path / 'exams.sqlite'}", clock)
    yield store
    store.close()


def enter(store, number="n1", seat="seat-one"):
    return store.enter("e", number, "A", 7, ALLOWANCE, seat=seat, actor="u", origin=HERE).result()


def response(sequence, item="a", value="B", device="d", flagged=False):
    return Response(sequence, item, value, flagged, device)


def refused(future):
    with pytest.raises(RefusedError) as caught:
        future.result()
    return caught.value.code


def test_what_is_acknowledged_is_read_by_another_process(store, tmp_path):
    sitting = enter(store)
    store.save(sitting, "seat-one", [response(1), response(2, "b", ["A", "C"], flagged=True)]).result()
    rows = sqlite3.connect(tmp_path / "exams.sqlite").execute("SELECT sequence, item, value FROM responses").fetchall()
    assert rows == [(1, "a", '"B"'), (2, "b", '["A", "C"]')]
    assert store.responses("e") == {"n1": {"a": "B", "b": ["A", "C"]}}


def test_a_change_that_cannot_be_written_costs_the_others_nothing(store):
    """Half of a surrogate pair is no text that a database takes; all three wait for the same commit."""
    sittings = [enter(store, number) for number in ("n1", "n2", "n3")]
    devices = ("d", "\ud800", "d")
    store.note("e", "busy", "while this is written the next ones queue up", {})
    futures = [
        store.save(sitting, "seat-one", [response(1, device=device)])
        for sitting, device in zip(sittings, devices, strict=True)
    ]
    wait(futures)
    assert [type(future.exception()) for future in futures] == [type(None), UnicodeEncodeError, type(None)]
    assert store.responses("e").keys() == {"n1", "n2", "n3"}
    assert [number for number, held in store.responses("e").items() if held] == ["n1", "n3"]
    assert store.verify() is None


def test_a_sitting_keeps_what_it_was_opened_with(store, clock):
    first = enter(store)
    clock.now += MINUTE_MS
    other = Allowance(5, START_MS + 1)
    again = store.enter("e", "n1", "B", 8, other, seat="seat-two", actor="u", origin=HERE).result()
    assert (again.form, again.seed, again.started_ms, again.allowance) == ("A", 7, START_MS, ALLOWANCE)
    assert (first.id, again.seat) == (again.id, "seat-two")


def test_the_same_response_twice_is_one_and_another_under_its_sequence_is_refused(store):
    sitting = enter(store)
    store.save(sitting, "seat-one", [response(1)]).result()
    store.save(sitting, "seat-one", [response(1), response(2)]).result()
    assert refused(store.save(sitting, "seat-one", [response(2, value="C")])) == "conflict"
    assert refused(store.save(sitting, "seat-one", [response(3), response(3, value="C")])) == "conflict"
    assert [kept.sequence for kept in store.log(sitting)] == [1, 2]


def test_only_the_page_that_entered_last_writes(store):
    sitting = enter(store)
    enter(store, seat="seat-two")
    assert refused(store.save(sitting, "seat-one", [response(1)])) == "taken_over"
    assert refused(store.submit("e", "n1", "seat-one", 0, "u")) == "taken_over"
    store.save(sitting, "seat-two", [response(1)]).result()


def test_after_submitting_nothing_changes(store, clock):
    sitting = enter(store)
    store.save(sitting, "seat-one", [response(1)]).result()
    assert refused(store.submit("e", "n1", "seat-one", 2, "u")) == "incomplete"
    clock.now += 1000
    submitted = store.submit("e", "n1", "seat-one", 1, "u").result()
    assert submitted.submitted_ms == clock.now
    assert refused(store.save(sitting, "seat-one", [response(2)])) == "closed"
    assert refused(store.submit("e", "n1", "seat-one", 1, "u")) == "closed"
    with pytest.raises(RefusedError):
        enter(store)
    assert store.credit("e", 60, "outage", "lead").result() == 0
    assert store.submitted_at("e") == {"n1": clock.now}
    assert store.responses("e") == {"n1": {"a": "B"}}


def test_time_closes_a_sitting_and_what_was_on_its_way_still_counts(store, clock):
    sitting = enter(store)
    clock.now = sitting.deadline_ms + GRACE_MS
    store.save(sitting, "seat-one", [response(1)]).result()
    assert store.submitted_at("e") == {}
    clock.now += 1
    assert refused(store.save(sitting, "seat-one", [response(2)])) == "closed"
    assert store.submitted_at("e") == {"n1": sitting.deadline_ms + GRACE_MS}


def test_credit_gives_time_back(store, clock):
    sitting, other = enter(store), enter(store, "n2")
    assert store.credit("e", 120, "power failure", "lead", "n1").result() == 1
    clock.now = sitting.deadline_ms + GRACE_MS + 1
    store.save(sitting, "seat-one", [response(1)]).result()
    assert refused(store.save(other, "seat-one", [response(1)])) == "closed"


def test_nobody_writes_without_having_entered(store):
    assert refused(store.submit("e", "n9", "seat-one", 0, "u")) == "not_entered"


def test_a_refused_save_among_others_takes_none_with_it(store):
    sittings = [enter(store, f"n{number}") for number in range(20)]
    futures = [
        store.save(sitting, "seat-one" if place % 3 else "elsewhere", [response(1)])
        for place, sitting in enumerate(sittings)
    ]
    wait(futures)
    assert [future.exception() is None for future in futures] == [bool(place % 3) for place in range(20)]
    assert set(store.responses("e")) == {f"n{number}" for number in range(20)}
    assert sum(bool(answers) for answers in store.responses("e").values()) == 13


def test_progress_counts_what_holds(store, clock):
    sitting = enter(store)
    clock.now += 5
    store.save(sitting, "seat-one", [response(1), response(2, "b"), response(3, "a", None, flagged=True)]).result()
    (progress,) = store.progress("e")
    assert (progress.answered, progress.flagged, progress.last_ms) == (1, 1, clock.now)


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE responses SET value = '\"A\"'",
        "DELETE FROM responses WHERE sequence = 2",
        "UPDATE responses SET received_ms = received_ms - 1",
        "UPDATE audit SET detail = '{}' WHERE act = 'opened'",
        "UPDATE audit SET at_ms = at_ms + 1 WHERE act = 'submitted'",
        "DELETE FROM audit WHERE act = 'entered'",
        "INSERT INTO responses SELECT sitting, 99, item, value, flagged, device, received_ms, 2 FROM responses LIMIT 1",
    ],
)
def test_what_was_altered_is_found(store, tmp_path, tamper):
    sitting = enter(store)
    enter(store)
    store.save(sitting, "seat-one", [response(1), response(2, "b")]).result()
    store.submit("e", "n1", "seat-one", 2, "u").result()
    assert store.verify() is None
    with sqlite3.connect(tmp_path / "exams.sqlite") as connection:
        connection.execute(tamper)
    assert store.verify() is not None


CHANGES = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from("abc"), st.sampled_from("ABCDE"), st.booleans()),
    unique_by=lambda change: change[0],
    min_size=1,
)


@examples(25)
@given(changes=CHANGES, data=st.data())
def test_whatever_arrives_in_whatever_order_the_log_holds_the_latest(tmp_path_factory, changes, data):
    responses = [response(number, item, value, flagged=flagged) for number, item, value, flagged in changes]
    arriving = data.draw(st.permutations(responses + responses))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arriving)), max_size=4)))
    store = SittingStore(f"sqlite:///{tmp_path_factory.mktemp('log') / 'exams.sqlite'}", Clock())
    sitting = enter(store)
    batches = [arriving[start:end] for start, end in zip([0, *cuts], [*cuts, len(arriving)], strict=True)]
    wait([store.save(sitting, "seat-one", batch) for batch in batches])
    assert store.log(sitting) == sorted(responses, key=lambda kept: kept.sequence)
    assert store.latest(sitting) == latest(responses)
    assert store.verify() is None
    store.close()


def test_sqlite_flushes_every_commit(store):
    with store._engine.connect() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("journal_mode", "synchronous")
        }
    assert pragma == {
        "journal_mode": "wal",
        "synchronous": 2,
    }  # 2 is FULL, https://sqlite.org/pragma.html#pragma_synchronous


def test_many_who_enter_at_once_are_taken_in_as_if_one_after_the_other(tmp_path):
    """The same changes as one batch and each in a batch of its own leave the same tables, audit log included.

    n2 was there long before: a batch is shorter than any sitting.
    """
    comings = [
        ("n2", "seat-one", START_MS),
        ("n1", "seat-one", START_MS + 95 * MINUTE_MS),
        ("n1", "seat-two", START_MS + 95 * MINUTE_MS + 5),
        ("n3", "seat-one", START_MS + 95 * MINUTE_MS + 6),
        ("n2", "seat-two", START_MS + 95 * MINUTE_MS + 7),  # its time is over
        ("n1", "seat-three", START_MS + 95 * MINUTE_MS + 8),
    ]
    entries = [Enter(at, "e", number, "u", "A", 7, ALLOWANCE, seat, HERE) for number, seat, at in comings]
    kept, codes = [], []
    for name, batches in (("together", [entries[:1], entries[1:]]), ("apart", [[entry] for entry in entries])):
        engine = connect(f"sqlite:///{tmp_path / name}.sqlite", audit.metadata)
        outcomes = []
        for batch in batches:
            with engine.connect().execution_options(writing=True) as connection, connection.begin():
                outcomes += apply(connection, batch)
        with engine.connect() as connection:
            tables = (sitting_tables.sittings, audit.audit)
            kept.append([connection.execute(sa.select(table).order_by(table.c.id)).all() for table in tables])
        codes.append([getattr(outcome, "code", "in") for outcome in outcomes])
        engine.dispose()
    assert kept[0] == kept[1]
    assert codes == [["in", "in", "in", "in", "closed", "in"]] * 2


@given(BATCHES)
def test_changes_made_together_come_to_the_same_as_one_after_the_other(batches):
    """Whatever is made with others of its kind, out of its turn, comes out as in its turn; the log tells the same."""
    seen = []
    for parts in (batches, [[change] for batch in batches for change in batch]):
        engine = sa.create_engine("sqlite://")
        with engine.begin() as connection:
            audit.metadata.create_all(connection)
            outcomes = [plain(outcome) for part in parts for outcome in apply(connection, part)]
            told = replay.retold(audit.entries(connection))
            rows = connection.execute(sa.select(sittings).order_by(sittings.c.number)).mappings()
            kept = [{name: row[name] for name in row if name != "id"} for row in rows]
            log = sa.select(sittings.c.number, responses).join(sittings)
            log = log.order_by(sittings.c.number, responses.c.sequence)
            held = [(row.number, response_of(row)) for row in connection.execute(log)]
            numbers = {row["id"]: row["number"] for row in connection.execute(sa.select(sittings)).mappings()}
            answers = {numbers[own]: holds for own, holds in sitting_tables.answers(connection, "e").items()}
            assert replay.verify(connection) is None
        engine.dispose()
        for number, holds in answers.items():
            own = latest(response for other, response in held if other == number)
            assert holds == {item: response.value for item, response in own.items()}
        seen.append((outcomes, {key: row for key, (_, row) in told.items()}, kept, held))
    assert seen[0] == seen[1]
