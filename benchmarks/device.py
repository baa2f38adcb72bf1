"""What an accelerator is for: large batches. The same cases run on a CPU, where fewer points are asked of them.

One process, so that what is compiled for one case is there for the next; on one GPU all of them are meant to take less
than ten minutes:

    python -m benchmarks --only device/ --history benchmarks/history

The numbers themselves are checked too: `device/equal to the CPU's` compares values and gradients with a CPU's in the
same process.
"""

from functools import cache
from typing import Any

from benchmarks.fits import evidence_of, posterior_by
from benchmarks.setup import COMBINED, SEVEN, batched, likelihood, points
from benchmarks.timing import Call, Case

_PAIR = ("na64mu", "ess10")


@cache
def accelerated() -> bool:
    """Whether jax computes on something else than a CPU."""
    import jax

    return bool(jax.devices()[0].platform != "cpu")


def _size(of_an_accelerator: int, of_a_core: int) -> int:
    return of_an_accelerator if accelerated() else of_a_core


def _evaluate(gradient: bool) -> Call:
    import jax

    like, size = likelihood(SEVEN), _size(262_144, 4096)
    photons, pulls = points(like, size)
    function = batched(like, gradient, None if accelerated() else 256)

    def call() -> dict[str, Any]:
        jax.block_until_ready(function(photons, pulls, like.data))
        return {"points": size}

    return call


def _observed(gradient: bool) -> Call:
    """All published data, as `lmtbayes fit --data observed` combines them."""
    import jax

    import lmtbayes as lmt
    from lmtbayes.jobs.today import published

    like = lmt.JointLikelihood(published(), lmt.LMU_LTAU, "observed", check=False)
    size = _size(4096, 128)
    photons, pulls = points(like, size)
    function = batched(like, gradient, None)

    def call() -> dict[str, Any]:
        jax.block_until_ready(function(photons, pulls, like.data))
        return {"points": size, "nuisances": len(like.nuisances)}

    return call


def _equal() -> Call:
    """Largest relative differences between this device and a CPU: of ln L, and of its gradient to its own length."""
    import jax
    import numpy as np

    like = likelihood(SEVEN)
    arguments = (*points(like, 256), like.data)
    function = batched(like, True, None)

    def call() -> dict[str, Any]:
        here = jax.tree.map(np.asarray, function(*arguments))
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            there = jax.tree.map(np.asarray, batched(like, True, 256)(*jax.tree.map(np.asarray, arguments)))
        slopes = [np.column_stack([*jax.tree.leaves(x[1])]) for x in (here, there)]
        scale = np.max(np.abs(slopes[1]), axis=1, keepdims=True)
        return {
            "values": float(np.max(np.abs(here[0] / there[0] - 1.0))),
            "gradients": float(np.max(np.abs(slopes[0] - slopes[1]) / scale)),
        }

    return call


def _grid(names: tuple[str, ...], nuisances: str, side: int, of_a_core: int) -> Call:
    import numpy as np

    import lmtbayes as lmt

    like, side = likelihood(names), _size(side, of_a_core)
    g_x, mass, kappa = (np.geomspace(*edges, side) for edges in ((1e-5, 1e-2), (1.0, 1000.0), (1e-3, 1.0)))
    photon = lmt.HiddenPhoton(g_x[:, None], mass[:, None, None], -kappa * g_x[:, None])
    converged = np.empty(photon.shape, dtype=bool)

    def call() -> dict[str, Any]:
        lmt.log_likelihood_at(like, photon, nuisances=nuisances, converged=converged)
        return {"points": side**3, "converged": float(converged.mean())}

    return call


def _profile() -> Call:
    import numpy as np

    import lmtbayes as lmt

    like, side = likelihood(COMBINED), _size(100, 20)
    grid = {"g_x": np.geomspace(1e-4, 3e-3, side), "mass": np.geomspace(5.0, 60.0, side)}

    def call() -> dict[str, Any]:
        profile = lmt.profile_likelihood(like, grid)
        return {"cells": side**2, "not_converged": int((profile["status"] == 2).sum())}

    return call


def _feldman_cousins() -> Call:
    """Critical values over a plane: of 20 x 20 truths x 1000 toys a fortieth on an accelerator, far less on a core."""
    import numpy as np

    import lmtbayes as lmt

    like = likelihood(COMBINED)
    truths, toys = (5, 2), _size(1000, 100)
    grid = {"mass": np.geomspace(5.0, 60.0, truths[0]), "g_x": np.geomspace(1e-4, 3e-3, truths[1])}

    def call() -> dict[str, Any]:
        found = lmt.feldman_cousins(like, grid, toys, levels=(0.6827,), rounds=0)
        return {"toys": truths[0] * truths[1] * found.toys}

    return call


CASES = (
    Case("device/value, seven experiments", lambda: _evaluate(False)),
    Case("device/gradient, seven experiments", lambda: _evaluate(True)),
    Case("device/equal to the CPU's", _equal, repeats=0),
    Case("device/value, all published data", lambda: _observed(False), quick=False),
    Case("device/gradient, all published data", lambda: _observed(True), quick=False),
    Case("device/posterior, default settings", posterior_by("Auto"), repeats=1, quick=False),
    Case(
        "device/posterior, 4096 independence chains of 50",
        posterior_by("Independence", chains=4096, draws=50),
        repeats=1,
        quick=False,
    ),
    Case(
        "device/NUTS, 512 chains of 150 + 150",
        posterior_by("Nuts", chains=512, warmup=150, draws=150),
        repeats=1,
        quick=False,
    ),
    Case("device/evidence by cubature", evidence_of("Cubature", rtol=0.01), repeats=1, quick=False),
    Case("device/evidence by importance", evidence_of("Importance"), repeats=1, quick=False),
    Case("device/evidence by nested slices", evidence_of("Nss"), repeats=1, quick=False),
    Case("device/profile", _profile, repeats=1, quick=False),
    Case("device/Feldman-Cousins", _feldman_cousins, repeats=1, quick=False),
    Case("device/log_likelihood_at, pair", lambda: _grid(_PAIR, "central", 464, 60), repeats=1, quick=False),
    Case("device/log_likelihood_at, seven", lambda: _grid(SEVEN, "central", 200, 20), repeats=1, quick=False),
    Case("device/the same, marginalised", lambda: _grid(SEVEN, "marginalised", 100, 8), repeats=1, quick=False),
)
