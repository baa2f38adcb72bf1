"""Chains of proposals alone: drawn from the posterior grid, weighed many at a time, and decided chunk by chunk.

With q the proposal's density and p the posterior's, a chain at x goes to x' if ln u < ln w(x') - ln w(x), w = p/q and u
uniform in (0, 1). As a proposal does not depend on where its chain is, all of a chunk are weighed first, side by
side, and decided afterwards. Nothing is learned on the way, so that `warmup` has only to forget where a chain began.
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.integration.pareto import pareto_shape
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.integration.weighing import Weighed, defended, weighing
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.posterior.method import Independence
from lmtbayes.inference.posterior.run import Run


class State(NamedTuple):
    """Where chains are: leading axis of chains."""

    position: Float[np.ndarray, "chains parameters"]
    log_weight: Float[np.ndarray, " chains"]


class IndependentDraws(NamedTuple):
    """What was kept: leading axes (draws, chains); of `log_weights`, those of all proposals, (proposals, chains)."""

    position: np.ndarray
    log_weight: np.ndarray
    acceptance: np.ndarray
    jumped: np.ndarray
    log_weights: np.ndarray

    def statistics(self) -> dict[str, Any]:
        """What the sampler says of each of its steps: leading axes (chain, draw)."""
        return {"acceptance_rate": self.acceptance.T, "jumped": self.jumped.T, "log_weight": self.log_weight.T}

    @property
    def pareto_k(self) -> float:
        """Tail of the weights of all proposals (`pareto_shape`)."""
        return pareto_shape(self.log_weights.ravel())


def draw_independent(
    space: Space,
    data: Data,
    grid: PosteriorGrid,
    method: Independence,
    run: Run,
) -> IndependentDraws:
    """All draws after warm-up; parameters as of `running.draw_chains`."""
    total, done = method.warmup + method.draws, 0
    saved, bar, file = run.saved, run.bar, run.file
    weigh, proposal = weighing(space.joint, space.prior, run.devices), defended(grid.proposal)
    key = jax.random.key(int(np.random.default_rng(run.seed).integers(2**63)))
    state, parts = State(np.zeros((method.chains, space.size)), np.full(method.chains, -np.inf)), []
    if saved is not None:
        state = State(saved["position"], saved["log_weight"])
        done = int(saved["done"])
        parts = [IndependentDraws(*(saved[f"draws_{name}"] for name in IndependentDraws._fields))]
        bar.advance(done)
    with run.stoppable():
        while done < total:
            bar.say("sampling" if parts else "compiling")
            steps = min(run.chunk, total - done)
            shape = steps, method.thin, method.chains
            numbers = done * method.thin * method.chains + np.arange(np.prod(shape))
            state, new = _decided(state, weigh.drawn(numbers, key, proposal, data, space.tables), shape)
            unused = min(max(method.warmup - done, 0), steps)
            parts.append(
                IndependentDraws._make((*(x[unused:] for x in new[:-1]), new.log_weights[unused * method.thin :]))
            )
            done += steps
            parts = [IndependentDraws(*(np.concatenate(column) for column in zip(*parts, strict=True)))]
            if file is not None:
                drawn = {f"draws_{name}": value for name, value in parts[0]._asdict().items()}
                file.save(state._asdict() | drawn | {"done": np.array(done), "thin": np.array(method.thin)})
            bar.advance(steps)
    return parts[0]


def _decided(state: State, proposed: Weighed, shape: tuple[int, int, int]) -> tuple[State, IndependentDraws]:
    """Take proposals of (steps, thin, chains) one after the other; the last of each step is kept."""
    steps, thin, chains = shape
    found = proposed.log_weight.reshape(steps * thin, chains)
    log_uniform = proposed.log_uniform.reshape(steps * thin, chains)
    at = np.full(chains, -1)  # the proposal that a chain is at; -1 where it is still where it began
    here, numbers = state.log_weight.copy(), np.arange(chains)
    kept, weights = np.empty((steps, chains), int), np.empty((steps, chains))
    acceptance, accepted = np.empty((steps * thin, chains)), np.empty((steps * thin, chains), bool)
    with np.errstate(invalid="ignore"):  # where neither can be, the change is not a number: no
        for k in range(steps * thin):
            change = found[k] - here
            accepted[k] = log_uniform[k] < change
            acceptance[k] = change
            here = np.where(accepted[k], found[k], here)
            at = np.where(accepted[k], k * chains + numbers, at)
            if (k + 1) % thin == 0:
                kept[k // thin], weights[k // thin] = at, here
    position = np.where((kept < 0)[..., None], state.position, proposed.position[kept])
    change = np.exp(np.minimum(np.nan_to_num(acceptance, nan=-np.inf), 0.0)).reshape(shape)
    moved = accepted.reshape(shape).any(axis=1)
    return State(position[-1], here), IndependentDraws(position, weights, change.mean(axis=1), moved, found)
