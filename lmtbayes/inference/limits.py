"""Intervals and upper limits of one parameter from a profile likelihood, every allowed region reported.

A parameter's profile is q = 2 [max ln L - ln L(value)]; the allowed values are those with q below a threshold. There
may be more than one region: a recoil rate whose interference term is twice the Standard Model's amplitude looks like
none.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtri

from lmtbayes import _checks
from lmtbayes.inference.contours import axis_of, provenance, threshold, value_of

if TYPE_CHECKING:
    import xarray

STATUS = ("limit", "interval", "no_limit", "nothing_allowed")
RELATIVE_TO = ("slice", "global")
TAILS = ("two", "one")


def intervals(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float = 0.6827,
    *,
    relative_to: str = "slice",
    tails: str = "two",
) -> "xarray.Dataset":
    """Allowed intervals of one parameter, for every value of the other one on the grid if there is one.

    Parameters
    ----------
    profile
        Of `profile_likelihood`.
    parameter
        One of its dimensions.
    cl
        Confidence level.
    relative_to
        "slice": q relative to the best value of `parameter` on the grid at the same value of the other parameter, the
        usual meaning of a limit "at each mass" (one degree of freedom). "global": relative to the global best fit; a
        slice far from it then has no allowed value at all.
    tails
        "two": q below the chi^2 quantile of one degree of freedom, 1.00 at 68.27 % and 2.71 at 90 %. "one": q below
        z^2 with z the one-sided quantile, 1.64 at 90 % and 2.71 at 95 %.

    Returns
    -------
    intervals
        `lower` and `upper` with a dimension `interval` (upwards, padded with NaN): an edge of the grid where the
        region goes on beyond it, said by `open_below` and `open_above`; `best`, the best grid value of the slice.

    Raises
    ------
    InvalidArgument
        Not a dimension of the profile, a level outside (0, 1), an unknown option.
    """
    import xarray

    q = profile["q"]
    _checks.one_of("parameter", parameter, tuple(q.dims))
    _checks.one_of("relative_to", relative_to, RELATIVE_TO)
    _checks.one_of("tails", tails, TAILS)
    bound = _threshold(cl, tails)
    values = profile[parameter].values
    if values.size < 3:
        raise _checks.invalid("profile", values, f"one with at least 3 values of {parameter!r}")
    other = [str(dim) for dim in q.dims if dim != parameter]
    table = np.minimum(np.atleast_2d(q.transpose(*other, parameter).values), 1e12)
    x = axis_of(parameter, values)
    regions = [_regions(x, row, bound, relative_to == "slice") for row in table]
    most = max(1, max(len(found) for found in regions))
    padded = np.full((len(table), most, 2), np.nan)
    for row, found in zip(padded, regions, strict=True):
        if found:
            row[: len(found)] = found
    padded = value_of(parameter, padded)
    shape = (*(q.sizes[dim] for dim in other), most)
    dims = (*other, "interval")
    units = {"units": profile[parameter].attrs.get("units", "1")}
    lower, upper = (padded[..., i].reshape(shape) for i in (0, 1))
    touch = 1e-9 * np.abs(values[[0, -1]])
    return xarray.Dataset(
        {
            "lower": (dims, lower, {"long_name": f"lower end of the allowed {parameter}", **units}),
            "upper": (dims, upper, {"long_name": f"upper end of the allowed {parameter}", **units}),
            "open_below": (dims, np.abs(lower - values[0]) <= touch[0]),
            "open_above": (dims, np.abs(upper - values[-1]) <= touch[1]),
            "best": (tuple(other), values[table.argmin(axis=-1)].reshape(shape[:-1]), units),
        },
        {dim: profile[dim] for dim in other},
        {
            "parameter": parameter,
            "cl": cl,
            "q_threshold": bound,
            "tails": tails,
            "relative_to": relative_to,
            "provenance": "; ".join(provenance(profile)),
        },
    )


def upper_limit(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float = 0.90,
    *,
    relative_to: str = "slice",
    tails: str = "two",
) -> "xarray.Dataset":
    """Upper limit of one parameter, at every value of the other one on the grid if there is one.

    The limit is the upper end of the allowed region that reaches the lowest values. Allowed regions above it are
    islands and are reported. By the convention of the field a 90 % limit is where q, relative to the best fit at the
    same mass, reaches 2.71. That is the upper end of a two-sided interval; if only upward fluctuations of the parameter
    are counted, it is a limit of 95 %, and the one of 90 % is q = 1.64: `tails="one"`. Both lean on Wilks' theorem,
    which small counts break: `toys.toy_q` checks.

    Parameters
    ----------
    profile, parameter, cl, relative_to, tails
        As in `intervals`.

    Returns
    -------
    limit
        `limit`; NaN where there is none on the grid. `status`: 0 a limit; 1 the data exclude the lowest values too, and
        `limit` is the upper end of the first interval; 2 no limit below the grid's upper edge; 3 nothing allowed
        (only relative to the global best fit). `island_lower`, `island_upper` with a dimension `island`; `islands`,
        their number.

    Raises
    ------
    InvalidArgument
        As `intervals`.
    """
    import xarray

    found = intervals(profile, parameter, cl, relative_to=relative_to, tails=tails)
    first = {"interval": 0}
    nothing = np.isnan(found["lower"].isel(first))
    open_above, open_below = found["open_above"].isel(first), found["open_below"].isel(first)
    status = xarray.where(nothing, 3, xarray.where(open_above, 2, xarray.where(open_below, 0, 1))).astype("int8")
    status.attrs = {"flag_values": np.arange(4, dtype=np.int8), "flag_meanings": " ".join(STATUS)}
    limit = found["upper"].isel(first).where(status <= 1)
    limit.attrs = {"long_name": f"{100 * cl:g} % CL upper limit on {parameter}", **_units(found)}
    islands = found.isel(interval=slice(1, None)).rename(interval="island")
    return xarray.Dataset(
        {
            "limit": limit,
            "status": status,
            "island_lower": islands["lower"],
            "island_upper": islands["upper"],
            "islands": islands["lower"].notnull().sum("island"),
            "best": found["best"],
        },
        attrs=found.attrs,
    )


def _units(dataset: "xarray.Dataset") -> dict[str, str]:
    return {"units": str(dataset["upper"].attrs["units"])}


def _threshold(cl: float, tails: str) -> float:
    if not isinstance(cl, int | float) or not 0.0 < cl < 1.0:
        raise _checks.invalid("cl", cl, "between 0 and 1, such as 0.90")
    if tails == "two":
        return threshold(cl, 1)
    if cl <= 0.5:
        raise _checks.invalid("cl", cl, "above 0.5 for one tail")
    return float(ndtri(cl)) ** 2


def _vertex(x: Float[np.ndarray, " points"], q: Float[np.ndarray, " points"]) -> tuple[float, float]:
    """Lowest point of q between the points, by the parabola through the lowest one and its neighbours."""
    i = int(np.argmin(q))
    if 0 < i < len(q) - 1:
        a, b, _ = np.polyfit(x[i - 1 : i + 2] - x[i], q[i - 1 : i + 2] - q[i], 2)
        if a > 0.0:
            return float(x[i] - b / (2.0 * a)), float(q[i] - b * b / (4.0 * a))
    return float(x[i]), float(q[i])


def _regions(x: np.ndarray, q: np.ndarray, bound: float, relative: bool) -> list[tuple[float, float]]:
    """Intervals of x where q < bound."""
    at, minimum = _vertex(x, q)
    q = np.maximum(q - minimum if relative else q, 0.0)
    # The root is nearly linear, and with a sign it runs straight through the minimum, which becomes a node of its own;
    # monotone between nodes, so that nothing overshoots.
    root = np.where(x < at, -1.0, 1.0) * np.sqrt(q)
    if relative and at not in x:
        x, root = np.insert(x, np.searchsorted(x, at), at), np.insert(root, np.searchsorted(x, at), 0.0)
    inside = root**2 < bound
    if not inside.any():
        return []
    curve = PchipInterpolator(x, root)
    roots = np.concatenate([curve.solve(sign * np.sqrt(bound), extrapolate=False) for sign in (-1.0, 1.0)])
    starts: list[float] = []
    ends: list[float] = []
    for i in np.flatnonzero(inside[1:] != inside[:-1]):
        between = roots[(roots >= x[i]) & (roots <= x[i + 1])]
        (ends if inside[i] else starts).append(float(between[0]) if between.size else float(x[i]))
    if inside[0]:
        starts.insert(0, float(x[0]))
    if inside[-1]:
        ends.append(float(x[-1]))
    return list(zip(starts, ends, strict=True))
