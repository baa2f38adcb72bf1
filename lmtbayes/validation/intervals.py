"""Coverage of regions and intervals at given truths: profile regions, credible regions and credible intervals.

A frequentist region covers a given truth with its level, up to what chi^2 is wrong by; a credible one covers truths
that are drawn from the prior, and a given one by no law at all. Both are counted here at the same truths and in the
same toys: BP1 to BP4, no boson, and the middles of the edges of the box.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax
import numpy as np

from lmtbayes.gauge.models import BENCHMARKS, GaugeModel, HiddenPhoton
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.toys import toy_test_statistics
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.nuisances.at_points import log_likelihood_at
from lmtbayes.inference.priors import Prior
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray as xr

TRUTHS = (*BENCHMARKS, "none", "low g_x", "high g_x", "low mass", "high mass")
"""At which coverage is counted; the last four are the middles of the edges of the box."""
INTERVAL = 0.90
"""Level of the central intervals of one coordinate."""


def truth(name: str, model: GaugeModel, bounds: Mapping[str, tuple[float, float]]) -> HiddenPhoton:
    """Return the photon of one of `TRUTHS`.

    Parameters
    ----------
    name
        One of `TRUTHS`; "none" is a boson without couplings.
    model
        Of the fits. Where its mixing is free, a benchmark has its own and an edge the middle of the range of kappa.
    bounds
        Ranges of the fit: g_x, mass [MeV] and, where the mixing is free, kappa. Middles are those of the logarithm.
    """
    if name == "none":
        return HiddenPhoton.none()
    middle = {key: float(np.sqrt(low * high)) for key, (low, high) in bounds.items()}
    if name in tuple(BENCHMARKS):
        photon = BENCHMARKS[name]
        if model.mixing == "free":
            return photon
        return model.hidden_photon(float(photon.g_x), float(photon.mass))
    side, parameter = name.split(" ")
    middle[parameter] = bounds[parameter][0 if side == "low" else 1]
    if model.mixing == "free":
        return HiddenPhoton(middle["g_x"], middle["mass"], float(model.mixing_sign) * middle["kappa"] * middle["g_x"])
    return model.hidden_photon(middle["g_x"], middle["mass"])


def intervals_study(
    like: JointLikelihood,
    prior: Prior,
    name: str,
    size: int,
    *,
    bounds: Mapping[str, tuple[float, float]],
    seed: int = 0,
    first: int = 0,
) -> "xr.Dataset":
    """Count what holds the truth, toy by toy.

    Parameters
    ----------
    like, prior
        Of one model; the likelihood's data do not matter.
    name
        One of `TRUTHS`.
    size, first
        Toys, and the number of the first of them.
    bounds
        Ranges of the profile's fits, as for `toy_test_statistics`; those of the prior.
    seed
        Equal seeds give equal toys, whatever their chunks.

    Returns
    -------
    study
        By toy: `q` at the truth, of which chi^2 makes profile regions (fits of `toy_test_statistics`); `credibility`,
        the posterior probability of what is more probable than the truth, of which a highest-density region of level c
        holds the truth where it is below c (density in the logarithms of the parameters, nuisances integrated, on the
        posterior's cells); `below` (coordinate): the posterior probability below the truth, of which a central
        interval of level c holds the truth within (1 +- c)/2. A boson that is not there has no place in the box: its
        credibility and `below` are those of the lowest coupling and the middle mass.
    """
    import xarray as xr

    photon = truth(name, like.model, bounds)
    # Toys of the profile's fits and of the posterior are drawn from keys of their own: each is a fair sample.
    toys = toy_test_statistics(like, photon, size, seed=seed, bounds=bounds, first=first)
    inside = truth("low g_x", like.model, bounds) if name == "none" else photon
    credibility, below, devices = np.zeros(size), np.zeros((size, len(prior.names))), resolve_devices(None)
    for k in range(size):
        key, *keys = jax.random.split(
            jax.random.fold_in(jax.random.key(seed), first + k), 1 + len(like.joint.experiments)
        )
        toy = like.with_data(draw(like.joint, keys, photon, like.joint.constraints.sample(key, apart=True)))
        grid = posterior_grid(toy, prior)
        own = Space(like.joint, prior, grid.measure)
        at = own.units(_coordinates(inside, prior))
        # ln of the likelihood alone: the density in coordinates in which the prior is flat.
        density = grid.log_density - own.log_ratios(grid.cells.centre, devices)
        here = float(log_likelihood_at(toy, inside, nuisances="marginalised"))
        credibility[k] = float(np.sum(grid.weights[density > here]))
        for axis, coordinate in enumerate(prior.names):
            below[k, axis] = float(grid.cumulative(coordinate, np.clip(at[:, axis], 0.0, 1.0))[0])
    return xr.Dataset(
        {
            "q": ("toy", toys.q, {"long_name": "-2 ln lambda at the truth"}),
            "converged": ("toy", toys.converged, {"long_name": "fit converged"}),
            "credibility": ("toy", credibility, {"long_name": "posterior probability of higher density"}),
            "below": (("toy", "coordinate"), below, {"long_name": "posterior probability below the truth"}),
        },
        coords={"toy": np.arange(first, first + size), "coordinate": list(prior.names)},
    )


def _coordinates(photon: HiddenPhoton, prior: Prior) -> dict[str, np.ndarray]:
    """The prior's coordinates of a photon, (1,) each."""
    g_x, mass, eps_x = (float(np.asarray(x)) for x in (photon.g_x, photon.mass, photon.eps_x))
    values = {"log10_g_x": g_x, "log10_mass": mass, "log10_kappa": abs(eps_x) / g_x}
    return {name: np.log10([values[name]]) for name in prior.names}


def coverage_of(
    q: np.ndarray, credibility: np.ndarray, below: np.ndarray, coordinates: tuple[str, ...]
) -> dict[str, tuple[float, float, float]]:
    """Return what was counted: name of the region to (nominal level, part that holds the truth, its binomial error)."""
    found = {}
    for level in LEVELS:
        freedom = below.shape[1]
        found[f"profile region {level:.2%}"] = (level, *fraction(q < threshold(level, freedom)))
        found[f"credible region {level:.2%}"] = (level, *fraction(credibility < level))
    for axis, name in enumerate(coordinates):
        tail = 0.5 * (1.0 - INTERVAL)
        held = (below[:, axis] > tail) & (below[:, axis] < 1.0 - tail)
        found[f"central credible interval of {name}, {INTERVAL:.0%}"] = (INTERVAL, *fraction(held))
    return found


def fraction(held: np.ndarray) -> tuple[float, float]:
    """Part that is true and its binomial error, which is not zero where all are."""
    part, size = float(np.mean(held)), len(held)
    return part, float(np.sqrt(max(part * (1.0 - part), 1.0 / size) / size))
