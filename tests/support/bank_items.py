"""Arbitrary items for hypothesis: sound ones, of every type, with texts as wild as a bank may hold."""

from hypothesis import strategies as st

from exams.documents import Fields
from exams.items import LETTERS, LEVELS, parse_items

WORDS = "心电图 P波=QRS #{~:}\\ <b>&amp; %50% -> 5 1.5 分：a 参考答案： // :: [html] [x] $ ＝　\u00a0\"'`—"
TAME = st.text("abc心电图，。<>&%=~#{}:\\/[]()$-→⁹", min_size=1, max_size=12).filter(
    lambda text: text.strip()[-1:] not in ("", "\\")
)
LINES = st.lists(TAME.map(str.strip).filter(bool), min_size=1, max_size=3).map("\n".join)
"""Texts of several lines, as people write them."""
HOSTILE = ["<script>", "<a href=data:x>", "javascript:x", "### END SOLUTION", "\x85", "\u2028", "<p onclick=x>"]
PIECES = [*WORDS.split(" "), " ", "  ", "\n", "\t", "\n\n", *HOSTILE]
WILD = st.one_of(
    TAME,
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join),
    st.text(min_size=1, max_size=20),
).filter(str.strip)
NUMBERS = st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e9, 1e9, allow_nan=False))
POSITIVE = st.floats(1e-9, 1e6, exclude_min=True)
TRACING = {"kind": "ecg", "rhythm": "sinus", "seconds": 10, "fs": 500, "seed": 1, "leads": ["II"]}
EXPERIMENT = {"kind": "simulation", "model": "nerve", "controls": ["strength"], "set": {"celsius": 14.3}}
IMAGE = {"kind": "dicom", "case": "phantom-ct", "frame": 3, "window": [40, 400]}
LENGTH = {"kind": "length", "frame": 3, "points": [[0, 0], [80.5, 0]]}


def distinct(texts, fewest, most):
    return st.lists(texts, min_size=fewest, max_size=most, unique_by=str.strip)


@st.composite
def entries(draw, texts, kind, name):
    """One item as a bank writes it."""
    own = {"id": name, "type": kind, "subject": draw(texts), "topic": draw(texts)}
    own |= {"level": draw(st.sampled_from(LEVELS)), "points": draw(st.integers(1, 20)) / 2}
    own |= {"difficulty": draw(st.floats(0.01, 0.99))}
    own |= {field: draw(texts) for field in ("stem", "rationale", "source")}
    if kind in ("A1", "A2", "A3", "A4", "X") or (kind == "ecg" and draw(st.booleans())):
        options = draw(distinct(texts, 4 if kind == "X" else 5, 5))
        own["options"] = dict(zip(LETTERS, options, strict=False))
        letters = LETTERS[: len(options)]
        right = draw(st.sets(st.sampled_from(letters), min_size=2, max_size=len(letters) - 1))
        own["key"] = sorted(right) if kind == "X" else draw(st.sampled_from(letters))
    elif kind == "B1":
        own["key"] = draw(st.sampled_from(LETTERS[:4]))
    elif kind == "short":
        rubric = draw(st.lists(st.tuples(st.integers(1, 9), texts), min_size=1, max_size=3))
        own["rubric"] = [{"points": points / 2, "text": text} for points, text in rubric]
        own["points"] = sum(points / 2 for points, _ in rubric)
        own |= {"model_answer": draw(texts), "max_length": draw(st.integers(1, 5000))}
    elif kind == "code":
        tests = "### BEGIN HIDDEN TESTS\nassert f(3) == 9\n### END HIDDEN TESTS"
        own |= {"starter": "def f(n):\n    ...", "solution": "def f(n):\n    return n * n", "tests": tests}
        own["max_length"] = draw(st.integers(1, 5000))
    elif kind == "hotspot":
        near = {"circle": [10, 20.5, draw(POSITIVE) % 50 + 1], "points": own["points"] / 2}
        best = {"frames": [0, 4], "polygon": [[0, 0], [9.5, 0], [draw(st.integers(1, 9)), 7]]}
        own["regions"] = draw(st.sampled_from([[best], [best, near]]))
    else:
        own |= {"key": draw(NUMBERS), "tolerance": draw(POSITIVE), "unit": draw(texts)}
    if kind in ("ecg", "measurement", "hotspot") or (kind in ("A1", "X") and draw(st.integers(0, 4)) == 0):
        own["asset"] = TRACING if kind == "ecg" else IMAGE
    if kind == "numeric" and draw(st.integers(0, 4)) == 0:
        own["asset"] = EXPERIMENT
    if kind == "measurement":
        own |= {"measure": "length", "example": LENGTH} | ({"minimum_area": 2.5} if draw(st.booleans()) else {})
    return own


@st.composite
def banks(draw, texts=WILD):
    """A few items, groups among them."""
    kinds = draw(
        st.lists(
            st.sampled_from(["A1", "A2", "X", "numeric", "short", "ecg", "measurement", "hotspot", "code"]), max_size=4
        )
    )
    groups, found = [], []
    for place, kind in enumerate(kinds):
        found.append(draw(entries(texts, kind, f"q{place}")))
    if draw(st.booleans()):
        groups.append({"id": "case-1", "stem": draw(texts), "forward_only": draw(st.booleans())})
        found += [draw(entries(texts, kind, f"c{kind}")) | {"group": "case-1"} for kind in ("A3", "A4")]
    if draw(st.booleans()) or not found:
        options = draw(distinct(texts, 4, 8))
        groups.append({"id": "list-1", "options": dict(zip(LETTERS, options, strict=False))})
        found += [draw(entries(texts, "B1", f"b{place}")) | {"group": "list-1"} for place in range(2)]
    return parse_items(Fields({"groups": groups, "items": found}))
