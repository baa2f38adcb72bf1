"""`optimise`: the best design that a budget allows, by SLSQP along the gradients of `gradients`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from lmtbayes import _checks
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import evaluate
from lmtbayes.design.gradients import INFORMATION, Goal, check_goal, smoothed
from lmtbayes.design.quantities import Estimate, mean
from lmtbayes.errors import InvalidArgument

type Cost = Callable[[dict[str, Any]], Any]
_TRIED = 1e-4
_ALIKE = 0.02
"""Relative difference of a cost's slope and its finite difference beyond which it is not differentiable."""


@dataclass(frozen=True)
class Optimum:
    """The best design found.

    Parameters
    ----------
    values
        Design variables.
    value
        The goal there, smoothed.
    sharp
        The goal there, of whole counts and without softness.
    cost
        There.
    start
        The goal at the start, smoothed.
    converged, message
        Whether the optimiser says that it is one, and its words.
    evaluations
        Of the goal.
    """

    values: dict[str, float]
    value: Estimate
    sharp: Estimate
    cost: float
    start: Estimate
    converged: bool
    message: str
    evaluations: int

    def __str__(self) -> str:
        """One line."""
        at = ", ".join(f"{name} = {value:.4g}" for name, value in self.values.items())
        verdict = "converged" if self.converged else f"not converged: {self.message}"
        return (
            f"{at}: {self.value.value:.3g} ± {self.value.error:.1g} (whole counts {self.sharp.value:.3g} ± "
            f"{self.sharp.error:.1g}; {self.start.value:.3g} at the start) at a cost of {self.cost:.4g}; {verdict}"
        )


def optimise(
    engine: Engine,
    bounds: Mapping[str, tuple[float, float]],
    goal: Goal,
    cost: Cost,
    budget: float,
    start: Mapping[str, float] | None = None,
) -> Optimum:
    """Maximise a goal over design variables within a budget.

    Parameters
    ----------
    engine
        Of a plan; its `pilots` should hold the corners of the bounds.
    bounds
        Design variable to its (low, high), positive; each has to be differentiable (`gradient`).
    goal
        What is to be large.
    cost
        Of a design: function of a dict of these variables, written with jax.numpy where it is not plain arithmetic.
    budget
        The most that it may be, in its own unit.
    start
        Where the search starts; where the plan stands, within the bounds, by default. A start beyond the budget is
        allowed.

    Returns
    -------
    optimum
        A local one.

    Raises
    ------
    UnknownName, InvalidArgument
        As `gradient`; bounds that are none; a cost that is no function, not finite, or not differentiable.
    """
    names = tuple(bounds)
    low, high = _edges(engine, bounds)
    given = {name: engine.plan.value(name) for name in names} | dict(start or {})
    for name in given:
        if name not in names:
            raise _checks.unknown("variable to start from", name, names)
        _checks.scalar(f"start[{name!r}]", given[name])
        _checks.positive(f"start[{name!r}]", given[name])
    at = np.clip(np.array([given[name] for name in names], dtype=float), low, high)
    price = _price(cost, names, at)
    _checks.scalar("budget", budget)
    _checks.positive("budget", budget)
    check_goal(engine, names, goal)
    calls = 0

    def run(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return smoothed(engine, names, goal, dict(zip(names, np.asarray(x).tolist(), strict=True)))

    def of_logarithms(log_x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls
        calls += 1
        x = np.exp(log_x)
        each, slopes = run(x)
        return -float(each.mean()), -slopes.mean(axis=0) * x

    def left(log_x: np.ndarray) -> float:
        return 1.0 - float(price(np.exp(log_x))[0]) / budget

    def slope_left(log_x: np.ndarray) -> np.ndarray:
        return -np.asarray(price(np.exp(log_x))[1]) * np.exp(log_x) / budget

    found = minimize(
        of_logarithms,
        np.log(at),
        jac=True,
        method="SLSQP",
        bounds=list(zip(np.log(low), np.log(high), strict=True)),
        constraints=[{"type": "ineq", "fun": left, "jac": slope_left}],
        options={"ftol": 1e-6, "maxiter": 60},
    )
    best = np.clip(np.exp(found.x), low, high)
    values = dict(zip(names, best.tolist(), strict=True))
    spent = float(price(best)[0])
    each, first = run(best)[0], run(at)[0]
    sharp = goal.sharp(evaluate(engine, values, goal.threshold, goal.quantity == INFORMATION))
    within = spent <= budget * (1.0 + 1e-6)
    message = str(found.message) if within else f"no design within the budget was found ({found.message})"
    return Optimum(values, mean(each), sharp, spent, mean(first), bool(found.success) and within, message, calls)


def _edges(engine: Engine, bounds: Mapping[str, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(bounds, Mapping) or not bounds:
        raise _checks.invalid("bounds", bounds, "a mapping of at least one design variable to (low, high)")
    edges = []
    for name, pair in bounds.items():
        engine.plan.smooth(name)
        own = _checks.shape(f"bounds[{name!r}]", _checks.increasing(f"bounds[{name!r}]", pair), (2,))
        _checks.positive(f"bounds[{name!r}]", own)
        edges.append(own)
    low, high = np.array(edges).T
    return low, high


def _price(cost: Cost, names: tuple[str, ...], at: np.ndarray) -> Callable[[np.ndarray], tuple[Any, Any]]:
    """Return cost and slopes as a function, once it is seen to have them.

    Raises
    ------
    InvalidArgument
        It has none, or not those that it claims.
    """
    if not callable(cost):
        raise _checks.invalid("cost", cost, "a function of a dict of design variables")

    def of(x: Any) -> Any:
        return cost(dict(zip(names, x, strict=True)))

    differentiated = jax.value_and_grad(lambda x: jnp.asarray(of(x), dtype=float))
    try:
        value, slope = (np.asarray(x, dtype=float) for x in differentiated(jnp.asarray(at)))
        steps = np.eye(len(at)) * at * _TRIED
        nearby = np.array([float(of(jnp.asarray(at + s))) - float(of(jnp.asarray(at - s))) for s in steps])
        # A staircase has the right slope between its steps: none.
        far = np.array([float(of(jnp.asarray(at + 1e4 * s))) - float(value) for s in 0.5 * steps])
        others = np.asarray([differentiated(jnp.asarray(at + 1e4 * s))[1] for s in 0.3 * steps])
    except (jax.errors.JAXTypeError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidArgument(
            f"`cost` must be a differentiable function that returns one number, in jax.numpy where it is not plain "
            f"arithmetic; got {reason}"
        ) from None
    secant = nearby / (2.0 * at * _TRIED)
    size = np.maximum(np.abs(secant), np.abs(slope)) + 1e-12 * (np.abs(value) / at + 1e-300)
    flat = (slope == 0.0) & (np.diagonal(others) == 0.0) & (far != 0.0)
    if flat.any() or not (
        np.isfinite(value) and np.all(np.isfinite(slope)) and np.all(np.abs(secant - slope) <= _ALIKE * size)
    ):
        shown = ", ".join(f"{name}: {s:.4g} against {d:.4g}" for name, s, d in zip(names, slope, secant, strict=True))
        raise InvalidArgument(
            f"`cost` must be differentiable: its slopes are not its finite differences at the start ({shown})"
        )
    return lambda x: differentiated(jnp.asarray(x))
