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
from lmtbayes.inference.likelihood.rates import Reading, read
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


def counting_calls(monkeypatch, cls):
    """Names of experiments of a class whose rates are traced or evaluated from now on."""
    traced, signal = [], cls._signal
    monkeypatch.setattr(cls, "_signal", lambda self, *given: traced.append(self.name) or signal(self, *given))
    return traced


def test_another_likelihood_that_has_an_experiment_compiles_nothing_of_it(monkeypatch):
    like = lmt.JointLikelihood(["ccfr-trident", "muon-g2-2021"], FIXED, "observed")
    traced = counting_calls(monkeypatch, type(like.experiments[0]))
    other = lmt.JointLikelihood(["ccfr-trident", "muon-g2-2025"], FIXED, "observed")
    assert traced == []
    assert other.joint.rates[0].rates is like.joint.rates[0].rates
    assert other.joint.rates[1].rates is not like.joint.rates[1].rates
    photon = jax.tree.map(lambda x: np.full(2, x), lmt.BENCHMARKS["BP1"])
    at = lmt.HiddenPhoton(photon.g_x, photon.mass, -photon.g_x / 70.0), np.zeros((2, 0))
    found = evaluation(other.joint)(at, other.data).log_likelihood
    assert traced == []
    # The same of experiments that share nothing with others: built with an override.
    apart = [lmt.experiment(e.name, title="apart") for e in other.experiments]
    alone = lmt.JointLikelihood(apart, FIXED, "observed")
    assert set(traced) == {"ccfr-trident"}
    np.testing.assert_allclose(evaluation(alone.joint)(at, alone.data).log_likelihood, found, rtol=1e-14)


OTHERS = lmt.LMU, lmt.GaugeModel("own", {"mu": 0.5, "tau": 2.0}, -0.3)


def test_models_that_differ_in_the_charges_of_muon_and_tau_compile_a_rate_once(monkeypatch):
    names = ["ccfr-trident", "muon-g2-2021", "n-eff", "lz-8b"]
    data = {name: lmt.experiment(name).observed for name in names}
    like = lmt.JointLikelihood(names, lmt.LMU_LTAU, data)
    photon, pulls = lmt.HiddenPhoton(4e-4, 12.0, -5e-6), 0.3 + np.asarray(like.joint.central_pulls)
    at = jax.tree.map(lambda x: np.full(2, x), photon), np.tile(pulls, (2, 1))
    evaluation(like.joint)(at, like.data), log_likelihoods(like.joint, DEVICES)(at, like.data)
    kinds = {type(e): counting_calls(monkeypatch, type(e)) for e in like.experiments}
    found = {}
    for model in (lmt.LMU_LTAU, *OTHERS):
        other = lmt.JointLikelihood(names, model, data)
        assert [a.rates for a in other.joint.rates] == [b.rates for b in like.joint.rates]
        found[model] = evaluation(other.joint)(at, other.data), log_likelihoods(other.joint, DEVICES)(at, other.data)
    assert not any(kinds.values())
    values = {n.name: n.constraint.value(pulls[i]) for i, n in enumerate(like.nuisances)}
    for model, (whole, total) in found.items():

        def log_likelihood(p, model=model):
            counts = {
                e.name: e.expected_counts(model, p, {n.name: values[n.name] for n in e.nuisances})
                for e in like.experiments
            }
            return sum(jnp.sum(e.term.log_prob(counts[e.name], like.data[e.name])) for e in like.experiments), counts

        slopes, counts = jax.grad(log_likelihood, has_aux=True)(photon)
        for name, row in counts.items():
            np.testing.assert_allclose(whole.counts[name][0], row, rtol=1e-13)
        for name in ("g_x", "mass", "eps_x"):
            np.testing.assert_allclose(getattr(whole.by_photon, name)[0], getattr(slopes, name), rtol=1e-10)
        np.testing.assert_allclose(total, whole.log_likelihood, rtol=1e-13)
    apart = [found[model][0].log_likelihood[0] for model in (lmt.LMU_LTAU, *OTHERS)]
    assert min(np.abs(np.subtract(apart, np.roll(apart, 1)))) > 1e-3, "else it is not seen that they differ"


@pytest.mark.parametrize("name", lmt.experiment_names())
def test_rates_of_every_entry_can_be_traced_in_the_charges(name):
    """What a rate does with them in Python, where they are numbers, would raise."""
    e = lmt.experiment(name)
    rates = read(e, lmt.LMU).rates
    values = [jnp.asarray(n.constraint.central, dtype=float) for n in e.nuisances]
    photon = lmt.BENCHMARKS["BP1"]
    found = jax.eval_shape(lambda charges: Reading(rates, charges).own_counts(photon, values), jnp.array([1.0, 0.0]))
    assert found.shape == (e.n_bins,)


def test_what_decides_on_the_parts_of_a_rate_is_not_shared():
    ess = lmt.experiment("ess10")
    plain = read(ess, lmt.LMU)
    np.testing.assert_array_equal(plain.charges, [1.0, 0.0])
    for charges in ({"e": 1.0}, {"mu": 1.0, "u": 1.0 / 3.0, "d": 1.0 / 3.0}):
        one, same = (read(ess, lmt.GaugeModel(name, charges)) for name in ("one", "same"))
        assert one.rates is same.rates
        assert one.rates is not plain.rates
    running = read(ess, lmt.LMU_LTAU.with_mixing("loop"))
    assert running.rates is read(ess, lmt.LMU_LTAU.with_mixing("loop")).rates
    assert running.rates not in (plain.rates, read(ess, lmt.LMU.with_mixing("loop", 1e3)).rates)
    # Its loop is that of its own charges.
    photon, values = lmt.BENCHMARKS["BP1"], [jnp.asarray(n.constraint.central) for n in ess.nuisances]
    np.testing.assert_allclose(
        running.counts(photon, values), ess.expected_counts(lmt.LMU_LTAU.with_mixing("loop"), photon), rtol=1e-13
    )


def test_what_a_users_rate_closes_over_may_change_from_likelihood_to_likelihood():
    """As in a notebook, where a cell is run again: nothing of the first likelihood is taken for the second."""
    factor = {"of": 1.0}
    e = toy(lambda g_x, mass, eps_x, values: jnp.ones(1) * factor["of"] + 0.0 * g_x, Poisson(), 1)
    first = lmt.JointLikelihood([e], FIXED, {"toy": np.array([2.0])})
    factor["of"] = 2.0
    second = lmt.JointLikelihood([e], FIXED, {"toy": np.array([2.0])})
    for like, mean in ((first, 1.0), (second, 2.0)):
        at = jax.tree.map(lambda x: np.full(1, x), lmt.BENCHMARKS["BP1"]), np.zeros((1, 0))
        found = evaluation(like.joint)(at, like.data).log_likelihood
        np.testing.assert_allclose(found, 2.0 * np.log(mean) - mean - np.log(2.0), rtol=1e-14)


def test_a_model_of_a_users_own_class_shares_nothing():
    class Own(lmt.GaugeModel):
        pass

    own = Own("own", FIXED.charges, FIXED.mixing)
    ess = lmt.experiment("ess10")
    assert read(ess, own).rates is not read(ess, own).rates
    assert read(ess, FIXED).rates is read(ess, FIXED).rates


def test_rates_that_nobody_asked_for_in_a_long_time_are_let_go_of(monkeypatch):
    monkeypatch.setattr(module, "_recent", type(module._recent)())
    monkeypatch.setattr(module, "RECENT", 2)
    names = ("ccfr-trident", "nutev-trident", "charm2-trident")
    experiments = [lmt.experiment(name) for name in names]
    gone = weakref.ref(read(experiments[0], FIXED).rates)
    kept = [read(e, FIXED).rates for e in experiments[1:]]
    gc.collect()
    assert gone() is None
    assert [read(e, FIXED).rates for e in experiments[1:]] == kept


def test_a_likelihood_within_a_trace_leaves_nothing_behind():
    def value(sigma):
        e = toy(lambda g_x, mass, eps_x, values: jnp.atleast_1d(sigma * g_x * 1e3), Gaussian([0.3]), 1)
        joint = lmt.JointModel([e], FIXED)
        return joint.log_density(FIXED.hidden_photon(5e-4, 10.0), joint.central_pulls, {"toy": jnp.ones(1)})

    before = dict(module._recent)
    with jax.checking_leaks():
        assert jax.grad(value)(1.0) == pytest.approx(0.5 * 0.5 / 0.09, rel=1e-12)
    assert dict(module._recent) == before


def test_toys_whose_nuisances_are_measured_anew_leave_the_likelihood_as_it_is():
    """They evaluate a joint model whose constraints are traced: what that would keep, the plain one would take."""
    experiment = toy(lambda g_x, mass, eps_x, values: values["scale"] * jnp.ones(2) * 9.0, Poisson(), 2, (scale(),))
    like, again = (lmt.JointLikelihood([experiment], FIXED, {"toy": np.array([7.0, 12.0])}) for _ in range(2))
    lmt.toy_test_statistics(like, FIXED.hidden_photon(5e-4, 10.0), 4, nuisances="profiled")
    assert float(like.saturated_log_likelihood()) == float(again.saturated_log_likelihood())


def test_release_lets_go_of_the_rates_too_and_copies_work(like, points):
    joint = pickle.loads(pickle.dumps(lmt.JointModel(["muon-g2-2021"], lmt.LMU)))
    photon = jax.tree.map(np.asarray, lmt.BENCHMARKS["BP1"])
    at = jax.tree.map(lambda x: np.full(1, x), photon), np.zeros((1, 0))
    data = {"muon-g2-2021": np.ones(1)}
    before = evaluation(joint)(at, data).log_likelihood
    assert joint.rates[0].experiment is joint.experiments[0]
    rates = joint.rates[0].rates
    assert rates._compiled
    joint.release()
    assert not rates._compiled
    np.testing.assert_array_equal(evaluation(joint)(at, data).log_likelihood, before)


def test_without_jit_it_is_plain_python(like, points):
    expected = evaluation(like.joint)(points, like.data).log_likelihood
    with jax.disable_jit():
        found = evaluation(like.joint)(jax.tree.map(lambda x: x[:2], points), like.data)
    np.testing.assert_allclose(found.log_likelihood, expected[:2], rtol=1e-13)
