"""Walks from draws of a proposal: they find what it leaves out, and nothing where it covers the posterior."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from posterior_toys import TWO, gaussian, two_modes

import lmtbayes as lmt
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.integration.walks import OUTSIDE, part_outside, resampled
from lmtbayes.inference.integration.weighing import defended, weighing
from lmtbayes.inference.posterior import sample
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.methods import Auto, Independence

DEVICES = resolve_devices(None)[:1]
DRAWS = 4000


@pytest.fixture(scope="module")
def modes():
    return two_modes()


@pytest.fixture(scope="module")
def normal():
    return gaussian((-3.2, 1.4), (0.05, 0.2))


def narrowed(proposal, keep):
    """The proposal, but for the cells of which `keep(low)` is false: they get a billionth of their density."""
    kept = np.asarray(keep(np.asarray(proposal.low)))
    log_density = np.asarray(proposal.log_density) - np.where(kept, 0.0, np.log(1e9))
    mass = np.exp(log_density) * np.asarray(proposal.width) ** proposal.low.shape[1]
    mass = np.where(np.isfinite(mass), mass, 0.0)
    return dataclasses.replace(
        proposal,
        log_density=jnp.asarray(log_density - np.log(mass.sum())),
        cumulative=jnp.asarray(np.cumsum(mass) / mass.sum()),
        from_prior=1e-6,
    )


def walked(like, prior, change=lambda proposal: proposal, seed=0):
    grid = posterior_grid(like, prior)
    space = Space(like.joint, prior, grid.measure)
    proposal = change(defended(grid.proposal))
    found = weighing(like.joint, prior, DEVICES).drawn(
        np.arange(DRAWS), jax.random.key(seed), proposal, like.data, space.tables
    )
    draws = found.position[resampled(found.log_weight, seed)]
    return part_outside(space, like.data, proposal, draws, found.log_weight.max(), (seed, 3), DEVICES)


def test_weights_are_those_of_the_densities(modes):
    """Ln p in (z, pulls) and ln p - ln q against the space's own potential and the proposal's density."""
    like = modes
    grid = posterior_grid(like, TWO)
    space, proposal = Space(like.joint, TWO, grid.measure), defended(grid.proposal)
    weigh = weighing(like.joint, TWO, DEVICES)
    found = weigh.drawn(np.arange(20), jax.random.key(0), proposal, like.data, space.tables)
    log_density, log_weight = weigh.at(found.position, proposal, like.data, space.tables)
    np.testing.assert_array_equal(log_weight, found.log_weight)
    for position, density, weight in zip(found.position, log_density, log_weight, strict=True):
        at = jnp.asarray(position)
        unit, pulls = space.split(at)
        assert density == pytest.approx(-float(space.potential(at, like.data)), rel=1e-12)
        expected = float(space.log_likelihood(unit, pulls, like.data) - proposal.log_prob(unit, pulls))
        assert weight == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_where_all_is_covered_no_walk_ends_outside(modes, seed):
    assert walked(modes, TWO, seed=seed) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_a_half_that_is_hardly_proposed_is_walked_into(normal, seed):
    """Of a Gaussian the upper half is left to one proposal in a million or less: weights alone do not show it."""
    like = normal
    grid = posterior_grid(like, TWO)
    top = float(
        Space(like.joint, TWO, grid.measure).units({"log10_g_x": np.array([-3.2]), "log10_mass": np.array([1.4])})[0, 0]
    )

    def half(proposal):
        return narrowed(proposal, lambda low: low[:, 0] < top)

    assert walked(like, TWO, half, seed) > 10 * OUTSIDE
    assert walked(like, TWO, seed=seed) <= OUTSIDE


def test_what_walks_find_ends_in_nuts_and_in_the_verdict(modes, monkeypatch):
    like = modes
    monkeypatch.setattr(sample, "part_outside", lambda *_: 2 * OUTSIDE)
    nuts = lmt.sample_posterior(like, TWO, method=Auto(chains=2, warmup=30, draws=30), progress=False)
    assert nuts["sample_stats"].attrs["method"] == "nuts"
    found = lmt.sample_posterior(like, TWO, method=Independence(chains=4, draws=50), progress=False)
    check = diagnose(found)["walks"]
    assert not check.passed
    assert "1.0% of those from draws" in check.text
