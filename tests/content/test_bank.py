"""The diagnostics bank: keys are computed again from their formulae; what would make an item unfair is absent."""

import math
import re
from collections import Counter
from pathlib import Path

import pytest

from exams.blueprint import load
from exams.items import LEVELS, TYPES, Item, load_bank

FOLDER = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
BANK = load_bank(FOLDER)
ITEMS = {item.id: item for item in BANK}

FORMULAE = {
    "dx-exam-019": 78 + (126 - 78) / 3,  # mean arterial pressure
    "dx-exam-020": 82 / 1.75**2,  # body mass index
    "dx-lab-003": 138 - (98 + 14),  # anion gap
    "dx-lab-013": 6.1 + math.log10(12 / (0.03 * 26)),  # Henderson-Hasselbalch
    "dx-lab-014": 1.5 * 14 + 8,  # Winter
    "dx-lab-015": (140 - 60) * 72 / (72 * 1.2),  # Cockcroft-Gault, man
    "dx-ecg-013": 400 / math.sqrt(0.800),  # Bazett: 447 ms
    "dx-img-010": 1000 * (0.209 - 0.190) / (0.190 - 0),  # Hounsfield
}
TRACINGS = {"dx-ecg-003": ("pr", 1 / 1000), "dx-ecg-011": ("rate", 1)}


def test_there_are_enough_of_every_kind() -> None:
    assert len(BANK) >= 48
    assert {item.type for item in BANK} == set(TYPES)
    assert {item.level for item in BANK} == set(LEVELS)
    assert {item.topic for item in BANK} == {"symptoms", "examination", "laboratory", "ecg", "imaging"}
    assert load(FOLDER / "blueprint-20.toml").count == 20


def test_every_computed_key_follows_from_its_formula() -> None:
    assert {item.id for item in BANK if item.type == "numeric"} == FORMULAE.keys()
    for name, value in FORMULAE.items():
        item = ITEMS[name]
        assert isinstance(item.key, float)
        assert abs(value - item.key) <= item.tolerance / 2, name


def test_henderson_hasselbalch_at_the_normal_values() -> None:
    assert 6.1 + math.log10(24 / (0.03 * 40)) == pytest.approx(7.40, abs=0.005)


def test_every_key_read_from_a_tracing_is_what_it_was_drawn_with() -> None:
    read = {item.id: item for item in BANK if item.type == "ecg" and not item.options}
    assert read.keys() == TRACINGS.keys()
    for name, (parameter, scale) in TRACINGS.items():
        asset = read[name].asset
        assert asset is not None
        assert read[name].key == pytest.approx(asset["parameters"][parameter] * scale)


@pytest.mark.parametrize("item", BANK, ids=lambda item: item.id)
def test_an_item_is_fair(item: Item) -> None:
    texts = [text for _, text in item.options]
    assert not [text for text in texts if re.match("以上|都(不|是)|均(不|是)", text)]
    assert len(item.rationale) > 10
    assert item.rationale.endswith(("。", "）"))
    assert item.source.split("·")[0] in {"诊断学", "医学影像学"}
    assert item.id.startswith("dx-")
    if item.type in {"A1", "A2", "A3", "A4"}:  # the right option does not give itself away by its length
        right = len(dict(item.options)[str(item.key)])
        assert right <= 3 * sorted(len(text) for text in texts)[len(texts) // 2]


def test_no_stem_stands_twice() -> None:
    stems = Counter((item.group.id if item.group else "", item.stem) for item in BANK)
    assert max(stems.values()) == 1


def test_no_letter_is_the_safe_guess() -> None:
    """Choosing always the same letter must not pay: at most two in five keys bear one."""
    keys = Counter(item.key for item in BANK if isinstance(item.key, str))
    assert max(keys.values()) <= 0.4 * keys.total()
