"""What a legend has to explain: everything on some axes that was given a name, and every line style and mark, once."""

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

KEY = "0.35"
"""Grey of what a legend says of lines and marks of any colour."""

type Entry = Patch | Line2D


def remember(axis: Axes, entry: Entry, key: bool = False) -> None:
    """Keep a legend entry with its Axes; a `key` says what lines or marks mean, of whatever colour.

    Filled regions are many patches and would be listed one by one.
    """
    kept = [*getattr(axis, "_lmtbayes_entries", []), (key, entry)]
    axis._lmtbayes_entries = kept  # type: ignore[attr-defined]


def entries(*axes: Axes) -> list[Entry]:
    """Everything that was remembered of some axes: what has a name of its own, then lines and marks."""
    found: dict[tuple[bool, str], Entry] = {}
    for axis in axes:
        for key, entry in getattr(axis, "_lmtbayes_entries", ()):
            found.setdefault((key, str(entry.get_label())), entry)
    return [found[place] for place in sorted(found, key=lambda place: place[0])]
