"""Nuisance pulls with their post-fit widths, and impacts on a parameter beside them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE, VERMILLION


def pull_plot(
    axis: Axes,
    names: Sequence[str],
    pull: Float[np.ndarray, " nuisances"],
    width: Float[np.ndarray, " nuisances"],
    label: str = "",
) -> Axes:
    """Draw the pull of each nuisance after a fit with its width there, over the constraint's own 1 and 2 sigma.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    names
        From top to bottom.
    pull, width
        In units of the constraint's standard deviation.
    label
        Of the points, for a legend.
    """
    rows = _rows(axis, names)
    for name, values in (("pull", pull), ("width", width)):
        _checks.shape(name, values, rows.shape)
    axis.axvspan(-2.0, 2.0, color="0.93", lw=0.0, zorder=0, label=r"constraint, $2\sigma$")
    axis.axvspan(-1.0, 1.0, color="0.84", lw=0.0, zorder=0, label=r"constraint, $1\sigma$")
    axis.axvline(0.0, color="0.5", lw=0.8, zorder=1)
    axis.errorbar(pull, rows, xerr=width, fmt="o", ms=4.5, color=BLACK, capsize=2.5, lw=1.2, zorder=3, label=label)
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


def _rows(axis: Axes, names: Sequence[str]) -> np.ndarray:
    if not len(names):
        raise _checks.invalid("names", list(names), "at least one nuisance")
    rows = np.arange(len(names), dtype=float)
    axis.set_yticks(rows, [name.replace("_", " ") for name in names])
    axis.tick_params(axis="y", which="both", left=False, right=False)
    axis.set_ylim(len(names) - 0.4, -0.6)
    return rows
