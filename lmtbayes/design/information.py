"""`information_gain`: what a design is expected to say of the boson, by nested Monte Carlo and by Laplace beside it."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.design import quantities
from lmtbayes.design.beliefs import Belief, coordinates
from lmtbayes.design.data_sets import Drawn
from lmtbayes.design.engine import Engine, Setting
from lmtbayes.design.marginal import Bins
from lmtbayes.design.quantities import Estimate
from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.nuisances.newton import first_and_second_derivative
from lmtbayes.inference.priors import Prior

_STEP = 1e-4
"""Of the central differences, in units of the prior's standard deviation."""
_LARGE = 4000


@dataclass(frozen=True)
class Information:
    """Expected information gain on the boson [nat].

    Parameters
    ----------
    nested
        Mean over data sets of ln L at the true boson minus ln Z, the nuisances integrated in both; exact but for the
        error that is given and the nodes'.
    divergence
        Mean Kullback-Leibler divergence of the posterior from the prior: has the same expectation, and scatters less.
    laplace
        Of a prior and posteriors that are Gaussian: too large where data leave a parameter open that is bounded.
    node_error
        Standard deviation of ln Z due to the nodes, root mean square.
    """

    nested: Estimate
    divergence: Estimate
    laplace: Estimate
    node_error: float

    def __str__(self) -> str:
        """The three, side by side."""
        return "; ".join(
            f"{name} {found.value:.3f} ± {found.error:.1g}"
            for name, found in (("nested", self.nested), ("divergence", self.divergence), ("Laplace", self.laplace))
        )


def information_gain(
    engine: Engine, model: str, values: dict[str, float] | None = None, size: int | None = None
) -> Information:
    """Expect how much a design says of the boson, if a model and what is believed of it are right.

    Parameters
    ----------
    engine
        Of a plan.
    model
        One of its models; true bosons are drawn from what is believed of it.
    values
        Design variables that are moved.
    size
        Data sets; the engine's by default.

    Returns
    -------
    information
        By three estimators, each with its error.

    Raises
    ------
    UnknownName
        No such model, or no such variable.
    InvalidArgument
        A model without a boson; a size below 2.

    References
    ----------
    Nested Monte Carlo: T. Rainforth et al., Stat. Sci. 39 (2024) 100, arXiv:2302.14545.
    """
    if model not in engine.plan.models:
        raise _checks.unknown("model", model, engine.plan.models)
    belief = engine.plan.models[model]
    if not belief.names:
        raise InvalidArgument(f"`model` must have a boson to learn of; {model!r} has none")
    _checks.whole("size", engine.size if size is None else size, 2)
    setting, drawn = engine.setting(values), engine.own_truth(model, size or engine.size)
    data = engine.data(setting, drawn)
    log_z, error, at_nodes = engine.log_evidences(setting, model, data)
    own = np.asarray(engine.log_likelihoods(setting, model, drawn.photons, data, paired=True))
    covariance = np.atleast_2d(np.cov(_coordinates(belief, _many(engine, model).photons), rowvar=False))
    fisher = _fisher(engine, setting, drawn, belief, np.sqrt(np.diagonal(covariance)))
    return Information(
        quantities.nested_information(own, log_z),
        quantities.mean(quantities.information(engine.nodes[model].log_weights, at_nodes)),
        quantities.laplace_information(fisher, covariance),
        float(np.sqrt(np.mean(error**2))),
    )


def _many(engine: Engine, model: str) -> Drawn:
    return engine.own_truth(model, _LARGE)


def _coordinates(belief: Belief, photons: HiddenPhoton) -> Float[np.ndarray, "photons coordinates"]:
    if isinstance(belief, Prior):
        return np.stack([np.asarray(x) for x in belief.values(photons).values()], axis=-1)
    return coordinates(photons, belief.names)


def _photons(belief: Belief, at: Float[np.ndarray, "photons coordinates"]) -> HiddenPhoton:
    values = dict(zip(belief.names, at.T, strict=True))
    if isinstance(belief, Prior):
        return belief.photon(values)
    g_x = 10.0 ** values["log10_g_x"]
    kappa = 10.0 ** values["log10_kappa"] if "log10_kappa" in values else None
    ratio = belief.model.mixing_ratio if kappa is None else belief.model.mixing_sign * kappa
    return HiddenPhoton.unchecked(g_x, 10.0 ** values["log10_mass"], ratio * g_x)


def _fisher(
    engine: Engine, setting: Setting, drawn: Drawn, belief: Belief, scale: np.ndarray
) -> Float[np.ndarray, "sets coordinates coordinates"]:
    """Information on the prior's coordinates at the true bosons, at central nuisances, which are integrated."""
    at = _coordinates(belief, drawn.photons)
    pulls = np.zeros_like(drawn.pulls) + engine.central
    columns = []
    for k, width in enumerate(scale):
        step = np.zeros(len(scale))
        step[k] = _STEP * width
        both = [
            np.concatenate(engine.expected(setting, moved, keep=False), axis=-1)
            for moved in (Drawn(drawn.model, _photons(belief, at + sign * step), pulls, ()) for sign in (1.0, -1.0))
        ]
        columns.append((both[0] - both[1]) / (2.0 * _STEP * width))
    by_boson = np.stack(columns, axis=-1)
    table = engine.table(setting, drawn.model, drawn.photons, None, 0)
    bins = Bins([v.term for v in setting.variants], [v.n_bins for v in setting.variants])
    weight = np.asarray(_weights(bins, jnp.asarray(table.counts)))
    by_pull = np.asarray(table.first)
    precision = np.einsum("dbi,db,dbj->dij", by_pull, weight, by_pull) + np.eye(by_pull.shape[-1])
    cross = np.einsum("dbi,db,dbj->dij", by_pull, weight, by_boson)
    bare = np.einsum("dbi,db,dbj->dij", by_boson, weight, by_boson)
    return bare - np.einsum("dji,djk->dik", cross, np.linalg.solve(precision, cross))


def _weights(bins: Bins, counts: Float[Array, "sets bins"]) -> Array:
    """Information of every bin on its own count."""
    run = jax.jit(lambda c, seen: first_and_second_derivative(lambda x: bins.log_prob(x, seen), c)[1])
    return jnp.maximum(-run(counts, counts), 0.0)
