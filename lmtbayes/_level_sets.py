"""Where a function on a grid lies below a level: its outline, area and extent, and how well the grid settles them.

The function is one like q = -2 ln lambda, zero or above, a parabola near its lowest point and steeper or flatter away
from it. Interpolated is sqrt(1 + q), which is smooth at the lowest point and grows evenly far from it, by Akima's
splines (J. ACM 17 (1970) 589): exact for parabolas on an even grid, local, and without overshoot beside a cliff.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.interpolate import Akima1DInterpolator

TOLERANCE = 0.02
"""A region is resolved if extents and area move by less than this part of themselves when a grid's lines double."""
_HIGHEST = 1e12
_MARGIN = 3
"""Lines beyond the region that its interpolation is given."""
_FINE = 400
"""Steps that a region is interpolated to, a side."""
_FEWEST = 3
"""Lines through a region below which its interpolation is a guess."""


@dataclass(frozen=True, eq=False)
class Outline:
    """The region below a level; empty arrays and zero area where there is none."""

    lines: tuple[Float[np.ndarray, "_ 2"], ...]
    """Its edge; a line that is cut by an edge of the grid does not return to its first point."""
    polygons: tuple[tuple[np.ndarray, np.ndarray], ...]
    """(points, matplotlib's path codes) of every connected part, closed along the grid's edges, holes included."""
    area: float
    low: Float[np.ndarray, " 2"]
    high: Float[np.ndarray, " 2"]


def root(q: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return what is interpolated: sqrt(1 + q), bounded where q is infinite or not a number."""
    return np.sqrt(1.0 + np.clip(np.nan_to_num(q, nan=_HIGHEST), 0.0, _HIGHEST))


def outline(
    x: Float[np.ndarray, " x"], y: Float[np.ndarray, " y"], q: Float[np.ndarray, "y x"], level: float
) -> Outline:
    """Outline the region q < level on a grid of increasing coordinates, smoothly between its lines."""
    z, height = root(q), float(np.sqrt(1.0 + level))
    for margin in (_MARGIN, max(z.shape)):
        found = straight(*_fine(x, y, z, height, margin), height)
        if all(_ends_at_edge(line, x, y) for line in found.lines):
            break
    return found


def straight(x: np.ndarray, y: np.ndarray, z: np.ndarray, level: float) -> Outline:
    """Outline the region z < level, linearly between the lines of a grid."""
    from contourpy import contour_generator

    options: dict[str, Any] = {"line_type": "Separate", "fill_type": "OuterCode", "name": "serial"}
    generator: Any = contour_generator(x=x, y=y, z=z, **options)
    lines = tuple(np.asarray(line) for line in generator.lines(level))
    lowest = float(np.min(z))
    filled = generator.filled(lowest - 1.0, level) if lowest < level else ([], [])
    polygons = tuple((np.asarray(points), np.asarray(codes)) for points, codes in zip(*filled, strict=True))
    corners = np.concatenate([points for points, _ in polygons] or [np.full((1, 2), np.nan)])
    return Outline(lines, polygons, sum(map(_area, polygons)), corners.min(axis=0), corners.max(axis=0))


def upsampled(x: np.ndarray, y: np.ndarray, z: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interpolate a table to a grid whose lines are those of the given one and more, about `steps` a side."""
    fine_x, fine_y = (_between(lines, max(1, min(10, steps // (lines.size - 1)))) for lines in (x, y))
    for axis, lines, fine in ((1, x, fine_x), (0, y, fine_y)):
        z = Akima1DInterpolator(lines, z, axis=axis, method="akima")(fine)
    return fine_x, fine_y, z


def movement(x: np.ndarray, y: np.ndarray, q: np.ndarray, level: float) -> Float[np.ndarray, " 2"]:
    """Say how far a region is from settled: how much it would move if the grid's lines doubled, in x and y apart.

    Seen is what every second line of the grid changes; twice as many change half of that or less (a quarter where an
    interpolation is of second order), and what remains is no more.

    Returns
    -------
    movement
        Half of the largest change: of the region's edges, over its extent in that direction, and of its area, over the
        area; for either half of the lines of x, then of y. 1 where a half sees no region, and where fewer than three
        lines run through it.
    """
    whole = outline(x, y, q, level)
    found = []
    for axis, size in ((1, x.size), (0, y.size)):
        lines, ends = (x, y)[1 - axis], (whole.low[1 - axis], whole.high[1 - axis])
        if whole.area > 0.0 and np.sum((lines >= ends[0]) & (lines <= ends[1])) < _FEWEST:
            found.append(1.0)
            continue
        halves = [np.unique([0, *range(first, size, 2), size - 1]) for first in (0, 1)]
        changes = [
            _change(whole, outline(x[half], y, q[:, half], level) if axis else outline(x, y[half], q[half], level))
            for half in halves
            if half.size > 1
        ]
        found.append(1.0 if max(changes) >= 1.0 else 0.5 * max(changes))
    return np.array(found)


def _change(whole: Outline, other: Outline) -> float:
    if whole.area == 0.0 and other.area == 0.0:
        return 0.0
    if whole.area == 0.0 or other.area == 0.0:
        return 1.0
    extent = whole.high - whole.low
    edges = np.abs(np.stack([other.low - whole.low, other.high - whole.high])) / extent
    return float(min(max(edges.max(), abs(other.area / whole.area - 1.0)), 1.0))


def _fine(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, level: float, margin: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interpolate around the part of a grid that lies below a level, or around its lowest point if none does."""
    inside = z < level
    inside.flat[np.argmin(z)] = True
    cut = []
    for axis in (0, 1):
        hit = np.flatnonzero(inside.any(axis=1 - axis))
        cut.append(slice(max(hit[0] - margin, 0), hit[-1] + margin + 1))
    return upsampled(x[cut[1]], y[cut[0]], z[cut[0], cut[1]], _FINE)


def _between(lines: np.ndarray, steps: int) -> np.ndarray:
    """Put `steps` - 1 values evenly between all neighbours."""
    part = np.arange(steps) / steps
    return np.append((lines[:-1, None] + np.diff(lines)[:, None] * part).ravel(), lines[-1])


def _ends_at_edge(line: np.ndarray, x: np.ndarray, y: np.ndarray) -> bool:
    return bool(np.array_equal(line[0], line[-1])) or all(sides(end, x, y) for end in (line[0], line[-1]))


def sides(point: Sequence[float] | np.ndarray, x: np.ndarray, y: np.ndarray) -> list[tuple[int, int]]:
    """Edges of the grid on which a point lies: (0 for x, 1 for y; 0 for the lower, -1 for the upper one)."""
    return [
        (axis, end)
        for axis, lines in enumerate((x, y))
        for end in (0, -1)
        if abs(point[axis] - lines[end]) < 1e-9 * (lines[-1] - lines[0])
    ]


def _area(polygon: tuple[np.ndarray, np.ndarray]) -> float:
    """Area of a polygon less that of its holes, which run the other way around."""
    points, codes = polygon
    starts = np.flatnonzero(codes == 1)
    loops = np.split(points, starts[1:])
    return float(sum(0.5 * np.sum(p[:-1, 0] * p[1:, 1] - p[1:, 0] * p[:-1, 1]) for p in loops))
