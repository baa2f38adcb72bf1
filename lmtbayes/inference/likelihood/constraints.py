"""The constraints of all nuisances together, in their pulls: equal distributions in one go, as that compiles faster."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from lmtbayes.experiments.nuisance import Nuisance


class Constraints:
    """Independent densities of the pulls, one a nuisance; most of them are standard normals."""

    def __init__(self, nuisances: Sequence[Nuisance]):
        standard = [n.constraint.is_standard for n in nuisances]
        self._constraints = [n.constraint for n in nuisances]
        self._groups = [np.flatnonzero(standard), *np.flatnonzero(np.logical_not(standard))[:, None]]
        self._order = np.argsort(np.concatenate(self._groups), kind="stable")

    def log_prob(self, pulls: Float[Array, "*batch nuisances"]) -> Float[Array, "*batch nuisances"]:
        """Log-density of every pull, normalised."""
        return self._joined([d.log_prob(pulls[..., own]) for own, d in self._each()], pulls.shape[:-1])

    def sample(self, key: Array, shape: tuple[int, ...] = ()) -> Float[Array, "*shape nuisances"]:
        """Draws of all pulls."""
        keys = jax.random.split(key, len(self._groups))
        drawn = [d.sample(k, (*shape, own.size)) for (own, d), k in zip(self._each(), keys, strict=False)]
        return self._joined(drawn, shape)

    def _each(self) -> list[tuple[np.ndarray, dist.Distribution]]:
        return [(own, self._constraints[own[0]].distribution()) for own in self._groups if own.size]

    def _joined(self, parts: list[Array], shape: tuple[int, ...]) -> Array:
        return jnp.concatenate([jnp.zeros((*shape, 0)), *parts], axis=-1)[..., self._order]
