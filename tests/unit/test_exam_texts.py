"""Every text that the exam service shows stands in both languages."""

import functools
from pathlib import Path

from babel.messages.extract import extract_from_dir

import exams
from exams.pages import labels
from widgets.i18n import translations

SOURCES = [
    ("**.py", "python"),
    ("templates/**.html", "jinja2"),
    ("room/**.js", "javascript"),
    ("bankdesk/scripts/**.js", "javascript"),
    ("panel/scripts/**.js", "javascript"),
]
MARKERS = {"_": None, "N_": None, "t": None, "gettext": None}


@functools.cache
def texts():
    found = extract_from_dir(Path(exams.__file__).parent, method_map=SOURCES, keywords=MARKERS)
    return sorted({message for _, _, message, _, _ in found if isinstance(message, str)})


def test_there_is_chinese_for_every_text():
    chinese = translations("exams", "zh")
    assert len(texts()) > 100
    assert [text for text in texts() if chinese.gettext(text) == text] == []


def test_a_translation_has_the_same_places_to_fill():
    chinese = translations("exams", "zh")
    for text in texts():
        places = {part.split("}")[0] for part in text.split("{")[1:]}
        assert {part.split("}")[0] for part in chinese.gettext(text).split("{")[1:]} == places, text


def test_the_page_carries_its_scripts_texts_and_cannot_be_broken_out_of():
    assert "全部保存" in labels("zh")
    assert "<" not in labels("zh") + labels("en")
