"""The banks: keys are computed again from their formulae; what would make an item unfair is absent."""

import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from courses.cases import BUILT_IN, CaseStore
from courses.measure import ellipse_stats
from courses.models import ecg, nerve, phantom
from courses.series import Series
from exams.assembly import assemble
from exams.blueprint import load
from exams.items import LEVELS, TYPES, Item, load_bank
from exams.marking import BLANK, CORRECT, INVALID, examples, mark
from exams.regions import earned
from tests.support.narrowing import present

FOLDER = Path(__file__).parents[2] / "exams" / "bank"
SUBJECTS = {"diagnostics": "dx-", "imaging": "im-", "physiology": "ph-"}
TOPICS = {
    "diagnostics": {"symptoms", "examination", "laboratory", "ecg", "imaging", "reasoning"},
    "imaging": {"technique", "measuring", "chest", "heart", "neuro", "abdomen", "bone"},
    "physiology": {
        "cells",
        "blood",
        "circulation",
        "respiration",
        "metabolism",
        "kidney",
        "regulation",
        "experiment",
    },
}
FEWEST = {"diagnostics": 130, "imaging": 85, "physiology": 85}
KINDS = {"A1", "A2", "A3", "A4", "B1", "X", "numeric", "ecg", "short"}
BANKS = {subject: load_bank(FOLDER / subject) for subject in SUBJECTS}
ALL = tuple(item for bank in BANKS.values() for item in bank)
ITEMS = {item.id: item for item in ALL}
PLANS = {subject: load(FOLDER / subject / "blueprint-20.toml") for subject in SUBJECTS}
BOOKS = ("《诊断学》第9版", "《医学影像学》第8版", "《生理学》第9版", "内科学", "外科学")


def saturation(po2: float) -> float:
    """Severinghaus 1979, in percent."""
    return 100 / (23400 / (po2**3 + 150 * po2) + 1)


FORMULAE = {
    "dx-exam-019": 78 + (126 - 78) / 3,  # mean arterial pressure
    "dx-exam-020": 82 / 1.75**2,  # body mass index
    "dx-lab-003": 138 - (98 + 14),  # anion gap
    "dx-lab-013": 6.1 + math.log10(12 / (0.03 * 26)),  # Henderson-Hasselbalch
    "dx-lab-014": 1.5 * 14 + 8,  # Winter
    "dx-lab-015": (140 - 60) * 72 / (72 * 1.2),  # Cockcroft-Gault, man
    "dx-ecg-013": 400 / math.sqrt(0.800),  # Bazett: 447 ms
    "dx-img-010": 1000 * (0.209 - 0.190) / (0.190 - 0),  # Hounsfield
    "dx-ecm-008": 60 / (20 * 0.04),  # heart rate from small squares
    "dx-ecm-009": 400 / 0.800 ** (1 / 3),  # Fridericia: 431 ms
    "dx-exm-010": 2 + 2 + 5,  # Glasgow coma scale
    "dx-lbm-008": 0.36 * 1000 / 4.5,  # mean corpuscular volume
    "dx-lbm-009": 30 - 12,  # serum-ascites albumin gradient
    "dx-lbm-010": 2.00 + 0.02 * (40 - 25),  # calcium corrected for albumin
    "dx-rea-010": 100 * 0.2 * 0.9 / (0.2 * 0.9 + 0.8 * (1 - 0.8)),  # Bayes
    "im-bon-010": (0.75 - 1.05) / 0.12,  # T-score
    "im-car-006": 100 * (150 - 90) / 150,  # ejection fraction
    "im-mea-016": 10 / (2 + 2),  # line pairs per cm
    "im-mea-017": 0.5 * 0.5 * 2.5,  # a voxel
    "im-mea-018": 6 * 4 * 5 * 1 / 2,  # ABC/2
    "im-mea-019": 120 * math.log(2) / (3 * math.log(12 / 10)),  # doubling time of a volume
    "im-mea-020": 100 * (80 - 40) / (80 - 20),  # absolute washout
    "im-mea-021": 100 * (1 - 1.5 / 5.0),  # NASCET
    "im-neu-015": 42 / 130,  # Evans
    "im-tec-013": 42.58 * 1.5,  # Larmor
    "im-tec-014": 260 * math.log(2),  # inversion time that nulls fat
    "im-tec-015": 100 * math.exp(-80 / 80),  # T2 decay
    "im-tec-016": math.log(800 / 240) / 1000 * 1000,  # ADC
    "im-tec-017": 1540 * 130e-6 / 2 * 100,  # depth of an echo, cm
    "im-tec-018": 100 / 2**3,  # three half-value layers
    "im-tec-019": 8.0 * 35 * 0.014,  # effective dose
    "ph-bld-005": 2 * (140 + 4) + 5 + 5,  # osmolarity
    "ph-cel-009": 61.5 * math.log10(4 / 140),  # Nernst
    "ph-cel-010": 61.5 * math.log10(10 / 4),
    "ph-cel-011": nerve.conduction_velocity(18.5),  # Hodgkin-Huxley: 18.7 m/s
    "ph-cir-010": 77 * 75 / 1000,  # cardiac output
    "ph-cir-011": 250 / (200 - 150),  # Fick
    "ph-cir-012": (93 - 3) / (5400 / 60),  # peripheral resistance
    "ph-cir-013": (30 - 15.1) / 15.1,  # gain of the baroreflex
    "ph-exp-008": 100 * 2 * math.exp(1 - 2),  # twitch, 40 ms after its peak
    "ph-exp-009": math.sqrt(0.25**2 + 0.25) - 0.25,  # Hill: power peaks at 0.31 P0
    "ph-exp-016": 1 + 3 / 1,  # Schild
    "ph-exp-017": math.log(2) / 0.086,  # half-life: 8.06 h
    "ph-exp-018": nerve.threshold(10.0, nerve.Bath(14.3)),  # the rheobase that the experiment shows
    "ph-exp-019": nerve.refractory_period(40.0, 0.5, nerve.Bath(9.3)),
    "ph-kid-004": 125 * 4.0 - 375,  # glucose lost in the urine
    "ph-kid-005": 125 * 1 / 1,  # clearance
    "ph-kid-006": 100 * 125 / 660,  # filtration fraction
    "ph-met-006": 15 * 20.2,  # heat production
    "ph-met-009": 100 * (180 - 150) / 150,  # basal metabolic rate
    "ph-res-008": (500 - 150) * 12 / 1000,  # alveolar ventilation
    "ph-res-009": saturation(60),  # Severinghaus: 90.58
    "ph-res-010": 100 * (saturation(100) - saturation(40)) / saturation(100),
    "ph-res-011": 0.21 * (760 - 47) - 40 / 0.8,  # alveolar gas equation
    "ph-res-012": 30.24 * math.exp(-0.05 * 95) * (50 - 35.5) + 1.44 * (50 - 35.5),  # Khoo: 24.7
}
TRACINGS = {
    "dx-ecg-003": ("pr", 1 / 1000),
    "dx-ecg-011": ("rate", 1),
    "dx-ecm-001": ("qt", 1),
    "dx-ecm-002": ("qrs", 1),
    "dx-ecm-003": ("ventricular_rate", 1),
    "dx-ecm-005": ("pr", 1),
    "im-car-005": ("rate", 1),
}
PAUSE, COUNTED = "ph-exp-005", "dx-ecm-004"
"""The pause after an extrasystole, and the QRS complexes of ten seconds of fibrillation: read from the samples."""
PHANTOM = {
    "dx-img-004": phantom.insert("unknown").hu,
    "dx-img-012": phantom.insert("contrast").hu,
    "dx-img-005": phantom.ROD_LENGTH_MM,
    "dx-img-013": 2 * phantom.insert("fat").radius,
    "dx-img-014": phantom.ROD_ANGLE_DEG,
    "im-mea-004": phantom.insert("muscle").hu,
    "im-mea-005": phantom.insert("fat").hu,
    "im-mea-006": phantom.insert("lung").hu,
    "im-mea-007": 2 * phantom.INSERT_CIRCLE_MM,
    "im-mea-008": 2 * phantom.BODY_RADIUS_MM,
    "im-mea-009": 7 * phantom.LINE_PAIRS_MM[0],
    "im-mea-010": 90.0,  # the angle on a diameter
    "im-mea-011": phantom.WATER_HU,
}
AORTA = "im-mea-012"
RODS = {"im-mea-014": "lung", "im-mea-015": "bone"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Series]:
    """The built-in cases, as an exam opens them."""
    store = CaseStore(tmp_path_factory.mktemp("cases"))
    return {case: store.open(case) for case in BUILT_IN}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_there_are_enough_of_every_kind(subject: str) -> None:
    bank = BANKS[subject]
    assert len(bank) >= FEWEST[subject]
    assert {item.subject for item in bank} == {subject}
    assert {item.topic for item in bank} == TOPICS[subject]
    kinds = Counter(item.type for item in bank)
    assert kinds.keys() >= KINDS
    assert kinds["numeric"] >= 10
    assert kinds["X"] >= 6
    assert kinds["short"] >= 2
    levels = Counter(item.level for item in bank)
    assert min(levels[level] for level in LEVELS) >= len(bank) / 10


def test_the_banks_together() -> None:
    assert len(ALL) >= 300
    assert {item.type for item in ALL} == set(TYPES)
    assert len(ITEMS) == len(ALL)  # subjects lie in folders of their own: only here an id could stand twice
    groups = {(item.subject, item.group.id) for item in ALL if item.group}
    assert len({name for _, name in groups}) == len(groups)


def test_no_bank_file_is_too_long_to_review() -> None:
    assert not [path.name for path in FOLDER.glob("*/*.yaml") if path.read_text("utf-8").count("\n") > 400]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_blueprint_leaves_a_choice(subject: str) -> None:
    plan, bank = PLANS[subject], BANKS[subject]
    forms = [assemble(ALL, plan, forms=["A"], exam="x", seed=seed)[0].items for seed in range(6)]
    assert {len(form) for form in forms} == {plan.count} == {20}
    assert {item.subject for form in forms for item in form} == {subject}
    assert len({item.id for form in forms for item in form}) >= 1.5 * plan.count
    assert forms[0] == assemble(bank, plan, forms=["A"], exam="x", seed=0)[0].items  # other subjects change nothing


def test_every_computed_key_follows_from_its_formula() -> None:
    assert {item.id for item in ALL if item.type == "numeric"} == FORMULAE.keys()
    for name, value in FORMULAE.items():
        item = ITEMS[name]
        assert isinstance(item.key, float)
        assert abs(value - item.key) <= item.tolerance / 2, name


def test_henderson_hasselbalch_at_the_normal_values() -> None:
    assert 6.1 + math.log10(24 / (0.03 * 40)) == pytest.approx(7.40, abs=0.005)


def test_every_key_read_from_a_tracing_is_what_it_was_drawn_with() -> None:
    read = {item.id: item for item in ALL if item.type == "ecg" and not item.options}
    assert read.keys() == TRACINGS.keys() | {PAUSE, COUNTED}
    for name, (parameter, scale) in TRACINGS.items():
        asset = read[name].asset
        assert asset is not None
        assert read[name].key == pytest.approx(asset["parameters"][parameter] * scale)


def peaks(item: Item) -> list[float]:
    """The times (s) of the R peaks in lead II: the highest of 200 ms, and higher than any P or T wave."""
    signals = item.signals()
    samples = np.array(next(lead["samples"] for lead in signals["leads"] if lead["name"] == "II"))
    near = round(0.2 * signals["fs"])
    around = {i: samples[max(i - near, 0) : i + near] for i in np.flatnonzero(samples > 0.6)}
    # the first of equals: samples are rounded
    return [float(i / signals["fs"]) for i, part in around.items() if int(part.argmax()) == min(i, near)]


def test_the_fibrillating_heart_beats_as_often_as_the_key_says() -> None:
    item = ITEMS[COUNTED]
    assert item.asset is not None
    assert item.asset["seconds"] == 10
    assert item.key == 6 * len(peaks(item))


def test_the_pause_is_compensatory() -> None:
    item = ITEMS[PAUSE]
    assert item.asset is not None
    drawn = ecg.parameters("pvc") | item.asset["parameters"]
    assert item.key == 2 * 60_000 / drawn["rate"] - drawn["coupling"]
    steps = 1000 * np.diff(peaks(item))
    # R peaks lie 40 ms after a sinus onset and 75 ms after a ventricular one: the onsets are a little further apart
    assert max(steps) == pytest.approx(item.key, abs=item.tolerance)


def test_every_measured_key_is_the_phantoms_own(library: dict[str, Series]) -> None:
    assert {item.id for item in ALL if item.type == "measurement"} == PHANTOM.keys() | {AORTA}
    for name, value in PHANTOM.items():
        assert ITEMS[name].key == value
    item, scan = ITEMS[AORTA], library["ct-small"]
    for points in ([[84, 4], [98, 16]], [[82, 2], [100, 16]], [[80, 6], [96, 18]]):
        assert ellipse_stats(scan.frame(0), points, scan.slope, scan.intercept).mean == pytest.approx(item.key, abs=2)


HOTSPOTS = {
    "im-mea-023": ("unknown", phantom.INSERT_RADIUS_MM),
    "im-mea-024": ("fat", phantom.INSERT_RADIUS_MM),
    "dx-img-017": ("bone", phantom.INSERT_RADIUS_MM),
    "dx-img-018": ("lung", phantom.INSERT_RADIUS_MM),
}


def test_the_inserts_to_be_marked_are_where_the_phantom_has_them() -> None:
    for name, (insert, radius) in HOTSPOTS.items():
        (region,) = ITEMS[name].regions
        place = phantom.insert(insert)
        assert region.circle == pytest.approx(
            (*phantom.to_pixel(place.x, place.y), radius / phantom.PIXEL_MM), abs=0.01
        )
        assert range(region.first, region.last + 1) == phantom.DENSITY_SLICES


def test_the_insert_of_fresh_blood_is_the_only_one_in_its_range() -> None:
    assert [one.name for one in phantom.INSERTS if 50 < one.hu <= 90] == ["unknown"]


def test_the_rods_rod_end_and_line_pairs_to_be_marked_are_the_phantoms() -> None:
    rods = {tuple(round(part, 2) for part in phantom.to_pixel(*rod)) for rod in phantom.hidden_rods("lung")}
    assert {region.circle[:2] for region in ITEMS["im-mea-025"].regions} == rods
    margin = 1  # pixel
    radius = phantom.HIDDEN_RADIUS_MM / phantom.PIXEL_MM + margin
    assert {region.circle[2] for region in ITEMS["im-mea-025"].regions} == {radius}
    end = phantom.to_pixel(*phantom.rod_ends()[0])
    assert all(region.circle[:2] == pytest.approx(end, abs=0.01) for region in ITEMS["im-mea-027"].regions)
    (region,) = ITEMS["im-mea-026"].regions
    scan = phantom.size_plane()
    xs, ys = zip(*region.polygon, strict=True)
    inside = scan[round(min(ys)) : round(max(ys)), round(min(xs)) : round(max(xs))] > phantom.LINE_HU / 2
    bars = np.flatnonzero(np.diff(inside[inside.shape[0] // 2].astype(int)) == 1)
    assert len(bars) == 4  # the whole group and no other
    assert np.diff(bars) * phantom.PIXEL_MM == pytest.approx(10 / 2.5)  # 2.5 line pairs a cm: 4 mm each


def test_the_structures_to_be_marked_look_as_the_rationale_says(library: dict[str, Series]) -> None:
    scan = library["ct-small"]
    real = scan.frame(0) * scan.slope + scan.intercept
    grid = [(x, y) for x in range(scan.columns) for y in range(scan.rows)]

    def values(name: str) -> list[float]:
        regions = [region.plain() for region in ITEMS[name].regions]
        return [real[y, x] for x, y in grid if earned(regions, 0, x, y)]

    aorta, canal = values("im-car-009"), values("im-bon-012")
    assert np.mean(aorta) == pytest.approx(164, abs=10)
    assert np.percentile(aorta, 2) > 100  # no lung, no vertebra's edge
    assert np.percentile(canal, 98) < 130  # no bone
    assert 20 < np.mean(canal) < 80


def test_the_rods_that_a_window_shows_are_counted_right() -> None:
    for name, insert in RODS.items():
        item = ITEMS[name]
        count, hu = phantom.HIDDEN[insert]
        assert dict(item.options)[str(item.key)] == f"{count} 根"
        assert item.asset is not None
        centre, width = item.asset["window"]
        assert all(abs(value - centre) < width / 2 for value in (hu, phantom.insert(insert).hu))


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_an_item_is_fair(item: Item) -> None:
    texts = [text for _, text in item.options]
    assert not [text for text in texts if re.match("以上|都(不|是)|均(不|是)", text)]
    assert len(item.rationale) > 10
    assert item.rationale.endswith(("。", "）"))
    # a textbook with its edition, or a paper, standard or guideline with its year
    assert item.source.startswith(BOOKS) or re.search(r"(19|20)\d\d|模型", item.source), item.source
    assert item.id.startswith(SUBJECTS[item.subject])
    # no stem asks for the exception
    assert not re.search("不正确|不属于|除外|错误的", item.stem)
    if item.type in {"A1", "A2", "A3", "A4"}:  # the right option does not give itself away by its length
        right = len(dict(item.options)[str(item.key)])
        assert right <= 3 * sorted(len(text) for text in texts)[len(texts) // 2]


@pytest.mark.parametrize("item", ALL, ids=lambda item: item.id)
def test_an_item_marks_its_own_answers(item: Item, library: dict[str, Series]) -> None:
    image = library[item.asset["case"]] if item.asset and item.asset["kind"] == "dicom" else None
    own = examples(item)
    right, wrong, invalid = (mark(item, response, image) for response in (own.correct, own.wrong, own.invalid))
    if item.type not in ("short", "code"):  # a teacher marks those, or a run in the sandbox
        assert (right.points, right.correct, right.reason) == (item.points, True, CORRECT)
    assert (wrong.points, invalid.points) == (0, 0)
    assert invalid.reason in {INVALID, BLANK}
    assert image is None or present(item.asset)["frame"] < image.frames


def test_no_stem_stands_twice() -> None:
    stems = Counter((item.group.id if item.group else "", item.stem) for item in ALL)
    assert max(stems.values()) == 1


@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_letter_is_the_safe_guess(subject: str) -> None:
    """Choosing always the same letter must not pay: no letter bears much more than its fifth of the keys."""
    keys = Counter(item.key for item in BANKS[subject] if isinstance(item.key, str) and item.type != "B1")
    assert set(keys) == set("ABCDE")
    assert max(keys.values()) <= 0.28 * keys.total()
    assert min(keys.values()) >= 0.12 * keys.total()
