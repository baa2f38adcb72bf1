"""A case and how it is timed: first call and warm calls apart, wall time and the process's CPU time side by side."""

import gc
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

CACHED = {"LMTBAYES_CACHE": "{cache}"}
"""Environment of a process that shares one compilation cache with others of the run, empty at first."""

type Call = Callable[[], dict[str, Any] | None]

_SHORTEST = 0.02
"""Seconds that one sample lasts at least: a short call is repeated until it does."""
_LONGEST = 25.0
"""Seconds after which no further sample is taken."""


@dataclass(frozen=True)
class Case:
    """One thing that is timed.

    Parameters
    ----------
    name
        "group/what/size"; cases of one group share a process unless they are `alone`.
    prepare
        Builds what is not timed and returns the call that is; the call waits for its result and may return facts.
    points
        Points a call evaluates: times are also given a point.
    target, target_first
        Seconds a point, of a warm call and of the first one (compilation included).
    repeats
        Samples of the warm call, of which the least counts; 0: the first call only.
    alone
        In a process of its own, so that nothing is warm and the peak memory is its own.
    quick
        Whether `--quick` runs it.
    cores
        1: pinned to one core; else free.
    environment
        Of its process: that of the group's first case.
    """

    name: str
    prepare: Callable[[], Call]
    points: int = 1
    target: float | None = None
    target_first: float | None = None
    repeats: int = 7
    alone: bool = False
    quick: bool = True
    cores: int = 1
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        """First part of the name."""
        return self.name.partition("/")[0]


def _clocks() -> tuple[float, float]:
    # Children count too: cold starts are processes of their own.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), time.process_time() + used.ru_utime + used.ru_stime


def measure(case: Case) -> dict[str, Any]:
    """Time a case: a row of the results."""

    def timed(call: Callable[[], Any], number: int = 1) -> tuple[float, float, Any]:
        gc.collect()
        wall, cpu = _clocks()
        for _ in range(number):
            result = call()
        wall_end, cpu_end = _clocks()
        return (wall_end - wall) / number, (cpu_end - cpu) / number, result

    prepared, _, call = timed(case.prepare)
    first, first_cpu, facts = timed(call)
    row: dict[str, Any] = {
        "name": case.name,
        "points": case.points,
        "prepare_s": prepared,
        "first_s": first,
        "first_cpu_s": first_cpu,
        "target_s": case.target,
        "target_first_s": case.target_first,
        "facts": facts or {},
    }
    samples: list[tuple[float, float]] = []
    begin = time.perf_counter()
    number = 1
    while len(samples) < case.repeats and (not samples or time.perf_counter() - begin < _LONGEST):
        wall, cpu, facts = timed(call, number)
        if wall * number < _SHORTEST and number < 10_000:
            number *= 4
            continue
        samples.append((wall, cpu))
    if samples:
        row |= {"warm_s": min(w for w, _ in samples), "warm_cpu_s": min(c for _, c in samples), "facts": facts or {}}
    row["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return row


def _accelerator() -> str:
    """Name of what jax computes on, asked in a process of its own: one that keeps no device's memory from the cases."""
    code = "import jax; d = jax.devices()[0]; print('none' if d.platform == 'cpu' else d.device_kind)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def machine() -> dict[str, Any]:
    """Say what it ran on, in neutral words."""
    packages = ("lmtbayes", "jax", "jaxlib", "numpy", "scipy", "numpyro", "interpax", "emcee", "iminuit", "dynesty")
    versions = {}
    for name in packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    with open("/proc/cpuinfo", encoding="utf-8") if os.path.exists("/proc/cpuinfo") else open(os.devnull) as file:
        flags = set(next((line for line in file if line.startswith("flags")), "").split())
    vectors = next((name for name in ("avx512f", "avx2", "avx") if name in flags), "")
    return {
        "processor": f"{os.cpu_count()} {platform.machine().replace('_', '-')} cores"
        + (f", {vectors}" if vectors else ""),
        "precision": "float64",
        "accelerator": _accelerator(),
        "python": platform.python_version(),
        "versions": versions,
        "load_before": os.getloadavg()[0],
        "when": time.strftime("%Y-%m-%d"),
    }
