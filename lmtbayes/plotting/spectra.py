"""Binned spectra: expected counts as steps, each with the Poisson fluctuation that one experiment would see."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK, CYCLE

_SPREAD = 0.5
"""Part of a bin's width over which the error bars of the spectra stand side by side."""


def binned_spectra(
    axis: Axes,
    bin_edges: Float[np.ndarray, " edges"],
    spectra: Mapping[str, Float[np.ndarray, " bins"]],
    labels: Mapping[str, str] | None = None,
    poisson_errors: bool = True,
    xlabel: str = "",
) -> Axes:
    """Draw expected counts per bin for several photons; Fig. 4 of arXiv:2104.03297 for a muon beam.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    bin_edges
        In the unit of the label.
    spectra
        Name to expected counts in each bin. BP1-BP4 have their own colours, "SM" is black.
    labels
        Name to legend entry; the name itself by default.
    poisson_errors
        Whether each bin carries +- sqrt(counts).
    xlabel
        Quantity and unit of the edges.

    Returns
    -------
    axis
        The same axes.

    Raises
    ------
    InvalidArgument
        A spectrum that has not one entry a bin.
    """
    centres, widths = 0.5 * (bin_edges[:-1] + bin_edges[1:]), np.diff(bin_edges)
    highest = 0.0
    for position, (name, given) in enumerate(spectra.items()):
        counts = _checks.shape(f"spectra[{name!r}]", given, centres.shape)
        colour = BLACK if name == "SM" else BENCHMARK_COLOURS.get(name, CYCLE[position % len(CYCLE)])
        label = (labels or {}).get(name, name)
        axis.stairs(counts, bin_edges, color=colour, linewidth=1.6, label=label, baseline=None)
        top = counts
        if poisson_errors:
            place = centres + _SPREAD * widths * ((position + 0.5) / len(spectra) - 0.5)
            sigma = np.sqrt(counts)
            axis.errorbar(place, counts, yerr=sigma, fmt="o", color=colour, markersize=2.5, linewidth=1.0, alpha=0.8)
            top = counts + sigma
        highest = max(highest, float(np.max(top, initial=0.0)))
    axis.set(
        xlim=(bin_edges[0], bin_edges[-1]),
        ylim=(0.0, 1.3 * highest if highest > 0.0 else 1.0),
        xlabel=xlabel,
        ylabel="expected events per bin",
    )
    axis.legend(loc="upper center", ncols=2, fontsize=8.5, handlelength=1.4, columnspacing=1.2)
    return axis
