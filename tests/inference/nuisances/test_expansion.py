"""Derivatives of the counts against jax's own of the whole likelihood, and against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, PHOTON, counts, scale, toy

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.nuisances.expansion import expansion

LEVEL = lmt.Nuisance("level", lmt.LogNormal(1.0, 1.3), "background")
TILT = lmt.Nuisance("tilt", lmt.Gaussian(0.0, 1.0), "background")


@pytest.fixture(scope="module")
def like():
    """Three experiments that share a nuisance, know different ones, or none."""
    experiments = [
        toy(counts, Poisson(), 3, (scale(), LEVEL), "a"),
        toy(counts, Gaussian([1.0, 2.0, 3.0]), 3, (TILT, scale()), "b"),
        toy(counts, Poisson(), 3, (), "c"),
    ]
    return lmt.JointLikelihood(experiments, FIXED, lmt.asimov(FIXED, PHOTON), check=False)


PULLS = jnp.array([0.7, -1.3, 0.4])
ELSEWHERE = FIXED.hidden_photon(6e-4, 22.0)


@pytest.fixture(scope="module")
def expanded(like):
    return jax.jit(lambda x: expansion(like.joint, ELSEWHERE, x, like.data))(PULLS)


def row(like, pulls):
    return jnp.concatenate(list(like.joint.counts(ELSEWHERE, pulls).values()))


def test_counts_and_jacobian(like, expanded):
    # The same derivative by another arrangement of the same arithmetic: rounding.
    np.testing.assert_allclose(expanded.counts, row(like, PULLS), rtol=1e-14)
    np.testing.assert_allclose(
        expanded.jacobian.dense(), jax.jacrev(lambda x: row(like, x))(PULLS), rtol=1e-12, atol=1e-12
    )


def test_log_likelihood_is_the_likelihood_without_constraints(like, expanded):
    whole = float(like.log_density(ELSEWHERE, PULLS)) - float(like.joint.log_constraint(PULLS))
    assert float(expanded.log_likelihood) == pytest.approx(whole, rel=1e-12)


def test_score_and_fisher_weight_of_the_terms_as_written(like, expanded):
    """Poisson: n/mu - 1 and n/mu^2; Gaussian: (n - mu)/sigma^2 and 1/sigma^2."""
    n, mu = np.concatenate([np.asarray(like.data[name]) for name in "abc"]), np.asarray(expanded.counts)
    score, weight = n / mu - 1.0, n / mu**2
    sigma = np.array([1.0, 2.0, 3.0])
    score[3:6], weight[3:6] = ((n - mu)[3:6]) / sigma**2, 1.0 / sigma**2
    np.testing.assert_allclose(expanded.score, score, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(expanded.fisher_weight, weight, rtol=1e-11)


def test_curvature_against_second_differences(like, expanded):
    # Steps of 1e-3: truncated at 1e-6 of a curvature of order one, rounded at 1e-9.
    step = 1e-3
    for k in range(3):
        move = step * np.eye(3)[k]
        second = (row(like, PULLS + move) - 2.0 * row(like, PULLS) + row(like, PULLS - move)) / step**2
        assert float(expanded.curvature[k]) == pytest.approx(float(expanded.score @ second), rel=1e-5, abs=1e-7)


def test_only_the_log_normal_is_curved(expanded):
    assert abs(float(expanded.curvature[1])) > 1e-3
    np.testing.assert_allclose(np.delete(expanded.curvature, 1), 0.0, atol=1e-12)


def test_a_likelihood_without_nuisances():
    like = lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, lmt.asimov(FIXED, PHOTON), check=False)
    expanded = expansion(like.joint, ELSEWHERE, jnp.zeros(0), like.data)
    assert expanded.jacobian.dense().shape == (3, 0)
    assert float(expanded.log_likelihood) == pytest.approx(float(like.log_likelihood(ELSEWHERE)), rel=1e-13)
