"""The numbers behind a picture: every curve, step, bar, region's edge and mark that it shows, as one table.

They are read from the picture itself, so that they are what is drawn. A row is a point: its panel, what it belongs to
(the label in the legend, or the name that the drawing function gave), a piece of that, and its coordinates.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PolyCollection, QuadMesh
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle, StepPatch
from numpy.typing import ArrayLike

from lmtbayes._files import write_text
from lmtbayes.plotting.plain_text import plain

COLUMNS = ("panel", "what", "kind", "piece", "x", "y", "z")

type Row = tuple[str, str, str, int, float | str, float | str, float | str]


def to_csv(figure: Figure, path: Path, header: tuple[str, ...] = ()) -> Path:
    """Write the numbers of a figure, whole or not at all.

    Parameters
    ----------
    figure
        Drawn; figures within it are read, too.
    path
        Of the file. A header of lines that begin with # says what the axes of each panel are; then come columns
        panel, what, kind, piece, x, y, z. Kinds: "line" (points in their order), "marks", "steps" (x, and y from there
        on to the next x), "steps from" (their lower edge, where it is not zero), "band" (a closed outline), "bars" (one
        end, then the other), "map" (z at x, y). A coordinate that is none of the axis, as that of a line across all of
        it, is empty.
    header
        Further lines of it.
    """
    names = _panels(figure)
    lines = [f"# {line}" for line in header]
    for axis, name in names.items():
        words = (f"x = {plain(axis.get_xlabel())}", f"y = {plain(axis.get_ylabel())}")
        lines.append(f"# panel {name}: " + ", ".join(word for word in words if not word.endswith("= ")))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for axis, name in names.items():
        for what, kind, piece, *point in _of_axes(axis):
            writer.writerow((name, what, kind, piece, *(_number(value) for value in point)))
    return write_text(path, "\n".join([*lines, table.getvalue()]))


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.10g}"


def _panels(figure: Figure) -> dict[Axes, str]:
    """Axes by name: their number, and the title or what is written in them in bold."""
    names: dict[Axes, str] = {}
    drawn = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    for number, axis in enumerate(drawn, start=1):
        bold = [text.get_text() for text in axis.texts if text.get_fontweight() == "bold"]
        titles = [axis.get_title(loc=place) for place in ("center", "left", "right")]
        words = next((plain(text) for text in (*titles, *bold) if text), "")
        names[axis] = f"{number} ({words})" if words else str(number)
    return names


def _of_axes(axis: Axes) -> Iterator[tuple[str, str, int, float, float, float]]:
    """(what, kind, piece, x, y, z) of every point that the axes show."""
    grouped: dict[Artist, str] = {}
    for container in axis.containers:
        label = str(container.get_label())
        members = (
            [container.lines[0], *container.lines[1], *container.lines[2]]
            if isinstance(container, ErrorbarContainer)
            else container.patches
            if isinstance(container, BarContainer)
            else []
        )
        grouped |= {member: label for member in members if member is not None}
    counts: dict[tuple[str, str], int] = {}
    for artist in [*axis.lines, *axis.patches, *axis.collections]:
        if not artist.get_visible():
            continue
        what = _name(artist, grouped.get(artist, ""))
        for kind, points in _points(axis, artist):
            piece = counts[what, kind] = counts.get((what, kind), 0) + 1
            for x, y, z in points:
                yield what, kind, piece, float(x), float(y), float(z)


def _name(artist: Artist, group: str) -> str:
    """Label of the legend, name that it was drawn under, or that of what it is part of; without TeX."""
    for candidate in (str(artist.get_label()), str(artist.get_gid() or ""), group):
        if candidate and not candidate.startswith("_"):
            return plain(candidate)
    return "unnamed"


def _points(axis: Axes, artist: Artist) -> Iterator[tuple[str, np.ndarray]]:
    """Points of an artist in coordinates of the axes, (n, 3); nothing for one that only decorates."""
    if isinstance(artist, Line2D):
        marks = artist.get_linestyle() in ("None", "", " ")
        yield from _kept(
            "marks" if marks else "line", _seen(axis, artist, np.asarray(artist.get_xydata(), dtype=float))
        )
    elif isinstance(artist, StepPatch):
        values, edges, baseline = artist.get_data()
        yield "steps", _flat(edges, [*values, np.nan])
        if baseline is not None and np.ndim(baseline):
            yield "steps from", _flat(edges, [*np.asarray(baseline), np.nan])
    elif isinstance(artist, Rectangle):
        x, y = artist.get_xy()
        ends = np.array([[x, y], [x + artist.get_width(), y + artist.get_height()]])
        yield from _kept("bars", _seen(axis, artist, ends))
    elif isinstance(artist, Polygon):
        yield from _kept("band", _seen(axis, artist, artist.get_xy()))
    elif isinstance(artist, PathPatch):
        return  # the filling of a region whose edge is a line of its own
    elif isinstance(artist, QuadMesh):
        corners = np.asarray(artist.get_coordinates())
        values = np.asarray(artist.get_array()).ravel()
        if values.size == corners[..., 0].size:
            yield "map", np.column_stack([corners[..., 0].ravel(), corners[..., 1].ravel(), values])
    elif isinstance(artist, LineCollection | PolyCollection):
        kind = "bars" if isinstance(artist, LineCollection) else "band"
        for path in artist.get_paths():
            yield from _kept(kind, _seen(axis, artist, path.vertices))
    elif isinstance(artist, Collection):
        for path in artist.get_paths():
            for polygon in path.to_polygons(closed_only=False):
                yield from _kept("line", _seen(axis, artist, polygon))


def _flat(x: np.ndarray, y: list[float]) -> np.ndarray:
    return np.column_stack([np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.full(len(x), np.nan)])


def _seen(axis: Axes, artist: Artist, given: ArrayLike) -> np.ndarray:
    """Points with an empty coordinate where the artist is not placed by the axes' own."""
    points = np.asarray(given, dtype=float)
    own = artist.get_transform().contains_branch_seperately(axis.transData)
    return np.column_stack([np.where(own, points, np.nan), np.full(len(points), np.nan)])


def _kept(kind: str, points: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Nothing where no coordinate is the axes' own, as of a legend's samples."""
    if points.size and not np.isnan(points[:, :2]).all():
        yield kind, points
