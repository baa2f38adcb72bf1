"""Profile likelihood on a grid: q = -2 ln lambda of one or two of (g_x, M_A', eps_x or kappa), all else profiled.

    q(theta) = 2 [ln L(best fit) - max over what is not on the grid of ln L(theta, ...)]  >= 0

The profile of the mixing has two maxima where a recoil rate interferes: one start would draw the wrong contour. So each
cell scans what is not on the grid, nuisances optimised at every point, and climbs from the best maxima of the scan.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference import devices as local
from lmtbayes.inference.best_fit import EXTRA_STARTS, BestFit, describe, search_box
from lmtbayes.inference.box import UNITS, Box, logarithm, photon_at
from lmtbayes.inference.likelihood import JointLikelihood
from lmtbayes.inference.search import CLIMBS, Plan, climb, scan_cells

if TYPE_CHECKING:
    import xarray

STATUS = ("converged", "at_edge_of_range", "not_converged")
LONG_NAMES = {"g_x": "gauge coupling", "mass": "mass of the A'", "eps_x": "kinetic mixing", "kappa": "|eps_x|/g_x"}
_EDGE = 1e-6


def profile_likelihood(
    like: JointLikelihood,
    grid: Mapping[str, ArrayLike | Sequence[float]],
    *,
    bounds: Mapping[str, Sequence[float]] | None = None,
    starts: int = 3,
    scan_points: int = 64,
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
) -> "xarray.Dataset":
    """Profile the likelihood on a grid.

    Parameters
    ----------
    like
        The likelihood and its data.
    grid
        One or two of "g_x", "mass" [MeV], "eps_x" (negative) and "kappa" (= -eps_x/g_x) with their strictly increasing
        values. The mixing may be on the grid where the model leaves it free. Where the model's loop is positive
        (`GaugeModel.mixing_sign`), eps_x is positive and kappa = eps_x/g_x.
    bounds
        Parameter to (low, high): the range in which what is not on the grid is profiled, and the best fit searched. By
        default that of the default prior: g_x 1e-5 to 1e-2, mass 1 to 1000 MeV, kappa 1e-3 to 1. A range of a
        parameter on the grid must hold the grid; the default one is widened.
    starts
        How many maxima of each cell's scan are climbed from.
    scan_points
        Log-spaced points, edges included, of each parameter that is not on the grid.
    batch_size
        Cells, or climbs, at a time on each device: memory against speed. By default what suits the device.
    devices
        Devices of jax over which rows of cells, and climbs, are dealt out; by default all of this machine. The numbers
        are those of one device to rounding.
    progress
        Show a bar.

    Returns
    -------
    profile
        Over the grid's parameters, in the order given: `q`; `log_likelihood`; the profiled parameters (`g_x`, `mass`,
        `eps_x`, `kappa`); `pull` (with a dimension `nuisance`); `status` (0 converged; 1 the same, on an edge of the
        range of a profiled parameter; 2 not converged: q is then an upper bound). Attributes: the global best fit,
        which need not lie on the grid, its goodness of fit, the ranges, versions.

    Raises
    ------
    InvalidArgument
        Unknown or missing parameters, values that do not increase or have the wrong sign, more than two dimensions.
    """
    checked = check_grid(like, grid)
    for name, value in {"starts": starts, "scan_points": scan_points, "batch_size": batch_size}.items():
        if value is not None or name != "batch_size":
            _checks.whole(name, value)
    box = Box.of(like.model, bounds, checked)
    # A row has one mass: what depends on it alone is computed once.
    outer = "mass" if "mass" in checked else next(iter(checked))
    inner = next((name for name in checked if name != outer), None)
    plan = Plan.of(
        (outer, checked[outer].size),
        (inner, checked[inner].size if inner else 1),
        tuple(name for name in box.names if name not in checked),
        scan_points,
        starts,
        batch_size,
        local.resolve(devices),
    )
    cells = _cells(like, box, checked, plan, batch_size or CLIMBS, "profile" if progress else None)
    best = _best(like, box, plan, cells)
    return _dataset(like, box, checked, cells, best)


def check_grid(like: JointLikelihood, grid: Mapping[str, ArrayLike | Sequence[float]]) -> dict[str, np.ndarray]:
    """Return the grid as checked arrays; the errors of `profile_likelihood`."""
    if not isinstance(grid, Mapping) or not 1 <= len(grid) <= 2:
        raise _checks.invalid("grid", grid, "a mapping of one or two parameters to their values")
    free = like.model.mixing == "free"
    checked = {}
    for name, values in grid.items():
        _checks.one_of("grid", name, ("g_x", "mass", "eps_x", "kappa") if free else ("g_x", "mass"))
        checked[name] = _checks.increasing(f"grid[{name!r}]", values, 1)
        negative = name == "eps_x" and like.model.mixing_sign < 0.0
        if not np.all((-checked[name] if negative else checked[name]) > 0.0):
            sign = "negative" if negative else "positive"
            raise _checks.invalid(f"grid[{name!r}]", values, f"{sign}: it is searched on a logarithmic scale")
    if {"eps_x", "kappa"} <= set(checked):
        raise InvalidArgument("`grid` must have eps_x or kappa = -eps_x/g_x, not both")
    return checked


class _Cells:
    """What was found in every cell, in coordinates of the box; the last axis of `x` follows the box's names."""

    def __init__(self, shape: tuple[int, ...], parameters: int, nuisances: int):
        self.value = np.full(shape, -np.inf)
        self.x = np.full((*shape, parameters), np.nan)
        self.pulls = np.full((*shape, nuisances), np.nan)
        self.converged = np.zeros(shape, dtype=bool)


def _cells(
    like: JointLikelihood,
    box: Box,
    grid: Mapping[str, np.ndarray],
    plan: Plan,
    climbs: int,
    bar: str | None,
) -> _Cells:
    """Scan every cell, then climb from every start worth it."""
    outer_x = logarithm(plan.outer, grid[plan.outer])
    inner_x = logarithm(plan.inner, grid[plan.inner]) if plan.inner else np.zeros(1)
    found = scan_cells(like, plan, outer_x, inner_x, box.limits, bar and f"{bar}, scan")

    which = np.argwhere(found.worthwhile)  # (outer, inner, start)
    fixed = {plan.outer: outer_x[which[:, 0]]} | ({plan.inner: inner_x[which[:, 1]]} if plan.inner else {})
    z, value, converged = climb(
        like,
        fixed,
        plan.free,
        found.z[found.worthwhile],
        which[:, 0] * inner_x.size + which[:, 1],
        box.limits,
        climbs,
        plan.devices,
        bar,
    )
    cells = _Cells((outer_x.size, inner_x.size), len(box.names), len(like.nuisances))
    order = np.argsort(value, kind="stable")  # the best of a cell is written last
    at = (which[order, 0], which[order, 1])
    cells.value[at], cells.converged[at] = value[order], converged[order]
    cells.pulls[at] = z[order, len(plan.free) :]
    for i, name in enumerate(box.names):
        cells.x[(*at, i)] = z[order, plan.free.index(name)] if name in plan.free else fixed[name][order]
    if plan.inner is None or plan.outer == next(iter(grid)):
        return cells
    for field in ("value", "x", "pulls", "converged"):
        setattr(cells, field, np.swapaxes(getattr(cells, field), 0, 1))
    return cells


def _best(like: JointLikelihood, box: Box, plan: Plan, cells: _Cells) -> BestFit:
    """Global best fit: the whole box scanned and climbed, the best cells climbed too, whichever is highest."""
    top = np.argsort(cells.value, axis=None)[::-1][:EXTRA_STARTS]
    x, pulls = cells.x.reshape(-1, len(box.names))[top], cells.pulls.reshape(cells.value.size, -1)[top]
    best = search_box(like, box, plan, (x, pulls))
    if cells.value.flat[top[0]] > best.log_likelihood:
        return describe(like, box, x[0], pulls[0], float(cells.value.flat[top[0]]), bool(cells.converged.flat[top[0]]))
    return best


def _dataset(
    like: JointLikelihood, box: Box, grid: Mapping[str, np.ndarray], cells: _Cells, best: BestFit
) -> "xarray.Dataset":
    import xarray

    import lmtbayes

    dims = tuple(grid)
    shape = tuple(values.size for values in grid.values())

    def on_grid(array: np.ndarray) -> np.ndarray:
        return array.reshape(*shape, *array.shape[2:])

    x = on_grid(cells.x)
    value = on_grid(cells.value)
    free = [i for i, name in enumerate(box.names) if name not in grid]
    edge = (np.abs(x - box.low) < _EDGE) | (np.abs(x - box.high) < _EDGE)
    status = np.where(on_grid(cells.converged), edge[..., free].any(axis=-1).astype(np.int8), np.int8(2))
    photon = jax.vmap(lambda row: photon_at(like.model, dict(zip(box.names, row, strict=True))))(
        jnp.asarray(x.reshape(-1, len(box.names)))
    )
    profiled = {name: np.asarray(getattr(photon, name)).reshape(shape) for name in ("g_x", "mass", "eps_x")}
    if like.model.mixing == "free":
        profiled["kappa"] = like.model.mixing_sign * profiled["eps_x"] / profiled["g_x"]

    variables: dict[str, Any] = {
        "q": (dims, np.maximum(2.0 * (best.log_likelihood - value), 0.0), {"long_name": "-2 ln lambda", "units": "1"}),
        "log_likelihood": (dims, value, {"long_name": "profiled ln L", "units": "1"}),
        "status": (dims, status, {"flag_values": np.arange(3, dtype=np.int8), "flag_meanings": " ".join(STATUS)}),
    }
    for name, array in profiled.items():
        if name not in grid:
            variables[name] = (dims, array, {"long_name": f"profiled {LONG_NAMES[name]}", "units": UNITS[name]})
    coords: dict[str, Any] = {
        name: (name, values, {"long_name": LONG_NAMES[name], "units": UNITS[name]}) for name, values in grid.items()
    }
    if like.nuisances:
        variables["pull"] = ((*dims, "nuisance"), on_grid(cells.pulls), {"long_name": "pull at the profile's maximum"})
        coords["nuisance"] = ("nuisance", list(like.nuisance_names))
    attrs = {
        "title": "profile likelihood",
        "experiments": ", ".join(e.name for e in like.experiments),
        "model": like.model.name,
        "mixing": like.model.mixing,
        "best_g_x": best.g_x,
        "best_mass": best.mass,
        "best_eps_x": best.eps_x,
        "best_log_likelihood": best.log_likelihood,
        "best_converged": int(best.converged),
        "best_at_edge": ", ".join(best.at_edge),
        "deviance": best.deviance,
        "bins": best.bins,
        "free_parameters": best.free_parameters,
        "p_value": best.p_value,
        "profiled": ", ".join([box.names[i] for i in free] + list(like.nuisance_names)),
        "ranges": box.describe(),
        "lmtbayes_version": lmtbayes.__version__,
        "jax_version": jax.__version__,
    }
    attrs |= {f"best_pull_{name}": pull for name, pull in best.pulls.items()}
    return xarray.Dataset(variables, coords, attrs)
