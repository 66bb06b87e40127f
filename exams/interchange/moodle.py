"""Moodle XML: a `quiz` of `question` elements; categories, tags and the marker's guide have places of their own.

We write texts as `plain_text`; of other programs' files we read `html` and `moodle_auto_format` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from exams.documents import DocumentError
from exams.interchange.markup import NO_MARKUP, NO_PICTURES, PICTURE, html_text
from exams.interchange.question import (
    CASE,
    CHOICE,
    MULTIPLE,
    NUMBER,
    TEXT,
    Question,
    Reading,
    UnusableError,
    facts,
    guide,
    named,
    number,
    numeral,
    read_as_items,
    read_facts,
    with_source,
    without_source,
)
from exams.interchange.report import Loss
from exams.interchange.safe import read_xml
from exams.items import SHARED_STEM, Item

KINDS = {"multichoice": CHOICE, "numerical": NUMBER, "essay": TEXT, "description": CASE}
PLAIN = "plain_text"
FULL = 100.0  # percent of the marks
READ = (
    *("name", "idnumber", "questiontext", "generalfeedback", "defaultgrade", "graderinfo", "hint", "tags"),
    *("single", "answer", "units"),
)
SETTINGS = {"penalty": "0", "hidden": "0", "shuffleanswers": "true", "answernumbering": "ABCD", "unitsleft": "0"}
SETTINGS |= {"responseformat": "plain", "responserequired": "1", "unitgradingtype": "0", "showunits": "3"}
"""Settings as our exams have them; others are listed as lost."""


def write(items: Sequence[Item]) -> bytes:
    """The items as Moodle XML. A shared stem is a description, and stands before each of its items as well."""
    quiz = Element("quiz")
    category = ""
    seen: set[str] = set()
    for item in items:
        path = "/".join(name.replace("/", "//") for name in ("$course$", "top", item.subject, item.topic))
        if path != category:
            category = path
            _text(SubElement(SubElement(quiz, "question", type="category"), "category"), path)
        if item.group and item.group.stem and item.group.id not in seen:
            seen.add(item.group.id)
            _question(quiz, "description", item.group.id, item.group.stem)
        _item(quiz, item)
    indent(quiz, " ")
    # white space of a text counts, so texts are set only after the tree is indented
    for text in quiz.iter("text"):
        text.text = text.attrib.pop("is")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(quiz, encoding="unicode")}\n'.encode()


def _text(parent: Element, text: str) -> None:
    SubElement(parent, "text", {"is": text})


def _formatted(parent: Element, tag: str, text: str, **attributes: str) -> Element:
    element = SubElement(parent, tag, attributes | {"format": PLAIN})
    _text(element, text)
    return element


def _value(parent: Element, tag: str, value: str) -> None:
    SubElement(parent, tag).text = value


def _setting(parent: Element, *tags: str) -> None:
    for tag in tags:
        _value(parent, tag, SETTINGS[tag])


def _question(quiz: Element, kind: str, name: str, stem: str, rationale: str = "", points: float = 0) -> Element:
    question = SubElement(quiz, "question", type=kind)
    _text(SubElement(question, "name"), name)
    _formatted(question, "questiontext", stem)
    _formatted(question, "generalfeedback", rationale)
    _value(question, "defaultgrade", numeral(points))
    _setting(question, "penalty", "hidden")
    _value(question, "idnumber", name)
    return question


def _item(quiz: Element, item: Item) -> None:
    kind = "essay" if item.type == "short" else "multichoice" if item.options else "numerical"
    stem = f"{item.group.stem}\n{item.stem}" if item.group and item.type in SHARED_STEM else item.stem
    question = _question(quiz, kind, item.id, stem, with_source(item), item.points)
    if item.type == "short":
        _setting(question, "responseformat", "responserequired")
        _formatted(question, "graderinfo", guide(item))
    elif isinstance(item.key, float):
        answer = _formatted(question, "answer", numeral(item.key), fraction="100")
        _value(answer, "tolerance", numeral(item.tolerance))
        unit = SubElement(SubElement(question, "units"), "unit")
        _value(unit, "multiplier", "1")
        _value(unit, "unit_name", item.unit)
        _setting(question, "unitgradingtype", "showunits", "unitsleft")
    else:
        _options(question, item)
    tags = SubElement(question, "tags")
    for fact in facts(item, but=("points", "unit")):
        _text(SubElement(tags, "tag"), fact)


def _options(question: Element, item: Item) -> None:
    several = isinstance(item.key, tuple)
    _value(question, "single", "false" if several else "true")
    _setting(question, "shuffleanswers", "answernumbering")
    right = item.key if isinstance(item.key, tuple) else (str(item.key),)
    for letter, text in item.options:
        share = numeral(round(FULL / len(right), 5)) if letter in right else "-100" if several else "0"
        _formatted(question, "answer", text, fraction=share)


def read(data: bytes, stem: str) -> Reading:
    """The items of a Moodle XML file; `stem` begins the ids of questions without one. Raises DocumentError."""
    quiz = read_xml(data)
    if quiz.tag != "quiz":
        raise DocumentError(f"This is not Moodle XML, which begins with <quiz>, but <{quiz.tag:.60}>: see --format.")
    questions: list[Question] = []
    losses: list[Loss] = []
    topic = ""
    for place, element in enumerate(quiz.findall("question"), 1):
        if element.get("type") == "category":
            path = element.findtext("category/text", "").replace("//", "\0")
            topic = path.rpartition("/")[2].replace("\0", "/").strip()
            continue
        try:
            questions.append(_Reader(element, f"{stem}-{place:03d}").question(topic))
        except UnusableError as error:
            losses.append(error.loss)
    if not questions and not losses:
        raise DocumentError("There are no questions in this file: export them from Moodle again.")
    return read_as_items(named(questions, stem), losses)


def _bare(text: str) -> str:
    """A text without white space around, a number without zeros that say nothing."""
    value = number(text)
    return text.strip() if value is None else numeral(value)


class _Reader:
    """One `question` element; `lost` gathers what plain text does not show."""

    def __init__(self, element: Element, unnamed: str):
        self.element = element
        self.kind = element.get("type", "")
        self.name = element.findtext("idnumber", "").strip() or element.findtext("name/text", "").strip() or unnamed
        self.lost: dict[str, None] = {}

    def question(self, topic: str) -> Question:
        """Raises UnusableError where the bank has no such items, DocumentError where the file is refused."""
        found, losses = read_facts((tag.text or "" for tag in self.element.findall("tags/tag/text")), self.name)
        if topic:
            found.setdefault("topic", topic)
        grade = number(self.element.findtext("defaultgrade", ""))
        if grade:
            found["points"] = numeral(grade)
        # a harmful text is refused even in a question that is left out
        texts = {tag: self.plain(self.element.find(tag)) for tag in ("questiontext", "generalfeedback", "graderinfo")}
        answers = [
            (self.plain(answer), self.plain(answer.find("feedback"))) for answer in self.element.findall("answer")
        ]
        for other in self.element.iter():
            if other.get("format") in ("html", "moodle_auto_format"):
                html_text(other.findtext("text", ""))
        if self.kind not in KINDS:
            raise UnusableError(self.name, f"the bank has no items of Moodle's type {self.kind!r:.40}")
        if PICTURE in self.lost or self.element.find(".//file") is not None:
            raise UnusableError(self.name, NO_PICTURES)
        notes = [f"{text}：{feedback}" for text, feedback in answers if feedback]
        rationale, source = without_source("\n".join([texts["generalfeedback"], *notes]).strip())
        question = Question(
            self.name,
            KINDS[self.kind],
            texts["questiontext"],
            guide=texts["graderinfo"],
            rationale=rationale,
            source=source,
            facts=found,
        )
        if self.kind == "multichoice":
            question, told = self.choice(question, [text for text, _ in answers])
        else:
            question, told = self.numerical(question) if self.kind == "numerical" else (question, ())
        lost = tuple(Loss(self.name, what, NO_MARKUP) for what in self.lost)
        hints = (Loss(self.name, "hints", "the bank has no hints"),) if self.element.findtext("hint/text") else ()
        return replace(question, losses=(*losses, *told, *lost, *hints, *self.unread()))

    def unread(self) -> list[Loss]:
        """What else the question holds and the bank has no place for."""
        tags = [
            child.tag
            for child in self.element
            if child.tag not in READ and _bare("".join(child.itertext())) not in ("", SETTINGS.get(child.tag))
        ]
        return [Loss(self.name, tag, "the bank has no place for it") for tag in dict.fromkeys(tags)]

    def choice(self, question: Question, options: list[str]) -> tuple[Question, tuple[Loss, ...]]:
        """With its options."""
        shares = [number(answer.get("fraction", "0")) or 0.0 for answer in self.element.findall("answer")]
        single = self.element.findtext("single", "true").strip() in ("true", "1")
        right = tuple(place for place, share in enumerate(shares) if share == FULL or (share > 0 and not single))
        partial = single and any(0 < share < FULL for share in shares)
        uneven = not single and len({share for share in shares if share > 0}) > 1
        why = "right options count alike here" if uneven else "an option that is partly right counts as wrong here"
        kind = CHOICE if single else MULTIPLE
        told = (Loss(self.name, "weights", why),) if partial or uneven else ()
        return replace(question, kind=kind, options=tuple(options), right=right), told

    def numerical(self, question: Question) -> tuple[Question, tuple[Loss, ...]]:
        """With the number and the unit of its first answer that earns all."""
        told: list[Loss] = []
        full = [answer for answer in self.element.findall("answer") if number(answer.get("fraction", "")) == FULL]
        key = number(full[0].findtext("text", "")) if full else None
        if key is None:
            raise UnusableError(self.name, "it has no number that earns all points")
        if len(self.element.findall("answer")) > 1:
            told.append(Loss(self.name, "other answers", "an item has one number, the first that earns all points"))
        units = self.element.findall("units/unit")
        if len(units) > 1:
            told.append(Loss(self.name, "other units", "an item has one unit, the first"))
        unit = units[0].findtext("unit_name", "").strip() if units else ""
        found = dict(question.facts) | ({"unit": unit} if unit else {})
        tolerance = number(full[0].findtext("tolerance", "0") or "0")
        return replace(question, number=key, tolerance=tolerance, facts=found), tuple(told)

    def plain(self, element: Element | None) -> str:
        """The text of an element in its format as plain text."""
        if element is None:
            return ""
        text = element.findtext("text", "")
        style = element.get("format") or "moodle_auto_format"
        if style in (PLAIN, "markdown"):
            return text.strip()
        found, lost = html_text(text, keep_lines=style == "moodle_auto_format")
        self.lost.update(dict.fromkeys(lost))
        return found
