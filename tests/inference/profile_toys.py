"""Small experiments with known answers, for the tests of everything that optimises or integrates over nuisances."""

from collections.abc import Callable, Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import lmtbayes as lmt
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.terms import Term
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton


class Toy(Experiment):
    """Counts given by a plain function of (g_x, mass, eps_x, nuisance values)."""

    rate: Callable[..., Array] = eqx.field(static=True)

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return self.rate(photon.g_x, photon.mass, photon.eps_x, values)


def toy(
    rate: Callable[..., Array], term: Term, bins: int, nuisances: tuple[Nuisance, ...] = (), name: str = "toy"
) -> Toy:
    return Toy(
        description=Description(name, name, "none", "projection"),
        binning=Binning(np.arange(bins + 1.0), "", "bin"),
        term=term,
        declared=nuisances,
        active=tuple(n.name for n in nuisances),
        observed=None,
        rate=rate,
    )


PHOTON = lmt.BENCHMARKS["BP1"]
FIXED = lmt.LMU_LTAU.with_mixing("paper")


def scale(name: str = "scale", sigma: float = 0.1) -> Nuisance:
    return Nuisance(name, lmt.Gaussian(1.0, sigma), "scales the rate")


def counts(g_x, mass, eps_x, values):
    """Three bins of 0.6 g^2 s(M) each, times a scale, over a tilted background; g in units of 5e-4."""
    shape = jnp.array([9.0, 6.0, 2.0]) * jnp.exp(-jnp.arange(3) * mass / 100.0)
    background = jnp.array([3.0, 2.0, 1.0]) * (1.0 + jnp.array([0.2, 0.0, -0.2]) * values.get("tilt", 0.0))
    return values.get("scale", 1.0) * shape * (g_x / 5e-4) ** 2 + background * values.get("level", 1.0)
