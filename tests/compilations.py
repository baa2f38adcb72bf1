"""What is compiled, or taken from a cache on disk, as jax tells it."""

import contextlib
from collections.abc import Iterator

import jax


@contextlib.contextmanager
def compilations(name: str = "") -> Iterator[list[str]]:
    """A list that gets jax's name of every program that is compiled inside, of those that have `name` in theirs.

    Blocks of many items are called "own" (`devices.Mapped`). That the listener hears what it waits for is tried first.
    """
    seen: list[str] = []

    def listen(event, _seconds, fun_name="", **_):
        if event == "/jax/core/compile/backend_compile_duration" and name in fun_name:
            seen.append(fun_name)

    def probe(x):
        return x + 1.2345

    probe.__name__ = name or "probe"
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        jax.jit(probe)(1.0)
        assert seen, "the listener does not hear what is compiled"
        seen.clear()
        yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
