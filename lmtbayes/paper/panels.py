"""How Figs. 5, 7, 8, 9 and 12 draw a profile: a region, or an upper limit where there is no boson to be seen."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper.planes import COUPLING_RANGE, MASS_RANGE, built
from lmtbayes.paper.regions import reconstructs, two_sided_limit
from lmtbayes.plotting import panels as drawing
from lmtbayes.plotting.legends import KEY, remember
from lmtbayes.plotting.planes import limit_curve, profile_regions
from lmtbayes.plotting.style import EXPERIMENT_COLOURS

if TYPE_CHECKING:
    import xarray

CHOICES = {"paper": "by the paper's conventions", "default": "by the defaults of lmtbayes"}


def benchmark_panels(title: str, convention: str) -> tuple[Figure, dict[str, Axes]]:
    """Four panels, one a benchmark, in the ranges of the paper; the title says by which conventions."""
    points = {name: (float(photon.mass), float(photon.g_x)) for name, photon in BENCHMARKS.items()}
    return drawing.panels(points, MASS_RANGE, COUPLING_RANGE, f"{title}\n{CHOICES[convention]}")


def finish(figure: Figure, columns: int) -> Figure:
    """Add the common legend."""
    drawing.shared_legend(figure, columns)
    plt.close(figure)
    return figure


def region(
    axis: Axes, profile: "xarray.Dataset", colour: str, label: str, fill: float = 0.18, offset: float = 0.0
) -> None:
    """Draw the regions of 68.27 % (solid) and 95.45 % (dashed); `offset` is added to q."""
    q = profile["q"].transpose("g_x", "mass").values + offset
    profile_regions(axis, profile["mass"].values, profile["g_x"].values, q, colour=colour, label=label, fill=fill)


def region_or_limit(axis: Axes, name: str, profile: "xarray.Dataset", fill: float = 0.18) -> None:
    """Draw what one experiment sees: regions, or where 95.45 % allow no boson the upper limit of 90 % (dash-dotted).

    Thin lines above a limit are the edges of its islands, where chi is about -Q and rates look like those of no boson.
    """
    colour, label = EXPERIMENT_COLOURS[name], built(name, "paper").title
    if reconstructs(profile):
        region(axis, profile, colour, label, fill)
        return
    limit = two_sided_limit(profile)
    islands = [
        (limit["island_lower"].isel(island=i).values, limit["island_upper"].isel(island=i).values)
        for i in range(limit.sizes.get("island", 0))
    ]
    limit_curve(axis, limit["mass"].values, limit["limit"].values, islands, colour, label, 0.0, "-.")
    remember(axis, Line2D([], [], color=KEY, lw=1.5, ls="-.", label="upper limit of 90 %"), key=True)
