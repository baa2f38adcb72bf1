"""A counter of two bins in the registry, whose exposure multiplies all that it counts: signal and background."""

import contextlib

import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.experiments import registry
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.terms import Poisson

MODEL = lmt.LMU_LTAU.with_mixing("paper")
PHOTON = MODEL.hidden_photon(5e-4, 30.0)
SHAPE = np.array([8.0, 4.0])


class Counting(Experiment):
    exposure: float
    background: float

    def _signal(self, model, photon, values):
        return values["flux"] * self.exposure * (photon.g_x / 5e-4) ** 2 * SHAPE

    def _background(self, values):
        return self.exposure * self.background * jnp.ones(2)


def counting(*, name="counting", exposure=1.0, background=3.0, flux_error=0.1, nuisances=None):
    declared = (lmt.Nuisance("flux", lmt.Gaussian(1.0, flux_error), "scales the signal", "made up"),)
    return Counting(
        description=Description(name, "Counting", "nobody", "projection"),
        binning=Binning(np.array([0.0, 1.0, 2.0]), "keV", "recoil energy"),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=None,
        exposure=exposure,
        background=background,
    )


@contextlib.contextmanager
def registered():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
        lmt.register("counting", counting)
        yield


def plan(**values):
    return lmt.design.Plan(
        [lmt.design.Option("counting", **values)],
        {"boson": lmt.priors.default(MODEL, mass=(20.0, 21.0)), "none": lmt.priors.no_boson(MODEL)},
        {
            "boson": lmt.design.Truth(MODEL, PHOTON, "boson"),
            "nothing": lmt.design.Truth(MODEL, lmt.HiddenPhoton.none(), "none"),
        },
    )
