"""Toy experiments of the tests: small enough to be solved on paper, built as a user would build their own."""

import jax.numpy as jnp
import numpy as np

import lmtbayes as lmt
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.terms import Poisson

BINS = Binning(np.array([0.0, 1.0, 2.0, 3.0]), "keV", "recoil energy")


class Counter(Experiment):
    """Counts scale * (g_x/1e-3)^2 * (1, 2, 3) + background, with a flux and a background nuisance."""

    scale: float
    background: float

    def _signal(self, model, photon, values):
        return values["flux"] * self.scale * model.charges["mu"] ** 2 * (photon.g_x / 1e-3) ** 2 * jnp.arange(1.0, 4.0)

    def _background(self, values):
        return values["background"] * self.background * jnp.ones(3)


FLUX = lmt.Nuisance("flux", lmt.Gaussian(1.0, 0.1), "scales the signal", "made up")
BACKGROUND = lmt.Nuisance("background", lmt.LogNormal(1.0, 1.5), "scales the background", "made up")


def counter(name="counter", scale=10.0, background=4.0, nuisances=None, observed=None, flux=FLUX, term=None):
    declared = (flux, BACKGROUND)
    return Counter(
        description=Description(name, "A counter", "nobody, never", "projection" if observed is None else "data"),
        binning=BINS,
        term=term or Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=observed,
        scale=scale,
        background=background,
    )
