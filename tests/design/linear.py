"""A design that is solved on paper: one number, linear in the coupling, with Gaussian noise and a Gaussian offset.

d = a g/1e-4 + offset + noise with g ~ N(m, s) in units of 1e-4, offset ~ N(0, tau), noise ~ N(0, sigma); v = tau^2 +
sigma^2 and S = a^2 s^2 + v. Of a boson ln Z = ln N(d; a m, S), of none ln N(d; 0, v); the expected information gain is
ln(S/v)/2.
"""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import lmtbayes as lmt
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.terms import Gaussian

SLOPE, MEAN, WIDTH, OFFSET, NOISE = 1.0, 5.0, 0.6, 0.3, 0.4
MODEL = lmt.LMU_LTAU.with_mixing("paper")
V = OFFSET**2 + NOISE**2
S = (SLOPE * WIDTH) ** 2 + V


class Linear(Experiment):
    slope: float

    def _signal(self, model, photon, values):
        return jnp.atleast_1d(self.slope * photon.g_x / 1e-4 + values["offset"])


def linear(*, name="linear", slope=SLOPE, nuisances=None):
    declared = (lmt.Nuisance("offset", lmt.Gaussian(0.0, OFFSET), "adds", "made up"),)
    return Linear(
        description=Description(name, "Linear", "nobody", "projection"),
        binning=SINGLE_NUMBER,
        term=Gaussian(NOISE),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=None,
        slope=float(slope),
    )


def prior():
    coupling = dist.TruncatedNormal(MEAN * 1e-4, WIDTH * 1e-4, low=1e-6)
    return lmt.Prior(MODEL, {"g_x": coupling, "log10_mass": dist.Uniform(1.0, 1.1)})


def plan(experiment=None):
    own = prior()
    return lmt.design.Plan(
        [experiment or linear()],
        {"boson": own, "none": lmt.priors.no_boson(MODEL)},
        {
            "boson": lmt.design.Truth(MODEL, own, "boson"),
            "nothing": lmt.design.Truth(MODEL, lmt.HiddenPhoton.none(), "none"),
        },
    )


def log_bayes_factor(data):
    """Of a boson against none."""
    return -0.5 * (np.log(S / V) + (data - SLOPE * MEAN) ** 2 / S - data**2 / V)
