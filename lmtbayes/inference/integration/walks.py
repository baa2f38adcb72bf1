"""Whether a proposal covers a posterior: walks from draws of it, and the weights of the points to which they lead.

Weights of a proposal's own draws say nothing of what it hardly ever proposes, be it most of the posterior. A walk that
leaves the posterior as it is, and takes small steps from draws of what is covered, comes to what lies beside it and is
not; weights are much larger there than any that was seen. The steps are differences of two draws (differential
evolution: C. J. F. ter Braak, Stat. Comput. 16 (2006) 239), of all parameters or of the boson's alone: they have the
posterior's own shape and size, and need no gradient.
"""

import numpy as np
from jaxtyping import Float, Int

from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.integration.weighing import weighing
from lmtbayes.inference.likelihood.model import Data

WALKERS, STEPS = 1024, 16
EVALUATIONS = WALKERS * (STEPS + 1)
_RESAMPLED = 4096
MUCH = 10.0
"""How many times the largest weight of all draws tells of a place that is not covered."""
OUTSIDE = 0.005
"""Part of the walkers that may end there; they get to a part of what is not covered only, of an eighth of a posterior
that was missed to 2 or 4 %."""
_SCALE, _SPREAD = 2.38, 0.5
"""Length of a step, times the square root of twice the number of parameters, and the standard deviation of its ln."""


def part_outside(
    space: Space,
    data: Data,
    proposal: Proposal,
    draws: Float[np.ndarray, "draws parameters"],
    largest: float,
    seed: tuple[int, ...],
    devices: Devices,
) -> float:
    """Part of the walkers that end where the posterior is much higher above the proposal than at any draw of it.

    Parameters
    ----------
    space, data, proposal
        What is covered, and by what.
    draws
        Of the posterior as far as the proposal covers it, in (z, pulls): where walks begin, and what steps are made of.
    largest
        Ln of the largest weight of the proposal's draws.
    seed
        Of the walks.
    devices
        As of `sample_posterior`.
    """
    rng, weigh, d = np.random.default_rng(seed), weighing(space.joint, space.prior, devices), space.dimensions

    def at(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return weigh.at(position, proposal, data, space.tables)

    position = draws[rng.integers(len(draws), size=WALKERS)]
    log_density, log_weight = at(position)
    for _ in range(STEPS):
        first, second = draws[rng.integers(len(draws), size=(2, WALKERS))]
        boson = rng.random(WALKERS) < 0.5
        moving = np.where(boson, d, space.size)[:, None]
        length = _SCALE / np.sqrt(2.0 * moving) * np.exp(_SPREAD * rng.standard_normal((WALKERS, 1)))
        trial = position + np.where(np.arange(space.size) < moving, length * (first - second), 0.0)
        trial_density, trial_weight = at(trial)
        with np.errstate(invalid="ignore"):  # from where the density is zero to where it is: no number, and no
            taken = np.log(rng.random(WALKERS)) < trial_density - log_density
        position = np.where(taken[:, None], trial, position)
        log_density, log_weight = (
            np.where(taken, new, old) for new, old in ((trial_density, log_density), (trial_weight, log_weight))
        )
    return float(np.mean(log_weight > largest + np.log(MUCH)))


def resampled(log_weights: Float[np.ndarray, " draws"], seed: int) -> Int[np.ndarray, " resampled"]:
    """Numbers of some thousand draws of a proposal, each with the probability of its weight: `draws` of walks."""
    weights = np.exp(log_weights - log_weights.max())
    return np.random.default_rng([seed, 4]).choice(weights.size, _RESAMPLED, p=weights / weights.sum())
