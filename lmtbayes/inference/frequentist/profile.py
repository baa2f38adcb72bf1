"""Profile likelihood on a grid: q = -2 ln lambda of one or two of (g_x, M_A', eps_x or kappa), all else profiled.

    q(theta) = 2 [ln L(best fit) - max over what is not on the grid of ln L(theta, ...)]  >= 0

The profile of the mixing has two maxima where a recoil rate interferes: one start would draw the wrong contour. So each
cell of a coarse grid scans what is not on the grid, nuisances optimised at every point, and climbs from the best maxima
of the scan. Of a dense grid these are some lines of each direction; the cells of the lines between climb from the ends
of those on both sides (`lines`). Every cell climbs from the end of one beside it where that is higher and data do not
forbid it anyway (`profile_cells`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.inference import devices as local
from lmtbayes.inference.frequentist import adaptive
from lmtbayes.inference.frequentist.axes import axis_of, threshold, value_of
from lmtbayes.inference.frequentist.best_fit import BestFit
from lmtbayes.inference.frequentist.best_of_cells import best_of_cells
from lmtbayes.inference.frequentist.box import Box, physical
from lmtbayes.inference.frequentist.given_profile import check_levels
from lmtbayes.inference.frequentist.profile_cells import CellClimbs
from lmtbayes.inference.frequentist.profile_table import ProfileCells, profile_dataset
from lmtbayes.inference.frequentist.scan import Plan
from lmtbayes.inference.frequentist.zero_coupling import at_zero_coupling
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray

_BETTER = 1e-9
"""Of ln L: by how much a cell must be above the best fit for that to be looked for again."""


def profile_likelihood(
    like: JointLikelihood,
    grid: Mapping[str, ArrayLike | Sequence[float]],
    *,
    bounds: Mapping[str, Sequence[float]] | None = None,
    refine: bool | Sequence[float] = False,
    starts: int = 3,
    scan_points: int = 24,
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool = True,
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
        default that of the default prior: g_x 1e-5 to 1e-2, mass 1 to 1000 MeV (to 10 or 100 GeV where an experiment's
        published curve reaches so far), kappa 1e-3 to 1. A range of a parameter on the grid must hold the grid; the
        default one is widened.
    refine
        Levels of confidence, as of `contours`; True stands for 68.27 % and 95.45 %. Lines are added to a grid of two
        parameters where the edges of these regions are (two degrees of freedom), until extents and areas move by less
        than 2 % when lines double, 128 of them in each direction at most. False keeps the grid as it is given.
    starts
        How many maxima of a cell's scan are climbed from.
    scan_points
        Log-spaced points, edges included, of each parameter that is not on the grid; of a mass beyond 1 GeV as many
        more as are as dense. Of 39 lines of the grid or more, closer than 0.18 in the logarithm, every second or fewer
        are scanned; the others begin where the cells beside them ended, and do not see a maximum of what is profiled
        that is there on no scanned line. A part of such a grid, by itself, is scanned line by line.
    batch_size
        Points, of scans and climbs, at a time on each device: memory against speed. By default what suits the device.
    devices
        Devices of jax over which these points are dealt out; by default all of this machine. The numbers are those of
        one device to rounding.
    progress
        Show a bar, where the standard error is a terminal.

    Returns
    -------
    profile
        Over the grid's parameters, in the order given: `q`; `log_likelihood`; the profiled parameters (`g_x`, `mass`,
        `eps_x`, `kappa`); `pull` (with a dimension `nuisance`); `status` (0 converged; 1 the same, on an edge of the
        range of a profiled parameter; 2 not converged: q is then an upper bound; what is more than 500 in ln L below
        the best of both its slices, at the same value of either parameter, is cut short, and has converged where a ten
        thousandth of that is left to gain);
        `log_likelihood_at_zero_NAME` over the other parameter, for g_x and the mixing: the profiled ln L as NAME goes
        to zero, what limits are relative to where it is the best; `expected_events` and, for counts, `count_p_value`
        and `count_information`, from which limits of few events are made. Attributes: the global best fit, which need
        not lie on the grid, its goodness of
        fit, the ranges, versions; `refinement`, what `refine` did; with it `refine_levels`, their `refine_error`
        (estimated relative error of extents and area), and `resolved`, 1 if all are below 2 %.

    Raises
    ------
    InvalidArgument
        Unknown or missing parameters, values that do not increase or have the wrong sign, more than two dimensions;
        masses that rates are not meant for, or that no experiment says anything about; `refine` for one dimension.

    Warns
    -----
    UnitsWarning
        Masses below 1 MeV, which look like GeV, or so high that they look like keV.

    References
    ----------
    q is t_mu of G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727, Eqs. 7 and 8; distributed as chi^2
    with as many degrees of freedom as the grid has parameters: S. S. Wilks, Ann. Math. Stat. 9 (1938) 60.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> profile = lmt.profile_likelihood(like, {"mass": [5.0, 20.0, 80.0], "g_x": [3e-4, 5e-4, 7e-4, 1e-3]})
    >>> profile.q.dims
    ('mass', 'g_x')
    >>> profile.q.sel(mass=20.0).values.round(2)
    array([ 9.03,  0.7 ,  5.83, 86.96])
    """
    check_likelihood(like)
    checked = check_grid(like, grid)
    levels = _refine_levels(refine, checked)
    for name, value in {"starts": starts, "scan_points": scan_points, "batch_size": batch_size}.items():
        if value is not None or name != "batch_size":
            _checks.whole(name, value)
    box = Box.of(like.model, bounds, checked, like.experiments)
    outer = "mass" if "mass" in checked else next(iter(checked))
    inner = next((name for name in checked if name != outer), None)
    free = tuple(name for name in box.names if name not in checked)
    plan = Plan(outer, inner, free, scan_points, starts, local.resolve_devices(devices), batch_size)

    climbs = CellClimbs(like, box, plan, tuple(checked), "profile" if progress else None)
    lines = [axis_of(name, values) for name, values in checked.items()]
    cells = climbs.of_grid((lines[0], lines[1] if inner else np.zeros(1)))
    best = best_of_cells(like, box, plan, cells)

    def result(finer: Mapping[str, np.ndarray], cells: ProfileCells, best: BestFit, done: dict[str, Any]) -> Any:
        found = profile_dataset(like, box, finer, cells, best, plan.devices, done)
        return found.assign(at_zero_coupling(like, plan, found, cells.x, cells.pulls, box))

    if not levels:
        return result(checked, cells, best, {"refinement": "none: the grid is as it was given"})
    return result(*_refined(climbs, checked, cells, best, levels))


def _refine_levels(refine: bool | Sequence[float], grid: Mapping[str, np.ndarray]) -> tuple[float, ...]:
    """Return the levels to refine for; none where the grid is to stay as it is."""
    if refine is False:
        return ()
    if len(grid) != 2 or min(values.size for values in grid.values()) < 2:
        raise _checks.invalid("refine", refine, "False where the grid has not two parameters of two values or more")
    return LEVELS if refine is True else check_levels("refine", refine)


def _refined(
    climbs: CellClimbs,
    grid: Mapping[str, np.ndarray],
    cells: ProfileCells,
    best: BestFit,
    levels: Sequence[float],
) -> tuple[dict[str, np.ndarray], ProfileCells, BestFit, dict[str, Any]]:
    """Grid, cells and best fit with more lines where the regions' edges are, and what was done as attributes."""
    names = tuple(grid)

    def q_of(cells: ProfileCells) -> tuple[np.ndarray, tuple[float, float]]:
        nonlocal best
        if cells.value.max() > best.log_likelihood + _BETTER:
            best = best_of_cells(climbs.like, climbs.box, climbs.plan, cells, best)
        found = physical(climbs.like.model, best.g_x, best.mass, best.eps_x)
        lowest = [float(axis_of(name, np.array([found[name]]))[0]) for name in names]
        return 2.0 * (best.log_likelihood - cells.value), (lowest[0], lowest[1])

    start = (axis_of(names[0], grid[names[0]]), axis_of(names[1], grid[names[1]]))
    lines, cells, done = adaptive.refine(
        start, cells, climbs.with_lines, q_of, levels, [threshold(level, len(names)) for level in levels]
    )
    finer = {name: value_of(name, line) for name, line in zip(names, lines, strict=True)}
    for name in names:  # the given values themselves, not those of a logarithm and back
        finer[name][np.searchsorted(lines[names.index(name)], start[names.index(name)])] = grid[name]
    added = " and ".join(f"{n} of {name}" for n, name in zip(done.added, names, strict=True))
    return (
        finer,
        cells,
        best,
        {
            "refinement": f"{added} added to the lines of the grid in {done.rounds} rounds",
            "refine_levels": np.array(done.levels),
            "refine_error": np.array(done.movement),
            "resolved": int(done.resolved),
        },
    )


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
        if name in ("g_x", "eps_x"):
            _checks.coupling(f"grid[{name!r}]", checked[name])
        if name == "mass":
            _checks.masses("grid['mass']", checked[name], [e.mass_range for e in like.experiments])
            check_covered("grid['mass']", checked[name], like.experiments)
    if {"eps_x", "kappa"} <= set(checked):
        raise InvalidArgument("`grid` must have eps_x or kappa, its size over g_x, not both")
    return checked


def check_covered(argument: str, masses: np.ndarray, experiments: Sequence[Experiment]) -> None:
    """Require a mass about which at least one experiment says something."""
    ranges = [e.mass_range for e in experiments]
    if not any(np.any((masses >= low) & (masses <= high)) for low, high in ranges):
        reach = " and ".join(dict.fromkeys(f"{low:.4g} to {high:.4g}" for low, high in ranges))
        raise _checks.invalid(argument, masses, f"in reach of an experiment, {reach} MeV: elsewhere all are silent")
