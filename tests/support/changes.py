"""Changes of sittings in any order, for property tests; and what they came to, in words that any run gives alike."""

from dataclasses import replace

import sqlalchemy as sa
from hypothesis import strategies as st

from exams import audit
from exams.attendance import STEPS
from exams.change import Credit, Enter, Force, Note, RefusedError, Save, Submit
from exams.knock import Knock
from exams.response import Response
from exams.sitting_attend import Attend
from exams.timing import Allowance
from tests.support.sitting_writer import HERE

ALLOWANCE = Allowance(90, 2_000_000_000_000)
NUMBERS, SEATS = st.sampled_from(["n1", "n2", "n3"]), st.sampled_from(["seat-one", "seat-two"])
RESPONSES = st.builds(
    Response,
    sequence=st.integers(1, 4),
    item=st.sampled_from(["a", "b"]),
    value=st.sampled_from([None, "", "A", ["A", "C"], {"x": 1.5, "y": [2, None]}, "阑尾炎 \x00 ✓", 10**15, 0.1]),
    flagged=st.booleans(),
    device=st.just("d"),
)
AT = st.integers(0, 3).map(lambda late: 1_900_000_000_000 + late * 50 * 60_000)
ORIGINS = st.sampled_from([HERE, replace(HERE, device="another")])
NOTICED: dict[str, dict[str, object]] = {
    "left": {"seat": "s", "count": 1, "seconds": 5},
    "moved": {"to": "::1"},
    "extended": {"minutes": 5},
}
ACTS = st.sampled_from(sorted(STEPS.keys() - {"opened", "entered", "asked"}))
CHANGES = st.one_of(
    st.builds(Enter, AT, st.just("e"), NUMBERS, st.just("u"), st.just("A"), st.just(2**47), st.just(ALLOWANCE), SEATS,
              ORIGINS),
    st.builds(Save, AT, st.just("e"), NUMBERS, SEATS, st.lists(RESPONSES, min_size=1, max_size=3).map(tuple)),
    st.builds(Submit, AT, st.just("e"), NUMBERS, st.just("u"), SEATS, st.integers(0, 4)),
    st.builds(Force, AT, st.just("e"), NUMBERS, st.just("u"), st.just("why")),
    st.builds(Credit, AT, st.just("e"), st.just("u"), st.just(60), st.just("why"), st.none() | NUMBERS),
    st.builds(lambda at, numbers, act: Attend(at, "e", tuple(numbers), "u", act, NOTICED.get(act, {})), AT,
              st.lists(NUMBERS, min_size=1, max_size=2), ACTS),
    st.builds(Note, AT, st.just("e"), st.just("u"), st.just("looked"), st.just({"at": 1.5})),
    st.builds(Knock, AT, NUMBERS, st.booleans()),
)  # fmt: skip


BATCHES = st.lists(
    st.lists(CHANGES, min_size=1, max_size=8).map(lambda batch: [replace(one, at_ms=batch[0].at_ms) for one in batch]),
    max_size=6,
)
"""What comes in one batch comes within milliseconds."""


def emptied(engine):
    """The engine's connection as a writer, on empty tables."""
    connection = engine.connect().execution_options(writing=True)
    with connection.begin():
        for table in reversed(audit.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return connection


def plain(outcome):
    """What a change came to, without the numbers and seals that follow from the order of others."""
    if isinstance(outcome, RefusedError):
        return outcome.code
    if isinstance(outcome, audit.Entry):
        return outcome.act
    return {**vars(outcome), "id": 0, "seat": ""} if hasattr(outcome, "seat") else outcome
