"""Regions of highest density: the smallest sets of one parameter, or of two, that hold so much of the posterior.

A density is one in some coordinate: the most probable region in g_x is not that in log10 g_x. By default it is the
coordinate that the prior is on, and the result says which.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks
from lmtbayes.inference.credible.density import Density
from lmtbayes.inference.credible.given import Given, Held, about
from lmtbayes.inference.credible.plane import plane_region
from lmtbayes.inference.credible.sources import At, GridSource
from lmtbayes.inference.frequentist.given_profile import check_levels
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray

SCALES = ("prior", "log10", "linear")


def highest_density_region(
    grid: PosteriorGrid,
    parameters: str | Sequence[str] = "g_x",
    levels: Sequence[float] = LEVELS,
    *,
    at: Held | None = None,
    scale: str = "prior",
) -> "xarray.Dataset":
    """Smallest region of one or two parameters that holds given fractions of the posterior.

    Parameters
    ----------
    grid
        Of `posterior_grid`; its finer cells (`tolerance`) make a finer region.
    parameters
        "g_x", "mass" or "kappa"; or two of them, of x and y.
    levels
        Posterior probabilities.
    at
        Of one parameter: others and the values at which they are held, as in `credible_limit`. Of two: a single value
        for each that is held. What is not held is integrated.
    scale
        In which coordinate the density is one: "prior", each in that of the prior; "log10"; "linear".

    Returns
    -------
    region
        Of one parameter, as `intervals`: with dimensions of what is held, then `level`, `interval`: `lower` and `upper`
        (upwards, padded with NaN) and `held`, the probability in each interval, all with their `_error` (an estimate:
        how far they move where cells are even, and where weights are integrated); `open_below` and `open_above`,
        whether the interval ends with the prior; `mode`, where the density is highest. Where the density is flat within
        1 % no smallest region exists; the one given holds more than the level, as `held` says.

        Of two: on a raster of both, `depth` = 2 ln(highest density/density), which `plotting.planes.profile_regions`
        draws as it does a profile's q; by level, `threshold` of the depth, `held` and `held_error` (probability inside
        by a sum over cells, and how far that moves as above), `area` (on logarithmic axes, as `Contour.area`), `error`
        (of area and extents: what twice as many lines of the raster would change, 1 if unknown), `parts`, the number of
        regions; `lower`, `upper` (level, parameter), the extents.

        Attributes: prior, method, density_in.

    Raises
    ------
    InvalidArgument
        No grid, parameters that the prior has not, levels outside (0, 1), a scale that cannot be: no logarithm of a
        mixing of both signs.

    References
    ----------
    {theta : p(theta | data) >= c}, c the largest with which it holds the level: R. J. Hyndman, Am. Stat. 50 (1996) 120.
    """
    if not isinstance(grid, PosteriorGrid):
        raise _checks.invalid("grid", type(grid).__name__, "a PosteriorGrid (posterior_grid)")
    _checks.one_of("scale", scale, SCALES)
    levels = check_levels("levels", levels)
    names = [parameters] if isinstance(parameters, str) else list(parameters)
    if not 1 <= len(names) <= 2 or len(set(names)) != len(names):
        raise _checks.invalid("parameters", parameters, "one parameter, or two different ones")
    if len(names) == 2:
        return plane_region(grid, names[0], names[1], levels, at, scale)
    return _line_region(Given(grid, names[0], at), levels, scale)


def _line_region(given: Given, levels: tuple[float, ...], scale: str) -> "xarray.Dataset":
    import xarray

    log = given.in_logarithm(scale)
    densities = [_densities(given, at, log) for at in given.points()]
    table = [[[density.highest(level) for density in variants] for level in levels] for variants in densities]
    shape = (len(table), len(levels), max(1, *(len(row[0].held) for rows in table for row in rows)))
    sides = ("lower", "upper", "held")
    arrays = {name + suffix: np.full(shape, np.nan) for name in sides for suffix in ("", "_error")}
    arrays |= {name: np.zeros(shape, dtype=bool) for name in ("open_below", "open_above")}
    for i, rows in enumerate(table):
        first, last = densities[i][0].x[[0, -1]]
        touch = 1e-9 * (last - first)
        for j, (best, *others) in enumerate(rows):
            inside = (i, j, slice(0, len(best.held)))
            arrays["held"][inside] = best.held
            again = np.array([np.diff(d.below(best.edges), axis=1)[:, 0] for d in densities[i][1:]])
            arrays["held_error"][inside] = np.abs(again - best.held).sum(axis=0)
            arrays["open_below"][inside] = best.edges[:, 0] <= first + touch
            arrays["open_above"][inside] = best.edges[:, 1] >= last - touch
            for k, side in enumerate(("lower", "upper")):
                ends = 10.0 ** best.edges[:, k] if log else best.edges[:, k]
                arrays[side][inside] = ends
                arrays[f"{side}_error"][inside] = np.sum(
                    [_moved(ends, 10.0 ** o.edges[:, k] if log else o.edges[:, k]) for o in others], axis=0
                )
    outer = tuple(len(values) for values in given.held.values())
    words = {name: {"long_name": "whether it ends with the prior"} for name in ("open_below", "open_above")}
    words |= {name: {"long_name": "posterior probability inside", "units": "1"} for name in ("held", "held_error")}
    dims = (*given.held, "level", "interval")
    variables = {
        name: (dims, array.reshape(*outer, *shape[1:]), words.get(name, about(given.parameter)))
        for name, array in arrays.items()
    }
    modes = np.array([variants[0].mode for variants in densities])
    modes = (10.0**modes if log else modes).reshape(outer)
    return xarray.Dataset(
        {**variables, "mode": (tuple(given.held), modes, about(given.parameter))},
        {**given.coordinates(), "level": list(levels)},
        {**given.attributes("highest density"), "density_in": given.density_in(scale)},
    )


def _densities(given: Given, at: At, log: bool) -> list[Density]:
    """Density of the parameter in the coordinate of the scale, and others as good."""
    source = given.source
    assert isinstance(source, GridSource)
    lines = [line for v in source.variants if (line := source.line(given.name, at, v)) is not None]
    if not lines:
        raise _checks.invalid("at", dict(given.held), "where the posterior does not vanish")
    units = source.edges(lines[0])
    x, kept = given.on_scale(units, log)
    return [Density(x[kept], line(units[kept])) for line in lines]


def _moved(ends: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far each end is from the nearest one of others."""
    return np.abs(ends[:, None] - others).min(axis=1) if others.size else np.full(len(ends), np.inf)
