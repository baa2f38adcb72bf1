"""NUTS against dense sums over real likelihoods: with the nuisance by hand, at the benchmarks; the mode ESS10 hides."""

import jax
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.methods import Nuts

MODEL = lmt.LMU_LTAU.with_mixing("paper")
PRIOR = lmt.priors.default(MODEL)


def distance(tree, name, edges, expected):
    return distance_of(tree["posterior"][name].values.ravel(), edges, expected)


def distance_of(draws, edges, expected):
    """Total variation."""
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


def by_sums(like, edges, cells):
    """Posterior of (log10 g_x, log10 M, pull) at the centres of equal cells: no approximation but the sum."""
    axes = [low + (high - low) * (np.arange(n) + 0.5) / n for (low, high), n in zip(edges, cells, strict=True)]
    g_x, mass, pull = (x.ravel() for x in np.meshgrid(*axes, indexing="ij"))
    photons = MODEL.hidden_photon(10.0**g_x, 10.0**mass)
    density = jax.jit(lambda points: jax.lax.map(lambda point: like.log_density(*point), points, batch_size=4096))
    log_p = np.asarray(density((photons, pull[:, None])))
    weights = np.exp(log_p - log_p.max())
    return axes, (weights / weights.sum()).reshape(cells)


@pytest.mark.slow
def test_chains_equal_a_sum_over_boson_and_nuisance():
    """NA64mu and g-2 at BP3: a ridge down to the lightest masses, and lead's form factor."""
    data = lmt.asimov(MODEL, lmt.BENCHMARKS["BP3"], published="asimov")
    like = lmt.JointLikelihood(["na64mu", "muon-g2-2021"], MODEL, data)
    assert like.joint.nuisance_names == ("form_factor_lead",)
    edges = [(-3.45, -2.95), (0.0, 2.3), (-5.0, 5.0)]  # masses from the prior's lower edge on
    axes, weights = by_sums(like, edges, (100, 64, 16))
    # Nothing is cut off, and half of the cells along each axis would do.
    assert max(*weights[[0, -1]].sum((1, 2)), weights[:, -1].sum(), *weights[..., [0, -1]].sum((0, 1))) < 1e-4
    coarse = weights.reshape(50, 2, 32, 2, 8, 2)[:, 0, :, 1, :, 0]

    tree = sample_posterior(like, PRIOR, 1, method=Nuts(chains=8, warmup=200, draws=400), progress=False)
    assert tree.attrs["passed"], tree.attrs["verdict"]
    effective = diagnose(tree)["bulk ESS"].value  # of the worst variable
    assert effective > 1000.0
    names = (*PRIOR.names, "form_factor_lead")
    drawn = [
        *(tree["posterior"][name] for name in PRIOR.names),
        tree["unconstrained_posterior"]["form_factor_lead_pull"],
    ]
    for axis, (name, draws, (low, high)) in enumerate(zip(names, drawn, edges, strict=True)):
        others = tuple(k for k in range(3) if k != axis)
        marginal, x, draws = weights.sum(others), axes[axis], draws.values.ravel()
        mean = marginal @ x
        deviation = np.sqrt(marginal @ (x - mean) ** 2)
        sparse = coarse.sum(others) / coarse.sum()
        assert sparse @ x[int(axis == 1) :: 2] == pytest.approx(mean, abs=0.05 * deviation)
        assert abs(draws.mean() - mean) < 4.0 * deviation / np.sqrt(effective), name
        below, ends = np.append(0.0, np.cumsum(marginal)), np.linspace(low, high, len(x) + 1)
        for p in (0.16, 0.5, 0.84):
            found = np.interp(np.quantile(draws, p), ends, below)
            assert abs(found - p) < 4.0 * np.sqrt(p * (1.0 - p) / effective), (name, p)
        # 20 bins of equal probability; half the sum of the means of |binomial fluctuation|.
        bins = np.interp(np.linspace(0.0, 1.0, 21), below, ends)
        bins[0], bins[-1] = -np.inf, np.inf
        noise = 10.0 * np.sqrt(2.0 / np.pi * 0.05 * 0.95 / effective)
        assert distance_of(draws, bins, np.full(20, 0.05)) < 1.6 * noise, name


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
