"""Contours of a two-dimensional profile likelihood, with their degrees of freedom, closed or open; CSV export.

A contour of confidence level CL is where q = -2 ln lambda reaches the chi^2 quantile of CL: 2.30 and 6.18 for 68.27 %
and 95.45 % with two degrees of freedom. q is relative to the global best fit, so that a contour does not depend on the
range of the grid; where the grid cuts it, it is said to be open. How far extents and area would move on a grid of half
as many lines is an upper estimate of their error; where it is above 2 %, the contour is said to be not resolved.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks, _level_sets
from lmtbayes._files import write_text
from lmtbayes._level_sets import TOLERANCE
from lmtbayes.errors import InvalidArgument, ResolutionWarning
from lmtbayes.inference.frequentist.axes import axis_of, threshold, value_of
from lmtbayes.inference.frequentist.calibration import Calibration, check_calibration, warn_if_unresolved
from lmtbayes.inference.frequentist.few_events import few_events, fewest_events, warn_of_few_on_contours
from lmtbayes.inference.frequentist.given_profile import check_levels, check_profile, provenance
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, eq=False)
class Line:
    """One connected piece of a contour."""

    x: Float[np.ndarray, " points"]
    y: Float[np.ndarray, " points"]
    closed: bool
    sides: tuple[str, ...]
    """Edges of the grid at which an open line ends, such as "mass lower"; empty for a closed one."""


@dataclass(frozen=True, eq=False)
class Contour:
    """All lines of one confidence level."""

    level: float
    q: float
    lines: tuple[Line, ...]
    allowed: float
    """Fraction of the grid's points inside."""
    area: float
    """Of the region inside, in units of ln x times ln y."""
    error: float
    """Estimated relative error of area and extents: what half of the grid's lines would change, 1 if it is unknown."""
    q_range: tuple[float, float] | None = None
    """Of a calibrated one: lowest and highest critical value along its lines, `q` being their mean."""
    monte_carlo: float = 0.0
    """Of a calibrated one: relative change of the area by one Monte Carlo error of the critical values."""
    events: float = math.inf
    """Fewest expected events along the lines (`counting`), infinite where the profile does not know."""

    @property
    def resolved(self) -> bool:
        """Whether extents and area are good to 2 %."""
        return self.error < TOLERANCE

    @property
    def closed(self) -> bool:
        """Whether there are lines, the grid resolves them, and cuts none of them."""
        return self.resolved and bool(self.lines) and all(line.closed for line in self.lines)

    @property
    def status(self) -> str:
        """In words."""
        if not self.resolved:
            off = "unknown" if self.error >= 1.0 else f"uncertain by {100.0 * self.error:.2g} %"
            sides = self._cut()
            return f"not resolved by the grid: extents and area are {off}" + (f"; {sides}" if sides else "")
        if not self.lines:
            return "nothing on the grid is excluded" if self.allowed > 0.5 else "nothing on the grid is allowed"
        if self.closed:
            return "closed" + (f", {len(self.lines)} lines" if len(self.lines) > 1 else "")
        return self._cut()

    @property
    def threshold(self) -> str:
        """What q is on it, in words."""
        if self.q_range is None:
            return f"q = {self.q:.3f}"
        low, high = self.q_range
        return f"q = {low:.3g} to {high:.3g}, area +- {100.0 * self.monte_carlo:.2g} % by Monte Carlo"

    def _cut(self) -> str:
        sides = sorted({side for line in self.lines for side in line.sides})
        return f"open at the grid's {' and '.join(sides)} edge" if sides else ""


@dataclass(frozen=True, eq=False)
class Contours:
    """Contours of a profile; made by `contours`."""

    names: tuple[str, str]
    """Parameters of x and y."""
    units: tuple[str, str]
    dof: int
    levels: tuple[Contour, ...]
    provenance: tuple[str, ...]
    calibration: str = ""
    """By what critical values were calibrated, in words; `dof` is then not used. Empty for those of chi^2."""

    def __getitem__(self, level: float) -> Contour:
        for contour in self.levels:
            if math.isclose(contour.level, level):
                return contour
        raise _checks.unknown("confidence level", f"{level:g}", [f"{c.level:g}" for c in self.levels])

    def __str__(self) -> str:
        """Say for every level what it is."""
        by = self.calibration or f"{self.dof} degrees of freedom"
        lines = [f"contours in ({self.names[0]}, {self.names[1]}), {by}"]
        lines += [f"  {100 * c.level:.4g} % ({c.threshold}): {c.status}{few_events(c.events)}" for c in self.levels]
        return "\n".join(lines)

    def to_csv(self, path: str | Path) -> Path:
        """Write every point, in order along its line, below a header with the provenance.

        Columns: level, line (counted within a level), closed (1 or 0), and the two parameters. The file is written
        under another name and renamed: it is whole or not there. `lmtbayes.tables.read_csv` reads it.
        """
        rows = [
            f"{contour.level:.10g},{number},{int(line.closed)},{x:.10g},{y:.10g}"
            for contour in self.levels
            for number, line in enumerate(contour.lines)
            for x, y in zip(line.x, line.y, strict=True)
        ]
        header = [f"# {line}" for line in (*self.provenance, *str(self).splitlines())]
        header.append(f"# units: {self.names[0]} [{self.units[0]}], {self.names[1]} [{self.units[1]}]")
        lines = [*header, f"level,line,closed,{self.names[0]},{self.names[1]}", *rows]
        return write_text(path, "\n".join(lines) + "\n")


def contours(
    profile: "xarray.Dataset",
    levels: Sequence[float] = LEVELS,
    *,
    dof: int = 2,
    x: str | None = None,
    calibration: Calibration | None = None,
) -> Contours:
    """Contours of q of a two-dimensional profile.

    Lines are smooth between those of the grid (`_level_sets`), on logarithmic axes. A contour that the grid does not
    resolve is none to rely on: a ResolutionWarning says by how much, and so do its `error` and `status`.

    Parameters
    ----------
    profile
        Of `profile_likelihood`, two parameters.
    levels
        Confidence levels.
    dof
        Degrees of freedom that turn a level into a threshold of q: 2 (2.30, 6.18) for a region of both parameters
        together, 1 (1.00, 4.00) where each line is read as an interval of one of them.
    x
        The parameter of x; by default the mass, or the grid's second parameter.
    calibration
        Of `feldman_cousins` over the same plane: a contour is where q reaches the critical value of that point, and
        `dof` is not used. Without one, thresholds are those of chi^2.

    Raises
    ------
    InvalidArgument
        A profile that is not two-dimensional (for one dimension: `intervals`), levels outside (0, 1); a calibration of
        another statistic, or one that does not reach as far as the profile.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events are expected somewhere on a line: the level is that of many.
    ResolutionWarning
        The grid's lines are too few for a level.

    References
    ----------
    S. S. Wilks, Ann. Math. Stat. 9 (1938) 60; G. Cowan et al., arXiv:1007.1727, Eq. 8; calibrated: G. J. Feldman, R. D.
    Cousins, Phys. Rev. D 57 (1998) 3873.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> grid = {"mass": [5.0, 10.0, 20.0, 40.0], "g_x": [1e-4, 3e-4, 5e-4, 1e-3]}
    >>> print(lmt.contours(lmt.profile_likelihood(like, grid, refine=True), (0.6827,)))
    contours in (mass, g_x), 2 degrees of freedom
      68.27 % (q = 2.296): open at the grid's mass lower and mass upper edge
    """
    check_profile(profile)
    dims = tuple(str(d) for d in profile["q"].dims)
    if len(dims) != 2 or min(profile["q"].shape) < 2:
        raise InvalidArgument(
            f"`profile` must have two parameters of two values or more; it has {dict(profile['q'].sizes)} "
            "(intervals() takes one parameter)"
        )
    _checks.one_of("dof", dof, (1, 2))
    levels = check_levels("levels", levels)
    if x is None:
        x = "mass" if "mass" in dims else dims[1]
    _checks.one_of("x", x, dims)
    y = dims[1 - dims.index(x)]
    q = profile["q"].transpose(y, x).values
    ends = {name: axis_of(name, profile[name].values) for name in (x, y)}
    seen = _holds_best_fit(profile, ends)
    if calibration is None:
        found = tuple(_contour(level, threshold(level, dof), q, ends, seen) for level in levels)
        found = tuple(replace(c, events=fewest_events(profile, q < c.q, (y, x))) for c in found)
        warn_of_few_on_contours([(c.level, c.q, c.events) for c in found])
    else:
        check_calibration(calibration, profile, "global", None)
        warn_if_unresolved(calibration, "contours")
        found = tuple(_calibrated(level, calibration, q, ends, seen) for level in levels)
    coarse = [c for c in found if not c.resolved]
    if coarse:
        which = " and ".join(f"{100 * c.level:.4g} %" for c in coarse)
        warnings.warn(
            f"contours of {which} are not resolved by a grid of {q.shape[1]} x {q.shape[0]} lines: extents or area may "
            f"be off by {100 * max(c.error for c in coarse):.2g} %; profile_likelihood(..., refine=True) adds lines "
            "where they are needed",
            ResolutionWarning,
            stacklevel=2,
        )
    units = tuple(str(profile[name].attrs.get("units", "1")) for name in (x, y))
    by = calibration.summary if calibration is not None else ""
    return Contours((x, y), (units[0], units[1]), dof, found, provenance(profile), by)


def _contour(level: float, bound: float, q: np.ndarray, ends: dict[str, np.ndarray], seen: bool) -> Contour:
    """Outline one level; `seen` tells whether its region cannot be empty, since the best fit lies on the grid."""
    x, y = ends
    outline = _level_sets.outline(ends[x], ends[y], q, bound)
    error = float(_level_sets.movement(ends[x], ends[y], q, bound).max())
    if seen and outline.area == 0.0:
        error = 1.0
    lines = tuple(_line(points, x, y, ends) for points in outline.lines)
    return Contour(level, bound, lines, float(np.mean(q < bound)), outline.area, error)


def _calibrated(
    level: float, calibration: Calibration, q: np.ndarray, ends: dict[str, np.ndarray], seen: bool
) -> Contour:
    """Outline where q reaches its critical values: where q times chi^2's over the critical one reaches chi^2's."""
    x, y = ends
    usual = threshold(level, 2)
    critical = calibration.at(level, {x: value_of(x, ends[x])[None, :], y: value_of(y, ends[y])[:, None]})
    found = _contour(level, usual, q * usual / critical.value, ends, seen)
    less, more = (_level_sets.outline(ends[x], ends[y], q * usual / c, usual).area for c in critical[1:])
    along = [calibration.at(level, {x: line.x, y: line.y}).value for line in found.lines]
    values = np.concatenate(along) if along else critical.value
    return replace(
        found,
        q=float(np.mean(values)),
        q_range=(float(np.min(values)), float(np.max(values))),
        monte_carlo=0.5 * (more - less) / found.area if found.area > 0.0 else math.inf,
    )


def _holds_best_fit(profile: "xarray.Dataset", ends: dict[str, np.ndarray]) -> bool:
    """Whether the best fit lies between the edges of the grid."""
    if any(f"best_{name}" not in profile.attrs for name in ends):
        return False
    at = {name: axis_of(name, np.atleast_1d(profile.attrs[f"best_{name}"]))[0] for name in ends}
    return all(lines[0] <= at[name] <= lines[-1] for name, lines in ends.items())


def _line(points: np.ndarray, x: str, y: str, ends: dict[str, np.ndarray]) -> Line:
    closed = len(points) > 2 and bool(np.array_equal(points[0], points[-1]))
    sides = []
    if not closed:
        names = [(name, {0: "lower", -1: "upper"}) for name in (x, y)]
        for point in (points[0], points[-1]):
            found = _level_sets.sides(point, ends[x], ends[y])
            sides += [f"{names[axis][0]} {names[axis][1][end]}" for axis, end in found]
    return Line(value_of(x, points[:, 0]), value_of(y, points[:, 1]), closed, tuple(dict.fromkeys(sides)))
