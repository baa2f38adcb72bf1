"""Experiments of three bins, registered for these tests: a job takes names, as a user's own experiment would be."""

import contextlib

import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.experiments import registry
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.terms import Poisson

FLUX = lmt.Nuisance("flux", lmt.Gaussian(1.0, 0.1), "scales the signal", "made up")


class ThreeBins(Experiment):
    """Counts of a boson that fall with its mass, over a flat background; a flux of 10 % if it is declared."""

    strength: float
    background: float

    def _signal(self, model, photon, values):
        shape = jnp.array([9.0, 6.0, 3.0]) * jnp.exp(-jnp.arange(1, 4) * photon.mass / 60.0)
        return values.get("flux", 1.0) * self.strength * model.charges["mu"] ** 2 * (photon.g_x / 5e-4) ** 2 * shape

    def _background(self, values):
        return self.background * jnp.ones(3)


def three_bins(own_name, declared=(), observed=None):
    def build(*, name=own_name, strength=4.0, background=2.0):
        status = "projection" if observed is None else "data"
        return ThreeBins(
            description=Description(name, "Three bins", "nobody, never", status),
            binning=Binning(np.array([0.0, 1.0, 2.0, 4.0]), "keV", "recoil energy"),
            term=Poisson(),
            declared=declared,
            active=active_names(declared, None),
            observed=observed,
            strength=float(strength),
            background=float(background),
        )

    return build


@contextlib.contextmanager
def registered():
    """For as long as it lasts: settings name what is registered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
        lmt.register("three-bins", three_bins("three-bins"))
        lmt.register("three-bins-flux", three_bins("three-bins-flux", (FLUX,)))
        lmt.register("three-bins-seen", three_bins("three-bins-seen", observed=np.array([9.0, 4.0, 2.0])))
        yield
