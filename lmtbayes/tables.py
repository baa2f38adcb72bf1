"""The published tables under data/, read into NumPy columns: files of the package, wherever and however it lies.

In a checkout `lmtbayes/data` is a symbolic link to the folder `data/` beside the package; wheel and sdist hold the
files themselves in its place. importlib.resources does not know the difference.
"""

import csv
import functools
import importlib.resources
import io
import re
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

import numpy as np

from lmtbayes.errors import InvalidArgument, UnknownName

type Columns = MappingProxyType[str, np.ndarray]

_PACKAGE = "lmtbayes"
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|nan)", re.IGNORECASE)


def data_folder() -> Traversable:
    """Return the folder of the tables.

    Raises
    ------
    FileNotFoundError
        There is none: a checkout by a git that makes no symbolic links, or a broken installation.
    """
    folder = importlib.resources.files(_PACKAGE) / "data"
    if not folder.is_dir():
        what = "a plain file where git made no symbolic link" if folder.is_file() else "nothing there"
        raise FileNotFoundError(
            f"`{folder}` must be the folder of lmtbayes's tables; got {what}: run `git config core.symlinks true` and "
            "`git checkout -- lmtbayes/data` in a checkout (Windows: in developer mode), or install a wheel"
        )
    return folder


def files() -> dict[str, Traversable]:
    """Return every file of the tables' folder by its path in it, "solar/lines.csv", sorted; no compiled Python."""
    return dict(sorted(_below(data_folder(), "")))


def _below(folder: Traversable, path: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            found += _below(entry, f"{path}{entry.name}/")
        elif entry.is_file():
            found.append((path + entry.name, entry))
    return found


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
    file = data_folder() / f"{name}.csv"
    if not file.is_file():
        raise UnknownName(f"no table {name!r} under {data_folder()}")
    return _columns(file.read_text(encoding="utf-8"))


def read_csv(path: str | Path, argument: str = "") -> Columns:
    """Read a CSV file of the layout of data/: lines of # (or %) first, then the column names, then the rows.

    As spreadsheets save it, too: with a byte order mark, and with semicolons, whose numbers have decimal commas. A
    column that begins with a number holds numbers.

    Parameters
    ----------
    path
        Of the file.
    argument
        Whose value it is, for messages.

    Raises
    ------
    InvalidArgument
        A row of more or fewer entries than there are columns, a column named twice, a comment among the rows, an entry
        that is no number among numbers, or a file that is not UTF-8: with the number of the line.
    """
    path, of = Path(path), f"`{argument}`: " if argument else ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{of}{path.name} must be a CSV file in UTF-8: {error}") from None
    return _columns(text, f"{of}{path.name}", strict=True)


def _columns(text: str, file: str = "table", strict: bool = False) -> Columns:
    lines = [(number, line) for number, line in enumerate(io.StringIO(text), 1) if line.strip()]
    kept = [(number, line) for number, line in lines if not line.lstrip().startswith(("#", "%"))]
    hidden = [number for number, line in lines if line.lstrip().startswith(("#", "%"))]
    if strict and kept and hidden and hidden[-1] > kept[0][0]:
        raise InvalidArgument(f"{file} must have its comments first; line {hidden[-1]} is one among the rows")
    by_semicolons = bool(kept) and ";" in kept[0][1] and "," not in kept[0][1]
    rows = list(csv.reader((line for _, line in kept), delimiter=";" if by_semicolons else ","))
    names = [name.strip() for name in rows[0]] if rows else []
    if len(set(names)) < len(names):
        raise InvalidArgument(f"{file} must name each column once; line {kept[0][0]} has {', '.join(names)}")
    for (number, _), row in zip(kept, rows, strict=False):
        if len(row) != len(names):
            raise InvalidArgument(
                f"{file} must have {len(names)} entries in each row ({', '.join(names)}); line {number} has {len(row)}"
            )
    if by_semicolons:
        rows = [[entry.replace(",", ".") for entry in row] for row in rows]
    if strict:
        for (number, _), row in zip(kept[2:], rows[2:], strict=False):
            for name, first, entry in zip(names, rows[1], row, strict=True):
                if is_number(first) and not is_number(entry):
                    raise InvalidArgument(f"{file} must have a number as {name} in line {number}; got {entry!r}")
    columns = {name: _column([row[i] for row in rows[1:]]) for i, name in enumerate(names)} if len(rows) > 1 else {}
    for column in columns.values():
        column.flags.writeable = False
    return MappingProxyType(columns)


def is_number(entry: str) -> bool:
    """Whether an entry is a number as tables have it: float() takes 1_000 and other scripts' digits as well."""
    return _NUMBER.fullmatch(entry.strip()) is not None


def _column(entries: list[str]) -> np.ndarray:
    if all(is_number(entry) for entry in entries):
        return np.array([float(entry) for entry in entries])
    return np.array(entries)
