"""NA64mu and the detectors at the ESS at BP1: what the profile likelihood must say of the real experiments."""

import functools

import iminuit
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.inference.frequentist.contours import contours
from lmtbayes.inference.frequentist.impacts import nuisance_pulls
from lmtbayes.inference.frequentist.limits import upper_limit
from lmtbayes.inference.frequentist.profile import profile_likelihood

pytestmark = pytest.mark.nightly

BP1 = lmt.BENCHMARKS["BP1"]
GRID = {"g_x": np.geomspace(2e-4, 1.2e-3, 25), "mass": np.geomspace(1.0, 200.0, 24)}


@functools.cache
def likelihood(*names, mixing="free"):
    return lmt.JointLikelihood(names, lmt.LMU_LTAU.with_mixing(mixing), lmt.asimov(lmt.LMU_LTAU, BP1), check=False)


@functools.cache
def profile(*names, mixing="free"):
    return profile_likelihood(likelihood(*names, mixing=mixing), GRID)


def test_asimov_data_at_bp1_give_bp1_back():
    joint = profile("na64mu", "ess", "ess10")
    found = [joint.attrs[f"best_{name}"] for name in ("g_x", "mass", "eps_x")]
    np.testing.assert_allclose(found, [5e-4, 15.0, -5e-4 / 70.0], rtol=1e-3)
    assert abs(joint.attrs["deviance"]) < 1e-6
    assert (joint["status"].values[joint["q"].values < 30.0] < 2).all()


def test_more_data_never_allow_more():
    """Asimov data are best fitted by the truth in every experiment: q of all is at least the q of one."""
    joint, beam = profile("na64mu", "ess", "ess10"), profile("na64mu")
    assert (joint["q"] - beam["q"]).min() > -1e-5


def test_the_beam_alone_limits_the_mass_from_above_only_and_recoils_close_the_contour():
    beam = contours(profile("na64mu"))[0.6827]
    assert beam.status == "open at the grid's mass lower edge"
    assert contours(profile("na64mu", "ess", "ess10"))[0.6827].closed


def migrad(like, energy, mass, g_x, starts):
    """Largest ln L of a cell by MIGRAD from every start, in ln kappa and the pulls."""
    ends = []
    for start in starts:
        fit = iminuit.Minuit(
            lambda z: float(energy(z, mass, g_x)[0]), start, grad=lambda z: np.asarray(energy(z, mass, g_x)[1])
        )
        fit.errordef = iminuit.Minuit.LIKELIHOOD
        # Stop where 1e-6 in ln L is left to gain; by default it is 1e-4, which is what is asserted.
        fit.tol = 1e-3
        fit.limits = [(np.log(1e-3), 0.0)] + [(None, None)] * len(like.nuisances)
        fit.migrad()
        ends.append(-fit.fval)
    return np.nanmax(ends)


@pytest.mark.slow
def test_cells_against_migrad_from_many_starts():
    """Ten cells of the real likelihood: ln L of iminuit, which knows of it nothing but value and gradient."""
    like, joint = likelihood("na64mu", "ess", "ess10"), profile("na64mu", "ess", "ess10")

    @jax.jit
    @jax.value_and_grad
    def energy(z, mass, g_x):
        return -like.log_density(lmt.HiddenPhoton(g_x, mass, -jnp.exp(z[0]) * g_x), z[1:])

    rng = np.random.default_rng(2)
    for i, j in zip(rng.integers(0, 25, 10), rng.integers(0, 24, 10), strict=True):
        starts = np.column_stack([rng.uniform(np.log(1e-3), 0.0, 16), 0.5 * rng.normal(size=(16, len(like.nuisances)))])
        best = migrad(like, energy, GRID["mass"][j], GRID["g_x"][i], starts)
        assert float(joint["log_likelihood"][i, j]) == pytest.approx(best, abs=1e-4)


def test_the_second_mode_of_ess10_is_an_island():
    null = lmt.asimov(lmt.LMU_LTAU, lmt.HiddenPhoton(0.0, 15.0, 0.0))
    like = likelihood("ess10", mixing="paper").with_data(null)
    found = upper_limit(
        profile_likelihood(like, {"g_x": np.geomspace(1e-5, 2e-3, 120), "mass": np.array([1.0, 100.0])}), "g_x"
    )
    assert found["islands"].values.tolist() == [1, 0]
    # Where chi = -Q_nuN in the middle of the bins: near 4.2e-4 at 1 MeV.
    assert float(found["island_lower"][0, 0]) < 4.2e-4 < float(found["island_upper"][0, 0])
    assert float(found["limit"][0]) < 3e-4


def test_pulls_of_a_shifted_flux():
    like = likelihood("na64mu", "ess", "ess10")
    found = nuisance_pulls(like.with_data(lmt.asimov(lmt.LMU_LTAU, BP1, {"systematic_ess": 1.06})))
    pull = found["pull"].to_series()
    assert 0.1 < pull["systematic_ess"] < 1.2  # 1.06 is 1.2 sigma; the boson takes a part of it
    assert abs(pull["form_factor_lead"]) < 0.05
    assert (found["width"] < 1.0 + 1e-6).all()
    assert found["impact_converged"].all()
    # Counts ~ g_x^2 times the form factor's scale: 4 % up means g_x 2 % down, and nothing else can follow.
    np.testing.assert_allclose(
        found["impact"].sel(nuisance="form_factor_lead", shift=1.0), -0.5 * np.log(1.04), rtol=2e-2
    )
