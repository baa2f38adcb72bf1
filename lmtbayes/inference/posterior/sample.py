"""sample_posterior: chains from the posterior's grid, in resumable chunks, to an arviz DataTree."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._version import versions
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.coordinates import Space, space_of
from lmtbayes.inference.devices import Devices, resolve_devices
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.integration.pareto import HEAVY
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.integration.refine import is_resolved, posterior_grid
from lmtbayes.inference.integration.walks import OUTSIDE, part_outside
from lmtbayes.inference.integration.weighing import defended
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.posterior.checkpoint import Checkpoint, checked
from lmtbayes.inference.posterior.choice import choose
from lmtbayes.inference.posterior.independent_chains import IndependentDraws, draw_independent
from lmtbayes.inference.posterior.method import METHODS, Auto, Independence, Nuts, one_way_only
from lmtbayes.inference.posterior.nuts import Draws
from lmtbayes.inference.posterior.run import Bar, Run
from lmtbayes.inference.posterior.running import draw_chains
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr


@one_way_only
def sample_posterior(
    like: JointLikelihood,
    prior: Prior,
    seed: int = 0,
    *,
    method: str | Auto | Nuts | Independence | None = None,
    chains: int = Auto.chains,
    warmup: int = Auto.warmup,
    draws: int = Auto.draws,
    target_accept: float | None = None,
    max_tree_depth: int | None = None,
    init: str | None = None,
    jumps: bool | None = None,
    grid_check: bool = True,
    chunk: int = 100,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    devices: Sequence[Any] | None = None,
) -> "xr.DataTree":
    """Sample the posterior of the boson's parameters and the nuisances.

    An adaptive grid of the posterior (`posterior_grid`) proposes points, which the Metropolis-Hastings rule accepts or
    not: that takes chains between modes that do not touch, with the weights the modes have, and makes draws almost
    independent. Where proposals are good, chains are made of them alone (`Independence`); else (`Nuts`) every proposal
    follows a step of NUTS with a dense mass matrix, in the pulls and in the logits of the prior's quantiles, or, where
    the posterior has no width in those, of the quantiles of a measure in which it has. Which it is, the weights of a
    first block of proposals decide (`Auto`), and `sample_stats` says. With `jumps=False` the chains are NUTS alone;
    disconnected modes then keep the weights of the starts, which are dealt out mode by mode, so that they are right to
    1/(2 chains) at best.

    Everything that runs long is compiled once for a likelihood: another seed, or `like.with_data(...)`, reuses it.

    Parameters
    ----------
    like, prior
        Of one model; the prior has 2 or 3 coordinates.
    seed
        Equal seeds give equal draws on the same machine.
    method
        An `Auto`, `Nuts` or `Independence` of lmtbayes.methods, or the word "auto", "nuts" or "independence" for one
        with its default settings; None where settings are given as keywords.
    chains, warmup, draws
        As of `Auto`.
    target_accept, max_tree_depth, init, jumps
        As of `Nuts`, which is run where one of them is given.
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
        A setting out of range, or given twice; a prior of another model; a checkpoint in a folder that does not exist,
        or for a likelihood or prior with code of the user's own that cannot be told from other code and has no
        `identity`.
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
    of_nuts = {"target_accept": target_accept, "max_tree_depth": max_tree_depth, "init": init, "jumps": jumps}
    method = _method(method, {"chains": chains, "warmup": warmup, "draws": draws}, of_nuts)
    _checks.whole("seed", seed, 0)
    _checks.whole("chunk", chunk)
    for name, switch in {"grid_check": grid_check, "progress": progress}.items():
        _checks.switch(name, switch)
    path = None if checkpoint is None else checked(checkpoint)
    used = _devices_for(method.chains, devices)
    space_of(like, prior)  # refuses what does not belong together, before anything runs
    settings = _settings(like, prior, int(seed), method, int(chunk))
    try:
        identity = fingerprint(like, prior, settings)
    except InvalidArgument:
        if path is not None:
            raise
        identity = ""
    file = None if path is None else Checkpoint(path, identity, settings)
    saved = None if file is None else file.load()
    began = time.perf_counter()
    with Bar(method.warmup + method.draws, progress) as bar:
        grid, measure = None, prior
        if not isinstance(method, Nuts) or method.jumps or grid_check or method.init == "grid":
            bar.say("grid")
            grid = posterior_grid(
                like, prior, progress=lambda cells, _: bar.say(f"grid of {cells} cells"), devices=devices
            )
            measure = grid.measure
        space = Space(like.joint, prior, measure)
        run = Run(int(seed), int(chunk), saved, file, bar, used)
        drawn, about = _drawn(space, like.data, grid, method, run)
        bar.say("summary")
        # arviz and xarray: a bare import of the package must start fast.
        from lmtbayes.inference.posterior.datatree import to_datatree

        tree = to_datatree(
            space,
            like.data,
            grid if grid_check else None,
            drawn.position,
            drawn.statistics(),
            about,
            settings,
            identity,
            time.perf_counter() - began,
        )
    if progress:
        print(tree.attrs["verdict"])
    return tree


def _method(
    method: str | Auto | Nuts | Independence | None, settings: dict[str, Any], of_nuts: dict[str, Any]
) -> Auto | Nuts | Independence:
    """Return the method that is meant by an argument, or else by keywords."""
    if method is None:
        given = {name: value for name, value in of_nuts.items() if value is not None}
        return Nuts(**settings, **given) if given else Auto(**settings)
    if isinstance(method, str):
        _checks.one_of("method", method, METHODS)
        return METHODS[method]()
    if not isinstance(method, Auto | Nuts | Independence):
        raise _checks.invalid("method", method, "an Auto, Nuts or Independence of lmtbayes.methods, its word, or None")
    return method


def _drawn(
    space: Space, data: Data, grid: PosteriorGrid | None, method: Auto | Nuts | Independence, run: Run
) -> tuple[Draws | IndependentDraws, dict[str, Any]]:
    """Draws by a method, and what is said of it beside them."""
    chosen = method
    if isinstance(method, Auto):
        assert grid is not None
        chosen = _begun(method, run.saved) or choose(space, data, grid, method, run.seed, run.devices)
    if isinstance(chosen, Independence):
        assert grid is not None
        run.bar.expect(chosen.warmup + chosen.draws)
        independent = draw_independent(space, data, grid, chosen, run)
        draws, largest = independent.position.reshape(-1, space.size), independent.log_weights.max()
        outside = part_outside(space, data, defended(grid.proposal), draws, largest, (run.seed, 5), run.devices)
        if not isinstance(method, Auto) or (independent.pareto_k <= HEAVY and outside <= OUTSIDE):
            about = {"thin": chosen.thin, "pareto_k": independent.pareto_k, "outside": outside}
            return independent, {"method": "independence", "grid_resolved": int(is_resolved(grid)), **about}
        chosen, run = method.nuts, dataclasses.replace(run, saved=None)
    assert isinstance(chosen, Nuts)
    run.bar.expect(chosen.warmup + chosen.draws)
    return draw_chains(space, data, grid, chosen, run), {"method": "nuts", "max_tree_depth": chosen.tree_depth}


def _begun(method: Auto, saved: dict[str, np.ndarray] | None) -> Independence | Nuts | None:
    """What a checkpoint's run chose."""
    if saved is None:
        return None
    return method.independence(int(saved["thin"])) if "thin" in saved else method.nuts


def _settings(
    like: JointLikelihood, prior: Prior, seed: int, method: Auto | Nuts | Independence, chunk: int
) -> dict[str, Any]:
    """All that draws depend on but the likelihood and the prior themselves: attributes, and identity of a file."""
    if isinstance(method, Nuts):
        own = dataclasses.asdict(method) | {"max_tree_depth": method.tree_depth}
    else:
        own = {"method": type(method).__name__.lower(), **dataclasses.asdict(method)}
    return {
        "seed": seed,
        **own,
        "chunk": chunk,
        "model": repr(like.model),
        "prior": repr(prior),
        "experiments": ",".join(e.name for e in like.experiments),
        **versions(),
    }


def _devices_for(chains: int, devices: Sequence[Any] | None) -> Devices:
    """Devices that can take the same number of chains each."""
    used = resolve_devices(devices)
    if devices is None:
        return used[: max(n for n in range(1, len(used) + 1) if chains % n == 0)]
    if chains % len(used):
        raise _checks.invalid("devices", devices, f"a number of devices that divides the {chains} chains")
    return used
