"""Nodes over what is believed of a boson: the same for all data sets and designs, dense where pilots' data put it.

A prior's cube is cut into cells, the heavy ones again, until there are enough; two even draws in every cell then make
an unbiased evidence of any data set, and their differences its error. Of a posterior its draws are the nodes, in pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from lmtbayes.design.beliefs import Belief, Posterior, draw_photons
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.priors import Prior

_START = {1: 32, 2: 12, 3: 7}
_TEMPERATURES = (0.03, 0.1, 0.3, 1.0)
_EDGE = 1e-9
_BLOCK = 256
type LogLikelihoods = Callable[[HiddenPhoton], Float[np.ndarray, "photons pilots"]]


@dataclass(frozen=True, eq=False)
class Nodes:
    """Photons in pairs (the first half and the second), with ln of the prior probability that each stands for."""

    photons: HiddenPhoton
    log_weights: Float[np.ndarray, " nodes"]

    def __len__(self) -> int:
        return self.log_weights.size


def make_nodes(belief: Belief, number: int, seed: int, log_likelihoods: LogLikelihoods) -> Nodes:
    """Choose nodes.

    Parameters
    ----------
    belief
        Prior or posterior; no boson is two nodes that are the same.
    number
        Of nodes, in all.
    seed
        Of the draws in the cells.
    log_likelihoods
        ln of the marginal likelihood of pilot data sets: they decide where cells are small, and nothing else.
    """
    if isinstance(belief, Posterior):
        size = 2 * (min(number, len(belief)) // 2)
        return Nodes(belief.photons(seed, size)[0], np.full(size, -np.log(size)))
    dimensions = len(belief.names)
    if not dimensions:
        return Nodes(draw_photons(belief, seed, 2)[0], np.full(2, -np.log(2.0)))
    photons = _photons_of(belief)
    low, width = _cells(dimensions, number // 2, lambda unit: log_likelihoods(photons(unit)))
    rng = np.random.default_rng(seed)
    unit = np.concatenate([low + rng.random(low.shape) * width[:, None] for _ in range(2)])
    log_volume = dimensions * np.log(np.concatenate([width, width])) - np.log(2.0)
    return Nodes(photons(unit), log_volume)


def _cells(
    dimensions: int, target: int, log_likelihoods: Callable[[np.ndarray], Float[np.ndarray, "cells pilots"]]
) -> tuple[Float[np.ndarray, "cells coordinates"], Float[np.ndarray, " cells"]]:
    """Cut the cube where the pilots' posteriors are, from flattened ones to the ones themselves."""
    side = _START[dimensions]
    axis = np.arange(side) / side
    low = np.stack(np.meshgrid(*[axis] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    width = np.full(len(low), 1.0 / side)
    height = log_likelihoods(low + 0.5 * width[:, None])
    corners = np.stack(np.meshgrid(*[[0.0, 0.5]] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    temperatures = [*_TEMPERATURES, *[1.0] * 12]
    while temperatures and len(low) + len(corners) <= target:
        log_mass = temperatures.pop(0) * height + dimensions * np.log(width)[:, None]
        mass = np.exp(log_mass - logsumexp(log_mass, axis=0)).mean(axis=1)
        room = (target - len(low)) // (len(corners) - 1)
        allowed = max(1, min(room, target // 24)) if len(temperatures) > 1 else room
        split = np.argsort(-mass, kind="stable")[:allowed]
        split = split[mass[split] > 0.5 / target]
        if not split.size:
            continue
        new_low = (low[split][:, None] + corners * width[split][:, None, None]).reshape(-1, dimensions)
        new_width = np.repeat(0.5 * width[split], len(corners))
        new_height = log_likelihoods(new_low + 0.5 * new_width[:, None])
        kept = np.setdiff1d(np.arange(len(low)), split)
        low, width = np.concatenate([low[kept], new_low]), np.concatenate([width[kept], new_width])
        height = np.concatenate([height[kept], new_height])
    return low, width


def _photons_of(prior: Prior) -> Callable[[Float[np.ndarray, "points coordinates"]], HiddenPhoton]:
    """Photons at points of the prior's cube, in blocks of one shape, compiled once."""
    run = jax.jit(lambda unit: prior.photon(prior.from_unit_cube(unit)))

    def photons(unit: np.ndarray) -> HiddenPhoton:
        blocks = np.pad(np.clip(unit, _EDGE, 1.0 - _EDGE), ((0, -len(unit) % _BLOCK), (0, 0)), constant_values=0.5)
        found = [run(block) for block in blocks.reshape(-1, _BLOCK, unit.shape[1])]
        fields = [[np.asarray(getattr(p, name)) for p in found] for name in ("g_x", "mass", "eps_x")]
        return HiddenPhoton.unchecked(*(np.concatenate(field)[: len(unit)] for field in fields))

    return photons


def log_evidences(
    log_weights: Float[np.ndarray, " nodes"], log_likelihoods: Float[np.ndarray, "nodes sets"]
) -> tuple[Float[np.ndarray, " sets"], Float[np.ndarray, " sets"]]:
    """Ln Z of every data set and its standard deviation, from the differences within the pairs."""
    log_terms = log_weights[:, None] + log_likelihoods
    log_z = logsumexp(log_terms, axis=0)
    shares = np.exp(log_terms - log_z)
    half = len(shares) // 2
    return log_z, np.sqrt(np.sum((shares[:half] - shares[half:]) ** 2, axis=0))
