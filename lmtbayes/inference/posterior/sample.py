"""sample_posterior: NUTS chains started from the posterior's grid, in resumable chunks, to an arviz DataTree."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from lmtbayes import _checks
from lmtbayes._version import versions
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.coordinates import Space, space_of
from lmtbayes.inference.devices import Devices, resolve_devices
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.posterior import checkpoint as checkpoints
from lmtbayes.inference.posterior.nuts import Chains, Draws, Settings, from_arrays, to_arrays
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

INITIALISATIONS = ("grid", "prior")
TREE_DEPTH = {True: 5, False: 8}
"""Cap on the depth of NUTS's trees, with jumps and without."""
LEAST_WARMUP, LEAST_DRAWS = 10, 4
"""Steps and draws of a chain below which nothing can be adapted or judged."""


def sample_posterior(
    like: JointLikelihood,
    prior: Prior,
    seed: int = 0,
    *,
    chains: int = 16,
    warmup: int = 500,
    draws: int = 500,
    target_accept: float = 0.95,
    max_tree_depth: int | None = None,
    init: str = "grid",
    jumps: bool = True,
    grid_check: bool = True,
    chunk: int = 100,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    devices: Sequence[Any] | None = None,
) -> "xr.DataTree":
    """Sample the posterior of the boson's parameters and the nuisances.

    NUTS with a dense mass matrix, in the pulls and in the logits of the prior's quantiles, or, where the posterior has
    no width in those, of the quantiles of a measure in which it has. Each step is followed by one
    jump that is proposed from an adaptive grid of the posterior (`posterior_grid`) and accepted by the
    Metropolis-Hastings rule: it takes chains between modes that do not touch, with the weights the modes have, and
    makes draws almost independent. With `jumps=False` the chains are NUTS alone; disconnected modes then keep the
    weights of the starts, which are dealt out mode by mode, so that they are right to 1/(2 chains) at best.

    Everything that runs long is compiled once for a likelihood: another seed, or `like.with_data(...)`, reuses it.

    Parameters
    ----------
    like, prior
        Of one model; the prior has 2 or 3 coordinates.
    seed
        Equal seeds give equal draws on the same machine.
    chains, warmup, draws
        Chains run side by side; steps of adaptation, then draws, of each.
    target_accept, max_tree_depth
        Of NUTS. By default trees end at depth 5, since jumps make the draws independent and NUTS has to explore a mode
        only locally (8 takes twice the time or more for the same effective number of draws), and at 8 without jumps.
    init
        "grid" starts the chains at draws of the grid; "prior" at draws of the prior (to see what goes wrong then).
    jumps
        Whether NUTS steps alternate with jumps.
    grid_check
        Compare every marginal of the chains with the grid's and put it into the verdict: the one diagnostic that
        catches a missed mode. Without it, without `jumps` and with `init="prior"`, no grid is made.
    chunk
        Steps between two looks at the keyboard, at the progress bar and, with a checkpoint, two files.
    checkpoint
        File that holds the run so far, replaced after each chunk. The same call goes on where the file ends, also
        after the process was killed, and gives the draws that the uninterrupted run gives, bit for bit. It is kept.
    progress
        Show a bar and print the verdict.
    devices
        Devices of jax over which the chains are dealt out evenly, and the cells of the grid; by default as many of this
        machine's as divide the chains. Draws are those of one device to rounding, which grows along a chain: in a long
        one they end as other draws of the same posterior.

    Returns
    -------
    posterior
        DataTree with groups posterior (g_x, mass [MeV], eps_x, log10_g_x, log10_mass, log10_kappa where mixing is free,
        nuisances by physical value), unconstrained_posterior (z and pulls), sample_stats, log_likelihood, log_prior (by
        coordinate and nuisance), posterior_predictive, prior, prior_predictive, observed_data, constant_data, and grid
        (marginals, modes).
        `print(posterior.attrs["verdict"])` says whether to trust it.

    Raises
    ------
    InvalidArgument
        A setting out of range; a prior of another model; a checkpoint in a folder that does not exist, or for a
        likelihood or prior with code of the user's own that cannot be told from other code and has no `identity`.
    CheckpointError
        The checkpoint belongs to another run, or is no checkpoint.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> posterior = lmt.sample_posterior(
    ...     like, lmt.priors.default(model), chains=4, warmup=50, draws=50, progress=False
    ... )
    >>> dict(posterior.posterior.sizes)
    {'chain': 4, 'draw': 50}
    """
    max_tree_depth = TREE_DEPTH[bool(jumps)] if max_tree_depth is None else max_tree_depth
    _check_settings(
        seed, chains, warmup, draws, target_accept, max_tree_depth, init, chunk, jumps, grid_check, progress
    )
    # A NumPy integer is no JSON.
    seed, chains, warmup, draws, chunk = int(seed), int(chains), int(warmup), int(draws), int(chunk)
    max_tree_depth = int(max_tree_depth)
    path = None if checkpoint is None else checkpoints.checked(checkpoint)
    used = _devices_for(chains, devices)
    space_of(like, prior)  # refuses what does not belong together, before anything runs
    settings = {
        "seed": seed,
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "target_accept": float(target_accept),
        "max_tree_depth": max_tree_depth,
        "init": init,
        "jumps": jumps,
        "chunk": chunk,
        "model": repr(like.model),
        "prior": repr(prior),
        "experiments": ",".join(e.name for e in like.experiments),
        **versions(),
    }
    try:
        identity = fingerprint(like, prior, settings)
    except InvalidArgument:
        if path is not None:
            raise
        identity = ""
    saved = None if path is None else checkpoints.load(path, identity, settings)
    began = time.perf_counter()
    with _Bar(warmup + draws, progress) as bar:
        grid, measure = None, prior
        if jumps or grid_check or init == "grid":
            bar.say("grid")
            grid = posterior_grid(
                like, prior, progress=lambda cells, _: bar.say(f"grid of {cells} cells"), devices=devices
            )
            measure = grid.measure
        space = Space(like.joint, prior, measure)
        drawn = _run(space, like.data, grid, settings, saved, path, identity, bar, used)
        bar.say("summary")
        from lmtbayes.inference.posterior.datatree import build

        tree = build(
            space, like.data, grid if grid_check else None, drawn, settings, identity, time.perf_counter() - began
        )
    if progress:
        print(tree.attrs["verdict"])
    return tree


def covariance_of(space: Space, grid: PosteriorGrid, draws: int = 4096) -> np.ndarray:
    """Covariance of (z, pulls) under the grid's posterior, a little inflated on the diagonal."""
    position = space.join(*grid.starts(draws, seed=0))
    return np.cov(position.T) + 1e-6 * np.eye(space.size)


def run_chains(space: Space, settings: Settings, devices: Devices) -> Chains:
    """Return the compiled chains of a likelihood and prior, made once."""
    return space.joint.compiled(_chains, space.prior, space.measure, settings, devices)


def _chains(joint: JointModel, prior: Prior, measure: Prior, settings: Settings, devices: Devices) -> Chains:
    return Chains(Space(joint, prior, measure), settings, devices)


def _run(
    space: Space,
    data: Data,
    grid: PosteriorGrid | None,
    settings: dict[str, Any],
    saved: dict[str, np.ndarray] | None,
    path: Path | None,
    identity: str,
    bar: "_Bar",
    devices: Devices,
) -> Draws:
    """All draws after warm-up, leading axes (draw, chain)."""
    number, warmup, chunk = settings["chains"], settings["warmup"], settings["chunk"]
    compiled = run_chains(
        space,
        Settings(number, warmup, chunk, settings["target_accept"], settings["max_tree_depth"], bool(settings["jumps"])),
        devices,
    )
    # From NumPy: splitting a key would be functions to compile.
    numbers = np.random.default_rng(settings["seed"]).integers(2**63, size=3).tolist()
    key, jump_key, start_key = (jax.random.key(number) for number in numbers)
    proposal = grid.proposal if grid is not None and settings["jumps"] else None
    done, parts = 0, []
    if saved is None:
        bar.say("compiling")
        if settings["init"] == "grid" and grid is not None:
            unit, pulls = grid.starts(number, settings["seed"])
        else:
            unit, pulls = (np.asarray(x) for x in space.draw_prior(start_key, number))
        covariance = np.eye(space.size) if grid is None else covariance_of(space, grid)
        positions = space.join(unit, pulls)
        potential, gradient = compiled.potential(positions, data)
        state = compiled.start(key, positions, potential, gradient, covariance, data)
    else:
        state = from_arrays(compiled.shapes, saved)
        done = int(saved["done"])
        parts = [Draws(*(saved[f"draws_{name}"] for name in Draws._fields))]
        bar.advance(done)
    state = compiled.place(state)
    try:
        while done < warmup + settings["draws"]:
            steps = min(chunk, warmup + settings["draws"] - done)
            jumps = None if proposal is None else compiled.offers(jump_key, done, proposal, data)
            state, new = compiled.run(state, np.asarray(steps), data, proposal, jumps)
            new = jax.tree.map(lambda x, n=steps: np.asarray(x)[:n], new)
            unused = min(max(warmup - done, 0), steps)
            done += steps
            parts.append(jax.tree.map(lambda x, k=unused: x[k:], new))
            if path is not None:
                parts = [_joined(parts)]
                drawn = {f"draws_{name}": value for name, value in parts[0]._asdict().items()}
                checkpoints.save(path, identity, settings, to_arrays(state) | drawn | {"done": np.array(done)})
            bar.say("warm-up" if done <= warmup else f"sampling, {int(_joined(parts).diverging.sum())} divergences")
            bar.advance(steps)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(
            f"stopped after {done} of {warmup + settings['draws']} steps; "
            + ("nothing was kept: give checkpoint=FILE" if path is None else f"the same call goes on from {path}")
        )
        raise
    return _joined(parts)


def _joined(parts: list[Draws]) -> Draws:
    return Draws(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _devices_for(chains: int, devices: Sequence[Any] | None) -> Devices:
    """Devices that can take the same number of chains each."""
    used = resolve_devices(devices)
    if devices is None:
        return used[: max(n for n in range(1, len(used) + 1) if chains % n == 0)]
    if chains % len(used):
        raise _checks.invalid("devices", devices, f"a number of devices that divides the {chains} chains")
    return used


def _check_settings(
    seed: int,
    chains: int,
    warmup: int,
    draws: int,
    target_accept: float,
    max_tree_depth: int,
    init: str,
    chunk: int,
    jumps: bool,
    grid_check: bool,
    progress: bool,
) -> None:
    for name, (value, least) in {
        "seed": (seed, 0),
        "chains": (chains, 1),
        "warmup": (warmup, LEAST_WARMUP),
        "draws": (draws, LEAST_DRAWS),
        "chunk": (chunk, 1),
        "max_tree_depth": (max_tree_depth, 1),
    }.items():
        _checks.whole(name, value, least)
    _checks.scalar("target_accept", target_accept)
    if not 0.0 < float(target_accept) < 1.0:
        raise _checks.invalid("target_accept", target_accept, "between 0 and 1, both excluded")
    for name, switch in {"jumps": jumps, "grid_check": grid_check, "progress": progress}.items():
        _checks.switch(name, switch)
    _checks.one_of("init", init, INITIALISATIONS)


class _Bar:
    """A progress bar on the standard error, or nothing."""

    def __init__(self, total: int, show: bool):
        from tqdm.std import tqdm

        self.bar = tqdm(total=total, unit="step", disable=not show, dynamic_ncols=True)

    def say(self, text: str) -> None:
        self.bar.set_description(text)

    def advance(self, steps: int) -> None:
        self.bar.update(steps)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()
