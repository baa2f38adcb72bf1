"""The distribution of scipy.stats that is the same as one of numpyro's: quantiles to rounding, and nothing to compile.

numpyro has no quantiles of Student's t, Gamma, Beta and what is made of them, and its own cdf of them compiles for
seconds. Only numpyro's very classes have a twin here: a user's subclass may mean something else.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpyro.distributions as dist
from scipy import stats

_MAKERS: dict[type[dist.Distribution], Callable[[Any], Any]] = {
    dist.Beta: lambda d: stats.beta(d.concentration1, d.concentration0),
    dist.Cauchy: lambda d: stats.cauchy(d.loc, d.scale),
    dist.Chi2: lambda d: stats.chi2(d.df),
    dist.Exponential: lambda d: stats.expon(0.0, 1.0 / np.asarray(d.rate)),
    dist.Gamma: lambda d: stats.gamma(d.concentration, 0.0, 1.0 / np.asarray(d.rate)),
    dist.Gumbel: lambda d: stats.gumbel_r(d.loc, d.scale),
    dist.HalfCauchy: lambda d: stats.halfcauchy(0.0, d.scale),
    dist.HalfNormal: lambda d: stats.halfnorm(0.0, d.scale),
    dist.InverseGamma: lambda d: stats.invgamma(d.concentration, 0.0, d.rate),
    dist.Laplace: lambda d: stats.laplace(d.loc, d.scale),
    dist.LogNormal: lambda d: stats.lognorm(d.scale, 0.0, np.exp(d.loc)),
    dist.Logistic: lambda d: stats.logistic(d.loc, d.scale),
    dist.Normal: lambda d: stats.norm(d.loc, d.scale),
    dist.StudentT: lambda d: stats.t(d.df, d.loc, d.scale),
    dist.Weibull: lambda d: stats.weibull_min(d.concentration, 0.0, d.scale),
}
CUT = (dist.LeftTruncatedDistribution, dist.RightTruncatedDistribution, dist.TwoSidedTruncatedDistribution)
"""Distributions that are others, cut."""


@runtime_checkable
class Twin(Protocol):
    """What is asked of a distribution of scipy.stats with its parameters."""

    def cdf(self, x: Any) -> Any:
        """Probability below."""

    def sf(self, x: Any) -> Any:
        """Probability above."""

    def ppf(self, q: Any) -> Any:
        """Inverse of `cdf`."""

    def isf(self, q: Any) -> Any:
        """Inverse of `sf`."""


class Cut(NamedTuple):
    """A twin cut to a range, inside which it is normalised; each function from the side on which it is small."""

    of: Twin
    low: float
    high: float

    @property
    def _above(self) -> bool:
        """Whether the upper tail is the smaller one, so that `sf` tells probabilities apart that `cdf` does not."""
        return bool(self.of.sf(self.high) < self.of.cdf(self.low))

    @property
    def _inside(self) -> float:
        if self._above:
            return float(self.of.sf(self.low) - self.of.sf(self.high))
        return float(self.of.cdf(self.high) - self.of.cdf(self.low))

    def cdf(self, x: Any) -> Any:
        """Probability below."""
        x = np.clip(x, self.low, self.high)
        below = self.of.sf(self.low) - self.of.sf(x) if self._above else self.of.cdf(x) - self.of.cdf(self.low)
        return np.clip(below / self._inside, 0.0, 1.0)

    def sf(self, x: Any) -> Any:
        """Probability above."""
        x = np.clip(x, self.low, self.high)
        above = self.of.sf(x) - self.of.sf(self.high) if self._above else self.of.cdf(self.high) - self.of.cdf(x)
        return np.clip(above / self._inside, 0.0, 1.0)

    def ppf(self, q: Any) -> Any:
        """Inverse of `cdf`."""
        part, of = np.asarray(q) * self._inside, self.of
        found = of.isf(of.sf(self.low) - part) if self._above else of.ppf(of.cdf(self.low) + part)
        return np.clip(found, self.low, self.high)

    def isf(self, q: Any) -> Any:
        """Inverse of `sf`."""
        part, of = np.asarray(q) * self._inside, self.of
        found = of.isf(of.sf(self.high) + part) if self._above else of.ppf(of.cdf(self.high) - part)
        return np.clip(found, self.low, self.high)


def twin_of(distribution: dist.Distribution) -> Twin | None:
    """Return scipy's distribution with the same parameters; None where it has none."""
    kind = type(distribution)
    if kind in CUT:
        own: Any = distribution
        base = twin_of(own.base_dist)
        low, high = float(getattr(own, "low", -np.inf)), float(getattr(own, "high", np.inf))
        return None if base is None else Cut(base, low, high)
    make = _MAKERS.get(kind)
    return None if make is None else make(distribution)
