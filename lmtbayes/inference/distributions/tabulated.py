"""A distribution given by a table of its quantiles, and the mixtures that are made into one.

The table is in logits, x at z = ln t/(1 - t), joined by monotone cubics, and the distribution *is* what the table says:
its density follows from the derivative of the cubic. So an integral over quantiles t of exp(f(x)) p(x)/w(x) is exact
for whatever mixture w was meant; how well the table follows it decides about nothing but the number of nodes.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from interpax import interp1d
from jaxtyping import Array, ArrayLike, Float
from scipy import special
from scipy.optimize import elementwise

from lmtbayes.inference.distributions.scipy_twins import Twin, twin_of

_REACH = 33.0
"""Largest logit of the table: a quantile of 5e-15."""
_KNOTS = 4097
_BISECTIONS = 60


class Tabulated(dist.Distribution):
    """A continuous distribution of one variable by its quantiles.

    Parameters
    ----------
    logits
        Of the quantiles, evenly spaced, (knots,).
    points
        The quantiles, increasing, (knots,).
    slopes
        Their derivatives in the logits, positive, (knots,).
    """

    arg_constraints: ClassVar[dict[str, Any]] = {}
    pytree_data_fields = ("logits", "points", "slopes")

    def __init__(
        self,
        logits: Float[ArrayLike, " knots"],
        points: Float[ArrayLike, " knots"],
        slopes: Float[ArrayLike, " knots"],
    ):
        self.logits: Any = logits
        self.points: Any = points
        self.slopes: Any = slopes
        super().__init__()

    @property
    def support(self) -> dist.constraints.Constraint:
        """From the first to the last point of the table."""
        return dist.constraints.interval(self.points[0], self.points[-1])

    def icdf(self, q: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        """Quantiles."""
        return self._interpolated(self._logit(q), 0)

    def log_slope(self, q: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        """Ln of the derivative of `icdf`: minus ln of the density at the quantile."""
        z = self._logit(q)
        log_density = jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z)
        return jnp.log(self._interpolated(z, 1)) - log_density

    def cdf(self, value: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        """Inverse of `icdf`, by bisection in the logit."""
        value = jnp.asarray(value)
        edges = jnp.full(value.shape, self.logits[0]), jnp.full(value.shape, self.logits[-1])
        inside = jax.nn.sigmoid(_inverse(lambda z: self._interpolated(z, 0), value, edges))
        return jnp.where(value <= self.points[0], 0.0, jnp.where(value >= self.points[-1], 1.0, inside))

    def log_prob(self, value: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        """Ln of the density."""
        return -self.log_slope(self.cdf(value))

    def sample(self, key: Array, sample_shape: tuple[int, ...] = ()) -> Float[Array, "..."]:
        """Draw by inversion."""
        return self.icdf(jax.random.uniform(key, sample_shape))

    def _logit(self, q: Float[Array | np.ndarray, "..."]) -> Float[Array, "..."]:
        q = jnp.asarray(q)
        # Twice `where`: the derivative at an edge would not be a number.
        inside = jnp.clip(q, special.expit(-_REACH), 1.0 - special.expit(-_REACH))
        z = jnp.log(inside) - jnp.log1p(-inside)
        return jnp.where(q <= 0.0, self.logits[0], jnp.where(q >= 1.0, self.logits[-1], z))

    def _interpolated(self, z: Float[Array, "..."], derivative: int) -> Float[Array, "..."]:
        z = jnp.clip(z, self.logits[0], self.logits[-1])
        found = interp1d(z.ravel(), self.logits, self.points, "cubic", derivative, extrap=True, fx=self.slopes)
        return found.reshape(z.shape)


def cumulative(distribution: dist.Distribution, value: Float[ArrayLike, "..."]) -> Float[Array, "..."]:
    """Probability below: a distribution's own cdf, or, where it has none, its quantiles inverted by bisection."""
    value = jnp.asarray(value, dtype=float)
    try:
        return distribution.cdf(value)
    except NotImplementedError:
        return _inverse(distribution.icdf, value, (jnp.zeros(value.shape), jnp.ones(value.shape)))


def _inverse(
    function: Callable[[Array], Array], value: Float[Array, "..."], edges: tuple[Array, Array]
) -> Float[Array, "..."]:
    """Where an increasing function has a value, by bisection between two edges; to be traced."""

    def halve(_: Any, edges: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = edges
        middle = 0.5 * (low + high)
        below = function(middle) < value
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, _BISECTIONS, halve, edges)
    return 0.5 * (low + high)


@runtime_checkable
class Component(Protocol):
    """A part of a mixture: NumPy functions, each accurate where it is small."""

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probability below."""

    def sf(self, x: np.ndarray) -> np.ndarray:
        """Probability above."""


@dataclass(frozen=True)
class Own:
    """A distribution of numpyro's that has a cdf, cut to a range outside of which next to nothing lies."""

    distribution: dist.Distribution
    low: float
    high: float

    @functools.cached_property
    def twin(self) -> Twin | None:
        """The same of scipy's, where there is one."""
        return twin_of(self.distribution)

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probability below."""
        if self.twin is not None:
            found = self.twin.cdf(x)
        else:
            # Of one shape, whatever is left to solve: another one would be another function to compile.
            inner = np.full(_KNOTS, self.low)
            inner[: x.size] = np.clip(x, self.low, self.high)
            found = np.asarray(cumulative(self.distribution, inner), dtype=float)[: x.size]
        return np.clip(np.where(x <= self.low, 0.0, np.where(x >= self.high, 1.0, found)), 0.0, 1.0)

    def sf(self, x: np.ndarray) -> np.ndarray:
        """Probability above."""
        if self.twin is None:
            return 1.0 - self.cdf(x)
        return np.where(x <= self.low, 1.0, np.where(x >= self.high, 0.0, self.twin.sf(x)))


class Even(NamedTuple):
    """Even, in x or, where `log`, in ln x."""

    low: float
    high: float
    log: bool = False

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probability below."""
        inner = np.clip(x, self.low, self.high)
        if self.log:
            return np.log(inner / self.low) / np.log(self.high / self.low)
        return (inner - self.low) / (self.high - self.low)

    def sf(self, x: np.ndarray) -> np.ndarray:
        """Probability above."""
        return 1.0 - self.cdf(x)


class Mirror(NamedTuple):
    """A component with x and -x exchanged."""

    of: Component

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probability below."""
        return self.of.sf(-np.asarray(x))

    def sf(self, x: np.ndarray) -> np.ndarray:
        """Probability above."""
        return self.of.cdf(-np.asarray(x))


class Hump(NamedTuple):
    """Logistic about a centre, cut to a range: smooth, with tails wider than a Gaussian's."""

    centre: float
    scale: float
    low: float
    high: float

    def cdf(self, x: np.ndarray) -> np.ndarray:
        """Probability below."""
        a, b, c = ((y - self.centre) / self.scale for y in (self.low, self.high, np.clip(x, self.low, self.high)))
        return (special.expit(c) - special.expit(a)) / (special.expit(b) - special.expit(a))

    def sf(self, x: np.ndarray) -> np.ndarray:
        """Probability above."""
        return Hump(-self.centre, self.scale, -self.high, -self.low).cdf(-np.asarray(x))


def tabulated(components: Sequence[tuple[float, Component]], low: float, high: float) -> Tabulated:
    """Quantiles of a mixture.

    Parameters
    ----------
    components
        Weights, which sum to one, and what they weigh.
    low, high
        Finite range that holds all of them.
    """
    logits, lower, target = _knots()
    if len(components) == 1 and isinstance(part := components[0][1], Own) and part.twin is not None:
        points = np.where(lower, part.twin.ppf(target), part.twin.isf(target))
        return joined(logits, np.clip(points, low, high))

    def excess(x: np.ndarray, target: np.ndarray, lower: np.ndarray) -> np.ndarray:
        below, above = (sum(weight * getattr(part, side)(x) for weight, part in components) for side in ("cdf", "sf"))
        return np.where(lower, below - target, target - above)

    tolerances = {"xrtol": 1e-14, "xatol": 1e-300, "frtol": 0.0, "fatol": 0.0}
    edges = np.full(logits.shape, low), np.full(logits.shape, high)
    points = elementwise.find_root(excess, edges, args=(target, lower), tolerances=tolerances).x
    return joined(logits, points)


def _knots() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of the table, whether each is below the median, and the probability beyond it on its own side."""
    logits = np.linspace(-_REACH, _REACH, _KNOTS)
    return logits, logits < 0.0, special.expit(-np.abs(logits))


def joined(logits: np.ndarray, points: np.ndarray) -> Tabulated:
    """Table of quantiles with the slopes of a monotone cubic; points that rounding made equal are set apart."""
    points = np.maximum.accumulate(points)
    least = 4.0 * np.spacing(np.maximum(np.abs(points[1:]), np.abs(points[:-1])))
    flat = np.diff(points) < least
    if flat.any():
        points = points + np.concatenate([[0.0], np.cumsum(np.where(flat, least, 0.0))])
    step = logits[1] - logits[0]
    # Differences of fourth order, within the bounds in which a cubic is monotone (Fritsch and Carlson 1980).
    secant = np.diff(points) / step
    slopes = np.empty(len(points))
    slopes[2:-2] = (8.0 * (points[3:-1] - points[1:-3]) - (points[4:] - points[:-4])) / (12.0 * step)
    slopes[[0, 1, -2, -1]] = secant[0], secant[:2].mean(), secant[-2:].mean(), secant[-1]
    bound = 3.0 * np.minimum(np.append(secant, secant[-1]), np.insert(secant, 0, secant[0]))
    return Tabulated(logits, points, np.clip(slopes, 1e-3 * bound, bound))
