"""Highest-density regions of two parameters: the posterior's probability on a raster, and outlines that hold so much.

Cells of the grid are dealt out exactly to the rectangles of a raster, each as a product of exponentials; the logarithm
of the density is then smooth between their middles, as that of a profile is (`_level_sets`), and outlined like it.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks, _level_sets
from lmtbayes.inference.credible.given import Given, Held, about
from lmtbayes.inference.credible.sources import GridSource
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid

if TYPE_CHECKING:
    import xarray

_LINES = 65
"""Edges of the raster: as many even in the posterior's quantiles, and as many even on the axis."""
_WINDOW = 1e-5
"""Posterior probability left out beyond either end of the raster."""
_DEEPEST = 1e3
_FINE = 600


class _Axis(NamedTuple):
    """One side of the raster."""

    given: Given
    units: Float[np.ndarray, " edges"]
    """Edges of its bins, in quantiles of the measure."""
    edges: Float[np.ndarray, " edges"]
    """The same on the axis: the natural logarithm where the parameter is positive."""
    width: Float[np.ndarray, " bins"]
    """Of bins, in the coordinate of the scale."""
    log: bool

    @property
    def nodes(self) -> Float[np.ndarray, " nodes"]:
        """Both ends of the axis, and the middles of its bins."""
        return np.concatenate([self.edges[:1], 0.5 * (self.edges[:-1] + self.edges[1:]), self.edges[-1:]])

    def physical(self, value: np.ndarray) -> np.ndarray:
        """Parameter at places on the axis."""
        return np.exp(value) if self.log else value


def plane_region(
    grid: PosteriorGrid, x: str, y: str, levels: tuple[float, ...], at: Held | None, scale: str
) -> "xarray.Dataset":
    """See `highest_density_region`, of two parameters."""
    import xarray

    axes = [_axis(Given(grid, x, at), scale), _axis(Given(grid, y, at), scale)]
    source = axes[0].given.source
    assert isinstance(source, GridSource)
    if len(axes[0].given.points()) > 1:
        raise _checks.invalid("at", dict(at or {}), "a single value of each parameter that is held, in a plane")
    if {x, y} & set(axes[0].given.held) or {x, y} & set(axes[1].given.held):
        raise _checks.invalid("at", dict(at or {}), f"of other parameters than {x!r} and {y!r}")
    tables = [_probabilities(source, axes, variant) for variant in source.variants]
    density = tables[0] / np.outer(axes[1].width, axes[0].width)
    with np.errstate(divide="ignore"):
        depth = np.minimum(-2.0 * np.log(density / density.max()), _DEEPEST)
    depth = np.pad(depth, 1, mode="edge")
    nodes = [axis.nodes for axis in axes]
    fine_x, fine_y, z = _level_sets.upsampled(nodes[0], nodes[1], _level_sets.root(depth), _FINE)
    shares = [_dealt_out(table, axes, fine_x, fine_y, z) for table in tables]
    order = np.argsort(z, axis=None)
    below = np.cumsum(shares[0].ravel()[order])
    thresholds = np.interp(levels, below, z.ravel()[order] ** 2 - 1.0)
    rows = []
    for level, threshold in zip(levels, thresholds, strict=True):
        outline = _level_sets.outline(nodes[0], nodes[1], depth, float(threshold))
        inside = z < np.sqrt(1.0 + threshold)
        by_variant = [float(share[inside].sum()) for share in shares]
        error = float(_level_sets.movement(nodes[0], nodes[1], depth, float(threshold)).max())
        moved = sum(abs(other - level) for other in by_variant)
        rows.append((by_variant[0], moved, outline.area, error, len(outline.polygons), outline.low, outline.high))
    held, held_error, area, errors, parts, low, high = (np.array(column) for column in zip(*rows, strict=True))
    ends = [np.stack([a.physical(e[:, k]) for k, a in enumerate(axes)], axis=1) for e in (low, high)]
    attributes = axes[0].given.attributes("highest density")
    attributes |= {"parameter": f"{x}, {y}", "density_in": ", ".join(a.given.density_in(scale) for a in axes)}
    return xarray.Dataset(
        {
            "depth": ((y, x), depth, {"long_name": "2 ln(highest density/density)", "units": "1"}),
            "threshold": ("level", thresholds, {"long_name": "depth at which the region ends", "units": "1"}),
            "held": ("level", held, {"long_name": "posterior probability inside", "units": "1"}),
            "held_error": ("level", held_error),
            "area": ("level", area, {"long_name": "area on the axes, logarithmic where positive"}),
            "error": ("level", errors, {"long_name": "estimated relative error of area and extents"}),
            "parts": ("level", parts, {"long_name": "number of separate regions"}),
            "lower": (("level", "parameter"), ends[0]),
            "upper": (("level", "parameter"), ends[1]),
        },
        {
            **{name: (name, a.physical(n), about(name)) for name, a, n in zip((x, y), axes, nodes, strict=True)},
            "level": list(levels),
            "parameter": [x, y],
        },
        attributes,
    )


def _axis(given: Given, scale: str) -> _Axis:
    """Bins that are fine where the posterior is, and everywhere as fine as an outline needs."""
    source, log_scale = given.source, given.in_logarithm(scale)
    assert isinstance(source, GridSource)
    assert given.prior is not None
    line = source.line(given.name, given.points()[0])
    if line is None:
        raise _checks.invalid("at", dict(given.held), "where the posterior does not vanish")
    log = given.logarithmic or given.prior.box[given.name][0] >= 0.0
    table = source.edges(line)
    below = line(table)
    kept = (below >= _WINDOW) & (below <= 1.0 - _WINDOW)
    kept[:-1] |= kept[1:]
    kept[1:] |= kept[:-1]
    place, is_number = given.on_scale(table, log)
    kept &= is_number
    table, below, place = table[kept], below[kept], place[kept]
    rising = np.diff(below, prepend=-1.0) > 0.0
    by_weight = np.interp(np.linspace(below[0], below[-1], _LINES), below[rising], table[rising])
    even = np.interp(np.linspace(place[0], place[-1], _LINES), place, table)
    units = np.unique(np.concatenate([by_weight, even, table[[0, -1]]]))
    # Neighbours that all but touch are one; the ends stay, so that a region may reach the prior's.
    least = 1e-3 * (units[-1] - units[0])
    apart = (np.diff(units, prepend=-1.0) > least) & (units < units[-1] - least)
    units = np.append(units[apart], units[-1])
    edges = given.on_scale(units, log)[0] * (np.log(10.0) if log else 1.0)
    return _Axis(given, units, edges, np.diff(given.on_scale(units, log_scale)[0]), log)


def _probabilities(source: GridSource, axes: list[_Axis], variant: str) -> Float[np.ndarray, "y x"]:
    """Posterior probability of every rectangle of the raster."""
    weight, chosen = source.weights_at(axes[0].given.points()[0], variant)
    along = [source.shares(axis.given.name, axis.units, chosen, variant) for axis in axes]
    table = along[1].T @ (weight[:, None] * along[0])
    return np.asarray(table / table.sum())


def _dealt_out(
    table: Float[np.ndarray, "y x"], axes: list[_Axis], x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> Float[np.ndarray, "fine_y fine_x"]:
    """Probability of rectangles dealt out to the points of a finer raster inside them, as the density between is."""
    owner = [np.clip(np.searchsorted(a.edges, p) - 1, 0, len(a.edges) - 2) for a, p in zip(axes, (x, y), strict=True)]
    share = np.exp(-0.5 * (z**2 - z.min() ** 2)) * np.outer(np.gradient(y), np.gradient(x))
    total = np.zeros_like(table)
    np.add.at(total, (owner[1][:, None], owner[0]), share)
    return share * (table / np.where(total > 0.0, total, 1.0))[owner[1][:, None], owner[0]]
