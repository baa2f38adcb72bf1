"""The plane of mass and coupling: excluded regions, bands, projections and points, each labelled in place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from contourpy import contour_generator
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.parameters import PARAMETERS
from lmtbayes.plotting.placing import HALO, place_along
from lmtbayes.plotting.style import BENCHMARK_COLOURS, BLACK

KINDS = ("limit", "disputed", "projection", "band")
_LOOK: dict[str, dict[str, Any]] = {
    "limit": {"linestyle": "-", "linewidth": 1.2},
    "disputed": {"linestyle": "--", "linewidth": 1.2},
    "projection": {"linestyle": ":", "linewidth": 1.2},
    "band": {"linestyle": "-", "linewidth": 0.6},
}


@dataclass(frozen=True)
class Entry:
    """One constraint on the plane.

    Parameters
    ----------
    name
        By which it is switched on and off.
    label
        Written along its edge.
    kind
        "limit" (filled above its edge), "disputed" (dashed, not filled), "projection" (dotted, not filled), or "band"
        (a closed outline, filled inside).
    outlines
        One (mass, coupling) pair of arrays for each piece of the edge [MeV, pure number].
    colour
        Of line and label; the fill is lighter.
    citation
        Whom to cite.
    excluded
        (mass, coupling, flag) on a grid, for a limit that is not simply "above its edge": flag has shape
        (couplings, masses) and is above zero where the point is excluded.
    """

    name: str
    label: str
    kind: str
    outlines: Sequence[tuple[np.ndarray, np.ndarray]]
    colour: str = BLACK
    citation: str = ""
    excluded: tuple[np.ndarray, np.ndarray, np.ndarray] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _checks.one_of("kind", self.kind, KINDS)
        for mass, coupling in self.outlines:
            _checks.shape(f"coupling of {self.name!r}", coupling, np.shape(mass))
            _checks.positive(f"mass of {self.name!r}", mass, "MeV")
            _checks.positive(f"coupling of {self.name!r}", coupling)


def parameter_space(
    axis: Axes,
    entries: Iterable[Entry],
    points: dict[str, tuple[float, float]] | None = None,
    mass_range: tuple[float, float] = (1.0, 1e4),
    coupling_range: tuple[float, float] = (1e-5, 1e-2),
    fill: float = 0.10,
) -> Axes:
    """Draw constraints on the plane of mass [MeV] and coupling, logarithmic in both.

    Parameters
    ----------
    axis
        Drawn on, and returned.
    entries
        What to draw; leave out what is not wanted. Labels are placed where they hit neither each other nor a line, in
        the order of the entries: the first have the best places.
    points
        Name to (mass, coupling): stars, in the colours of the benchmarks.
    mass_range, coupling_range
        Limits of the axes.
    fill
        Opacity of the excluded regions.

    Returns
    -------
    axis
        The same axes; the texts of the labels carry the entries' names as their gid.

    Raises
    ------
    InvalidArgument
        Ranges that are not two increasing positive numbers.
    """
    for name, given in (("mass_range", mass_range), ("coupling_range", coupling_range)):
        _checks.positive(name, _checks.increasing(name, given))
    entries = tuple(entries)
    axis.set(xscale="log", yscale="log", xlim=mass_range, ylim=coupling_range)
    axis.set_xlabel(PARAMETERS["mass"].label)
    axis.set_ylabel(PARAMETERS["g_x"].label)
    for order, entry in enumerate(entries):
        _draw(axis, entry, coupling_range[1] * 10.0, fill, order)
    for name, (mass, coupling) in (points or {}).items():
        colour = BENCHMARK_COLOURS.get(name, BLACK)
        axis.plot(mass, coupling, "*", ms=11, color=colour, mec="white", mew=0.7, zorder=50, gid=f"point {name}")
        note = axis.annotate(
            name, (mass, coupling), (6, 4), textcoords="offset points", fontsize=8.5, color=colour, zorder=51, gid=name
        )
        note.set_path_effects([HALO])
    place_along(axis, [(entry.name, entry.label, entry.colour, entry.outlines) for entry in entries])
    return axis


def edges_of(
    mass: Float[np.ndarray, " masses"],
    coupling: Float[np.ndarray, " couplings"],
    statistic: Float[np.ndarray, "couplings masses"],
    level: float,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Contour of a statistic on a logarithmic grid, as the outlines of an Entry.

    Parameters
    ----------
    mass, coupling
        Grid.
    statistic
        For example -2 ln of a likelihood ratio.
    level
        Where to cut it.

    Returns
    -------
    outlines
        One (mass, coupling) for each connected piece, longest first; none where the level is not crossed.
    """
    # Contours of the root are nearly straight between grid points where the statistic is a parabola or steeper.
    height = np.sqrt(np.maximum(statistic, 0.0))
    pieces = contour_generator(np.log(mass), np.log(coupling), height).lines(np.sqrt(level))
    pieces = sorted((np.exp(np.asarray(piece)) for piece in pieces), key=len, reverse=True)
    return [(piece[:, 0], piece[:, 1]) for piece in pieces]


def _draw(axis: Axes, entry: Entry, top: float, fill: float, order: int) -> None:
    for mass, coupling in entry.outlines:
        axis.plot(mass, coupling, color=entry.colour, zorder=10 + order, gid=entry.name, **_LOOK[entry.kind])
        if entry.kind == "limit" and entry.excluded is None:
            axis.fill_between(mass, coupling, top, color=entry.colour, alpha=fill, lw=0.0, zorder=1)
        elif entry.kind == "band":
            axis.fill(mass, coupling, color=entry.colour, alpha=2.0 * fill, lw=0.0, zorder=2)
    if entry.excluded is not None:
        mass, coupling, flag = entry.excluded
        axis.contourf(mass, coupling, flag, levels=[0.0, np.inf], colors=[entry.colour], alpha=fill, zorder=1)
