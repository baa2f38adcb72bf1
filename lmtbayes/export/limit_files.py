"""Limit files as two public collections keep them: darkcast (P. Ilten et al., arXiv:1801.04847) and AxionLimits."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes._files import write_text
from lmtbayes.constants import MEV_PER_GEV
from lmtbayes.errors import InvalidArgument
from lmtbayes.export.tables import limit_table, parts_of_limit

if TYPE_CHECKING:
    import xarray as xr

_EV_PER_MEV = 1e6


def limit_to_darkcast(limit: "xr.Dataset", path: str | Path) -> Path:
    """Write a limit on g_x as a darkcast `.lmt` file: mass [GeV] and the lowest excluded coupling.

    The coupling is g_x as it is, in units of darkcast's model "Lmu-Ltau_boson", not divided by e as its dark photon's
    is. What is allowed again above the limit is not in the file.

    Parameters
    ----------
    limit
        Of `upper_limit` or another one on g_x at each mass.
    path
        Of the file.

    Raises
    ------
    InvalidArgument
        A limit on something else, or nowhere.
    """
    masses, couplings, comments = _points(limit)
    rows = [f" {m / MEV_PER_GEV:10.4e} {g:11.4e}" for m, g in zip(masses, couplings, strict=True)]
    # The first line names the columns; comments come after it.
    lines = ["#      mass       lower", "# mass [GeV], g_x", *(f"# {line}" for line in comments), *rows]
    return write_text(path, "\n".join(lines) + "\n")


def limit_to_axion_limits(limit: "xr.Dataset", path: str | Path) -> Path:
    """Write a limit on g_x as a text file of AxionLimits: comments, then mass [eV] and coupling in two columns.

    Parameters
    ----------
    limit, path
        As in `limit_to_darkcast`.

    Raises
    ------
    InvalidArgument
        As `limit_to_darkcast`.
    """
    masses, couplings, comments = _points(limit)
    rows = [f"{m * _EV_PER_MEV:.10e}\t{g:.10e}" for m, g in zip(masses, couplings, strict=True)]
    lines = [*(f"# {line}" for line in comments), "#", "# mass [eV]\tg_x", *rows]
    return write_text(path, "\n".join(lines) + "\n")


def _points(limit: "xr.Dataset") -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    values, masses, parameter, _ = parts_of_limit(limit)
    if parameter != "g_x":
        raise InvalidArgument(f"`limit` must be one on g_x, as the files of collections are; it is on {parameter}")
    there = np.isfinite(values)
    if not there.any():
        raise InvalidArgument("`limit` must have a limit somewhere; it has none at any mass")
    return masses[there], values[there], limit_table(limit).lines
