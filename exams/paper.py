"""A form as an nbgrader assignment: its source notebook, its release, and a candidate's notebooks.

Each item becomes a locked stem and, where it is marked by rule, a cell `<id>-answer` with `answer = ...` and a graded
cell `<id>` whose hidden tests end in the points earned; a short answer is one manually graded markdown cell `<id>`. A
response to these is data, never code: what a candidate wrote is put in as a literal, and the numbers in it were
computed by the trusted process that collected it. Of a code item, `<id>-answer` is the candidate's code and `<id>` its
tests. grade_id is the item's id; the assignment and its one notebook bear the same name.
"""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.converters import GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from exams import marking, regions
from exams.form import Form
from exams.items import Item

CONFIG = "nbgrader_config.py"
ANSWER = "-answer"  # suffix of the grade_id of the cell that holds the answer to an objective item
Notebook = Any  # nbformat.NotebookNode, which has no types


def assignment_name(form: Form) -> str:
    """The name of the assignment, and of its notebook: the exam's, for parallel forms after A with their letter."""
    return assignment_of(form.exam, form.id)


def assignment_of(exam: str, form: str) -> str:
    """`assignment_name` of a form that need not be read."""
    return exam if form == "A" else f"{exam}-{form}"


def course_config(course: Path) -> Config:
    """nbgrader's configuration of the course whose root is `course`, read from its nbgrader_config.py."""
    config: Config = PyFileConfigLoader(CONFIG, path=str(course)).load_config()
    return config


def source(form: Form) -> Notebook:
    """The source notebook: stems, solutions, and hidden tests."""
    cells = [markdown_cell("title", f"# {form.exam} {form.id}")]
    group = None
    for number, item in enumerate(form.items, 1):
        if item.group and item.group != group:
            cells.append(_locked(f"{item.group.id}-group", _group_text(item)))
        group = item.group
        cells.append(_locked(f"{item.id}-stem", _stem_text(number, item)))
        cells += CELLS.get(item.type, _objective_cells)(item)
    return _notebook(cells)


def _notebook(cells: list[Any]) -> Notebook:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def code_source(item: Item) -> Notebook:
    """The source notebook of one code item by itself, as it is checked and marked."""
    return _notebook(_code_cells(item))


def _cell_id(name: str) -> str:
    """The same id at every build: nbformat's own are random."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _metadata(grade_id: str, **flags: Any) -> dict[str, Any]:
    plain = {"schema_version": 3, "grade_id": grade_id, "grade": False, "solution": False, "locked": False}
    return {"nbgrader": {**plain, "task": False, **flags}}


def markdown_cell(name: str, text: str) -> Any:
    """A cell of text that nbgrader takes no notice of."""
    return new_markdown_cell(text, id=_cell_id(name))


def _locked(grade_id: str, text: str) -> Any:
    return new_markdown_cell(text, id=_cell_id(grade_id), metadata=_metadata(grade_id, locked=True))


def _group_text(item: Item) -> str:
    if item.group is None or item.group.stem:
        return item.group.stem if item.group else ""
    return "\n".join(f"- {letter}. {text}" for letter, text in item.group.options)


def _stem_text(number: int, item: Item) -> str:
    lines = [f"**{number}.** [{item.type}] {item.stem}", ""]
    if item.type != "B1":
        lines += [f"- {letter}. {text}" for letter, text in item.options]
    if item.asset:
        lines.append({"ecg": "［心电图］", "dicom": "［影像］", "simulation": "［模拟实验］"}[item.asset["kind"]])
    return "\n".join(lines).strip()


def _objective_cells(item: Item) -> list[Any]:
    right = marking.examples(item).correct
    value = marking.place(right) if item.type == "hotspot" else item.key
    solution = f"### BEGIN SOLUTION\nanswer = {literal(item, right, value)}\n### END SOLUTION"
    test = f"# 满分 {item.points:g} 分\n### BEGIN HIDDEN TESTS\n{hidden_test(item)}\n### END HIDDEN TESTS"
    name = item.id + ANSWER
    return [
        new_code_cell(solution, id=_cell_id(name), metadata=_metadata(name, solution=True)),
        new_code_cell(
            test, id=_cell_id(item.id), metadata=_metadata(item.id, grade=True, locked=True, points=item.points)
        ),
    ]


def _short_cells(item: Item) -> list[Any]:
    scheme = "\n".join(f"- {points:g}: {text}" for points, text in item.rubric)
    text = f"### BEGIN SOLUTION\n{item.model_answer}\n\n{scheme}\n### END SOLUTION"
    metadata = _metadata(item.id, grade=True, solution=True, points=item.points)
    return [new_markdown_cell(text, id=_cell_id(item.id), metadata=metadata)]


def _code_cells(item: Item) -> list[Any]:
    name = item.id + ANSWER
    text = f"{item.starter}\n### BEGIN SOLUTION\n{item.solution}\n### END SOLUTION"
    graded = _metadata(item.id, grade=True, locked=True, points=item.points)
    return [
        new_code_cell(text, id=_cell_id(name), metadata=_metadata(name, solution=True)),
        new_code_cell(item.tests, id=_cell_id(item.id), metadata=graded),
    ]


CELLS = {"short": _short_cells, "code": _code_cells}


def literal(item: Item, response: object, value: object) -> str:
    """What stands behind `answer = `: the response, with its number or place where the item is marked by one."""
    return repr(response if item.options else {"response": response, "value": value})


def hidden_test(item: Item) -> str:
    """Python that marks `answer`, by itself; its last expression is the points earned (nbgrader's partial credit)."""
    if item.void:
        return f"{item.points}"
    if item.type == "X":
        return (
            f"right, letters = {set(item.key or ())!r}, {set(item.letters)!r}\n"  # type: ignore[arg-type]
            "valid = isinstance(answer, list) and all(isinstance(a, str) for a in answer)\n"
            "valid = valid and len(set(answer)) == len(answer) and letters.issuperset(answer)\n"
            "chosen = set(answer) if valid else set()\n"
            f"share = 1.0 if chosen == right else {marking.X_SHARE_OF_SUBSET} if chosen and chosen < right else 0.0\n"
            f"{item.points} * share"
        )
    if item.options:
        return f"{item.points} if answer in {(item.key, *item.accepted)!r} else 0.0"
    if item.type == "hotspot":
        return (
            f"{inspect.getsource(regions.earned)}\n"
            "place = answer and answer['value']\n"
            f"earned({[region.plain() for region in item.regions]!r}, *place) if place else 0.0"
        )
    return (
        "value = answer and answer['value']\n"
        f"close = value is not None and abs(value - {item.key!r}) <= {item.tolerance + marking.ROUNDING!r}\n"
        f"{item.points} if close else 0.0"
    )


def write_source(course: Path, form: Form) -> Path:
    """Write the source notebook of `form` into the course root `course`; gives its path."""
    name = assignment_name(form)
    path = course / "source" / name / f"{name}.ipynb"
    write(path, nbformat.writes(source(form)))
    return path


def release(course: Path, form: Form) -> Path:
    """Let nbgrader make the release from the source, without solutions and hidden tests, and note its cells.

    Raises nbgrader's NbGraderException where it refuses: as when the items changed after candidates handed in.
    """
    name = assignment_name(form)
    config = course_config(course)
    folder = CourseDirectory(config=config, root=str(course), assignment_id=name)
    GenerateAssignment(coursedir=folder, config=config, force=True).start()
    return released(course, form)


def feedback_file(course: Path, form: Form, number: str) -> Path:
    """Where nbgrader's feedback to candidate `number` lies, once it is made."""
    name = assignment_name(form)
    return course / "feedback" / number / name / f"{name}.html"


def write_feedback(course: Path, form: Form, number: str) -> None:
    """Let nbgrader make the feedback to one candidate, in place of an earlier one."""
    config = course_config(course)
    folder = CourseDirectory(config=config, root=str(course), assignment_id=assignment_name(form), student_id=number)
    GenerateFeedback(coursedir=folder, config=config, force=True).start()


def released(course: Path, form: Form) -> Path:
    """Where the release of a form lies, once it is made."""
    name = assignment_name(form)
    return course / "release" / name / f"{name}.ipynb"


def read(path: Path) -> Notebook:
    """The notebook in `path`."""
    return nbformat.read(str(path), as_version=4)


def write(path: Path, notebook: str) -> None:
    """Write a notebook, which is JSON already; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    draft.write_text(notebook, encoding="utf-8")
    draft.replace(path)
