"""Feldman and Cousins's construction for a plane: critical values of q by toys, at truths that are added where needed.

At a truth, the critical value of a level is the q that so many of the toys drawn there do not exceed; the region of a
level is where the observed q does not. Truths begin as a coarse grid and are added half way between neighbours whose
critical values differ by more than their Monte Carlo errors.

**Nuisances.** "profiled": toys are drawn at the nuisances (and a mixing or mass that is not on the grid) that fit the
observed data best at that truth, and what constrains each nuisance is measured anew in each toy: NOvA's profile
construction. "drawn": true nuisances are drawn from their constraints for each toy, after Cousins and Highland. With
either, q of a toy is the profile's: nuisances and all that is not on the grid are fitted again.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import ArrayLike, Int

from lmtbayes import _checks
from lmtbayes._files import write_netcdf
from lmtbayes.errors import CheckpointError, InvalidArgument
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.calibration import Calibration, coordinates, read_calibration
from lmtbayes.inference.frequentist.construction import Construction, Rows, label
from lmtbayes.inference.frequentist.given_profile import check_levels
from lmtbayes.inference.frequentist.order_statistics import ranks
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.parameters import LEVELS

TOLERANCE = 0.1
"""Of the chi^2 quantile, by which critical values of neighbours may differ."""
_SIGMAS = 2.0
"""Monte Carlo errors by which critical values of neighbours may differ."""


def feldman_cousins(
    like: JointLikelihood,
    grid: Mapping[str, ArrayLike | Sequence[float]],
    size: int = 1000,
    *,
    levels: Sequence[float] = LEVELS,
    nuisances: str = "profiled",
    relative_to: str = "global",
    parameter: str | None = None,
    bounds: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    rounds: int = 3,
    most: int = 200,
    checkpoint: str | Path | None = None,
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
) -> Calibration:
    """Calibrate q over a line or a plane by toys, after Feldman and Cousins.

    Parameters
    ----------
    like
        The likelihood and its data; these decide where nuisances are "profiled".
    grid
        As of `profile_likelihood`: one or two parameters with increasing values, whose product are the first truths. It
        must reach as far as the profile that it is for; a few values of each are enough.
    size
        Toys at each truth.
    levels
        Confidence levels for which truths are added; the calibration has critical values of all others too.
    nuisances
        "profiled" (profile construction) or "drawn" (Cousins and Highland); a constraint that is no normal
        distribution of its pull (truncated, a sum of several) is drawn in both. A mixing or a mass that is not on the
        grid has no constraint: its best value at that truth for the observed data, in both.
    relative_to
        "global": q relative to the best fit in the whole box, as of `contours`. "slice": to the best value of
        `parameter`, zero included, the other one held: as of `intervals` and `upper_limit` at each mass.
    parameter
        Of the slices: "g_x" where it is on the grid, else the grid's mixing.
    bounds
        As of `profile_likelihood`, and the same.
    seed
        Equal seeds give equal toys; those of a truth depend on nothing but seed and truth.
    tolerance
        Part of the chi^2 quantile by which critical values of neighbours may differ, beside twice their errors.
    rounds
        How often truths are added half way between neighbours; 0 for none.
    most
        Truths at most, of which neighbours that differ most get theirs first.
    checkpoint
        A file to which the calibration is written after every truth; the same call goes on from there.
    batch_size
        Toys at a time on each device; by default 16 on a CPU, 128 on an accelerator.
    devices
        Devices of jax over which toys are dealt out; by default all of this machine.
    progress
        Show a bar for every truth.

    Returns
    -------
    calibration
        For `contours(profile, calibration=...)`, `intervals` and `upper_limit`.

    Raises
    ------
    InvalidArgument
        The errors of `profile_likelihood`; too few toys for a level; a bad option; a checkpoint in no folder.
    CheckpointError
        The checkpoint belongs to another run.

    References
    ----------
    G. J. Feldman, R. D. Cousins, Phys. Rev. D 57 (1998) 3873, arXiv:physics/9711021; profile construction: NOvA, JINST
    20 (2025) T02001, arXiv:2207.14353; drawn: R. D. Cousins, V. L. Highland, Nucl. Instrum. Meth. A 320 (1992) 331.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> line = {"mass": [20.0], "g_x": [1e-4, 1e-3]}
    >>> found = lmt.feldman_cousins(like, line, 200, levels=(0.9,), relative_to="slice", rounds=0)
    >>> found.toys, found.critical(0.9).value.shape
    (200, (2,))
    """
    found = Construction.of(
        like, grid, nuisances, relative_to, parameter, bounds, seed, batch_size, resolve_devices(devices)
    )
    levels = check_levels("levels", levels)
    _checks.whole("size", size)
    for level in levels:
        ranks(level, size)
    _checks.positive("tolerance", tolerance)
    _checks.whole("rounds", rounds, 0)
    _checks.whole("most", most)
    kept = Kept(found, size, levels, checkpoint)
    points = found.first
    kept.fill(points, progress)
    for round_number in range(rounds + 1):
        unlike = apart(found.calibration(points, kept.rows(points), levels), tolerance)
        if not len(unlike) or round_number == rounds or len(points) >= most:
            break
        between = {label(point): point for point in points[unlike].mean(axis=1)}  # two cells have one side
        points = np.concatenate([points, list(between.values())[: most - len(points)]])
        kept.fill(points, progress)
    result = found.calibration(points, kept.rows(points), levels, resolved=not len(unlike))
    kept.save(result)
    return result


def apart(found: Calibration, tolerance: float = TOLERANCE) -> Int[np.ndarray, "pairs 2"]:
    """Neighbouring truths whose critical values differ by more than they may, those that differ most first."""
    edges = found.mesh.edges()
    excess = np.zeros(len(edges))
    for level in found.levels:
        c = found.critical(level)
        change = np.abs(np.diff(c.value[edges], axis=1))[:, 0]
        noise = _SIGMAS * np.hypot(*c.error[edges].T)
        excess = np.maximum(excess, change / np.maximum(noise, tolerance * threshold(level, found.dof)))
    order = np.argsort(-excess, kind="stable")
    return edges[order[excess[order] > 1.0]]


class Kept:
    """The toys that are done, by truth, and the file that keeps them."""

    def __init__(self, found: Construction, size: int, levels: Sequence[float], path: str | Path | None):
        self._found, self._size, self._levels = found, size, tuple(levels)
        self._done: dict[str, Rows] = {}
        self._order: list[np.ndarray] = []
        self._path = None if path is None else _checked_path(path)
        if self._path is not None:
            self._identity = fingerprint(
                found.like, found.names, found.box.limits, dataclasses.astuple(found.statistic), found.nuisances,
                found.seed, size,
            )  # fmt: skip
            if self._path.exists():
                self._load(self._path)

    def fill(self, points: np.ndarray, progress: bool) -> None:
        """Compute the toys of the truths that are not there yet."""
        wanted = np.array([point for point in points if label(point) not in self._done])
        if not len(wanted):
            return
        start = self._found.at_truths(wanted)
        numbers = np.arange(self._size)
        for i, point in enumerate(wanted):
            photon: Any = jax.tree.map(lambda x, i=i: x[i], start.photon)
            bar = f"truth {len(self._done) + 1}" if progress else None
            self._done[label(point)] = self._found.toys(point, photon, start.pulls[i], numbers, bar)
            self._order.append(point)
            if self._path is not None:
                done = np.array(self._order)
                self.save(self._found.calibration(done, self.rows(done), self._levels))

    def rows(self, points: np.ndarray) -> list[Rows]:
        """Toys of truths that are done."""
        return [self._done[label(point)] for point in points]

    def save(self, calibration: Calibration) -> None:
        """Write a calibration to the file, if there is one."""
        if self._path is not None:
            write_netcdf(self._path, calibration.to_xarray().assign_attrs(identity=self._identity))

    def _load(self, path: Path) -> None:
        try:
            dataset = read_calibration(path)
            done = Calibration.from_xarray(dataset)
        except InvalidArgument as error:
            raise CheckpointError(f"`checkpoint` {path} is no checkpoint of feldman_cousins ({error})") from None
        if dataset.attrs.get("identity") != self._identity:
            raise CheckpointError(
                f"`checkpoint` {path} belongs to another run (data, experiments, ranges, statistic, nuisances, seed or "
                "size are not the same); name another file, delete it, or repeat the call it was made with"
            )
        for point, *row in zip(coordinates(done.names, done.truths), done.q, done.above, done.converged, strict=True):
            self._done[label(point)] = (row[0], row[1], row[2])
            self._order.append(point)


def _checked_path(checkpoint: str | Path) -> Path:
    if not isinstance(checkpoint, str | os.PathLike) or not str(checkpoint):
        raise _checks.invalid("checkpoint", checkpoint, "the path of a file, or None")
    path = Path(checkpoint).expanduser()
    if path.is_dir() or not path.parent.is_dir():
        raise _checks.invalid("checkpoint", str(checkpoint), "a file in a folder that exists")
    return path
