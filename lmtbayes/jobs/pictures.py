"""Pictures to files: whole or not at all, and closed afterwards; with the numbers behind them where wanted."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lmtbayes import _checks
from lmtbayes._files import whole
from lmtbayes._version import __version__
from lmtbayes.plotting.numbers import to_csv
from lmtbayes.plotting.style import style

FORMATS = (".png", ".pdf", ".svg")


def save(figure: Figure, path: Path) -> Path:
    """Write a figure and close it; the suffix of `path` gives the format.

    Raises
    ------
    InvalidArgument
        A suffix that is none of .png, .pdf, .svg.
    """
    _checks.one_of("out", path.suffix, FORMATS)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else {"CreationDate": None} if path.suffix == ".pdf" else {}
    with whole(path) as temporary, style(), _without_remarks_on_fonts():
        figure.savefig(temporary, format=path.suffix[1:], metadata=metadata)
    plt.close(figure)
    return path


@contextmanager
def _without_remarks_on_fonts() -> Iterator[None]:
    """Keep what fontTools says of the age of a font, which is embedded in a PDF, from the screen."""
    logger = logging.getLogger("fontTools")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def save_with_numbers(figure: Figure, path: Path, *more: Path, about: str) -> Path:
    """Write a figure, in further formats, too, and beside it NAME.csv with the numbers behind it; closes it.

    Parameters
    ----------
    figure, path
        As `save`.
    more
        The same picture under other names.
    about
        What it is, for the header of the table.
    """
    for each in (path, *more):
        _checks.one_of("out", each.suffix, FORMATS)
    # Drawn first: a layout is not done, and some artists have no coordinates, before that.
    figure.canvas.draw()
    path.parent.mkdir(parents=True, exist_ok=True)
    to_csv(figure, path.with_suffix(".csv"), (f"lmtbayes {__version__}: {about}",))
    for each in (path, *more):
        save(figure, each)
    return path
