"""What a person may do to an item at the desk, and why not. Pure functions; the ledger decides."""

from __future__ import annotations

from collections.abc import Sequence

from exams import ledger
from exams.items import Item
from exams.ledger import Act, Entry, NotAllowedError, State
from exams.web import N_

STEPS = {
    State.DRAFT: (Act.WRITE, Act.REVIEW, Act.PUBLISH, Act.RETIRE),
    State.REVIEWED: (Act.PUBLISH, Act.RETIRE),
    State.LIVE: (Act.RETIRE,),
    State.RETIRED: (Act.WRITE,),
}
"""What makes sense where an item stands; signing only while nobody has."""

DEEDS = {
    Act.REVIEW: N_("Review: it is right"),
    Act.PUBLISH: N_("Publish"),
    Act.WRITE: N_("Sign as its author"),
    Act.RETIRE: N_("Retire"),
}
"""The buttons."""

BACK = N_("Make it a draft again")
"""The button of WRITE for an item that is retired."""

DONE = {
    Act.WRITE: N_("wrote or signed it"),
    Act.REVIEW: N_("reviewed it"),
    Act.PUBLISH: N_("published it"),
    Act.RETIRE: N_("retired it"),
    Act.USE: N_("took it into a form"),
    Act.MEASURE: N_("entered what an exam told of it"),
}
"""What an entry of the ledger says in the history."""


def refusal(entries: Sequence[Entry], item: Item, act: Act, by: str) -> str:
    """Why `by` may not do `act` at the desk, one sentence; "" where they may."""
    now = ledger.state(entries, item)
    unsigned = now is State.DRAFT and not ledger.authors(entries, item)
    if act is Act.WRITE and not unsigned and now is not State.RETIRED:  # it would take a review back
        return f"{item.id} is {now}: only a draft without a name is signed."
    try:
        ledger.allow(entries, item, act, by)
    except NotAllowedError as error:
        return str(error)
    return ""


def offered(entries: Sequence[Entry], item: Item, by: str) -> list[tuple[Act, str]]:
    """The deeds of the item's state, the usual next one first, with why one is not allowed to `by`, "" where it is."""
    told = [(act, refusal(entries, item, act, by)) for act in STEPS[ledger.state(entries, item)]]
    return [(act, why) for act, why in told if act is not Act.WRITE or not why]
