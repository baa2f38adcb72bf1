"""Posterior-predictive spectra: what the fit says each experiment should see, beside what it saw, and their ratio."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE, style
from lmtbayes.plotting.xenon import plain_ticks

_QUANTILES = (0.0228, 0.1587, 0.5, 0.8413, 0.9772)
_STEEP = 200.0
"""Ratio of the fullest to the emptiest bin above which counts are drawn on a logarithmic axis."""
_FAR = 2.0
"""Most of a ratio's distance from one that is drawn: an empty bin's neighbour has any."""
_NOTHING = 0.5
"""Events in a bin below which, where none was seen either, there is nothing to be drawn."""


def predictive_spectrum(
    axis: Axes,
    edges: Float[np.ndarray, " edges"],
    observed: Float[np.ndarray, " seen"],
    expected_draws: Float[np.ndarray, "_ _"],
    predicted_draws: Float[np.ndarray, "_ _"] | None = None,
    xlabel: str = "",
    title: str = "",
    logarithmic: bool = False,
    ratio: Axes | None = None,
    end: float | None = None,
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
    ratio
        Axes below, with the same horizontal axis: everything over the median of the expectation.
    end
        Where the horizontal axis ends; by default with the last bin in which there is an event to be seen or expected.

    Raises
    ------
    InvalidArgument
        Shapes that do not fit together.
    """
    n_bins = len(edges) - 1
    _checks.shape("observed", observed, (n_bins,))
    _checks.shape("expected_draws", expected_draws, (len(expected_draws), n_bins))
    bands = np.quantile(expected_draws, _QUANTILES, axis=0)
    new = None if predicted_draws is None else np.quantile(predicted_draws, (_QUANTILES[0], _QUANTILES[-1]), axis=0)
    last = 1 + int(np.max(np.flatnonzero((observed > 0.0) | (bands[-1] >= _NOTHING)), initial=0))
    end = float(edges[last]) if end is None else min(end, float(edges[-1]))
    with style():
        _draw(axis, edges, observed, bands, new, np.ones(n_bins), logarithmic, end)
        axis.set_ylabel("counts per bin")
        axis.set_title(title, fontsize=10)
        filled = bands[2][:last]
        if filled.min() > 0.0 and filled.max() > _STEEP * filled.min():
            axis.set_yscale("log")
            axis.set_ylim(0.3 * min(filled.min(), max(bands[0][:last].min(), 0.1)), 3.0 * bands[-1].max())
        else:
            axis.set_ylim(0.0, None)
        if ratio is None:
            axis.set_xlabel(xlabel)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                by = np.where(bands[2] > 0.0, 1.0 / bands[2], np.nan)
            _draw(ratio, edges, observed, bands, new, by, logarithmic, end)
            ratio.axhline(1.0, color=BLACK, lw=0.6, zorder=0)
            shown = np.vstack([bands[[0, -1]], observed, *([] if new is None else [new])])[:, :last]
            distance = np.abs(shown * by[:last] - 1.0)
            away = float(np.clip(np.max(distance[np.isfinite(distance)], initial=0.0), 1e-3, _FAR))
            ratio.set_ylim(1.0 - min(1.15 * away, 1.0), 1.0 + 1.15 * away)
            ratio.set_ylabel("over median")
            ratio.set_xlabel(xlabel)
    return axis


def _draw(
    axis: Axes,
    edges: np.ndarray,
    observed: np.ndarray,
    bands: np.ndarray,
    new: np.ndarray | None,
    scale: np.ndarray,
    logarithmic: bool,
    end: float,
) -> None:
    """Draw bands, median, new data and data, each times `scale`."""
    low95, low68, median, high68, high95 = bands * scale
    axis.stairs(high95, edges, baseline=low95, fill=True, color=BLUE, alpha=0.2, label="expected, 95 %")
    axis.stairs(high68, edges, baseline=low68, fill=True, color=BLUE, alpha=0.35, label="expected, 68 %")
    axis.stairs(median, edges, color=BLUE, lw=1.2, baseline=None, label="expected, median")
    if new is not None:
        axis.stairs(new[0] * scale, edges, color=BLUE, lw=0.8, ls=":", baseline=None, label="new data, 95 %")
        axis.stairs(new[1] * scale, edges, color=BLUE, lw=0.8, ls=":", baseline=None)
    stop = np.minimum(edges, end)
    centres = np.sqrt(stop[1:] * stop[:-1]) if logarithmic else 0.5 * (stop[1:] + stop[:-1])
    error = np.sqrt(np.maximum(observed, 0.0))
    shown = edges[:-1] < end
    axis.errorbar(
        centres[shown],
        (observed * scale)[shown],
        (error * scale)[shown],
        fmt="o",
        ms=3.5,
        color=BLACK,
        lw=1.0,
        label=r"data $\pm \sqrt{n}$",
    )
    axis.set_xlim(edges[0], end)
    if logarithmic:
        axis.set_xscale("log")
        plain_ticks(axis)
