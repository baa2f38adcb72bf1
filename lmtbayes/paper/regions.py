"""What the regions of Figs. 5, 7, 8, 9 and 12 say: size, extent, overlap, significance, do experiments agree.

Experiments that are fitted together agree if the deviance at the common best fit exceeds the sum of the separate ones
by no more than chi^2 allows: the "parameter goodness of fit" of M. Maltoni and T. Schwetz, hep-ph/0304176.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincc, ndtri

from lmtbayes import _level_sets
from lmtbayes.errors import ResolutionWarning
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.contours import Contour, contours
from lmtbayes.inference.frequentist.limits import upper_limit
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray

LIMIT_CL = 0.90
_PARAMETERS = 2
"""Mass and coupling."""
_ENOUGH = 0.1


def significance(profile: "xarray.Dataset") -> float:
    """Standard deviations by which no boson is disfavoured: sqrt(q) where coupling over mass is smallest."""
    return float(np.sqrt(profile["q"].sel(g_x=profile["g_x"].min(), mass=profile["mass"].max())))


def reconstructs(profile: "xarray.Dataset", level: float = LEVELS[1]) -> bool:
    """Whether the region of `level` excludes that there is no boson, so that it is one and not an upper limit."""
    return significance(profile) ** 2 > threshold(level, _PARAMETERS)


def contour(profile: "xarray.Dataset", level: float) -> Contour:
    """Contour of one level. Statements judge numbers to some 25 %: a grid that settles them to 10 % is enough here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResolutionWarning)
        found = contours(profile, (level,))[level]
    if found.error > _ENOUGH:
        warnings.warn(f"{100 * level:.4g} % region of a figure: {found.status}", ResolutionWarning, stacklevel=2)
    return found


def closed(profile: "xarray.Dataset", level: float) -> bool:
    """Whether the grid's edges cut no line of the region."""
    region = contour(profile, level)
    return bool(region.lines) and all(line.closed for line in region.lines)


def masses(profile: "xarray.Dataset", level: float) -> tuple[float, float]:
    """Lowest and highest mass [MeV] of a region; an edge of the grid where it goes on beyond it."""
    lines = contour(profile, level).lines
    ends = np.concatenate([line.x for line in lines])
    return float(ends.min()), float(ends.max())


def two_sided_limit(profile: "xarray.Dataset") -> "xarray.Dataset":
    """Upper limit on g_x as the figures have it: q = 2.71, the upper end of a two-sided interval of 90 %."""
    return upper_limit(profile, "g_x", cl=LIMIT_CL, tails="two", method="asymptotic")


def limit_at(profile: "xarray.Dataset", mass: float) -> float:
    """Upper limit on g_x of 90 % at a mass [MeV] of the grid's range."""
    return float(two_sided_limit(profile)["limit"].interp(mass=mass))


def limit_bump(profile: "xarray.Dataset", below: float) -> float:
    """Upper limit at the lightest mass over the lowest one of all masses below `below` [MeV]."""
    limit = two_sided_limit(profile)["limit"]
    light = limit.sel(mass=slice(None, below))
    return float(light[0] / light.min())


def ridge(profile: "xarray.Dataset") -> tuple[np.ndarray, np.ndarray]:
    """Best coupling at each mass, and q there; between the points of the grid by a parabola in ln g_x."""
    q, x = profile["q"].transpose("mass", "g_x").values, np.log(profile["g_x"].values)
    middle = np.clip(q.argmin(axis=1), 1, x.size - 2)
    below, at, above = (np.take_along_axis(q, (middle + step)[:, None], 1)[:, 0] for step in (-1, 0, 1))
    bend, slope = above - 2.0 * at + below, 0.5 * (above - below)
    inside = (bend > 0.0) & (np.abs(slope) <= bend)
    shift = np.where(inside, -slope / np.where(inside, bend, 1.0), 0.0)
    best = np.exp(x[middle] + shift * (x[1] - x[0]))
    return np.where(inside, best, np.nan), np.where(inside, at + 0.5 * slope * shift, np.nan)


def area(profile: "xarray.Dataset", level: float = LEVELS[1], offset: float = 0.0) -> float:
    """Area of a region in square decades of mass and coupling.

    Parameters
    ----------
    profile
        On any grid.
    level
        Of the region.
    offset
        Added to q: the deviance of a model's best fit, for a region relative to a perfect one.
    """
    x, y = (np.log10(profile[name].values) for name in ("mass", "g_x"))
    q = profile["q"].transpose("g_x", "mass").values + offset
    return _level_sets.outline(x, y, q, threshold(level, _PARAMETERS)).area


def overlap(first: "xarray.Dataset", others: Sequence["xarray.Dataset"], level: float = LEVELS[1]) -> float:
    """Fraction of the region of `first` that lies in the regions of all `others`; one grid for all."""
    bound = threshold(level, _PARAMETERS)
    inside = first["q"].values < bound
    common = np.logical_and.reduce([inside, *(other["q"].values < bound for other in others)])
    cells = _cells(first)
    return float(cells[common].sum() / cells[inside].sum())


def _cells(profile: "xarray.Dataset") -> np.ndarray:
    """Area of every cell in square decades; dimensions (g_x, mass)."""
    widths = [np.gradient(np.log10(profile[name].values)) for name in ("g_x", "mass")]
    return np.outer(*widths)


@dataclass(frozen=True)
class Agreement:
    """Goodness of fit of a combination; made by `agreement`."""

    deviance: float
    """Of the common best fit, less the sum of the separate ones."""
    dof: int

    @property
    def p_value(self) -> float:
        """Of that under its asymptotic chi^2."""
        return float(gammaincc(self.dof / 2.0, max(self.deviance, 0.0) / 2.0))

    @property
    def sigma(self) -> float:
        """The two-sided Gaussian equivalent of the p-value."""
        return float(-ndtri(self.p_value / 2.0))

    def __str__(self) -> str:
        """As "Delta chi^2 = 11.7 (2 dof), p = 0.0029"."""
        return f"Δχ² = {max(self.deviance, 0.0):.1f} ({self.dof} dof), p = {self.p_value:.1g}"


def agreement(combined: "xarray.Dataset", separate: Sequence[tuple[float, int]]) -> Agreement:
    """Compare the best fit of a combination with those of its parts.

    Parameters
    ----------
    combined
        Profile of all parts together.
    separate
        Deviance at the best fit, and number of bins, of each part. One bin fixes one parameter only.
    """
    dof = sum(min(_PARAMETERS, bins) for _, bins in separate) - _PARAMETERS
    return Agreement(float(combined.attrs["deviance"]) - sum(deviance for deviance, _ in separate), dof)
