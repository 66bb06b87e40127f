"""The squid giant axon of Hodgkin and Huxley: excitation, refractoriness, conduction.

Source: A. L. Hodgkin, A. F. Huxley, J. Physiol. 117 (1952) 500-544, with its sign turned so that depolarisation is
positive: V is the membrane potential in mV relative to rest (rest = 0). Time in ms, current density in uA/cm2 (outward
positive: a stimulus depolarises), conductance in mS/cm2, capacity in uF/cm2, concentrations in mmol/L, temperature in
degrees Celsius. Ion concentrations act through the Nernst equation on ENa and EK alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CM = 1.0
G_NA, G_K, G_L = 120.0, 36.0, 0.3
E_NA, E_K, E_L = 115.0, -12.0, 10.613
REFERENCE_C = 6.3
Q10 = 3.0
NA_OUT, K_OUT = 440.0, 20.0
"""Outside concentrations at which ENa and EK have the values of 1952 (A. L. Hodgkin, Biol. Rev. 26 (1951) 339-409)."""
GAS_OVER_FARADAY = 8.314462618 / 96485.33212 * 1000.0
"""R/F in mV/K (CODATA 2018)."""
AXON_RADIUS_CM, AXIAL_RESISTANCE_KOHM_CM = 0.0238, 0.0354
"""Axon 17 of 1952: radius 238 um, 35.4 ohm cm."""
STEP_MS = 0.02
"""Rush-Larsen steps of this length agree with steps of a tenth of it to 1 % of the peak (a test holds that)."""
SLACK_MS = 1e-6
"""Multiples of STEP_MS are not exact in binary: without this a short pulse would now and then lose or gain a step."""
V_LOW, V_HIGH, V_STEP = -100.0, 300.0, 0.02
"""The table of gate values: its range and resolution in mV."""
SEARCH_CHARGE, SEARCH_CURRENT = 40.0, 60.0
"""The strongest pulse tried: this charge (nC/cm2) and this current (uA/cm2); far stronger ones block by themselves."""
LONG_PULSE_MS = 10.0
SPIKE_MV = 50.0
"""A response that passes this is an action potential; local responses stay well below."""


@dataclass(frozen=True)
class Bath:
    """What the axon lies in."""

    celsius: float = REFERENCE_C
    sodium: float = NA_OUT
    potassium: float = K_OUT

    @property
    def rate(self) -> float:
        """How much faster the gates move than at 6.3 C."""
        return float(Q10 ** ((self.celsius - REFERENCE_C) / 10.0))

    @property
    def thermal(self) -> float:
        """RT/F in mV."""
        return GAS_OVER_FARADAY * (self.celsius + 273.15)

    @property
    def e_na(self) -> float:
        """Sodium's equilibrium potential in mV relative to the standard rest."""
        return E_NA + self.thermal * math.log(self.sodium / NA_OUT)

    @property
    def e_k(self) -> float:
        """Potassium's equilibrium potential in mV relative to the standard rest."""
        return E_K + self.thermal * math.log(self.potassium / K_OUT)


@dataclass(frozen=True)
class Stimulus:
    """One or two equal rectangular pulses of `strength` uA/cm2 and `duration` ms.

    The second follows `interval` ms after the first, from onset to onset; 0 means a single pulse.
    """

    strength: float
    duration: float
    interval: float = 0.0
    onset: float = 2.0

    def current(self, times: Floats) -> Floats:
        """The current density at `times` (n,), in uA/cm2."""
        starts = [self.onset] if self.interval <= 0 else [self.onset, self.onset + self.interval]
        since = [times - (start - SLACK_MS) for start in starts]
        on = np.logical_or.reduce([(time >= 0.0) & (time < self.duration) for time in since])
        return np.where(on, self.strength, 0.0)


def _ratio(x: Floats) -> Floats:
    """x / (exp(x) - 1), continued through x = 0 where it is 1."""
    small = np.abs(x) < 1e-6
    safe = np.where(small, 1.0, x)
    return np.where(small, 1.0 - x / 2.0, safe / np.expm1(safe))


def gates(v: Floats) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats], tuple[Floats, Floats]]:
    """(steady value, rate per ms) of m, h and n at potential `v` and 6.3 C (1952, equations 12, 13, 20, 21, 23, 24)."""
    pairs = (
        (_ratio((25.0 - v) / 10.0), 4.0 * np.exp(-v / 18.0)),
        (0.07 * np.exp(-v / 20.0), 1.0 / (np.exp((30.0 - v) / 10.0) + 1.0)),
        (0.1 * _ratio((10.0 - v) / 10.0), 0.125 * np.exp(-v / 80.0)),
    )
    m, h, n = ((opening / (opening + closing), opening + closing) for opening, closing in pairs)
    return m, h, n


def ionic_current(v: Floats, m: Floats, h: Floats, n: Floats, bath: Bath) -> Floats:
    """The ionic current density in uA/cm2, outward positive (1952, equation 26)."""
    sodium = G_NA * m**3 * h * (v - bath.e_na)
    potassium = G_K * n**4 * (v - bath.e_k)
    return sodium + potassium + G_L * (v - E_L)


@functools.lru_cache(maxsize=64)
def resting_potential(bath: Bath) -> float:
    """The potential in mV, relative to the standard rest, at which no net current flows and all gates are at rest.

    The first on a grid of 0.01 mV from below: where depolarisation by potassium gives several, the most negative one
    is rest.
    """
    grid = np.linspace(-40.0, 60.0, 10001)
    (m, _), (h, _), (n, _) = gates(grid)
    outward = ionic_current(grid, m, h, n, bath) > 0
    return float(grid[int(np.argmax(outward))])


@functools.lru_cache(maxsize=64)
def _table(bath: Bath, step: float) -> list[tuple[float, float, float, float, float, float]]:
    """(steady value, decay over one step) of m, h and n for each potential of the grid V_LOW, V_LOW + V_STEP, ..."""
    grid = np.arange(V_LOW, V_HIGH, V_STEP)
    columns = [column for aim, speed in gates(grid) for column in (aim, np.exp(-step * bath.rate * speed))]
    return list(zip(*(column.tolist() for column in columns), strict=True))


@dataclass(frozen=True)
class Response:
    """`times` (n,) in ms; `v` (n,) and `rest` in mV relative to the standard rest; `spikes` action potentials."""

    times: Floats
    v: Floats
    rest: float
    spikes: int

    @property
    def amplitude(self) -> float:
        """Height of the response over rest, in mV."""
        return float(self.v.max() - self.rest)


def simulate(current: Sequence[float], bath: Bath, shift: float = 0.0, step: float = STEP_MS) -> Response:
    """The response to `current` (n values in uA/cm2, one a step); V starts `shift` mV above rest.

    Gates by the exponential steps of S. Rush and H. Larsen (IEEE Trans. Biomed. Eng. 25 (1978) 389-392), the potential
    by an exponential step of the same form, so that no step length is unstable. Gate values come from a table: 1,500
    steps in a few milliseconds.
    """
    table, exp = _table(bath, step), math.exp
    e_na, e_k, rest = bath.e_na, bath.e_k, resting_potential(bath)
    v = rest
    m, _, h, _, n, _ = table[round((v - V_LOW) / V_STEP)]
    v += shift
    level, armed, spikes = rest + SPIKE_MV, True, 0
    record = []
    for stimulus in current:
        record.append(v)
        # the gates stand half a step before v, and are moved half a step past it: so both errors are of second order
        m_aim, m_decay, h_aim, h_decay, n_aim, n_decay = table[int((v - V_LOW) / V_STEP + 0.5)]
        m = m_aim + (m - m_aim) * m_decay
        h = h_aim + (h - h_aim) * h_decay
        n = n_aim + (n - n_aim) * n_decay
        g_na, g_k = G_NA * m * m * m * h, G_K * n**4
        total = g_na + g_k + G_L
        target = (g_na * e_na + g_k * e_k + G_L * E_L + stimulus) / total
        v = target + (v - target) * exp(-step * total / CM)
        if v < level:
            armed = True
        elif armed and target - stimulus / total > v:  # carried by the membrane itself, not by the stimulus
            armed, spikes = False, spikes + 1
        if not V_LOW < v < V_HIGH - 1.0:
            raise ValueError(f"The stimulus drives the membrane to {v:.0f} mV, beyond what the model describes.")
    return Response(np.arange(len(record), dtype=np.float64) * step, np.array(record), rest, spikes)


def respond(stimulus: Stimulus, bath: Bath, length_ms: float = 30.0) -> Response:
    """The response to `stimulus` over `length_ms`."""
    times = np.arange(round(length_ms / STEP_MS), dtype=np.float64) * STEP_MS
    return simulate(stimulus.current(times).tolist(), bath)


def lowest(excites: Callable[[float], bool], low: float, high: float, precision: float) -> float | None:
    """The lowest value in (low, high] that excites, to `precision`, by bisection; None where not even `high` does."""
    if not excites(high):
        return None
    while high - low > precision:
        middle = (low + high) / 2
        low, high = (low, middle) if excites(middle) else (middle, high)
    return high


def threshold_shift(bath: Bath) -> float | None:
    """Threshold of an instantaneous shock: the displacement in mV that excites (1952, p. 525: between 6 and 7 mV)."""
    steps = round(12.0 / STEP_MS)
    return lowest(lambda mv: simulate([0.0] * steps, bath, shift=mv).spikes > 0, 0.0, 40.0, 0.02)


@functools.lru_cache(maxsize=512)
def threshold(duration: float, bath: Bath) -> float | None:
    """The weakest single pulse of `duration` ms that excites, in uA/cm2; None where none does."""

    def excites(strength: float) -> bool:
        return respond(Stimulus(strength, duration, onset=0.0), bath, duration + 10.0).spikes > 0

    return lowest(excites, 0.0, SEARCH_CHARGE / duration + SEARCH_CURRENT, 0.02)


def rheobase(bath: Bath) -> float | None:
    """The weakest current that excites however long it lasts, in uA/cm2 (pulse of LONG_PULSE_MS)."""
    return threshold(LONG_PULSE_MS, bath)


def chronaxie(bath: Bath) -> float | None:
    """The duration in ms at which the threshold is twice the rheobase."""
    if (base := rheobase(bath)) is None:
        return None

    def excites(duration: float) -> bool:
        return respond(Stimulus(2 * base, duration, onset=0.0), bath, duration + 10.0).spikes > 0

    return lowest(excites, 0.0, LONG_PULSE_MS, 0.01)


def refractory_period(strength: float, duration: float, bath: Bath) -> float | None:
    """The shortest interval in ms at which the second of two equal pulses excites too; None where none up to 40 ms."""

    def excites(interval: float) -> bool:
        both = Stimulus(strength, duration, interval, onset=0.0)
        return respond(both, bath, interval + duration + 12.0).spikes > 1

    return lowest(excites, duration, 40.0, 0.05)


def conduction_velocity(celsius: float) -> float:
    """The velocity in m/s of the action potential that travels unchanged along axon 17 at `celsius` C.

    As in 1952 (pp. 522-528, equations 29-31): along a travelling wave V'' = K (V' + I/CM) with
    K = 2 Ri theta^2 CM / a; K is found by bisection, since the solution runs off upwards where K is too great and
    downwards where it is too small.
    """
    bath = Bath(celsius)
    low, high = 1.0, 200.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if _runs_up(middle, bath) else (middle, high)
    # K in 1/ms, a in cm, Ri in kohm cm, CM in uF/cm2: theta in cm/ms, times 10 for m/s
    return 10.0 * math.sqrt(high * AXON_RADIUS_CM / (2.0 * AXIAL_RESISTANCE_KOHM_CM * CM))


def _runs_up(k: float, bath: Bath) -> bool:
    """Whether the travelling-wave equation with constant `k` (1/ms) runs off upwards from a small foot."""
    step = 0.001
    table, e_na, e_k = _table(bath, step), bath.e_na, bath.e_k
    m, _, h, _, n, _ = table[round(-V_LOW / V_STEP)]
    conductance = G_NA * m**3 * h + G_K * n**4 + G_L
    # at the foot the gates are at rest and V grows as exp(mu t) with mu^2 = K (mu + g / CM)
    mu = (k + math.sqrt(k * k + 4.0 * k * conductance / CM)) / 2.0
    v, slope = 0.1, 0.1 * mu
    for _ in range(int(20.0 / step)):
        ion = G_NA * m**3 * h * (v - e_na) + G_K * n**4 * (v - e_k) + G_L * (v - E_L)
        m_aim, m_decay, h_aim, h_decay, n_aim, n_decay = table[int((v - V_LOW) / V_STEP + 0.5)]
        slope += step * k * (slope + ion / CM)
        v += step * slope
        m, h, n = m_aim + (m - m_aim) * m_decay, h_aim + (h - h_aim) * h_decay, n_aim + (n - n_aim) * n_decay
        if v > 130.0:
            return True
        if v < -30.0:
            return False
    return False
