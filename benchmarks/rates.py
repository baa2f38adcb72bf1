"""The joint likelihood of seven experiments and 21 nuisances: time a point, and the floor under it."""

from typing import Any

from benchmarks.setup import batched, likelihood, points
from benchmarks.timing import Call, Case

_BATCH = 256
"""Points at a time beyond which a batch no longer fits the second-level cache."""
_WHOLE = 4096


def _evaluate(size: int, gradient: bool) -> Call:
    import jax

    like = likelihood()
    photons, pulls = points(like, size)
    # A single point as a batch of one; above `_BATCH` in pieces, as every method of the package does.
    function = batched(like, gradient, _BATCH if size > _BATCH else None)

    def call() -> None:
        jax.block_until_ready(function(photons, pulls, like.data))

    return call


def _counted(gradient: bool) -> Call:
    """What XLA counts in the function that is timed, and what a hand counts in the arrays."""
    like = likelihood()
    photons, pulls = points(like, _BATCH)
    compiled = batched(like, gradient, None).lower(photons, pulls, like.data).compile()
    cost = compiled.cost_analysis()
    cost = cost[0] if isinstance(cost, list) else cost

    def call() -> dict[str, Any]:
        return {
            "operations": cost["flops"] / _BATCH,
            "bytes": cost["bytes accessed"] / _BATCH,
            "transcendentals": cost.get("transcendentals", 0.0) / _BATCH,
            "by_hand": by_hand_count(like),
        }

    return call


def by_hand_count(like: Any) -> float:
    """Operations of a value that cannot be avoided with these nodes: contractions, and about 30 at every node."""
    total = 0.0
    for e in like.experiments:
        if hasattr(e, "recoil_counts"):
            total += 2.0 * e.recoil_counts.weights.size + 30.0 * e.recoil_counts.nodes.energy.size
        for kernel in getattr(e, "kernels", ()):
            total += 2.0 * (kernel.flat_weights.size + kernel.cosine_weights.size) + 60.0 * kernel.q2.size
        total += 20.0 * e.n_bins
    return total


def _multiply() -> Call:
    """A matrix product: the most operations a second that the core gives."""
    import jax
    import jax.numpy as jnp

    a = jnp.ones((768, 768))
    function = jax.jit(lambda x: x @ x)

    def call() -> dict[str, Any]:
        jax.block_until_ready(function(a))
        return {"operations": 2.0 * 768**3}

    return call


def _copy() -> Call:
    """A copy of 256 MiB: bytes read and written a second."""
    import numpy as np

    source = np.ones(2**24)
    target = np.empty_like(source)

    def call() -> dict[str, Any]:
        np.copyto(target, source)
        return {"bytes": 2.0 * source.nbytes}

    return call


def _sines() -> Call:
    """Sines of 4096 numbers: what a transcendental function costs."""
    import jax
    import jax.numpy as jnp

    x = jnp.linspace(0.0, 3.0, 4096)
    function = jax.jit(jnp.sin)

    def call() -> dict[str, Any]:
        jax.block_until_ready(function(x))
        return {"transcendentals": 4096.0}

    return call


_SIZES = {1: True, 16: False, 256: False, 4096: True, 65_536: False, 1_000_000: False}

CASES = (
    *(
        Case(
            f"likelihood/{'gradient' if gradient else 'value'}/{size}",
            lambda size=size, gradient=gradient: _evaluate(size, gradient),
            points=size,
            target=(40e-6 if gradient else 10e-6) if size == _WHOLE else None,
            repeats=15 if size <= _WHOLE else 1,
            quick=quick,
        )
        for gradient in (False, True)
        for size, quick in _SIZES.items()
    ),
    Case("likelihood/counted value/1", lambda: _counted(False), repeats=0),
    Case("likelihood/counted gradient/1", lambda: _counted(True), repeats=0),
    Case("likelihood/core: matrix product/1", _multiply),
    Case("likelihood/core: copy/1", _copy),
    Case("likelihood/core: sine/4096", _sines, points=4096),
)
