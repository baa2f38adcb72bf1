"""Chains run chunk by chunk from their starts, or from where a checkpoint ends."""

from typing import Any

import jax
import numpy as np

from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.posterior.checkpoint import Checkpoint
from lmtbayes.inference.posterior.method import Nuts
from lmtbayes.inference.posterior.nuts import Chains, Draws, Settings, from_arrays, to_arrays
from lmtbayes.inference.priors import Prior


def run_chains(space: Space, settings: Settings, devices: Devices) -> Chains:
    """Return the compiled chains of a likelihood and prior, made once."""
    return space.joint.compiled(_chains, space.prior, settings, devices)


def _chains(joint: JointModel, prior: Prior, settings: Settings, devices: Devices) -> Chains:
    return Chains(joint, prior, settings, devices)


def draw_chains(
    space: Space,
    data: Data,
    grid: PosteriorGrid | None,
    method: Nuts,
    *,
    seed: int,
    chunk: int,
    saved: dict[str, np.ndarray] | None,
    file: Checkpoint | None,
    bar: "Bar",
    devices: Devices,
) -> Draws:
    """All draws after warm-up, leading axes (draw, chain).

    Parameters
    ----------
    space, data, grid, method
        Coordinates, counts, where to start and to jump to (None: starts from the prior, no jumps), settings.
    seed, chunk
        Steps between two files.
    saved, file
        What a checkpoint held, and where to write one; None without.
    bar, devices
        Is told how far it is; those that share the chains.
    """
    compiled = run_chains(
        space,
        Settings(method.chains, method.warmup, chunk, method.target_accept, method.tree_depth, method.jumps),
        devices,
    )
    # From NumPy: splitting a key would be functions to compile.
    numbers = np.random.default_rng(seed).integers(2**63, size=3).tolist()
    key, proposal_key, start_key = (jax.random.key(number) for number in numbers)
    proposal, tables = grid.proposal if grid is not None and method.jumps else None, space.tables
    total, done, parts = method.warmup + method.draws, 0, []
    if saved is None:
        bar.say("compiling")
        state = _start(compiled, space, data, grid, method, seed, key, start_key)
    else:
        state = from_arrays(compiled.shapes, saved)
        done = int(saved["done"])
        parts = [Draws(*(saved[f"draws_{name}"] for name in Draws._fields))]
        bar.advance(done)
    state = compiled.place(state)
    try:
        while done < total:
            steps = min(chunk, total - done)
            proposed = None if proposal is None else compiled.proposals(proposal_key, done, proposal, data, tables)
            state, new = compiled.run(state, np.asarray(steps), data, tables, proposal, proposed)
            new = jax.tree.map(lambda x, n=steps: np.asarray(x)[:n], new)
            unused = min(max(method.warmup - done, 0), steps)
            done += steps
            parts.append(jax.tree.map(lambda x, k=unused: x[k:], new))
            if file is not None:
                parts = [_joined(parts)]
                drawn = {f"draws_{name}": value for name, value in parts[0]._asdict().items()}
                file.save(to_arrays(state) | drawn | {"done": np.array(done)})
            divergences = int(_joined(parts).diverging.sum())
            bar.say("warm-up" if done <= method.warmup else f"sampling, {divergences} divergences")
            bar.advance(steps)
    except KeyboardInterrupt as interrupt:
        kept = "nothing was kept: give checkpoint=FILE" if file is None else f"the same call goes on from {file.path}"
        interrupt.add_note(f"stopped after {done} of {total} steps; {kept}")
        raise
    return _joined(parts)


def _start(
    compiled: Chains,
    space: Space,
    data: Data,
    grid: PosteriorGrid | None,
    method: Nuts,
    seed: int,
    key: Any,
    start_key: Any,
) -> Any:
    """State of all chains at their starts: draws of the grid, or of the prior."""
    if method.init == "grid" and grid is not None:
        unit, pulls = grid.starts(method.chains, seed)
    else:
        unit, pulls = (np.asarray(x) for x in space.draw_prior(start_key, method.chains))
    covariance = np.eye(space.size) if grid is None else covariance_of(space, grid)
    positions = space.join(unit, pulls)
    potential, gradient = compiled.potential(positions, data, space.tables)
    return compiled.start(key, positions, potential, gradient, covariance, data, space.tables)


def covariance_of(space: Space, grid: PosteriorGrid, draws: int = 4096) -> np.ndarray:
    """Covariance of (z, pulls) under the grid's posterior, a little inflated on the diagonal."""
    position = space.join(*grid.starts(draws, seed=0))
    return np.cov(position.T) + 1e-6 * np.eye(space.size)


def _joined(parts: list[Draws]) -> Draws:
    return Draws(*(np.concatenate(column) for column in zip(*parts, strict=True)))


class Bar:
    """A progress bar on the standard error where that is a terminal, or nothing."""

    def __init__(self, total: int, show: bool):
        from tqdm.std import tqdm

        self.bar = tqdm(total=total, unit="step", disable=None if show else True, dynamic_ncols=True)

    def say(self, text: str) -> None:
        """Show what is being done."""
        self.bar.set_description(text)

    def advance(self, steps: int) -> None:
        """So many steps more are done."""
        self.bar.update(steps)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()
