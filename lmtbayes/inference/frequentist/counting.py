"""What few events do to a profile: how many are expected in a cell, and the exact probability of a count so low.

A threshold of chi^2 holds where the score of ln L is Gaussian. Its skewness says whether it is: that of a Poisson count
of mean n is n^(-1/2), so that a likelihood with the score sum_i w_i x_i has the **expected events**

    n = (sum_i w_i^2 v_i)^3 / (sum over counts |w_i|^3 mu_i)^2,    w_i = (d mu_i/d ln g)/v_i,

v_i being the variance of bin i and mu_i its expectation: signal plus background in one bin, all events of several alike
bins, infinite where only Gaussian measurements speak.

A search that counts, every bin a Poisson, has an exact limit too (J. Neyman, Phil. Trans. R. Soc. A 236 (1937) 333; F.
Garwood, Biometrika 28 (1936) 437): the couplings at which a total count N as low as the observed one has a probability
below 1 - CL. Without nuisances it covers at every truth. Nuisances are integrated over their constraints (R. D. Cousins
and V. L. Highland, Nucl. Instrum. Meth. A 320 (1992) 331): it then covers for truths drawn from the constraints.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import gammaincc, ndtri
from scipy.stats import qmc

from lmtbayes.experiments.nuisance import Constraint
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices, side_by_side
from lmtbayes.inference.likelihood.by_experiment import ByExperiment, Parts, values
from lmtbayes.inference.likelihood.evaluation import rows
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.rates import Reading
from lmtbayes.inference.nuisances.expansion import log_of_counts, score_and_fisher_weight

MOST_COUNTED = 200.0
"""Observed events up to which the exact probability is worked out: beyond them Wilks' theorem is good to half a per
cent of coverage (half the probability of one count, 1/sqrt(2 pi N) exp(-z^2/2) at the limit)."""
TOTAL_SUFFICES = 0.9
"""Part of the information on the coupling that the total count must hold for its limit to be the limit."""
_DRAWS = 256
"""Points of the constraints, a power of two as Sobol's points want: half a per cent of the probability (tests)."""
_BATCH = 256
_SEED = 20210403  # of the points' scrambling: the same for all cells, so that the probability is smooth in the coupling


class _Cell(NamedTuple):
    total: Float[Array, ""]
    events: Float[Array, ""]
    information: Float[Array, ""]


def counting_variables(
    like: JointLikelihood,
    photons: HiddenPhoton,
    pulls: Float[np.ndarray, "cells nuisances"],
    devices: Devices,
) -> dict[str, tuple[Float[np.ndarray, " cells"], Mapping[str, str]]]:
    """Return variables of a profile's cells, each with its attributes.

    `expected_events`; and, for a likelihood of Poisson counts that observed no more than 200, `count_p_value`, the
    probability of a total count as low as the observed one or lower (nuisances integrated over their constraints,
    other profiled parameters at their best), and `count_information`, the part of the Fisher information on the
    coupling that the total count holds: 1 without background, and for a single bin. Where that is below 0.9 the
    nuisances of `count_p_value` are central.

    Parameters
    ----------
    like
        The likelihood and its data.
    photons, pulls
        Of every cell, one leading axis.
    devices
        Of `devices.resolve_devices`.
    """
    photons = jax.tree.map(np.asarray, photons)
    cells: _Cell = like.compiled(_cells, devices)((photons, pulls), like.data)
    found: dict[str, Any] = {
        "expected_events": (cells.events, {"long_name": "expected events, by the skewness of the score", "units": "1"})
    }
    observed = sum(float(np.sum(like.data[e.name])) for e in like.experiments)
    if not all(e.term.is_poisson for e in like.experiments) or observed > MOST_COUNTED:
        return found
    p_value = gammaincc(observed + 1.0, np.maximum(cells.total, 0.0))
    wanted = np.flatnonzero((p_value > 1e-12) & (p_value < 1.0 - 1e-9) & (cells.information >= TOTAL_SUFFICES))
    if like.nuisances and wanted.size:
        drawn = _totals(like, jax.tree.map(lambda x: x[wanted], photons), devices)
        p_value[wanted] = np.mean(gammaincc(observed + 1.0, drawn), axis=-1)
    label = f"probability of a total count of {observed:.6g} or less"
    found["count_p_value"] = p_value, {"long_name": label, "units": "1"}
    label = "part of the information on the coupling that the total count holds"
    found["count_information"] = cells.information, {"long_name": label, "units": "1"}
    return found


def constraint_points(joint: JointModel) -> Float[np.ndarray, "points nuisances"]:
    """Pulls that stand for the constraints, each point with equal weight: Sobol's points through the quantiles."""
    unit = qmc.Sobol(len(joint.nuisances), rng=np.random.default_rng(_SEED)).random(_DRAWS)
    return np.column_stack([_quantile(n.constraint, unit[:, i]) for i, n in enumerate(joint.nuisances)])


def _quantile(constraint: Constraint, unit: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    if constraint.is_standard:
        return ndtri(unit)
    draws = constraint.distribution().sample(jax.random.key(_SEED), (1 << 16,))
    return np.quantile(np.asarray(draws), unit)


def _cells(joint: JointModel, devices: Devices) -> ByExperiment:
    return ByExperiment(joint, Parts(values, _own_slope, _cell), devices, side_by_side(devices, _BATCH))


def _own_slope(rates: Reading, photon: HiddenPhoton, values: Array, data: Array) -> tuple[Array, Array]:  # noqa: ARG001
    """Counts of an experiment, and their derivative in ln g_x at a fixed ratio eps_x/g_x."""
    along = jax.tree.unflatten(jax.tree.structure(photon), (photon.g_x, jnp.zeros_like(photon.mass), photon.eps_x))
    found: tuple[Array, Array] = jax.jvp(lambda p: rates.counts(p, list(values)), (photon,), (along,))
    return found


def _cell(joint: JointModel, pulls: Array, values: Array, found: list[tuple[Array, Array]], data: Data) -> _Cell:  # noqa: ARG001
    mu, slope = (jnp.concatenate(rows) for rows in zip(*found, strict=True))
    counted = np.concatenate([np.full(e.n_bins, e.term.counts_events) for e in joint.experiments])
    _, weight = score_and_fisher_weight(lambda c: log_of_counts(joint, c, joint.by_experiment(mu)), mu)
    score = weight * slope
    information = jnp.sum(score * slope)
    skew = jnp.sum(jnp.where(counted, jnp.abs(score) ** 3 * mu, 0.0))
    events = jnp.where(skew > 0.0, information**3 / jnp.where(skew > 0.0, skew, 1.0) ** 2, jnp.inf)
    of_total = jnp.sum(slope) ** 2 / jnp.where(information > 0.0, jnp.sum(mu) * information, 1.0)
    return _Cell(jnp.sum(mu), events, of_total)


def _totals(like: JointLikelihood, photons: HiddenPhoton, devices: Devices) -> Float[np.ndarray, "cells points"]:
    """Total counts of cells, at points of the constraints."""
    points, number = constraint_points(like.joint), len(photons.mass)
    repeated = jax.tree.map(lambda x: np.repeat(x, len(points)), photons)
    row: np.ndarray = rows(like.joint, devices)((repeated, np.tile(points, (number, 1))), like.data)
    return row.sum(axis=-1).reshape(number, len(points))
