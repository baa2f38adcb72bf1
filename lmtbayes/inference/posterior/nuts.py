"""Chains side by side: numpyro's NUTS and, before each of its steps, one jump proposed from the posterior grid.

A step of NUTS explores the mode it is in; it does not cross to another. The jump is a Metropolis-Hastings step whose
proposal q is the grid's own density (`proposal.Proposal`), accepted with probability min(1, p' q/(p q')): it leaves the
posterior invariant whatever the grid missed or got wrong, and carries the chains between modes with the right weights.
Proposals come drawn and evaluated (`independence`): the only likelihood compiled here is that of the leapfrog steps.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec
from jaxtyping import Array

from lmtbayes._compile import compile_large, compile_quickly
from lmtbayes.inference.coordinates import Space, Tables, log_jacobian
from lmtbayes.inference.devices import AXIS, Devices, mesh_of
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.posterior.independence import Potential, Proposals, Proposed
from lmtbayes.inference.priors import Prior

WARMUP_TREE_DEPTH = 6
"""Cap while step size and mass matrix are still being found: deeper trees would be most of a run's time."""


class Settings(NamedTuple):
    """What a run of chains is compiled for."""

    chains: int
    warmup: int
    chunk: int
    target_accept: float
    max_tree_depth: int
    jumps: bool

    def room(self, chains: int, size: int) -> "Draws":
        """Empty draws of one chunk, for the chains of one device."""
        number = jnp.zeros((self.chunk, chains))
        return Draws(
            position=jnp.zeros((self.chunk, chains, size)),
            potential=number,
            energy=number,
            acceptance=number,
            steps=number.astype(int),
            diverging=number.astype(bool),
            jumped=number.astype(bool),
            step_size=number,
        )


class Draws(NamedTuple):
    """One chunk of steps: leading axes (chunk, chains); jax arrays while they run, NumPy's once they are kept."""

    position: Any
    potential: Any
    energy: Any
    acceptance: Any
    steps: Any
    diverging: Any
    jumped: Any
    step_size: Any

    def statistics(self) -> dict[str, Any]:
        """What the sampler says of each of its steps: leading axes (chain, draw)."""
        return {
            "acceptance_rate": self.acceptance.T,
            "diverging": self.diverging.T,
            "energy": self.energy.T,
            "n_steps": self.steps.T,
            "tree_depth": np.ceil(np.log2(self.steps.T + 1)).astype(np.int64),
            "step_size": self.step_size.T,
            "jumped": self.jumped.T,
        }


class Chains:
    """Compiled functions of one likelihood, prior and settings; state, data and the measure's tables are arguments.

    `start(key, positions, potential, gradient, covariance, data, tables)` gives the state of all chains, their mass
    matrix the inverse of a first guess at the covariance; `potential(positions, data, tables)` is what it takes of the
    positions. `run(state, number, data, tables, proposal, proposed)` makes `number` steps (at most `chunk`), each after
    one of the points that `proposals` draws from the grid (or both None), and gives the state and `Draws`, of which the
    first `number` are filled. Warm-up is over when a state has made `settings.warmup` steps. The chains are dealt out
    to the devices, which never wait for each other: every one runs its own chains' trees.
    """

    def __init__(self, joint: JointModel, prior: Prior, settings: Settings, devices: Devices):
        from numpyro.infer.hmc import hmc

        self.joint, self.prior = joint, prior
        self.settings = settings
        self.potential = Potential(joint, prior, devices)
        self.proposals = Proposals(joint, prior, self.potential, settings.chunk, settings.chains, devices)
        self._initialise, self._step = hmc(potential_fn_gen=self._potential_of, algo="NUTS")
        # A resumed run never calls `start`, without which numpyro's `step` does not know its own settings.
        self.shapes = jax.eval_shape(self._start, *self._start_shapes())
        self.start = compile_quickly(self._start)
        mesh = mesh_of(devices)
        of_chain, of_draw, whole = PartitionSpec(AXIS), PartitionSpec(None, AXIS), PartitionSpec()
        state_specs = jax.tree.map(lambda _: of_chain, self.shapes)._replace(i=whole)
        self.run = compile_large(
            jax.shard_map(
                self._run,
                mesh=mesh,
                in_specs=(state_specs, whole, whole, whole, whole, of_draw),
                out_specs=(state_specs, of_draw),
                check_vma=False,
            )
        )
        self._places = jax.tree.map(lambda spec: NamedSharding(mesh, spec), state_specs)

    def place(self, state: Any) -> Any:
        """Put a state on the devices that run it."""
        return jax.tree.map(jax.device_put, state, self._places)

    def _potential_of(self, data: Data, tables: Tables) -> Callable[[Array], Array]:
        space = Space(self.joint, self.prior, tables)
        return lambda position: space.potential(position, data)

    def _start_shapes(self) -> tuple[Any, ...]:
        """Shapes of what `start` takes."""
        chains, size = self.settings.chains, Space(self.joint, self.prior).size
        positions = jax.ShapeDtypeStruct((chains, size), float)
        return (
            jax.eval_shape(lambda: jax.random.key(0)),
            positions,
            jax.ShapeDtypeStruct((chains,), float),
            positions,
            jax.ShapeDtypeStruct((size, size), float),
            self.joint.data_shapes,
            {},
        )

    def _start(
        self,
        key: Array,
        positions: Array,
        potential: Array,
        gradient: Array,
        covariance: Array,
        data: Data,
        tables: Tables,
    ) -> Any:
        state = jax.vmap(self._start_one, in_axes=(0, 0, 0, 0, None, None, None))(
            jax.random.split(key, self.settings.chains), positions, potential, gradient, covariance, data, tables
        )
        # The iteration is one number for all chains, so that adaptation is a branch, not a selection.
        return state._replace(i=jnp.zeros((), state.i.dtype))

    def _start_one(
        self,
        key: Array,
        position: Array,
        potential: Array,
        gradient: Array,
        covariance: Array,
        data: Data,
        tables: Tables,
    ) -> Any:
        from numpyro.infer.util import ParamInfo

        deepest = self.settings.max_tree_depth
        return self._initialise(
            ParamInfo(position, potential, gradient),
            self.settings.warmup,
            dense_mass=True,
            inverse_mass_matrix=covariance,
            target_accept_prob=self.settings.target_accept,
            max_tree_depth=(min(deepest, WARMUP_TREE_DEPTH), deepest),
            model_args=(data, tables),
            rng_key=key,
        )

    def _run(
        self,
        state: Any,
        number: Array,
        data: Data,
        tables: Tables,
        proposal: Proposal | None,
        proposed: Proposed | None,
    ) -> tuple[Any, Draws]:
        axes = jax.tree.map(lambda _: 0, state)._replace(i=None)
        together = jax.vmap(
            lambda s, o: self._advance(s, o, data, tables, proposal), in_axes=(axes, 0), out_axes=(axes, 0)
        )
        drawn = self.settings.room(*state.z.shape)

        def body(index: Array, carried: tuple[Any, Draws]) -> tuple[Any, Draws]:
            state, drawn = carried
            state, new = together(state, jax.tree.map(lambda x: x[index], proposed))
            return state, jax.tree.map(lambda all_, one: all_.at[index].set(one), drawn, new)

        return jax.lax.fori_loop(0, number, body, (state, drawn))

    def _advance(
        self, state: Any, proposed: Proposed | None, data: Data, tables: Tables, proposal: Proposal | None
    ) -> tuple[Any, Draws]:
        """One jump, where a point is proposed, and one step of NUTS, of one chain."""
        jumped = jnp.array(False)
        if proposed is not None and proposal is not None:
            state, jumped = self._jump(state, proposed, proposal)
        new = self._step(state, (data, tables), {})
        return new, Draws(
            new.z,
            new.potential_energy,
            new.energy,
            new.accept_prob,
            new.num_steps,
            new.diverging,
            jumped,
            new.adapt_state.step_size,
        )

    def _jump(self, state: Any, proposed: Proposed, proposal: Proposal) -> tuple[Any, Array]:
        space = Space(self.joint, self.prior)
        # Both densities in (u, pulls); the Jacobian of z cancels.
        log_density = -state.potential_energy - log_jacobian(state.z[: space.dimensions])
        log_weight = log_density - proposal.log_prob(*space.split(state.z))
        finite = jnp.isfinite(proposed.potential) & jnp.all(jnp.isfinite(proposed.gradient))
        accept = finite & (proposed.log_uniform < proposed.log_weight - log_weight)
        here, there = (state.z, state.potential_energy, state.z_grad), proposed[:3]
        z, potential, gradient = (jnp.where(accept, new, old) for new, old in zip(there, here, strict=True))
        return state._replace(z=z, potential_energy=potential, z_grad=gradient), accept


def to_arrays(state: Any) -> dict[str, Any]:
    """Leaves of a state as plain arrays, by number, to be written."""
    leaves = jax.tree.leaves(state)
    return {f"state_{k}": jax.random.key_data(x) if _is_key(x) else x for k, x in enumerate(leaves)}


def from_arrays(shapes: Any, arrays: Mapping[str, Any]) -> Any:
    """Inverse of `to_arrays`; `shapes` is a state, or its shapes, of the same settings."""
    leaves, structure = jax.tree.flatten(shapes)
    restored = []
    for k, leaf in enumerate(leaves):
        array = jnp.asarray(arrays[f"state_{k}"])
        restored.append(jax.random.wrap_key_data(array) if _is_key(leaf) else array)
    return jax.tree.unflatten(structure, restored)


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
