"""One plane of mass and coupling on logarithmic axes: profile contours, posterior regions, limits, bands and points."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from contourpy import contour_generator
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from lmtbayes import _checks
from lmtbayes.plotting.placing import HALO
from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK, BLUE, GREEN, VERMILLION

MASS_LABEL = r"$M_{A'}$ [MeV]"
COUPLING_LABEL = r"$g_x$"
PROFILE_Q = (2.30, 6.18)
"""q at 68.27 % and 95.45 % with two degrees of freedom."""
_LINES = ("-", "--", ":", "-.")


def plane(
    axis: Axes,
    mass_range: tuple[float, float] = (1.0, 1e3),
    coupling_range: tuple[float, float] = (1e-5, 1e-2),
) -> Axes:
    """Set up logarithmic axes of mass [MeV] and coupling.

    Raises
    ------
    InvalidArgument
        A range that is not two increasing positive numbers.
    """
    for name, given in (("mass_range", mass_range), ("coupling_range", coupling_range)):
        _checks.positive(name, _checks.shape(name, _checks.increasing(name, given), (2,)))
    axis.set(xscale="log", yscale="log", xlim=mass_range, ylim=coupling_range)
    axis.set_xlabel(MASS_LABEL)
    axis.set_ylabel(COUPLING_LABEL)
    return axis


def profile_regions(
    axis: Axes,
    mass: Float[np.ndarray, " masses"],
    g_x: Float[np.ndarray, " couplings"],
    q: Float[np.ndarray, "couplings masses"],
    thresholds: Sequence[float] = PROFILE_Q,
    colour: str = BLUE,
    label: str = "",
    fill: float = 0.18,
) -> Axes:
    """Draw where a profile's q = -2 ln lambda is below each threshold.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    mass, g_x
        Grid [MeV, pure number], increasing and positive.
    q
        On the grid; interpolated as its root on logarithmic axes, as `inference.contours` does.
    thresholds
        Increasing: 2.30 and 6.18 for two degrees of freedom.
    colour, label, fill
        Of lines and region; opacity, 0 for lines alone.
    """
    edges = [np.sqrt(value) for value in _checks.increasing("thresholds", thresholds, 1)]
    return _regions(axis, mass, g_x, np.sqrt(np.clip(q, 0.0, 1e12)), edges, colour, label, fill)


def posterior_regions(
    axis: Axes,
    mass: Float[np.ndarray, " masses"],
    g_x: Float[np.ndarray, " couplings"],
    density: Float[np.ndarray, "couplings masses"],
    levels: Sequence[float] = (0.6827, 0.9545),
    colour: str = VERMILLION,
    label: str = "",
    fill: float = 0.18,
) -> Axes:
    """Draw the smallest regions that hold given fractions of a posterior.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    mass, g_x
        Centres of a grid that is even in the logarithm.
    density
        Posterior per cell, up to a constant; not negative.
    levels
        Probability contents, increasing.
    colour, label, fill
        As in `profile_regions`.
    """
    _checks.non_negative("density", density)
    _checks.in_interval("levels", _checks.increasing("levels", levels, 1), 0.0, 1.0)
    ordered = np.sort(density, axis=None)[::-1]
    content = np.cumsum(ordered) / ordered.sum()
    heights = [ordered[min(int(np.searchsorted(content, level)), ordered.size - 1)] for level in levels]
    # Regions lie where the density is high: draw in -log density, in which they are below a threshold.
    floor = 1e-12 * ordered[0]
    depth = -np.log(np.maximum(density, floor))
    return _regions(axis, mass, g_x, depth, [-np.log(max(h, floor)) for h in heights], colour, label, fill)


def _regions(
    axis: Axes,
    mass: np.ndarray,
    g_x: np.ndarray,
    z: np.ndarray,
    edges: Sequence[float],
    colour: str,
    label: str,
    fill: float,
) -> Axes:
    for name, values in (("mass", mass), ("g_x", g_x)):
        _checks.positive(name, _checks.increasing(name, values))
    _checks.shape("values on the grid", z, (len(g_x), len(mass)))
    generator: Any = contour_generator(
        x=np.log(mass), y=np.log(g_x), z=z, line_type="SeparateCode", fill_type="OuterCode", name="serial"
    )
    for number, edge in enumerate(edges):
        points, codes = generator.filled(min(float(np.min(z)), edge) - 1.0, edge)
        for outline, code in zip(points, codes, strict=True):
            if fill > 0.0:
                path = Path(np.exp(np.asarray(outline)), np.asarray(code))
                axis.add_patch(PathPatch(path, facecolor=colour, edgecolor="none", alpha=fill, zorder=2))
        lines, _ = generator.lines(edge)
        for line in lines:
            x, y = np.exp(np.asarray(line)).T
            axis.plot(x, y, color=colour, lw=1.3, ls=_LINES[number % len(_LINES)], zorder=3)
    if label:
        _remember(axis, Patch(facecolor=colour, alpha=max(2.0 * fill, 0.3), edgecolor=colour, label=label))
    return axis


def limit_curve(
    axis: Axes,
    mass: Float[np.ndarray, " masses"],
    limit: Float[np.ndarray, " masses"],
    islands: Sequence[tuple[np.ndarray, np.ndarray]] = (),
    colour: str = GREEN,
    label: str = "",
    fill: float = 0.12,
    line_style: str = "-",
) -> Axes:
    """Draw an upper limit, what is above it shaded, islands of allowed values left open.

    Parameters
    ----------
    axis
        Drawn on, and returned; its coupling range must be set.
    mass, limit
        [MeV, pure number]; NaN where there is no limit.
    islands
        (lower, upper) arrays over the masses, NaN where there is none.
    colour, label, fill, line_style
        Of the curve; opacity of what is excluded, 0 where many limits share the axes.
    """
    _checks.shape("limit", limit, np.shape(mass))
    top = axis.get_ylim()[1]
    known = np.isfinite(limit)
    axis.plot(mass, limit, color=colour, lw=1.5, ls=line_style, zorder=3)
    bottom = np.where(known, limit, top)
    for given in islands:
        lower, upper = _closed(*given)
        is_open = known & np.isfinite(lower)
        axis.fill_between(mass, bottom, lower, where=is_open, color=colour, alpha=fill, lw=0.0, zorder=1)
        for edge in (lower, upper):
            axis.plot(mass, np.where(is_open, edge, np.nan), color=colour, lw=1.0, ls="--", zorder=3)
        bottom = np.where(is_open, upper, bottom)
    axis.fill_between(mass, bottom, top, where=known & (bottom < top), color=colour, alpha=fill, lw=0.0, zorder=1)
    if label:
        _remember(axis, Line2D([], [], color=colour, lw=1.5, ls=line_style, label=label))
    return axis


def _closed(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An island, run out to a point at the next mass, where there is none any more."""
    lower, upper = np.array(lower, dtype=float), np.array(upper, dtype=float)
    inside = np.isfinite(lower)
    for tip, last in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        ends = np.zeros_like(inside)
        ends[tip] = inside[last] & ~inside[tip]
        neighbour = np.zeros_like(inside)
        neighbour[last] = ends[tip]
        lower[ends] = upper[ends] = np.sqrt(lower[neighbour] * upper[neighbour])
    return lower, upper


def band(
    axis: Axes,
    mass: Float[np.ndarray, " masses"],
    lower: Float[np.ndarray, " masses"],
    upper: Float[np.ndarray, " masses"],
    colour: str = "0.55",
    label: str = "",
) -> Axes:
    """Draw a band between two curves, such as what would explain (g-2)_mu."""
    for name, values in (("lower", lower), ("upper", upper)):
        _checks.shape(name, values, np.shape(mass))
    axis.fill_between(mass, lower, upper, color=colour, alpha=0.30, lw=0.0, zorder=0)
    if label:
        _remember(axis, Patch(facecolor=colour, alpha=0.30, label=label))
    return axis


def stars(
    axis: Axes, points: Mapping[str, tuple[float, float]], name_them: bool = True, colour_all: str | None = None
) -> Axes:
    """Mark points (mass, coupling) by stars, benchmarks in their own colours or in `colour_all`, names beside them."""
    for name, (mass, coupling) in points.items():
        colour = colour_all or BENCHMARK_COLOURS.get(name, BLACK)
        axis.plot(mass, coupling, "*", ms=12, color=colour, mec="white", mew=0.7, zorder=10)
        if name_them:
            axis.annotate(
                name,
                (mass, coupling),
                (7, -11),
                textcoords="offset points",
                color=colour,
                fontsize=9.0,
                zorder=11,
                path_effects=[HALO],
            )
    return axis


def best_fit(axis: Axes, mass: float, coupling: float, colour: str = BLUE) -> Axes:
    """Mark a best fit by a cross."""
    axis.plot(mass, coupling, "x", ms=7, mew=1.6, color=colour, zorder=9)
    return axis


def legend(axis: Axes, **options: object) -> Axes:
    """Add a legend of everything that was given a label."""
    entries = getattr(axis, "_lmtbayes_entries", [])
    if entries:
        axis.legend(handles=entries, **{"loc": "best", **options})
    return axis


def _remember(axis: Axes, entry: Patch | Line2D) -> None:
    """Keep a legend entry with its Axes: filled regions are many patches and would be listed one by one."""
    entries = [*getattr(axis, "_lmtbayes_entries", []), entry]
    axis._lmtbayes_entries = entries  # type: ignore[attr-defined]
