"""One plane of mass and coupling for each of several points, side by side with one legend: Figs. 5, 7-9 and 12."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmtbayes import _checks
from lmtbayes.plotting.legends import entries
from lmtbayes.plotting.placing import HALO
from lmtbayes.plotting.planes import plane, stars
from lmtbayes.plotting.style import BLACK


def panels(
    points: Mapping[str, tuple[float, float]],
    mass_range: tuple[float, float],
    coupling_range: tuple[float, float],
    title: str,
) -> tuple[Figure, dict[str, Axes]]:
    """Make a figure with a panel a point, two in a row, the point a black star in its own panel.

    Parameters
    ----------
    points
        Name to (mass [MeV], coupling).
    mass_range, coupling_range
        Of all panels.
    title
        Of the figure.

    Returns
    -------
    figure, axes
        Name of the point to its panel.

    Raises
    ------
    InvalidArgument
        No point.
    """
    if not points:
        raise _checks.invalid("points", dict(points), "at least one point")
    rows = (len(points) + 1) // 2
    figure, grid = plt.subplots(rows, 2, figsize=(9.4, 1.2 + 3.3 * rows), sharex=True, sharey=True, squeeze=False)
    axes = {}
    for number, axis in enumerate(grid.flat):
        if number >= len(points):
            axis.remove()
            continue
        name, point = list(points.items())[number]
        plane(axis, mass_range, coupling_range)
        axis.label_outer()
        stars(axis, {name: point}, name_them=False, colour_all=BLACK, label="the data's boson")
        axis.text(0.97, 0.05, name, transform=axis.transAxes, ha="right", va="bottom", fontsize=12.0, weight="bold")
        axes[name] = axis
    figure.suptitle(title, fontsize=11.0)
    return figure, axes


def note(axis: Axes, words: str, colour: str = BLACK) -> Axes:
    """Write words into a panel's upper left corner, below what was written there before."""
    lines = sum(text.get_gid() == "note" for text in axis.texts)
    axis.text(
        0.03,
        0.96 - 0.065 * lines,
        words,
        transform=axis.transAxes,
        fontsize=9.0,
        va="top",
        color=colour,
        path_effects=[HALO],
        zorder=20,
        gid="note",
    )
    return axis


def shared_legend(figure: Figure, columns: int = 3) -> Figure:
    """Put what the panels' curves, regions and marks are called below all panels, every name once."""
    figure.legend(handles=entries(*figure.axes), loc="outside lower center", ncols=columns, fontsize=9.5)
    return figure
