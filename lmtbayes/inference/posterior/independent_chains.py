"""Chains of proposals alone: drawn from the posterior grid, evaluated and decided on the device, chunk by chunk.

With q the proposal's density and p the posterior's, a chain at x goes to x' if ln u < ln w(x') - ln w(x), w = p/q and u
uniform in (0, 1). As a proposal does not depend on where its chain is, all of a chunk are evaluated first, side by
side, and decided afterwards. Nothing is learned on the way, so that `warmup` has only to forget where a chain began.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array

from lmtbayes._compile import compile_large
from lmtbayes.inference.coordinates import Space, Tables
from lmtbayes.inference.devices import AXIS, Devices, mesh_of, side_by_side
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.posterior.method import Independence
from lmtbayes.inference.posterior.run import Run
from lmtbayes.inference.priors import Prior

_BATCH = 256
"""Proposals evaluated side by side on a core."""


class State(NamedTuple):
    """Where chains are: leading axis of chains."""

    position: Any
    log_weight: Any


class IndependentDraws(NamedTuple):
    """What was kept: leading axes (draws, chains); of `log_weights`, those of all proposals, (proposals, chains)."""

    position: Any
    log_weight: Any
    acceptance: Any
    jumped: Any
    log_weights: Any

    def statistics(self) -> dict[str, Any]:
        """What the sampler says of each of its steps: leading axes (chain, draw)."""
        return {"acceptance_rate": self.acceptance.T, "jumped": self.jumped.T, "log_weight": self.log_weight.T}


class IndependentChains:
    """The compiled chunk of a likelihood and prior.

    `run(state, first, key, proposal, data, tables)` makes `steps` times `thin` proposals to every chain, those of step
    `first` and on, and gives the state and `IndependentDraws`. The chains are dealt out to the devices.
    """

    def __init__(self, joint: JointModel, prior: Prior, chains: int, steps: int, thin: int, devices: Devices):
        self.joint, self.prior, self.shape = joint, prior, (steps * thin, chains)
        own = steps * thin * chains // len(devices)
        self._batch = min(side_by_side(devices, _BATCH), own)
        self._thin = thin
        mesh = mesh_of(devices)
        of_chain, of_draw, whole = PartitionSpec(AXIS), PartitionSpec(None, AXIS), PartitionSpec()
        self._run = compile_large(
            jax.shard_map(
                self._chunk,
                mesh=mesh,
                in_specs=(of_chain, of_draw, whole, whole, whole, whole),
                out_specs=(of_chain, of_draw),
                check_vma=False,
            )
        )
        self._of_chain, self._of_draw = NamedSharding(mesh, of_chain), NamedSharding(mesh, of_draw)

    def run(
        self, state: State, first: int, key: Array, proposal: Proposal, data: Data, tables: Tables
    ) -> tuple[State, IndependentDraws]:
        """Make one chunk."""
        proposals, chains = self.shape
        numbers = (first * self._thin * chains + np.arange(proposals * chains)).reshape(self.shape)
        placed = jax.device_put(state, self._of_chain), jax.device_put(numbers, self._of_draw)
        state, drawn = self._run(*placed, key, proposal, data, tables)
        return state, jax.tree.map(np.asarray, drawn)

    def _chunk(
        self, state: State, numbers: Array, key: Array, proposal: Proposal, data: Data, tables: Tables
    ) -> tuple[State, IndependentDraws]:
        space = Space(self.joint, self.prior, tables)

        def one(number: Array) -> tuple[Array, Array, Array]:
            draw_key, decision_key = jax.random.split(jax.random.fold_in(key, number))
            unit, pulls = proposal.sample(draw_key)
            log_weight = space.log_likelihood(unit, pulls, data) - proposal.log_prob(unit, pulls)
            log_weight = jnp.where(jnp.isfinite(log_weight), log_weight, -jnp.inf)
            return space.join(unit, pulls), log_weight, jnp.log(jax.random.uniform(decision_key))

        # The last batch is filled up, as a remainder would be compiled once more.
        flat, size = numbers.ravel(), numbers.size
        rows = -(-size // self._batch)
        padded = jnp.pad(flat, (0, rows * self._batch - size), mode="edge").reshape(rows, self._batch)
        found = jax.lax.map(jax.vmap(one), padded)
        steps = numbers.shape[0] // self._thin
        proposed = jax.tree.map(
            lambda x: x.reshape(-1, *x.shape[2:])[:size].reshape(steps, self._thin, numbers.shape[1], *x.shape[2:]),
            found,
        )

        def decide(at: State, new: tuple[Array, Array, Array]) -> tuple[State, tuple[Array, Array]]:
            position, log_weight, log_uniform = new
            change = log_weight - at.log_weight  # not a number where neither can be: no
            accept = log_uniform < change
            moved = State(
                jnp.where(accept[:, None], position, at.position), jnp.where(accept, log_weight, at.log_weight)
            )
            return moved, (jnp.exp(jnp.minimum(jnp.nan_to_num(change, nan=-jnp.inf), 0.0)), accept)

        def keep(at: State, new: tuple[Array, Array, Array]) -> tuple[State, tuple[Array, ...]]:
            at, (acceptance, accepted) = jax.lax.scan(decide, at, new)
            return at, (at.position, at.log_weight, acceptance.mean(axis=0), accepted.any(axis=0))

        state, kept = jax.lax.scan(keep, state, proposed)
        return state, IndependentDraws._make((*kept, proposed[1].reshape(numbers.shape)))


def draw_independent(
    space: Space,
    data: Data,
    grid: PosteriorGrid,
    method: Independence,
    run: Run,
) -> IndependentDraws:
    """All draws after warm-up; parameters as of `running.draw_chains`."""
    total, done = method.warmup + method.draws, 0
    steps, saved, bar, file = min(run.chunk, total), run.saved, run.bar, run.file
    compiled = space.joint.compiled(_chains, space.prior, method.chains, steps, method.thin, run.devices)
    key = jax.random.key(int(np.random.default_rng(run.seed).integers(2**63)))
    state, parts = State(np.zeros((method.chains, space.size)), np.full(method.chains, -np.inf)), []
    if saved is not None:
        state = State(saved["position"], saved["log_weight"])
        done = int(saved["done"])
        parts = [IndependentDraws(*(saved[f"draws_{name}"] for name in IndependentDraws._fields))]
        bar.advance(done)
    with run.stoppable():
        while done < total:
            bar.say("compiling" if not parts else "sampling")
            state, new = compiled.run(state, done, key, grid.proposal, data, space.tables)
            used = slice(min(max(method.warmup - done, 0), steps), total - done)
            of_proposals = slice(used.start * method.thin, used.stop * method.thin)
            parts.append(IndependentDraws._make((*(x[used] for x in new[:-1]), new.log_weights[of_proposals])))
            before, done = done, min(done + steps, total)
            parts = [IndependentDraws(*(np.concatenate(column) for column in zip(*parts, strict=True)))]
            if file is not None:
                drawn = {f"draws_{name}": value for name, value in parts[0]._asdict().items()}
                file.save(jax.tree.map(np.asarray, state)._asdict() | drawn | {"done": np.array(done)})
            bar.advance(done - before)
    return parts[0]


def _chains(joint: JointModel, prior: Prior, chains: int, steps: int, thin: int, devices: Devices) -> IndependentChains:
    return IndependentChains(joint, prior, chains, steps, thin, devices)
