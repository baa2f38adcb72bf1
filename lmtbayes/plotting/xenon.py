"""Solar neutrinos in xenon: recoil spectra with a background, exposure against threshold, sign of the effect."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import ArrayLike
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK, CYCLE, PURPLE

_DASHES = ("-", "--", ":", "-.")


def plain_ticks(axes: Axes) -> None:
    """Label a logarithmic horizontal axis with 1, 2, 5, 10, ... instead of powers: it spans a decade or two."""
    low, high = axes.get_xlim()
    series = [digit * 10.0**power for power in range(-3, 5) for digit in (1.0, 2.0, 5.0)]
    axes.set_xticks([tick for tick in series if low * 0.999 <= tick <= high * 1.001])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def solar_spectra(
    axes: Axes,
    energy_kev: ArrayLike,
    spectra: Mapping[str, ArrayLike],
    background: ArrayLike | None = None,
    xlabel: str = "recoil energy [keV]",
) -> Axes:
    """Draw recoil spectra of solar neutrinos on logarithmic axes.

    Parameters
    ----------
    axes
        Where to draw.
    energy_kev
        True energy [keV].
    spectra
        Label to events per tonne, year and keV, each of the shape of `energy_kev`. The first is black.
    background
        Of the detector, drawn as an area below a line; same shape and unit.
    xlabel
        Of the horizontal axis.

    Returns
    -------
    axes
        The same.
    """
    energy = np.asarray(energy_kev)
    for number, (label, rate) in enumerate(spectra.items()):
        colour = BLACK if number == 0 else CYCLE[number % len(CYCLE)]
        axes.plot(energy, rate, label=label, color=colour, ls=_DASHES[number % len(_DASHES)], lw=1.5)
    if background is not None:
        axes.fill_between(
            energy, 1e-30, np.asarray(background), color="0.88", lw=0, zorder=0, label="DARWIN background"
        )
    axes.set(xscale="log", yscale="log", xlim=(energy.min(), energy.max()), xlabel=xlabel)
    axes.set_ylabel("events / (t yr keV)")
    axes.legend()
    plain_ticks(axes)
    return axes


def exposure_lines(
    axes: Axes,
    threshold_kev: ArrayLike,
    lines: Mapping[str, Mapping[str, ArrayLike]],
    points: Mapping[str, tuple[float, float]],
    unit: str = "keV",
    exposure_limits_tyr: tuple[float, float] = (10.0, 1e5),
) -> Axes:
    """Draw the exposure of a discovery against the threshold; the configured detectors as points.

    Parameters
    ----------
    axes
        Where to draw.
    threshold_kev
        Thresholds [keV].
    lines
        Detector to benchmark to exposure [t yr], each of the shape of `threshold_kev`; inf is not drawn. Benchmarks
        have their colours, detectors their dashes.
    points
        Detector to (threshold [keV], exposure [t yr]).
    unit
        Of the threshold.
    exposure_limits_tyr
        Of the vertical axis.

    Returns
    -------
    axes
        The same.
    """
    threshold = np.asarray(threshold_kev)
    for number, curves in enumerate(lines.values()):
        for benchmark, exposure in curves.items():
            finite = np.where(np.isfinite(exposure), exposure, np.nan)
            label = benchmark if number == 0 else None
            axes.plot(threshold, finite, color=BENCHMARK_COLOURS[benchmark], ls=_DASHES[number], lw=1.6, label=label)
    for number, name in enumerate(lines):
        axes.plot([], [], color="0.4", ls=_DASHES[number], label=name)
    for marker, (detector, (at, exposure)) in zip("os^Dv", points.items(), strict=False):
        axes.plot(at, exposure, marker, color=BLACK, ms=6, label=detector, clip_on=False, zorder=5)
    axes.set(xscale="log", yscale="log", xlim=(threshold.min(), threshold.max()), ylim=exposure_limits_tyr)
    axes.set(xlabel=f"threshold [{unit}]", ylabel="exposure for 5σ [t yr]")
    plain_ticks(axes)
    return axes


def sign_map(
    axes: Axes,
    delta_cp_deg: ArrayLike,
    theta23_deg: ArrayLike,
    change: ArrayLike,
    sets: Mapping[str, tuple[float, float, float, float]],
) -> Axes:
    """Draw the relative change of a rate over (delta_CP, theta_23) with the line where it vanishes.

    Parameters
    ----------
    axes
        Where to draw.
    delta_cp_deg, theta23_deg
        Grids [degrees].
    change
        Relative change of the rate, shape (theta23, delta_cp).
    sets
        Name to (delta_CP, its sigma, theta_23, its sigma) [degrees].

    Returns
    -------
    axes
        The same.
    """
    percent = 100.0 * np.asarray(change)
    reach = np.max(np.abs(percent))
    mesh = axes.pcolormesh(
        delta_cp_deg, theta23_deg, percent, cmap="RdBu_r", vmin=-reach, vmax=reach, shading="gouraud", rasterized=True
    )
    axes.figure.colorbar(mesh, ax=axes, label="change of the rate [%]")
    levels = axes.contour(delta_cp_deg, theta23_deg, percent, levels=(-8, -4, 4, 8), colors="0.35", linewidths=0.7)
    axes.clabel(levels, fmt="%+d %%", fontsize=7.5)
    axes.contour(delta_cp_deg, theta23_deg, percent, levels=(0.0,), colors=BLACK, linewidths=2.0)
    colours = (PURPLE, BLACK, "#006d4f")
    for colour, marker, (name, (delta, delta_sigma, theta, theta_sigma)) in zip(
        colours, "sod", sets.items(), strict=False
    ):
        axes.errorbar(
            delta,
            theta,
            theta_sigma,
            delta_sigma,
            fmt=marker,
            color=colour,
            mec="white",
            ms=7,
            label=name,
            clip_on=False,
        )
    axes.set(xlabel=r"$\delta_\mathrm{CP}$ [°]", ylabel=r"$\theta_{23}$ [°]")
    axes.set(xlim=(np.min(delta_cp_deg), np.max(delta_cp_deg)), ylim=(np.min(theta23_deg), np.max(theta23_deg)))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.12), ncols=3, columnspacing=1.0, handletextpad=0.2)
    return axes
