"""Results as tables, which CSV files and HEPData submissions are written from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes._version import __version__
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.frequentist.contours import Contours
from lmtbayes.inference.frequentist.given_profile import check_profile, provenance
from lmtbayes.inference.frequentist.limits import STATUS
from lmtbayes.parameters import ALL
from lmtbayes.tables import read_csv

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Parameters
    ----------
    name
        Of the CSV file; letters, digits and _.
    values
        One a row; (row, 2) for the edges of bins.
    title, unit
        As others read it, and its unit, "" for none.
    measured
        Whether it is a result; else it is what results depend on.
    qualifiers
        What is said of a result beside its title.
    """

    name: str
    values: np.ndarray
    title: str
    unit: str = ""
    measured: bool = True
    qualifiers: Mapping[str, str | float] | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A result as columns.

    Parameters
    ----------
    name
        Of the file, without suffix.
    title
        Short: a HEPData table has it, at most 64 letters.
    lines
        What it is and where it comes from.
    columns
        Those that results depend on first.
    """

    name: str
    title: str
    lines: tuple[str, ...]
    columns: tuple[Column, ...]

    def to_csv(self, path: str | Path) -> Path:
        """Write the table below a header of what it is; `lmtbayes.tables.read_csv` reads it. Whole or not at all."""
        header = [f"# {line}" for line in self.lines]
        header.append("# " + ", ".join(f"{c.name}: {c.title}{f' [{c.unit}]' if c.unit else ''}" for c in self.columns))
        names, columns = [], []
        for column in self.columns:
            if column.values.ndim == 2:
                names += [f"{column.name}_low", f"{column.name}_high"]
                columns += [column.values[:, 0], column.values[:, 1]]
            else:
                names.append(column.name)
                columns.append(column.values)
        rows = [",".join(_shown(x) for x in row) for row in zip(*columns, strict=True)]
        return write_text(path, "\n".join([*header, ",".join(names), *rows]) + "\n")


def limit_table(limit: "xr.Dataset", name: str = "limit") -> Table:
    """Upper limit at each mass; masses without one are left out, and listed.

    Parameters
    ----------
    limit
        Of `upper_limit`, `cls_limit` or `credible_limit`, at each mass.
    name
        Of the file.

    Raises
    ------
    InvalidArgument
        No limit of one parameter at each mass.
    """
    values, masses, parameter, cl = parts_of_limit(limit)
    there = np.isfinite(values)
    lines = [f"{100 * cl:g} % upper limit on {parameter}", *_lines(limit)]
    if "status" in limit:
        why = [STATUS[int(s)] for s in limit["status"].values]
        lines += [f"no limit at {m:.6g} MeV: {w}" for m, w in zip(masses[~there], np.array(why)[~there], strict=True)]
    islands = limit["islands"].values if "islands" in limit else np.zeros(masses.size)
    lines += [f"at {m:.6g} MeV couplings above the limit are allowed again" for m in masses[islands > 0]]
    words = f"{100 * cl:g} % upper limit on {parameter}"
    columns = [
        Column("mass_mev", masses[there], "mass", "MeV", measured=False),
        Column(parameter, values[there], words, qualifiers={"Confidence level": f"{100 * cl:g} %"}),
    ]
    return Table(name, "Upper limit", tuple(lines), tuple(columns))


def parts_of_limit(limit: "xr.Dataset") -> tuple[np.ndarray, np.ndarray, str, float]:
    """Limits, masses [MeV], parameter and confidence level of a limit at each mass."""
    import xarray

    if not isinstance(limit, xarray.Dataset) or "limit" not in limit or limit["limit"].dims != ("mass",):
        raise _checks.invalid("limit", type(limit).__name__, "a limit at each mass, as upper_limit gives it")
    values = limit["limit"].values.astype(float)
    return values, limit["mass"].values.astype(float), str(limit.attrs["parameter"]), float(limit.attrs["cl"])


def contour_tables(contours: Contours) -> list[Table]:
    """One table for each line of each contour, its points in order.

    Raises
    ------
    InvalidArgument
        No contours.
    """
    if not isinstance(contours, Contours):
        raise _checks.invalid("contours", type(contours).__name__, "of lmtbayes.contours")
    x, y = contours.names
    found = []
    for contour in contours.levels:
        for number, line in enumerate(contour.lines, 1):
            lines = (*contours.provenance, *str(contours).splitlines())
            state = "closed" if line.closed else f"open at {', '.join(line.sides)}"
            said = {"Confidence level": f"{100 * contour.level:.4g} %", "Threshold": contour.threshold, "Line": state}
            columns = (
                _independent(x, line.x),
                Column(y, line.y, title_of(y), unit_of(y), qualifiers=said),
            )
            title = f"Contour {contour.level:.4g} line {number}"
            found.append(Table(f"contour_{contour.level:.4g}_{number}", title, lines, columns))
    return found


def profile_table(profile: "xr.Dataset", name: str = "profile") -> Table:
    """Profile likelihood on its grid: one row a point, with q, ln L, and the profiled parameters of the boson.

    Raises
    ------
    InvalidArgument
        No profile.
    """
    check_profile(profile)
    dims = [str(dim) for dim in profile["q"].dims]
    mesh = np.meshgrid(*(profile[dim].values for dim in dims), indexing="ij")
    columns = [_independent(dim, values.ravel()) for dim, values in zip(dims, mesh, strict=True)]
    titles = {"q": "q = -2 ln lambda", "log_likelihood": "ln L"}
    titles |= {key: f"profiled {title_of(key)}" for key in ("g_x", "mass", "eps_x", "kappa") if key not in dims}
    for key, title in titles.items():
        if key in profile and profile[key].dims == profile["q"].dims:
            columns.append(Column(key, profile[key].values.ravel(), title, unit_of(key)))
    return Table(name, "Profile likelihood", provenance(profile), tuple(columns))


def read_contours(path: Path) -> list[Table]:
    """Tables of a contours.csv that `Contours.to_csv` wrote.

    Raises
    ------
    InvalidArgument
        Another file.
    """
    columns: Mapping[str, Any] = read_csv(path, "folder")
    names = [name for name in columns if name not in ("level", "line", "closed")]
    if len(names) != 2 or len(columns) != 5:
        raise InvalidArgument(f"{path.name} must have columns level, line, closed and two parameters")
    text = path.read_text(encoding="utf-8").splitlines()
    lines = tuple(line[2:] for line in text if line.startswith("# "))
    x, y = names
    found = []
    for level, number in dict.fromkeys(zip(columns["level"], columns["line"], strict=True)):
        own = (columns["level"] == level) & (columns["line"] == number)
        closed = bool(columns["closed"][own][0])
        said = {"Confidence level": f"{100 * level:.4g} %", "Line": "closed" if closed else "open"}
        pair = (
            _independent(x, columns[x][own]),
            Column(y, columns[y][own], title_of(y), unit_of(y), qualifiers=said),
        )
        title = f"Contour {level:.4g} line {int(number) + 1}"
        found.append(Table(f"contour_{level:.4g}_{int(number) + 1}", title, lines, pair))
    return found


def _independent(name: str, values: np.ndarray) -> Column:
    return Column("mass_mev" if name == "mass" else name, values, title_of(name), unit_of(name), measured=False)


def title_of(name: str) -> str:
    """Words for a parameter."""
    return ALL[name].long_name if name in ALL and name != "mass" else "mass" if name == "mass" else name


def unit_of(name: str) -> str:
    """Unit of a parameter, "" for none."""
    return "" if name not in ALL or ALL[name].unit == "1" else ALL[name].unit


def _lines(dataset: "xr.Dataset") -> list[str]:
    """Where a limit comes from."""
    given = dataset.attrs.get("provenance") or dataset.attrs.get("prior") or f"lmtbayes {__version__}"
    return str(given).splitlines()


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{float(value):.10g}"
