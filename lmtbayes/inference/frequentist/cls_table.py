"""What a CLs limit found, as an xarray Dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from lmtbayes._version import versions
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.cls_fits import Statistics
from lmtbayes.inference.frequentist.cls_formulas import N_SIGMA
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.parameters import described

if TYPE_CHECKING:
    import xarray

STATUS = ("limit", "not_excluded", "excluded_from_the_smallest")
_LABELS = {
    "q": "observed q~, one-sided",
    "q_asimov": "q~ of the data that no boson predicts",
    "cls": "CLs",
    "cls_error": "Monte Carlo error of CLs",
    "p_signal": "p_mu: part of the toys with a boson at the observed q~ or above",
    "p_background": "1 - p_b: part of the toys without a boson at the observed q~ or above",
    "converged": "part of the toys' fits that converged",
}
ABOUT_BANDS = "limit on g_x expected without a boson, where the data fluctuate by n_sigma"


@dataclass(frozen=True, eq=False)
class Found:
    """Couplings tested at each mass, in logarithms, and what came out."""

    x: Float[np.ndarray, "masses points"]
    limit: Float[np.ndarray, " masses"]
    """inf where nothing is excluded, -inf where everything is."""
    band: Float[np.ndarray, "masses bands"]
    observed: Statistics
    pulls: Float[np.ndarray, "cells nuisances"]
    """At the observed optimum of each tested coupling."""
    variables: Mapping[str, Float[np.ndarray, "masses points"]]
    errors: tuple[Float[np.ndarray, " masses"], Float[np.ndarray, "masses bands"]] | None = None
    """Of toys: relative ones of limit and bands."""


def status_of(limit: Float[np.ndarray, " masses"]) -> np.ndarray:
    """Status of the logarithm of a limit."""
    return np.where(np.isfinite(limit), 0, np.where(limit > 0.0, 1, 2)).astype(np.int8)


def couplings_of(limit: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Couplings of logarithms; NaN where there is no limit."""
    return np.exp(np.where(np.isfinite(limit), limit, np.nan))


def cls_dataset(
    like: JointLikelihood,
    box: Box,
    mass: Float[np.ndarray, " masses"],
    found: Found,
    events: Float[np.ndarray, " masses"],
    cl: float,
    options: Mapping[str, Any],
) -> "xarray.Dataset":
    """Join everything; see `cls_limit` for the variables."""
    import xarray

    unit, two = {"units": "1"}, ("mass", "n_sigma")
    limit, band = couplings_of(found.limit), couplings_of(found.band)
    middle = int(np.flatnonzero(N_SIGMA == 0.0)[0])
    label = f"{100 * cl:g} % CLs upper limit on g_x"
    flags = {"flag_values": np.arange(len(STATUS), dtype=np.int8), "flag_meanings": " ".join(STATUS)}
    variables: dict[str, Any] = {
        "limit": ("mass", limit, {"long_name": label, **unit}),
        "status": ("mass", status_of(found.limit), flags),
        "expected": ("mass", band[:, middle], {"long_name": f"median {label} without a boson", **unit}),
        "band": (two, band, {"long_name": ABOUT_BANDS, **unit}),
        "expected_events": (
            "mass",
            np.where(np.isnan(limit), np.nan, events),
            {"long_name": "expected events at the limit, by the skewness of the score", **unit},
        ),
        "g_x": (("mass", "point"), np.exp(found.x), described("g_x", like.model.mixing_sign)),
    }
    if found.errors is not None:
        about = {"long_name": "Monte Carlo error, one standard deviation", **unit}
        errors = limit * found.errors[0], band * found.errors[1]
        variables |= {
            "limit_error": ("mass", errors[0], about),
            "expected_error": ("mass", errors[1][:, middle], about),
            "band_error": (two, errors[1], about),
        }
    for name, values in found.variables.items():
        variables[name] = (("mass", "point"), values, {"long_name": _LABELS[name], **unit})
    coords = {
        "mass": ("mass", mass, described("mass", like.model.mixing_sign)),
        "n_sigma": ("n_sigma", N_SIGMA, {"long_name": "fluctuation of the data without a boson", **unit}),
    }
    return xarray.Dataset(variables, coords, _attributes(like, box, cl) | dict(options))


def _attributes(like: JointLikelihood, box: Box, cl: float) -> dict[str, Any]:
    return {
        "title": "CLs limit",
        "parameter": "g_x",
        "cl": cl,
        "statistic": "q~(g_x) = 2 [max over 0 <= g' <= g_x of ln L - ln L(g_x)], arXiv:1007.1727, Eq. 16",
        "experiments": ", ".join(e.name for e in like.experiments),
        "model": like.model.name,
        "mixing": like.model.mixing,
        "profiled": ", ".join([name for name in box.names if name not in ("g_x", "mass")] + list(like.nuisance_names)),
        "ranges": box.describe(),
        **{f"{package}_version": number for package, number in versions().items()},
    }
