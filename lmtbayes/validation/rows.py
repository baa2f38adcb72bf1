"""One row a number: what it should be, what was found, its error, and of how many it is; read and written as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lmtbayes._files import write_text


@dataclass(frozen=True)
class Row:
    """One number of the validation.

    Parameters
    ----------
    name
        Of the entry, code, quantity, truth or likelihood.
    what
        Which number of it.
    reference
        What it is held to; NaN where there is nothing.
    found
        What the package gives; NaN where it was not computed.
    error
        Largest deviation within the number (a bin's, of rates), the published error, or the Monte Carlo error.
    size
        Of how many toys, simulations, seeds or bins.
    note
        Source, or why it is approximate.
    """

    name: str
    what: str
    reference: float
    found: float
    error: float = math.nan
    size: int = 1
    note: str = ""

    @property
    def ratio(self) -> float:
        """Found over reference; NaN where there is none."""
        return self.found / self.reference if self.reference else math.nan


COLUMNS = ("name", "what", "reference", "found", "ratio", "error", "size", "note")
_NUMBERS = ("reference", "found", "error")


def to_csv(rows: Iterable[Row]) -> str:
    """Return the table of rows; numbers with seven digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        numbers = {name: f"{getattr(row, name):.7g}" for name in (*_NUMBERS, "ratio")}
        writer.writerow([numbers.get(name, getattr(row, name, None)) for name in COLUMNS])
    return text.getvalue()


def write(path: Path, rows: Sequence[Row]) -> None:
    """Write a table of rows."""
    write_text(path, to_csv(rows))


def read(path: Path) -> list[Row]:
    """Read what `write` wrote; the ratio follows from the other columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(line) for line in csv.DictReader(file)]


def _row(line: dict[str, str]) -> Row:
    reference, found, error = (float(line[name]) for name in _NUMBERS)
    return Row(line["name"], line["what"], reference, found, error, int(line["size"]), line["note"])
