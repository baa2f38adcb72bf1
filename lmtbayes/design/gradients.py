"""Slopes of what a design is expected to find, in its variables: common random numbers, and nothing that jumps.

What is differentiated: the mean over data sets whose bosons, nuisances and noise stay the same while the design moves.
Counts are no whole numbers then: a Poisson variable to its third moment, mu + sqrt(mu) z + (z^2 - 1)/6; and the step
of an assurance is a logistic function of ln B, `softness` wide. The same quantity with whole counts and a sharp step,
which is what `expect` gives, stands beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import expit

from lmtbayes import _checks
from lmtbayes.design import quantities
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import STRONG, Expectation, evaluate
from lmtbayes.design.moving import Moving
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
    each, slopes = smoothed(engine, variables, goal, values or {})
    found = {name: quantities.mean(slopes[:, k]) for k, name in enumerate(variables)}
    sharp = goal.sharp(evaluate(engine, values or {}, goal.threshold, goal.quantity == INFORMATION))
    return Gradient(quantities.mean(each), found, sharp)


def check_goal(engine: Engine, variables: Sequence[str], goal: Goal) -> str:
    """Require a goal that the plan has, and variables that can be differentiated; the name of the right model."""
    if goal.truth not in engine.drawn:
        raise _checks.unknown("truth", goal.truth, engine.drawn)
    right = engine.plan.truths[goal.truth].reads_as
    if right is None or (goal.quantity != INFORMATION and len(engine.plan.models) < 2):
        raise InvalidArgument(
            f"`truth` must be one that is read as a model of the plan, with another to compare: {goal.truth!r} is not"
        )
    if goal.quantity == INFORMATION and not engine.plan.models[right].names:
        raise InvalidArgument(f"`truth` must be read as a model with a boson, to learn of it; {right!r} has none")
    if isinstance(variables, str) or not len(variables):
        raise _checks.invalid("variables", variables, "a sequence of at least one design variable")
    for name in variables:
        engine.plan.smooth(name)
    return right


def smoothed(
    engine: Engine, variables: Sequence[str], goal: Goal, values: Mapping[str, float]
) -> tuple[Float[np.ndarray, " sets"], Float[np.ndarray, "sets variables"]]:
    """Return the smoothed quantity of every data set, and its slopes."""
    right = check_goal(engine, variables, goal)
    design = Moving(engine, variables, values)
    drawn = engine.drawn[goal.truth]
    data, data_slopes = design.data(drawn)
    if goal.quantity == INFORMATION:
        found, slopes = design.log_likelihoods(right, data, data_slopes)
        shares, log_z = quantities.shares_of(engine.nodes[right].log_weights, found)
        gain = found - log_z
        each = np.sum(shares * gain, axis=0)
        # d(share) = share (d ln L - d ln Z); the derivatives of ln Z cancel but for the mean.
        return each, np.stack([np.sum(shares * (gain - each) * slope, axis=0) for slope in slopes], axis=-1)
    evidences = {}
    for name in engine.plan.models:
        found, slopes = design.log_likelihoods(name, data, data_slopes)
        shares, log_z = quantities.shares_of(engine.nodes[name].log_weights, found)
        evidences[name] = log_z, np.stack([np.sum(shares * slope, axis=0) for slope in slopes], axis=-1)
    own, own_slope = evidences.pop(right)
    differences = np.stack([own - log_z for log_z, _ in evidences.values()])
    slopes_of = np.stack([own_slope - slope for _, slope in evidences.values()])
    best = differences.argmin(axis=0), np.arange(engine.size)
    least, slope = differences[best], slopes_of[best]
    if goal.quantity == LOG_BAYES_FACTOR:
        return least, slope
    passed = expit((least - goal.threshold) / goal.softness)
    return passed, slope * (passed * (1.0 - passed) / goal.softness)[:, None]
