"""A QTI assessmentItem, of any program and of QTI 2.0 to 3.0, as a question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from exams.interchange.markup import NO_MARKUP, NO_PICTURES, PICTURE, element_text, refuse_active
from exams.interchange.qti_item import ANSWER, MAXSCORE, SCORE, STIMULUS
from exams.interchange.question import CHOICE, MULTIPLE, NUMBER, TEXT, Question, UnusableError, number
from exams.interchange.report import Loss

INTERACTION = re.compile(r".*Interaction")
READ = ("choiceInteraction", "textEntryInteraction", "extendedTextInteraction")
PARTS = (
    *("responseDeclaration", "outcomeDeclaration", "assessmentStimulusRef", "stylesheet"),
    *("itemBody", "responseProcessing", "modalFeedback"),
)
FEEDBACKS = ("feedbackInline", "feedbackBlock")
GAP = "_____"
MOST_PLACES = 15  # decimal places that a number of a computer keeps


def old_names(element: Element) -> Element:
    """The element and all in it without namespaces and in the names of QTI 2.1. Raises DocumentError where harmful."""
    tag = element.tag.rpartition("}")[2]
    attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    refuse_active(tag, attributes)
    if tag.startswith("qti-"):
        tag = _camel(tag.removeprefix("qti-"))
        attributes = {_camel(name): value for name, value in attributes.items()}
    made = Element(tag, attributes)
    made.text, made.tail = element.text, element.tail
    made.extend([old_names(child) for child in element])
    return made


def _camel(name: str) -> str:
    return re.sub(r"-([a-z])", lambda found: found[1].upper(), name)


class ItemReader:
    """One assessmentItem in the names of QTI 2.1; `lost` gathers what plain text does not show."""

    def __init__(self, root: Element, name: str = ""):
        self.root = root
        self.name = name or root.get("identifier", "").strip()
        self.lost: dict[str, None] = {}
        self.losses: list[Loss] = []
        body = root.find("itemBody")
        self.body = Element("itemBody") if body is None else body

    def question(self, facts: Mapping[str, str], source: str, stimulus: Callable[[str], Element | None]) -> Question:
        """The question, with the facts and the source that a manifest tells; `stimulus` finds a document by its href.

        Raises UnusableError where no item can be made of it.
        """
        interaction = self.interaction()
        own = {"points": self.points()} | dict(facts)
        case = self.case(own, stimulus)
        notes, options = self.options(interaction)
        guide = self.guide()
        stem = self.stem(interaction)
        rationale = [self.plain(each) for each in self.root.findall("modalFeedback")]
        rationale += [self.plain(each) for each in self.body.iter("feedbackBlock")] + notes
        question = Question(
            self.name,
            CHOICE,
            stem,
            options=options,
            guide=guide,
            rationale="\n".join(filter(None, dict.fromkeys(rationale))),
            source=source,
            case=case,
            facts={name: value for name, value in own.items() if value},
        )
        question = self.keyed(question, interaction)
        if PICTURE in self.lost:
            raise UnusableError(self.name, NO_PICTURES)
        self.unread(interaction)
        losses = (*self.losses, *(Loss(self.name, what, NO_MARKUP) for what in self.lost))
        return replace(question, losses=losses)

    def unread(self, interaction: Element) -> None:
        """List what else the item holds and the bank has no place for."""
        if self.root.find("stylesheet") is not None:
            self.lost["style"] = None
        found = {"title": self.root.get("title", "") not in ("", self.root.get("identifier"), self.name)}
        found |= {"shuffling": interaction.get("shuffle") == "true", "adaptive": self.root.get("adaptive") == "true"}
        found |= {str(child.tag): True for child in self.root if child.tag not in PARTS}
        self.losses += [Loss(self.name, what, "the bank has no place for it") for what, there in found.items() if there]

    def interaction(self) -> Element:
        """The one interaction of the item."""
        found = [element for element in self.body.iter() if INTERACTION.fullmatch(str(element.tag))]
        if self.root.find("templateDeclaration") is not None:
            raise UnusableError(self.name, "it draws its numbers at random, and a bank has none that do")
        if len(found) != 1:
            raise UnusableError(self.name, f"it asks for {len(found)} answers, an item for one")
        if found[0].tag not in READ:
            raise UnusableError(self.name, f"the bank has no items of QTI's kind {found[0].tag}")
        return found[0]

    def points(self) -> str:
        """What the right answer earns; "" where the item does not say."""
        for outcome in self.root.findall("outcomeDeclaration"):
            if outcome.get("identifier") == MAXSCORE:
                return outcome.findtext("defaultValue/value", "").strip()
        for outcome in self.root.findall("outcomeDeclaration"):
            if outcome.get("identifier") == SCORE:
                return outcome.get("normalMaximum", "")
        return ""

    def case(self, own: dict[str, str], stimulus: Callable[[str], Element | None]) -> str:
        """The shared stem; the facts get its group where they name none."""
        texts = []
        for reference in self.root.findall("assessmentStimulusRef"):
            found = stimulus(reference.get("href", ""))
            body = None if found is None else found.find("stimulusBody")
            if body is None:
                raise UnusableError(self.name, f"its stimulus {reference.get('href', '')!r:.60} is not in the package")
            texts.append(self.plain(body))
            own.setdefault("group", reference.get("identifier", ""))
            own.setdefault("type", "A3")
        for part in self.body.findall("div"):
            if self.is_stimulus(part):
                texts.append(self.plain(part))
                own.setdefault("group", part.get("label", ""))
        return "\n".join(texts)

    @staticmethod
    def is_stimulus(part: Element) -> bool:
        """Whether an element holds a shared stem, as we write it in QTI 2.1."""
        return part.get("class", "").split() == [STIMULUS] and bool(part.get("label"))

    def guide(self) -> str:
        """What markers are told."""
        blocks = [block for block in self.body.iter("rubricBlock") if "scorer" in block.get("view", "")]
        return "\n".join(self.plain(block) for block in blocks)

    def stem(self, interaction: Element) -> str:
        """The text of the body without what is read apart from it."""
        inside = {id(element) for element in interaction.iter() if element.tag != "prompt"}

        def copied(element: Element) -> Iterator[Element]:
            apart = element.tag == "rubricBlock" and "scorer" in element.get("view", "")
            ours = element.tag == "p" and element.get("class") == ANSWER and interaction in list(element)
            if apart or ours or element.tag in FEEDBACKS or self.is_stimulus(element):
                return
            made = Element("span" if element.tag in ("rubricBlock", "infoControl") else element.tag, element.attrib)
            made.text, made.tail = element.text, element.tail
            if element is interaction:
                made = Element("div")
                if element.tag == "textEntryInteraction":
                    made = Element("span")
                    made.text = GAP
                made.tail = element.tail
                made.extend([child for child in element if child.tag == "prompt"])
            elif id(element) not in inside:
                made.extend([inner for child in element for inner in copied(child)])
            yield made

        whole = next(copied(self.body), Element("itemBody"))
        return self.plain(whole).removesuffix(f"\n{GAP}").strip()

    def options(self, interaction: Element) -> tuple[list[str], tuple[str, ...]]:
        """(feedback on options, the options)."""
        notes, options = [], []
        for choice in interaction.findall("simpleChoice"):
            options.append(self.plain(choice, FEEDBACKS))
            notes += [f"{options[-1]}：{self.plain(each)}" for tag in FEEDBACKS for each in choice.iter(tag)]
        return notes, tuple(options)

    def keyed(self, question: Question, interaction: Element) -> Question:
        """The question with its key."""
        name = interaction.get("responseIdentifier")
        declared = [each for each in self.root.findall("responseDeclaration") if each.get("identifier") == name]
        declaration = declared[0] if declared else Element("responseDeclaration")
        values = [(value.text or "").strip() for value in declaration.findall("correctResponse/value")]
        if interaction.tag == "extendedTextInteraction":
            length = interaction.get("expectedLength", "")
            return replace(question, kind=TEXT, facts=dict(question.facts) | ({"max_length": length} if length else {}))
        if interaction.tag == "textEntryInteraction":
            return self.numeric(question, declaration, values)
        mapped = {
            entry.get("mapKey", ""): number(entry.get("mappedValue", "")) or 0.0
            for entry in declaration.findall("mapping/mapEntry")
        }
        values = values or [key for key, worth in mapped.items() if worth > 0]
        if any(worth > 0 and key not in values for key, worth in mapped.items()):
            self.losses.append(Loss(self.name, "weights", "an option that is partly right counts as wrong here"))
        letters = [choice.get("identifier", "") for choice in interaction.findall("simpleChoice")]
        right = tuple(place for place, letter in enumerate(letters) if letter in values)
        kind = MULTIPLE if declaration.get("cardinality") == "multiple" else CHOICE
        return replace(question, kind=kind, right=right)

    def numeric(self, question: Question, declaration: Element, values: list[str]) -> Question:
        """The question with its number and tolerance."""
        key = number(values[0]) if len(values) == 1 else None
        if key is None or declaration.get("baseType") not in ("float", "integer", "string"):
            raise UnusableError(self.name, "it asks for a word, or for no number that is right")
        tolerance = 0.0
        for test in self.root.findall("responseProcessing//equal"):
            bounds = [value for text in test.get("tolerance", "").split() if (value := number(text)) is not None]
            share = abs(key) / 100 if test.get("toleranceMode") == "relative" else 1.0
            if bounds and test.get("toleranceMode") != "exact":
                tolerance = bounds[0] * share
            if len(set(bounds)) > 1:
                self.losses.append(Loss(self.name, "tolerance", "it is wider on one side, an item has the lower one"))
        for test in self.root.findall("responseProcessing//equalRounded"):
            figures = number(test.get("figures", ""))
            if figures is not None and 0 <= figures <= MOST_PLACES and test.get("roundingMode") == "decimalPlaces":
                tolerance = 0.5 * 10**-figures
        return replace(question, kind=NUMBER, number=key, tolerance=tolerance)

    def plain(self, element: Element, skipped: tuple[str, ...] = ()) -> str:
        """The text of an element."""
        text, lost = element_text(element, skipped)
        self.lost.update(dict.fromkeys(lost))
        return text
