"""What Feldman and Cousins's construction draws at a truth, and how toys are fitted: its part that knows a likelihood.

A truth's toys follow from the likelihood, the settings and its own coordinates alone: whoever computes them, in
whichever order, gets the same.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, resolve_batch_size
from lmtbayes.inference.frequentist.about_fits import about_fits
from lmtbayes.inference.frequentist.axes import axis_of, value_of
from lmtbayes.inference.frequentist.box import Box, logarithm, photon_at
from lmtbayes.inference.frequentist.calibration import CONSTRUCTIONS, RELATIVE_TO, Calibration
from lmtbayes.inference.frequentist.profile import check_grid
from lmtbayes.inference.frequentist.toy_fits import (
    TOYS,
    TOYS_ACCELERATED,
    Conditional,
    Statistic,
    ToyFits,
    fit_held,
    fit_toys,
    truths,
)
from lmtbayes.inference.frequentist.zero_coupling import BOUNDED
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood

type Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
"""q, above and converged of one truth's toys."""


@dataclass(frozen=True)
class Construction:
    """What toys are drawn and how they are fitted, all checked; `Construction.of` makes one."""

    like: JointLikelihood
    names: tuple[str, ...]
    """Of the grid."""
    first: Float[np.ndarray, "points parameters"]
    """Coordinates (`axis_of`) of the grid's product."""
    box: Box
    statistic: Statistic
    nuisances: str
    relative_to: str
    seed: int
    batch_size: int
    devices: Devices

    @classmethod
    def of(
        cls,
        like: JointLikelihood,
        grid: Mapping[str, ArrayLike | Sequence[float]],
        nuisances: str,
        relative_to: str,
        parameter: str | None,
        bounds: Mapping[str, Sequence[float]] | None,
        seed: int,
        batch_size: int | None,
        devices: Devices,
    ) -> "Construction":
        """Check what `feldman_cousins` is given."""
        check_likelihood(like)
        checked = check_grid(like, grid)
        _checks.one_of("nuisances", nuisances, CONSTRUCTIONS)
        _checks.one_of("relative_to", relative_to, RELATIVE_TO)
        _checks.whole("seed", seed, 0)
        bounded = [name for name in BOUNDED if name in checked]
        if relative_to == "global":
            if parameter is not None:
                raise _checks.invalid("parameter", parameter, "left out: it is of relative_to='slice'")
        elif parameter is None and bounded:
            parameter = bounded[0]
        elif not bounded:
            raise _checks.invalid("relative_to", relative_to, "'global' for a grid without g_x, kappa or eps_x")
        else:
            _checks.one_of("parameter", parameter, bounded)
        box = Box.of(like.model, bounds, checked, like.experiments)
        held = tuple(name for name in box.names if name in checked)
        lines = [axis_of(name, values) for name, values in checked.items()]
        points = np.stack([x.ravel() for x in np.meshgrid(*lines, indexing="ij")], axis=-1)
        statistic = Statistic(box.names, held, parameter)
        side_by_side = resolve_batch_size(batch_size, devices, TOYS, TOYS_ACCELERATED)
        return cls(like, tuple(checked), points, box, statistic, nuisances, relative_to, seed, side_by_side, devices)

    def values(self, points: np.ndarray) -> np.ndarray:
        """Parameters at coordinates."""
        return np.column_stack([value_of(n, x) for n, x in zip(self.names, points.T, strict=True)])

    def at_truths(self, points: np.ndarray) -> Conditional:
        """Photons, and pulls, of truths: what is not on the grid fits the observed data best."""
        values = dict(zip(self.names, self.values(points).T, strict=True))
        middle = dict(zip(self.box.names, 0.5 * (self.box.low + self.box.high), strict=True))
        x = {n: logarithm(n, values[n]) if n in values else np.full(len(points), middle[n]) for n in self.box.names}
        photon = jax.vmap(lambda row: photon_at(self.like.model, dict(zip(x, row, strict=True))))(
            np.stack(list(x.values()), axis=-1)
        )
        photon = jax.tree.map(np.asarray, photon)
        if self.statistic.free or self.nuisances == "profiled":
            return fit_held(self.like, self.statistic, self.box, photon, self.batch_size, self.devices)
        pulls = np.zeros((len(points), len(self.like.nuisances)))
        return Conditional(photon, pulls, np.full(len(points), np.nan), np.ones(len(points), dtype=bool))

    def toys(
        self, point: np.ndarray, photon: HiddenPhoton, pulls: np.ndarray, numbers: np.ndarray, bar: str | None = None
    ) -> Rows:
        """Draw and fit toys of these numbers at one truth."""
        key = jax.random.fold_in(jax.random.key(self.seed), zlib.crc32(label(point).encode()))
        drawn = truths(photon, pulls, numbers, np.asarray(jax.random.key_data(key)))
        fits = fit_toys(self.like, self.statistic, self.nuisances, self.box, drawn, self.batch_size, self.devices, bar)
        return fits.q, self._above(point, fits), fits.converged

    def _above(self, point: np.ndarray, fits: ToyFits) -> np.ndarray:
        name = self.statistic.parameter
        if name is None:
            return np.zeros(len(fits.q), dtype=bool)
        best = np.abs(fits.best[:, self.statistic.names.index(name)])
        return best > np.abs(self.values(point[None])[0, self.names.index(name)])

    def calibration(
        self, points: np.ndarray, rows: Sequence[Rows], levels: Sequence[float], resolved: bool = False
    ) -> Calibration:
        """Calibration of the toys at these truths."""
        q, above, converged = (np.stack([row[i] for row in rows]) for i in range(3))
        return Calibration(
            names=self.names,
            truths=self.values(points),
            q=q,
            above=above,
            converged=converged,
            nuisances=self.nuisances,
            relative_to=self.relative_to,
            parameter=self.statistic.parameter,
            levels=tuple(levels),
            seed=self.seed,
            resolved=resolved,
            about=about_fits(self.like, self.box),
        )


def label(point: Float[np.ndarray, " parameters"]) -> str:
    """Name of a truth, by its coordinates to a millionth: its toys' seed, whichever way they were rounded."""
    return ",".join(f"{x + 0.0:.6f}" for x in point)
