"""How cost grows: with bins, nuisances, chains, devices; and that memory does not grow with the grid."""

from typing import Any

from benchmarks.setup import SEVEN, batched, likelihood, points
from benchmarks.timing import CACHED, Call, Case

_BATCH = 256
_PAIR = ("na64mu", "ess10")


def _timed(like: Any) -> Call:
    import jax

    photons, pulls = points(like, _BATCH)
    function = batched(like, True, None)

    def call() -> dict[str, Any]:
        jax.block_until_ready(function(photons, pulls, like.data))
        return {"nuisances": len(like.nuisances), "bins": sum(e.n_bins for e in like.experiments)}

    return call


def _bins(number: int) -> Call:
    import numpy as np

    import lmtbayes as lmt

    exp = lmt.experiment("ess", bin_edges=np.linspace(20.0, 100.0, number + 1))
    return _timed(lmt.JointLikelihood([exp], lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"])))


def _chains(number: int, devices: int = 1) -> Call:
    import jax

    import lmtbayes as lmt

    like = likelihood(_PAIR)
    prior = lmt.priors.default(like.model)

    def call() -> dict[str, Any]:
        posterior = lmt.sample_posterior(
            like,
            prior,
            method=lmt.methods.Nuts(chains=number, warmup=200, draws=200),
            progress=False,
            devices=jax.devices()[:devices],
        )
        return {"gradients": int(posterior["sample_stats"]["n_steps"].sum()), "devices": devices}

    return call


def _grid(size: int) -> Call:
    """A grid whose points are made where they are used: memory is a batch's, not the grid's."""
    import jax
    import jax.numpy as jnp

    import lmtbayes as lmt

    like = likelihood(_PAIR)
    side = round(size ** (1.0 / 3.0))

    def one(index: Any, data: Any) -> Any:
        x = jnp.stack([index % side, index // side % side, index // side**2]) / (side - 1.0)
        g_x = 10.0 ** (-5.0 + 3.0 * x[0])
        photon = lmt.HiddenPhoton(g_x, 10.0 ** (3.0 * x[1]), -g_x * 10.0 ** (-3.0 + 3.0 * x[2]))
        return like.log_density(photon, like.central_pulls, data)

    function = jax.jit(
        lambda data: jnp.max(jax.lax.map(lambda k: one(k, data), jnp.arange(side**3), batch_size=_BATCH))
    )

    def call() -> dict[str, Any]:
        return {"highest": float(function(like.data)), "grid": side}

    return call


_TWO = CACHED | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}

CASES = (
    *(
        Case(f"growth/bins of ess: {n}", lambda n=n: _bins(n), points=_BATCH, quick=n == 4, environment=CACHED)
        for n in (4, 16, 64, 256)
    ),
    Case("growth/seven experiments, no nuisances", lambda: _timed(likelihood(SEVEN, False)), _BATCH, quick=False),
    Case("growth/seven experiments, 21 nuisances", lambda: _timed(likelihood()), _BATCH, quick=False),
    *(
        Case(
            f"growth/NUTS chains of na64mu + ess10: {n}", lambda n=n: _chains(n), points=400 * n, repeats=1, quick=False
        )
        for n in (4, 128)
    ),
    *(
        Case(
            f"growth/32 NUTS chains on {n} virtual devices of two cores",
            lambda n=n: _chains(32, n),
            points=400 * 32,
            repeats=1,
            alone=True,
            cores=2,
            quick=False,
            environment=_TWO,
        )
        for n in (1, 2)
    ),
    *(
        Case(f"growth/memory of a grid of {n}^3", lambda n=n: _grid(n**3), n**3, repeats=0, alone=True, quick=n == 22)
        for n in (22, 100, 215)
    ),
)
