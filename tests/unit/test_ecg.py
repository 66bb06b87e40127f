"""Synthetic ECGs: intervals measured on the samples, as a reader would, agree with what was asked for."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.models import ecg
from tests.support.properties import examples

FS = 1000.0
SECONDS = 12.0
EDGE_MV = 0.01  # a tenth of a small square: where a reader sees a wave leave the baseline
READING_MS = 12.0  # a third of a small square on paper

Trace = npt.NDArray[np.float64]


def leads(rhythm: str, seed: int = 1, seconds: float = SECONDS, **wanted: float) -> dict[str, Trace]:
    tracing = ecg.synthesise(rhythm, seconds, FS, seed, **{"noise": 0.0, **wanted})
    assert tracing["fs"] == FS
    return {lead["name"]: np.array(lead["samples"]) for lead in tracing["leads"]}


def r_peaks(signal: Trace) -> list[int]:
    """Samples of the R peaks: maxima of what rises above half of the highest, one per 250 ms."""
    above = np.flatnonzero(signal > signal.max() / 2)
    runs = np.split(above, np.flatnonzero(np.diff(above) > 0.25 * FS) + 1)
    return [int(run[np.argmax(signal[run])]) for run in runs]


def extent(signal: Trace, start: int, end: int, last: bool = False) -> tuple[int, int]:
    """First and last sample between `start` and `end` where the signal is away from the baseline.

    last: only of the last wave there; waves are apart where the baseline is held for 15 ms.
    """
    away = start + np.flatnonzero(np.abs(signal[start:end]) > EDGE_MV)
    if last:
        away = np.split(away, np.flatnonzero(np.diff(away) > 0.015 * FS) + 1)[-1]
    return int(away[0]), int(away[-1])


def measured(signal: Trace, peak: int, qrs: float) -> dict[str, float]:
    """PR, QRS and QT (ms) around an R peak; `qrs` tells how far from the peak to look for the QRS."""
    reach = round(0.7 * qrs * FS / 1000)
    begin, end = extent(signal, peak - reach, peak + reach)
    p_begin, _ = extent(signal, peak - round(0.42 * FS), begin - 10, last=True)
    _, t_end = extent(signal, end + 15, peak + round(0.55 * FS))
    scale = 1000 / FS
    return {"pr": (begin - p_begin) * scale, "qrs": (end - begin) * scale, "qt": (t_end - begin) * scale}


@pytest.mark.parametrize("wanted", [{"rate": 60.0, "pr": 120.0, "qt": 380.0}, {"rate": 75.0, "pr": 200.0, "qt": 400.0}])
def test_intervals_are_what_was_asked_for(wanted: dict[str, Any]) -> None:
    signal = leads("sinus", **wanted)["II"]
    peaks = r_peaks(signal)
    assert np.diff(peaks) / FS == pytest.approx(60 / wanted["rate"], abs=0.002)
    for peak in peaks[1:-1]:
        found = measured(signal, peak, 90.0)
        assert found["pr"] == pytest.approx(wanted["pr"], abs=READING_MS)
        assert found["qt"] == pytest.approx(wanted["qt"], abs=READING_MS)
        assert found["qrs"] == pytest.approx(90.0, abs=READING_MS)


@examples(15)
@given(rate=st.integers(50, 100), pr=st.integers(120, 220))
def test_rate_and_pr_over_their_range(rate: int, pr: int) -> None:
    signal = leads("sinus", rate=float(rate), pr=float(pr))["II"]
    peaks = r_peaks(signal)
    assert 60 * FS / np.mean(np.diff(peaks)) == pytest.approx(rate, rel=0.01)
    assert measured(signal, peaks[2], 90.0)["pr"] == pytest.approx(pr, abs=READING_MS)


@pytest.mark.parametrize(("rhythm", "low", "high"), [("sinus_bradycardia", 30, 60), ("sinus_tachycardia", 100, 180)])
def test_slow_and_fast(rhythm: str, low: int, high: int) -> None:
    rate = 60 * FS / float(np.mean(np.diff(r_peaks(leads(rhythm)["II"]))))
    assert low < rate < high


def test_first_degree_block() -> None:
    signal = leads("av_block_1")["II"]
    assert measured(signal, r_peaks(signal)[2], 90.0)["pr"] > 200


def test_wenckebach() -> None:
    """4:3: within a group RR shortens, and the pause is shorter than two P-P intervals."""
    rr = np.diff(r_peaks(leads("mobitz_1", seconds=20.0)["II"])) / FS
    pp = 60 / ecg.parameters("mobitz_1")["rate"]
    pauses = np.flatnonzero(rr > 1.4 * pp)
    assert set(np.diff(pauses)) == {3}
    for first, second in pairwise(pauses):
        before = rr[first + 1 : second]
        assert all(earlier > later for earlier, later in pairwise(before))
        assert rr[second] < 2 * pp
        assert rr[first + 1 : second + 1].sum() == pytest.approx(4 * pp, abs=0.01)


def test_fibrillation_is_irregular_and_has_no_p_waves() -> None:
    signal = leads("atrial_fibrillation", seconds=60.0)["V1"]
    rr = np.diff(r_peaks(leads("atrial_fibrillation", seconds=60.0)["II"])) / FS
    assert rr.std() / rr.mean() > 0.12
    spectrum = np.abs(np.fft.rfft(signal)) ** 2
    hz = np.fft.rfftfreq(signal.size, 1 / FS)
    strongest = {float(f) for f in ecg.F_WAVES_HZ}
    assert all(spectrum[np.abs(hz - f) < 0.05].max() > 20 * np.median(spectrum[(hz > 4) & (hz < 9)]) for f in strongest)


def test_extrasystoles_are_early_wide_and_fully_compensated() -> None:
    signal = leads("pvc", seconds=20.0)["II"]
    rr = np.diff(r_peaks(signal)) / FS
    sinus = 60 / ecg.parameters("pvc")["rate"]
    early = np.flatnonzero(rr < 0.75 * sinus)
    assert early.size >= 3
    for place in early[:-1]:
        assert rr[place] + rr[place + 1] == pytest.approx(2 * sinus, abs=0.03)
        peak = r_peaks(signal)[place + 1]
        begin, end = extent(signal, peak - 90, peak + 90)
        assert (end - begin) * 1000 / FS > 120


def test_complete_block_dissociates() -> None:
    tracing = leads("av_block_3", seconds=30.0)["II"]
    rate = 60 * FS / float(np.mean(np.diff(r_peaks(tracing))))
    assert rate == pytest.approx(ecg.parameters("av_block_3")["ventricular_rate"], rel=0.01)


@pytest.mark.parametrize(
    ("rhythm", "raised", "lowered"),
    [
        ("st_elevation_inferior", ("II", "III", "aVF"), ("I", "aVL")),
        ("st_elevation_anterior", ("V1", "V2", "V3", "V4"), ("III",)),
    ],
)
def test_st_elevation_where_it_belongs(rhythm: str, raised: tuple[str, ...], lowered: tuple[str, ...]) -> None:
    """J + 40 ms, against the baseline before P: at least 0.1 mV (0.1 mV is one small square)."""
    tracing, flat = leads(rhythm), leads("sinus", rate=ecg.parameters(rhythm)["rate"])
    peak = r_peaks(tracing["II"])[3]
    at = peak + round(0.085 * FS)
    for name in raised:
        assert tracing[name][at] - flat[name][at] > 0.1
    for name in lowered:
        assert tracing[name][at] - flat[name][at] < -0.05


@examples(20)
@given(rhythm=st.sampled_from(ecg.RHYTHMS), seed=st.integers(0, 2**31))
def test_leads_obey_einthoven_and_goldberger(rhythm: str, seed: int) -> None:
    tracing = leads(rhythm, seed, seconds=4.0)
    assert tuple(tracing) == ecg.LEADS
    rounding = 3 * ecg.RESOLUTION_MV
    assert tracing["I"] + tracing["III"] == pytest.approx(tracing["II"], abs=rounding)
    assert tracing["aVR"] + tracing["aVL"] + tracing["aVF"] == pytest.approx(0, abs=rounding)
    assert max(np.abs(signal).max() for signal in tracing.values()) < 3


def test_the_same_seed_gives_the_same_samples() -> None:
    first = ecg.synthesise("atrial_fibrillation", 5, 500, 7)
    assert first == ecg.synthesise("atrial_fibrillation", 5, 500, 7)
    assert first != ecg.synthesise("atrial_fibrillation", 5, 500, 8)
    assert {len(lead["samples"]) for lead in first["leads"]} == {2500}


def test_qt_of_the_rate() -> None:
    """Framingham (Sagie 1992): QTc = QT + 0.154 (1 - RR); physiology-labs: QT 400, RR 800 ms gives 431 ms."""
    assert ecg.normal_qt(1.0) == 0.40
    corrected = 0.400 + 0.154 * (1 - 0.8)
    assert corrected == pytest.approx(0.431, abs=0.0005)
    assert ecg.normal_qt(0.8) == pytest.approx(0.40 - (corrected - 0.400))


@pytest.mark.parametrize(
    ("arguments", "wanted", "said"),
    [
        (("sinus rhythm", 10, 500, 1), {}, "There is no rhythm 'sinus rhythm'"),
        (("sinus", 10, 500, 1), {"speed": 1.0}, "has no 'speed'"),
        (("sinus", 0, 500, 1), {}, "must be above zero"),
        (("sinus", 10, -1, 1), {}, "must be above zero"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    arguments: tuple[str, float, float, int], wanted: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        ecg.synthesise(*arguments, **wanted)
