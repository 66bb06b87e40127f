"""Every text a person reads exists in both languages, with the same fields to fill."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from courses.cases import BUILT_IN
from courses.messages import Message
from widgets.labels import labels

ROOT = Path(__file__).resolve().parents[2]
FIELD = re.compile(r"\{\w+\}")


def catalogue(package):
    with (ROOT / package / "locale" / "zh.po").open("rb") as source:
        return {message.id: message.string for message in read_po(source, locale="zh") if message.id}


def python_texts():
    """The first argument of every Message(...) and Refusal(...) in the package."""
    for path in (ROOT / "courses").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
            if named and node.func.id in {"Message", "Refusal"} and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def browser_texts():
    """The first argument of every t("...") and mark("...") in the front ends."""
    for path in (ROOT / "widgets").glob("*.js"):
        yield from re.findall(r'\b(?:t|mark)\("([^"]*)"', path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("package", "texts"), [("courses", set(python_texts())), ("widgets", set(browser_texts()))])
def test_the_catalogue_has_every_text(package, texts):
    known = catalogue(package)
    assert texts, "no texts found: has the way they are written changed?"
    assert not texts - known.keys()
    for text in texts:
        assert known[text]
        assert sorted(FIELD.findall(text)) == sorted(FIELD.findall(known[text])), text


def test_titles_of_built_in_cases_are_translated():
    assert {"CT phantom", "CT slice (pydicom CT_small)"} <= catalogue("courses").keys()
    assert len(BUILT_IN) == 2


def test_a_message_speaks_both_languages():
    message = Message("There is no case “{case}” in the library: choose one of the list.", {"case": "x"})
    assert message.say("en") == "There is no case “x” in the library: choose one of the list."
    assert message.say("zh") == "病例库中没有“x”：请从列表中选择。"


def test_labels_go_to_the_browser_in_both_languages():
    assert labels()["zh"]["Length"] == "长度"
    assert labels()["en"] == {}
