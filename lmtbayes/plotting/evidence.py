"""Picture of evidences: bars of ln B with errors on a scale of strength."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE

SCALE = ((1.0, "inconclusive"), (2.5, "weak"), (5.0, "moderate"), (np.inf, "strong"))
"""|ln B| up to which evidence goes by that word: Jeffreys' scale as in Trotta, arXiv:0803.4089, Table 1."""


def evidence_bars(log_bayes_factors: Mapping[str, tuple[float, float]], reference: str, ax: Axes | None = None) -> Axes:
    """Draw ln B of each model against a reference, with its error, over the bands of Jeffreys' scale.

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
    ax.set_ylim(len(names) - 0.4, -0.6)
    _bands(ax, reach)
    rows = np.arange(len(names))
    ax.barh(rows, values, height=0.5, color=BLUE, alpha=0.75, zorder=2)
    ax.errorbar(values, rows, xerr=errors, fmt="none", ecolor=BLACK, capsize=3.0, lw=1.2, zorder=3)
    ax.axvline(0.0, color=BLACK, lw=0.8, zorder=2)
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", which="both", length=0)
    ax.set_xlabel(rf"$\ln B$ against {reference}")
    return ax


def _bands(ax: Axes, reach: float) -> None:
    """Shade Jeffreys' scale to both sides of zero and write its words above the axes."""
    below = 0.0
    for number, (above, word) in enumerate(SCALE):
        end = min(above, reach)
        if end <= below:
            break
        for side in (-1.0, 1.0):
            low, high = sorted((side * below, side * end))
            ax.axvspan(low, high, color="0.5", alpha=0.07 * number, lw=0.0, zorder=0)
        roomy = (end - below) * (1 if number else 2) > 0.07 * reach
        if roomy:
            middle = 0.5 * (below + end)
            for place in (middle, -middle) if number else (0.0,):
                ax.text(
                    place,
                    1.03,
                    word,
                    transform=ax.get_xaxis_transform(),
                    ha="left",
                    va="bottom",
                    size=8.0,
                    color="0.3",
                    rotation=30.0,
                    rotation_mode="anchor",
                )
        below = end
