"""Traces: appended, never changed, and read back in xAPI's shape."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hub.state import engine
from hub.traces import ANSWERED, OPENED, RESPONSE_LIMIT, Statement, Traces

NOON = dt.datetime(2027, 1, 8, 12, 0, 0, 123456, tzinfo=dt.timezone(dt.timedelta(hours=8)))


@pytest.fixture
def database(tmp_path):
    return engine(f"sqlite:///{tmp_path / 'state.sqlite'}")


@pytest.fixture
def traces(database):
    return Traces(database)


def answered(actor, task, success):
    return Statement(actor, ANSWERED, task, success, 1)


def test_a_statement_comes_back_in_xapi_shape(traces):
    traces.add(Statement("student01", OPENED, "physiology/01_nerve"), NOON)
    traces.add(Statement("student01", ANSWERED, "physiology/01_nerve#threshold", False, ["甲", 13.4]), NOON)
    traces.add(Statement("student02", OPENED, "physiology/01_nerve"), NOON)
    opened, result = traces.statements("student01")
    # xAPI 1.0.3 part 2: actor with an account (2.4.2), verb id an IRI (2.4.3), object id an IRI (2.4.4),
    # result.response a string (2.4.5), timestamp ISO 8601 (2.4.7)
    assert opened == {
        "actor": {"account": {"homePage": "urn:xinglin", "name": "student01"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/launched"},
        "object": {"id": "urn:xinglin:physiology/01_nerve"},
        "timestamp": "2027-01-08T04:00:00.123000+00:00",
    }
    assert result["object"] == {"id": "urn:xinglin:physiology/01_nerve#threshold"}
    assert result["result"] == {"success": False, "response": '["甲", 13.4]'}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE traces SET success = 1",
        "UPDATE OR REPLACE traces SET actor = 'student02'",
        "DELETE FROM traces",
        "INSERT OR REPLACE INTO traces SELECT id, time, actor, verb, object, 1, response FROM traces",
        "INSERT INTO traces SELECT * FROM traces WHERE true ON CONFLICT (id) DO UPDATE SET success = 1",
    ],
)
def test_what_stands_cannot_be_changed(traces, database, change):
    traces.add(answered("student01", "a/b#c", False), NOON)
    before = traces.statements("student01")
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), database.begin() as connection:
        connection.execute(sa.text(change))
    assert traces.statements("student01") == before


def test_a_response_of_any_length_up_to_the_limit_is_kept(traces):
    longest = "长" * (RESPONSE_LIMIT - 2)  # two quotes more
    traces.add(Statement("a", ANSWERED, "x#y", True, longest), NOON)
    with pytest.raises(ValueError, match=str(RESPONSE_LIMIT)):
        traces.add(Statement("a", ANSWERED, "x#y", True, longest + "长"), NOON)
    (kept,) = traces.statements("a")
    assert json.loads(kept["result"]["response"]) == longest


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["l#1", "l#2", "m#1"]), st.booleans())))
def test_done_are_the_tasks_answered_rightly_at_least_once(answers):
    traces = Traces(fresh())
    for answer in answers:
        traces.add(answered(*answer), NOON)
    assert traces.done("ab") == {
        actor: {task for who, task, success in answers if success and who == actor} for actor in "ab"
    }


def fresh():
    """An empty database in memory."""
    from hub.traces import TRACES

    made = sa.create_engine("sqlite://")
    TRACES.create(made)
    return made


def test_done_counts_answers_alone_and_names_everybody_asked_about(traces):
    traces.add(Statement("a", OPENED, "x#y", True), NOON)
    traces.add(answered("other", "x#y", True), NOON)
    assert traces.done(iter(["a", "new"])) == {"a": set(), "new": set()}
    assert traces.done([]) == {}


def test_a_commit_is_on_disk(database):
    with database.connect() as connection:
        assert connection.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(sa.text("PRAGMA synchronous")).scalar() == 2  # FULL, see sqlite.org/pragma.html
