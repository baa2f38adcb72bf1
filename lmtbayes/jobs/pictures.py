"""Pictures to files: whole or not at all, and closed afterwards."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from lmtbayes import _checks
from lmtbayes._files import whole

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
    with whole(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], metadata=metadata)
    plt.close(figure)
    return path
