"""Counts above a background in bins of unequal width: data minus background over what the fit puts there, stacked."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE, ORANGE, SKY, VERMILLION, style

_COLOURS = (ORANGE, SKY, BLUE)


def residual_spectrum(
    axis: Axes,
    edges: Float[np.ndarray, " edges"],
    observed: Float[np.ndarray, " seen"],
    background: Float[np.ndarray, " seen"],
    components: Mapping[str, Float[np.ndarray, " seen"]],
    lines: Mapping[str, Float[np.ndarray, " seen"]] | None = None,
    xlabel: str = "",
    unit: str = "",
    title: str = "",
) -> Axes:
    """Draw observed minus background counts, per unit of the axis, over a stack of fitted components.

    Parameters
    ----------
    axis
        Where to draw.
    edges
        Of the bins, (n_bins + 1,).
    observed, background
        Counts, (n_bins,): points at their difference with errors sqrt(observed).
    components
        Label to counts, (n_bins,): stacked from the bottom.
    lines
        Label to counts to draw as dashed steps over the stack, for example another hypothesis.
    xlabel, unit, title
        Words; the unit is what counts are divided by.

    Raises
    ------
    InvalidArgument
        Shapes that do not fit together.
    """
    n_bins = len(edges) - 1
    curves = {"observed": observed, "background": background, **components, **(lines or {})}
    for label, counts in curves.items():
        _checks.shape(label, counts, (n_bins,))
    width = np.diff(edges)
    with style():
        base = np.zeros(n_bins)
        for number, (label, counts) in enumerate(components.items()):
            top = base + np.asarray(counts)
            colour = _COLOURS[number % len(_COLOURS)]
            axis.stairs(top / width, edges, baseline=base / width, fill=True, color=colour, alpha=0.55, label=label)
            base = top
        axis.stairs(base / width, edges, color=BLACK, lw=0.8, baseline=None)
        for label, counts in (lines or {}).items():
            axis.stairs(counts / width, edges, color=VERMILLION, lw=1.2, ls="--", baseline=None, label=label)
        axis.errorbar(
            0.5 * (edges[1:] + edges[:-1]),
            (observed - background) / width,
            np.sqrt(np.maximum(observed, 1.0)) / width,
            0.5 * width,
            fmt="o",
            ms=3.5,
            color=BLACK,
            lw=1.0,
            label="data − steady state",
        )
        axis.axhline(0.0, color=BLACK, lw=0.6)
        axis.set_xlim(edges[0], edges[-1])
        axis.set_xlabel(xlabel)
        axis.set_ylabel(f"counts per {unit}" if unit else "counts")
        axis.set_title(title, fontsize=10)
    return axis
