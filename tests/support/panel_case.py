"""A panel for tests: answers of two items by candidates of four schools, and its markers."""

from exams.panel.change import Opening
from exams.panel.rules import Marker
from exams.panelrules import Marking

SCHOOLS = ("杏林医学院", "橘井医学院", "悬壶医学院", "仁济医学院")
ITEMS = {"i1": 4.0, "i2": 3.0}
RULES = Marking(markers=("m1", "m2"), adjudicators=("a1",), check_every=0)


def marker(name: str, school: str = "", **roles: bool) -> Marker:
    return Marker(name, frozenset({school} if school else ()), **roles)


def adjudicator(name: str, school: str = "") -> Marker:
    return marker(name, school, marks=False, adjudicates=True)


def openings(count: int, items: dict[str, float] | None = None) -> list[Opening]:
    """`count` candidates by turns of SCHOOLS, each with an answer to every item."""
    return [
        Opening(f"n{at:05}", SCHOOLS[at % len(SCHOOLS)], item, "A", f"答案 {at} {item}", worth)
        for at in range(count)
        for item, worth in (items or ITEMS).items()
    ]


def school_of(number: str) -> str:
    return SCHOOLS[int(number[1:]) % len(SCHOOLS)]
