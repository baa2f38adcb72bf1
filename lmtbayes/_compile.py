"""What a first call costs: how hard XLA's CPU compiler tries, and how often Python looks for garbage meanwhile.

Level 1 runs as fast as the default (3) for what is compiled here, and is compiled in four fifths of the time
(benchmarks/RESULTS.md); level 0 takes half to two thirds of it, and runs up to three times slower. Other backends
compile as always: what the option does there depends on them.
"""

import gc
import os
from collections.abc import Callable
from typing import Any

import jax


def compile_large(function: Callable[..., Any]) -> Any:
    """Return the jitted function, of what runs often; not to be called from within another jitted function."""
    return _compiled(function, 1)


def compile_quickly(function: Callable[..., Any]) -> Any:
    """Return the jitted function, of what runs once or costs next to nothing."""
    return _compiled(function, 0)


def _compiled(function: Callable[..., Any], level: int) -> Any:
    options = {"xla_backend_optimization_level": level} if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=options)


def cores() -> int:
    """Cores that this process may use."""
    # os.cpu_count does not know of limits on this process; not every system tells them.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def collect_rarely() -> None:
    """Have Python look for garbage seldom, for the rest of this process: for commands, whose process is ours.

    Tracing makes millions of objects that stay. To look for garbage among them after every 700 new ones, as Python does
    by itself, takes a fortieth to a twentieth of the time of a fit.
    """
    gc.set_threshold(100_000, 20, 10)
