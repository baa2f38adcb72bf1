"""The starts of one fit as part of a larger traced function, as that of toys: a scan of its box, batched by `vmap`.

What is evaluated by the host instead scans with what is compiled already (`scan`).
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lmtbayes.inference.frequentist.box import peaks, photon_at, scan
from lmtbayes.inference.frequentist.maximise import linearised_conditional, regularised
from lmtbayes.inference.likelihood.model import Data, JointModel

SCAN_STEPS = 1
"""Newton steps on the nuisances at each point of a scan. One is enough where data allow a boson, as at the best fits of
toys; where they forbid it by dozens in ln L three rank points better (`laplace_at_many.RANKING_STEPS`)."""


def starts_of_scan(
    joint: JointModel, fixed: Mapping[str, Array], axes: Mapping[str, Array], starts: int, data: Data
) -> tuple[Float[Array, "starts free_and_pulls"], Float[Array, " starts"], Bool[Array, " starts"]]:
    """Scan the product of axes, the nuisances optimised at every point; to be traced.

    Returns
    -------
    z, log_likelihood, promising
        Of the highest maxima: coordinates of the axes, in their order, and pulls; ln L; and as `peaks` says.
    """

    def at(point: dict[str, Array]) -> tuple[Array, Array]:
        return linearised_conditional(joint, photon_at(joint.model, {**fixed, **point}), data, SCAN_STEPS)

    if axes:
        values, pulls = scan(at, axes)
        index, log_likelihood, promising = peaks(values, starts)
        begin = jnp.stack([axis[index[:, i]] for i, axis in enumerate(axes.values())], axis=-1)
        begin_pulls = pulls[tuple(index.T)]
    else:
        value, pulls = at({})
        log_likelihood, promising = value[None], jnp.ones(1, dtype=bool)
        begin, begin_pulls = jnp.zeros((1, 0)), pulls[None]
    # The optimum of linearised counts may lie where rates mean nothing.
    begin_pulls = jax.vmap(
        lambda b, p: regularised(joint, photon_at(joint.model, {**fixed, **dict(zip(axes, b, strict=True))}), p, data)
    )(begin, begin_pulls)
    return jnp.concatenate([begin, begin_pulls], axis=-1), log_likelihood, promising
