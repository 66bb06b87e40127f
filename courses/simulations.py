"""Simulations for exam items: a physiological model, the numbers it takes and the trace it gives.

Pure. Every number is bounded and rounded to its step before the model sees it, so that a run takes milliseconds
whatever is asked for.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from courses.models import nerve

Names = Mapping[str, str]
"""A text by language."""

LENGTH_MS = 40.0
"""Of a nerve's trace: two pulses of the greatest interval and the second response."""
SHOWN_EVERY = 2
"""Of the model's steps of 0.02 ms every so many are shown."""


@dataclass(frozen=True)
class Parameter:
    """A number that a model takes: from `low` to `high` in steps, `value` where nothing else is said."""

    name: Names
    unit: str
    low: float
    high: float
    step: float
    value: float

    def taken(self, value: float) -> float:
        """`value` as the model takes it, on a whole number of steps. Raises ValueError where it is out of bounds."""
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is not from {self.low} to {self.high}")
        return round(self.low + round((value - self.low) / self.step) * self.step, 6)


@dataclass(frozen=True)
class Axis:
    """An axis of the trace, as `widgets.trace` has it."""

    name: Names
    unit: str
    low: float
    high: float


@dataclass(frozen=True)
class Simulation:
    """A model by its parameters, the axes of its trace, and how it is run with a value for each parameter.

    A run gives {"x": [...], "y": [...], "bands": [[from, to], ...]}: the trace, and where a stimulus was applied.
    """

    parameters: Mapping[str, Parameter]
    x_axis: Axis
    y_axis: Axis
    run: Callable[[Mapping[str, float]], dict[str, Any]]

    def values(self, given: Mapping[str, float]) -> dict[str, float]:
        """A value for each parameter. Raises ValueError for one out of bounds, KeyError for one the model has not."""
        taken = {name: self.parameters[name].taken(value) for name, value in given.items()}
        return {name: one.value for name, one in self.parameters.items()} | taken

    def shown(self, controls: Collection[str]) -> dict[str, Any]:
        """What a candidate sees of it: the parameters that they control, and the axes."""
        return {
            "controls": [{"id": name, **asdict(self.parameters[name])} for name in controls],
            "x_axis": asdict(self.x_axis),
            "y_axis": asdict(self.y_axis),
        }


def _nerve(values: Mapping[str, float]) -> dict[str, Any]:
    stimulus = nerve.Stimulus(values["strength"], values["duration"], values["interval"])
    bath = nerve.Bath(values["celsius"], values["sodium"], values["potassium"])
    response = nerve.respond(stimulus, bath, LENGTH_MS)
    starts = [stimulus.onset] + ([stimulus.onset + stimulus.interval] if stimulus.interval else [])
    return {
        "x": [round(float(time), 2) for time in response.times[::SHOWN_EVERY]],
        "y": [round(float(v), 2) for v in response.v[::SHOWN_EVERY]],
        "bands": [[start, start + stimulus.duration] for start in starts],
    }


SIMULATIONS: dict[str, Simulation] = {
    "nerve": Simulation(
        {
            "strength": Parameter({"zh": "刺激强度", "en": "Stimulus strength"}, "μA/cm²", 0, 80, 0.1, 20),
            "duration": Parameter({"zh": "刺激时程", "en": "Stimulus duration"}, "ms", 0.1, 10, 0.1, 0.5),
            "interval": Parameter({"zh": "双刺激间隔", "en": "Interval of two stimuli"}, "ms", 0, 25, 0.1, 0),
            "celsius": Parameter({"zh": "温度", "en": "Temperature"}, "°C", 4.3, 22.3, 0.1, nerve.REFERENCE_C),
            "sodium": Parameter({"zh": "胞外 [Na⁺]", "en": "External [Na⁺]"}, "mmol/L", 100, 500, 10, nerve.NA_OUT),
            "potassium": Parameter({"zh": "胞外 [K⁺]", "en": "External [K⁺]"}, "mmol/L", 5, 80, 1, nerve.K_OUT),
        },
        Axis({"zh": "时间", "en": "Time"}, "ms", 0, LENGTH_MS),
        Axis({"zh": "膜电位（静息＝0）", "en": "Membrane potential (rest = 0)"}, "mV", -30, 120),
        _nerve,
    )
}
"""The nerve is a squid giant axon (Hodgkin and Huxley 1952; see `courses.models.nerve`)."""


def given(data: object, simulation: Simulation, controls: Collection[str]) -> dict[str, float]:
    """The values of `controls` that a browser sent. Raises ValueError where they are not one sound number each."""
    if not isinstance(data, dict) or data.keys() != set(controls):
        raise ValueError("the values are not those of the controls")
    for value in data.values():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError("a value is no number")
    return {name: simulation.parameters[name].taken(value) for name, value in data.items()}


@functools.lru_cache(maxsize=256)
def run_text(request: str) -> str:
    """The run that the JSON `request` {"model", "values"} asks for, as JSON: what a kernel is told and answers."""
    asked = json.loads(request)
    simulation = SIMULATIONS[asked["model"]]
    return json.dumps(simulation.run(simulation.values(asked["values"])), separators=(",", ":"))
