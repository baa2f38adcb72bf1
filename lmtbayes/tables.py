"""The published tables under data/: found in a checkout and in an installed wheel alike, read into NumPy columns."""

import csv
import functools
from pathlib import Path
from types import MappingProxyType

import numpy as np

from lmtbayes.errors import UnknownName

type Columns = MappingProxyType[str, np.ndarray]

_PACKAGE = Path(__file__).resolve().parent


def data_folder() -> Path:
    """Return the folder of the tables: inside the package when installed, beside it in a checkout."""
    for folder in (_PACKAGE / "data", _PACKAGE.parent / "data"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"lmtbayes has lost its tables: no folder 'data' in {_PACKAGE} or beside it; reinstall it")


@functools.cache
def read(name: str) -> Columns:
    """Read one table.

    Parameters
    ----------
    name
        Path below data/ without the suffix, for example "solar/fluxes_b16".

    Returns
    -------
    columns
        Column name to array: float64 where every entry is a number, else str. Lines that start with # are the header
        (quantity, unit, source) and are skipped.

    Raises
    ------
    UnknownName
        No such table.
    """
    path = data_folder() / f"{name}.csv"
    if not path.is_file():
        raise UnknownName(f"no table {name!r} under {data_folder()}")
    return read_csv(path)


def read_csv(path: str | Path) -> Columns:
    """Read a CSV file of the layout of data/: lines of # first, then the column names, then the rows."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    names = rows[0].keys() if rows else ()
    columns = {name: _column([row[name] for row in rows]) for name in names}
    for column in columns.values():
        column.flags.writeable = False
    return MappingProxyType(columns)


def _column(entries: list[str]) -> np.ndarray:
    try:
        return np.array([float(entry) for entry in entries])
    except ValueError:
        return np.array(entries)
