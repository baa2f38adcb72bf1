"""A limit on a coupling out of a file from hepdata.net: which column it is, its unit, whether it is squared.

What a file does not say is not guessed: a sentence asks for the argument that says it.
"""

import math
import os
import re
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_GEV, MEV_PER_KEV
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.hepdata_files import Curve, Header, bad, read
from lmtbayes.tables import is_number

_MEV_PER = {"ev": 1e-6, "kev": MEV_PER_KEV, "mev": 1.0, "gev": MEV_PER_GEV, "tev": 1e3 * MEV_PER_GEV}
_MISSING = ("", "-", "--", "nan", "none", "null", "~", "n/a")
_NO_UNIT = ("", "1", "-", "none", "dimensionless", "unitless")
_OTHER = {
    "a kinetic mixing, which is no gauge coupling": r"epsilon|[εϵ]|kinetic mixing",
    "a logarithm": r"\blog|\bln\b",
    "a cross section": r"(?<![0-9] )(?<![0-9])sigma|σ|cross[ -]section|\bxsec",
    "a branching fraction": r"\bbr\b|branching|mathcal ?b\b",
    "a signal strength or a number of events": r"signal strength|events|yield",
    "a ratio or a product": r"/|\btimes\b|\bcdot\b|(?<!\*)\*(?!\*)|×|\bsqrt\b|\binverse\b|\bratio\b",
    "a power that is neither one nor two": r"(?:\^|\*\*) ?\(?(?:prime|['′])* ?-? ?(?:[013-9]|2[0-9])",
    "an angle or a scale": r"\bangle\b|\bscale\b|\blambda\b",
    "a lower limit": r"\blower (?:limit|bound)",
}
"""Quantities that are no coupling with an upper limit, by what is in their names, as `_words` gives them."""
_NO_MASS = r"\blog|\bln\b|\bsqrt\b|\^|²|\*\*|squared|\btau\b|lifetime|\benergy\b|momentum|\bp_?t\b|\bwidth\b"
"""The same of a first column that is no mass."""
_COUPLING = re.compile(r"(?<![a-z0-9_])(g(?:_[a-z0-9'′-]+|x|zp?|d|mu|prime)?(?:\^?(?:prime|['′])+)?)(?![a-z0-9])")
_SQUARED = re.compile(r"(?:\^|\*\*) ?\(?(?:prime|['′])* ?2(?![0-9])|²|squared")
_POWER_OF_TEN = re.compile(r"\b10 ?(?:\^|\*\*|[-−])|[0-9]e[-+]?[0-9]")
_CL = r"(?:c\.? ?l\.?(?:s|_s)?(?![a-z])|conf|cred)"
_PERCENT = r"(?:%|percent|per cent|pct)"
_LEVELS = (
    (re.compile(rf"(\d{{2}}(?:\.\d+)?) ?{_PERCENT}[ -]*\(?(?:{_CL}|upper|exclu|limit)"), 0.01),
    (re.compile(rf"{_CL}[a-z ]*(?:\[{_PERCENT}\])? ?[=:(,]* ?(\d{{2}}(?:\.\d+)?)(?![\d.])"), 0.01),
    (re.compile(rf"(?<!\d)(0\.[5-9]\d*) ?\(?{_CL}"), 1.0),
    (re.compile(rf"{_CL}[a-z ]* ?[=:(,]* ?(0\.[5-9]\d*)"), 1.0),
)
"""How files write a confidence level, in `_words`, and the unit of the number."""


def read_limit(
    path: str | os.PathLike[str],
    table: str | None = None,
    column: str | int | None = None,
    squared: bool | None = None,
    cl: float | None = None,
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """Read an upper limit on a gauge coupling from one table of HEPData, CSV or YAML.

    Parameters
    ----------
    path
        As downloaded, or as a spreadsheet saved it again: UTF-8 with or without a byte order mark, UTF-16 or Windows'
        own encoding; any newline; commas, semicolons (with decimal commas) or tabs.
    table, column
        Which one where there are several: its name, a part of it that only one has, or (column) its number from 1.
    squared
        Whether the column is the square of a coupling, where its name does not say.
    cl
        The confidence level that is expected; a file that names another one is refused.

    Returns
    -------
    masses, limits
        [MeV], increasing, and the coupling, > 0. Rows without a limit are left out; a bin is its middle.

    Raises
    ------
    InvalidArgument
        What cannot be read, or what is not said: one sentence that names file, place and what was expected.
    """
    if not isinstance(path, str | os.PathLike):
        raise _checks.invalid("hepdata", path, "the path of a file of one table, downloaded from hepdata.net")
    if table is not None and not isinstance(table, str):
        raise _checks.invalid("table", table, "the name of a table, or None")
    path = Path(path)
    curve = _chosen(path, read(path), table, column)
    scale = _mev_per_unit(path, curve)
    is_square = _is_squared(path, curve, squared)
    _check_level(path, curve, cl)
    masses, limits = _numbers(path, curve)
    if masses.size > 1 and np.all(np.diff(masses) < 0):
        masses, limits = masses[::-1], limits[::-1]
    if masses.size < 2 or not np.all(np.diff(masses) > 0):
        raise bad(
            path,
            curve.place,
            "expected two or more masses that increase; got "
            + (f"{masses.size}" if masses.size < 2 else "some that go up and down, as those of a closed contour do"),
        )
    return masses * scale, np.sqrt(limits) if is_square else limits


def _chosen(path: Path, curves: list[Curve], table: str | None, column: str | int | None) -> Curve:
    """The one curve that is asked for."""
    names = list(dict.fromkeys(curve.table for curve in curves))
    if table is not None:
        wanted = _named(table, names)
        if len(wanted) != 1:
            raise InvalidArgument(f"`table` must be one of {_listed(names)} in {path.name}; got {table!r}")
        curves = [curve for curve in curves if curve.table == wanted[0]]
    elif len(names) > 1:
        raise InvalidArgument(f"`table` must say which table of {path.name}: {_listed(names)}")
    if column is None and len(curves) == 1:
        return curves[0]
    shown = ", ".join(f"{k}: {_label(curve)!r}" for k, curve in enumerate(curves, 1))
    if column is None:
        raise InvalidArgument(f"`column` must say which column of {path.name}, a number or a name: {shown}")
    if isinstance(column, int | np.integer) and not isinstance(column, bool) and 1 <= column <= len(curves):
        return curves[int(column) - 1]
    wanted = _named(str(column), [_label(curve) for curve in curves]) if isinstance(column, str) else []
    found = [curve for curve in curves if _label(curve) in wanted]
    if len(found) != 1:
        raise InvalidArgument(f"`column` must be a number or a name in {path.name}: {shown}; got {column!r}")
    return found[0]


def _named(asked: str, names: list[str]) -> list[str]:
    """Names that are what is asked for, or else have it as a part; capitals do not matter."""
    equal = [name for name in names if name == asked] or [name for name in names if name.lower() == asked.lower()]
    return equal or [name for name in names if asked.lower() in name.lower()]


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def _label(curve: Curve) -> str:
    return f"{curve.y} ({curve.qualifiers})" if curve.qualifiers else str(curve.y)


def _mev_per_unit(path: Path, curve: Curve) -> float:
    """Unit of the mass; "GeV", "GEV" and LaTeX's GeV/c^2 are one."""
    if re.search(_NO_MASS, _words(curve.x.name)):
        raise bad(path, curve.place, f"expected a first column with masses; got {str(curve.x)!r}")
    unit = re.sub(r"\\(?:mathrm|text\w*)|[^a-z0-9/*^]", "", curve.x.unit.lower())
    unit = re.sub(r"/c(\^|\*\*)?2?$", "", unit)
    if unit not in _MEV_PER:
        raise bad(
            path,
            curve.place,
            f"expected a first column in GeV or MeV by its header, as 'mass [GeV]'; got {str(curve.x)!r} (without a "
            "unit in the file, give `curve`=(masses [MeV], limits))",
        )
    return _MEV_PER[unit]


def _plain(text: str) -> str:
    """A name in small letters without LaTeX's signs: "$g_{Z'}^{2}$" is g_z'^2."""
    without = re.sub(r"\\(?:mathrm|text\w*|left|right|[,;!])|[${}\\|]", "", text.lower())
    return " ".join(without.split())


def _words(text: str) -> str:
    """A name in small letters, LaTeX's signs as spaces: what stands beside what is kept."""
    without = re.sub(r"\\(?:mathrm|text\w*|left|right|[,;!% ])", lambda m: "%" if m[0] == "\\%" else " ", text.lower())
    return " ".join(re.sub(r"[${}\\|~]", " ", without).split())


def _is_squared(path: Path, curve: Curve, squared: bool | None) -> bool:
    """Whether the column is the square of a coupling."""
    name = _plain(curve.y.name)
    unit = curve.y.unit
    if _plain(unit) not in _NO_UNIT or _POWER_OF_TEN.search(name):
        what = "a coupling has neither a unit nor a power of ten in its header"
        raise bad(path, curve.place, f"expected a column with a coupling; got {str(curve.y)!r}: {what}")
    if squared is not None:
        _checks.switch("squared", squared)
        if not squared and _COUPLING.search(name) and _SQUARED.search(name):
            raise _checks.invalid("squared", squared, f"True or left out: the column is {str(curve.y)!r}")
        return bool(squared)
    for what, pattern in _OTHER.items():
        if re.search(pattern, _words(curve.y.name)) or re.search(pattern, name):
            raise bad(
                path,
                curve.place,
                f"expected a column with a coupling; got {str(curve.y)!r}, {what} (if it is a coupling, say so by "
                "`squared`=False, or by True if it is squared)",
            )
    for text in (name, _plain(curve.qualifiers)):
        couplings = set(_COUPLING.findall(_SQUARED.sub("", text)))
        if len(couplings) == 1 or "coupling" in text:
            return bool(_SQUARED.search(text))
    raise bad(
        path,
        curve.place,
        f"expected a column named after a coupling, as \"g'\" or 'g_X^2'; got {str(curve.y)!r}: give `squared`=False "
        "if it is a coupling, True if it is one squared",
    )


def _check_level(path: Path, curve: Curve, cl: float | None) -> None:
    """Compare the confidence level with those that the file names, of the column or else of the table."""
    for text in (f"{curve.y.name} {curve.qualifiers}", f"{curve.table} {curve.description}"):
        words = _words(text)
        found = {round(float(level) * unit, 6) for pattern, unit in _LEVELS for level in pattern.findall(words)}
        levels = sorted(level for level in found if 0.5 < level < 1.0)
        if levels and cl is not None and min(abs(level - cl) for level in levels) > 1e-6:
            shown = " or ".join(f"{level:g}" for level in levels)
            raise _checks.invalid("cl", cl, f"{shown}, as {path.name} says of {_label(curve)!r}")
        if levels:
            return


def _numbers(path: Path, curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Masses and limits of the rows that have one."""
    rows = []
    for place, *entries in curve.points:
        if entries[1].lower() in _MISSING:
            continue
        values = []
        for header, entry in zip((curve.x, curve.y), entries, strict=True):
            values.append(_number(path, place, header, entry))
        rows.append(values)
    masses, limits = np.array(rows, dtype=float).reshape(-1, 2).T
    return masses, limits


def _number(path: Path, place: str, header: Header, entry: str) -> float:
    value = float(entry) if is_number(entry) else math.nan
    if not 0.0 < value < float("inf"):
        raise bad(path, place, f"expected a positive number in the column {str(header)!r}; got {entry!r}")
    return value
