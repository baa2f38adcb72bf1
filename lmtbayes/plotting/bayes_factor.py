"""ln B of two models against what an experiment may choose, and over toys, on Jeffreys' scale."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import ArrayLike
from matplotlib.axes import Axes

from lmtbayes.plotting.style import BLACK, CYCLE

STRONG, WEAK = 5.0, 1.0
"""|ln B| above which evidence is strong, below which it is inconclusive (Trotta, arXiv:0803.4089, Table 1)."""
_DASHES = ("-", "--", "-.", ":")
_MARKERS = "os^D"


def bayes_factor_lines(axes: Axes, x: ArrayLike, lines: Mapping[str, ArrayLike], xlabel: str) -> Axes:
    """Draw ln B on a scale that is linear up to 1 and logarithmic beyond.

    Parameters
    ----------
    axes
        Drawn on, and returned.
    x
        Exposures or thresholds, positive.
    lines
        Label to ln B, each of the shape of `x`.
    xlabel
        What `x` is, with its unit.
    """
    at = np.asarray(x, dtype=float)
    for number, (label, values) in enumerate(lines.items()):
        (line,) = axes.plot(at, np.asarray(values), ms=4.5, lw=1.5, label=label, color=CYCLE[number % len(CYCLE)])
        line.set(linestyle=_DASHES[number % 4], marker=_MARKERS[number % 4])
    axes.set(xscale="log", xlim=(at.min() / 1.08, at.max() * 1.08), xlabel=xlabel)
    axes.set_yscale("symlog", linthresh=1.0)
    axes.set_yticks([-1.0, 0.0, 1.0, 5.0, 10.0, 50.0, 100.0], ["-1", "0", "1", "5", "10", "50", "100"])
    axes.minorticks_off()
    axes.axhspan(-WEAK, WEAK, color="0.93", lw=0, zorder=0)
    axes.axhline(STRONG, color=BLACK, lw=0.8, ls=":", zorder=1)
    axes.set_ylim(-1.5, max(12.0, 1.6 * max(float(np.max(values)) for values in lines.values())))
    axes.text(0.98, STRONG * 1.04, "strong", transform=axes.get_yaxis_transform(), fontsize=8, va="bottom", ha="right")
    axes.text(0.02, -0.9, "inconclusive", transform=axes.get_yaxis_transform(), fontsize=8, va="bottom")
    axes.set_xticks(at, [f"{value:g}" for value in at])
    return axes


def toy_histograms(
    axes: Axes, toys: Mapping[str, ArrayLike], asimov: Mapping[str, float], xlabel: str, bins: int = 24
) -> Axes:
    """Draw how ln B falls over toys, one histogram a truth, the Asimov value as a line.

    Parameters
    ----------
    axes
        Drawn on, and returned.
    toys
        Label to ln B of every toy.
    asimov
        Label to ln B of Asimov data.
    xlabel
        Of the axis.
    bins
        Number of bins.
    """
    everything = np.concatenate([np.asarray(values) for values in toys.values()])
    edges = np.linspace(everything.min(), everything.max(), bins + 1)
    for number, (label, values) in enumerate(toys.items()):
        colour = CYCLE[number % len(CYCLE)]
        axes.hist(np.asarray(values), edges.tolist(), color=colour, alpha=0.35, lw=0)
        axes.hist(np.asarray(values), edges.tolist(), histtype="step", color=colour, lw=1.4, label=label)
        axes.axvline(asimov[label], color=colour, ls="--", lw=1.2)
    axes.axvspan(-WEAK, WEAK, color="0.93", lw=0, zorder=0)
    axes.axvline(0.0, color=BLACK, lw=0.8, zorder=1)
    axes.set(xlabel=xlabel, ylabel="toy experiments")
    axes.plot([], [], color="0.4", ls="--", lw=1.2, label="Asimov data")
    axes.legend(loc="best")
    return axes
