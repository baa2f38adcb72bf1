"""Posterior-predictive spectra: what the fit says each experiment should see, beside what it saw."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE, style


def predictive_spectrum(
    axis: Axes,
    edges: Float[np.ndarray, " edges"],
    observed: Float[np.ndarray, " seen"],
    expected_draws: Float[np.ndarray, "_ _"],
    predicted_draws: Float[np.ndarray, "_ _"] | None = None,
    xlabel: str = "",
    title: str = "",
    logarithmic: bool = False,
) -> Axes:
    """Draw data over the posterior's 68 % and 95 % bands of the expectation, and of new data.

    Parameters
    ----------
    axis
        Where to draw.
    edges, observed
        Bin edges and counts, shapes (n_bins + 1,) and (n_bins,).
    expected_draws
        Expected counts at posterior draws, (draws, n_bins): filled bands.
    predicted_draws
        Posterior-predictive counts: thin outline of the central 95 %, counting noise included.
    xlabel, title
        Words.
    logarithmic
        Whether the bins' axis is logarithmic.

    Raises
    ------
    InvalidArgument
        Shapes that do not fit together.
    """
    n_bins = len(edges) - 1
    _checks.shape("observed", observed, (n_bins,))
    _checks.shape("expected_draws", expected_draws, (len(expected_draws), n_bins))
    with style():
        low95, low68, median, high68, high95 = np.quantile(
            expected_draws, [0.0228, 0.1587, 0.5, 0.8413, 0.9772], axis=0
        )
        axis.stairs(high95, edges, baseline=low95, fill=True, color=BLUE, alpha=0.2, label="expected, 95 %")
        axis.stairs(high68, edges, baseline=low68, fill=True, color=BLUE, alpha=0.35, label="expected, 68 %")
        axis.stairs(median, edges, color=BLUE, lw=1.2, baseline=None)
        if predicted_draws is not None:
            low, high = np.quantile(predicted_draws, [0.0228, 0.9772], axis=0)
            axis.stairs(low, edges, color=BLUE, lw=0.8, ls=":", baseline=None, label="new data, 95 %")
            axis.stairs(high, edges, color=BLUE, lw=0.8, ls=":", baseline=None)
        centres = np.sqrt(edges[1:] * edges[:-1]) if logarithmic else 0.5 * (edges[1:] + edges[:-1])
        error = np.sqrt(np.maximum(observed, 0.0))
        axis.errorbar(centres, observed, error, fmt="o", ms=3.5, color=BLACK, lw=1.0, label="data")
        if logarithmic:
            axis.set_xscale("log")
        axis.set_xlim(edges[0], edges[-1])
        axis.set_xlabel(xlabel)
        axis.set_ylabel("counts per bin")
        axis.set_title(title, fontsize=10)
    return axis
