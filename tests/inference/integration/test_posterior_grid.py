"""The adaptive grid against posteriors that are known."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from posterior_toys import THREE, TWO, gaussian, interference, two_modes
from profile_toys import FIXED, toy
from scipy.integrate import dblquad
from scipy.stats import gamma, norm, truncnorm

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.integration import posterior_grid as module
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.posterior.against_grid import GRID_ERROR


@pytest.mark.parametrize(
    "sigmas",
    [(0.5, 0.5), (0.05, 0.2), pytest.param((0.002, 0.01), marks=pytest.mark.slow)],
    ids=["wide", "medium", "narrow"],
)
def test_gaussian_in_a_box(sigmas):
    """Narrow: 1/1500 of the box in one coordinate; only the climb finds it."""
    means = (-3.2, 1.4)
    grid = posterior_grid(gaussian(means, sigmas), TWO)
    exact = 0.0
    for mean, sigma, (low, high) in zip(means, sigmas, [(-5.0, -2.0), (0.0, 3.0)], strict=True):
        exact += np.log((norm.cdf((high - mean) / sigma) - norm.cdf((low - mean) / sigma)) / 3.0)
    assert grid.log_evidence == pytest.approx(exact, abs=0.02)
    for name, mean, sigma, (low, high) in zip(TWO.names, means, sigmas, [(-5.0, -2.0), (0.0, 3.0)], strict=True):
        edges, probability = grid.marginal(name)
        exact_cdf = truncnorm((low - mean) / sigma, (high - mean) / sigma, mean, sigma).cdf(edges)
        assert 0.5 * np.abs(probability - np.diff(exact_cdf)).sum() < 0.01
        assert probability.sum() == pytest.approx(1.0)
    assert len(grid.modes()) == 1


def test_a_ridge_in_three_coordinates():
    """g eps measured to 10 %, M free: a sheet 1/70 of the box thick. Marginals and evidence from 1-d integrals."""
    ridge = toy(lambda g_x, mass, eps_x, values: jnp.atleast_1d(jnp.log10(-g_x * eps_x)), Gaussian([0.043]), 1)
    like = lmt.JointLikelihood([ridge], lmt.LMU_LTAU, data={"toy": np.array([-8.0])}, check=False)
    grid = posterior_grid(like, THREE)
    # 2 log10 g + log10 kappa = -8 with log10 g in (-5, -2), log10 kappa in (-3, 0): g between 10^-4 and 10^-2.5.
    # The grid makes starts and marginals; its evidence is as good as it says, and it says what the verdict accepts.
    assert abs(grid.log_evidence - np.log(1.5 / 9.0)) < grid.error < GRID_ERROR
    edges, probability = grid.marginal("log10_g_x", 15, 1.0)
    expected = np.diff(np.clip((edges + 4.0) / 1.5, 0.0, 1.0))
    assert 0.5 * np.abs(probability - expected).sum() < 0.03
    mass_edges, mass = grid.marginal("log10_mass", 12)
    np.testing.assert_allclose(mass, np.diff(mass_edges) / 3.0, atol=0.003)


def test_two_modes_and_their_weights():
    """Weights against adaptive quadrature of the Poisson likelihood as written, on both sides of the valley."""
    like = two_modes(nuisances=False)
    grid = posterior_grid(like, TWO)
    modes = grid.modes()
    assert len(modes) == 2

    counts = np.asarray(like.data["toy"])

    def density(log_mass, log_g):
        rates = np.asarray(interference(10**log_g, 10**log_mass, 0.0, {}))
        return float(np.exp(np.sum(-rates + counts * np.log(rates) + counts - counts * np.log(counts))))

    valley = np.log10(3e-4)
    below, above = (
        dblquad(density, low, high, 0.0, 3.0, epsabs=1e-7, epsrel=1e-5)[0]
        for low, high in [(-5.0, valley), (valley, -2.5)]
    )
    lower = next(mode for mode in modes if mode.peak["log10_g_x"] < valley)
    assert lower.weight == pytest.approx(below / (below + above), abs=0.01)
    assert grid.cumulative("log10_g_x", np.array([(valley + 5.0) / 3.0]))[0] == pytest.approx(
        below / (below + above), abs=0.005
    )


@pytest.fixture(scope="module")
def like():
    return two_modes()


@pytest.fixture(scope="module")
def grid(like):
    return posterior_grid(like, TWO)


def test_starts_are_dealt_out_by_weight(grid):
    weights = [mode.weight for mode in grid.modes()]
    unit, pulls = grid.starts(64, seed=1)
    labels = grid.regions()[grid.cells.locate(unit)]
    share = np.bincount(labels[labels >= 0], minlength=2) / (labels >= 0).sum()
    np.testing.assert_allclose(share, weights, atol=0.03)
    assert pulls.shape == (64, 1)
    again, _ = grid.starts(64, seed=1)
    np.testing.assert_array_equal(unit, again)


def test_proposal_is_a_normalised_density(like, grid):
    """Its density at its own draws averages 1/q to the volume that it covers, here the whole cube times the pulls."""
    proposal = grid.proposal
    unit, pulls = jax.vmap(proposal.sample)(jax.random.split(jax.random.key(0), 100000))
    log_q = np.asarray(jax.vmap(proposal.log_prob)(unit, pulls))
    volume = np.mean(np.exp(norm.logpdf(np.asarray(pulls)[:, 0]) - log_q))
    assert volume == pytest.approx(1.0, abs=0.08)


def test_room_for_more_cells_changes_no_draw(grid, monkeypatch):
    keys, found = jax.random.split(jax.random.key(1), 500), []
    for room in (module._ROOM, 1):
        monkeypatch.setattr(module, "_ROOM", room)
        proposal = dataclasses.replace(grid).proposal  # a grid that has none yet
        points = jax.vmap(proposal.sample)(keys)
        found.append((*points, jax.vmap(proposal.log_prob)(*points)))
        assert len(proposal.code) >= len(grid.cells)
    assert len(proposal.code) < 2 * len(grid.cells)
    for with_room, without in zip(*found, strict=True):
        np.testing.assert_array_equal(with_room, without)


@pytest.mark.slow
def test_unbounded_prior():
    """A Gaussian prior times a Gaussian measurement is a Gaussian."""
    prior = lmt.priors.Prior(FIXED, {"log10_g_x": dist.Normal(-3.0, 0.5), "log10_mass": dist.Normal(1.5, 0.5)})
    grid = posterior_grid(gaussian((-3.4, 1.5), (0.5, 0.5)), prior)
    edges, probability = grid.marginal("log10_g_x")
    expected = np.diff(norm(-3.2, 0.5 / np.sqrt(2.0)).cdf(edges))
    assert 0.5 * np.abs(probability - expected).sum() < 0.01
    assert grid.log_evidence == pytest.approx(
        norm.logpdf(0.4, 0, np.sqrt(0.5)) + norm.logpdf(0, 0, np.sqrt(0.5)), abs=0.01
    )


def test_bad_input():
    like = gaussian()
    with pytest.raises(lmt.errors.InvalidArgument, match="`prior` must be of the likelihood's model"):
        posterior_grid(like, THREE)
    with pytest.raises(lmt.errors.InvalidArgument, match="`tolerance`"):
        posterior_grid(like, TWO, tolerance=0.0)
    with pytest.raises(lmt.errors.InvalidArgument, match="`capacity`"):
        posterior_grid(like, TWO, capacity=100)


@pytest.mark.slow
def test_a_prior_without_quantiles_of_its_own():
    """numpyro has a cdf of Gamma's, not its inverse."""
    own = lmt.priors.Prior(FIXED, {"log10_g_x": dist.Uniform(-5.0, -2.0), "mass": dist.Gamma(2.0, 0.1)})
    unit = np.stack(np.broadcast_arrays(0.5, [0.01, 0.3, 0.5, 0.9, 0.999]), axis=-1)
    mass = Space(gaussian().joint, own).values(unit)["mass"]
    np.testing.assert_allclose(mass, gamma(2.0, scale=10.0).ppf(unit[:, 1]), rtol=1e-8)


def test_fingerprint_sees_what_matters():
    base = fingerprint(gaussian(), TWO)
    assert base == fingerprint(gaussian(), lmt.priors.default(FIXED))
    assert base != fingerprint(gaussian((-3.3, 1.4)), TWO)
    assert base != fingerprint(gaussian(sigmas=(0.05, 0.3)), TWO)
    assert base != fingerprint(gaussian(), lmt.priors.default(FIXED, g_x=(1e-6, 1e-2)))
    assert base != fingerprint(two_modes(), TWO)
