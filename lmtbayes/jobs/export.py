"""`lmtbayes export`: a folder of results in the formats of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks, export
from lmtbayes._files import read_netcdf, read_tree, write_text
from lmtbayes.errors import InvalidArgument
from lmtbayes.export.linearised import TOLERANCE
from lmtbayes.export.tables import Table, read_contours
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.jobs.output import SETTINGS_FILE, output_folder
from lmtbayes.jobs.settings import FitSettings

if TYPE_CHECKING:
    import xarray as xr

FILES = ("limit.nc", "contours.csv", "profile.nc", "posterior.nc", "comparison.nc")
"""What folders of `fit`, `contours` and `compare` hold that can be exported."""


@dataclass(frozen=True)
class Workspaces:
    """How the likelihood becomes a workspace.

    Parameters
    ----------
    points
        Bosons a side, out of the lines of the profile's grid.
    leave_out, hold, tolerance
        As in `lmtbayes.export.pyhf_workspace`.
    """

    points: int = 5
    leave_out: tuple[str, ...] = ()
    hold: tuple[str, ...] = ()
    tolerance: float = TOLERANCE


def export_results(
    folder: str | Path,
    formats: Sequence[str],
    out: str | Path,
    force: bool = False,
    workspaces: Workspaces | None = None,
    comment: str = "",
) -> list[str]:
    """Write what a folder of results holds in every format that is asked for.

    Parameters
    ----------
    folder
        Of `lmtbayes fit`, `contours` or `compare`.
    formats
        Of `FORMATS`.
    out, force
        Folder to write; whether to replace one. It is there whole or not at all.
    workspaces
        For pyhf and hs3.
    comment
        On a HEPData submission.

    Returns
    -------
    written
        Paths of the files, relative to `out`, and what there is to say of them.

    Raises
    ------
    InvalidArgument
        No folder of results, one that lacks what a format needs, an unknown format; what the formats cannot express.
    MissingDependency
        A format needs the extra `export`.
    """
    results = Path(folder)
    if not formats:
        raise _checks.invalid("format", formats, f"some of {', '.join(FORMATS)}")
    for name in formats:
        _checks.one_of("format", name, FORMATS)
    _check_folder(results)
    chosen = workspaces or Workspaces()
    _checks.whole("points", chosen.points)
    for name in formats:
        _need(results, name)
    settings = {
        "export": str(results),
        "formats": list(formats),
        "comment": comment,
        "points": chosen.points,
        "leave_out": list(chosen.leave_out),
        "hold": list(chosen.hold),
        "tolerance": chosen.tolerance,
    }
    said: list[str] = []
    with output_folder(out, settings, force) as target:
        for name in dict.fromkeys(formats):
            said += FORMATS[name](results, target, chosen, comment)
        written = sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())
    return [*(name for name in written if name != SETTINGS_FILE and not name.startswith(".")), *said]


def tables_of(results: Path) -> list[Table]:
    """Every table of a folder of results."""
    found: list[Table] = []
    if (results / "limit.nc").exists():
        found.append(export.limit_table(_dataset(results / "limit.nc")))
    if (results / "contours.csv").exists():
        found += read_contours(results / "contours.csv")
    if (results / "profile.nc").exists():
        found.append(export.profile_table(_dataset(results / "profile.nc")))
    if (results / "posterior.nc").exists():
        found += export.posterior_tables(_posterior(results))
    return found


def bosons_of(results: Path, points: int) -> dict[str, HiddenPhoton]:
    """Bosons of every so many lines of the profile's grid, with the mixing that was profiled there."""
    profile = _dataset(results / "profile.nc")
    lines = {}
    for name in ("mass", "g_x"):
        size = profile.sizes.get(name, 0)
        if not size:
            raise InvalidArgument(
                f"`folder` must have a profile over mass and g_x; that of {str(results)!r} has no {name}"
            )
        lines[name] = np.unique(np.linspace(0, size - 1, min(points, size)).astype(int))
    chosen = profile.isel(lines).transpose("mass", "g_x", ...)
    mass, g_x = np.meshgrid(chosen["mass"].values, chosen["g_x"].values, indexing="ij")
    return export.grid_of_bosons(HiddenPhoton(g_x, mass, chosen["eps_x"].values))


# -- one format a function -------------------------------------------------------------------------------------------


def _csv(results: Path, target: Path, _: Workspaces, __: str) -> list[str]:
    (target / "csv").mkdir()
    for table in tables_of(results):
        table.to_csv(target / "csv" / f"{table.name}.csv")
    return []


def _hepdata(results: Path, target: Path, _: Workspaces, comment: str) -> list[str]:
    export.hepdata_submission(tables_of(results), target / "hepdata", comment)
    return []


def _latex(results: Path, target: Path, _: Workspaces, __: str) -> list[str]:
    (target / "latex").mkdir()
    if (results / "posterior.nc").exists():
        write_text(target / "latex" / "intervals.tex", export.intervals_to_latex(_posterior(results)))
    if (results / "comparison.nc").exists():
        text = export.comparison_to_latex(_dataset(results / "comparison.nc"))
        write_text(target / "latex" / "comparison.tex", text)
    return []


def _darkcast(results: Path, target: Path, _: Workspaces, __: str) -> list[str]:
    export.limit_to_darkcast(_dataset(results / "limit.nc"), target / "limit.lmt")
    return []


def _axion_limits(results: Path, target: Path, _: Workspaces, __: str) -> list[str]:
    export.limit_to_axion_limits(_dataset(results / "limit.nc"), target / "limit_axionlimits.txt")
    return []


def _workspace(make: Callable[..., export.Documents], name: str) -> Callable[[Path, Path, Workspaces, str], list[str]]:
    def write(results: Path, target: Path, chosen: Workspaces, _: str) -> list[str]:
        bosons = bosons_of(results, chosen.points)
        like = FitSettings.from_file(results / SETTINGS_FILE).likelihood()
        made = make(like, bosons, leave_out=chosen.leave_out, hold=chosen.hold, tolerance=chosen.tolerance)
        made.write(target / name)
        return [f"{name}: {made.said}"]

    return write


FORMATS: dict[str, Callable[[Path, Path, Workspaces, str], list[str]]] = {
    "csv": _csv,
    "hepdata": _hepdata,
    "latex": _latex,
    "darkcast": _darkcast,
    "axionlimits": _axion_limits,
    "pyhf": _workspace(export.pyhf_workspace, "pyhf"),
    "hs3": _workspace(export.hs3_workspace, "hs3"),
}
NEEDS = {
    "csv": FILES[:4],
    "hepdata": FILES[:4],
    "latex": FILES[3:],
    "darkcast": FILES[:1],
    "axionlimits": FILES[:1],
    "pyhf": FILES[2:3],
    "hs3": FILES[2:3],
}
"""Files of which each format needs at least one."""


def _check_folder(results: Path) -> None:
    if (results / SETTINGS_FILE).is_file() and any((results / name).is_file() for name in FILES):
        return
    inner = sorted(str(path.parent) for path in results.glob(f"*/{SETTINGS_FILE}") if results.is_dir())
    advice = f"; name one of {', '.join(inner)}" if inner else ""
    raise _checks.invalid("folder", str(results), f"a folder of `lmtbayes fit`, `contours` or `compare`{advice}")


def _need(results: Path, name: str) -> None:
    if not any((results / file).is_file() for file in NEEDS[name]):
        raise InvalidArgument(f"`format` {name!r} needs {' or '.join(NEEDS[name])}, which {str(results)!r} has not")


def _dataset(path: Path) -> "xr.Dataset":
    return _as_written(read_netcdf, path)


def _as_written[T](reader: Callable[[Path], T], path: Path) -> T:
    try:
        return reader(path)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"`folder` must hold results as they were written; {path.name}: {error}") from None


def _posterior(results: Path) -> "xr.DataTree":
    return _as_written(read_tree, results / "posterior.nc")
