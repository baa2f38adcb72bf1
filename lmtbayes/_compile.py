"""Compilation of what runs once or costs next to nothing: there a quick compiler beats fast code."""

from collections.abc import Callable
from typing import Any

import jax


def compile_quickly(function: Callable[..., Any]) -> Any:
    """Return the jitted function, on a CPU compiled in two thirds of the time to be up to three times slower.

    Other backends compile as always: what the option does there depends on them.
    """
    # LLVM's passes, left out here, are a third of a compilation; XLA's own passes remain.
    options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=options)
