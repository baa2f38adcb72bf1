"""Profile likelihood on a grid: q = -2 ln lambda of one or two of (g_x, M_A', eps_x or kappa), all else profiled.

    q(theta) = 2 [ln L(best fit) - max over what is not on the grid of ln L(theta, ...)]  >= 0

The profile of the mixing has two maxima where a recoil rate interferes: one start would draw the wrong contour. So each
cell scans what is not on the grid, nuisances optimised at every point, and climbs from the best maxima of the scan.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference import devices as local
from lmtbayes.inference.best_fit import EXTRA_STARTS, SCAN_STEPS, BestFit, climb_all, describe
from lmtbayes.inference.box import UNITS, Box, logarithm, peaks, photon_at, scan
from lmtbayes.inference.devices import Mapped
from lmtbayes.inference.likelihood import Data, JointLikelihood
from lmtbayes.inference.scoring import linearised_conditional, maximise_joint, steadied

if TYPE_CHECKING:
    import xarray

STATUS = ("converged", "at_edge_of_range", "not_converged")
LONG_NAMES = {"g_x": "gauge coupling", "mass": "mass of the A'", "eps_x": "kinetic mixing", "kappa": "-eps_x/g_x"}
_STAGES, _STEPS = 16, 4
"""Those that have not converged after so many steps are gathered for the next stage: a batch waits for its slowest."""
_EDGE = 1e-6


def profile_likelihood(
    like: JointLikelihood,
    grid: Mapping[str, ArrayLike | Sequence[float]],
    *,
    bounds: Mapping[str, Sequence[float]] | None = None,
    starts: int = 3,
    scan_points: int = 64,
    batch_size: int = 256,
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
        values. The mixing may be on the grid where the model leaves it free.
    bounds
        Parameter to (low, high): the range in which what is not on the grid is profiled, and the best fit searched. By
        default that of the default prior: g_x 1e-5 to 1e-2, mass 1 to 1000 MeV, kappa 1e-3 to 1. A range of a
        parameter on the grid must hold the grid; the default one is widened.
    starts
        How many maxima of each cell's scan are climbed from.
    scan_points
        Log-spaced points, edges included, of each parameter that is not on the grid.
    batch_size
        Cells, or climbs, at a time on each device: memory against speed.
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
        _checks.whole(name, value)
    box = Box.of(like.model, bounds, checked)
    cells = _cells(like, box, checked, starts, scan_points, batch_size, local.resolve(devices), progress)
    best = _best(like, box, cells)
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
        signed = -checked[name] if name == "eps_x" else checked[name]
        if not np.all(signed > 0.0):
            sign = "negative" if name == "eps_x" else "positive"
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
    starts: int,
    scan_points: int,
    batch_size: int,
    devices: local.Devices,
    progress: bool,
) -> _Cells:
    """Scan every cell row by row, then climb from every start worth it."""
    # A row has one mass: what depends on it alone is computed once.
    outer = "mass" if "mass" in grid else next(iter(grid))
    inner = next((name for name in grid if name != outer), None)
    free = tuple(name for name in box.names if name not in grid)
    limits = {name: (box.low[i], box.high[i]) for i, name in enumerate(box.names)}
    axes = {name: jnp.linspace(*limits[name], scan_points) for name in free}
    row_x = logarithm(inner, grid[inner]) if inner else np.zeros(1)
    outer_x = logarithm(outer, grid[outer])

    of_scan = ("profile scan", outer, inner, free, scan_points, starts, min(batch_size, row_x.size), devices)
    run = like.compiled(of_scan, lambda: Mapped(_row_scan(like, outer, inner, starts, batch_size), devices, 1))
    begin, worthwhile = run(outer_x, jnp.asarray(row_x), axes, like.data, bar=_bar(progress, "scan"))

    which = np.argwhere(worthwhile)  # (outer, inner, start)
    fixed = {outer: outer_x[which[:, 0]]} | ({inner: row_x[which[:, 1]]} if inner else {})
    z = begin[worthwhile][:, :-1]
    low = np.concatenate([[limits[name][0] for name in free], np.full(len(like.nuisances), -np.inf)])
    high = np.concatenate([[limits[name][1] for name in free], np.full(len(like.nuisances), np.inf)])
    of_climb = ("profile climb", tuple(fixed), free, batch_size, devices)
    run = like.compiled(of_climb, lambda: Mapped(_climb(like, free), devices, batch_size))
    value, converged = np.full(len(z), -np.inf), np.zeros(len(z), dtype=bool)
    left = np.arange(len(z))
    for stage in range(_STAGES):
        starting = ({name: x[left] for name, x in fixed.items()}, z[left])
        end, height, done = run(starting, low, high, like.data, bar=_bar(progress, f"climb {stage + 1}"))
        z[left], value[left], converged[left] = end, np.nan_to_num(height, nan=-np.inf), done
        left = left[~converged[left]]
        if not left.size:
            break

    cells = _Cells((outer_x.size, row_x.size), len(box.names), len(like.nuisances))
    order = np.argsort(value, kind="stable")  # the best of a cell is written last
    at = (which[order, 0], which[order, 1])
    cells.value[at], cells.converged[at] = value[order], converged[order]
    cells.pulls[at] = z[order, len(free) :]
    for i, name in enumerate(box.names):
        cells.x[(*at, i)] = z[order, free.index(name)] if name in free else fixed[name][order]
    if inner is None or outer == next(iter(grid)):
        return cells
    for field in ("value", "x", "pulls", "converged"):
        setattr(cells, field, np.swapaxes(getattr(cells, field), 0, 1))
    return cells


def _row_scan(like: JointLikelihood, outer: str, inner: str | None, starts: int, batch_size: int) -> Callable[..., Any]:
    def cell(x: dict[str, Array], axes: Mapping[str, Array], data: Data) -> tuple[Array, Array]:
        def at(point: dict[str, Array]) -> tuple[Array, Array]:
            return linearised_conditional(like, photon_at(like.model, {**x, **point}), data, SCAN_STEPS)

        if not axes:
            _, pulls = at({})
            pulls = steadied(like, photon_at(like.model, x), pulls, data)
            return jnp.append(pulls, 0.0)[None], jnp.ones(1, dtype=bool)
        values, pulls = scan(at, axes)
        index, _, worthwhile = peaks(values, starts)
        begin = jnp.stack([axis[index[:, i]] for i, axis in enumerate(axes.values())], axis=-1)
        begin_pulls = jax.vmap(
            lambda b, p: steadied(like, photon_at(like.model, x | dict(zip(axes, b, strict=True))), p, data)
        )(begin, pulls[tuple(index.T)])
        # lax.map takes no arrays of size zero: a column that is dropped again.
        z = jnp.concatenate([begin, begin_pulls, jnp.zeros((index.shape[0], 1))], axis=-1)
        # The highest one always: a cell whose every point failed is told by its status.
        return z, worthwhile.at[0].set(True)

    def row(outer_x: Array, row_x: Array, axes: Mapping[str, Array], data: Data) -> tuple[Array, Array]:
        def one(value: Array) -> tuple[Array, Array]:
            return cell({outer: outer_x} | ({inner: value} if inner else {}), axes, data)

        return jax.lax.map(one, row_x, batch_size=min(batch_size, row_x.size))

    return row


def _climb(like: JointLikelihood, free: tuple[str, ...]) -> Callable[..., Any]:
    def one(at: tuple[dict[str, Array], Array], low: Array, high: Array, data: Data) -> tuple[Array, Array, Array]:
        fixed, start = at
        end, value = maximise_joint(
            like,
            lambda x: photon_at(like.model, fixed | dict(zip(free, x, strict=True))),
            start,
            len(free),
            data,
            _STEPS,
            (low, high),
        )
        return end.point, value, end.converged

    return one


def _bar(progress: bool, label: str) -> str | None:
    return f"profile, {label}" if progress else None


def _best(like: JointLikelihood, box: Box, cells: _Cells) -> BestFit:
    """Global best fit: the whole box scanned and climbed, the best cells climbed too, whichever is highest."""
    top = np.argsort(cells.value, axis=None)[::-1]
    top = top[np.minimum(np.arange(EXTRA_STARTS), top.size - 1)]
    x, pulls = cells.x.reshape(-1, len(box.names))[top], cells.pulls.reshape(cells.value.size, -1)[top]
    found = [
        climb_all(like, box, x, pulls),
        (x[0], pulls[0], cells.value.flat[top[0]], cells.converged.flat[top[0]]),
    ]
    x, pulls, value, converged = max(found, key=lambda fit: np.nan_to_num(float(fit[2]), nan=-np.inf))
    return describe(like, box, np.asarray(x), np.asarray(pulls), float(value), bool(converged))


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
        profiled["kappa"] = -profiled["eps_x"] / profiled["g_x"]

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
