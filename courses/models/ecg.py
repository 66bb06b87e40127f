"""Synthetic 12-lead electrocardiograms whose intervals are known, for teaching and examining how to read them.

Each wave is a Gaussian bump, as in McSharry, Clifford, Tarassenko, Smith: A dynamical model for generating synthetic
electrocardiogram signals, IEEE Trans Biomed Eng 2003;50:289-294; here the bumps are placed in time, not in phase, so
that PR, QRS and QT are what was asked for. A bump is taken to begin and end `EDGE` standard deviations from its peak,
where 4 % of its height is left: that is where a reader's calipers go. Leads I, II and V1-V6 are drawn; III and the
augmented leads follow from Einthoven's and Goldberger's equations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGE = 2.5  # standard deviations from the peak of a bump to its onset or end
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
RESOLUTION_MV = 0.001
LEAD_IN_S = 4.0  # planned before the first sample, so that a tracing may start anywhere in a cycle
P_DURATION_S = 0.10
F_WAVES_HZ = (5.2, 6.1, 7.3)  # fibrillatory waves, 300-450 a minute
SHORTEST_RR_S = 0.30  # refractory period of the AV node in fibrillation

_COMMON = {"rate": 72.0, "pr": 160.0, "qrs": 90.0, "qt": 0.0, "rr_sd": 0.0, "noise": 0.01}
_EXTRA: dict[str, dict[str, float]] = {
    "sinus": {},
    "sinus_bradycardia": {"rate": 48.0},
    "sinus_tachycardia": {"rate": 120.0},
    "atrial_fibrillation": {"rate": 96.0, "rr_sd": 150.0, "f_wave": 0.08},
    "av_block_1": {"rate": 70.0, "pr": 280.0},
    "mobitz_1": {"rate": 75.0, "increment": 100.0, "conducted": 3.0},
    "av_block_3": {"rate": 84.0, "ventricular_rate": 38.0, "qrs": 150.0},
    "pvc": {"rate": 75.0, "every": 4.0, "coupling": 440.0},
    "st_elevation_inferior": {"rate": 78.0, "st": 0.3},
    "st_elevation_anterior": {"rate": 88.0, "st": 0.3},
}
RHYTHMS = tuple(_EXTRA)

# peak heights in mV at the independent leads I, II, V1 ... V6 of an adult's normal tracing
_P = (0.08, 0.13, 0.05, 0.06, 0.07, 0.08, 0.08, 0.08)
_Q = (-0.05, -0.08, 0.0, 0.0, 0.0, -0.03, -0.09, -0.10)
_R = (0.65, 1.10, 0.25, 0.50, 0.90, 1.50, 1.30, 1.00)
_S = (-0.10, -0.15, -0.90, -1.30, -0.90, -0.50, -0.20, -0.08)
_T = (0.20, 0.30, 0.05, 0.35, 0.45, 0.45, 0.35, 0.25)
_VENTRICULAR = (0.70, 1.20, -1.30, -1.50, -0.80, 0.90, 1.20, 1.10)  # right ventricular origin, inferior axis
_F = (0.3, 0.8, 1.0, 0.6, 0.3, 0.2, 0.2, 0.2)
# share of the parameter `st`: inferior injury is largest in III, with its mirror image in I and aVL
_ST = {
    "st_elevation_inferior": (-0.3, 0.7, 0.0, -0.2, -0.2, 0.0, 0.0, 0.1),
    "st_elevation_anterior": (0.2, -0.05, 0.4, 1.0, 1.0, 0.8, 0.3, 0.1),
}


@dataclass(frozen=True)
class Beat:
    """One ventricular complex: QRS onset (s), QRS duration (s), QT (s), whether it arose in a ventricle."""

    onset: float
    qrs: float
    qt: float
    ventricular: bool = False


def parameters(rhythm: str) -> dict[str, float]:
    """What can be set for `rhythm`, with the values it has by itself.

    rate: P waves a minute (fibrillation: QRS a minute). pr, qrs, qt: ms; qt 0 stands for the normal one at the rate.
    rr_sd: scatter of the cycle, ms. noise: mV. f_wave, st: mV. increment: how much the PR grows at the second beat of
    a Wenckebach group, ms (half as much at each further one); conducted: beats before the dropped one. every: each
    such beat is replaced by an extrasystole; coupling: from QRS to extrasystole, ms.
    Raises KeyError for an unknown rhythm.
    """
    return {**_COMMON, **_EXTRA[rhythm]}


def normal_qt(rr: float) -> float:
    """QT (s) that belongs to the RR interval `rr` (s) at a QTc of 0.40 s (Framingham: Sagie 1992, 0.154 s a second)."""
    return 0.40 - 0.154 * (1 - rr)


def synthesise(rhythm: str, seconds: float, fs: float, seed: int, **settings: float) -> dict[str, Any]:
    """A tracing of `rhythm`: {"fs": Hz, "leads": [{"name", "unit": "mV", "samples": [...]}, ...]}, 12 leads.

    The same arguments give the same samples. `settings` are those of `parameters(rhythm)`.
    Raises ValueError for an unknown rhythm or setting, or a duration or sampling rate not above zero.
    """
    if rhythm not in RHYTHMS:
        raise ValueError(f"There is no rhythm {rhythm!r}; known are {', '.join(RHYTHMS)}.")
    values = parameters(rhythm)
    unknown = settings.keys() - values.keys()
    if unknown:
        raise ValueError(f"A tracing of {rhythm} has no {sorted(unknown)[0]!r}; known are {', '.join(values)}.")
    if seconds <= 0 or fs <= 0:
        raise ValueError("Duration and sampling rate must be above zero.")
    values |= settings
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    atrial, beats = _plan(rhythm, values, seconds + 1.0, rng)
    signal = np.zeros((8, time.size))
    for onset in atrial:
        _bump(signal, time, onset + P_DURATION_S / 2, P_DURATION_S / 2 / EDGE, P_DURATION_S / 2 / EDGE, _P)
    for beat in beats:
        (_ventricular_complex if beat.ventricular else _complex)(signal, time, beat)
        if rhythm in _ST:
            _st_segment(signal, time, beat, np.multiply(_ST[rhythm], values["st"]))
    if rhythm == "atrial_fibrillation":
        signal += np.outer(_F, _f_waves(time, values["f_wave"], rng))
    signal += values["noise"] * rng.standard_normal(signal.shape)
    return {
        "fs": fs,
        "leads": [
            {"name": name, "unit": "mV", "samples": samples.tolist()}
            for name, samples in zip(LEADS, _twelve(signal).round(3), strict=True)
        ],
    }


def _plan(rhythm: str, p: dict[str, float], end: float, rng: np.random.Generator) -> tuple[list[float], list[Beat]]:
    """P onsets (s) and beats of a tracing up to `end`."""
    rr = 60 / p["rate"]
    qt = p["qt"] / 1000 or normal_qt(rr)
    pr, qrs = p["pr"] / 1000, p["qrs"] / 1000
    clock = _clock(rr, p["rr_sd"] / 1000, end, rng)
    if rhythm == "atrial_fibrillation":
        return [], [Beat(t, qrs, qt) for t in clock]
    if rhythm == "av_block_3":
        escape = 60 / p["ventricular_rate"]
        own_qt = p["qt"] / 1000 or normal_qt(1.0)
        return clock, [Beat(t, qrs, own_qt, ventricular=True) for t in _clock(escape, 0.0, end, rng)]
    if rhythm == "mobitz_1":
        return clock, _wenckebach(clock, p, qrs, qt)
    if rhythm == "pvc":
        return clock, _extrasystoles(clock, p, qt)
    return clock, [Beat(t + pr, qrs, qt) for t in clock]


def _clock(period: float, scatter: float, end: float, rng: np.random.Generator) -> list[float]:
    """Times (s) from before the first sample to `end`, `period` apart, give or take `scatter`."""
    count = int((end + LEAD_IN_S) / max(period - 2 * scatter, SHORTEST_RR_S)) + 2
    steps = np.maximum(rng.normal(period, scatter, count), SHORTEST_RR_S)
    times = -LEAD_IN_S + np.cumsum(steps)
    return [float(t) for t in times[times < end]]


def _wenckebach(clock: list[float], p: dict[str, float], qrs: float, qt: float) -> list[Beat]:
    """The PR grows from beat to beat, by less each time, until one P wave is not conducted."""
    conducted = int(p["conducted"])
    beats = []
    for number, t in enumerate(clock):
        place = number % (conducted + 1)
        if place < conducted:
            growth = sum(p["increment"] / 2**step for step in range(place))
            beats.append(Beat(t + (p["pr"] + growth) / 1000, qrs, qt))
    return beats


def _extrasystoles(clock: list[float], p: dict[str, float], qt: float) -> list[Beat]:
    """Each `every`-th beat comes early from a ventricle; the sinus clock runs on, so its pause is compensatory."""
    pr, qrs, every = p["pr"] / 1000, p["qrs"] / 1000, int(p["every"])
    beats = []
    for number, t in enumerate(clock):
        if number % every == every - 1:
            early = clock[number - 1] + pr + p["coupling"] / 1000
            beats.append(Beat(early, 0.15, qt + 0.04, ventricular=True))
        else:
            beats.append(Beat(t + pr, qrs, qt))
    return beats


def _bump(
    signal: NDArray[np.float64],
    time: NDArray[np.float64],
    centre: float,
    before: float,
    after: float,
    heights: tuple[float, ...],
) -> None:
    """Add a Gaussian of the two standard deviations (s) before and after its peak to `signal` (8, samples)."""
    near = (time > centre - 5 * before) & (time < centre + 5 * after)
    away = time[near] - centre
    shape = np.exp(-0.5 * (away / np.where(away < 0, before, after)) ** 2)
    signal[:, near] += np.outer(heights, shape)


def _complex(signal: NDArray[np.float64], time: NDArray[np.float64], beat: Beat) -> None:
    """Q, R, S and T of a beat conducted by the His-Purkinje system."""
    for heights, centre, half in ((_Q, 0.12, 0.12), (_R, 0.45, 0.33), (_S, 0.75, 0.25)):
        width = half * beat.qrs / EDGE
        _bump(signal, time, beat.onset + centre * beat.qrs, width, width, heights)
    _t_wave(signal, time, beat, _T)


def _ventricular_complex(signal: NDArray[np.float64], time: NDArray[np.float64], beat: Beat) -> None:
    """A wide QRS of one bump, and a T against it."""
    half = beat.qrs / 2
    _bump(signal, time, beat.onset + half, half / EDGE, half / EDGE, _VENTRICULAR)
    _t_wave(signal, time, beat, tuple(-0.35 * height for height in _VENTRICULAR))


def _t_wave(signal: NDArray[np.float64], time: NDArray[np.float64], beat: Beat, heights: tuple[float, ...]) -> None:
    """A T wave, steeper after its peak than before, that ends with the QT interval."""
    after = 0.085 * beat.qt
    _bump(signal, time, beat.onset + beat.qt - EDGE * after, 1.4 * after, after, heights)


def _st_segment(
    signal: NDArray[np.float64], time: NDArray[np.float64], beat: Beat, heights: NDArray[np.float64]
) -> None:
    """Lift the ST segment from the J point to the peak of T by `heights` (8,) mV."""
    j = beat.onset + beat.qrs
    peak = beat.onset + beat.qt * (1 - EDGE * 0.085)
    near = (time > j - 0.15) & (time < beat.onset + beat.qt + 0.15)
    t = time[near]
    plateau = 1 / (1 + np.exp(-(t - j + 0.015) / 0.006)) / (1 + np.exp((t - peak) / 0.03))
    signal[:, near] += np.outer(heights, plateau)


def _f_waves(time: NDArray[np.float64], height: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Fibrillatory waves: a few frequencies that drift in and out of step, `height` mV at most."""
    phases = rng.uniform(0, 2 * np.pi, len(F_WAVES_HZ))
    waves = [np.sin(2 * np.pi * hz * time + phase) for hz, phase in zip(F_WAVES_HZ, phases, strict=True)]
    return np.asarray(height * np.mean(waves, axis=0))


def _twelve(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 12 leads (12, samples) from I, II and V1-V6 (8, samples)."""
    one, two = signal[0], signal[1]
    return np.vstack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, signal[2:]])
