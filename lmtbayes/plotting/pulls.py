"""Nuisance pulls with their post-fit widths, impacts on a parameter beside them, and the correlation matrix."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from lmtbayes import _checks
from lmtbayes.parameters import PARAMETERS
from lmtbayes.plotting.style import BLACK, BLUE, VERMILLION


def pull_plot(
    axis: Axes,
    names: Sequence[str],
    pull: Float[np.ndarray, " nuisances"],
    width: Float[np.ndarray, " nuisances"],
) -> Axes:
    """Draw the best-fit pull of each nuisance with its post-fit width, over the constraint's own 1 and 2 sigma.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    names
        From top to bottom.
    pull, width
        In units of the constraint's standard deviation.
    """
    rows = _rows(axis, names)
    for label, values in (("pull", pull), ("width", width)):
        _checks.shape(label, values, rows.shape)
    for reach, shade in ((2.0, "0.93"), (1.0, "0.84")):
        axis.axvspan(-reach, reach, color=shade, lw=0.0, zorder=0)
    axis.axvline(0.0, color="0.5", lw=0.8, zorder=1)
    axis.errorbar(pull, rows, xerr=width, fmt="o", ms=4.5, color=BLACK, capsize=2.5, lw=1.2, zorder=3)
    reach = max(2.2, float(np.max(np.abs(pull) + width)) * 1.1)
    axis.set_xlim(-reach, reach)
    axis.set_xlabel(r"pull $(\hat\theta - \theta_0)/\sigma_0$")
    return axis


def impact_plot(
    axis: Axes,
    names: Sequence[str],
    impact: Float[np.ndarray, "nuisances 2"],
    of: str = r"$\ln g_x$",
) -> Axes:
    """Draw how far a parameter's best fit moves when each nuisance is held a post-fit width below and above its own.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    names
        From top to bottom.
    impact
        Shifts for -1 and +1 width.
    of
        Label of the parameter.
    """
    rows = _rows(axis, names)
    _checks.shape("impact", impact, (rows.size, 2))
    for column, colour, label, offset in ((0, VERMILLION, r"$-1\sigma$", 0.19), (1, BLUE, r"$+1\sigma$", -0.19)):
        axis.barh(rows + offset, impact[:, column], height=0.36, color=colour, label=label, zorder=2)
    axis.axvline(0.0, color="0.5", lw=0.8, zorder=3)
    reach = float(np.max(np.abs(impact))) * 1.15 or 1.0
    axis.set_xlim(-reach, reach)
    axis.set_xlabel(f"impact on {of}")
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0.2)
    return axis


def correlation_plot(
    axis: Axes, names: Sequence[str], correlation: Float[np.ndarray, "parameters parameters"]
) -> AxesImage:
    """Draw a correlation matrix, numbers inside; the returned image takes a colour bar."""
    _checks.shape("correlation", correlation, (len(names), len(names)))
    image = axis.imshow(correlation, cmap="RdBu_r", vmin=-1.0, vmax=1.0)
    for row, values in enumerate(correlation):
        for column, value in enumerate(values):
            colour = "white" if abs(value) > 0.6 else "black"
            axis.text(
                column, row, f"{round(float(value), 2) + 0.0:.2f}", ha="center", va="center", fontsize=8.0, color=colour
            )
    labels = [_readable(name) for name in names]
    axis.set_xticks(range(len(names)), labels, rotation=40.0, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), labels)
    axis.tick_params(which="both", length=0.0)
    axis.minorticks_off()
    return image


def _rows(axis: Axes, names: Sequence[str]) -> np.ndarray:
    if not len(names):
        raise _checks.invalid("names", list(names), "at least one nuisance")
    rows = np.arange(len(names), dtype=float)
    axis.set_yticks(rows, [_readable(name) for name in names])
    axis.tick_params(axis="y", which="both", left=False, right=False)
    axis.set_ylim(len(names) - 0.4, -0.6)
    return rows


def _readable(name: str) -> str:
    if name.removeprefix("ln ") not in PARAMETERS:
        return name.replace("_", " ")
    return r"$\ln\," + PARAMETERS[name.removeprefix("ln ")].label.partition(" ")[0].removeprefix("$")
