"""Allowed regions of one parameter in every slice of a profile, as a Dataset: thresholds of chi^2, or calibrated."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri

from lmtbayes import _checks
from lmtbayes.inference.frequentist.axes import threshold, value_of
from lmtbayes.inference.frequentist.calibration import RELATIVE_TO, Calibration, check_calibration
from lmtbayes.inference.frequentist.crossings import allowed, lowest
from lmtbayes.inference.frequentist.given_profile import check_profile, provenance
from lmtbayes.inference.frequentist.slices import along, at, critical_along, slices

if TYPE_CHECKING:
    import xarray

TAILS = ("two", "one")


def allowed_intervals(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float,
    relative_to: str,
    tails: str,
    calibration: Calibration | None = None,
    end: int = 0,
) -> "xarray.Dataset":
    """See `intervals`; of a calibration its critical values (`end` 0), or the lower or upper ends of their errors."""
    import xarray

    check_profile(profile)
    q = profile["q"]
    _checks.one_of("parameter", parameter, tuple(q.dims))
    _checks.one_of("relative_to", relative_to, RELATIVE_TO)
    _checks.one_of("tails", tails, TAILS)
    bound = _threshold(cl, tails)
    values = profile[parameter].values
    if values.size < 3:
        raise _checks.invalid("profile", values, f"one with at least 3 values of {parameter!r}")
    other = [str(dim) for dim in q.dims if dim != parameter]
    by: dict[str, Any] = {"q_threshold": bound}
    bounds = np.full(along(profile, parameter, "q").shape, bound)
    if calibration is not None:
        check_calibration(calibration, profile, relative_to, parameter)
        bounds = critical_along(profile, parameter, calibration, cl, tails)[end]
        by = {"q_threshold": np.nan, "calibration": calibration.summary}
    mu_only = calibration is not None and tails == "one"
    ends, is_zero = _regions(profile, parameter, bounds, relative_to == "slice", mu_only)
    ends = ends.reshape(*(q.sizes[dim] for dim in other), -1, 2)
    lower, upper = ends[..., 0], ends[..., 1]
    touch = 1e-9 * np.abs(values[[0, -1]])
    lowest_q = along(profile, parameter, "q").argmin(axis=-1)
    best = np.where(is_zero, 0.0, values[lowest_q]).reshape(lower.shape[:-1])
    dims, units = (*other, "interval"), {"units": profile[parameter].attrs.get("units", "1")}
    result = xarray.Dataset(
        {
            "lower": (dims, lower, {"long_name": f"lower end of the allowed {parameter}", **units}),
            "upper": (dims, upper, {"long_name": f"upper end of the allowed {parameter}", **units}),
            "open_below": (dims, np.abs(lower - values[0]) <= touch[0]),
            "open_above": (dims, np.abs(upper - values[-1]) <= touch[1]),
            "best": (tuple(other), best, units),
        },
        {dim: profile[dim] for dim in other},
        {
            "parameter": parameter,
            "cl": cl,
            **by,
            "tails": tails,
            "relative_to": relative_to,
            "provenance": "; ".join(provenance(profile)),
        },
    )
    return result.assign(
        {f"events_{side}": at(profile, parameter, "expected_events", result[side]) for side in ("lower", "upper")}
    )


def _regions(
    profile: "xarray.Dataset",
    parameter: str,
    bounds: Float[np.ndarray, "slices points"],
    by_slice: bool,
    mu_only: bool,
) -> tuple[Float[np.ndarray, "slices regions 2"], Bool[np.ndarray, " slices"]]:
    """Ends of the allowed regions of every slice, upwards, padded with NaN; and whether no coupling is its best."""
    lines = slices(profile, parameter)
    best = [lowest(line) for line in lines]
    if mu_only:  # q_mu, as of the toys: couplings below the best one are as good as that
        lines = [
            line._replace(q=np.where(line.x < point.x, point.q, line.q))
            for line, point in zip(lines, best, strict=True)
        ]
    if not by_slice:  # the global best fit, which no coupling at all may be better than
        floor = min(0.0, *(line.zero or 0.0 for line in lines))
        lines = [line._replace(q=line.q - floor) for line in lines]
    regions = [
        allowed(line, bound, point if by_slice else None)
        for line, bound, point in zip(lines, bounds, best, strict=True)
    ]
    if parameter == "eps_x":  # whose axis runs from the largest size to zero
        regions = [[(-high, -low) for low, high in reversed(found)] for found in regions]
    padded = np.full((len(lines), max(1, max(len(found) for found in regions)), 2), np.nan)
    for row, found in zip(padded, regions, strict=True):
        if found:
            row[: len(found)] = found
    return value_of(parameter, padded), np.array([np.isneginf(point.x) for point in best])


def _threshold(cl: float, tails: str) -> float:
    if not isinstance(cl, int | float) or not 0.0 < cl < 1.0:
        raise _checks.invalid("cl", cl, "between 0 and 1, such as 0.90")
    if tails == "two":
        return threshold(cl, 1)
    if cl <= 0.5:
        raise _checks.invalid("cl", cl, "above 0.5 for one tail")
    return float(ndtri(cl)) ** 2
