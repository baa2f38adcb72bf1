"""Rates that a user calls: a program for each experiment and shape, not one for each of its operations.

Operation by operation a first call compiles hundreds of programs, and each operation of a later one is dispatched by
itself. What a program has read when it was traced stays as it was: compiled are the package's own entries as they are
published. A variant, often called once, shares with other variants the programs of its operations.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes._compile import compile_large
from lmtbayes.experiments.published import is_published
from lmtbayes.gauge.charges import Charges, apart_from_charges, recharged
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

if TYPE_CHECKING:
    from lmtbayes.experiments.base import Experiment

type Single = Callable[[HiddenPhoton, dict[str, Array]], Float[Array, " bins"]]
type Program = Callable[[Charges, HiddenPhoton, dict[str, Array]], Float[Array, " bins"]]
type Rate = Callable[["Experiment", GaugeModel, HiddenPhoton, dict[str, Array]], Float[Array, " bins"]]

_RECENT = 64
"""Programs that are kept, the last used."""

_PROGRAMS: dict[tuple[int, Rate, GaugeModel, bool], Program] = {}
"""By an experiment's identity; each keeps its experiment, which `experiment(name)` then is at the next call, too."""


def called(experiment: "Experiment", rate: Rate, model: GaugeModel, arguments: object) -> Single:
    """Return an experiment's counts of a single photon, compiled where nobody around it compiles.

    Derivatives (`jax.grad` and its like) and `jax.vmap` by themselves take the compiled program's.

    Parameters
    ----------
    experiment, model
        Of the rate.
    rate
        A function of a module, the same at each call.
    arguments
        Photon and values of nuisances, numbers or what a derivative is taken in.
    """
    if not is_published(experiment) or type(model) is not GaugeModel or _is_staged() or jax.config.jax_disable_jit:
        return lambda photon, values: rate(experiment, model, photon, values)
    traced = any(_checks.is_traced(leaf) for leaf in jax.tree.leaves(arguments))
    serves, charges = apart_from_charges(model)
    key = id(experiment), rate, serves, traced
    # The last used comes last; whoever takes it out at the same time, in another thread, compiles one of its own.
    program = _PROGRAMS.pop(key, None) or _program(experiment, rate, serves, traced)
    _PROGRAMS[key] = program
    while len(_PROGRAMS) > _RECENT:
        _PROGRAMS.pop(next(iter(_PROGRAMS)), None)
    return functools.partial(program, charges)


def _program(experiment: "Experiment", rate: Rate, serves: GaugeModel, traced: bool) -> Program:
    def program(charges: Charges, photon: HiddenPhoton, values: dict[str, Array]) -> Float[Array, " bins"]:
        return rate(experiment, recharged(serves, charges), photon, values)

    # `jax.linearize` nests what it takes apart, and options are for the outermost.
    return cast(Program, jax.jit(program) if traced else compile_large(program))


def _is_staged() -> bool:
    """Whether the caller is inside `jax.jit` or its like, where even what is computed from nothing is no number."""
    return _checks.is_traced(jnp.zeros(()))
