"""GIFT, Moodle's text format: titles, answers in braces, `//` comments with [id:...] and [tag:...] (since Moodle 3.8).

Rubrics have no place in GIFT, so they stand in comments of our own, `// rubric: ...`, which Moodle skips.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

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
from exams.interchange.report import ALL, Loss
from exams.interchange.safe import CONTROL, read_text, refuse_long
from exams.items import SHARED_STEM, Group, Item

ESCAPED = "\\~=#{}:n"
MARKS = {char: chr(place) for place, char in enumerate(ESCAPED, 1)}  # stand for escaped characters while parsing
UNMARKED = {ord(mark): "\n" if char == "n" else char for char, mark in MARKS.items()}
MOST_TAGS = 10_000  # characters of comments that are searched for tags
MOST_DIGITS = 100  # characters of a number or a range of numbers
RUBRIC = "// rubric: "
TITLE = re.compile(r"\s*::(.*?)::", re.DOTALL)
FORMAT = re.compile(r"\s*\[(html|plain|markdown|moodle)\]")
TAG = re.compile(r"\[tag:(.*?)(?<!\\)\]")
ID = re.compile(r"\[id:(.*?)(?<!\\)\]")
WEIGHT = re.compile(r"%(-?\d+(?:\.\d+)?)%")
RANGE = re.compile(r"\s*(\S+?)\s*\.\.\s*(\S+)\s*")
GAP = "_____"


def write(items: Sequence[Item]) -> bytes:
    """The items as GIFT. A shared stem is a description of its own, and stands before each of its items as well."""
    blocks = []
    category = ""
    seen: set[str] = set()
    for item in items:
        path = "/".join(name.replace("/", "//") for name in ("$course$", "top", item.subject, item.topic))
        if path != category:
            category = path
            blocks.append("$CATEGORY: " + re.sub(r"\s+", " ", path))
        if item.group and item.group.stem and item.group.id not in seen:
            seen.add(item.group.id)
            blocks.append(_case(item.group))
        blocks.append(_question(item))
    return ("\n\n".join(blocks) + "\n").encode()


def _case(group: Group) -> str:
    return f"// [id:{group.id}]\n::{group.id}::[plain]{_escaped(group.stem)}"


def _question(item: Item) -> str:
    # a tag cannot end with a backslash, which would escape its bracket
    tags = " ".join(f"[tag:{_line(fact)}]" for fact in facts(item) if not fact.endswith("\\"))
    lines = [f"// [id:{item.id}] {tags}"]
    if item.rubric:
        lines.append(RUBRIC + _escaped(guide(item)))
    stem = f"{item.group.stem}\n{item.stem}" if item.group and item.type in SHARED_STEM else item.stem
    answers = "".join(f"\n{answer}" for answer in _answers(item))
    feedback = f"####{_escaped(with_source(item))}"
    return "\n".join([*lines, f"::{item.id}::[plain]{_escaped(stem)}{{{answers}\n{feedback}\n}}"])


def _answers(item: Item) -> list[str]:
    if item.type == "short":
        return []
    if isinstance(item.key, float):
        return [f"#{numeral(item.key)}:{numeral(item.tolerance)}"]
    if isinstance(item.key, tuple):
        share = numeral(round(100 / len(item.key), 5))
        return [
            f"~%{share if letter in item.key else '-100'}%{_escaped(text, option=True)}"
            for letter, text in item.options
        ]
    # a weight is written only where the text would be taken for one
    return [
        f"{'=' if letter == item.key else '~'}{_weight(text, letter == item.key)}{_escaped(text, option=True)}"
        for letter, text in item.options
    ]


def _weight(text: str, right: bool) -> str:
    return f"%{100 if right else 0}%" if text.startswith("%") else ""


def _escaped(text: str, *, option: bool = False) -> str:
    plain = re.sub(r"[\\~=#{}:]", lambda found: "\\" + found[0], text).replace("\n", "\\n")
    return f"[plain]{plain}" if option and FORMAT.match(text) else plain


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("]", "\\]")


def read(data: bytes, stem: str) -> Reading:
    """The items of a GIFT file; `stem` begins the ids of questions without one. Raises DocumentError."""
    text = read_text(data)
    if found := CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise DocumentError(f"Line {line} holds a control character: remove it and import again.")
    questions: list[Question] = []
    losses: list[Loss] = []
    topic = ""
    for place, block in enumerate(re.split(r"\n[ \t]*(?:\n[ \t]*)+", text), 1):
        refuse_long(block)
        comments, body = _parted(block)
        losses += [
            Loss(ALL, "comment", f"the comment {said!r:.60} is not read")
            for said in comments
            if not (said.startswith(RUBRIC) or ID.search(said[:MOST_TAGS]) or TAG.search(said[:MOST_TAGS]))
        ]
        if body.startswith("$CATEGORY:"):
            first, _, body = body.partition("\n")
            topic = re.split("(?<!/)/(?!/)", first)[-1].removeprefix("$CATEGORY:").replace("//", "/").strip()
        if body.strip():
            try:
                questions.append(_read_question(comments, _marked(body.strip()), topic, f"{stem}-{place:03d}"))
            except UnusableError as error:
                losses.append(error.loss)
    if not questions and all(loss.item == ALL for loss in losses):
        raise DocumentError("There are no questions in this file: is it GIFT?")
    return read_as_items(named(questions, stem), losses)


def _parted(block: str) -> tuple[list[str], str]:
    """(comments, the rest) of a block of lines."""
    lines = block.strip("\n").split("\n")
    comments = [line.strip() for line in lines if line.lstrip().startswith("//")]
    return comments, "\n".join(line for line in lines if not line.lstrip().startswith("//")).strip()


def _read_question(comments: list[str], marked: str, topic: str, unnamed: str) -> Question:
    joined = " ".join(line for line in comments if not line.startswith(RUBRIC))[:MOST_TAGS]
    given, title = ID.search(joined), TITLE.match(marked)
    name = given[1] if given else _unmarked(title[1]) if title else unnamed
    own, losses = read_facts((tag.replace("\\]", "]") for tag in TAG.findall(joined)), name)
    if topic and "topic" not in own:
        own["topic"] = topic
    rest = marked[title.end() :] if title else marked
    styled = FORMAT.match(rest)
    style, rest = (styled[1], rest[styled.end() :]) if styled else ("moodle", rest)
    if rest.count("{") != rest.count("}") or rest.count("{") > 1 or rest.find("}") < rest.find("{"):
        raise UnusableError(name, "it does not have one pair of braces (others are written \\{ and \\})")
    before, brace, after = rest.partition("{")
    inside, _, after = after.partition("}")
    lost: dict[str, None] = {}
    stem = _plain(f"{before}{GAP if after.strip() else ''}{after}", style, lost)
    rubric = next((line.removeprefix(RUBRIC) for line in comments if line.startswith(RUBRIC)), "")
    question = Question(name, CASE, stem, facts=own, losses=losses, guide=_unmarked(_marked(rubric)))
    if brace:
        question = _answered(question, inside, style, lost)
    if PICTURE in lost:
        raise UnusableError(name, NO_PICTURES)
    return replace(question, losses=question.losses + tuple(Loss(name, what, NO_MARKUP) for what in lost))


def _answered(question: Question, inside: str, style: str, lost: dict[str, None]) -> Question:
    """The question with what stands in its braces."""
    answers, _, general = inside.partition("####")
    answers = answers.strip()
    notes: list[str] = []
    if not answers:
        question = replace(question, kind=TEXT)
    elif answers.startswith("#"):
        key, tolerance = _number(question.name, answers[1:], notes)
        question = replace(question, kind=NUMBER, number=key, tolerance=tolerance)
    elif "~" in answers:
        question = _choice(question, answers, style, lost, notes)
    elif re.fullmatch(r"(T|F|TRUE|FALSE)\s*(#.*)?", answers, re.DOTALL):
        raise UnusableError(question.name, "the bank has no items that are true or false")
    else:
        kind = "match two lists" if "->" in answers else "ask for a word"
        raise UnusableError(question.name, f"the bank has no items that {kind}")
    rationale, source = without_source("\n".join([_plain(general, style, lost), *notes]).strip())
    return replace(question, rationale=rationale, source=source)


def _choice(question: Question, answers: str, style: str, lost: dict[str, None], notes: list[str]) -> Question:
    options, right, shares = [], [], set()
    losses = question.losses
    exact = "=" in answers
    for place, entry in enumerate(re.findall(r"[~=][^~=]*", answers)):
        text, _, feedback = entry[1:].strip().partition("#")
        weight = WEIGHT.match(text)
        worth = float(weight[1]) if weight else 100.0 if entry[0] == "=" else 0.0
        options.append(_plain(text[weight.end() :] if weight else text, style, lost))
        if entry[0] == "=" or (worth > 0 and not exact):
            right.append(place)
            shares.add(worth)
        elif worth > 0:
            losses += (Loss(question.name, "weights", "an option that is partly right counts as wrong here"),)
        if feedback.strip():
            notes.append(f"{options[-1]}：{_plain(feedback, style, lost)}")
    kind = CHOICE if exact else MULTIPLE
    if len(shares) > 1:
        losses += (Loss(question.name, "weights", "right options count alike here"),)
    return replace(question, kind=kind, options=tuple(options), right=tuple(right), losses=losses)


def _number(name: str, text: str, notes: list[str]) -> tuple[float, float]:
    """(key, tolerance) of the first answer that earns all."""
    entries = re.findall(r"=([^=~]*)", text) or [text]
    entry, _, feedback = entries[0].partition("#")
    if feedback.strip():
        notes.append(_unmarked(feedback))
    weight = WEIGHT.match(entry.strip())
    plain = entry.strip()[weight.end() :] if weight else entry
    span = RANGE.fullmatch(plain[:MOST_DIGITS])
    first, _, second = (span[1], "", span[2]) if span else plain.partition(":")
    key, around = number(first), number(second) if second.strip() else 0.0
    if key is None or around is None:
        raise UnusableError(name, f"its number {plain.strip()!r:.40} cannot be read")
    # of a range, the middle and half of it, without the dust of binary fractions
    return (_round((key + around) / 2), _round(abs(around - key) / 2)) if span else (key, around)


def _round(value: float) -> float:
    return float(f"{value:.12g}")


def _plain(text: str, style: str, lost: dict[str, None]) -> str:
    styled = FORMAT.match(text)
    if styled:
        style, text = styled[1], text[styled.end() :]
    whole = _unmarked(text)
    if style in ("plain", "markdown"):
        return whole.strip()
    found, missing = html_text(whole, keep_lines=style == "moodle")
    lost.update(dict.fromkeys(missing))
    return found


def _marked(text: str) -> str:
    return re.sub(r"\\([\\~=#{}:n])", lambda found: MARKS[found[1]], text)


def _unmarked(text: str) -> str:
    return text.translate(UNMARKED).strip()
