"""A function of several numbers as one of each alone, of which only what depends on that number is evaluated again.

A rate is differentiated in a dozen nuisances, one by one, and most of it depends on none or few of them. Differentiated
as a whole it would be written down as many times: XLA finds what is equal, but late.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun
from jaxtyping import Array, Float


def one_by_one(
    function: Callable[[Sequence[Array]], Float[Array, "*shape"]], values: Sequence[Float[Array, ""]]
) -> tuple[Float[Array, "*shape"], list[Callable[[Float[Array, ""]], Float[Array, "*shape"]]]]:
    """Evaluate a function, and return it as a function of each of its arguments, the others held; to be traced.

    Parameters
    ----------
    function
        Of a list of numbers.
    values
        The numbers.
    """
    closed = jax.make_jaxpr(function)(list(values))
    whole = closed.jaxpr
    (result,) = whole.outvars
    parts = [_depending(whole, variable) for variable in whole.invars]
    needed = list(dict.fromkeys(x for part in parts for x in part.needs))
    evaluate = jaxpr_as_fun(ClosedJaxpr(whole.replace(outvars=[result, *needed]), closed.consts))
    found, *others = evaluate(*values)
    known = dict(zip(needed, others, strict=True))

    def along(variable: Any, part: _Part) -> Callable[[Float[Array, ""]], Float[Array, "*shape"]]:
        if not part.equations:
            return lambda value: found + 0.0 * value
        own = whole.replace(constvars=[], invars=[variable, *part.needs], outvars=[result], eqns=part.equations)
        run, held = jaxpr_as_fun(ClosedJaxpr(own, ())), [known[x] for x in part.needs]
        return lambda value: run(value, *held)[0]

    return found, [along(variable, part) for variable, part in zip(whole.invars, parts, strict=True)]


class _Part(NamedTuple):
    """Equations that depend on a variable, and what else they read."""

    equations: list[JaxprEqn]
    needs: list[Any]


def _depending(whole: Jaxpr, variable: Any) -> _Part:
    depends, equations = {variable}, []
    needs: dict[Any, None] = {}
    for equation in whole.eqns:
        read = [x for x in equation.invars if not isinstance(x, Literal)]
        if depends.isdisjoint(read):
            continue
        equations.append(equation)
        needs |= dict.fromkeys(x for x in read if x not in depends)
        depends.update(equation.outvars)
    return _Part(equations, list(needs)) if whole.outvars[0] in depends else _Part([], [])
