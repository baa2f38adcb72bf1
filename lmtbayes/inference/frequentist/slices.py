"""A profile's variables along one parameter: its slices, a variable between its points, the limit of counts in it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from lmtbayes.inference.frequentist.axes import axis_of, value_of
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.counting import TOTAL_SUFFICES
from lmtbayes.inference.frequentist.crossings import Slice, falls_below, of_probability, to_probability
from lmtbayes.inference.frequentist.zero_coupling import NAME as AT_ZERO

if TYPE_CHECKING:
    import xarray

_TRANSFORMS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "expected_events": (np.log, np.exp),
    "count_p_value": (of_probability, to_probability),
}
"""In which a variable is nearly a straight line of the logarithm of a coupling, and back."""


def along(profile: "xarray.Dataset", parameter: str, name: str) -> Float[np.ndarray, "others points"]:
    """Return a variable along one parameter, one row for each value of the other one."""
    other = [str(dim) for dim in profile["q"].dims if dim != parameter]
    return np.atleast_2d(profile[name].transpose(*other, parameter).values)


def slices(profile: "xarray.Dataset", parameter: str) -> list[Slice]:
    """Return q along one parameter, for every value of the other one."""
    x, table = axis_of(parameter, profile[parameter].values), np.minimum(along(profile, parameter, "q"), 1e12)
    if parameter == "eps_x":  # so that x runs upwards from zero
        x, table = -x[::-1], table[:, ::-1]
    if AT_ZERO.format(parameter) not in profile:
        return [Slice(x, row, None) for row in table]
    at_zero = np.ravel(profile[AT_ZERO.format(parameter)].values)
    zero = 2.0 * (profile.attrs["best_log_likelihood"] - at_zero)
    return [Slice(x, row, float(q)) for row, q in zip(table, zero, strict=True)]


def critical_along(
    profile: "xarray.Dataset", parameter: str, calibration: Calibration, cl: float, tails: str
) -> list[Float[np.ndarray, "slices points"]]:
    """Return critical values, and the ends of their errors, at the points of `slices`."""
    dims = [str(dim) for dim in profile["q"].dims]
    shaped = {d: np.reshape(profile[d].values, [-1 if d == e else 1 for e in dims]) for d in dims}
    found = calibration.at(cl, shaped, tails)
    tables = [np.atleast_2d(np.moveaxis(table, dims.index(parameter), -1)) for table in found]
    return [table[:, ::-1] for table in tables] if parameter == "eps_x" else tables


def at(profile: "xarray.Dataset", parameter: str, name: str, where: "xarray.DataArray") -> "xarray.DataArray":
    """Return a variable at values of one parameter, `where` having the other one; NaN where it is not known."""
    import xarray

    if name not in profile:
        return xarray.full_like(where, np.nan).assign_attrs({"units": "1"})
    forward, back = _TRANSFORMS.get(name, (np.asarray, np.asarray))
    x, rows = axis_of(parameter, profile[parameter].values), along(profile, parameter, name)
    points = axis_of(parameter, where.values.ravel()).reshape(len(rows), -1)
    found = np.full(points.shape, np.nan)
    for own, row, value in zip(found, rows, points, strict=True):
        if np.isfinite(row).all():
            own[:] = back(PchipInterpolator(x, forward(row), extrapolate=False)(value))
        elif np.isposinf(row).all():
            own[:] = np.where(np.isnan(value), np.nan, np.inf)
    return xarray.DataArray(found.reshape(where.shape), where.coords, where.dims, attrs=profile[name].attrs)


def counted_limit(profile: "xarray.Dataset", guess: "xarray.DataArray", cl: float) -> "xarray.DataArray":
    """Return the exact one-sided limit of g_x of a likelihood of counts, at every value of the other parameter.

    Parameters
    ----------
    profile
        With `count_p_value` and `count_information`, or without: then the limit is not known.
    guess
        Where it is about, NaN below the grid: there the total count must hold most of the information.
    cl
        Of a one-sided limit.

    Returns
    -------
    limit
        NaN where it cannot be had; 0 where the lowest couplings are excluded too; inf where none is.
    """
    limit = guess.copy(data=np.full(guess.shape, np.nan))
    if "count_p_value" not in profile:
        return limit
    x = axis_of("g_x", profile["g_x"].values)
    information = at(profile, "g_x", "count_information", guess.fillna(profile["g_x"].values[0]))
    found = []
    for row, part in zip(along(profile, "g_x", "count_p_value"), np.ravel(information.values), strict=True):
        crossing = falls_below(x, row, 1.0 - cl) if part >= TOTAL_SUFFICES else np.nan
        found.append(crossing)
    return limit.copy(data=value_of("g_x", np.array(found)).reshape(guess.shape))


def half_way(less: "xarray.DataArray", more: "xarray.DataArray", found: "xarray.Dataset") -> np.ndarray:
    """Half of the distance of ends of intervals, one by one; NaN in slices with another number of them."""
    shape = found["lower"].shape
    pair = [np.full(shape, np.nan) for _ in range(2)]
    for to, given in zip(pair, (less, more), strict=True):
        to[..., : given.shape[-1]] = given.values[..., : shape[-1]]
    counts = [np.sum(~np.isnan(x), axis=-1, keepdims=True) for x in (found["lower"].values, less.values, more.values)]
    alike = (counts[0] == counts[1]) & (counts[0] == counts[2])
    return np.where(alike, 0.5 * np.abs(pair[1] - pair[0]), np.nan)
