"""ln L where a coupling vanishes: the physical boundary that limits are relative to, wherever a grid begins."""

from typing import TYPE_CHECKING

import numpy as np

from lmtbayes.inference.frequentist.box import Box, logarithm
from lmtbayes.inference.frequentist.climb import climb_cells
from lmtbayes.inference.frequentist.scan import Plan
from lmtbayes.inference.likelihood.joint import JointLikelihood

if TYPE_CHECKING:
    import xarray

NAME = "log_likelihood_at_zero_{}"
BOUNDED = ("g_x", "kappa", "eps_x")
"""Parameters that end at zero."""
LOG_ZERO = float(np.log(1e-20))
"""ln of a coupling that changes no rate in the 16th digit."""


def at_zero_coupling(
    like: JointLikelihood,
    plan: Plan,
    profile: "xarray.Dataset",
    x: np.ndarray,
    pulls: np.ndarray,
    box: Box,
) -> dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]]:
    """Return ln L, profiled as in a profile's cells, as each coupling of the grid goes to zero.

    Parameters
    ----------
    like, plan, box
        Of the profile: what it compiled is used again.
    profile
        Its grid and its `log_likelihood`.
    x, pulls
        Of the cells: the climbs begin where the cells nearest to zero ended.

    Returns
    -------
    variables
        `log_likelihood_at_zero_NAME` over the grid's other parameter, by name.
    """
    dims = tuple(str(dim) for dim in profile["log_likelihood"].dims)
    shape = profile["log_likelihood"].shape
    x, pulls = x.reshape(*shape, x.shape[-1]), pulls.reshape(*shape, pulls.shape[-1])
    found = {}
    for axis, name in enumerate(dims):
        if name not in BOUNDED:
            continue
        nearest = int(np.argmin(np.abs(profile[name].values)))
        other = tuple(dim for dim in dims if dim != name)
        size = x[..., 0].size // shape[axis]
        own_x = np.take(x, nearest, axis).reshape(size, x.shape[-1])
        own_pulls = np.take(pulls, nearest, axis).reshape(size, pulls.shape[-1])
        fixed = {name: np.full(len(own_x), LOG_ZERO)} | {dim: logarithm(dim, profile[dim].values) for dim in other}
        free = [own_x[:, box.names.index(parameter)] for parameter in plan.free]
        start = np.column_stack([*free, own_pulls]) if free else own_pulls
        order = [dim for dim in (plan.outer, plan.inner) if dim is not None]
        _, value, _ = climb_cells(
            like,
            {dim: fixed[dim] for dim in order},
            plan.free,
            start,
            np.arange(len(start)),
            box.limits,
            plan.batch_size,
            plan.devices,
        )
        about = {"long_name": f"profiled ln L as {name} goes to zero", "units": "1"}
        found[NAME.format(name)] = other, value.reshape([profile.sizes[dim] for dim in other]), about
    return found
