"""Fits of a normalisation without its constraint, no boson there: what a collaboration fits to its own data."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.optimize import minimize

from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton


class FreeFit(NamedTuple):
    """Best values of what was free and their errors, and the significance against none of the first of it."""

    values: Float[np.ndarray, " free"]
    errors: Float[np.ndarray, " free"]
    significance: float
    all_values: dict[str, float]
    """Of every nuisance of the fit."""


def free_fit(
    exp: Experiment, free: Sequence[str], others: Sequence[str], given: Mapping[str, float] | None = None
) -> FreeFit:
    """Maximise the likelihood of the observed counts of one experiment in the Standard Model.

    Parameters
    ----------
    exp
        With observed counts.
    free
        Nuisances whose constraints are left out; their values, near one, are fitted.
    others
        Nuisances that are profiled with their constraints.
    given
        Values of nuisances that are held; those that are named nowhere are central.
    """
    constraints = {n.name: n.constraint for n in exp.nuisances}
    data, held = jnp.asarray(exp.observed), dict(given or {})

    def values(x: Array) -> dict[str, Any]:
        pulls = x[len(free) :]
        found = {name: x[k] for k, name in enumerate(free)}
        return held | found | {name: constraints[name].value(pulls[k]) for k, name in enumerate(others)}

    @jax.jit
    def minus_log(x: Array) -> Array:
        expected = exp.expected_counts(LMU_LTAU, HiddenPhoton.none(), values(x))
        return -jnp.sum(exp.term.log_prob(expected, data)) + 0.5 * jnp.sum(x[len(free) :] ** 2)

    slope = jax.jit(jax.grad(minus_log))

    def best(start: np.ndarray, moved: np.ndarray) -> Any:
        def at(x: np.ndarray) -> np.ndarray:
            full = start.copy()
            full[moved] = x
            return full

        found = minimize(
            lambda x: float(minus_log(at(x))),
            start[moved],
            jac=lambda x: np.asarray(slope(at(x)))[moved],
            method="BFGS",
            options={"gtol": 1e-6},
        )
        return at(found.x), found.fun

    start = np.concatenate([np.ones(len(free)), np.zeros(len(others))])
    everything = np.arange(len(start))
    x, lowest = best(start, everything)
    none = x.copy()
    none[0] = 0.0
    _, without = best(none, everything[1:])
    errors = np.sqrt(np.diag(np.linalg.inv(np.asarray(jax.hessian(minus_log)(x)))))
    return FreeFit(
        x[: len(free)],
        errors[: len(free)],
        float(np.sqrt(2.0 * (without - lowest))),
        {name: float(value) for name, value in values(jnp.asarray(x)).items()},
    )
