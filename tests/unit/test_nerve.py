"""The squid axon against its paper, against itself in finer steps, and by the rules that every axon keeps.

Golden values: A. L. Hodgkin, A. F. Huxley, J. Physiol. 117 (1952) 500-544, with its page; and the resting gates, the
shock's threshold and the velocity that these equations give with Cm 1, gNa 120, gK 36, gL 0.3 and 115/-12/10.613 mV.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.models import nerve
from courses.models.nerve import Bath, Stimulus
from tests.support.narrowing import present
from tests.support.properties import examples

STANDARD = Bath()
baths = st.builds(
    Bath,
    celsius=st.floats(4.3, 18.5).map(lambda value: round(value, 1)),
    sodium=st.integers(300, 500),
    potassium=st.integers(10, 25),
)


def test_the_gates_at_rest():
    m, h, n = (float(aim[0]) for aim, _speed in nerve.gates(np.array([0.0])))
    assert (round(m, 4), round(h, 4), round(n, 4)) == (0.0529, 0.5961, 0.3177)


@pytest.mark.parametrize(("v", "gate", "expected"), [(25.0, 0, 1.0), (10.0, 2, 0.1)])
def test_the_opening_rates_are_continuous_where_their_formula_divides_zero_by_zero(v, gate, expected):
    # equations 20 and 12: the limit of 0.1 x / (exp(x / 10) - 1) for x -> 0 is 1, that of 0.01 x / ... is 0.1
    near = np.array([v - 1e-4, v - 1e-9, v, v + 1e-9, v + 1e-4])
    aim, speed = nerve.gates(near)[gate]
    opening = aim * speed
    assert opening[2] == pytest.approx(expected, rel=1e-12)
    assert np.ptp(opening) < 1e-4


@given(st.floats(-99, 250))
def test_gates_are_fractions(v):
    for aim, speed in nerve.gates(np.array([v])):
        assert 0 <= aim[0] <= 1
        assert speed[0] > 0


def test_no_current_flows_at_rest():
    m, h, n = (aim for aim, _speed in nerve.gates(np.array([0.0])))
    # p. 520: EL was chosen so that the ionic current is zero at rest
    assert abs(float(nerve.ionic_current(np.array([0.0]), m, h, n, STANDARD)[0])) < 0.01
    assert nerve.resting_potential(STANDARD) == pytest.approx(0.0, abs=0.02)


def test_an_axon_left_alone_stays_at_rest():
    for bath in (STANDARD, Bath(celsius=18.5), Bath(potassium=10)):
        response = nerve.simulate([0.0] * 1500, bath)
        assert response.spikes == 0
        assert np.ptp(response.v) < 0.1


def test_the_threshold_of_a_shock():
    # p. 525: between 6 and 7 mV; 6.5 mV with this EL
    assert nerve.threshold_shift(STANDARD) == pytest.approx(6.5, abs=0.1)


def test_the_conduction_velocity():
    # p. 528: 18.8 m/s computed by hand, 21.2 m/s measured; 18.7 m/s by machine with the same constants
    assert nerve.conduction_velocity(18.5) == pytest.approx(18.7, abs=0.15)


def test_conduction_is_faster_in_the_warm():
    assert nerve.conduction_velocity(6.3) < nerve.conduction_velocity(12.0) < nerve.conduction_velocity(18.5)


@pytest.mark.parametrize("stimulus", [Stimulus(20, 0.5), Stimulus(60, 0.2), Stimulus(10, 10), Stimulus(8, 0.5)])
@pytest.mark.parametrize("bath", [STANDARD, Bath(celsius=22.3), Bath(sodium=220)])
def test_steps_are_short_enough(stimulus, bath):
    """What STEP_MS promises: the same peak as with a tenth of the step, to 1 % of it."""
    fine = nerve.STEP_MS / 10
    times = np.arange(round(20 / fine)) * fine
    exact = nerve.simulate(stimulus.current(times).tolist(), bath, step=fine)
    coarse = nerve.respond(stimulus, bath, 20.0)
    assert coarse.amplitude == pytest.approx(exact.amplitude, rel=0.01)
    assert coarse.spikes == exact.spikes


def test_all_or_none():
    threshold = present(nerve.threshold(0.5, STANDARD))
    above = [nerve.respond(Stimulus(threshold * factor, 0.5), STANDARD).amplitude for factor in (1.02, 1.5, 3.0)]
    below = [nerve.respond(Stimulus(threshold * factor, 0.5), STANDARD) for factor in (0.5, 0.9, 0.98)]
    assert min(above) > 0.85 * max(above)
    assert [response.spikes for response in below] == [0, 0, 0]
    assert max(response.amplitude for response in below) < 0.3 * min(above)
    # pp. 524-526: about 100 mV high whatever the shock
    assert 85 < min(above) < max(above) < 115


@given(baths, st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0, 5.0]))
@examples(15)
def test_a_shorter_pulse_must_be_stronger(bath, duration):
    short, long = present(nerve.threshold(duration, bath)), present(nerve.threshold(2 * duration, bath))
    assert short >= long - 0.03  # twice the precision of a threshold, rounded up
    assert short * duration <= long * 2 * duration + 0.06  # and never carries more charge


@given(baths)
@examples(8)
def test_the_threshold_divides_what_excites_from_what_does_not(bath):
    threshold = present(nerve.threshold(0.5, bath))
    assert nerve.respond(Stimulus(threshold + 0.1, 0.5), bath).spikes == 1
    assert nerve.respond(Stimulus(threshold - 0.1, 0.5), bath).spikes == 0


def test_rheobase_and_chronaxie_are_read_off_the_same_curve():
    base, chronaxie = present(nerve.rheobase(STANDARD)), present(nerve.chronaxie(STANDARD))
    assert base == nerve.threshold(nerve.LONG_PULSE_MS, STANDARD)
    assert nerve.threshold(chronaxie, STANDARD) == pytest.approx(2 * base, rel=0.01)


def test_after_a_spike_comes_a_time_in_which_only_more_helps():
    periods = [present(nerve.refractory_period(strength, 0.5, STANDARD)) for strength in (20.0, 27.0, 40.0, 80.0)]
    assert periods == sorted(periods, reverse=True)
    assert periods[0] > periods[-1] > 1.0
    assert nerve.refractory_period(5.0, 0.5, STANDARD) is None  # not even the first excites


def test_recovery_is_faster_in_the_warm():
    # p. 522 and 532: rates rise threefold in ten degrees
    warm, cold = (present(nerve.refractory_period(40.0, 0.5, bath)) for bath in (Bath(16.3), STANDARD))
    assert warm < cold / 2
    assert Bath(16.3).rate == pytest.approx(3.0)


def test_much_potassium_outside_blocks():
    bath = Bath(potassium=60)
    assert nerve.resting_potential(bath) > 15
    assert nerve.threshold(0.5, bath) is None
    assert nerve.rheobase(bath) is None
    assert nerve.chronaxie(bath) is None


def test_equilibrium_potentials_follow_nernst():
    # 58.2 mV a tenfold change at 20 C and 55.45 at 6.3 C: 2.3026 R T / F
    assert Bath(celsius=20, potassium=200).e_k - Bath(celsius=20).e_k == pytest.approx(58.17, abs=0.01)
    assert Bath(sodium=44).e_na - STANDARD.e_na == pytest.approx(-55.45, abs=0.01)
    assert STANDARD.e_na - Bath(sodium=220).e_na == pytest.approx(math.log(2) * 24.08, abs=0.01)
    assert (STANDARD.e_na, STANDARD.e_k) == (115.0, -12.0)


@given(st.integers(5, 50), st.floats(4.3, 22.3))
@examples(20)
def test_potassium_depolarises(potassium, celsius):
    less, more = Bath(celsius, potassium=potassium), Bath(celsius, potassium=potassium + 5)
    assert nerve.resting_potential(less) < nerve.resting_potential(more)


def test_less_sodium_lowers_the_spike_and_leaves_rest():
    low, normal = Bath(sodium=220), STANDARD
    heights = [nerve.respond(Stimulus(30, 0.5), bath).amplitude for bath in (low, normal)]
    assert heights[1] - heights[0] > 10
    assert abs(nerve.resting_potential(low) - nerve.resting_potential(normal)) < 1


def test_the_peak_never_passes_sodiums_equilibrium():
    for sodium in (220, 440, 500):
        bath = Bath(sodium=sodium)
        assert nerve.respond(Stimulus(30, 0.5), bath).v.max() < bath.e_na


def test_a_stimulus_is_one_pulse_or_two():
    times = np.arange(1000, dtype=np.float64) * 0.02
    one, two = Stimulus(7, 0.5).current(times), Stimulus(7, 0.5, 5.0).current(times)
    assert one.sum() * 0.02 == pytest.approx(7 * 0.5)
    assert two.sum() * 0.02 == pytest.approx(2 * 7 * 0.5)
    assert times[np.flatnonzero(one)[0]] == pytest.approx(2.0)
    assert times[np.flatnonzero(two)[-1]] == pytest.approx(7.5, abs=0.03)


@given(st.sampled_from([0.1, 0.2, 0.5, 1.0, 2.0]), st.integers(25, 250), st.integers(0, 50))
def test_a_pulse_keeps_its_charge_wherever_it_falls(duration, tenths, onset):
    times = np.arange(1500, dtype=np.float64) * nerve.STEP_MS
    current = Stimulus(10, duration, tenths / 10, onset / 50).current(times)
    assert current.sum() * nerve.STEP_MS == pytest.approx(2 * 10 * duration)


def test_a_long_current_gives_a_train():
    # p. 528 ff.: a constant current above the rheobase makes the axon fire again and again
    response = nerve.respond(Stimulus(20, 60), STANDARD, 60.0)
    assert response.spikes >= 3


def test_a_stimulus_beyond_the_model_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="drives the membrane"):
        nerve.respond(Stimulus(1e5, 5), STANDARD)


@given(st.floats(0.5, 99), st.floats(0.01, 1))
def test_lowest_finds_the_edge(edge, precision):
    found = nerve.lowest(lambda value: value >= edge, 0, 100, precision)
    assert edge <= found <= edge + precision
    assert nerve.lowest(lambda _value: False, 0, 100, precision) is None
