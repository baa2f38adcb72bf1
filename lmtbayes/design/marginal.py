"""ln of the likelihood with the nuisances integrated, of many data sets at many nodes: one batched contraction.

At a node (a photon) the counts are known to second order in the pulls, mu(a) = mu + J a + S a^2/2, about a start. Each
data set climbs from it with the Fisher information H of the node, which is factorised once for all data sets; at the
end stands Laplace's integral, its determinant corrected to first order for the data's own curvature. Where a node and a
data set are far apart the climb stops early and the value is a lower bound of next to nothing.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes._compile import cores
from lmtbayes.design.tables import Table
from lmtbayes.experiments.terms import Poisson, Term
from lmtbayes.inference.likelihood.constraints import Components, Constraints
from lmtbayes.inference.nuisances.newton import first_and_second_derivative

STEPS = 3
_FAR = 0.5
_LEAST = 1e-3
"""Of the counts of a node, below which no pull brings the counts of a term of events."""
_BATCH = 16
_NODES, _SETS = 128, 64
"""Of one call of the contraction."""
_FACTORS = 64
"""Of one logarithm, each between 0.1 and 10."""


class Bins:
    """How expected and observed numbers of all bins, in one row, are compared.

    Parameters
    ----------
    terms, sizes
        Of the experiments, in the order of the bins; what has the same term without numbers of its own is one.
    """

    def __init__(self, terms: Sequence[Term], sizes: Sequence[int]):
        edges = np.cumsum([0, *sizes])
        poisson = [np.arange(a, b) for a, b, t in zip(edges, edges[1:], terms, strict=False) if type(t) is Poisson]
        self._parts: list[tuple[Term, np.ndarray]] = [(Poisson(), np.concatenate(poisson))] if poisson else []
        self._parts += [
            (t, np.arange(a, b)) for a, b, t in zip(edges, edges[1:], terms, strict=False) if type(t) is not Poisson
        ]
        self._order = np.argsort(np.concatenate([own for _, own in self._parts]))
        numbers = tuple(np.asarray(leaf).tobytes() for term in terms for leaf in jax.tree.leaves(term))
        self.key = tuple(map(type, terms)), tuple(sizes), numbers
        """What is compiled for equal ones is the same."""
        self.counts_events = np.concatenate([np.full(n, t.counts_events) for t, n in zip(terms, sizes, strict=True)])

    def log_prob(self, expected: Float[Array, "*#b bins"], data: Float[Array, "*#b bins"]) -> Float[Array, "*b bins"]:
        """Log-likelihood of every bin."""
        expected, data = jnp.broadcast_arrays(expected, data)
        found = [t.log_prob(expected[..., own], data[..., own]) for t, own in self._parts]
        return jnp.concatenate(found, axis=-1)[..., self._order]


def log_marginals(
    bins: Bins, constraints: Constraints, table: Table, component: Components, data: Float[Array, "sets bins"]
) -> Float[Array, "nodes sets"]:
    """Ln of the likelihood of every data set at every node, the nuisances integrated; traceable, differentiable.

    Parameters
    ----------
    bins
        Of all experiments.
    constraints
        Of all nuisances.
    table
        At the nodes, with all nuisances as columns; the pulls of the expansion are `constraints.start_of(component)`.
    component
        The choice of Gaussians of constraints that are sums, for all nodes.
    data
        Whole or not: factorials are gamma functions.
    """
    one = partial(_at_node, bins, constraints, component, data)
    return jax.lax.map(lambda t: one(Table(*t)), tuple(table), batch_size=min(_BATCH, len(table.counts)))


def log_marginals_paired(
    bins: Bins, constraints: Constraints, table: Table, component: Components, data: Float[Array, "sets bins"]
) -> Float[Array, " sets"]:
    """The same, of every data set at a node of its own."""

    def one(item: tuple[tuple[Array, ...], Array]) -> Array:
        return _at_node(bins, constraints, component, item[1][None], Table(*item[0]))[0]

    return jax.lax.map(one, (tuple(table), data), batch_size=min(_BATCH, len(data)))


def in_blocks(run: Any, table: Table, component: Any, data: np.ndarray, *moved: Any) -> Any:
    """Contract any number of nodes and data sets in blocks of one shape, compiled once.

    Parameters
    ----------
    run
        (table, component, data) to an array of (nodes, sets); or, with `moved`, (table, its tangent, component, data,
        their tangent) to two.
    moved
        Tangents of table and data.
    """
    nodes, sets = len(table.counts), len(data)
    found = np.empty((2 if moved else 1, nodes, sets))

    def rows(x: np.ndarray, begin: int, size: int) -> np.ndarray:
        return x[np.minimum(np.arange(begin, begin + size), len(x) - 1)]

    def contract(begin: int) -> None:
        tables = [Table(*(rows(x, begin, _NODES) for x in t)) for t in (table, *moved[:1])]
        for k in range(0, sets, _SETS):
            seen = [rows(x, k, _SETS) for x in (data, *moved[1:])]
            blocks = run(*tables, component, *seen)
            here = (slice(begin, begin + _NODES), slice(k, k + _SETS))
            for own, block in zip(found, blocks if moved else (blocks,), strict=True):
                own[here] = np.asarray(block)[: nodes - begin, : sets - k]

    # XLA runs operations of this size on one core each.
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(contract, range(0, nodes, _NODES)))
    return (found[0], found[1]) if moved else found[0]


def _at_node(
    bins: Bins, constraints: Constraints, component: Components, data: Float[Array, "sets bins"], node: Table
) -> Float[Array, " sets"]:
    counts, first, second = node
    prior = _Prior(constraints, component)
    start = constraints.start_of(component)
    size = start.shape[-1]
    if size == 0:
        return jnp.sum(bins.log_prob(counts, data), axis=-1)
    floor = jnp.where(bins.counts_events, _LEAST * counts, -jnp.inf)

    def slopes(expected: Array, seen: Array) -> tuple[Array, Array]:
        score, curvature = first_and_second_derivative(lambda c: bins.log_prob(c, seen), expected)
        return score, jnp.maximum(-curvature, 0.0)

    weight = slopes(counts, counts)[1]
    stiffness = prior.slopes(start)[1]
    fisher = (first.T * weight) @ first + jnp.diag(jnp.maximum(stiffness, 1e-3))
    factor = jnp.linalg.cholesky(fisher)
    inverse = jax.scipy.linalg.cho_solve((factor, True), jnp.eye(size))
    leverage = jnp.einsum("bi,ij,bj->b", first, inverse, first)

    def expected(step: Array) -> Array:
        return jnp.maximum(counts + step @ first.T + 0.5 * step**2 @ second.T, floor)

    def gradient(step: Array, at: Array) -> tuple[Array, Array, Array]:
        score, own = slopes(at, data)
        pull, hard = prior.slopes(start + step)
        bent = score @ second
        return score @ first + step * bent + pull, own, hard - bent

    def climbed(step: Array, _: None) -> tuple[Array, None]:
        return step + gradient(step, expected(step))[0] @ inverse, None

    # The first step is from the start, where all data sets expect the same.
    step = (slopes(jnp.broadcast_to(counts, data.shape), data)[0] @ first + prior.slopes(start)[0]) @ inverse
    # A loop, and not unrolled: compiled in a third of the time.
    step, _ = jax.lax.scan(climbed, step, None, length=STEPS - 1)
    at = expected(step)
    slope, own, hard = gradient(step, at)
    gain = 0.5 * jnp.sum((slope @ inverse) * slope, axis=-1)
    value = jnp.sum(bins.log_prob(at, data), axis=-1) + prior.value(start + step)
    value = value + jnp.where(gain < _FAR, gain, 0.0)
    changed = _log_product(leverage * (own - weight)) + _log_product(jnp.diagonal(inverse) * (hard - stiffness))
    half_log_det = jnp.sum(jnp.log(jnp.diagonal(factor))) + 0.5 * changed
    found = value + 0.5 * size * jnp.log(2.0 * jnp.pi) - half_log_det
    return jnp.where(jnp.isfinite(found), found, -1e30)


class _Prior:
    """Density of the pulls, and its slopes; of Gaussians they are written down, as derivatives take twice the time."""

    def __init__(self, constraints: Constraints, component: Components):
        self._log_density = constraints.of_component(component)
        self._is_gaussian = constraints.are_gaussian
        self._mean = jnp.where(component.is_sum, component.mean, 0.0)
        self._precision = jnp.where(component.is_sum, component.sigma, 1.0) ** -2.0
        weight = jnp.where(component.is_sum, component.log_weight, 0.0)
        self._log_norm = jnp.sum(weight + 0.5 * jnp.log(self._precision / (2.0 * jnp.pi)))

    def value(self, pulls: Float[Array, "sets nuisances"]) -> Float[Array, " sets"]:
        if self._is_gaussian:
            return self._log_norm - 0.5 * (pulls - self._mean) ** 2 @ self._precision
        return jnp.sum(self._log_density(pulls), axis=-1)

    def slopes(self, pulls: Float[Array, "*sets nuisances"]) -> tuple[Array, Array]:
        """First derivative, and the negative of the second."""
        if self._is_gaussian:
            return (self._mean - pulls) * self._precision, self._precision
        score, curvature = first_and_second_derivative(self._log_density, pulls)
        return score, jnp.maximum(-curvature, 0.0)


def _log_product(x: Float[Array, "*sets factors"]) -> Array:
    """Sum of log(1 + x), each within bounds, by one logarithm for many, whose product stays within range."""
    factors = 1.0 + jnp.clip(x, -0.9, 9.0)
    parts = [jnp.log(jnp.prod(factors[..., k : k + _FACTORS], axis=-1)) for k in range(0, factors.shape[-1], _FACTORS)]
    return sum(parts, jnp.zeros(()))
