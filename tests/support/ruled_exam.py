"""A small exam that was sat, and the key that is changed after it."""

from pathlib import Path

from exams import marking
from exams.exam import Exam
from exams.items import Item, load_bank
from exams.response import Json
from tests.support.exam_command import run
from tests.support.sat_exam import LEAD

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"


def of_type(kind: str) -> Item:
    return next(item for item in load_bank(BANK) if item.type == kind and not (kind == "ecg" and not item.options))


SHORT, CODE = of_type("short"), of_type("code")
ITEMS = [of_type("A1"), of_type("X"), of_type("numeric"), of_type("hotspot")]
SINGLE, SEVERAL, NUMBER, SPOT = ITEMS
OTHER = next(letter for letter in SINGLE.letters if letter != SINGLE.key)
THIRD = next(letter for letter in SINGLE.letters if letter not in (SINGLE.key, OTHER))
assert isinstance(SINGLE.key, str)
assert isinstance(SEVERAL.key, tuple)
assert isinstance(NUMBER.key, float)
SHEETS: list[dict[str, Json]] = [
    {SINGLE.id: SINGLE.key, SEVERAL.id: list(SEVERAL.key), NUMBER.id: f"{NUMBER.key:g}"},
    {SINGLE.id: OTHER, SEVERAL.id: list(SEVERAL.key), NUMBER.id: f"{NUMBER.key + 2 * NUMBER.tolerance:g}"},
    {SINGLE.id: OTHER, SEVERAL.id: [SEVERAL.key[0]]},
    {SINGLE.id: THIRD, SPOT.id: marking.examples(SPOT).correct},
    {},
]


def home_of(exam: Exam) -> Path:
    return exam.folder.parents[1]


def course_of(exam: Exam) -> Path:
    return home_of(exam) / "nbgrader" / exam.course


def propose(exam: Exam, changes: str, reason: str = "教材有两种说法。") -> str:
    path = exam.folder / "changes.yaml"
    path.write_text(changes, encoding="utf-8")
    done = run(home_of(exam), "propose", exam.id, str(path), "--reason", reason, "--by", LEAD)
    return done.output


def act(exam: Exam, *arguments: str, by: str = LEAD) -> str:
    return run(home_of(exam), arguments[0], exam.id, *arguments[1:], "--by", by).output
