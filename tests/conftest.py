"""Shared by all tests: run-time checked annotations, hypothesis profiles, one memory of what is compiled."""

import gc
import os
from pathlib import Path

# Workers, and the next run, take from here what one of them has compiled; `make clean` removes it. Before jax reads it.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# Tracing makes millions of objects that stay: to look for garbage among them after every 700 new ones, as Python does
# by itself, takes an eighth of the time.
gc.set_threshold(100_000, 20, 10)

from jaxtyping import install_import_hook  # noqa: E402

# Before anything imports the package: every annotated array's shape and dtype is checked in every test.
install_import_hook("lmtbayes", "typecheck.checked")

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=20, **_COMMON)
settings.register_profile("ci", max_examples=40, derandomize=True, print_blob=True, **_COMMON)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items):
    """With --dist loadgroup a file's tests share a process, and in it what the first of them compiled.

    Files with what takes minutes begin first, so that no process waits for another that has it last. Pages of the
    documentation share nothing.
    """

    for item in items:
        if item.get_closest_marker("xdist_group") is None and item.path.name != "test_examples.py":
            item.add_marker(pytest.mark.xdist_group(item.location[0]))

    def group(item):
        marker = item.get_closest_marker("xdist_group")
        return marker.args[0] if marker else item.nodeid

    long = {group(item) for item in items if item.get_closest_marker("longest")}
    items.sort(key=lambda item: group(item) not in long)
