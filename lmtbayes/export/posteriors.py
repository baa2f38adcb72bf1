"""A posterior as tables: intervals, marginal densities, and the density in the plane of mass and coupling."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks
from lmtbayes._version import __version__
from lmtbayes.export.tables import Column, Table, title_of
from lmtbayes.parameters import ALL, LEVELS

if TYPE_CHECKING:
    import xarray as xr

BINS = 60
"""Of the marginal densities of draws."""
CELLS = 40
"""A side, of the density in a plane."""


def posterior_tables(posterior: "xr.DataTree") -> list[Table]:
    """Intervals of every parameter, marginal densities, and the density in the plane of mass and coupling.

    Densities are histograms of the draws. The credible level of a bin is the probability of all bins that are as dense
    or denser: bins with a level up to 0.68 are the smallest region that holds 68 %.

    Parameters
    ----------
    posterior
        Of `sample_posterior`.

    Raises
    ------
    InvalidArgument
        No posterior.
    """
    draws = draws_of(posterior)
    attrs = posterior.attrs
    lines = [
        f"lmtbayes {attrs.get('lmtbayes', __version__)}: posterior of {attrs.get('experiments', '?')}",
        f"{attrs.get('prior', '')}",
    ]
    intervals, names = intervals_of(posterior), list(draws)
    columns = [Column("parameter", np.array(names), "parameter", measured=False)]
    columns += [Column(key, np.array([intervals[n][key] for n in names]), key) for key in intervals[names[0]]]
    found = [Table("intervals", "Credible intervals", (*lines, "medians, equal-tailed intervals"), tuple(columns))]
    logs = [name for name in names if name.startswith("log10_")]
    for name in logs:
        weight, edges = np.histogram(draws[name], BINS)
        edges_of = np.stack([edges[:-1], edges[1:]], axis=1)
        density = weight / weight.sum() / np.diff(edges)
        columns = [
            Column(name, edges_of, title_of(name), measured=False),
            Column("density", density, f"posterior density in {title_of(name)}"),
            Column("credible_level", _levels(weight), "smallest credible level that has the bin"),
        ]
        found.append(Table(f"marginal_{name}", f"Marginal posterior of {name}", tuple(lines), tuple(columns)))
    if {"log10_mass", "log10_g_x"} <= set(logs):
        found.append(_plane(draws, lines))
    return found


def draws_of(posterior: "xr.DataTree") -> dict[str, np.ndarray]:
    """Draws of every parameter in one row, those of the boson first."""
    import xarray

    if not isinstance(posterior, xarray.DataTree) or "posterior" not in posterior.children:
        raise _checks.invalid("posterior", type(posterior).__name__, "a DataTree of sample_posterior")
    variables = posterior["posterior"].to_dataset()
    order = [name for name in ALL if name in variables]
    order += [str(name) for name in variables.data_vars if name not in order]
    return {name: variables[name].values.ravel() for name in order if variables[name].dims == ("chain", "draw")}


def intervals_of(posterior: "xr.DataTree", levels: Sequence[float] = LEVELS) -> dict[str, dict[str, float]]:
    """Median and ends of equal-tailed intervals of every parameter."""
    found = {}
    for name, values in draws_of(posterior).items():
        own = {"median": float(np.median(values))}
        for level in levels:
            low, high = np.quantile(values, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
            own |= {f"low_{100 * level:.0f}": float(low), f"high_{100 * level:.0f}": float(high)}
        found[name] = own
    return found


def _plane(draws: Mapping[str, np.ndarray], lines: Sequence[str]) -> Table:
    weight, *edges = np.histogram2d(draws["log10_mass"], draws["log10_g_x"], CELLS)
    ends = [np.stack([e[:-1], e[1:]], axis=1) for e in edges]
    rows = [np.repeat(ends[0], CELLS, axis=0), np.tile(ends[1], (CELLS, 1))]
    area = np.outer(*(np.diff(e) for e in edges))
    density = weight / weight.sum() / area
    columns = (
        Column("log10_mass", rows[0], title_of("log10_mass"), measured=False),
        Column("log10_g_x", rows[1], title_of("log10_g_x"), measured=False),
        Column("density", density.ravel(), "posterior density per decade of mass and of coupling"),
        Column("credible_level", _levels(weight.ravel()), "smallest credible level that has the cell"),
    )
    return Table("posterior_plane", "Posterior in mass and coupling", tuple(lines), columns)


def _levels(weight: np.ndarray) -> np.ndarray:
    """Probability of all bins of equal size that are as dense as each, or denser."""
    order = np.argsort(-weight, kind="stable")
    summed = np.cumsum(weight[order]) / weight.sum()
    ordered = weight[order]
    last = np.searchsorted(-ordered, -ordered, side="right") - 1  # bins of one weight have one level
    found = np.empty(weight.size)
    found[order] = summed[last]
    return found
