"""Rates that a user calls: a program for each experiment, gauge model and shape, not one for each of its operations.

Operation by operation a first call compiles hundreds of programs, and each operation of a later one is dispatched by
itself. What a program has read when it was traced stays as it was: compiled are the package's own entries as they are
published. A variant, often called once, shares with other variants the programs of its operations.
"""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes._compile import compile_large
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

if TYPE_CHECKING:
    from lmtbayes.experiments.base import Experiment

type Single = Callable[[HiddenPhoton, dict[str, Array]], Float[Array, " bins"]]
type Rate = Callable[["Experiment", GaugeModel, HiddenPhoton, dict[str, Array]], Float[Array, " bins"]]

_RECENT = 16
"""Programs that are kept of an experiment."""

_PROGRAMS: dict[int, dict[tuple[Rate, GaugeModel], Single]] = {}
"""By the identity of an experiment, while it is there."""


def compile_calls(experiment: "Experiment") -> None:
    """Compile from now on what is called of an experiment: nothing that its rates read can change."""
    _PROGRAMS[id(experiment)] = {}
    weakref.finalize(experiment, _PROGRAMS.pop, id(experiment)).atexit = False


def called(experiment: "Experiment", rate: Rate, model: GaugeModel, arguments: object) -> Single:
    """Return an experiment's counts of a single photon, compiled where it is called with numbers.

    Parameters
    ----------
    experiment, model
        Of the rate.
    rate
        A function of a module, the same at each call.
    arguments
        Photon and values of nuisances; whoever traces them compiles.
    """
    programs = _PROGRAMS.get(id(experiment))
    if programs is None or type(model) is not GaugeModel or _is_traced(arguments):
        return lambda photon, values: rate(experiment, model, photon, values)
    # The last used comes last; whoever takes it out at the same time, in another thread, compiles one of its own.
    single = programs.pop((rate, model), None) or _program(weakref.ref(experiment), rate, model)
    programs[rate, model] = single
    while len(programs) > _RECENT:
        programs.pop(next(iter(programs)), None)
    return single


def _program(there: "weakref.ref[Experiment]", rate: Rate, model: GaugeModel) -> Single:
    """Compile a rate; its programs are not what keeps an experiment."""

    def single(photon: HiddenPhoton, values: dict[str, Array]) -> Float[Array, " bins"]:
        experiment = there()
        assert experiment is not None
        return rate(experiment, model, photon, values)

    return cast(Single, compile_large(single))


def _is_traced(arguments: object) -> bool:
    """Whether a caller traces: the arguments, or around numbers whatever is computed, the last leaf."""
    return any(_checks.is_traced(leaf) for leaf in (*jax.tree.leaves(arguments), jnp.zeros(())))
