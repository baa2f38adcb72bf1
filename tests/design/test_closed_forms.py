"""Evidences, their distribution and information of a linear Gaussian design against what stands on paper."""

import numpy as np
import pytest
from linear import MEAN, MODEL, SLOPE, WIDTH, S, V, linear, log_bayes_factor, plan
from scipy.stats import norm

import lmtbayes as lmt
from lmtbayes.design import quantities
from lmtbayes.design.gradients import smoothed


@pytest.fixture(scope="module")
def engine():
    return lmt.design.Engine(plan(), size=600, seed=3, nodes=800)


def test_every_evidence_is_the_closed_one(engine):
    setting = engine.setting()
    for truth in ("boson", "nothing"):
        data = engine.data(setting, engine.drawn[truth])
        (boson, error, _), (none, _, _) = (engine.log_evidences(setting, name, data) for name in ("boson", "none"))
        np.testing.assert_allclose(none, norm.logpdf(data[:, 0], 0.0, V**0.5), rtol=1e-9)
        pull = (boson - norm.logpdf(data[:, 0], SLOPE * MEAN, S**0.5)) / error
        near = np.abs(data[:, 0] - SLOPE * MEAN) < 3.0 * S**0.5  # where pilots have been
        # Nodes are common to data sets, whose errors then are not independent.
        assert near.sum() == 0 or np.sqrt(np.mean(pull[near] ** 2)) < 2.0


def test_the_distribution_of_the_bayes_factor(engine):
    found = lmt.design.expect(engine, threshold=50.0)
    # Under the belief d ~ N(a m, S).
    mean, spread = SLOPE * MEAN, S**0.5
    expected = -0.5 * np.log(S / V) - 0.5 + 0.5 * (S + mean**2) / V
    value, error = found.log_bayes_factor("boson", "boson", "none")
    assert abs(value - expected) < 4.0 * error
    # ln B > t beyond the upper root of a parabola in d; the lower one is out of reach.
    grid = np.linspace(mean - 10 * spread, mean + 10 * spread, 200_001)
    passing = np.trapezoid(norm.pdf(grid, mean, spread) * (log_bayes_factor(grid) > 50.0), grid)
    value, error = found.assurance("boson")
    assert 0.05 < passing < 0.95
    assert abs(value - passing) < 4.0 * error
    assert found.misleads("nothing").value == 0.0


def test_information_is_half_the_logarithm_of_the_determinant(engine):
    found = lmt.design.information_gain(engine, "boson")
    exact = 0.5 * np.log(S / V)
    assert found.laplace.value == pytest.approx(exact, rel=0.05)  # the covariance is that of 4000 draws
    assert abs(found.nested.value - exact) < 4.0 * found.nested.error
    assert abs(found.divergence.value - exact) < 4.0 * found.divergence.error + 0.01
    # With the offset known, more is learnt.
    known = lmt.design.information_gain(engine, "boson", {"known.offset": 0.01})
    assert known.laplace.value == pytest.approx(0.5 * np.log1p((SLOPE * WIDTH) ** 2 / (0.16 + 1e-4)), rel=0.05)
    assert abs(known.nested.value - known.laplace.value) < 4.0 * known.nested.error + 0.03


def test_width_is_that_of_the_posterior(engine):
    found = lmt.design.expect(engine)
    width, error = found.widths["boson"]["boson"]["log10_g_x"]
    sigma = (1.0 / (1.0 / WIDTH**2 + SLOPE**2 / V)) ** 0.5
    assert width == pytest.approx(2.0 * sigma / (MEAN * np.log(10.0)), abs=4.0 * error + 0.003)


def test_probabilities_have_errors_where_nothing_passed():
    assert quantities.probability(np.zeros(98, dtype=bool)) == (0.0, pytest.approx(0.0099, rel=0.01))
    shares = np.full((1000, 1), 1e-3)
    assert quantities.widths(np.linspace(0.0, 1.0, 1000), shares)[0] == pytest.approx(0.6827, abs=2e-3)


def test_slopes_are_those_of_the_closed_form(engine):
    goal = lmt.design.Goal("boson", "log_bayes_factor")
    found = lmt.design.gradient(engine, ["known.offset"], goal)
    # E ln B = -ln(S/v)/2 - 1/2 + (S + a^2 m^2)/2v; S and v move together with the offset's variance.
    expected = (0.5 * (1 / V - 1 / S) + 0.5 / V - 0.5 * (S + (SLOPE * MEAN) ** 2) / V**2) * 2 * 0.3
    slope, error = found.slopes["known.offset"]
    assert abs(slope - expected) < 4.0 * error
    up, down = (np.mean(smoothed(engine, ["known.offset"], goal, {"known.offset": 0.3 + h})[0]) for h in (1e-4, -1e-4))
    difference = (up - down) / 2e-4
    assert difference == pytest.approx(slope, rel=1e-4)


def test_a_variable_that_there_is_not():
    own = plan(lmt.design.Option(linear(name="other")))
    with pytest.raises(lmt.errors.UnknownName, match=r"unknown design variable of 'other' 'slope'"):
        own.value("other.slope")
    with pytest.raises(lmt.errors.UnknownName, match=r"unknown nuisance to be known better 'offsets' \(did you mean"):
        own.value("known.offsets")
    assert own.models["boson"].model == MODEL
