"""Data sets of a truth: bosons, pulls and noise that all designs share, and counts made of them, whole or smooth."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import ndtr
from scipy.stats import poisson

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Drawn:
    """Bosons and pulls behind the data sets of one truth."""

    model: GaugeModel
    photons: HiddenPhoton
    pulls: Float[np.ndarray, "sets nuisances"]
    seeds: tuple[int, ...]
    """Of what is counted, given what is expected."""

    def noise(self, name: str, bins: int) -> Float[np.ndarray, "sets bins"]:
        """Standard normals, an experiment's own."""
        rng = np.random.default_rng([*self.seeds, zlib.crc32(name.encode())])
        return rng.standard_normal((len(self.pulls), bins))

    def key(self, name: str) -> Array:
        """Key of jax, an experiment's own."""
        return jax.random.key(seed_of(*self.seeds, zlib.crc32(name.encode())))


def seed_of(*parts: int) -> int:
    """One seed of several numbers."""
    return int(np.random.default_rng(list(parts)).integers(2**31))


def draw_pulls(
    nuisances: Sequence[Nuisance], values: Mapping[str, np.ndarray], seeds: tuple[int, ...], size: int
) -> Float[np.ndarray, "sets nuisances"]:
    """Draw pulls of their constraints, each nuisance with a seed of its own, but for those whose values are known."""
    pulls = np.empty((size, len(nuisances)))
    for index, nuisance in enumerate(nuisances):
        seed = seed_of(*seeds, zlib.crc32(nuisance.name.encode()))
        if nuisance.name in values:
            pulls[:, index] = np.asarray(nuisance.constraint.pull(values[nuisance.name]))
        elif nuisance.constraint.is_standard:
            pulls[:, index] = np.random.default_rng(seed).standard_normal(size)
        else:
            pulls[:, index] = np.asarray(nuisance.constraint.distribution().sample(jax.random.key(seed), (size,)))
    return pulls


def counted(e: Experiment, drawn: Drawn, expected: Float[np.ndarray, "sets _bins"]) -> Float[np.ndarray, "sets _bins"]:
    """Data: quantiles of the noise, so that neighbouring designs have neighbouring data."""
    if e.term.draws_poisson:
        return np.asarray(poisson.ppf(ndtr(drawn.noise(e.name, e.n_bins)), np.maximum(expected, 0.0)))
    return np.asarray(e.term.sample(drawn.key(e.name), jnp.asarray(expected)))


def smoothly_counted(
    e: Experiment, drawn: Drawn, expected: Float[np.ndarray, "sets _bins"]
) -> tuple[Float[np.ndarray, "sets _bins"], Float[np.ndarray, "sets _bins"]]:
    """Data of the same noise that are no whole numbers, and their slopes in what is expected.

    A Poisson variable to its third moment; what is no count is drawn by its own term.
    """
    if e.term.draws_poisson:
        z, mean = drawn.noise(e.name, e.n_bins), np.maximum(expected, _LEAST)
        data = mean + np.sqrt(mean) * z + (z**2 - 1.0) / 6.0
        return np.maximum(data, 0.0), np.where(data > 0.0, 1.0 + 0.5 * z / np.sqrt(mean), 0.0)
    at = jnp.asarray(expected)
    data, slope = jax.jvp(lambda x: e.term.sample(drawn.key(e.name), x), (at,), (jnp.ones_like(at),))
    return np.asarray(data), np.asarray(slope)
