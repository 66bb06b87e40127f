"""One item as a QTI assessmentItem, in the names of QTI 2.1; `renamed` makes those of QTI 3.0 of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from exams.interchange.question import guide, numeral
from exams.items import SHARED_STEM, Group, Item

STIMULUS = "stimulus"
ANSWER = "answer"
RESPONSE, SCORE, MAXSCORE, FEEDBACK, RATIONALE = "RESPONSE", "SCORE", "MAXSCORE", "FEEDBACK", "RATIONALE"
HTML = ("p", "div", "br", "span")


@dataclass(frozen=True)
class Dialect:
    """What differs between QTI 2.1 and QTI 3.0. `words` are the namespaces and types by what they are for."""

    name: str
    modern: bool
    item: str
    manifest: str
    metadata: str
    schema: str
    schema_version: str
    item_type: str
    stimulus_type: str = ""


def identifier(name: str) -> str:
    """An id of ours as an identifier of QTI, which begins with a letter or `_`."""
    return name if name[0].isalpha() else f"_{name}"


def kebab(name: str) -> str:
    """QTI 3.0's spelling of a name of QTI 2.1."""
    return re.sub(r"[A-Z]", lambda found: f"-{found[0].lower()}", name)


def renamed(element: Element) -> Element:
    """The element and all in it in QTI 3.0's names."""
    tag = element.tag if element.tag in HTML else f"qti-{kebab(element.tag)}"
    made = Element(tag, {kebab(name): value for name, value in element.attrib.items()})
    made.text, made.tail = element.text, element.tail
    made.extend([renamed(child) for child in element])
    return made


def document(root: Element, dialect: Dialect) -> bytes:
    """A document of the dialect; `root` in the names of QTI 2.1."""
    whole = renamed(root) if dialect.modern else root
    whole.set("xmlns", dialect.item)
    indent(whole, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(whole, encoding="unicode")}\n'.encode()


def stimulus(group: Group) -> Element:
    """A shared stem as a document of its own (QTI 3.0)."""
    root = Element("assessmentStimulus", identifier=identifier(group.id), title=group.id)
    paragraphs(SubElement(root, "stimulusBody"), group.stem)
    return root


def stimulus_path(group: Group) -> str:
    """Where a shared stem lies in a package."""
    return f"stimuli/{group.id}.xml"


def item_path(item: Item) -> str:
    """Where an item lies in a package."""
    return f"items/{item.id}.xml"


def paragraphs(parent: Element, text: str) -> None:
    """A paragraph for each line of `text`."""
    for line in text.split("\n"):
        SubElement(parent, "p").text = line


def assessment_item(item: Item, dialect: Dialect) -> Element:
    """The item, in the names of QTI 2.1."""
    root = Element(
        "assessmentItem", identifier=identifier(item.id), title=item.id, adaptive="false", timeDependent="false"
    )
    _declarations(root, item, dialect)
    shared = item.group if item.group and item.type in SHARED_STEM else None
    if shared and dialect.modern:
        # from the folder of the items to that of the stimuli
        where = {"identifier": identifier(shared.id), "href": f"../{stimulus_path(shared)}", "title": shared.id}
        SubElement(root, "assessmentStimulusRef", where)
    body = SubElement(root, "itemBody")
    if shared and not dialect.modern:
        paragraphs(SubElement(body, "div", {"class": STIMULUS, "label": shared.id}), shared.stem)
    paragraphs(body, item.stem)
    _interaction(body, item)
    if item.rubric:
        view = {"view": "scorer", "use": "scoring"}
        paragraphs(_content(SubElement(body, "rubricBlock", view), dialect), guide(item))
    _processing(root, item)
    shown = {"outcomeIdentifier": FEEDBACK, "identifier": RATIONALE, "showHide": "show"}
    paragraphs(_content(SubElement(root, "modalFeedback", shown), dialect), item.rationale)
    return root


def _content(parent: Element, dialect: Dialect) -> Element:
    return SubElement(parent, "contentBody") if dialect.modern else parent


def _declared(root: Element, what: str, attributes: Mapping[str, str], values: str, *given: str) -> None:
    declaration = SubElement(root, what, dict(attributes))
    if given:
        holder = SubElement(declaration, values)
        for value in given:
            SubElement(holder, "value").text = value


def _declarations(root: Element, item: Item, dialect: Dialect) -> None:
    given: tuple[str, ...] = ()
    if isinstance(item.key, float):
        kind, given = {"cardinality": "single", "baseType": "float"}, (numeral(item.key),)
    elif item.type == "short":
        kind = {"cardinality": "single", "baseType": "string"}
    else:
        several = isinstance(item.key, tuple)
        kind = {"cardinality": "multiple" if several else "single", "baseType": "identifier"}
        given = item.key if isinstance(item.key, tuple) else (str(item.key),)
    _declared(root, "responseDeclaration", {"identifier": RESPONSE} | kind, "correctResponse", *given)
    number = {"cardinality": "single", "baseType": "float"}
    by_people = {"externalScored": "human"} if item.type == "short" and dialect.modern else {}
    _declared(root, "outcomeDeclaration", {"identifier": SCORE} | number | by_people, "defaultValue", "0")
    _declared(root, "outcomeDeclaration", {"identifier": MAXSCORE} | number, "defaultValue", numeral(item.points))
    feedback = {"identifier": FEEDBACK, "cardinality": "single", "baseType": "identifier"}
    _declared(root, "outcomeDeclaration", feedback, "defaultValue")


def _interaction(body: Element, item: Item) -> None:
    if item.type == "short":
        SubElement(body, "extendedTextInteraction", responseIdentifier=RESPONSE, expectedLength=str(item.max_length))
    elif isinstance(item.key, float):
        line = SubElement(body, "p", {"class": ANSWER})
        SubElement(line, "textEntryInteraction", responseIdentifier=RESPONSE).tail = f" {item.unit}"
    else:
        most = "0" if isinstance(item.key, tuple) else "1"
        choice = SubElement(body, "choiceInteraction", responseIdentifier=RESPONSE, shuffle="false", maxChoices=most)
        for letter, text in item.options:
            option = SubElement(choice, "simpleChoice", identifier=letter)
            if "\n" in text:
                paragraphs(option, text)
            else:
                option.text = text


def _processing(root: Element, item: Item) -> None:
    processing = SubElement(root, "responseProcessing")
    if item.type != "short":
        right = SubElement(SubElement(processing, "responseCondition"), "responseIf")
        if isinstance(item.key, float):
            around = numeral(item.tolerance)
            test = SubElement(right, "equal", toleranceMode="absolute", tolerance=f"{around} {around}")
        else:
            test = SubElement(right, "match")
        SubElement(test, "variable", identifier=RESPONSE)
        SubElement(test, "correct", identifier=RESPONSE)
        SubElement(SubElement(right, "setOutcomeValue", identifier=SCORE), "variable", identifier=MAXSCORE)
    said = SubElement(
        SubElement(processing, "setOutcomeValue", identifier=FEEDBACK), "baseValue", baseType="identifier"
    )
    said.text = RATIONALE
