"""Picture of evidences: bars of ln B with errors on a scale of strength."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE

if TYPE_CHECKING:
    import xarray as xr

SCALE = ((1.0, "inconclusive"), (2.5, "weak"), (5.0, "moderate"), (np.inf, "strong"))
"""|ln B| up to which evidence goes by that word: Jeffreys' scale as in Trotta, arXiv:0803.4089, Table 1."""
_WORDS = 0.85
"""Rows above the first bar at which the scale's words stand."""
_LETTER = 0.052
"""Inches of a letter of theirs."""


def evidence_bars(log_bayes_factors: Mapping[str, tuple[float, float]], reference: str, ax: Axes | None = None) -> Axes:
    """Draw ln B of each model against a reference, with its error, over the bands of Jeffreys' scale.

    The scale's words stand inside the axes, above the bars, so that a title has its place; one that a narrow band has
    no room for is left out.

    Parameters
    ----------
    log_bayes_factors
        Model to (ln B, error); the reference itself need not be among them.
    reference
        Name of the model that they are relative to.
    ax
        Axes to draw on; new ones by default.

    Returns
    -------
    ax
        The axes.

    Raises
    ------
    InvalidArgument
        No model, or values that are not finite.
    """
    if not log_bayes_factors:
        raise _checks.invalid("log_bayes_factors", log_bayes_factors, "at least one model")
    names = list(log_bayes_factors)
    values, errors = np.array([log_bayes_factors[name] for name in names], dtype=float).reshape(-1, 2).T
    _checks.finite("log_bayes_factors", values)
    _checks.non_negative("errors of log_bayes_factors", errors)
    ax = plt.subplots(figsize=(6.4, 1.5 + 0.42 * len(names)))[1] if ax is None else ax
    reach = max(6.5, 1.15 * np.max(np.abs(values) + errors))
    ax.set_xlim(-reach, reach)
    ax.set_ylim(len(names) - 0.4, -_WORDS - 0.5)
    _bands(ax, reach)
    rows = np.arange(len(names))
    ax.barh(rows, values, height=0.5, color=BLUE, alpha=0.75, zorder=2)
    ax.errorbar(values, rows, xerr=errors, fmt="none", ecolor=BLACK, capsize=3.0, lw=1.2, zorder=3)
    for row, value, error in zip(rows, values, errors, strict=True):
        side = 1.0 if value >= 0.0 else -1.0
        at = value + side * (error + 0.02 * reach)
        if abs(at) > 0.7 * reach:  # no room outside: within the axes on the other side of zero
            at, side = -side * 0.02 * reach, -side
        words = f"{value:+.3g}" + (f" ± {error:.1g}" if error > 0.0 else "")
        ax.text(at, float(row), words, ha="left" if side > 0 else "right", va="center", size=8.5, zorder=4)
    ax.vlines(0.0, -_WORDS + 0.3, len(names) - 0.4, color=BLACK, lw=0.8, zorder=2)  # it ends below the words
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", which="both", length=0)
    ax.set_xlabel(rf"$\ln B$ against {reference}")
    return ax


def against(table: "xr.Dataset", reference: str) -> dict[str, tuple[float, float]]:
    """Return what `evidence_bars` draws: ln B and its error of every other model of a comparison's table, in order."""
    rows = table.sel(against=reference)
    value, error = rows["log_bayes_factor"], rows["log_bayes_factor_error"]
    others = [model for model in table["model"].values if model != reference]
    return {str(model): (float(value.sel(model=model)), float(error.sel(model=model))) for model in others}


def _bands(ax: Axes, reach: float) -> None:
    """Shade Jeffreys' scale to both sides of zero and write its words above the bars."""
    figure = ax.figure
    width = ax.get_position().width * figure.get_figure(root=True).get_size_inches()[0]
    per_unit = width / (2.0 * reach)
    below = 0.0
    for number, (above, word) in enumerate(SCALE):
        end = min(above, reach)
        if end <= below:
            break
        for side in (-1.0, 1.0):
            low, high = sorted((side * below, side * end))
            ax.axvspan(low, high, color="0.5", alpha=0.07 * number, lw=0.0, zorder=0)
        room = (end - below) * (1 if number else 2) * per_unit
        if room > _LETTER * len(word):
            middle = 0.5 * (below + end)
            for place in (middle, -middle) if number else (0.0,):
                ax.text(place, -_WORDS, word, ha="center", va="center", size=7.5, color="0.3", gid="scale")
        below = end
