"""One plane of mass and coupling on logarithmic axes: profile contours, posterior regions, limits, bands and points."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from lmtbayes import _checks, _level_sets
from lmtbayes.parameters import LEVELS, PARAMETERS
from lmtbayes.plotting.density import density_of_draws, outlines
from lmtbayes.plotting.legends import KEY, entries, remember
from lmtbayes.plotting.placing import HALO
from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK, BLUE, GREEN, VERMILLION

PROFILE_Q = (2.30, 6.18)
"""q at 68.27 % and 95.45 % with two degrees of freedom."""
_LINES = ("-", "--", ":", "-.")
_ISLAND = (0, (4, 1, 1, 1, 1, 1))


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
    axis.set_xlabel(PARAMETERS["mass"].label)
    axis.set_ylabel(PARAMETERS["g_x"].label)
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
    names: Sequence[str] = (),
) -> Axes:
    """Draw where a profile's q = -2 ln lambda is below each threshold.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    mass, g_x
        Grid [MeV, pure number], increasing and positive.
    q
        On the grid; interpolated on logarithmic axes, as `inference.frequentist.contours` does.
    thresholds
        Increasing: 2.30 and 6.18 for two degrees of freedom.
    colour, label, fill
        Of lines and region; opacity, 0 for lines alone.
    names
        What the legend calls the lines, one a threshold; by default "68 %" and "95 %" for the usual thresholds and
        "q < 1.64" for others.
    """
    thresholds = _checks.increasing("thresholds", thresholds, 1).tolist()
    x, y = _logarithms(mass, g_x, q)
    outlines = [_level_sets.outline(x, y, np.asarray(q), threshold) for threshold in thresholds]
    usual = len(thresholds) <= 2 and np.allclose(thresholds, PROFILE_Q[: len(thresholds)], rtol=2e-3)
    called = _percent(LEVELS) if usual else tuple(f"$q < {threshold:.3g}$" for threshold in thresholds)
    return _regions(axis, outlines, colour, label, fill, tuple(names) or called)


def draws_regions(
    axis: Axes,
    mass: Float[np.ndarray, " *draws"],
    g_x: Float[np.ndarray, " *draws"],
    levels: Sequence[float] = LEVELS,
    mass_bounds: tuple[float, float] | None = None,
    coupling_bounds: tuple[float, float] | None = None,
    colour: str = VERMILLION,
    label: str = "",
    fill: float = 0.18,
) -> Axes:
    """Draw the smallest regions, on logarithmic axes, that hold given fractions of a posterior's draws.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    mass, g_x
        Draws [MeV, pure number], positive, of any one shape.
    levels
        Probability contents, increasing.
    mass_bounds, coupling_bounds
        Where the prior ends; regions end there too. Without them they end at the outermost draws at the latest.
    colour, label, fill
        As in `profile_regions`.
    """
    for name, values in (("mass", mass), ("g_x", g_x)):
        _checks.positive(name, values)
    found = density_of_draws(
        np.log(mass),
        np.log(g_x),
        levels,
        _log_bounds("mass_bounds", mass_bounds),
        _log_bounds("coupling_bounds", coupling_bounds),
    )
    return _regions(axis, outlines(found), colour, label, fill, _percent(levels))


def _log_bounds(name: str, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    if bounds is None:
        return None
    _checks.positive(name, _checks.shape(name, _checks.increasing(name, bounds), (2,)))
    low, high = np.log(bounds).tolist()
    return low, high


def _logarithms(mass: np.ndarray, g_x: np.ndarray, table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of a checked grid."""
    for name, values in (("mass", mass), ("g_x", g_x)):
        _checks.positive(name, _checks.increasing(name, values))
    _checks.shape("values on the grid", table, (len(g_x), len(mass)))
    return np.log(mass), np.log(g_x)


def _percent(levels: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{100.0 * level:.3g} %".replace("68.3 %", "68 %").replace("95.5 %", "95 %") for level in levels)


def _regions(
    axis: Axes,
    found: Sequence[_level_sets.Outline],
    colour: str,
    label: str,
    fill: float,
    names: Sequence[str],
) -> Axes:
    """Draw outlines in logarithms of mass and coupling, the innermost first; each has its line, the inner is darker."""
    for number, (region, name) in enumerate(zip(found, names, strict=True)):
        style = _LINES[number % len(_LINES)]
        gid = f"{label}, {name}" if label else name
        for points, codes in region.polygons:
            if fill > 0.0:
                path = Path(np.exp(points), codes)
                axis.add_patch(PathPatch(path, facecolor=colour, edgecolor="none", alpha=fill, zorder=2))
        for line in region.lines:
            x, y = np.exp(line).T
            axis.plot(x, y, color=colour, lw=1.3, ls=style, zorder=3, gid=gid)
        if region.lines:
            remember(axis, Line2D([], [], color=KEY, lw=1.3, ls=style, label=name), key=True)
    if label and fill > 0.0:
        remember(axis, Patch(facecolor=colour, alpha=max(2.0 * fill, 0.3), edgecolor=colour, label=label))
    elif label:
        remember(axis, Line2D([], [], color=colour, lw=1.8, label=label))
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
    excluded: Bool[np.ndarray, " masses"] | None = None,
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
    excluded
        Masses without a limit at which no coupling is allowed, the axes' lowest neither (`upper_limit`'s status 3 and
        4): shaded from bottom to top. Elsewhere a mass without a limit is left open.
    """
    _checks.shape("limit", limit, np.shape(mass))
    low, top = axis.get_ylim()
    if excluded is not None:
        nothing = _checks.shape("excluded", np.asarray(excluded, dtype=float), np.shape(mass)) > 0.0
        limit = np.where(nothing & np.isnan(limit), low, limit)
    known = np.isfinite(limit)
    axis.plot(mass, limit, color=colour, lw=1.5, ls=line_style, zorder=3, gid=label or "limit")
    bottom = np.where(known, limit, top)
    for given in islands:
        lower, upper = _closed(*given)
        is_open = known & np.isfinite(lower)
        axis.fill_between(mass, bottom, lower, where=is_open, color=colour, alpha=fill, lw=0.0, zorder=1)
        for edge in (lower, upper):
            gid = f"{label or 'limit'}, island allowed above it"
            axis.plot(mass, np.where(is_open, edge, np.nan), color=colour, lw=1.0, ls=_ISLAND, zorder=3, gid=gid)
        if is_open.any():
            remember(axis, Line2D([], [], color=KEY, lw=1.0, ls=_ISLAND, label="island above a limit"), key=True)
        bottom = np.where(is_open, upper, bottom)
    axis.fill_between(mass, bottom, top, where=known & (bottom < top), color=colour, alpha=fill, lw=0.0, zorder=1)
    if label:
        remember(axis, Line2D([], [], color=colour, lw=1.5, ls=line_style, label=label))
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
    axis.fill_between(mass, lower, upper, color=colour, alpha=0.30, lw=0.0, zorder=0, gid=label or "band")
    if label:
        remember(axis, Patch(facecolor=colour, alpha=0.30, label=label))
    return axis


def stars(
    axis: Axes,
    points: Mapping[str, tuple[float, float]],
    name_them: bool = True,
    colour_all: str | None = None,
    label: str = "",
) -> Axes:
    """Mark points (mass, coupling) by stars, benchmarks in their own colours or in `colour_all`, names beside them.

    The `label` says in the legend what stars are.
    """
    if label and points:
        own = colour_all or (BENCHMARK_COLOURS.get(next(iter(points)), BLACK) if len(points) == 1 else KEY)
        remember(axis, Line2D([], [], color=own, ls="", marker="*", ms=10, mec="white", mew=0.7, label=label), key=True)
    for name, (mass, coupling) in points.items():
        colour = colour_all or BENCHMARK_COLOURS.get(name, BLACK)
        axis.plot(mass, coupling, "*", ms=12, color=colour, mec="white", mew=0.7, zorder=10, gid=name)
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


def best_fit(axis: Axes, mass: float, coupling: float, colour: str = BLUE, label: str = "") -> Axes:
    """Mark a best fit by a cross; the `label` is what the legend calls it."""
    axis.plot(mass, coupling, "x", ms=7, mew=1.6, color=colour, zorder=12, gid=label or "best fit")
    if label:
        remember(axis, Line2D([], [], color=colour, ls="", marker="x", ms=7, mew=1.6, label=label), key=True)
    return axis


def legend(axis: Axes, **options: object) -> Axes:
    """Add a legend of everything that was given a label, and of the lines and marks that are drawn."""
    if handles := entries(axis):
        axis.legend(handles=handles, **{"loc": "best", **options})
    return axis
