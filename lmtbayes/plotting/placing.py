"""Labels along curves: for each the place where it hits neither another label nor a line, found greedily."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

type Outline = tuple[np.ndarray, np.ndarray]

HALO = withStroke(linewidth=2.0, foreground="white", alpha=0.8)
"""Keeps a label readable on a filled region."""

_STEP = 4.0
"""Distance in pixels of the points that stand for a line."""
_GAP = 2.0
"""Pixels kept free around a label."""
_STRETCHES = (0.25, 0.5, 1.0)


def place_along(axis: Axes, labels: Sequence[tuple[str, str, str, Sequence[Outline]]], size: float = 8.0) -> list[Text]:
    """Write each label along one of its outlines.

    Parameters
    ----------
    axis
        Scales and limits must be set.
    labels
        (gid, text, colour, outlines), the outlines in data coordinates. The first have the first choice.
    size
        Of the type [points].

    Returns
    -------
    texts
        One for each label that has an outline inside the axes.
    """
    # The layout must be known before pixels mean anything.
    axis.figure.canvas.draw()
    lines = {gid: [_pixels(axis, o) for o in outlines] for gid, _, _, outlines in labels}
    marks = [
        _pixels(axis, (np.array(line.get_xdata()), np.array(line.get_ydata())), spread=False)
        for line in axis.lines
        if str(line.get_gid()).startswith("point ")
    ]
    crowd = {gid: np.concatenate(pieces) if pieces else np.zeros((0, 2)) for gid, pieces in lines.items()}
    taken = [_box(t) for t in axis.texts]
    taken += [_rectangle(np.array(m[0]), 14.0, 14.0, 0.0) for m in marks if len(m)]
    texts = []
    for gid, words, colour, _ in labels:
        if not words or not any(len(piece) for piece in lines[gid]):
            continue
        text = axis.text(0.0, 0.0, words, fontsize=size, color=colour, ha="center", va="center", zorder=60, gid=gid)
        extent = text.get_window_extent()
        width, height = extent.width + 2 * _GAP, extent.height + 2 * _GAP
        others = np.concatenate([points for other, points in crowd.items() if other != gid] or [np.zeros((0, 2))])
        centre, angle, box = _best(axis, lines[gid], width, height, taken, others)
        x, y = axis.transData.inverted().transform(centre)
        text.set_position((float(x), float(y)))
        text.set_rotation(np.degrees(angle))
        text.set_rotation_mode("anchor")
        text.set_path_effects([HALO])
        taken.append(box)
        texts.append(text)
    return texts


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Depth in pixels to which two rectangles, given by their corners, overlap; 0 where they do not."""
    depth = np.inf
    for corners in (first, second):
        for edge in (corners[1] - corners[0], corners[2] - corners[1]):
            normal = np.array([-edge[1], edge[0]]) / (np.hypot(*edge) or 1.0)
            a, b = first @ normal, second @ normal
            depth = min(depth, min(a.max(), b.max()) - max(a.min(), b.min()))
    return max(float(depth), 0.0)


def _best(
    axis: Axes,
    pieces: Sequence[np.ndarray],
    width: float,
    height: float,
    taken: Sequence[np.ndarray],
    others: np.ndarray,
) -> tuple[np.ndarray, float, np.ndarray]:
    """The cheapest of the places on either side of each piece: label on label is worst, then label on line."""
    frame = axis.get_window_extent()
    best, found = np.inf, None
    for piece in pieces:
        for index in range(0, len(piece), 3):
            reach = int(0.5 * width / _STEP)
            near = piece[max(index - reach, 0) : index + reach + 1]
            near = near[np.abs(near - piece[index]).max(axis=1) < 0.6 * width]
            along = near[-1] - near[0]
            angle = np.arctan2(along[1], along[0]) if np.hypot(*along) > 0 else 0.0
            # Upright enough to be read from the left or from below.
            angle = (angle + 0.5 * np.pi) % np.pi - 0.5 * np.pi
            normal = np.array([-np.sin(angle), np.cos(angle)])
            for side in (1.0, -1.0):
                for stretch in _STRETCHES:
                    centre = piece[index] + side * normal * (0.5 * height + stretch * height)
                    box = _rectangle(centre, width, height, angle)
                    inside = (box >= [frame.x0, frame.y0]) & (box <= [frame.x1, frame.y1])
                    cost = 300.0 * (~inside).sum() + 2.0 * stretch + (0.0 if side > 0 else 0.5)
                    cost += sum(100.0 + 20.0 * d for d in (overlap(box, other) for other in taken) if d > 0)
                    cost += 4.0 * _inside(others, centre, angle, width, height)
                    cost += 8.0 * _inside(piece, centre, angle, width, height)
                    cost += 3.0 * abs(np.sin(angle))
                    if cost < best:
                        best, found = cost, (centre, float(angle), box)
    assert found is not None
    return found


def _inside(points: np.ndarray, centre: np.ndarray, angle: float, width: float, height: float) -> int:
    turned = (points - centre) @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return int(((np.abs(turned[:, 0]) < 0.5 * width) & (np.abs(turned[:, 1]) < 0.5 * height)).sum())


def _rectangle(centre: np.ndarray, width: float, height: float, angle: float) -> np.ndarray:
    corners = 0.5 * np.array([[-width, -height], [width, -height], [width, height], [-width, height]])
    return centre + corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _box(text: Text) -> np.ndarray:
    extent = text.get_window_extent()
    return _rectangle(
        np.array([0.5 * (extent.x0 + extent.x1), 0.5 * (extent.y0 + extent.y1)]), extent.width, extent.height, 0.0
    )


def _pixels(axis: Axes, outline: Outline, spread: bool = True) -> np.ndarray:
    """Points of an outline inside the axes, in pixels, evenly spread."""
    pixels = axis.transData.transform(np.column_stack(outline))
    if spread and len(pixels) > 1:
        length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(pixels, axis=0).T))])
        at = np.linspace(0.0, length[-1], max(int(length[-1] / _STEP), 2))
        pixels = np.column_stack([np.interp(at, length, column) for column in pixels.T])
    frame = axis.get_window_extent()
    keep = (pixels >= [frame.x0, frame.y0]).all(axis=1) & (pixels <= [frame.x1, frame.y1]).all(axis=1)
    return pixels[keep]
