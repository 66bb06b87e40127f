"""The pure modules of the exam room's scripts, run by Node."""

import json
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import exams
from exams.response import canonical
from tests.support.properties import examples

ROOM = Path(exams.__file__).parent / "room"
NODE = Path(sys.prefix) / "bin" / "node"


def node(module: str, expression: str, *values):
    """What `expression` over `values` gives, with `module` imported as `m`."""
    script = f"""
      const m = await import({json.dumps((ROOM / module).as_uri())});
      const values = {json.dumps(values)};
      console.log(JSON.stringify(({expression})(...values)));
    """
    done = subprocess.run([NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


KEPT = st.lists(st.tuples(st.integers(1, 30), st.sampled_from("abc")), unique_by=lambda pair: pair[0], max_size=6)


@st.composite
def cases(draw):
    """What a browser kept, the server's latest to each item, and its highest sequence."""
    pending = [{"sequence": number, "item": item} for number, item in sorted(draw(KEPT))]
    latest = [
        {"sequence": number, "item": item} for item, number in {item: number for number, item in draw(KEPT)}.items()
    ]
    maximum = max([response["sequence"] for response in latest], default=0) + draw(st.integers(0, 3))
    return [pending, latest, maximum]


@examples(5)
@given(many=st.lists(cases(), min_size=30, max_size=30))
def test_what_a_browser_kept_is_sent_unless_the_server_has_later(many):
    results = node("reconcile.js", "(many) => many.map((one) => m.reconcile(...one))", many)
    for (pending, latest, maximum), result in zip(many, results, strict=True):
        held = {response["item"]: response["sequence"] for response in latest}
        worth = [response for response in pending if response["sequence"] > held.get(response["item"], 0)]
        assert [response["item"] for response in result] == [response["item"] for response in worth]
        sequences = [response["sequence"] for response in result]
        assert sequences == sorted(set(sequences))
        assert all(sequence > maximum for sequence in sequences)
        # what was numbered above all that the server has keeps its number: sending it again is then no second response
        if all(response["sequence"] > maximum for response in worth):
            assert result == worth


def test_what_a_browser_kept_to_a_closed_question_stays_out_and_is_told():
    pending = [{"sequence": 5, "item": "a"}, {"sequence": 6, "item": "b"}]
    latest = [{"sequence": 2, "item": "a"}, {"sequence": 4, "item": "a#passed"}]
    assert node("reconcile.js", "m.reconcile", pending, latest, 4) == [{"sequence": 6, "item": "b"}]
    assert node("reconcile.js", "m.late", pending, latest) == [{"sequence": 5, "item": "a"}]
    # going on that was kept with the answer before it is sent with it
    own = [{"sequence": 5, "item": "a"}, {"sequence": 6, "item": "a#passed"}]
    assert node("reconcile.js", "m.reconcile", own, [], 4) == own


def test_which_questions_opening_one_closes():
    items = [{"id": name, "group": name[0], "forward_only": name[0] == "f"} for name in ("f1", "f2", "f3", "g1", "g2")]
    script = """(items, index, held) => {
      held = new Map(held.map((name) => [name, {}]));
      return [m.closing(items, index, held).map(({ id }) => id), m.warned(items, index, held)];
    }"""
    assert node("forward.js", script, items, 0, []) == [[], False]
    assert node("forward.js", script, items, 2, []) == [["f1", "f2"], False]
    assert node("forward.js", script, items, 2, ["f1#passed"]) == [["f2"], True]
    assert node("forward.js", script, items, 4, []) == [[], False]


@examples(5)
@given(many=st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=20, max_size=40))
def test_characters_and_bytes_are_counted_as_on_the_server(many):
    counted = node("characters.js", "(many) => many.map((one) => [m.characters(one), m.bytes(one)])", many)
    assert counted == [[len(one), len(canonical(one))] for one in many]


def test_countdown_reads_as_on_a_clock():
    shown = node("clock.js", "(many) => many.map(m.countdown)", [5_400_000, 65_000, 60_000, 59_001, 1, 0, -5000])
    assert shown == ["1:30:00", "1:05", "1:00", "1:00", "0:01", "0:00", "0:00"]


def test_the_clock_is_the_servers_whatever_the_machine_says():
    script = """(server) => {
      let ticks = 1000;
      const clock = new m.Clock(() => ticks);
      clock.observe(900, 1100, server);          // the reply took 200 ms, so the server's word is 100 ms old
      const first = clock.now();
      ticks += 5000;
      clock.observe(5400, 6000, server + 4000);  // a slower reply says less about the time
      const second = clock.now();
      ticks += 100;                              // the machine slept for an hour
      clock.observe(6090, 6100, server + 3600000);
      return [first - server, second - server, clock.now() - server];
    }"""
    assert node("clock.js", script, 1_800_000_000_000) == [0, 5000, 3_600_005]
