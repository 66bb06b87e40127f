"""Code items 编程题: what a candidate begins with, the reference solution, and the tests with what is hidden. Pure.

`tests` is the text of an nbgrader test cell: what stands between `### BEGIN HIDDEN TESTS` and `### END HIDDEN TESTS`
never leaves the server, the rest is shown to candidates as examples. A last expression may give part of the points. The
tests are run split (`exams.autograde.split`), so they call the candidate's functions and compare plain values.
"""

from __future__ import annotations

from typing import Any

from exams.autograde.split import Split, SplitError, parsed, split, student_names
from exams.documents import Fields

FIELDS = ("starter", "solution", "tests", "max_length")
BEGIN, END = "BEGIN HIDDEN TESTS", "END HIDDEN TESTS"
MARKERS = ("BEGIN SOLUTION", "END SOLUTION", BEGIN, END)


def visible(tests: str) -> str:
    """What candidates may see of the tests."""
    shown, hidden = [], False
    for line in tests.splitlines():
        if BEGIN in line or END in line:
            hidden = BEGIN in line
        elif not hidden:
            shown.append(line)
    return "\n".join(shown).strip()


def programs(starter: str, solution: str, tests: str) -> Split:
    """The two programs of the tests. Raises SplitError."""
    return split(tests, student_names([starter, solution]))


def parse_code(fields: Fields) -> dict[str, Any]:
    """The fields of a code item of its own. Raises DocumentError."""
    found: dict[str, Any] = {name: fields.text(name) for name in ("starter", "solution", "tests")}
    for name, text in found.items():
        try:
            parsed(text)
        except SplitError as error:
            raise fields.fail(name, f"Line {error.line} of the code is no plain Python.") from error
    for name in ("starter", "solution"):
        if any(marker in found[name] for marker in MARKERS):
            raise fields.fail(name, "Markers of hidden parts may stand in the tests alone.")
    marks = [marker for line in found["tests"].splitlines() for marker in MARKERS if marker in line]
    if marks != [BEGIN, END] * (len(marks) // 2):
        raise fields.fail("tests", f"Hidden tests stand between lines with {BEGIN} and {END}.")
    try:
        made = programs(**found)
    except SplitError as error:
        raise fields.fail("tests", f"Line {error.line} of the tests: {error.text}") from error
    if not made.calls:
        raise fields.fail("tests", "The tests use nothing that the solution defines.")
    return found | {"max_length": fields.whole("max_length", minimum=1)}
