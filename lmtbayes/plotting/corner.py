"""Corner picture of a posterior: every marginal with its interval and every pair, the prior, the truth, the modes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from lmtbayes import _checks
from lmtbayes.parameters import ALL, LEVELS
from lmtbayes.plotting.density import density_of_draws, outlines
from lmtbayes.plotting.style import BLACK, BLUE, VERMILLION, style

_LINES = ("-", "--", ":", "-.")
_CELLS = 200
"""Of the raster of a panel, a side."""


def corner(
    samples: Mapping[str, np.ndarray],
    prior: Mapping[str, np.ndarray] | None = None,
    truth: Mapping[str, float] | None = None,
    modes: Sequence[Mapping[str, float]] = (),
    levels: Sequence[float] = LEVELS,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    axes: Any = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    titles: bool = True,
) -> np.ndarray:
    """Draw marginals and pairwise credible regions, and a legend where there is room above the diagonal.

    Parameters
    ----------
    samples
        Name to draws, all of one length; one row and column of panels each.
    prior
        Draws of the prior: dotted in the marginals.
    truth
        Name to value: a red line, a star in the pairs.
    modes
        Points of highest posterior, one mapping each: crosses in the pairs.
    levels
        Probability content of the highest-density regions.
    ranges
        Axis limits; those of the samples (and of the truth) unless given.
    axes
        (n, n) array of Axes to draw on; a new figure unless given.
    bounds
        Name to the prior's range: no region and no axis goes beyond it, but for a truth that it does not hold. What has
        none goes no further than its outermost draw.
    titles
        Whether the median and the central 68 % stand above each marginal.

    Returns
    -------
    axes
        The (n, n) array; panels above the diagonal are empty.

    Raises
    ------
    InvalidArgument
        No samples, or arrays of different lengths.
    """
    names = list(samples)
    if not names or len({np.shape(samples[name]) for name in names}) != 1:
        raise _checks.invalid("samples", {k: np.shape(v) for k, v in samples.items()}, "arrays of one length")
    with style():
        if axes is None:
            _, axes = plt.subplots(len(names), len(names), figsize=(2.4 * len(names), 2.4 * len(names)), squeeze=False)
        bounds = bounds or {}
        limits = {name: _limits(name, samples, truth, ranges, bounds.get(name)) for name in names}
        for row, y in enumerate(names):
            for column, x in enumerate(names):
                axis = axes[row, column]
                if column > row:
                    axis.set_visible(False)
                    continue
                if row == column:
                    _marginal(axis, x, samples, prior, truth, limits[x], bounds.get(x))
                    if titles:
                        axis.set_title(_interval(x, samples[x]), fontsize=9.5)
                else:
                    _pair(axis, x, y, samples, truth, modes, levels, limits, bounds)
                axis.xaxis.set_major_locator(MaxNLocator(4, prune="both"))
                axis.tick_params(axis="x", labelrotation=45)
                if row == len(names) - 1:
                    axis.set_xlabel(_label(x))
                else:
                    axis.set_xticklabels([])
                if column == 0 and row > 0:
                    axis.set_ylabel(_label(y))
                elif column > 0 or row == 0:
                    axis.set_yticklabels([])
        if len(names) > 1:
            _legend(axes, levels, bool(prior), bool(truth), bool(modes), titles)
    return axes


def _interval(name: str, draws: np.ndarray) -> str:
    """Median and central 68 %, to two digits of the narrower side."""
    low, middle, high = np.quantile(draws, [0.5 * (1.0 - LEVELS[0]), 0.5, 0.5 * (1.0 + LEVELS[0])])
    less, more = middle - low, high - middle
    narrower = min(less, more) or max(less, more)
    digits = int(np.clip(1 - np.floor(np.log10(narrower)), 0, 9)) if narrower > 0.0 else 3
    symbol, unit = _label(name), ""
    if " [" in symbol:
        symbol, unit = symbol[: symbol.index(" [")], symbol[symbol.index(" [") :]
    return rf"{symbol} = ${middle:.{digits}f}^{{+{more:.{digits}f}}}_{{-{less:.{digits}f}}}${unit}"


def _legend(axes: Any, levels: Sequence[float], prior: bool, truth: bool, modes: bool, titles: bool) -> None:
    """Explain every line and mark in the empty corner."""
    handles: list[Patch | Line2D] = [Patch(facecolor=BLUE, alpha=0.4, edgecolor=BLUE, label="posterior")]
    handles += [
        Line2D([], [], color=BLUE, lw=1.0, ls=_LINES[number % len(_LINES)], label=f"{100.0 * level:.0f} % of it")
        for number, level in enumerate(sorted(levels))
    ]
    if prior:
        handles.append(Line2D([], [], color=BLACK, ls=":", lw=1.0, label="prior"))
    if truth:
        handles.append(Line2D([], [], color=VERMILLION, marker="*", ms=10, mec="white", mew=0.6, lw=1.2, label="truth"))
    if modes:
        handles.append(Line2D([], [], color=BLACK, ls="", marker="x", ms=6, mew=1.4, label="highest point of a mode"))
    title = "titles: median and central 68 %" if titles else None
    axes[0, 0].figure.legend(handles=handles, loc="upper right", title=title, title_fontsize=9.0, fontsize=9.0)


def _limits(
    name: str,
    samples: Mapping[str, np.ndarray],
    truth: Mapping[str, float] | None,
    ranges: Mapping[str, tuple[float, float]] | None,
    bounds: tuple[float, float] | None,
) -> tuple[float, float]:
    if ranges and name in ranges:
        return ranges[name]
    low, high = np.quantile(samples[name], [0.001, 0.999])
    if truth and name in truth:
        low, high = min(low, truth[name]), max(high, truth[name])
    pad = 0.08 * (high - low) or 0.5
    least, most = (-np.inf, np.inf) if bounds is None else bounds
    # Beyond the prior's range there is nothing but a truth that it does not hold.
    return float(max(low - pad, min(low, least))), float(min(high + pad, max(high, most)))


def _marginal(
    axis: Axes,
    name: str,
    samples: Mapping[str, np.ndarray],
    prior: Mapping[str, np.ndarray] | None,
    truth: Mapping[str, float] | None,
    limits: tuple[float, float],
    bounds: tuple[float, float] | None,
) -> None:
    low, high = limits if bounds is None else (max(limits[0], bounds[0]), min(limits[1], bounds[1]))
    edges = np.linspace(low, high, 49).tolist()
    axis.hist(samples[name], edges, density=True, histtype="stepfilled", color=BLUE, alpha=0.25)
    axis.hist(samples[name], edges, density=True, histtype="step", color=BLUE, lw=1.2)
    if prior and name in prior:
        drawn = np.histogram(prior[name], np.linspace(low, high, 17))[0] / len(prior[name]) / (high - low) * 16
        axis.stairs(drawn, np.linspace(low, high, 17), color=BLACK, ls=":", lw=1.0)
    if truth and name in truth:
        axis.axvline(truth[name], color=VERMILLION, lw=1.2)
    axis.set_xlim(*limits)
    axis.set_yticks([])


def _pair(
    axis: Axes,
    x: str,
    y: str,
    samples: Mapping[str, np.ndarray],
    truth: Mapping[str, float] | None,
    modes: Sequence[Mapping[str, float]],
    levels: Sequence[float],
    limits: Mapping[str, tuple[float, float]],
    bounds: Mapping[str, tuple[float, float]],
) -> None:
    found = density_of_draws(samples[x], samples[y], sorted(levels), bounds.get(x), bounds.get(y), _CELLS)
    for number, region in enumerate(outlines(found)):
        for points, codes in region.polygons:
            axis.add_patch(PathPatch(Path(points, codes), facecolor=BLUE, edgecolor="none", alpha=0.25))
        for line in region.lines:
            axis.plot(*line.T, color=BLUE, lw=1.0, ls=_LINES[number % len(_LINES)])
    for mode in modes:
        axis.plot(mode[x], mode[y], "x", color=BLACK, ms=6, mew=1.4, zorder=5)
    if truth and x in truth and y in truth:
        axis.plot(truth[x], truth[y], "*", color=VERMILLION, ms=11, mec="white", mew=0.6)
    axis.set_xlim(*limits[x])
    axis.set_ylim(*limits[y])
    axis.yaxis.set_major_locator(MaxNLocator(4, prune="both"))


def _label(name: str) -> str:
    """Of a parameter; a nuisance is its own."""
    return ALL[name].label if name in ALL else name
