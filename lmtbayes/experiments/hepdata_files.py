"""Files of one table as downloaded from hepdata.net, CSV or YAML, taken apart into columns against the first one.

What HEPData writes (its converter, hepdata-converter, writes the CSV): lines `#: key: value` with the table's name and
description (which may run over several lines), then for each measured column a block: lines `#: qualifier,...`, one of
headers "NAME [UNIT]", the rows, a blank line. Bins have three columns, "X", "X LOW", "X HIGH"; uncertainties two,
"label +", "label -". A YAML file lists `independent_variables` and `dependent_variables`, each with a header (name,
units) and values; several tables may stand in one file, as documents.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.tables import is_number

_SEPARATORS = ",;\t"
_KEYS = ("table_doi", "name", "description", "data_file", "data_license")
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_ENERGY = r"\$?(?:\\\w+\{)?[kmgt]?ev\}?(?:/\S*?)?\$?"
_OTHER_KINDS = {".json": "JSON", ".root": "ROOT", ".yoda": "YODA", ".h5": "YODA"}


@dataclass(frozen=True)
class Header:
    """Name of a column and its unit, "" where there is none."""

    name: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name


@dataclass(frozen=True)
class Curve:
    """One measured column against the first column of its table, entries as they are written.

    Parameters
    ----------
    table, description
        Of the table.
    x, y
        Headers of the two columns.
    qualifiers
        What is said of the measured column beside its name.
    place
        Where it stands in the file, for messages.
    points
        (place, x, y) of each row.
    """

    table: str
    description: str
    x: Header
    y: Header
    qualifiers: str
    place: str
    points: tuple[tuple[str, str, str], ...]


def bad(path: Path, place: str, what: str) -> InvalidArgument:
    """Return the error about a place in a file; `what` says what was expected and found."""
    return InvalidArgument(f"`hepdata` must be one table of HEPData, CSV or YAML; {path.name}, {place}: {what}")


def read(path: Path) -> list[Curve]:
    """Read every measured column of a file.

    Raises
    ------
    InvalidArgument
        No such file, a whole submission, another format, or no table; one sentence that names file and place.
    """
    if not path.is_file():
        raise _checks.invalid("hepdata", str(path), "a file of one table, downloaded from hepdata.net as CSV or YAML")
    content = path.read_bytes()
    if content.startswith(_ARCHIVES) or content[257:262] == b"ustar":
        raise bad(path, "all of it", "an archive of a whole submission; unpack it and give the file of one table")
    kind = path.suffix.lower()
    if kind in _OTHER_KINDS or content[:4] == b"root":
        raise bad(
            path, "all of it", f"got {_OTHER_KINDS.get(kind, 'ROOT')}; hepdata.net has CSV and YAML of each table"
        )
    text = _decoded(content)
    is_yaml = kind in (".yaml", ".yml") or re.search(r"^(in)?dependent_variables:", text, re.MULTILINE)
    try:
        curves = _of_yaml(path, text) if is_yaml else _of_csv(path, text)
    except csv.Error as error:
        raise bad(path, "all of it", f"no CSV: {error}") from None
    if not curves:
        raise bad(path, "all of it", "got no column of numbers beside a first one, the mass")
    return curves


def _decoded(content: bytes) -> str:
    """Text with plain newlines; a byte order mark says the encoding, a spreadsheet on Windows may have none."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


# -- CSV --------------------------------------------------------------------------------------------------------------


@dataclass
class _Block:
    table: str = ""
    description: str = ""
    qualifiers: list[str] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)


def _of_csv(path: Path, text: str) -> list[Curve]:
    return [curve for block in _blocks(path, text) for curve in _of_block(path, block)]


def _blocks(path: Path, text: str) -> Iterator[_Block]:
    """Blocks of a CSV file; a table's name and description go on until the next table's."""
    block, described = _Block(), False
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip().strip('"').rstrip(_SEPARATORS + " ")
        if bare.startswith("#"):
            if block.lines:
                yield block
                block = _Block(block.table, block.description)
            key, _, value = bare.lstrip("#: ").partition(":")
            described = key == "description"
            if key == "name":
                block = _Block(value.strip())
            elif described:
                block.description = value.strip()
            elif bare.startswith("#:") and key and key not in _KEYS and not key.startswith("keyword "):
                block.qualifiers.append(_said(bare.lstrip("#: ")))
        elif described and _goes_on(text, number):
            block.description += f" {bare}"
        elif bare:
            block.lines.append((number, line))
        elif block.lines:
            yield block
            block = _Block(block.table, block.description)
    if block.lines:
        yield block
    elif not text.strip():
        raise bad(path, "all of it", "got an empty file")


def _said(line: str) -> str:
    """A qualifier, "NAME,value,value" with a place for each column, as "NAME: value"."""
    name, *values = map(str.strip, re.split(f"[{_SEPARATORS}]", line))
    return f"{name}: {', '.join(dict.fromkeys(filter(None, values)))}"


def _goes_on(text: str, number: int) -> bool:
    """Whether a line without # is a part of the description above it: what follows a description is `data_file`."""
    following = next((line for line in text.split("\n")[number:] if line.strip().strip('"').startswith("#")), "")
    return following.strip().strip('"').lstrip("#: ").startswith("data_file")


def _of_block(path: Path, block: _Block) -> Iterator[Curve]:
    separator, names = _header(path, block)
    rows = [(f"line {number}", _cells(line, separator)) for number, line in block.lines[1:]]
    for place, cells in rows:
        if len(cells) != len(names):
            raise bad(path, place, f"expected {len(names)} entries, as in the header above; got {len(cells)}")
    if separator != ",":  # of a country that writes 1,5 for 1.5
        rows = [(place, [re.sub(r"^([^,]*\d),(\d[^,]*)$", r"\1.\2", cell) for cell in cells]) for place, cells in rows]
    first, place = names[0], f"line {block.lines[0][0]}"
    for k, name in enumerate(names[1:], 1):
        base = re.sub(r" (LOW|HIGH|\+|-)$", "", name)
        if not name or (base != name and (name[-1] in "+-" or base in names)):
            continue
        points = tuple((at, cells[0], cells[k]) for at, cells in rows)
        said = "; ".join(block.qualifiers)
        yield Curve(block.table, block.description, header(first), header(name), said, place, points)


def _header(path: Path, block: _Block) -> tuple[str, list[str]]:
    """The separator that makes most rows as long as the first line, and that line's entries."""
    number, line = block.lines[0]
    if len(block.lines) == 1:
        raise bad(path, f"line {number}", f"expected a header and rows of numbers below it; got {line.strip()[:60]!r}")
    fitting = {}
    for separator in _SEPARATORS:
        names = _cells(line, separator)
        rows = [_cells(row, separator) for _, row in block.lines[1:]]
        numbers = sum(len(row) == len(names) and is_number(row[0].replace(",", ".")) for row in rows)
        if len(names) > 1 and numbers:
            fitting[separator] = numbers
    if not fitting:
        raise bad(path, f"line {number}", "expected a header and rows of as many numbers, between commas or semicolons")
    best = max(fitting, key=fitting.__getitem__)
    return best, _cells(line, best)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]


def header(text: str, unit: str = "") -> Header:
    """Take "NAME [UNIT]", "NAME (UNIT)" or "NAME IN UNIT" apart, the last two where the unit is one of energy."""
    if unit:
        return Header(text.strip(), unit.strip())
    found = re.fullmatch(r"(.*?)\s*\[([^][]*)\]", text.strip(), re.DOTALL)
    if found is None:
        found = re.fullmatch(rf"(.*?)(?:\s*[(/,]|\s+in)\s*({_ENERGY})\)?", text.strip(), re.IGNORECASE | re.DOTALL)
    return Header(found[1], found[2].strip()) if found else Header(text.strip())


# -- YAML -------------------------------------------------------------------------------------------------------------


def _of_yaml(path: Path, text: str) -> list[Curve]:
    try:
        # Every entry as it is written: YAML would read 010 as 8 and 1:30 as 90.
        documents = list(yaml.load_all(text, Loader=yaml.BaseLoader))
    except RecursionError:
        raise bad(path, "all of it", "no YAML of a table: lists in lists without end") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "all of it" if mark is None else f"line {mark.line + 1}"
        raise bad(path, place, f"no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}") from None
    tables = [entry for entry in documents if isinstance(entry, dict) and "dependent_variables" in entry]
    files = [str(entry["data_file"]) for entry in documents if isinstance(entry, dict) and "data_file" in entry]
    if files and not tables:
        raise bad(path, "all of it", f"the index of a submission; give the file of one table: {', '.join(files)}")
    if not tables:
        raise bad(path, "all of it", "expected `independent_variables` and `dependent_variables`")
    return [curve for number, table in enumerate(tables, 1) for curve in _of_document(path, table, number)]


def _of_document(path: Path, table: dict[str, Any], number: int) -> Iterator[Curve]:
    name = str(table.get("name", "" if number == 1 else f"document {number}"))
    parts: dict[str, Any] = {}
    for kind in ("independent_variables", "dependent_variables"):
        parts[kind] = table.get(kind)
        if not isinstance(parts[kind], list) or not parts[kind]:
            raise bad(path, name or "all of it", f"expected a list of `{kind}`; got {parts[kind]!r}")
    if len(parts["independent_variables"]) > 1:
        names = [str(_of_variable(path, "independent_variables", entry)[0]) for entry in parts["independent_variables"]]
        raise bad(path, "independent_variables", f"expected one, the mass; got {', '.join(map(repr, names))}")
    x, masses = _of_variable(path, "independent_variables[0]", parts["independent_variables"][0])
    for k, variable in enumerate(parts["dependent_variables"]):
        place = f"dependent_variables[{k}]"
        y, values = _of_variable(path, place, variable)
        if len(values) != len(masses):
            raise bad(path, place, f"expected {len(masses)} values, one for each mass; got {len(values)}")
        qualifiers = variable.get("qualifiers")
        said = "; ".join(map(_qualifier, qualifiers if isinstance(qualifiers, list) else ()))
        rows = enumerate(zip(masses, values, strict=True))
        points = tuple((f"{place}, value {row}", mass, value) for row, (mass, value) in rows)
        yield Curve(name, str(table.get("description", "")), x, y, said, place, points)


def _of_variable(path: Path, place: str, variable: Any) -> tuple[Header, list[str]]:
    """Header and values; a bin is its middle, as in HEPData's own CSV."""
    if not isinstance(variable, dict) or not isinstance(variable.get("header"), dict):
        raise bad(path, place, "expected a `header` with a name, and `values`")
    values = variable.get("values")
    if not isinstance(values, list) or not all(isinstance(entry, dict) for entry in values):
        raise bad(path, place, "expected `values`, a list of entries `value: ...` or `low: ...`, `high: ...`")
    entries = []
    for row, entry in enumerate(values):
        if "value" not in entry and not {"low", "high"} <= entry.keys():
            raise bad(path, f"{place}, value {row}", f"expected `value`, or `low` and `high`; got {entry!r}")
        if "value" in entry:
            entries.append(str(entry["value"]))
            continue
        try:
            entries.append(repr(0.5 * (float(entry["low"]) + float(entry["high"]))))
        except (TypeError, ValueError):
            raise bad(path, f"{place}, value {row}", f"expected numbers; got {entry!r}") from None
    name, unit = (str(variable["header"].get(key, "")) for key in ("name", "units"))
    return header(name, "" if unit in ("null", "~") else unit), entries


def _qualifier(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    unit = f" [{entry['units']}]" if entry.get("units") else ""
    return f"{entry.get('name', '')}{unit}: {entry.get('value', '')}"
