"""Intervals of several parameters, one row a case and one bar a step of the analysis: what each step narrows."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLUE, GREEN, ORANGE, VERMILLION

_COLOURS = ("0.82", ORANGE, GREEN, BLUE)
_HEIGHT = 0.19


def interval_panels(
    axes: Sequence[Axes],
    intervals: Mapping[str, Mapping[str, Mapping[str, tuple[float, float, float]]]],
    truths: Mapping[str, Mapping[str, float]],
    labels: Mapping[str, str],
) -> Sequence[Axes]:
    """Draw one panel a parameter.

    Parameters
    ----------
    axes
        One a parameter, in the order of `intervals`.
    intervals
        Parameter to case to step to (low, median, high). Up to four steps; the first is drawn pale, as the prior.
    truths
        Parameter to case to the true value: a line.
    labels
        Parameter to axis label.

    Returns
    -------
    axes
        The same.

    Raises
    ------
    InvalidArgument
        Not one axes a parameter.
    """
    if len(axes) != len(intervals):
        raise _checks.invalid("axes", len(axes), f"one for each of the {len(intervals)} parameters")
    for axis, (name, cases) in zip(axes, intervals.items(), strict=True):
        for row, (case, steps) in enumerate(cases.items()):
            for number, (step, (low, median, high)) in enumerate(steps.items()):
                at = row + (number - 0.5 * (len(steps) - 1)) * _HEIGHT
                label = step if row == 0 else None
                colour = _COLOURS[number % len(_COLOURS)]
                axis.barh(at, high - low, height=0.85 * _HEIGHT, left=low, color=colour, label=label, lw=0)
                if number:
                    axis.plot([median] * 2, [at - 0.42 * _HEIGHT, at + 0.42 * _HEIGHT], color="white", lw=1.4)
            axis.plot([truths[name][case]] * 2, [row - 0.44, row + 0.44], color=VERMILLION, lw=1.3)
        axis.use_sticky_edges = False
        axis.autoscale_view(scaley=False)
        axis.set_yticks(range(len(cases)), list(cases))
        axis.set_ylim(len(cases) - 0.45, -0.55)
        axis.tick_params(axis="y", which="both", length=0)
        axis.set_xlabel(labels[name])
    axes[0].plot([], [], color=VERMILLION, lw=1.3, label="truth")
    figure = axes[0].figure
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return axes
