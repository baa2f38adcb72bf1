"""Evidence and limits under several priors against sums over a dense grid; limits side by side."""

import numpy as np
import numpyro.distributions as dist
import pytest
from posterior_toys import TWO
from profile_toys import FIXED, counts, toy
from scipy.special import logsumexp, xlogy

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.terms import Poisson

SEEN = np.array([6.0, 5.0, 1.0])
LINEAR = lmt.Prior(FIXED, {"g_x": dist.Uniform(0.0, 0.01), "log10_mass": dist.Uniform(0.0, 3.0)})
PRIORS = {
    "upper decade": lmt.priors.default(FIXED, g_x=(1e-3, 1e-2)),
    "default": TWO,
    "from 1e-4": lmt.priors.default(FIXED, g_x=(1e-4, 1e-2), mass=(1.0, 200.0)),
    "normal": lmt.Prior(
        FIXED,
        {"log10_g_x": dist.TruncatedNormal(-3.5, 0.4, low=-5.0, high=-2.0), "log10_mass": dist.Uniform(0.0, 3.0)},
    ),
    "linear": LINEAR,
}


@pytest.fixture(scope="module")
def like():
    return lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, {"toy": SEEN}, check=False)


@pytest.fixture(scope="module")
def found(like):
    return lmt.prior_sensitivity(like, PRIORS, "g_x", 0.90)


def by_hand(prior):
    """Ln B against no boson, and the 90 % limit, by the trapezoidal rule."""
    boxes = [prior.box[name] for name in prior.names]
    x, y = (np.linspace(low, high, n) for (low, high), n in zip(boxes, (3001, 401), strict=True))
    g = (10.0**x if prior.names[0] == "log10_g_x" else x)[:, None, None]
    shape = np.array([9.0, 6.0, 2.0]) * np.exp(-np.arange(3) * 10.0 ** y[:, None] / 100.0)
    background = np.array([3.0, 2.0, 1.0])
    rates = shape * (g / 5e-4) ** 2 + background
    log_ratio = np.sum(xlogy(SEEN, rates / background) - (rates - background), axis=-1)
    log_prior = np.asarray(prior.log_prob({prior.names[0]: x, prior.names[1]: np.full_like(x, y[200])}))
    steps = np.gradient(x)[:, None] * np.gradient(y)
    steps[[0, -1]] *= 0.5
    steps[:, [0, -1]] *= 0.5
    table = log_ratio + log_prior[:, None] + np.log(steps)
    marginal = np.exp(logsumexp(table, axis=1) - logsumexp(table))
    return logsumexp(table), np.interp(0.90, np.cumsum(marginal) - 0.5 * marginal, g.ravel())


@pytest.mark.slow
@pytest.mark.parametrize("name", PRIORS)
def test_against_sums(found, name):
    log_b, limit = by_hand(PRIORS[name])
    row = found.table.sel(prior=name)
    assert abs(row["log_bayes_factor"].item() - log_b) < row["log_bayes_factor_error"].item() + 2e-4
    assert row["log_bayes_factor_error"].item() < 0.05
    assert row["limit"].item() == pytest.approx(limit, rel=2e-3)
    assert abs(row["limit"].item() - limit) < row["limit_error"].item() + 2e-3 * limit
    assert row["text"].item() == repr(PRIORS[name])


@pytest.mark.slow
def test_only_what_must_be_is_integrated(found):
    origin = dict(
        zip(found.table["prior"].values.tolist(), found.table["reweighted_from"].values.tolist(), strict=True)
    )
    assert origin == {name: "linear" if name == "linear" else "default" for name in PRIORS} or (
        origin["upper decade"] == "upper decade"  # little posterior there: its cells may be too wide
        and origin["from 1e-4"] == origin["normal"] == origin["default"] == "default"
    )
    words = str(found)
    assert "cells of 'default'" in words
    assert "a run of its own" in words
    assert repr(LINEAR) in words
    assert found.evidences["no boson"].log_z == found.table.attrs["log_z_no_boson"]


@pytest.mark.slow
def test_limits_side_by_side(like, found):
    masses = [3.0, 30.0, 300.0]
    profile = lmt.profile_likelihood(like, {"mass": masses, "g_x": np.geomspace(1e-5, 1e-2, 31)})
    both = lmt.limits_table(profile, lmt.posterior_grid(like, TWO), "g_x", 0.90)
    np.testing.assert_allclose(
        both.table["limit"].sel(statistics="frequentist"), lmt.upper_limit(profile, "g_x", 0.90)["limit"]
    )
    by_cubature = lmt.credible_limit(found.evidences["default"], "g_x", 0.90, at={"mass": masses})
    np.testing.assert_allclose(both.table["limit"].sel(statistics="credible"), by_cubature["limit"], rtol=0.01)
    assert by_cubature.attrs["error_kind"] == "bound"
    words = str(both).splitlines()
    assert len(words) == 2 + len(masses) + 2
    assert words[-1] == repr(TWO)


def test_a_table_is_of_one_likelihood(like):
    grid, both = lmt.posterior_grid(like, TWO), {"mass": [3.0, 30.0], "g_x": [1e-4, 1e-3, 1e-2]}
    profile = lmt.profile_likelihood(like, both)
    with pytest.raises(InvalidArgument, match="`posterior` must be of the profile's model, Lmu with mixing"):
        lmt.limits_table(profile.assign_attrs(model="Lmu"), grid)
    with pytest.raises(InvalidArgument, match="with 1 nuisances; got one with 0"):
        lmt.limits_table(profile.assign_coords(nuisance=["level"]), grid)


def test_bad_input(like):
    with pytest.raises(InvalidArgument, match="`priors` must be a mapping of at least one name"):
        lmt.prior_sensitivity(like, {})
    with pytest.raises(InvalidArgument, match="must be inside the prior, 1 to 200"):
        lmt.prior_sensitivity(like, PRIORS, at={"mass": [500.0]})
    with pytest.raises(InvalidArgument, match="must be one of 'g_x', 'mass'; got 'kappa'"):
        lmt.prior_sensitivity(like, PRIORS, "kappa")
