"""Slopes of what a design is expected to find, in its variables: common random numbers, and nothing that jumps.

What is differentiated: the mean over data sets whose bosons, nuisances and noise stay the same while the design moves.
Counts are no whole numbers then: a Poisson variable to its third moment, mu + sqrt(mu) z + (z^2 - 1)/6; and the step
of an assurance is a logistic function of ln B, `softness` wide. The same quantity with whole counts and a sharp step,
which is what `expect` gives, stands beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.design import quantities
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import STRONG, Expectation, evaluate
from lmtbayes.design.quantities import Estimate
from lmtbayes.errors import InvalidArgument

ASSURANCE, LOG_BAYES_FACTOR, INFORMATION = "assurance", "log_bayes_factor", "information"
QUANTITIES = (ASSURANCE, LOG_BAYES_FACTOR, INFORMATION)


@dataclass(frozen=True)
class Goal:
    """What is to be large.

    Parameters
    ----------
    truth
        Under which truth of the plan.
    quantity
        "assurance" (of the right model against every other), "log_bayes_factor" (the least of the right model against
        another, in each data set) or "information" (on the boson of the right model [nat]).
    threshold, softness
        Of ln B, for the assurance.

    Raises
    ------
    InvalidArgument
        No such quantity; numbers out of range.
    """

    truth: str
    quantity: str = ASSURANCE
    threshold: float = STRONG
    softness: float = 0.5

    def __post_init__(self) -> None:
        _checks.one_of("quantity", self.quantity, QUANTITIES)
        _checks.scalar("threshold", self.threshold)
        _checks.non_negative("threshold", self.threshold)
        _checks.scalar("softness", self.softness)
        _checks.positive("softness", self.softness)

    def sharp(self, found: Expectation) -> Estimate:
        """Of whole counts and without softness."""
        if self.quantity == ASSURANCE:
            return found.assurance(self.truth)
        right = found._right(self.truth)
        if self.quantity == INFORMATION:
            return found.information[self.truth][found.models[right]]
        log_z = found.log_z[self.truth]
        return quantities.mean(np.min(log_z[right] - np.delete(log_z, right, axis=0), axis=0))


@dataclass(frozen=True)
class Gradient:
    """A quantity, smoothed, and its slopes.

    Parameters
    ----------
    value
        Of what is differentiated.
    slopes
        Variable to derivative, per unit of the variable.
    sharp
        The same quantity with whole counts and a sharp step.
    """

    value: Estimate
    slopes: dict[str, Estimate]
    sharp: Estimate


def gradient(
    engine: Engine, variables: Sequence[str], goal: Goal, values: Mapping[str, float] | None = None
) -> Gradient:
    """Differentiate what a design is expected to find in some of its variables.

    Parameters
    ----------
    engine
        Of a plan; its nodes and random numbers are what stays the same.
    variables
        Those that scale counts (exposures, masses, protons, baselines), a liquid-xenon threshold of an option with
        `bins`, and widths to which nuisances are known.
    goal
        What is differentiated.
    values
        The design.

    Raises
    ------
    UnknownName
        A variable that there is not, or a truth.
    InvalidArgument
        A variable that cannot be differentiated; a truth that no model reads.
    """
    run, at = _compiled(engine, variables, goal, values or {})
    each, slopes = (np.asarray(x) for x in run(at))
    found = {name: quantities.mean(slopes[:, k]) for k, name in enumerate(variables)}
    return Gradient(quantities.mean(each), found, goal.sharp(evaluate(engine, values or {}, goal.threshold)))


def smooth_objective(
    engine: Engine, variables: Sequence[str], goal: Goal, values: Mapping[str, float]
) -> Callable[[Float[Array, " variables"]], Float[Array, " sets"]]:
    """Return what is differentiated, of every data set, as a function of the variables; to be traced."""
    if goal.truth not in engine.drawn:
        raise _checks.unknown("truth", goal.truth, engine.drawn)
    right = engine.plan.truths[goal.truth].reads_as
    others = [name for name in engine.plan.models if name != right]
    if right is None or (goal.quantity != INFORMATION and not others):
        raise InvalidArgument(
            f"`truth` must be one that is read as a model of the plan, with another to compare: {goal.truth!r} is not"
        )
    if goal.quantity == INFORMATION and not engine.plan.models[right].names:
        raise InvalidArgument(f"`truth` must be read as a model with a boson, to learn of it; {right!r} has none")
    for name in variables:
        engine.plan.smooth(name)
    drawn = engine.drawn[goal.truth]

    def objective(x: Array) -> Array:
        setting = engine.setting({**values, **dict(zip(variables, x, strict=True))})
        data = engine.smooth_data(setting, drawn)

        def terms(model: str) -> tuple[Array, Array]:
            nodes = engine.nodes[model]
            found = engine.log_likelihoods(setting, model, nodes.photons, data, name=model)
            return found, found + nodes.log_weights[:, None]

        def log_z(model: str) -> Array:
            return jax.scipy.special.logsumexp(terms(model)[1], axis=0)

        if goal.quantity == INFORMATION:
            found, joint = terms(right)
            total = jax.scipy.special.logsumexp(joint, axis=0)
            return jnp.sum(jnp.exp(joint - total) * (found - total), axis=0)
        own = log_z(right)
        least = jnp.min(jnp.stack([own - log_z(other) for other in others]), axis=0)
        if goal.quantity == LOG_BAYES_FACTOR:
            return least
        return jax.nn.sigmoid((least - goal.threshold) / goal.softness)

    return objective


def _compiled(engine: Engine, variables: Sequence[str], goal: Goal, values: Mapping[str, float]) -> tuple[Any, Array]:
    """Values and slopes of every data set, and where; what is compiled is kept for other points."""
    names = tuple(variables)
    fixed = {name: value for name, value in values.items() if name not in names}
    objective = smooth_objective(engine, names, goal, fixed)
    at = jnp.array([values.get(name, engine.plan.value(name)) for name in names], dtype=float)
    key = ("gradient", names, goal, tuple(sorted(fixed.items())))
    run = engine.keep_compiled(key, lambda: jax.jit(lambda x: (objective(x), jax.jacfwd(objective)(x))))
    return run, at
