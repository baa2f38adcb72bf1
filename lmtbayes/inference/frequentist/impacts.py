"""Nuisances at the best fit: pulls, post-fit widths, correlations, and impacts on a parameter of the boson.

With H the Hessian of -ln L in all free parameters at once, at the best fit, and V its inverse, the covariance in the
Gaussian approximation,

    width_i = V_ii^(1/2),   correlation_ij = V_ij/(V_ii V_jj)^(1/2).

The impact of nuisance i on a parameter theta is the shift of its best fit when the nuisance is held one post-fit width
above or below its own best value, and everything else is fitted again,

    impact_i = ln theta(pull_i = best_i +- width_i) - ln theta(best),

which is +- V_i,theta/V_ii^(1/2) where ln L is quadratic. Impacts are no uncertainty components: their squares do not
add up to a variance (arXiv:2307.04007).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from lmtbayes import _checks
from lmtbayes._compile import compile_large
from lmtbayes.inference.frequentist.best_fit import BestFit, best_fit
from lmtbayes.inference.frequentist.box import Box, logarithm, photon_at, physical
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.newton import Maximum, derivatives, maximise

if TYPE_CHECKING:
    import xarray

_STEPS = 40
_SHIFTS = np.array([-1.0, 1.0])
"""Of a nuisance that is held, in its post-fit widths."""


def nuisance_pulls(
    like: JointLikelihood, fit: BestFit | None = None, *, of: str = "g_x", box: Box | None = None
) -> "xarray.Dataset":
    """Pulls of the nuisances at the best fit, what the data know of them, and their impact on a parameter.

    Parameters
    ----------
    like
        The likelihood and its data.
    fit
        Its best fit; found anew by default.
    of
        Parameter of the impacts: "g_x", "mass", or "kappa" where mixing is free.
    box
        Ranges within which everything else is fitted again; the default ones by default.

    Returns
    -------
    pulls
        Over `nuisance`: `pull`; `width`, its post-fit standard deviation (1 where the data say nothing); `value`, the
        physical one; `impact` (dimension `shift`: -1 and +1 width) on ln of the parameter, that is relative, and
        `impact_converged`. `correlation` over `parameter` twice: log parameters of the boson that are not on an edge
        of their range, then nuisances. `photon_known`: 0 where the data do not fix the boson (the Hessian is no
        maximum's, as without a signal); widths and correlations are then those at a fixed boson, NaN for the boson.
        `plotting.pulls` draws them: `pull_plot(axis, names, pull, width)`, `impact_plot(axis, names, impact)`.

    Raises
    ------
    InvalidArgument
        No nuisances, or an unknown parameter.

    References
    ----------
    A. Pinto et al., Uncertainty components in profile likelihood fits, Eur. Phys. J. C 84 (2024) 593, arXiv:2307.04007.
    """
    check_likelihood(like)
    if fit is not None and not isinstance(fit, BestFit):
        raise _checks.invalid("fit", type(fit).__name__, "a BestFit, or None to find it")
    if not like.nuisances:
        raise _checks.invalid("like", like.nuisance_names, "a likelihood that has nuisances")
    box = Box.of(like.model, experiments=like.experiments) if box is None else box
    _checks.one_of("of", of, box.names)
    fit = best_fit(like, box=box) if fit is None else fit
    best, free = _coordinates(box, fit), _free(like, box, fit)
    precision = np.asarray(like.compiled(_hessian, box.names)(jnp.asarray(best), like.data))
    covariance, known = _covariance(precision, free, len(box.names))
    ends, converged = _held(like, box, best, covariance)
    axis = box.names.index(of)
    impacts = (ends.reshape(-1, 2, best.size)[..., axis] - best[axis], converged.reshape(-1, 2))
    attrs = {
        "photon_known": int(known),
        "impact_of": of,
        "g_x": fit.g_x,
        "mass": fit.mass,
        "eps_x": fit.eps_x,
        "log_likelihood": fit.log_likelihood,
    }
    return _dataset(like, box, best, covariance, free, impacts, attrs)


def _coordinates(box: Box, fit: BestFit) -> Float[np.ndarray, " n"]:
    """Coordinates of the box and pulls at a best fit."""
    at = physical(box.model, fit.g_x, fit.mass, fit.eps_x)
    return np.concatenate([*(logarithm(name, [at[name]]) for name in box.names), list(fit.pulls.values())])


def _free(like: JointLikelihood, box: Box, fit: BestFit) -> Bool[np.ndarray, " n"]:
    """What is not held by an edge of the box."""
    return np.array([name not in fit.at_edge for name in box.names] + [True] * len(like.nuisances))


def _held(
    like: JointLikelihood, box: Box, best: Float[np.ndarray, " n"], covariance: Float[np.ndarray, "n n"]
) -> tuple[Float[np.ndarray, "fits n"], Bool[np.ndarray, " fits"]]:
    """Fit again with every nuisance held, one after the other, one width below its best value and one above it."""
    size = len(box.names)
    held = np.repeat(np.arange(size, best.size), 2)
    moved = np.tile(_SHIFTS, len(like.nuisances)) * np.sqrt(np.diag(covariance))[held]
    edges = np.full(len(like.nuisances), np.inf)
    low = np.tile(np.concatenate([box.low, -edges]), (held.size, 1))
    high = np.tile(np.concatenate([box.high, edges]), (held.size, 1))
    rows = np.arange(held.size)
    low[rows, held] = high[rows, held] = best[held] + moved
    # A start on the linear prediction: the others follow by their correlation with the one that is moved.
    follow = np.nan_to_num(covariance[held] / covariance[held, held][:, None] * moved[:, None])
    begin = np.clip(best + follow, low, high)
    ends = like.compiled(_refits, box.names)(jnp.asarray(begin), jnp.asarray(low), jnp.asarray(high), like.data)
    return np.asarray(ends.point), np.asarray(ends.converged)


def _dataset(
    like: JointLikelihood,
    box: Box,
    best: Float[np.ndarray, " n"],
    covariance: Float[np.ndarray, "n n"],
    free: Bool[np.ndarray, " n"],
    impacts: tuple[Float[np.ndarray, "nuisances 2"], Bool[np.ndarray, "nuisances 2"]],
    attrs: Mapping[str, Any],
) -> "xarray.Dataset":
    import xarray

    size, parameters = len(box.names), np.flatnonzero(free)
    names = [*(f"ln {name}" for name in box.names), *like.nuisance_names]
    labels = [names[i] for i in parameters]
    width = np.sqrt(np.diag(covariance))
    correlation = covariance[np.ix_(parameters, parameters)] / np.outer(width[parameters], width[parameters])
    values = [float(value) for value in like.joint.nuisance_values(jnp.asarray(best[size:])).values()]
    two = ("nuisance", "shift")
    variables: dict[str, Any] = {
        "pull": ("nuisance", best[size:], {"units": "prefit standard deviations"}),
        "width": ("nuisance", width[size:], {"units": "prefit standard deviations"}),
        "value": ("nuisance", values),
        "impact": (two, impacts[0], {"long_name": f"shift of ln {attrs['impact_of']}", "units": "1"}),
        "impact_converged": (two, impacts[1]),
        "correlation": (("parameter", "parameter_2"), correlation, {"long_name": "correlation matrix", "units": "1"}),
    }
    coords = {"nuisance": list(like.nuisance_names), "shift": _SHIFTS, "parameter": labels, "parameter_2": labels}
    return xarray.Dataset(variables, coords, dict(attrs))


def _joint(joint: JointModel, names: tuple[str, ...], data: Data) -> Any:
    def density(z: Float[Array, " n"]) -> Float[Array, ""]:
        photon = photon_at(joint.model, dict(zip(names, z[: len(names)], strict=True)))
        return joint.log_density(photon, z[len(names) :], data)

    return density


def _hessian(joint: JointModel, names: tuple[str, ...]) -> Any:
    return compile_large(lambda z, data: derivatives(_joint(joint, names, data), z)[2])


def _refits(joint: JointModel, names: tuple[str, ...]) -> Any:
    """Fit again from every start in a box of its own, in which one coordinate is held: that has no width."""

    def one(begin: Array, low: Array, high: Array, data: Data) -> Maximum:
        return maximise(_joint(joint, names, data), begin, _STEPS, (low, high))

    return compile_large(jax.vmap(one, (0, 0, 0, None)))


def _covariance(precision: np.ndarray, free: np.ndarray, size: int) -> tuple[np.ndarray, bool]:
    """Inverse of the free block, zero elsewhere; of the nuisances alone where the boson is not known."""
    for attempt in (free, free & (np.arange(free.size) >= size)):
        block = precision[np.ix_(attempt, attempt)]
        scale = np.sqrt(np.maximum(np.abs(np.diag(block)), 1e-12))
        if np.linalg.eigvalsh(block / np.outer(scale, scale)).min() > 1e-10:
            covariance = np.full(precision.shape, 0.0)
            covariance[np.ix_(attempt, attempt)] = np.linalg.inv(block)
            unknown = free & ~attempt
            covariance[np.ix_(unknown, unknown)] = np.nan
            return covariance, bool(np.array_equal(attempt, free))
    raise np.linalg.LinAlgError("the nuisances are not at a maximum of the likelihood")
