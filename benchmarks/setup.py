"""What the cases work on: the likelihoods, and points at which they are evaluated."""

from functools import cache
from typing import Any

SEVEN = ("na64mu", "cenns610", "ccm", "ess10", "ess", "darwin-nr", "darwin-er")
"""The joint likelihood: NA64mu, four spallation detectors, DARWIN through nuclear and electron recoils."""
COMBINED = ("na64mu", "ess", "ess10", "darwin-nr")
"""The combined fit: what `lmtbayes fit` does unless told otherwise."""


@cache
def likelihood(names: tuple[str, ...] = SEVEN, nuisances: bool = True) -> Any:
    """Joint likelihood of experiments, Asimov data of BP1, DARWIN above 1 keV."""
    import lmtbayes as lmt

    more: dict[str, Any] = {} if nuisances else {"nuisances": ()}
    experiments = [
        lmt.experiment(name, **({"threshold_kev": 1.0} if name.startswith("darwin") else {}), **more) for name in names
    ]
    return lmt.JointLikelihood(experiments, lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"]))


def points(like: Any, size: int) -> tuple[Any, Any]:
    """Photons over the default prior, and pulls half a standard deviation wide."""
    import jax.numpy as jnp
    import numpy as np

    import lmtbayes as lmt

    prior = lmt.priors.default(like.model)
    rng = np.random.default_rng(1)
    photons = prior.photon(prior.from_unit_cube(jnp.asarray(rng.random((size, len(prior.names)))))).broadcast()
    return photons, jnp.asarray(0.5 * rng.standard_normal((size, len(like.nuisances))))


@cache
def batched(like: Any, gradient: bool, batch_size: int | None) -> Any:
    """Compile ln L, or ln L with its gradient, over many points: all at once, or `batch_size` at a time."""
    import jax

    function = jax.value_and_grad(like.log_density, argnums=(0, 1)) if gradient else like.log_density
    if batch_size is None:
        return jax.jit(jax.vmap(function, in_axes=(0, 0, None)))
    return jax.jit(
        lambda photons, pulls, data: jax.lax.map(
            lambda x: function(x[0], x[1], data), (photons, pulls), batch_size=batch_size
        )
    )
