"""Counts of one experiment at many photons, to second order in its pulls: what a design is evaluated from.

The experiment's arrays are arguments of what is compiled, so that the same experiment at another threshold, or at a
traced one, compiles nothing anew; an exposure multiplies what is here.
"""

import copy
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.liquid_xenon import LiquidXenon
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.devices import Mapped, resolve_devices
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.nuisances.expansion import expanded_counts

_BATCH = 64
"""Photons side by side: what bounds the memory of a traced threshold."""


class Table(NamedTuple):
    """Counts at points (photon and start of the pulls), and their derivatives in each of the experiment's own pulls."""

    counts: Any
    """(points, bins); of one point, without the leading axis."""
    first: Any
    """(points, bins, own nuisances)."""
    second: Any
    """(points, bins, own nuisances)."""

    def scaled(self, factor: Any) -> "Table":
        """The same at another exposure."""
        return Table(*(factor * x for x in self))


type Point = tuple[HiddenPhoton, Any]
"""Photon and its own pulls, or arrays of them."""


class Tabulator:
    """Rates of one experiment in one model as functions of many points, compiled once for all of its variants.

    Parameters
    ----------
    base
        One of the variants: the others differ in numbers alone.
    model
        Gauge model.
    """

    def __init__(self, base: Experiment, model: GaugeModel):
        self._model, self._base = model, base
        arrays, self._rest = eqx.partition(base, eqx.is_inexact_array_like)
        self._structure = jax.tree.structure(arrays)
        devices = resolve_devices(None)[:1]
        self._table = Mapped(self._one_table, devices, _BATCH)
        self._counts = Mapped(self._one_count, devices, _BATCH)

    def serves(self, variant: Experiment) -> bool:
        """Whether a variant differs from the first one in arrays alone; of liquid xenon in the edges of bins, too.

        Rates of anything else may read their edges, which are no arrays of a pytree.
        """
        if variant is self._base:
            return True
        edges = np.shape(variant.bin_edges), np.shape(self._base.bin_edges)
        if edges[0] != edges[1]:
            return False
        if not isinstance(variant, LiquidXenon) and not np.array_equal(variant.bin_edges, self._base.bin_edges):
            return False
        like = copy.copy(variant)
        object.__setattr__(like, "binning", self._base.binning)
        (arrays, rest), (ours, own) = (eqx.partition(e, eqx.is_inexact_array_like) for e in (like, self._base))
        try:
            structures: list[Any] = [jax.tree.structure(x) for x in (rest, own)]
            if structures[0] != structures[1]:
                return False
            same = all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (rest, own)), strict=True))
            leaves = zip(*map(jax.tree.leaves, (arrays, ours)), strict=True)
            return same and all(np.shape(a) == np.shape(b) for a, b in leaves)
        except (TypeError, ValueError):  # what cannot be compared is compiled anew
            return False

    def table(self, variant: Experiment, points: Point) -> Table:
        """Counts and derivatives; NumPy arrays."""
        return self._table(points, self._arrays(variant))

    def counts(self, variant: Experiment, points: Point) -> Float[np.ndarray, "points bins"]:
        """Counts alone; a NumPy array."""
        return np.asarray(self._counts(points, self._arrays(variant)))

    @staticmethod
    def _arrays(variant: Experiment) -> list[Any]:
        return [jnp.asarray(x) for x in jax.tree.leaves(eqx.filter(variant, eqx.is_inexact_array_like))]

    def _variant(self, arrays: list[Any]) -> Experiment:
        found: Experiment = eqx.combine(jax.tree.unflatten(self._structure, arrays), self._rest)
        return found

    def _one_table(self, point: Point, arrays: list[Any]) -> Table:
        variant = self._variant(arrays)
        return Table(*expanded_counts(JointModel([variant], self._model), *point)[0])

    def _one_count(self, point: Point, arrays: list[Any]) -> Float[Array, " bins"]:
        return JointModel([self._variant(arrays)], self._model).row(*point)


def joined(tables: list[Table], columns: list[np.ndarray], size: int) -> Table:
    """Put the experiments' bins side by side, and their own nuisances at their places among all `size`."""

    # NumPy, as every eager operation of jax would be compiled by itself.
    def spread(block: np.ndarray, own: np.ndarray) -> np.ndarray:
        found = np.zeros((*block.shape[:-1], size))
        found[..., own] = block
        return found

    return Table(
        np.concatenate([t.counts for t in tables], axis=-1),
        np.concatenate([spread(t.first, own) for t, own in zip(tables, columns, strict=True)], axis=-2),
        np.concatenate([spread(t.second, own) for t, own in zip(tables, columns, strict=True)], axis=-2),
    )
