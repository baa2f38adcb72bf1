"""Recoil spectra: events against recoil energy for several hypotheses, and their ratio to one of them."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import ArrayLike
from matplotlib.axes import Axes

from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK, CYCLE


def recoil_spectra(
    axes: Axes,
    energy_kev: ArrayLike,
    spectra: Mapping[str, ArrayLike],
    threshold_kev: float | None = None,
    title: str = "",
) -> Axes:
    """Draw recoil spectra on logarithmic axes.

    Parameters
    ----------
    axes
        Where to draw.
    energy_kev
        Recoil energy [keV].
    spectra
        Label to events per keV, each of the shape of `energy_kev`. "SM" is black, benchmarks have their colours.
    threshold_kev
        What lies below is shaded.
    title
        Written above.

    Returns
    -------
    axes
        The same.
    """
    _lines(axes, np.asarray(energy_kev), {label: np.asarray(rate) for label, rate in spectra.items()})
    axes.set_yscale("log")
    _frame(axes, np.asarray(energy_kev), threshold_kev)
    axes.set_ylabel("events / keV")
    axes.set_title(title, loc="left", fontsize="medium")
    return axes


def ratio_to_reference(
    axes: Axes,
    energy_kev: ArrayLike,
    spectra: Mapping[str, ArrayLike],
    reference: str = "SM",
    threshold_kev: float | None = None,
) -> Axes:
    """Draw every spectrum divided by the reference; arguments are those of `recoil_spectra`."""
    below = np.asarray(spectra[reference], dtype=float)
    ratios = {
        label: np.divide(rate, below, out=np.full(below.shape, np.nan), where=below > 0.0)
        for label, rate in spectra.items()
    }
    _lines(axes, np.asarray(energy_kev), ratios)
    _frame(axes, np.asarray(energy_kev), threshold_kev)
    axes.set_ylabel(f"ratio to {reference}")
    return axes


def _lines(axes: Axes, energy: np.ndarray, curves: Mapping[str, np.ndarray]) -> None:
    for number, (label, curve) in enumerate(curves.items()):
        colour = BLACK if label == "SM" else BENCHMARK_COLOURS.get(label, CYCLE[number % len(CYCLE)])
        axes.plot(energy, curve, label=label, color=colour, lw=1.0 if label == "SM" else 1.5)


def _frame(axes: Axes, energy: np.ndarray, threshold_kev: float | None) -> None:
    axes.set_xscale("log")
    axes.set_xlim(energy.min(), energy.max())
    if threshold_kev is not None and threshold_kev > energy.min():
        axes.axvspan(energy.min(), threshold_kev, color="0.92", lw=0, zorder=0)
    axes.set_xlabel("recoil energy [keV]")
