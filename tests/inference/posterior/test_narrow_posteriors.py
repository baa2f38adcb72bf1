"""sample_posterior where the posterior is a needle in the prior, or far out in its tail: trusted, and right.

The reference is a sum over log10 g, log10 M and the pull by Simpson's rule that knows nothing of this package but the
experiment's counts, which go with g^2 and with the form factor (checked where it is used).
"""

import math
from typing import NamedTuple

import numpy as np
import numpyro.distributions as dist
import pytest
from scipy import integrate, stats

import lmtbayes as lmt

MODEL = lmt.LMU_LTAU.with_mixing("paper")
MASS = dist.Uniform(0.0, 3.0)
FORM_FACTOR = 1.04
"""Median 1, a factor of so much up or down at one standard deviation."""


class Case(NamedTuple):
    muons: float
    distribution: dist.Distribution
    log_prior: stats.rv_continuous
    window: tuple[tuple[float, float], tuple[float, float]]
    """Of log10 g and log10 M."""


CASES = {
    "ten thousand times the muons": Case(
        1e4, dist.Uniform(-5.0, -2.0), stats.uniform(-5.0, 3.0), ((-3.05, -2.95), (1.995, 2.005))
    ),
    "prior fifteen widths below": Case(1.0, dist.Normal(-4.5, 0.1), stats.norm(-4.5, 0.1), ((-3.5, -2.6), (0.0, 3.0))),
    "Laplace": Case(1.0, dist.Laplace(-4.0, 0.1), stats.laplace(-4.0, 0.1), ((-3.4, -2.4), (0.0, 3.0))),
}
EACH = [
    pytest.param(name, marks=pytest.mark.slow if name.startswith("ten thousand") else pytest.mark.nightly)
    for name in CASES
]
"""One of them in CI; a fit in its own reshaped coordinates compiles anew, a minute or two."""


def experiment(muons):
    nominal = lmt.experiment("na64mu").setup.muons_on_target
    return lmt.experiment("na64mu", muons_on_target=muons * nominal)


def by_sums(case):
    """Mean and standard deviation of log10 g and log10 M, and ln Z."""
    source, photon = experiment(case.muons), lmt.BENCHMARKS["BP4"]
    x, y = (np.linspace(*edges, number) for edges, number in zip(case.window, (401, 401), strict=True))
    z = np.linspace(-6.0, 6.0, 49)

    def counts(g_x, log10_mass, pull=0.0):
        factor = np.full(np.shape(log10_mass), FORM_FACTOR**pull)
        return np.asarray(
            source.expected_counts(MODEL, MODEL.hidden_photon(g_x, 10.0**log10_mass), {"form_factor_lead": factor})
        )

    at = counts(np.full(y.size, 1e-3), y)
    np.testing.assert_allclose(counts(np.full(y.size, 4e-4), y, 1.3), 0.16 * FORM_FACTOR**1.3 * at, rtol=1e-5)
    n = counts(np.array([photon.g_x]), np.log10([photon.mass]))[0]
    log_scale = 2.0 * math.log(10.0) * (x[:, None] + 3.0) + math.log(FORM_FACTOR) * z
    log_p = (
        (n * np.log(at)).sum(1)[:, None]
        + n.sum() * log_scale[:, None]
        - at.sum(1)[:, None] * np.exp(log_scale[:, None])
    )
    log_p = log_p + stats.norm.logpdf(z) + case.log_prior.logpdf(x)[:, None, None]
    top = log_p.max()
    p = integrate.simpson(np.exp(log_p - top), x=z, axis=2)
    total = integrate.simpson(integrate.simpson(p, x=y), x=x)
    moments = {}
    for name, grid, marginal in (
        ("log10_g_x", x, integrate.simpson(p, x=y) / total),
        ("log10_mass", y, integrate.simpson(p, x=x, axis=0) / total),
    ):
        mean = integrate.simpson(grid * marginal, x=grid)
        moments[name] = mean, math.sqrt(integrate.simpson((grid - mean) ** 2 * marginal, x=grid))
    constant = -sum(math.lgamma(k + 1.0) for k in n) - math.log(3.0)
    return moments, math.log(total) + top + constant


@pytest.mark.parametrize("name", EACH)
def test_posterior_is_trusted_and_right(name):
    case = CASES[name]
    like = lmt.JointLikelihood([experiment(case.muons)], MODEL, lmt.asimov(MODEL, lmt.BENCHMARKS["BP4"]))
    prior = lmt.priors.Prior(MODEL, {"log10_g_x": case.distribution, "log10_mass": MASS})
    moments, log_z = by_sums(case)
    drawn = lmt.sample_posterior(like, prior, chains=8, warmup=200, draws=250, progress=False)
    assert drawn.attrs["passed"], drawn.attrs["verdict"]
    for variable, (mean, deviation) in moments.items():
        draws = drawn["posterior"][variable].values
        # At least 400 effective draws: the mean to 0.05 of the width, the width to 4 %; four times that.
        assert abs(draws.mean() - mean) < 0.2 * deviation
        assert draws.std() == pytest.approx(deviation, rel=0.15)
    for method in ("cubature", "importance"):
        found = lmt.evidence(like, prior, method)
        assert found.converged, found.status
        assert abs(found.log_z - log_z) < (1.0 if method == "cubature" else 4.0) * found.log_z_error
        assert found.mean("log10_g_x") == pytest.approx(moments["log10_g_x"][0], abs=0.05 * moments["log10_g_x"][1])


@pytest.mark.nightly
@pytest.mark.parametrize("name", CASES)
def test_smc_is_right_within_its_error(name):
    case = CASES[name]
    like = lmt.JointLikelihood([experiment(case.muons)], MODEL, lmt.asimov(MODEL, lmt.BENCHMARKS["BP4"]))
    prior = lmt.priors.Prior(MODEL, {"log10_g_x": case.distribution, "log10_mass": MASS})
    found = lmt.evidence(like, prior, lmt.methods.Smc(particles=300, steps=10, replicas=6))
    # A sampler that says it did not converge may be wrong.
    assert not found.converged or abs(found.log_z - by_sums(case)[1]) < 4.0 * found.log_z_error
