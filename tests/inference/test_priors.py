"""Priors: normalised, invertible, bounded as stated; bad input."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, PriorWarning
from lmtbayes.inference.distributions.signed import SignedLogUniform

PAPER = lmt.LMU_LTAU.with_mixing("paper")


def test_default_covers_three_parameters_where_mixing_is_free_and_two_where_not():
    assert lmt.priors.default(lmt.LMU_LTAU).names == ("log10_g_x", "log10_mass", "log10_kappa")
    assert lmt.priors.default(PAPER).names == ("log10_g_x", "log10_mass")
    box = lmt.priors.default(lmt.LMU_LTAU).box
    for name, edges in {"log10_g_x": (-5, -2), "log10_mass": (0, 3), "log10_kappa": (-3, 0)}.items():
        assert box[name] == pytest.approx(edges)


def test_density_is_one_over_the_volume_and_nothing_outside():
    prior = lmt.priors.default(lmt.LMU_LTAU, g_x=(1e-4, 1e-2), mass=(1, 100), kappa=(0.01, 1))
    inside = {"log10_g_x": -3.0, "log10_mass": 1.0, "log10_kappa": -1.0}
    assert float(prior.log_prob(inside)) == pytest.approx(-np.log(2 * 2 * 2), rel=1e-12)
    assert float(prior.log_prob(inside | {"log10_mass": 2.5})) == -np.inf


@pytest.mark.parametrize(
    "prior", [lmt.priors.default(lmt.LMU), lmt.priors.default(PAPER), lmt.priors.default(lmt.LMU, kappa=(0.035, 0.2))]
)
def test_photon_and_values_are_inverses_on_draws(prior):
    draws = prior.sample(seed=1, size=50)
    photon = prior.photon(draws)
    for name, value in prior.values(photon).items():
        np.testing.assert_allclose(value, draws[name], atol=1e-12)
    assert float(jnp.max(photon.eps_x)) < 0


def test_unit_cube_maps_to_quantiles_also_of_other_distributions():
    prior = lmt.priors.Prior(
        PAPER, {"g_x": dist.Uniform(0.0, 1e-3), "log10_mass": dist.TruncatedNormal(1.0, 0.3, low=0)}
    )
    values = prior.from_unit_cube(jnp.array([[0.5, 0.5], [0.0, 1.0]]))
    np.testing.assert_allclose(values["g_x"], [5e-4, 0.0], atol=1e-18)
    photon = prior.photon({"g_x": 5e-4, "log10_mass": 1.0})
    assert float(photon.mass) == pytest.approx(10.0)
    assert float(photon.eps_x) == pytest.approx(-5e-4 / 70)


def test_repr_states_the_box_in_one_line():
    text = repr(lmt.priors.default(lmt.LMU_LTAU))
    assert "\n" not in text
    assert "log10_g_x ~ Uniform[-5, -2]" in text
    assert "Lmu-Ltau" in text


def test_the_sign_of_a_free_mixing_is_that_of_the_loop():
    # e loops against mu: (e/6 pi^2) ln(m_mu/m_e) = +0.027 where the muon is positive.
    positive = lmt.GaugeModel("Lmu-Le", {"mu": 1, "e": -1})
    loop = np.sqrt(4 * np.pi / 137.036) / (6 * np.pi**2) * np.log(105.6583755 / 0.51099895)
    assert positive.loop_ratio == pytest.approx(loop, rel=1e-5)
    draws = lmt.priors.default(positive).sample(seed=1, size=50)
    photon = lmt.priors.default(positive).photon(draws)
    assert float(jnp.min(photon.eps_x)) > 0
    for name, value in lmt.priors.default(positive).values(photon).items():
        np.testing.assert_allclose(value, draws[name], atol=1e-12)
    for model, sign in ((positive, 1), (lmt.LMU_LTAU, -1), (lmt.LMU, -1), (lmt.GaugeModel("B", {"u": 1, "d": 1}), -1)):
        assert model.mixing_sign == sign
    assert lmt.GaugeModel("Ltau-Lmu", {"tau": 1, "mu": -1}).mixing_sign == 1


def test_both_signs():
    prior = lmt.priors.default(lmt.LMU, kappa=(0.01, 1.0), sign="both")
    assert prior.names == ("log10_g_x", "log10_mass", "kappa")
    draws = prior.sample(seed=3, size=4000)
    eps = np.asarray(prior.photon(draws).eps_x)
    assert 0.47 < np.mean(eps > 0) < 0.53
    assert np.all((np.abs(draws["kappa"]) >= 0.01) & (np.abs(draws["kappa"]) <= 1.0))


def test_signed_log_uniform_is_what_it_says():
    law = SignedLogUniform(0.02, 0.5)
    half = quad(lambda x: float(jnp.exp(law.log_prob(x))), 0.02, 0.5)[0]
    assert half == pytest.approx(0.5, rel=1e-8)
    assert float(jnp.exp(law.log_prob(-0.1))) == pytest.approx(1 / (2 * 0.1 * np.log(25)), rel=1e-12)
    assert np.all(np.asarray(law.log_prob(np.array([0.0, 0.01, -0.01, 0.6, -0.6]))) == -np.inf)
    unit = np.linspace(0.0, 1.0, 41)
    np.testing.assert_allclose(law.cdf(law.icdf(unit)), unit, atol=1e-12)
    assert np.all(np.diff(np.asarray(law.icdf(unit))) > 0)
    np.testing.assert_allclose(law.icdf(np.array([0.0, 0.5, 1.0])), [-0.5, 0.02, 0.5], rtol=1e-12)
    for x in (-0.3, 0.05):
        below = quad(lambda y: float(jnp.exp(law.log_prob(y))), -0.5, x, points=[-0.02, 0.02])[0]
        assert float(law.cdf(x)) == pytest.approx(below, abs=1e-7)


@pytest.mark.parametrize("charge", [100.0, 0.01])
def test_a_loop_outside_the_default_range_is_said(charge):
    model = lmt.GaugeModel("scaled", {"mu": charge, "e": -charge})
    with pytest.warns(PriorWarning, match=r"loop of model 'scaled' mixes with eps_x/g_x = .* outside the default"):
        lmt.priors.default(model)
    lmt.priors.default(model, kappa=(1e-5, 10.0))
    lmt.priors.default(model.with_mixing("loop0"))


@pytest.mark.slow
def test_every_method_knows_the_sign():
    # One number, eps_x/g_x, measured: everything about it is known in closed form.
    model = lmt.GaugeModel("Lmu-Le", {"mu": 1, "e": -1})

    def ratio(_, photon):
        return photon.eps_x / jnp.maximum(photon.g_x, 1e-30)

    like = lmt.JointLikelihood([lmt.measurement("ratio", 0.1, 0.02, ratio)], model, "observed")
    loop, both = lmt.priors.default(model), lmt.priors.default(model, sign="both")

    def log_z(low, high):
        weight = quad(lambda y: norm.pdf(np.exp(y), 0.1, 0.02), np.log(low), np.log(high), limit=200)[0]
        return np.log(weight / np.log(high / low))

    other = quad(lambda y: norm.pdf(-np.exp(y), 0.1, 0.02), np.log(1e-3), 0.0)[0] / np.log(1e3)
    for prior, exact in ((loop, log_z(1e-3, 1.0)), (both, np.log(0.5 * (np.exp(log_z(1e-3, 1.0)) + other)))):
        assert lmt.evidence(like, prior).log_z == pytest.approx(exact, abs=0.01)
    posterior = lmt.sample_posterior(like, both, seed=0, chains=4, warmup=300, draws=300)["posterior"]
    assert float(posterior["kappa"].mean()) == pytest.approx(0.1, abs=0.01)
    assert "log10_kappa" not in posterior
    profile = lmt.profile_likelihood(like, {"kappa": np.geomspace(0.02, 0.5, 15)})
    assert float(profile.attrs["best_eps_x"] / profile.attrs["best_g_x"]) == pytest.approx(0.1, rel=1e-3)
    assert np.all(profile["eps_x"] > 0)
    at = {"g_x": np.array([1e-3]), "eps_x": np.geomspace(2e-5, 5e-4, 9)}
    q = lmt.profile_likelihood(like, at)["q"].values[0]
    np.testing.assert_allclose(q, ((at["eps_x"] / 1e-3 - 0.1) / 0.02) ** 2, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lmt.priors.default(lmt.LMU, g_x=(1e-2, 1e-5)), "`g_x` must be a strictly increasing"),
        (lambda: lmt.priors.default(lmt.LMU, mass=(0.0, 1.0)), "`mass` must be finite and positive"),
        (lambda: lmt.priors.default(lmt.LMU, kappa=(0.1, 0.2, 0.3)), r"`kappa` must be an array of shape \(2,\)"),
        (lambda: lmt.priors.default(lmt.LMU, sign="-"), "`sign` must be one of 'loop', 'both'"),
        (lambda: SignedLogUniform(0.5, 0.1), "must be a strictly increasing"),
        (lambda: SignedLogUniform(0.0, 0.1), "`low` must be finite and positive"),
        (lambda: lmt.priors.Prior(PAPER, {"log10_g_x": dist.Uniform(-5.0, -2.0)}), "exactly one of .*log10_mass"),
        (
            lambda: lmt.priors.Prior(
                PAPER, {"g_x": dist.Uniform(), "log10_g_x": dist.Uniform(-5.0, -2.0), "mass": dist.Uniform(1.0, 2.0)}
            ),
            "exactly one of",
        ),
        (lambda: lmt.priors.Prior(PAPER, {"gx": dist.Uniform()}), r"must be one of .*did you mean 'g_x'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()
