"""What an Axes shows, asked of its artists."""

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.legend import Legend

from lmtbayes.plotting.legends import KEY


def colours(axis: Axes) -> set[tuple[float, float, float]]:
    """Of every line, patch and collection that has something in it."""
    found = {to_rgb(line.get_color()) for line in axis.lines if len(line.get_xdata())}
    for patch in axis.patches:
        found |= {to_rgb(colour) for colour in (patch.get_facecolor(), patch.get_edgecolor()) if colour[3] > 0.0}
    for collection in axis.collections:
        if collection.get_paths():
            found |= {to_rgb(c) for c in (*collection.get_facecolor(), *collection.get_edgecolor()) if c[3] > 0.0}
    return found


def named_but_not_drawn(legend: Legend, *axes: Axes) -> list[str]:
    """Entries of a legend in whose colour nothing is drawn; what is grey says what a line style or a mark means."""
    shown = set().union(*(colours(axis) for axis in axes))
    missing = []
    for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
        has = [getattr(handle, name)() for name in ("get_color", "get_facecolor") if hasattr(handle, name)]
        if handle.get_label() and getattr(handle, "get_color", lambda: "")() == KEY:
            styles = {line.get_linestyle() for axis in axes for line in axis.lines}
            if handle.get_linestyle() not in styles:
                missing.append(text.get_text())
            continue
        of = {to_rgb(colour[0] if getattr(colour, "ndim", 1) == 2 else colour) for colour in has}
        if not of & shown:
            missing.append(text.get_text())
    return missing


def segments(container) -> list[list[tuple[float, float]]]:
    """Ends of the bars of an `errorbar`, one list for each direction."""
    return [[tuple(point) for bar in bars.get_segments() for point in bar] for bars in container.lines[2]]
