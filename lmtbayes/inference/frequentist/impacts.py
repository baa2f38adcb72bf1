"""Nuisances at the best fit: pulls, post-fit widths, correlations, and impacts on a parameter of the boson.

Widths and correlations come from the Hessian of -ln L in all free parameters at once (their marginal meaning, in the
Gaussian approximation). An impact is the shift of the parameter's best fit when one nuisance is held one post-fit
width above or below its own and everything else is fitted again.
"""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.inference.frequentist.best_fit import BestFit, best_fit
from lmtbayes.inference.frequentist.box import Box, logarithm, photon_at
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.nuisances.newton import derivatives, maximise

if TYPE_CHECKING:
    import xarray

_STEPS = 40


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
        Parameter of the impacts: "g_x", "mass", or "kappa" (-eps_x/g_x) where mixing is free.
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

    Raises
    ------
    InvalidArgument
        No nuisances, or an unknown parameter.
    """
    import xarray

    check_likelihood(like)
    if fit is not None and not isinstance(fit, BestFit):
        raise _checks.invalid("fit", type(fit).__name__, "a BestFit, or None to find it")
    if not like.nuisances:
        raise _checks.invalid("like", like.nuisance_names, "a likelihood that has nuisances")
    box = Box.of(like.model) if box is None else box
    _checks.one_of("of", of, box.names)
    fit = best_fit(like, box=box) if fit is None else fit
    size = len(box.names)
    start = {"g_x": fit.g_x, "mass": fit.mass, "eps_x": fit.eps_x, "kappa": abs(fit.eps_x) / fit.g_x}
    x = np.concatenate([logarithm(name, [start[name]]) for name in box.names])
    z = jnp.asarray(np.concatenate([x, list(fit.pulls.values())]))

    free = np.array([name not in fit.at_edge for name in box.names] + [True] * len(like.nuisances))
    hessian = like.compiled(_hessian, box.names)
    covariance, known = _covariance(np.asarray(hessian(z, like.data)), free, size)
    width = np.sqrt(np.diag(covariance))
    names = [*box.names, *like.nuisance_names]
    parameters = np.flatnonzero(free)

    refit = like.compiled(_refits, box.names)
    shifts = np.array([-1.0, 1.0])
    held = np.repeat(np.arange(size, len(names)), 2)
    to = np.asarray(z)[held] + np.tile(shifts, len(like.nuisances)) * width[held]
    edges = np.full(len(like.nuisances), np.inf)
    low, high = (
        np.tile(np.concatenate([edge, sign * edges]), (held.size, 1))
        for edge, sign in ((box.low, -1.0), (box.high, 1.0))
    )
    rows = np.arange(held.size)
    low[rows, held] = high[rows, held] = to
    # A start on the linear prediction: the others follow by their correlation with the one that is moved.
    begin = np.clip(np.asarray(z) + _follow(covariance, held, to - np.asarray(z)[held]), low, high)
    ends, converged = refit(jnp.asarray(begin), jnp.asarray(low), jnp.asarray(high), jnp.asarray(held), like.data)
    impact = np.asarray(ends)[:, box.names.index(of)] - x[box.names.index(of)]

    scaled = covariance[np.ix_(parameters, parameters)] / np.outer(width[parameters], width[parameters])
    labels = [names[i] if i >= size else f"ln {names[i]}" for i in parameters]
    two = ("nuisance", "shift")
    variables: dict[str, Any] = {
        "pull": ("nuisance", np.asarray(z)[size:], {"units": "prefit standard deviations"}),
        "width": ("nuisance", width[size:], {"units": "prefit standard deviations"}),
        "value": ("nuisance", [float(v) for v in like.joint.nuisance_values(z[size:]).values()]),
        "impact": (two, impact.reshape(-1, 2), {"long_name": f"shift of ln {of}", "units": "1"}),
        "impact_converged": (two, np.asarray(converged).reshape(-1, 2)),
        "correlation": (("parameter", "parameter_2"), scaled, {"long_name": "correlation matrix", "units": "1"}),
    }
    coords = {"nuisance": list(like.nuisance_names), "shift": shifts, "parameter": labels, "parameter_2": labels}
    attrs = {
        "photon_known": int(known),
        "impact_of": of,
        "g_x": fit.g_x,
        "mass": fit.mass,
        "eps_x": fit.eps_x,
        "log_likelihood": fit.log_likelihood,
    }
    return xarray.Dataset(variables, coords, attrs)


def _joint(joint: JointModel, names: tuple[str, ...], data: Data) -> Any:
    def density(z: Float[Array, " n"]) -> Float[Array, ""]:
        photon = photon_at(joint.model, dict(zip(names, z[: len(names)], strict=True)))
        return joint.log_density(photon, z[len(names) :], data)

    return density


def _hessian(joint: JointModel, names: tuple[str, ...]) -> Any:
    return jax.jit(lambda z, data: derivatives(_joint(joint, names, data), z)[2])


def _refits(joint: JointModel, names: tuple[str, ...]) -> Any:
    return jax.jit(jax.vmap(_refit(joint, names), (0, 0, 0, 0, None)))


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


def _follow(covariance: np.ndarray, held: np.ndarray, moved: np.ndarray) -> np.ndarray:
    rows = covariance[held] / covariance[held, held][:, None] * moved[:, None]
    return np.nan_to_num(rows)


def _refit(joint: JointModel, names: tuple[str, ...]) -> Any:
    """Fit again with one coordinate held: its box has no width, and its gradient is taken out."""

    def one(begin: Array, low: Array, high: Array, held: Array, data: Data) -> tuple[Float[Array, " n"], Array]:
        density = _joint(joint, names, data)
        is_held = jnp.arange(begin.shape[-1]) == held

        def local(point: Array) -> tuple[Array, Array, Array]:
            value, gradient, precision = derivatives(density, point)
            gradient = jnp.where(is_held, 0.0, gradient)
            return value, gradient, jnp.where(is_held | is_held[:, None], jnp.eye(begin.shape[-1]), precision)

        end = maximise(density, begin, _STEPS, (low, high), local)
        return end.point, end.converged

    return one
