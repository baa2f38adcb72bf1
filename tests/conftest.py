"""Shared by all tests: run-time checked annotations, hypothesis profiles, one memory of what is compiled."""

import gc
import os
from pathlib import Path

# Workers, and the next run, take from here what one of them has compiled; `make clean` removes it. Before jax reads it.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# Of several processes of tests, each with a thread of BLAS for every core, small matrices take ten times as long. NPROC
# is XLA's number of threads, which wait for each other as well.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NPROC", "1")

# Tracing makes millions of objects that stay: to look for garbage among them after every 700 new ones, as Python does
# by itself, takes an eighth (all compiled before) to a fifth of the time.
gc.set_threshold(100_000, 20, 10)

from jaxtyping import install_import_hook  # noqa: E402

# Before anything imports the package: every annotated array's shape and dtype is checked in every test.
install_import_hook("lmtbayes", "typecheck.checked")

from hypothesis import HealthCheck, settings  # noqa: E402

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=20, **_COMMON)
settings.register_profile("ci", max_examples=40, derandomize=True, print_blob=True, **_COMMON)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items):
    """Files with what takes minutes begin first, so that no process waits for another that has them last."""
    long = {item.path for item in items if item.get_closest_marker("longest")}
    items.sort(key=lambda item: item.path not in long)
