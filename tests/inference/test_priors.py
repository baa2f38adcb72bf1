"""Priors: normalised, invertible, bounded as stated; bad input."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument

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


@pytest.mark.parametrize("prior", [lmt.priors.default(lmt.LMU), lmt.priors.default(PAPER), lmt.priors.loop_lmu()])
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


def test_loop_lmu_ranges():
    assert lmt.priors.loop_lmu("paper").box["log10_kappa"] == pytest.approx((-2, -1))
    assert lmt.priors.loop_lmu((0.05, 0.1)).box["log10_kappa"] == pytest.approx(tuple(np.log10([0.05, 0.1])))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lmt.priors.default(lmt.LMU, g_x=(1e-2, 1e-5)), "`g_x` must be a strictly increasing"),
        (lambda: lmt.priors.default(lmt.LMU, mass=(0.0, 1.0)), "`mass` must be finite and positive"),
        (lambda: lmt.priors.default(lmt.LMU, kappa=(0.1, 0.2, 0.3)), r"`kappa` must be an array of shape \(2,\)"),
        (lambda: lmt.priors.loop_lmu("printed"), "`loop_range` must be one of 'paper', 'one-loop'"),
        (lambda: lmt.priors.Prior(PAPER, {"log10_g_x": dist.Uniform(-5.0, -2.0)}), "exactly one of .*log10_mass"),
        (
            lambda: lmt.priors.Prior(
                PAPER, {"g_x": dist.Uniform(), "log10_g_x": dist.Uniform(), "mass": dist.Uniform(1.0, 2.0)}
            ),
            "exactly one of",
        ),
        (lambda: lmt.priors.Prior(PAPER, {"gx": dist.Uniform()}), r"must be one of .*did you mean 'g_x'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()
