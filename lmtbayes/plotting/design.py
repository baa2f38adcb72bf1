"""Designs of experiments: the map of a probability over two design variables, and a ranking of what to do next."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import ArrayLike
from matplotlib.axes import Axes

from lmtbayes.plotting.style import BLACK, BLUE

LEVELS = (0.1, 0.5, 0.9)
_LABELS = 7
"""Of a logarithmic axis, at most."""


def assurance_map(
    axes: Axes, x: ArrayLike, y: ArrayLike, probability: ArrayLike, xlabel: str, ylabel: str, title: str = ""
) -> Axes:
    """Draw a probability over two design variables, both logarithmic where they are positive.

    Parameters
    ----------
    axes
        Drawn on, and returned.
    x, y
        Values of the variables.
    probability
        Shape (y, x), 0 to 1.
    xlabel, ylabel, title
        In words.
    """
    at, up, values = np.asarray(x, float), np.asarray(y, float), np.asarray(probability, float)
    mesh = axes.pcolormesh(_edges(at), _edges(up), values, vmin=0.0, vmax=1.0, cmap="Blues", rasterized=True)
    inside = [level for level in LEVELS if values.min() < level < values.max()]
    if inside:
        lines = axes.contour(at, up, values, levels=inside, colors=BLACK, linewidths=1.0)
        axes.clabel(lines, fmt=lambda level: f"{100 * level:.0f} %", fontsize=8)
    _scale(axes, "x", at)
    _scale(axes, "y", up)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.figure.colorbar(mesh, ax=axes, label="probability")
    return axes


def probability_line(axes: Axes, x: ArrayLike, lines: Mapping[str, tuple[ArrayLike, ArrayLike]], xlabel: str) -> Axes:
    """Draw probabilities with their errors against one design variable.

    Parameters
    ----------
    axes
        Drawn on, and returned.
    x
        Values of the variable.
    lines
        Label to probability and its standard deviation.
    xlabel
        In words.
    """
    for label, (value, error) in lines.items():
        axes.errorbar(np.asarray(x), np.asarray(value), np.asarray(error), marker="o", ms=4, lw=1.3, label=label)
    _scale(axes, "x", np.asarray(x, float))
    axes.set(xlabel=xlabel, ylabel="probability", ylim=(-0.03, 1.03))
    axes.legend(loc="best")
    return axes


def ranking_bars(axes: Axes, labels: Sequence[str], gains: ArrayLike, errors: ArrayLike, xlabel: str) -> Axes:
    """Draw how much each of several alternatives gains, the first on top.

    Parameters
    ----------
    axes
        Drawn on, and returned.
    labels
        Of the alternatives.
    gains, errors
        With their standard deviations.
    xlabel
        What is gained.
    """
    places = np.arange(len(labels))[::-1]
    axes.barh(places, np.asarray(gains), xerr=np.asarray(errors), color=BLUE, height=0.6, ecolor=BLACK, capsize=2)
    axes.axvline(0.0, color=BLACK, lw=0.8)
    axes.set_yticks(places, labels)
    axes.set(xlabel=xlabel)
    return axes


def _is_logarithmic(points: np.ndarray) -> bool:
    return bool(points.min() > 0.0 and points.max() > 3.0 * points.min())


def _edges(points: np.ndarray) -> np.ndarray:
    """Edges of cells half-way between points, on the scale of their axis."""
    at = np.log(points) if _is_logarithmic(points) else points
    inner = 0.5 * (at[1:] + at[:-1])
    edges = np.concatenate([[2.0 * at[0] - inner[0]], inner, [2.0 * at[-1] - inner[-1]]])
    return np.exp(edges) if _is_logarithmic(points) else edges


def _scale(axes: Axes, name: str, points: np.ndarray) -> None:
    """Make an axis logarithmic where its points are positive and range over a factor of three; label some of them."""
    if not _is_logarithmic(points):
        return
    axes.set(**{f"{name}scale": "log"})
    shown = points[:: -(-points.size // _LABELS)]
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_ticks(shown, [f"{float(f'{value:.3g}'):g}" for value in shown])
    axis.set_ticks([], minor=True)
