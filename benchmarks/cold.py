"""Cold starts: import, construction of every experiment, the first value and gradient, with and without a cache."""

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.timing import Call, Case

_FIRST = """
from benchmarks.setup import batched, likelihood, points
import jax
like = likelihood()
photons, pulls = points(like, 256)
jax.block_until_ready(batched(like, True, None)(photons, pulls, like.data))
"""


def _process(code: str, cached: bool = False) -> Call:
    folder = tempfile.TemporaryDirectory() if cached else None
    environment = dict(os.environ) | ({"LMTBAYES_CACHE": folder.name} if folder else {})
    if folder:
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)

    def call() -> dict[str, Any] | None:
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        if folder is None:
            return None
        return {"cache_mib": sum(f.stat().st_size for f in os.scandir(folder.name)) / 2**20}

    return call


def _construct() -> Call:
    import lmtbayes as lmt

    def call() -> dict[str, Any]:
        taken = {}
        for name in lmt.experiment_names():
            begin = time.process_time()
            lmt.experiment(name)
            taken[name] = time.process_time() - begin
        slowest = sorted(taken, key=lambda name: -taken[name])[:4]
        return {
            "experiments": len(taken),
            "above_1_s": sum(t >= 1.0 for t in taken.values()),
            "slowest": ", ".join(f"{name} {taken[name]:.2f} s" for name in slowest),
        }

    return call


CASES = (
    Case("cold/import", lambda: _process("import lmtbayes"), repeats=2),
    Case("cold/every experiment of the registry, in one process", _construct, repeats=0, alone=True),
    Case("cold/seven experiments, likelihood and first gradient", lambda: _process(_FIRST), repeats=0),
    Case("cold/the same, cache full", lambda: _process(_FIRST, cached=True), repeats=0, quick=False),
)
