"""Pictures of evidences: bars of ln B with errors on a scale of strength, and ln B against an edge of the prior."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import ArrayLike
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, BLUE, CYCLE

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
    _bands(ax, reach, horizontal=True)
    rows = np.arange(len(names))
    ax.barh(rows, values, height=0.5, color=BLUE, alpha=0.75, zorder=2)
    ax.errorbar(values, rows, xerr=errors, fmt="none", ecolor=BLACK, capsize=3.0, lw=1.2, zorder=3)
    ax.axvline(0.0, color=BLACK, lw=0.8, zorder=2)
    ax.set_yticks(rows, names)
    ax.tick_params(axis="y", which="both", length=0)
    ax.set_xlabel(rf"$\ln B$ against {reference}")
    return ax


def prior_sensitivity(
    edges: Sequence[float] | ArrayLike,
    curves: Mapping[str, tuple[Sequence[float] | ArrayLike, Sequence[float] | ArrayLike]],
    xlabel: str,
    reference: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw ln B against the position of a prior's edge.

    Parameters
    ----------
    edges
        Positions of the edge.
    curves
        Model to (ln B, error) at each of them; not drawn where the error is infinite.
    xlabel
        What the edge is, with its unit.
    reference
        Name of the model that ln B is relative to.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    InvalidArgument
        A curve that has not as many points as there are edges.
    """
    x = np.asarray(edges, dtype=float)
    ax = plt.subplots(figsize=(5.6, 3.8))[1] if ax is None else ax
    reach = 1.5
    for (name, (values, errors)), colour in zip(curves.items(), CYCLE * len(curves), strict=False):
        y = _checks.shape(f"curves[{name!r}][0]", values, x.shape)
        dy = _checks.shape(f"curves[{name!r}][1]", errors, x.shape)
        known = np.isfinite(y) & np.isfinite(dy)
        y, dy = np.where(known, y, np.nan), np.where(known, dy, np.nan)
        ax.plot(x, y, color=colour, label=name, zorder=3)
        ax.fill_between(x, y - dy, y + dy, color=colour, alpha=0.3, lw=0.0, zorder=2)
        reach = max(reach, *(np.abs(y) + dy)[known].tolist())
    ax.set_ylim(-1.15 * reach, 1.15 * reach)
    ax.set_xlim(x.min(), x.max())
    _bands(ax, 1.15 * reach, horizontal=False)
    ax.axhline(0.0, color=BLACK, lw=0.8, zorder=1)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(rf"$\ln B$ against {reference}")
    if len(curves) > 1:
        ax.legend(loc="best")
    return ax


def _bands(ax: Axes, reach: float, horizontal: bool) -> None:
    """Shade Jeffreys' scale to both sides of zero and write its words along the axis' far side."""
    below = 0.0
    for number, (above, word) in enumerate(SCALE):
        end = min(above, reach)
        if end <= below:
            break
        for side in (-1.0, 1.0):
            low, high = sorted((side * below, side * end))
            (ax.axvspan if horizontal else ax.axhspan)(low, high, color="0.5", alpha=0.07 * number, lw=0.0, zorder=0)
        roomy = (end - below) * (1 if number else 2) > 0.07 * reach
        if roomy:
            middle = 0.5 * (below + end) if number else 0.0
            positions = (middle, -middle) if number else (0.0,)
            for place in positions:
                if horizontal:
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
                else:
                    ax.text(
                        1.015,
                        place,
                        word,
                        transform=ax.get_yaxis_transform(),
                        ha="left",
                        va="center",
                        size=8.0,
                        color="0.3",
                    )
        below = end
