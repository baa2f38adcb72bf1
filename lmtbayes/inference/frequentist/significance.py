"""Significance of a boson over none: local, where the best fit is, and global, wherever it might have been.

    q0 = 2 [max ln L over the box of bosons and nuisances - max ln L without a boson, over nuisances]

Without a boson, mass and mixing mean nothing, and q0 is distributed as nothing that a formula knows: the more of the
box is looked at, the larger it is (the look-elsewhere effect). So the global p-value is counted in toys without a
boson, each fitted over the whole box. At one mass and mixing alone, with many events, half of all data prefer no boson
and q0 is half a chi^2 of one degree of freedom: the local p-value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import betaincinv, ndtr, ndtri

from lmtbayes import _checks
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import resolve_batch_size, resolve_devices
from lmtbayes.inference.frequentist.best_fit import BestFit, best_fit
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.one_sided import TIE
from lmtbayes.inference.frequentist.toy_fits import (
    NUISANCES,
    TOYS,
    TOYS_ACCELERATED,
    Statistic,
    ToyFits,
    fit_held,
    fit_toys,
    truths,
)
from lmtbayes.inference.frequentist.zero_coupling import LOG_ZERO
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood

LOCAL = ("asymptotic", "toys")
_ONE_SIGMA = 0.6827
_UPPER = 0.95
"""Level of the upper bound that stands for a p-value where no toy is so extreme."""


@dataclass(frozen=True)
class PValue:
    """Part of the toys that are as extreme as the data, or more."""

    extreme: int
    size: int

    @property
    def value(self) -> float:
        """The part."""
        return self.extreme / self.size

    @property
    def is_bound(self) -> bool:
        """Whether no toy is so extreme, so that nothing but an upper bound is known."""
        return self.extreme == 0

    def interval(self, cl: float = _ONE_SIGMA) -> tuple[float, float]:
        """Clopper and Pearson's central interval: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934) 404."""
        k, n, tail = self.extreme, self.size, 0.5 * (1.0 - cl)
        low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
        return low, float(betaincinv(k + 1, n - k, 1.0 - tail)) if k < n else 1.0

    @property
    def upper_bound(self) -> float:
        """Upper bound at 95 %: 3/size where no toy is so extreme."""
        return self.interval(2.0 * _UPPER - 1.0)[1]

    @property
    def sigma(self) -> float:
        """One-sided standard deviations; of the upper bound, a lower one, where `is_bound`."""
        return sigma_of(self.upper_bound if self.is_bound else self.value)

    def __str__(self) -> str:
        """The part, its interval, and standard deviations."""
        counted = f"{self.extreme} of {self.size} toys"
        if self.is_bound:
            return f"p < {self.upper_bound:.3g} at 95 % ({counted}), above {self.sigma:.2f} sigma"
        low, high = self.interval()
        sigmas = f"{self.sigma:.2f} sigma ({sigma_of(high):.2f} to {sigma_of(low):.2f})" if self.value < 1.0 else "none"
        return f"p = {self.value:.3g} ({low:.3g} to {high:.3g}, {counted}), {sigmas}"


@dataclass(frozen=True, eq=False)
class Significance:
    """How much better a boson fits than none, and how often that happens without one; made by `significance`."""

    q0: float
    """2 [ln L(best fit) - ln L(no boson)], >= 0; infinite where the data are impossible without a boson."""
    fit: BestFit
    toys: Float[np.ndarray, " toys"]
    """q0 of toys without a boson, fitted over the whole box."""
    local_toys: Float[np.ndarray, " toys"] | None
    """The same at the mass and mixing of the best fit alone, of the same toys; None where they were not asked for."""
    nuisances: str
    ranges: str
    """Where a boson was looked for."""
    seed: int
    converged: float
    """Part of the toys' fits that ended at a maximum. Others may end where ln L is flat, as in the mass of no boson."""

    @property
    def local_p_value(self) -> float:
        """Half the probability of chi^2 (1) above q0, Phi(-sqrt(q0)): asymptotic; 1 where no boson is as good."""
        return float(ndtr(-np.sqrt(self.q0))) if self.q0 > TIE else 1.0

    @property
    def local_sigma(self) -> float:
        """Square root of q0: asymptotic."""
        return float(np.sqrt(self.q0))

    @property
    def local(self) -> PValue | None:
        """Local p-value by toys, where they were asked for."""
        return None if self.local_toys is None else self._counted(self.local_toys)

    @property
    def global_p_value(self) -> PValue:
        """Part of the toys without a boson that a boson somewhere in the box fits as much better, or more."""
        return self._counted(self.toys)

    @property
    def trials_factor(self) -> float:
        """Global over local p-value, by toys where both are, else with the asymptotic local one.

        NaN where no toy is so extreme: neither p-value is then more than a bound.
        """
        local = self.local_p_value if self.local is None else self.local.value
        known = local > 0.0 and not self.global_p_value.is_bound
        return self.global_p_value.value / local if known else float("nan")

    def _counted(self, toys: np.ndarray) -> PValue:
        return PValue(int(np.count_nonzero(toys >= self.q0 - TIE)), toys.size)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and words, for JSON; None where a number is not finite."""
        p = self.global_p_value
        found = {
            "q0": self.q0,
            "g_x": self.fit.g_x,
            "mass": self.fit.mass,
            "eps_x": self.fit.eps_x,
            "local_p_value": self.local_p_value,
            "local_sigma": self.local_sigma,
            "local_is": "asymptotic: half of chi^2 (1) at the best mass and mixing",
            "global_p_value": None if p.is_bound else p.value,
            "global_p_value_interval": list(p.interval()),
            "global_p_value_upper_bound": p.upper_bound,
            "global_sigma": p.sigma,
            "global_sigma_is_lower_bound": p.is_bound,
            "extreme_toys": p.extreme,
            "toys": p.size,
            "converged": self.converged,
            "nuisances": self.nuisances,
            "ranges": self.ranges,
            "seed": self.seed,
        }
        if self.local is not None:
            found |= {"local_extreme_toys": self.local.extreme, "local_p_value_by_toys": self.local.value}
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in found.items()
        }

    def __str__(self) -> str:
        """Readable summary."""
        at = f"g_x = {self.fit.g_x:.4g}, M_A' = {self.fit.mass:.4g} MeV, eps_x = {self.fit.eps_x:.4g}"
        lines = [f"boson over none: q0 = {self.q0:.3f} at {at}"]
        if self.q0 <= TIE:
            lines.append("  no boson fits better than none")
        lines.append(f"  local, asymptotic: p = {self.local_p_value:.3g}, {self.local_sigma:.2f} sigma")
        if self.local is not None:
            lines.append(f"  local, by toys: {self.local}")
        lines.append(f"  global, by toys: {self.global_p_value}")
        lines.append(f"  looked for in {self.ranges}; nuisances of toys {self.nuisances}")
        if self.converged < 1.0:
            flat = f"{100.0 * (1.0 - self.converged):.3g} % of the toys' fits"
            lines.append(f"  {flat} ended where ln L is flat (no coupling, no mass), or did not converge")
        return "\n".join(lines)


def significance(
    like: JointLikelihood,
    size: int = 1000,
    *,
    seed: int = 0,
    bounds: Mapping[str, Sequence[float]] | None = None,
    nuisances: str = "profiled",
    local: str = "asymptotic",
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
) -> Significance:
    """Compare the best boson of a box with none, and both with toys that have none.

    Parameters
    ----------
    like
        The likelihood and its data.
    size
        Number of toys: 1000 tell 3 sigma from less, 5 sigma would take 1e8.
    seed
        Equal seeds give equal toys: those without a boson of `cls_limit`.
    bounds
        Range of each parameter, as for `best_fit`: where a boson is looked for, in the data and in every toy. What is
        called global refers to it.
    nuisances
        What the true nuisances of toys are: as of `cls_limit`.
    local
        "toys": the local p-value by toys too, at the mass and mixing of the best fit, for as much time again.
    batch_size
        Toys at a time on each device; by default 16 on a CPU, 128 on an accelerator.
    devices
        Devices of jax over which toys are dealt out; by default all of this machine.
    progress
        Show a bar.

    Raises
    ------
    InvalidArgument
        A bad range or option.

    References
    ----------
    q0: G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727, Eq. 12, its local distribution Sec. 3.5; the
    look-elsewhere effect: E. Gross, O. Vitells, Eur. Phys. J. C 70 (2010) 525, arXiv:1005.1891.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> found = lmt.significance(like, 100)
    >>> print(f"{found.local_sigma:.1f}")
    4.2
    """
    check_likelihood(like)
    _checks.whole("size", size)
    _checks.whole("seed", seed, 0)
    _checks.one_of("nuisances", nuisances, NUISANCES)
    _checks.one_of("local", local, LOCAL)
    box = Box.of(like.model, bounds, experiments=like.experiments)
    used = resolve_devices(devices)
    side_by_side = resolve_batch_size(batch_size, used, TOYS, TOYS_ACCELERATED)
    fit = best_fit(like, box=box)
    everywhere = Statistic(box.names, box.names)
    none = jax.tree.map(np.asarray, HiddenPhoton.none())
    held = fit_held(like, everywhere, box, jax.tree.map(lambda x: x[None], none), 1, used)
    q0 = max(2.0 * (fit.log_likelihood - float(held.log_likelihood[0])), 0.0)
    key = np.asarray(jax.random.key_data(jax.random.key(seed)))

    def toys(statistic: Statistic, tested: HiddenPhoton, words: str) -> ToyFits:
        drawn = truths(none, held.pulls[0], np.arange(size), key, tested)
        return fit_toys(like, statistic, nuisances, box, drawn, side_by_side, used, words if progress else None)

    found = [toys(everywhere, none, "toys, whole box")]
    if local == "toys":
        there = Statistic(box.names, box.names, "g_x")
        tiny = np.exp(LOG_ZERO)
        point = HiddenPhoton.unchecked(*(np.asarray(x) for x in (tiny, fit.mass, fit.eps_x / fit.g_x * tiny)))
        found.append(toys(there, point, "toys, best mass and mixing"))
    return Significance(
        q0=q0,
        fit=fit,
        toys=found[0].q,
        local_toys=found[1].q if local == "toys" else None,
        nuisances=nuisances,
        ranges=box.describe(),
        seed=seed,
        converged=float(np.mean([one.converged for one in found])),
    )


def sigma_of(p_value: float) -> float:
    """One-sided standard deviations of a p-value: 1.64 of 0.05, negative above 0.5."""
    return -float(ndtri(p_value))
