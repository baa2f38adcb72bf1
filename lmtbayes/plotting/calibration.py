"""Pictures of calibration: rank histograms with their band, distribution functions of ranks, coverage, pulls."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE, CYCLE, SKY

_DASHES = ("-", "--", ":", "-.")


def rank_histogram(
    ranks: Int[np.ndarray, " simulations"], highest: int, bins: int = 20, ax: Axes | None = None, name: str = ""
) -> Axes:
    """Draw how often each rank was found, over the band that holds 95 % of each bin where ranks are uniform.

    Parameters
    ----------
    ranks
        Ranks of the truth, 0 to `highest`.
    highest
        Number of draws that the truth was ranked among.
    bins
        Bins of equal width; at least two, and a divisor of `highest` + 1.
    ax, name
        Axes to draw on, new ones by default; their title.

    Returns
    -------
    ax
        The axes.

    Raises
    ------
    InvalidArgument
        Bins that do not hold equally many ranks.
    """
    if bins < 2 or (highest + 1) % bins:
        raise _checks.invalid("bins", bins, f"a divisor of {highest + 1}, at least 2")
    ax = plt.subplots()[1] if ax is None else ax
    counts, edges = np.histogram(ranks, bins=np.linspace(-0.5, highest + 0.5, bins + 1))
    low, high = (binom.ppf(p, len(ranks), 1.0 / bins) for p in (0.025, 0.975))
    ax.axhspan(low, high, color=SKY, alpha=0.3, lw=0)
    ax.axhline(len(ranks) / bins, color=BLACK, lw=0.8)
    ax.stairs(counts, edges, color=BLUE)
    ax.set(xlabel="rank of the truth", ylabel="fits", title=name, xlim=(edges[0], edges[-1]), ylim=(0.0, None))
    return ax


def ecdf_departure(ranks: Mapping[str, Int[np.ndarray, " simulations"]], highest: int, ax: Axes | None = None) -> Axes:
    """Draw the distribution function of ranks less the uniform one, with the band that holds all of it at 95 %.

    Parameters
    ----------
    ranks
        Quantity to its ranks, 0 to `highest`; equally many of each.
    highest
        Number of draws that truths were ranked among.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    ax
        The axes.

    References
    ----------
    Band: A. Dvoretzky, J. Kiefer, J. Wolfowitz, Ann. Math. Stat. 27 (1956) 642, with the constant of P. Massart, Ann.
    Probab. 18 (1990) 1269.
    """
    ax = plt.subplots()[1] if ax is None else ax
    at = (np.arange(highest + 1) + 1.0) / (highest + 1.0)
    for k, (name, found) in enumerate(ranks.items()):
        below = np.searchsorted(np.sort(found), np.arange(highest + 1), side="right") / len(found)
        # A colour that comes again has another dash.
        ax.plot(
            at, below - at, _DASHES[k // len(CYCLE) % len(_DASHES)], color=CYCLE[k % len(CYCLE)], lw=1.0, label=name
        )
    band = half_width(len(next(iter(ranks.values()))))
    ax.axhspan(-band, band, color=SKY, alpha=0.3, lw=0)
    ax.axhline(0.0, color=BLACK, lw=0.8)
    ax.set(xlabel="rank / number of draws", ylabel="distribution less uniform", xlim=(0.0, 1.0))
    ax.legend(ncols=2, fontsize=7)
    return ax


def calibration_sheet(ranks: Mapping[str, Int[np.ndarray, " simulations"]], highest: int, bins: int = 20) -> Figure:
    """Draw a rank histogram of every quantity and, below, the departures of all of them.

    Parameters
    ----------
    ranks, highest
        As of `ecdf_departure`.
    bins
        As of `rank_histogram`.

    Returns
    -------
    figure
        A new figure.

    Raises
    ------
    InvalidArgument
        Bins that do not hold equally many ranks.
    """
    columns = min(6, len(ranks))
    rows = -(-len(ranks) // columns)
    figure = plt.figure(figsize=(1.6 * columns + 0.6, 1.25 * rows + 3.2), layout="constrained")
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=[1.0] * rows + [2.4])
    for k, (name, found) in enumerate(ranks.items()):
        ax = rank_histogram(found, highest, bins, figure.add_subplot(grid[k // columns, k % columns]))
        ax.set_title(name, fontsize=7)
        ax.set(xlabel="", ylabel="", xticks=[], yticks=[])
    ecdf_departure(ranks, highest, figure.add_subplot(grid[rows, :]))
    figure.axes[-1].legend(ncols=1 + len(ranks) // 12, fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def half_width(size: int, level: float = 0.95) -> float:
    """Distance that a distribution function of `size` draws keeps to the true one everywhere, at a probability."""
    return math.sqrt(math.log(2.0 / (1.0 - level)) / (2.0 * size))


def coverage_points(
    names: Sequence[str],
    nominal: Float[np.ndarray, " regions"],
    found: Float[np.ndarray, " regions"],
    error: Float[np.ndarray, " regions"],
    ax: Axes | None = None,
) -> Axes:
    """Draw coverage less its nominal level, a line a region.

    Parameters
    ----------
    names, nominal, found, error
        Of each region.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    ax
        The axes.
    """
    ax = plt.subplots()[1] if ax is None else ax
    rows = np.arange(len(names))[::-1]
    ax.errorbar(found - nominal, rows, xerr=error, fmt="o", ms=3, color=BLUE, lw=0.8)
    ax.axvline(0.0, color=BLACK, lw=0.8)
    ax.set(xlabel="coverage less its level")
    ax.set_yticks(rows, list(names), fontsize=6)
    return ax
