"""A stencil: a released notebook cut into pieces of JSON, so that a candidate's is put together and not built anew.

An exam has thousands of them with hundreds of cells each, and all but the answers is the same in all.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from courses.measure import Image
from exams import marking, paper
from exams.form import Form
from exams.items import Item
from exams.marking import Mark

Responses = Mapping[str, object]


class Stencil:
    """What is the same in all notebooks of a form; `released` is its release, `images` case id -> series."""

    def __init__(self, released: paper.Notebook, form: Form, images: Mapping[str, Image]) -> None:
        self._form, self._images = form, images
        self._items = {item.id: item for item in form.items}
        self._answers = {item.id + ("" if item.type == "short" else paper.ANSWER): item for item in form.items}
        self._cells = [(cell, _grade_id(cell), _json(cell)) for cell in released.cells]
        rest = {name: value for name, value in released.items() if name != "cells"}
        self._rest = _json(rest)[1:-1]

    def submission(self, responses: Responses) -> str:
        """The notebook that a candidate with these responses (item id -> response) handed in, as JSON."""
        return self._notebook(self._answered(grade_id, text, cell, responses) for cell, grade_id, text in self._cells)

    def graded(self, responses: Responses, marks: Mapping[str, Mark]) -> str:
        """What formgrader shows a marker: the submission, with the points of each objective item and rubrics.

        Hidden tests are not in it. A rubric stands in a mark scheme region, which the feedback leaves out.
        """

        def cells() -> Iterable[str]:
            for cell, grade_id, text in self._cells:
                item = self._items.get(grade_id)
                if item is not None and item.type == "short":
                    yield _json(_rubric_cell(item))
                elif item is not None:
                    shown = {"output_type": "execute_result", "metadata": {}, "execution_count": 1}
                    points = {**shown, "data": {"text/plain": str(marks[item.id].points)}}
                    yield _json({**cell, "outputs": [points], "execution_count": 1})
                    continue
                yield self._answered(grade_id, text, cell, responses)

        return self._notebook(cells())

    def _notebook(self, cells: Iterable[str]) -> str:
        return f'{{"cells": [{", ".join(cells)}], {self._rest}}}\n'

    def _answered(self, grade_id: str, text: str, cell: Mapping[str, Any], responses: Responses) -> str:
        """A cell's JSON, with the response where it is one's cell; `text` where it is not, or nothing was answered."""
        item = self._answers.get(grade_id)
        if item is None or marking.is_blank(item, response := responses.get(item.id)):
            return text
        return _json({**cell, "source": self._source(item, response)})

    def _source(self, item: Item, response: object) -> str:
        if item.type == "short":
            return _verbatim(str(response)[: item.max_length])  # the room says that no more is marked
        if item.type == "code":
            return str(response)[: item.max_length]
        image = self._images.get((item.asset or {}).get("case", ""))
        value = marking.place(response) if item.type == "hotspot" else marking.value(item, response, image)
        return f"answer = {paper.literal(item, response, value)}"


def _grade_id(cell: Mapping[str, Any]) -> str:
    grade_id: str = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return grade_id


_json: Callable[[object], str] = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def _verbatim(text: str) -> str:
    """A candidate's text as an indented code block: markdown, HTML and formulas in it stay plain text."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _rubric_cell(item: Item) -> Any:
    lines = [f"- {points:g} 分：{html.escape(text)}" for points, text in item.rubric]
    text = "\n".join(["**评分标准**", "", *lines, "", "**参考答案**", "", html.escape(item.model_answer), ""])
    return paper.markdown_cell(f"{item.id}-rubric", f"<!-- BEGIN MARK SCHEME -->\n{text}\n<!-- END MARK SCHEME -->")
