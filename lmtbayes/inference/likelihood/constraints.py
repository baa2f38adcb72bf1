"""The constraints of all nuisances together, in their pulls: density, draws, moments, and the parts of mixtures.

Equal distributions are evaluated in one go, as that compiles faster. A constraint may be a sum of several Gaussians
(the octants of theta_23): what optimises or integrates over the pulls takes one `Components` after the other.
"""

import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Bool, Float

from lmtbayes.experiments.nuisance import OF_NUMBERS, LogNormal, Nuisance, stacked

type LogDensity = Callable[[Float[Array, " nuisances"]], Float[Array, " nuisances"]]
"""Log-density of every pull."""


class Components(NamedTuple):
    """One choice of one Gaussian for every constraint that is a sum of several; sigma is inf elsewhere."""

    mean: Float[Array, "*choices nuisances"]
    sigma: Float[Array, "*choices nuisances"]
    log_weight: Float[Array, "*choices nuisances"]

    @property
    def is_sum(self) -> Bool[Array, "*choices nuisances"]:
        """Which constraints are sums."""
        return jnp.isfinite(self.sigma)


class Constraints:
    """Independent densities of the pulls, one a nuisance; most of them are standard normals."""

    def __init__(self, nuisances: Sequence[Nuisance]):
        standard = [n.constraint.is_standard for n in nuisances]
        self._constraints = [n.constraint for n in nuisances]
        self._groups = [np.flatnonzero(standard), *np.flatnonzero(np.logical_not(standard))[:, None]]
        self._order = np.argsort(np.concatenate(self._groups), kind="stable")
        self._alike = [(own, stacked([self._constraints[i] for i in own])) for own in _alike(nuisances)]

    def __repr__(self) -> str:
        """The constraints, in the order of the pulls."""
        return f"Constraints({self._constraints})"

    def log_prob(self, pulls: Float[Array, "*batch nuisances"]) -> Float[Array, "*batch nuisances"]:
        """Log-density of every pull, normalised."""
        return self._joined([d.log_prob(pulls[..., own]) for own, d in self._each()], pulls.shape[:-1])

    def values(self, pulls: Float[Array, " nuisances"]) -> Float[Array, " nuisances"]:
        """Physical values of the nuisances at their pulls."""
        # By slices, not by arrays of indices: gathers of gathers make XLA's simplifier run in circles, which it prints.
        values: dict[int, Array] = {}
        for own, constraint in self._alike:
            rows = [jax.lax.slice_in_dim(pulls, i, i + 1) for i in own]
            # A user's own kind takes single numbers.
            together = type(constraint) in OF_NUMBERS
            value = constraint.value(jnp.concatenate(rows) if together else rows[0][0]).reshape(-1)
            values |= {i: jax.lax.slice_in_dim(value, k, k + 1) for k, i in enumerate(own)}
        return jnp.concatenate([jnp.zeros(0), *(values[i] for i in range(len(values)))])

    def sample(self, key: Array, shape: tuple[int, ...] = (), *, apart: bool = False) -> Float[Array, "*shape n"]:
        """Draws of all pulls.

        Parameters
        ----------
        key, shape
            As those of a numpyro distribution.
        apart
            With a key for each nuisance, so that its draws do not depend on which others there are; else with one for
            all that are standard normals, which compiles faster.
        """
        if apart:
            keys = jax.random.split(key, max(len(self._constraints), 1))
            each = zip(self._constraints, keys, strict=False)
            rows = [constraint.distribution().sample(own, shape) for constraint, own in each]
            return jnp.stack(rows, axis=-1) if rows else jnp.zeros((*shape, 0))
        keys = jax.random.split(key, len(self._groups))
        drawn = [d.sample(k, (*shape, own.size)) for (own, d), k in zip(self._each(), keys, strict=False)]
        return self._joined(drawn, shape)

    def moments(self) -> tuple[Float[np.ndarray, " nuisances"], Float[np.ndarray, " nuisances"]]:
        """Mean and standard deviation of every sum of Gaussians; 0 and 1 of any other pull."""
        found = [_mean_and_sigma(constraint.components) for constraint in self._constraints]
        mean, sigma = np.array(found).reshape(-1, 2).T
        return mean, sigma

    def components(self) -> Components:
        """Every choice of Gaussians, along a leading axis: one, where no constraint is a sum."""
        plain = ((1.0, 0.0, np.inf),)
        rows = list(itertools.product(*(constraint.components or plain for constraint in self._constraints)))
        table = np.array(rows, dtype=float).reshape(len(rows), len(self._constraints), 3)
        weight, mean, sigma = np.moveaxis(table, -1, 0)
        return Components(*(jnp.asarray(column) for column in (mean, sigma, np.log(weight))))

    def of_component(self, component: Components) -> LogDensity:
        """Return the densities with every sum replaced by the one Gaussian, with its weight, of a choice."""
        is_sum = component.is_sum
        centre, width = jnp.where(is_sum, component.mean, 0.0), jnp.where(is_sum, component.sigma, 1.0)

        def log_density(pulls: Array) -> Array:
            gaussian = jax.scipy.stats.norm.logpdf(pulls, centre, width)
            own = jnp.where(is_sum, component.log_weight, 0.0) + gaussian
            return jnp.where(is_sum, own, self.log_prob(pulls))

        return log_density

    @property
    def bends(self) -> Float[np.ndarray, " nuisances"]:
        """Change of ln(dvalue/dpull) with each pull: of log-normals, whose values are exponentials; 0 of any other."""
        return np.array([np.log(c.factor) if isinstance(c, LogNormal) else 0.0 for c in self._constraints])

    @property
    def are_gaussian(self) -> bool:
        """Whether every constraint is a standard normal of its pull, or a sum of Gaussians."""
        return all(c.is_standard or bool(c.components) for c in self._constraints)

    def start_of(self, component: Components) -> Float[Array, "*choices nuisances"]:
        """Pulls to climb from: the means of the Gaussians of a choice, central ones elsewhere."""
        central = np.array([constraint.central_pull for constraint in self._constraints], dtype=float)
        return jnp.where(component.is_sum, component.mean, central)

    def _each(self) -> list[tuple[np.ndarray, dist.Distribution]]:
        return [(own, self._constraints[own[0]].distribution()) for own in self._groups if own.size]

    def _joined(self, parts: list[Array], shape: tuple[int, ...]) -> Array:
        return jnp.concatenate([jnp.zeros((*shape, 0)), *parts], axis=-1)[..., self._order]


def _alike(nuisances: Sequence[Nuisance]) -> list[list[int]]:
    """Places of the nuisances whose values are of one kind; users' own kinds by themselves."""
    kinds: dict[Hashable, list[int]] = {}
    for i, nuisance in enumerate(nuisances):
        kind = type(nuisance.constraint)
        kinds.setdefault(kind if kind in OF_NUMBERS else i, []).append(i)
    return list(kinds.values())


def _mean_and_sigma(components: tuple[tuple[float, float, float], ...]) -> tuple[float, float]:
    if not components:
        return 0.0, 1.0
    weights, means, sigmas = np.array(components).T
    mean = weights @ means
    return float(mean), float(np.sqrt(weights @ (sigmas**2 + (means - mean) ** 2)))
