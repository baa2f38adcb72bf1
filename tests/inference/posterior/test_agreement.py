"""NUTS against a dense integration of the real joint likelihood, at the four benchmarks; the mode ESS10 alone hides."""

import jax
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.posterior.sample import sample_posterior

MODEL = lmt.LMU_LTAU.with_mixing("paper")
PRIOR = lmt.priors.default(MODEL)


def distance(tree, name, edges, expected):
    draws = tree["posterior"][name].values.ravel()
    return 0.5 * np.abs(np.histogram(draws, edges)[0] / draws.size - expected).sum()


def dense(like, prior, cells):
    """Likelihood integrated over the pulls on a uniform grid: normalised weights."""
    space = Space(like.joint, prior)
    axis = (np.arange(cells) + 0.5) / cells
    unit = np.stack(np.meshgrid(*[axis] * space.dimensions, indexing="ij"), -1).reshape(-1, space.dimensions)
    photons = jax.jit(jax.vmap(space.photon))(unit)
    values = lmt.log_likelihood_at(like, photons, nuisances="marginalised")
    weights = np.exp(values - values.max())
    return (weights / weights.sum()).reshape((cells,) * space.dimensions)


@pytest.mark.nightly
def test_marginals_at_the_benchmarks():
    """20 bins of 144 cells each; 24000 draws: noise of a total variation is about 0.012."""
    experiments = ["na64mu", "ess", "ess10", lmt.experiment("darwin-nr", threshold_kev=1.0, nuisances=())]
    first = lmt.JointLikelihood(experiments, MODEL, data=lmt.asimov(MODEL, lmt.BENCHMARKS["BP1"]))
    # Zoom: a uniform grid of the whole box would be too coarse for these posteriors.
    for name, photon in lmt.BENCHMARKS.items():
        like = first.with_data(lmt.asimov(MODEL, photon))
        tree = sample_posterior(like, PRIOR, seed=1, chains=32, draws=750, progress=False)
        assert tree.attrs["passed"], f"{name}: {tree.attrs['verdict']}"
        low = {k: float(tree["posterior"][k].min()) for k in PRIOR.names}
        high = {k: float(tree["posterior"][k].max()) for k in PRIOR.names}
        ranges = {
            k: (10 ** max(low[k] - 0.05, PRIOR.box[k][0]), 10 ** min(high[k] + 0.05, PRIOR.box[k][1])) for k in low
        }
        narrow = lmt.priors.default(MODEL, g_x=ranges["log10_g_x"], mass=ranges["log10_mass"])
        weights = dense(like, narrow, 80)
        for axis, coordinate in enumerate(PRIOR.names):
            edges = np.linspace(*narrow.box[coordinate], 21)
            expected = weights.sum(1 - axis).reshape(20, 4).sum(1)
            assert distance(tree, coordinate, edges, expected) < 0.03, (name, coordinate)


@pytest.mark.nightly
def test_ess10_alone_at_low_mass_has_two_modes():
    """At 1 MeV the rate is SM-like again near g = 4e-4 (contact limit g/M = 6.7e-5 per MeV is 40Ar's)."""
    truth = lmt.HiddenPhoton(1e-6, 1.0, -1e-6 / 70.0)
    like = lmt.JointLikelihood(["ess10"], MODEL, data=lmt.asimov(MODEL, truth))
    prior = lmt.priors.default(MODEL, g_x=(1e-5, 1e-2), mass=(1.0, 10.0))
    tree = sample_posterior(like, prior, seed=0, chains=32, draws=500, progress=False)
    assert tree.attrs["passed"], tree.attrs["verdict"]
    assert tree["grid"].sizes["mode"] >= 2
    weights = dense(like, prior, 240)
    for axis, coordinate in enumerate(prior.names):
        edges = np.linspace(*prior.box[coordinate], 25)
        expected = weights.sum(1 - axis).reshape(24, 10).sum(1)
        assert distance(tree, coordinate, edges, expected) < 0.03, coordinate
