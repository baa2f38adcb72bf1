"""The compiled evaluation, the constraints together, and the proposals made of them, against what they stand for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from posterior_toys import THREE, TWO, two_modes
from scipy import stats
from toys import counter

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import GaussianMixture, Nuisance
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.likelihood.constraints import Constraints
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.posterior.independence import Potential
from lmtbayes.inference.posterior.nuts import Settings
from lmtbayes.inference.posterior.running import run_chains

TRUTH = lmt.HiddenPhoton(1e-3, 20.0, -1e-5)
HERE = tuple(jax.local_devices()[:1])


@pytest.fixture(scope="module")
def like():
    """Two of one term, one between them of another that holds arrays."""
    experiments = [counter("a", 10.0), counter("b", 40.0, term=Gaussian([5.0, 6.0, 7.0])), counter("c", 20.0)]
    return lmt.JointLikelihood(experiments, lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, TRUTH))


def test_asimov_data_are_the_expected_counts(like):
    for e in like.experiments:
        # The compiler may add up in another order.
        np.testing.assert_allclose(like.data[e.name], e.expected_counts(lmt.LMU_LTAU, TRUTH), rtol=1e-14)
    truth = {"flux": 1.2}
    other = like.with_data(lmt.asimov(lmt.LMU, TRUTH, truth))
    np.testing.assert_allclose(other.data["c"], like.experiments[2].expected_counts(lmt.LMU, TRUTH, truth), rtol=1e-14)


def test_evaluation_is_the_likelihood_written_out(like):
    g_x = np.array([7e-4, 1.1e-3, 1.9e-3])
    photons = lmt.HiddenPhoton(g_x, np.full(3, 20.0), np.full(3, -1e-5))
    pulls = np.array([[0.3, -0.4], [0.0, 0.0], [-1.0, 1.5]])
    data = {name: np.round(x) for name, x in like.data.items()}
    found = evaluation(like.joint)((photons, pulls), data)

    def by_scipy(g, flux_pull, background_pull):
        signal = (1.0 + 0.1 * flux_pull) * (g / 1e-3) ** 2 * np.arange(1.0, 4.0)
        background = 4.0 * 1.5**background_pull
        counts = {name: scale * signal + background for name, scale in {"a": 10.0, "b": 40.0, "c": 20.0}.items()}
        terms = {name: stats.poisson.logpmf(np.asarray(data[name]), counts[name]) for name in "ac"}
        terms["b"] = stats.norm.logpdf(np.asarray(data["b"]), counts["b"], [5.0, 6.0, 7.0])
        total = sum(t.sum() for t in terms.values()) + stats.norm.logpdf([flux_pull, background_pull]).sum()
        return total, counts, terms

    for k, (g, pull) in enumerate(zip(g_x, pulls, strict=True)):
        total, counts, terms = by_scipy(g, *pull)
        assert found.log_likelihood[k] == pytest.approx(total, rel=1e-12)
        for name in "abc":
            np.testing.assert_allclose(found.counts[name][k], counts[name], rtol=1e-13)
            np.testing.assert_allclose(found.terms[name][k], terms[name], rtol=1e-11)
        # Central differences: 1e-16 of ln L of order 100 over a step of 1e-6 is 1e-8, of slopes of order 1 and more.
        step = 1e-6
        slope = (by_scipy(g * (1 + step), *pull)[0] - by_scipy(g * (1 - step), *pull)[0]) / (2 * step)
        assert found.by_photon.g_x[k] * g == pytest.approx(slope, rel=1e-6, abs=1e-6)
        for i in range(2):
            up, down = (pull + sign * step * np.eye(2)[i] for sign in (1, -1))
            slope = (by_scipy(g, *up)[0] - by_scipy(g, *down)[0]) / (2 * step)
            assert found.by_pulls[k, i] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_constraints_keep_their_order():
    octants = GaussianMixture((43.0, 49.0), (1.0, 1.5), (0.7, 0.3))
    plain = lmt.Gaussian(1.0, 0.2)
    together = Constraints([Nuisance(name, c, "") for name, c in {"a": plain, "b": octants, "c": plain}.items()])
    pulls = np.array([[0.5, 5.0, -1.0], [0.0, 0.3, 2.0]])
    mixture = 0.7 * stats.norm.pdf(pulls[:, 1]) + 0.3 * stats.norm.pdf(pulls[:, 1], 6.0, 1.5)
    expected = np.stack([stats.norm.logpdf(pulls[:, 0]), np.log(mixture), stats.norm.logpdf(pulls[:, 2])], axis=-1)
    np.testing.assert_allclose(together.log_prob(jnp.asarray(pulls)), expected, rtol=1e-12)
    drawn = np.asarray(together.sample(jax.random.key(1), (20000,)))
    # Standard errors: 1/sqrt(20000) = 0.007 times the width, 1 and 3; five of them.
    np.testing.assert_allclose(drawn.mean(0), [0.0, 0.3 * 6.0, 0.0], atol=0.1)
    assert stats.kstest(drawn[:, 0], "norm").pvalue > 1e-4
    assert Constraints(()).log_prob(jnp.zeros((4, 0))).shape == (4, 0)


def test_potential_is_the_space_s_own(like):
    space = Space(like.joint, THREE)
    positions = np.random.default_rng(3).normal(size=(5, space.size))
    value, gradient = Potential(like.joint, THREE, HERE)(positions, like.data, {})
    for k, position in enumerate(positions):
        expected = jax.value_and_grad(space.potential)(jnp.asarray(position), like.data)
        # Sums of a few dozen terms of up to 1e3.
        assert value[k] == pytest.approx(float(expected[0]), rel=1e-12)
        np.testing.assert_allclose(gradient[k], expected[1], rtol=1e-10, atol=1e-10)


def test_proposals_of_a_step_do_not_depend_on_where_a_call_begins():
    like = two_modes()
    space = Space(like.joint, TWO)
    proposal = posterior_grid(like, TWO).proposal
    proposals = run_chains(space, Settings(4, 10, 20, 0.9, 5, True), HERE).proposals
    key = jax.random.key(5)
    early, late = (proposals(key, first, proposal, like.data, {}) for first in (0, 7))
    for first, second in zip(early, late, strict=True):
        assert first.shape[:2] == (20, 4)
        np.testing.assert_array_equal(first[7:], second[:13])
    assert len(np.unique(early.position[..., 0])) == 80
    unit, pulls = space.split(jnp.asarray(early.position[3, 2]))
    log_density = float(space.log_likelihood(unit, pulls, like.data) - proposal.log_prob(unit, pulls))
    assert early.log_weight[3, 2] == pytest.approx(log_density, rel=1e-10)


def test_the_last_grid_is_kept():
    like = two_modes()
    told = []
    grid = posterior_grid(like, TWO)
    assert posterior_grid(like, TWO, progress=lambda *state: told.append(state)) is grid
    assert told == [(len(grid.cells), grid.error)]
    other = like.with_data({"toy": np.asarray(like.data["toy"]) + 1.0})
    assert posterior_grid(other, TWO).log_evidence != grid.log_evidence
    # One is kept, not all; made again, it is the same.
    again = posterior_grid(like, TWO)
    assert again is not grid
    np.testing.assert_array_equal(again.log_density, grid.log_density)
