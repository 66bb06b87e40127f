"""Assets: what an item shows or lets a candidate do: a DICOM image, a tracing, a simulation."""

from __future__ import annotations

from typing import Any

from courses.models import ecg
from courses.simulations import SIMULATIONS
from exams.documents import Fields

PICTURES = ("dicom", "ecg")
ON_IMAGE = ("measurement", "hotspot")
EXPERIMENTAL = ("A1", "A2", "X", "numeric")
"""Types that may put a simulation to the test."""


def parse_asset(fields: Fields, kind: str) -> dict[str, Any]:
    """The asset of an item of the type `kind`, from its fields. Raises DocumentError."""
    kinds = {
        "ecg": ("ecg",),
        **dict.fromkeys(ON_IMAGE, ("dicom",)),
        **dict.fromkeys(EXPERIMENTAL, (*PICTURES, "simulation")),
    }
    name = fields.one_of("kind", kinds.get(kind, PICTURES))
    asset: dict[str, Any] = {"kind": name}
    if name == "simulation":
        asset |= _simulation(fields)
    elif name == "dicom":
        asset |= {"case": fields.text("case"), "frame": fields.whole("frame", 0)}
        if "window" in fields:
            asset["window"] = fields.list("window")
            if len(asset["window"]) != 2 or not all(isinstance(n, (int, float)) for n in asset["window"]):
                raise fields.fail("window", "A window is two numbers: centre and width.")
    else:
        asset |= {"rhythm": fields.one_of("rhythm", ecg.RHYTHMS), "seconds": fields.number("seconds", above=0)}
        asset |= {"fs": fields.number("fs", above=0), "seed": fields.whole("seed")}
        if "leads" in fields:
            asset["leads"] = fields.list("leads")
            if not asset["leads"] or any(lead not in ecg.LEADS for lead in asset["leads"]):
                raise fields.fail("leads", f"Leads are some of {', '.join(ecg.LEADS)}.")
        if "parameters" in fields:
            parameters = fields.mapping("parameters")
            asset["parameters"] = {name: parameters.number(name) for name in parameters.data}
            unknown = set(asset["parameters"]) - set(ecg.parameters(asset["rhythm"]))
            if unknown:
                raise fields.fail("parameters", f"A tracing of {asset['rhythm']} has no {sorted(unknown)[0]!r}.")
    fields.done()
    return asset


def _simulation(fields: Fields) -> dict[str, Any]:
    """A model, which of its numbers a candidate controls, and what others are set to."""
    model = fields.one_of("model", sorted(SIMULATIONS))
    parameters = SIMULATIONS[model].parameters
    controls = fields.texts("controls")
    inner = fields.mapping("set", {})
    values = {name: inner.number(name) for name in inner.data}
    for field, names in (("controls", controls), ("set", values)):
        if unknown := set(names) - set(parameters):
            raise fields.fail(field, f"The model {model} has no {sorted(unknown)[0]!r}: {', '.join(parameters)}.")
    if not controls or len(set(controls)) < len(controls) or set(controls) & set(values):
        raise fields.fail("controls", "A candidate controls one number or more, each once, and none that is set.")
    try:
        SIMULATIONS[model].values(values)
    except ValueError as error:
        raise fields.fail("set", f"The model {model} does not take this: {error}.") from error
    return {"model": model, "controls": list(controls)} | ({"set": values} if values else {})
