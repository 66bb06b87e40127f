"""The form of an item, as data: which fields each type has, how each is filled in, and what is there to choose from.

A new type of item is one more line in OWN; a new way of filling in is one more `kind`, here and in scripts/inputs.js.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from courses.models import ecg
from courses.simulations import SIMULATIONS
from exams.asset import EXPERIMENTAL, ON_IMAGE
from exams.items import (
    FEWEST_OPTIONS,
    GROUPED,
    LETTERS,
    LEVELS,
    MEASURES,
    SHARED_STEM,
    SINGLE,
    SINGLE_OPTIONS,
    TYPES,
)
from exams.web import N_


@dataclass(frozen=True)
class Field:
    """One field. name: where its value stands in the item, `asset.case` for one within another.

    kind: how it is filled in. choices: what may be chosen, "" for nothing. when: (field, values) for one that is only
    there while another has one of these values. numbers: the fewest, usual and most of a list. A name that begins with
    _ is not part of the item.
    """

    name: str
    kind: str
    label: str
    optional: bool = False
    choices: tuple[str, ...] = ()
    when: tuple[str, tuple[str, ...]] | None = None
    hint: str = ""
    numbers: tuple[int, int, int] = (0, 0, 0)

    def only(self, name: str, *values: str) -> Field:
        """The same field, there while the field `name` has one of `values`."""
        return replace(self, when=(name, values))


COMMON = (
    Field("topic", "topic", N_("Topic")),
    Field("level", "choice", N_("Cognitive level"), choices=LEVELS),
    Field(
        "difficulty", "number", N_("Expected difficulty"), hint=N_("The share of candidates expected to get it right")
    ),
    Field("points", "number", N_("Points"), hint=N_("Multiples of 0.5")),
)
STEM = Field("stem", "text", N_("Stem"))
ENDING = (
    Field("rationale", "text", N_("Rationale"), hint=N_("Candidates read it after the results are released.")),
    Field("source", "line", N_("Source"), hint=N_("Book with edition and chapter, or guideline with its year")),
)
GROUP = Field("group", "group", N_("Group"))
SINGLE_KEY = (
    Field("options", "options", N_("Options"), numbers=(SINGLE_OPTIONS,) * 3),
    Field("key", "letter", N_("Key")),
)
FORWARD = Field(
    "forward_only",
    "flag",
    N_("Forward only"),
    True,
    hint=N_("Whoever has gone on to the next item of the case cannot change the one before. A4 items are so anyway."),
)
SHARED_OPTIONS = Field("options", "options", N_("Options"), numbers=(FEWEST_OPTIONS, SINGLE_OPTIONS, len(LETTERS)))
NUMBER = (
    Field("key", "number", N_("Key")),
    Field("tolerance", "number", N_("Tolerance"), hint=N_("The greatest accepted distance from the key")),
    Field("unit", "line", N_("Unit")),
)
DICOM = (
    Field("asset.case", "case", N_("Case")),
    Field("asset.frame", "whole", N_("Frame"), hint=N_("Frames count from 0.")),
    Field("asset.window", "pair", N_("Window: centre and width"), optional=True),
)
TRACING = (
    Field("asset.rhythm", "choice", N_("Rhythm"), choices=ecg.RHYTHMS),
    Field("asset.seconds", "number", N_("Seconds")),
    Field("asset.fs", "number", N_("Samples a second")),
    Field("asset.seed", "whole", N_("Seed"), hint=N_("Another seed gives another tracing of the same rhythm.")),
    Field("asset.leads", "several", N_("Leads"), optional=True, choices=ecg.LEADS, hint=N_("None chosen: all twelve")),
    Field("asset.parameters", "parameters", N_("Parameters of the tracing"), optional=True),
)
KIND = Field("asset.kind", "choice", N_("Image or tracing"), optional=True, choices=("", "dicom", "ecg"))
PICTURE = (
    KIND,
    *(field.only("asset.kind", "dicom") for field in DICOM),
    *(field.only("asset.kind", "ecg") for field in TRACING),
)
MODELS = tuple(sorted(SIMULATIONS))
CONTROLS = tuple(dict.fromkeys(name for model in MODELS for name in SIMULATIONS[model].parameters))
SIMULATION = (
    Field("asset.model", "choice", N_("Model"), choices=MODELS),
    Field("asset.controls", "several", N_("What the candidate controls"), choices=CONTROLS),
    Field(
        "asset.set", "settings", N_("What is set otherwise than usual"), True, hint=N_("It never leaves the server.")
    ),
)
EXPERIMENT = (
    replace(KIND, choices=(*KIND.choices, "simulation")),
    *PICTURE[1:],
    *(field.only("asset.kind", "simulation") for field in SIMULATION),
)
BY = Field("_by", "choice", N_("Answered by"), choices=("options", "number"))

OWN: dict[str, tuple[Field, ...]] = {
    **dict.fromkeys(SINGLE, (STEM, *SINGLE_KEY)),
    "B1": (STEM, Field("key", "letter", N_("Key"))),
    "X": (
        STEM,
        Field("options", "options", N_("Options"), numbers=(FEWEST_OPTIONS, SINGLE_OPTIONS, SINGLE_OPTIONS)),
        Field("key", "letters", N_("Key"), hint=N_("Two or more, not all")),
    ),
    "numeric": (STEM, *NUMBER),
    "ecg": (
        STEM,
        replace(KIND, optional=False, choices=("ecg",)),
        *TRACING,
        BY,
        *(field.only("_by", "options") for field in SINGLE_KEY),
        *(field.only("_by", "number") for field in NUMBER),
    ),
    "measurement": (
        STEM,
        replace(KIND, optional=False, choices=("dicom",)),
        *DICOM,
        Field("measure", "choice", N_("What is measured"), choices=MEASURES),
        *NUMBER,
        Field("minimum_area", "number", N_("Smallest area"), optional=True, hint="mm²"),
        Field("example", "example", N_("Your own measurement"), hint=N_("It must earn full marks.")),
    ),
    "hotspot": (
        STEM,
        replace(KIND, optional=False, choices=("dicom",)),
        *DICOM,
        Field("regions", "regions", N_("Where a mark earns points"), hint=N_("The best is worth the item's points.")),
    ),
    "short": (
        STEM,
        Field("rubric", "rubric", N_("Rubric"), hint=N_("Its points add up to the item's.")),
        Field("model_answer", "text", N_("Model answer")),
        Field("max_length", "whole", N_("Most characters")),
    ),
    "code": (
        STEM,
        Field("starter", "text", N_("Starter code"), hint=N_("What a candidate begins with")),
        Field("solution", "text", N_("Reference solution"), hint=N_("It must earn full marks.")),
        Field(
            "tests",
            "text",
            N_("Tests"),
            hint=N_("What stands between ### BEGIN HIDDEN TESTS and ### END HIDDEN TESTS is never shown."),
        ),
        Field("max_length", "whole", N_("Most characters")),
    ),
}
"""The fields of each type between the group and the rationale."""

USUAL_LENGTHS = {"short": 500, "code": 4000}
"""Characters of an answer, where its author sets no other limit."""

PICTURED = ("A3", "A4", "short")
"""Types that may have an image or a tracing, and need none; so may those in EXPERIMENTAL, or a simulation."""


def fields_of(kind: str) -> tuple[Field, ...]:
    """The fields of an item of the type `kind`, in the order of the form."""
    own = OWN[kind]
    picture = EXPERIMENT if kind in EXPERIMENTAL else PICTURE if kind in PICTURED else ()
    return (*COMMON, *((GROUP,) if kind in GROUPED else ()), own[0], *picture, *own[1:], *ENDING)


def group_fields(kind: str) -> tuple[Field, ...]:
    """The fields of what items of the type `kind` share."""
    return (STEM, FORWARD) if kind in SHARED_STEM else (SHARED_OPTIONS,)


LABELS = {field.name: field.label for kind in TYPES if kind in OWN for field in fields_of(kind)}
"""What each field is called."""

CHOICES = {
    "recall": N_("Recall"),
    "apply": N_("Apply"),
    "analyse": N_("Analyse"),
    "options": N_("Options"),
    "number": N_("A number"),
    "dicom": N_("Image of a case"),
    "ecg": N_("Electrocardiogram"),
    "simulation": N_("Simulation"),
    "nerve": N_("Nerve action potential"),
    "length": N_("Length"),
    "angle": N_("Angle"),
    "ellipse": N_("Mean in an ellipse"),
    "probe": N_("Value at a point"),
    "": N_("None"),
}
"""What a choice is called where its own name is no word for people."""


def blank(kind: str, topic: str) -> dict[str, Any]:
    """What a new item begins with."""
    begin: dict[str, Any] = {"type": kind, "topic": topic, "level": "apply", "difficulty": 0.7, "points": 1}
    if kind == "ecg":
        begin["asset"] = {"kind": "ecg", "rhythm": "sinus", "seconds": 10, "fs": 500, "seed": 1}
    if kind in ON_IMAGE:
        begin["asset"] = {"kind": "dicom", "frame": 0}
    return begin | ({"max_length": USUAL_LENGTHS[kind]} if kind in USUAL_LENGTHS else {})


def shown(fields: Iterable[Field], translate: Callable[[str], str]) -> list[dict[str, Any]]:
    """The fields as the scripts of the form take them, worded by `translate`."""
    return [
        {
            "name": field.name,
            "kind": field.kind,
            "label": translate(field.label),
            "hint": translate(field.hint) if field.hint else "",
            "optional": field.optional,
            "numbers": field.numbers,
            "when": field.when,
            "choices": [[name, translate(CHOICES[name]) if name in CHOICES else name] for name in field.choices],
        }
        for field in fields
    ]
