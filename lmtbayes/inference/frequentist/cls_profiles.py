"""CLs limits read off two profiles of one grid: of the data, and of those that no boson predicts. Asymptotic."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.inference.frequentist.axes import axis_of, value_of
from lmtbayes.inference.frequentist.cls_formulas import N_SIGMA, asymptotic_cls, expected_cls, first_crossing
from lmtbayes.inference.frequentist.crossings import Slice, lowest
from lmtbayes.inference.frequentist.few_events import warn_of_few_at_cls
from lmtbayes.inference.frequentist.given_profile import check_profile
from lmtbayes.inference.frequentist.slices import at, slices

if TYPE_CHECKING:
    import xarray

_STATUS = ("limit", "no_limit", "below_grid")
_FLAGS = np.array([0, 2, 4], dtype=np.int8)
"""Those of `limits.STATUS` that can come out."""


def cls_of_profiles(
    profile: "xarray.Dataset", parameter: str, cl: float, expected: "xarray.Dataset"
) -> "xarray.Dataset":
    """Return what `upper_limit` with method "cls" returns; see there.

    Raises
    ------
    InvalidArgument
        `expected` is no profile, or one of another grid; a parameter that cannot be zero.
    """
    import xarray

    for given in (profile, expected):
        check_profile(given)
    _checks.one_of("parameter", parameter, tuple(name for name in profile["q"].dims if name in ("g_x", "kappa")))
    _checks.in_interval("cl", cl, 0.5, 1.0)
    if profile["q"].dims != expected["q"].dims or any(
        not np.array_equal(profile[dim], expected[dim]) for dim in profile["q"].dims
    ):
        raise _checks.invalid("expected", dict(expected.sizes), "a profile on the same grid as `profile`")
    x = axis_of(parameter, profile[parameter].values)
    q, asimov = (np.stack([_one_sided(line) for line in slices(each, parameter)]) for each in (profile, expected))
    level = 1.0 - cl
    rows = [asymptotic_cls(q, asimov), *np.moveaxis(expected_cls(asimov), -1, 0)]
    found = np.array([[first_crossing(x, row, level) for row in cls] for cls in rows])
    other = tuple(str(dim) for dim in profile["q"].dims if dim != parameter)
    shape = tuple(profile.sizes[dim] for dim in other)
    limits = value_of(parameter, np.where(np.isfinite(found), found, np.nan))
    units = {"units": str(profile[parameter].attrs.get("units", "1"))}
    label = f"{100 * cl:g} % CLs upper limit on {parameter}, asymptotic"
    status = _FLAGS[np.where(np.isfinite(found[0]), 0, np.where(found[0] > 0.0, 1, 2))]
    band = np.moveaxis(limits[1:].reshape(-1, *shape), 0, -1)
    variables: dict[str, Any] = {
        "limit": (other, limits[0].reshape(shape), {"long_name": label, **units}),
        "status": (other, status.reshape(shape), {"flag_values": _FLAGS, "flag_meanings": " ".join(_STATUS)}),
        "expected": (other, band[..., 2], {"long_name": f"median {label} without a boson", **units}),
        "band": ((*other, "n_sigma"), band, {"long_name": f"{label}, n_sigma from the median", **units}),
    }
    coords = {dim: profile[dim] for dim in other} | {"n_sigma": N_SIGMA}
    attrs = {"parameter": parameter, "cl": cl, "method": "CLs, asymptotic"}
    result = xarray.Dataset(variables, coords, attrs)
    result["expected_events"] = at(profile, parameter, "expected_events", result["limit"])
    warn_of_few_at_cls("upper_limit", cl, result["expected_events"])
    return result


def _one_sided(line: Slice) -> Float[np.ndarray, " points"]:
    """Return q of a slice relative to the best of what is not above each point."""
    best = lowest(line)
    floor = np.minimum.accumulate(np.minimum(line.q, line.q[0] if line.zero is None else line.zero))
    floor = np.where(line.x >= best.x, np.minimum(floor, best.q), floor)
    return np.maximum(line.q - floor, 0.0)
