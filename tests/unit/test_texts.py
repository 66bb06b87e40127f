"""Every text a person reads exists in both languages, with the same fields to fill."""

import ast
import functools
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from courses.cases import BUILT_IN
from courses.messages import Message
from exams import marking
from exams.autograde import marker
from hub.people import Role
from widgets.i18n import language_of, translations
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
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id in {"Message", "Refusal"} and isinstance(first, ast.Constant):
                    yield first.value


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


PACKAGES = ("hub", "exams", "courses", "widgets")
KEYWORDS = dict.fromkeys(("_", "N_", "t", "mark", "gettext"))
OF_THE_EXAMS = {"say": None, "OfficeError": None}
LOOKED_UP = {
    "hub": {
        *Role,  # the operator's table of accounts shows them by the name in the database
        # the sentences of nativeauthenticator's page for changing a password, shown as it makes them
        "Your current password was incorrect. Please try again.",
        "Your new password didn't match the confirmation. Please try again.",
        "Your password has been changed successfully!",
        "Something went wrong!\nBe sure your new password has at least 10 characters and is not too common.",
    },
    # a mark's reason is a constant; the page of results translates it
    "exams": {
        *(marking.CORRECT, marking.PARTLY, marking.WRONG, marking.BLANK, marking.INVALID, marking.GIVEN),
        *(marking.AWAITS_MARKER, marking.AWAITS_RUN, *marker.REASONS, *marker.REFUSALS),
    },
    # titles of series, which are data
    "courses": {"CT phantom", "CT slice (pydicom CT_small)"},
    "widgets": set(),
}
"""Texts that no call names, since they are looked up while running, each with the reason."""


@functools.cache
def extracted(package):
    """Every text that pybabel finds in `package`; in scripts also those within a template literal."""
    with (ROOT / "configs" / "babel.cfg").open(encoding="utf-8") as config:
        methods, _ = parse_mapping_cfg(config)
    found = set()
    # apart, since Babel overlooks a call within the call of another keyword
    for keywords in (KEYWORDS, OF_THE_EXAMS) if package == "exams" else (KEYWORDS,):
        for within in ("false", "true"):
            options = {pattern: {"parse_template_string": within} for pattern, name in methods if name == "javascript"}
            for _, _, text, _, _ in extract_from_dir(ROOT / package, methods, options, keywords):
                found |= {text} if isinstance(text, str) else set()
    return found - {""}


@pytest.mark.parametrize("package", PACKAGES)
class TestCatalogue:
    """One catalogue a package, complete and without leftovers."""

    def test_every_text_has_chinese(self, package):
        known = catalogue(package)
        wanted = extracted(package) | LOOKED_UP[package]
        assert sorted(wanted - known.keys()) == []
        assert [text for text in wanted if not known[text]] == []

    def test_no_entry_is_stale(self, package):
        used = extracted(package) | LOOKED_UP[package]
        used |= {"courses": set(python_texts()), "widgets": set(browser_texts())}.get(package, set())
        assert sorted(catalogue(package).keys() - used) == []

    def test_every_entry_has_the_same_places_to_fill(self, package):
        for text, chinese in catalogue(package).items():
            assert sorted(FIELD.findall(text)) == sorted(FIELD.findall(chinese)), text

    def test_nothing_is_fuzzy_or_given_up(self, package):
        with (ROOT / package / "locale" / "zh.po").open("rb") as source:
            entries = read_po(source, locale="zh", abort_invalid=True)
        assert [entry.id for entry in entries if entry.id and entry.fuzzy] == []
        assert list(entries.obsolete) == []


def test_the_language_is_the_cookies_where_it_is_one_of_ours():
    assert [language_of(cookie) for cookie in ("en", "zh", None, "", "fr", "../en")] == ["en", "zh", *["zh"] * 4]


def test_english_needs_no_catalogue_and_chinese_falls_back_to_the_text():
    assert translations("hub", "en").gettext("Log in") == "Log in"
    assert translations("hub", "zh").gettext("Log in") == "登录"
    assert translations("hub", "zh").gettext("a text of tomorrow") == "a text of tomorrow"
    with pytest.raises(FileNotFoundError):
        translations("hub", "fr")
