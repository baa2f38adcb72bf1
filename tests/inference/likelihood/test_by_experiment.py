"""Functions of all experiments, compiled experiment by experiment: what they give, what another likelihood shares."""

import gc
import pickle
import weakref

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, scale, toy

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.likelihood import rates as module
from lmtbayes.inference.likelihood.evaluation import evaluation, log_likelihoods, rows
from lmtbayes.inference.likelihood.rates import rates_of
from lmtbayes.inference.nuisances.expansion import expansion
from lmtbayes.inference.nuisances.laplace_at_many import laplace_at_many

DEVICES = resolve_devices(None)
SHARED = lmt.Nuisance("shared", lmt.LogNormal(1.0, 1.2), "of both", "made up")


def rate(g_x, mass, eps_x, values):
    return values["scale"] * values["shared"] * jnp.stack([20.0 * (g_x / 5e-4) ** 2, 30.0 + 1e5 * eps_x + 0.1 * mass])


def other_rate(g_x, mass, eps_x, values):
    return jnp.atleast_1d(values["shared"] ** 2 * g_x / 5e-4 + 0.01 * mass)


@pytest.fixture(scope="module")
def experiments():
    return [
        toy(rate, Poisson(), 2, (scale(), SHARED)),
        toy(other_rate, Gaussian([0.3]), 1, (SHARED,), name="second"),
        toy(lambda g_x, mass, eps_x, values: jnp.ones(3) + 1e3 * g_x, Poisson(), 3, (), name="bare"),
    ]


@pytest.fixture(scope="module")
def like(experiments):
    data = {"toy": np.array([25.0, 30.0]), "second": np.array([1.2]), "bare": np.array([1.0, 0.0, 3.0])}
    return lmt.JointLikelihood(experiments, FIXED, data)


@pytest.fixture(scope="module")
def points(like):
    g_x, mass = np.geomspace(2e-4, 9e-4, 5), np.geomspace(5.0, 50.0, 5)
    pulls = np.random.default_rng(0).normal(size=(5, len(like.nuisances)))
    return jax.tree.map(np.asarray, FIXED.hidden_photon(g_x, mass)), pulls


def test_all_give_what_the_joint_model_gives_as_it_is_written(like, points):
    whole = evaluation(like.joint)(points, like.data)
    values, counts = (f(like.joint, DEVICES)(points, like.data) for f in (log_likelihoods, rows))
    expanded = laplace_at_many(like.joint, DEVICES).expansion(points, like.data)
    for k in range(5):
        photon, pulls = jax.tree.map(lambda x, k=k: jnp.asarray(x[k]), points)
        value, slopes = jax.value_and_grad(like.log_density, argnums=(0, 1))(photon, pulls)
        np.testing.assert_allclose([whole.log_likelihood[k], values[k]], value, rtol=1e-13)
        np.testing.assert_allclose(whole.by_pulls[k], slopes[1], rtol=1e-11, atol=1e-12)
        for name in ("g_x", "mass", "eps_x"):
            np.testing.assert_allclose(getattr(whole.by_photon, name)[k], getattr(slopes[0], name), rtol=1e-11)
        by_name = like.joint.counts(photon, pulls)
        np.testing.assert_allclose(counts[k], np.concatenate(list(by_name.values())), rtol=1e-13)
        for name, row in by_name.items():
            np.testing.assert_allclose(whole.counts[name][k], row, rtol=1e-13)
        one = expansion(like.joint, photon, pulls, like.data)
        jacobian = jax.jacfwd(lambda x, photon=photon: like.joint.row(photon, x))(pulls)
        np.testing.assert_allclose(one.jacobian.dense(), jacobian, rtol=1e-11, atol=1e-13)
        for found, expected in zip(jax.tree.leaves(expanded), jax.tree.leaves(one), strict=True):
            np.testing.assert_allclose(found[k], expected, rtol=1e-11, atol=1e-13)


def test_another_likelihood_that_has_an_experiment_compiles_nothing_of_it(like, points, experiments, monkeypatch):
    evaluation(like.joint)(points, like.data)
    traced = []
    first = experiments[0]
    counted = type(first)._signal
    monkeypatch.setattr(type(first), "_signal", lambda self, *given: traced.append(self.name) or counted(self, *given))
    two = lmt.JointLikelihood(experiments[:2], FIXED, {name: like.data[name] for name in ("toy", "second")})
    found = evaluation(two.joint)(points, two.data)
    assert traced == []
    assert all(mine is theirs for mine, theirs in zip(two.joint.rates, like.joint.rates, strict=False))
    photon, pulls = jax.tree.map(lambda x: jnp.asarray(x[0]), points)
    np.testing.assert_allclose(found.log_likelihood[0], two.log_density(photon, pulls), rtol=1e-13)
    assert traced == [], "tracing of the joint model takes what the rates have, too"
    # In another model it is another rate.
    evaluation(lmt.JointModel(experiments[:1], lmt.LMU.with_mixing("paper")))((points[0], points[1]), like.data)
    assert set(traced) == {"toy"}


def test_an_experiment_that_looks_the_same_is_another(experiments):
    again = toy(rate, Poisson(), 2, (scale(), SHARED))
    assert rates_of(again, FIXED) is not rates_of(experiments[0], FIXED)
    assert rates_of(experiments[0], FIXED) is rates_of(experiments[0], FIXED)


def test_rates_that_nobody_asked_for_in_a_long_time_are_let_go_of(monkeypatch):
    monkeypatch.setattr(module, "_recent", type(module._recent)())
    monkeypatch.setattr(module, "RECENT", 2)
    experiments = [toy(rate, Poisson(), 2, (scale(), SHARED)) for _ in range(3)]
    gone = weakref.ref(rates_of(experiments[0], FIXED))
    kept = [rates_of(e, FIXED) for e in experiments[1:]]
    gc.collect()
    assert gone() is None
    assert [rates_of(e, FIXED) for e in experiments[1:]] == kept


def test_rates_of_what_is_traced_are_not_kept():
    before = dict(module._recent)

    def counts(threshold_kev):
        joint = lmt.JointModel([lmt.experiment("darwin-nr", threshold_kev=threshold_kev, convention="paper")], FIXED)
        return joint.row(FIXED.hidden_photon(5e-4, 10.0), joint.central_pulls).sum()

    assert jax.grad(counts)(1.0) < 0.0
    assert dict(module._recent) == before


def test_release_lets_go_of_the_rates_too_and_copies_work(like, points):
    joint = pickle.loads(pickle.dumps(lmt.JointModel(["muon-g2-2021"], lmt.LMU)))
    photon = jax.tree.map(np.asarray, lmt.BENCHMARKS["BP1"])
    at = jax.tree.map(lambda x: np.full(1, x), photon), np.zeros((1, 0))
    data = {"muon-g2-2021": np.ones(1)}
    before = evaluation(joint)(at, data).log_likelihood
    assert joint.rates[0].experiment is joint.experiments[0]
    assert joint.rates[0]._compiled
    joint.release()
    assert not joint.rates[0]._compiled
    np.testing.assert_array_equal(evaluation(joint)(at, data).log_likelihood, before)


def test_without_jit_it_is_plain_python(like, points):
    expected = evaluation(like.joint)(points, like.data).log_likelihood
    with jax.disable_jit():
        found = evaluation(like.joint)(jax.tree.map(lambda x: x[:2], points), like.data)
    np.testing.assert_allclose(found.log_likelihood, expected[:2], rtol=1e-13)
