"""Toy experiments for frequentist statements: is q = -2 ln lambda chi^2 distributed at a point, how good is a fit.

Near g_x -> 0 the mixing and the mass lose their meaning and q piles up at zero: thresholds of 2.30 and 2.71 are then
too large. Toys say by how much.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.gauge.models import HiddenPhoton, check_mixing
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference import devices as local
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.toy_fits import (
    NUISANCES,
    TOYS,
    TOYS_ACCELERATED,
    Statistic,
    fit_held,
    fit_toys,
    truths,
)
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood


@dataclass(frozen=True, eq=False)
class Toys:
    """Fits of toy data drawn at one point; made by `toy_test_statistics`."""

    q: Float[np.ndarray, " toys"]
    """2 [ln L(global best fit) - ln L(truth, nuisances fitted)], >= 0."""
    deviance: Float[np.ndarray, " toys"]
    """At each toy's best fit: the distribution that a goodness of fit compares with."""
    converged: np.ndarray

    def quantile(self, cl: float) -> float:
        """Value of q that contains the truth with probability `cl`, in place of the chi^2 quantile."""
        return float(np.quantile(self.q, cl))

    def coverage(self, cl: float, dof: int) -> tuple[float, float]:
        """Part of the toys whose region of nominal level `cl` holds the truth, and its binomial error."""
        inside = float(np.mean(self.q < threshold(cl, dof)))
        return inside, float(np.sqrt(max(inside * (1.0 - inside), 1.0 / self.q.size) / self.q.size))

    def p_value(self, deviance: float) -> float:
        """Part of the toys that fit no better than an observed deviance."""
        return float(np.mean(self.deviance >= deviance))


def toy_test_statistics(
    like: JointLikelihood,
    photon: HiddenPhoton,
    size: int = 200,
    *,
    seed: int = 0,
    bounds: Mapping[str, Sequence[float]] | None = None,
    nuisances: str = "drawn",
    first: int = 0,
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
) -> Toys:
    """Draw toys at a point and fit each of them.

    The statistic of a toy is q = 2 [max over boson and nuisances of ln L - max over nuisances of ln L(truth)], whose
    distribution is that of chi^2 with as many degrees of freedom as the boson has parameters only where many events are
    expected and the parameters mean something. The `Toys.quantile` of a level is the threshold that holds at the truth,
    as in the construction of Feldman and Cousins; `feldman_cousins` makes it for a whole plane.

    Parameters
    ----------
    like
        Its experiments are simulated; its data are used for "profiled" nuisances alone.
    photon
        The truth.
    size
        Number of toys.
    seed
        Equal seeds give equal toys; a toy depends on the seed and on its own number, not on how many there are.
    bounds
        Range of each parameter in the fits, as for `profile_likelihood`.
    nuisances
        "drawn": true nuisances from their constraints, toy by toy, as a constraint's own measurement fluctuates;
        "central": always central, which makes q too small. "profiled": those that fit the likelihood's own data best at
        the truth, and the measurements behind their constraints repeated in every toy (`feldman_cousins`).
    first
        Number of the first toy: 1000 toys, and then 1000 more with `first=1000`, are the 2000 of one call.
    batch_size
        Toys at a time on each device; by default 16 on a CPU, 128 on an accelerator.
    devices
        Devices of jax over which the toys are dealt out; by default all of this machine. The numbers are those of one
        device to rounding.
    progress
        Show a bar.

    Raises
    ------
    InvalidArgument
        More than one photon, or one whose eps_x the fitted model's mixing rule does not give; a bad option or range.

    References
    ----------
    G. J. Feldman, R. D. Cousins, Phys. Rev. D 57 (1998) 3873, arXiv:physics/9711021; nuisances drawn from their
    constraints: R. D. Cousins, V. L. Highland, Nucl. Instrum. Meth. A 320 (1992) 331; profiled: NOvA, JINST 20 (2025)
    T02001, arXiv:2207.14353.
    """
    check_likelihood(like)
    check_photon(photon)
    _checks.whole("size", size)
    _checks.whole("seed", seed, 0)
    _checks.whole("first", first, 0)
    _checks.one_of("nuisances", nuisances, NUISANCES)
    if photon.shape != ():
        raise _checks.invalid("photon", photon.shape, "a single photon, of shape ()")
    check_mixing(like.model, photon)
    box = Box.of(like.model, bounds, experiments=like.experiments)
    used = local.resolve_devices(devices)
    side_by_side = local.resolve_batch_size(batch_size, used, TOYS, TOYS_ACCELERATED)
    statistic = Statistic(box.names, box.names)
    pulls = np.zeros(len(like.nuisances))
    if nuisances == "profiled":
        at_truth = jax.tree.map(lambda x: np.reshape(x, 1), photon)
        pulls = fit_held(like, statistic, box, at_truth, 1, used).pulls[0]
    key = np.asarray(jax.random.key_data(jax.random.key(seed)))
    drawn = truths(photon, pulls, np.arange(first, first + size), key)
    found = fit_toys(like, statistic, nuisances, box, drawn, side_by_side, used, "toys" if progress else None)
    return Toys(found.q, found.deviance, found.converged)


def toy_q(*arguments: Any, **options: Any) -> Toys:
    """Return `toy_test_statistics`, whose name it was until 0.3; it goes with the next release."""
    warnings.warn("toy_q is toy_test_statistics now", DeprecationWarning, stacklevel=2)
    return toy_test_statistics(*arguments, **options)
