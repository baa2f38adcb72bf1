"""Nuisance parameters: declared by the experiment that has them, shared between experiments by name.

A nuisance lives in two coordinates. Rates read its `value` (physical). Statistics work in its `pull`, a coordinate in
which the external constraint is of unit size: samplers and optimisers see well-scaled numbers and the pull is what one
plots. `Constraint` joins the two.
"""

import abc
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, ArrayLike, Float
from scipy import special

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, NuisanceConflict


@dataclass(frozen=True)
class Constraint(abc.ABC):
    """What is known of a nuisance from elsewhere. Immutable and hashable; equal constraints are one constraint."""

    @abc.abstractmethod
    def value(self, pull: ArrayLike) -> Float[Array, "..."]:
        """Physical value at a pull; increasing, differentiable."""

    @abc.abstractmethod
    def pull(self, value: ArrayLike) -> Float[Array, "..."]:
        """Inverse of `value`."""

    def distribution(self) -> dist.Distribution:
        """Normalised density of the pull; the standard normal unless a constraint says otherwise."""
        return dist.Normal(0.0, 1.0)

    @property
    def is_standard(self) -> bool:
        """Whether `distribution` is the standard normal: densities of many such pulls are evaluated in one go."""
        return type(self).distribution is Constraint.distribution

    @property
    def central_pull(self) -> float:
        """The pull that "no nuisances given" stands for; the mode of `distribution`."""
        return 0.0

    @property
    def components(self) -> tuple[tuple[float, float, float], ...]:
        """(weight, mean, sigma) of the Gaussians that `distribution` is a sum of; empty unless there are several.

        What optimises or integrates over the pull takes one component after the other: no start alone would find all.
        """
        return ()

    @property
    def central(self) -> float:
        """Central physical value; a plain number also where a caller is being traced."""
        with jax.ensure_compile_time_eval():
            return float(self.value(self.central_pull))


@dataclass(frozen=True)
class Gaussian(Constraint):
    """value = mean + sigma * pull."""

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        _checks.scalar("mean", self.mean)
        _checks.finite("mean", self.mean)
        _checks.scalar("sigma", self.sigma)
        _checks.positive("sigma", self.sigma)

    def value(self, pull: ArrayLike) -> Float[Array, "..."]:
        """Mean + sigma * pull."""
        return self.mean + self.sigma * jnp.asarray(pull, dtype=float)

    def pull(self, value: ArrayLike) -> Float[Array, "..."]:
        """(value - mean)/sigma."""
        return (jnp.asarray(value, dtype=float) - self.mean) / self.sigma


@dataclass(frozen=True)
class LogNormal(Constraint):
    """value = median * factor^pull: positive, known to a factor."""

    median: float
    factor: float

    def __post_init__(self) -> None:
        _checks.scalar("median", self.median)
        _checks.positive("median", self.median)
        _checks.scalar("factor", self.factor)
        if not 1.0 < self.factor < np.inf:
            raise _checks.invalid("factor", self.factor, "above 1 (the value is known to this factor at 1 sigma)")

    def value(self, pull: ArrayLike) -> Float[Array, "..."]:
        """Median * factor^pull."""
        return self.median * jnp.exp(jnp.log(self.factor) * jnp.asarray(pull, dtype=float))

    def pull(self, value: ArrayLike) -> Float[Array, "..."]:
        """Logarithm of value/median to the base of factor."""
        return jnp.log(jnp.asarray(value, dtype=float) / self.median) / jnp.log(self.factor)


@dataclass(frozen=True)
class TruncatedGaussian(Constraint):
    """A Gaussian cut to [low, high], through its quantiles: the pull stays a standard normal."""

    mean: float
    sigma: float
    low: float
    high: float

    def __post_init__(self) -> None:
        _checks.scalar("sigma", self.sigma)
        _checks.positive("sigma", self.sigma)
        for name in ("mean", "low", "high"):
            _checks.scalar(name, getattr(self, name))
        # On an edge the mean's pull is infinite, and the density of "no nuisances given" zero.
        if not self.low < self.mean < self.high or not np.isfinite(self.central_pull):
            raise _checks.invalid("mean", self.mean, f"inside (low, high) = ({self.low:g}, {self.high:g})")

    def _edges(self) -> tuple[Any, Any]:
        """Of the whole Gaussian's distribution function, at the two ends."""
        low, high = special.ndtr([(self.low - self.mean) / self.sigma, (self.high - self.mean) / self.sigma])
        return low, high

    def value(self, pull: ArrayLike) -> Float[Array, "..."]:
        """Quantile of the cut Gaussian at Phi(pull)."""
        low, high = self._edges()
        quantile = low + (high - low) * ndtr(jnp.asarray(pull, dtype=float))
        return jnp.clip(self.mean + self.sigma * ndtri(quantile), self.low, self.high)

    def pull(self, value: ArrayLike) -> Float[Array, "..."]:
        """Phi^-1 of the cut Gaussian's distribution function."""
        low, high = self._edges()
        return ndtri((ndtr((jnp.asarray(value, dtype=float) - self.mean) / self.sigma) - low) / (high - low))

    @property
    def central_pull(self) -> float:
        """The pull of the Gaussian's own mean."""
        low, high = self._edges()
        return float(special.ndtri((0.5 - low) / (high - low)))

    @property
    def central(self) -> float:
        """The Gaussian's own mean."""
        return self.mean


@dataclass(frozen=True)
class GaussianMixture(Constraint):
    """Several Gaussian solutions (the two octants of theta_23), weighted; the pull is in units of the heaviest one."""

    means: tuple[float, ...]
    sigmas: tuple[float, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("means", "sigmas", "weights"):
            if not isinstance(getattr(self, name), tuple | list):
                raise _checks.invalid(name, getattr(self, name), "a tuple of numbers")
        _checks.finite("means", self.means)
        if not len(self.means) == len(self.sigmas) == len(self.weights) > 0:
            raise _checks.invalid("means", self.means, "as many as there are sigmas and weights, at least one")
        _checks.positive("sigmas", self.sigmas)
        _checks.positive("weights", self.weights)

    def _scale(self) -> tuple[float, float]:
        heaviest = self.weights.index(max(self.weights))
        return self.means[heaviest], self.sigmas[heaviest]

    def value(self, pull: ArrayLike) -> Float[Array, "..."]:
        """Mean + sigma * pull of the heaviest solution."""
        mean, sigma = self._scale()
        return mean + sigma * jnp.asarray(pull, dtype=float)

    def pull(self, value: ArrayLike) -> Float[Array, "..."]:
        """(value - mean)/sigma of the heaviest solution."""
        mean, sigma = self._scale()
        return (jnp.asarray(value, dtype=float) - mean) / sigma

    @property
    def components(self) -> tuple[tuple[float, float, float], ...]:
        """Normalised weight, mean and sigma of every solution, in the pull."""
        mean, sigma = self._scale()
        rows = zip(self.weights, self.means, self.sigmas, strict=True)
        return tuple((weight / sum(self.weights), (m - mean) / sigma, s / sigma) for weight, m, s in rows)

    def distribution(self) -> dist.Distribution:
        """The weighted sum of Gaussians, in the pull."""
        weights, means, sigmas = jnp.array(self.components).T
        return dist.MixtureSameFamily(dist.Categorical(probs=weights), dist.Normal(means, sigmas))


_KNOWN = (Gaussian, LogNormal, TruncatedGaussian, GaussianMixture)
OF_NUMBERS = (Gaussian, LogNormal, TruncatedGaussian)
"""Constraints whose fields are numbers, and whose values those of arrays of them."""


def stacked(constraints: Sequence[Constraint]) -> Constraint:
    """Return one constraint whose `value` is, entry by entry, that of several of one kind: it compiles faster.

    Parameters
    ----------
    constraints
        Of one of `OF_NUMBERS`; or a single one of any kind, which is returned as it is.
    """
    kind = type(constraints[0])
    if kind not in OF_NUMBERS:
        return constraints[0]
    together: Constraint = object.__new__(kind)  # not checked again: the checks are of numbers
    for field in dataclasses.fields(kind):
        object.__setattr__(together, field.name, np.array([getattr(c, field.name) for c in constraints], dtype=float))
    return together


def _try(name: str, constraint: Constraint) -> None:
    """Try a user's own constraint: traceable, single numbers, `pull` the inverse of an increasing `value`.

    Raises
    ------
    InvalidArgument
        What it does instead.
    """

    def both(pull: Array) -> tuple[Array, Array, Array]:
        value = constraint.value(pull)
        return value, constraint.pull(value), constraint.distribution().log_prob(pull)

    with jax.ensure_compile_time_eval():
        pulls = constraint.central_pull + np.array([-0.5, 0.0, 0.5])
        try:
            shapes = [x.shape for x in jax.eval_shape(both, jnp.zeros(()))]
            found = np.array([both(jnp.asarray(pull)) for pull in pulls]) if shapes == [()] * 3 else None
        except jax.errors.JAXTypeError as error:
            raise InvalidArgument(
                f"`constraint` of nuisance {name!r} must be written with jax.numpy, so that jax can trace it; "
                f"{type(constraint).__name__} fails with: {str(error).splitlines()[0]}"
            ) from error
    expected = (
        f"`constraint` of nuisance {name!r} must have a `value` that increases with the pull and `pull` as inverse"
    )
    if found is None:
        raise InvalidArgument(f"{expected}, numbers at a number; got shapes {shapes}")
    if not (np.isfinite(found).all() and (np.diff(found[:, 0]) > 0.0).all() and np.allclose(found[:, 1], pulls)):
        raise InvalidArgument(
            f"{expected}; got value = {found[:, 0]}, pull = {found[:, 1]} and log density = {found[:, 2]} at {pulls}"
        )


@dataclass(frozen=True)
class Nuisance:
    """A parameter that is not the physics, with what is known of it.

    Parameters
    ----------
    name
        Shared: two experiments that use one name mean one physical thing, and a joint fit correlates them.
    constraint
        Gaussian, LogNormal, TruncatedGaussian, GaussianMixture, or your own subclass of Constraint.
    effect
        What it scales or shifts, with its unit, in one sentence.
    source
        Where the constraint comes from.
    free_by_default
        Whether a fit has it free unless told otherwise; False for one that is there for those who name it in
        `nuisances=`, such as a signal strength without constraint.
    """

    name: str
    constraint: Constraint
    effect: str
    source: str = ""
    free_by_default: bool = True

    def __post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise _checks.invalid("name", self.name, "a non-empty string")
        if "/" in self.name or self.name.startswith("."):
            raise _checks.invalid("name", self.name, "without '/' and no leading '.': it is a name in files")
        if not isinstance(self.constraint, Constraint):
            raise _checks.invalid("constraint", self.constraint, "a Constraint, such as Gaussian(mean, sigma)")
        if type(self.constraint) not in _KNOWN:
            _try(self.name, self.constraint)
        _checks.switch("free_by_default", self.free_by_default)


def central_values(nuisances: Iterable[Nuisance]) -> dict[str, Float[Array, ""]]:
    """Central physical value of every nuisance, by name."""
    return {nuisance.name: jnp.asarray(nuisance.constraint.central, dtype=float) for nuisance in nuisances}


def merge(nuisances: tuple[Nuisance, ...], owners: tuple[str, ...]) -> tuple[Nuisance, ...]:
    """Merge by name, in order of first appearance.

    Raises
    ------
    NuisanceConflict
        One name with two constraints; the message names the experiments.
    """
    seen: dict[str, tuple[Nuisance, str]] = {}
    for nuisance, owner in zip(nuisances, owners, strict=True):
        first, first_owner = seen.setdefault(nuisance.name, (nuisance, owner))
        if first.constraint != nuisance.constraint:
            raise NuisanceConflict(
                f"nuisance {nuisance.name!r} is shared by name, but {first_owner!r} constrains it by "
                f"{first.constraint} and {owner!r} by {nuisance.constraint}; give both the same, or another name"
            )
    return tuple(nuisance for nuisance, _ in seen.values())
