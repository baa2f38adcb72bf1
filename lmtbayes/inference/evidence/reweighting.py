"""Evidence for another prior, and posterior mass of a box, from the cells of one cubature.

With Z = int L(theta) p(theta) dtheta = int L p/w du over the quantiles u of a measure w (p itself, wherever that
serves), another prior p' has Z' = int L p'/w du over the image of its support: the same node values, multiplied by a
known ratio.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.distributions.tabulated import cumulative
from lmtbayes.inference.integration.cubature import Cubature
from lmtbayes.inference.priors import Prior

_SLACK = 1e-9
"""Relative rounding allowed where a new edge equals an old one."""


def log_mass(cubature: Cubature, measure: Prior, box: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Ln of the integral of the likelihood over part of the prior, and its error; coordinates not named are whole."""
    low, high = _unit_box(measure, box)
    return cubature.log_integral(low, high)


def log_evidence(cubature: Cubature, measure: Prior, old: Prior, new: Prior) -> tuple[float, float]:
    """Ln Z under `new` of an integral that was done under `old` in quantiles of `measure`, and its error.

    Raises
    ------
    InvalidArgument
        The coordinates differ, or the support of `new` reaches beyond that of `old`.
    """
    cells, low, high = cells_under(cubature, measure, old, new)
    return cells.log_integral(low, high)


def cells_under(
    cubature: Cubature, measure: Prior, old: Prior, new: Prior
) -> tuple[Cubature, Float[np.ndarray, " coordinates"], Float[np.ndarray, " coordinates"]]:
    """Cells of the integral under `new`, and the edges of its support in quantiles of `measure`, to integrate between.

    Raises
    ------
    InvalidArgument
        As `log_evidence`.
    """
    check_inside(old, new)
    low, high = _unit_box(measure, new.box)
    if old is new:
        return cubature, low, high
    return cubature.reweighted(lambda unit: _log_ratio(measure, old, new, unit)), low, high


def check_inside(old: Prior, new: Prior) -> None:
    """Require the coordinates of `old`, and a support inside its own."""
    if old.model != new.model or old.names != new.names:
        raise InvalidArgument(f"`prior` must have the coordinates of {old!r}; got {new!r}, which needs a new run")
    for name, (low, high) in new.box.items():
        begin, end = old.box[name]
        slack = _SLACK * max(1.0, abs(begin), abs(end)) if np.isfinite([begin, end]).all() else 0.0
        if low < begin - slack or high > end + slack:
            raise InvalidArgument(
                f"`prior` must lie inside the prior that was integrated, {name} in [{begin:.6g}, {end:.6g}]; got "
                f"[{low:.6g}, {high:.6g}], which needs a new run"
            )


def inside(nodes: Mapping[str, np.ndarray], prior: Prior) -> np.ndarray:
    """Whether each node lies in the prior's support."""
    edges = prior.box
    return np.all([(values >= edges[name][0]) & (values <= edges[name][1]) for name, values in nodes.items()], axis=0)


def log_weights(
    nodes: Mapping[str, np.ndarray], weights: Float[np.ndarray, " nodes"], old: Prior, new: Prior
) -> Float[np.ndarray, " nodes"]:
    """Ln weights of the nodes under `new`, normalised over those in its support."""
    shifted = weights + np.asarray(new.log_prob(nodes)) - np.asarray(old.log_prob(nodes))
    return shifted - np.logaddexp.reduce(shifted)


def _unit_box(prior: Prior, box: Mapping[str, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(len(prior.names)), np.ones(len(prior.names))
    for i, name in enumerate(prior.names):
        for edge, value in zip((low, high), box.get(name, (-np.inf, np.inf)), strict=True):
            if np.isfinite(value):
                edge[i] = np.clip(float(cumulative(prior.distributions[name], value)), 0.0, 1.0)
    return low, high


def _log_ratio(measure: Prior, old: Prior, new: Prior, unit: np.ndarray) -> np.ndarray:
    """Ln p'/p at points of the measure's cube; beyond the new edges as at the edge, so that cut cells stay smooth."""
    values = measure.from_unit_cube(jnp.asarray(unit))
    total = np.zeros(len(unit))
    for name, value in values.items():
        low, high = new.box[name]
        # A hair inside the edges, where every distribution is sure to have its support.
        hair = 1e-12 * (high - low) if np.isfinite([low, high]).all() else 0.0
        inner = jnp.clip(value, low + hair, high - hair)
        total += np.asarray(new.distributions[name].log_prob(inner)) - np.asarray(
            old.distributions[name].log_prob(value)
        )
    return total
