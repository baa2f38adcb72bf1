"""Toys with known posteriors, for the tests of grids, chains and their checkpoints."""

import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, scale, toy
from scipy.stats import truncnorm

import lmtbayes as lmt
from lmtbayes.experiments.terms import Gaussian, Poisson

TWO = lmt.priors.default(FIXED)
"""log10_g_x in (-5, -2), log10_mass in (0, 3)."""
THREE = lmt.priors.default(lmt.LMU_LTAU)


def measured(g_x, mass, eps_x, values):
    """log10 g and log10 M themselves."""
    return jnp.array([jnp.log10(g_x), jnp.log10(mass)])


def gaussian(means=(-3.2, 1.4), sigmas=(0.05, 0.2)):
    """Conjugate: a Gaussian posterior, cut by the box, of any width."""
    experiment = toy(measured, Gaussian(sigmas), 2)
    return lmt.JointLikelihood([experiment], FIXED, data={"toy": np.array(means)}, check=False)


def check_conjugate(found, means, sigmas):
    """4000 draws of `gaussian`, nearly independent, to five standard errors of the normal cut by the box."""
    for name, mean, sigma, (low, high) in zip(TWO.names, means, sigmas, [(-5.0, -2.0), (0.0, 3.0)], strict=True):
        draws = found["posterior"][name].values.ravel()
        exact = truncnorm((low - mean) / sigma, (high - mean) / sigma, mean, sigma)
        assert draws.mean() == pytest.approx(exact.mean(), abs=5 * sigma / np.sqrt(3000))
        assert draws.std() == pytest.approx(exact.std(), rel=5 / np.sqrt(2 * 3000))


def interference(g_x, mass, eps_x, values):
    """80 (1 - x)^2 in bin 0, x = g/3e-4, and 20 background: the same rate below and above x = 1. Bin 1 weighs M."""
    x = g_x / 3e-4
    return values.get("scale", 1.0) * jnp.array([80.0 * (1.0 - x) ** 2 + 20.0, 30.0 + 20.0 * jnp.log10(mass)])


def two_modes(g_x=1.5e-4, nuisances=True):
    experiment = toy(interference, Poisson(), 2, (scale(sigma=0.05),) if nuisances else ())
    photon = FIXED.hidden_photon(g_x, 30.0)
    return lmt.JointLikelihood([experiment], FIXED, data=lmt.asimov(FIXED, photon))


SHORT = {"chains": 4, "warmup": 60, "draws": 60, "chunk": 20, "progress": False}
