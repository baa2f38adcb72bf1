"""Run in a process of its own: commands that SIGKILL meets at random moments, and that are given again until they end.

Every command is a fork of this process, which has imported all and computed nothing (its benchmarks are NumPy arrays:
jax has no threads yet, which no fork would have), so that the moments fall into the work and not into the imports.
Told a folder, a seed and commands of `KINDS`; prints one line of JSON: for each of them how many SIGKILLs it met, in
how many runs, and what was wrong.
"""

import gc
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np

_AS_JAX = jnp.asarray
jnp.asarray = np.asarray
import arviz  # noqa: E402, F401
import distributed  # noqa: E402, F401
import xarray as xr  # noqa: E402

import lmtbayes as lmt  # noqa: E402
from lmtbayes import cli  # noqa: E402
from lmtbayes.jobs import fit, reproduce, tasks  # noqa: E402, F401

jnp.asarray = _AS_JAX

ONE = ("--experiments", "muon-g2-2025", "--mixing", "paper")
FIT = ("fit", *ONE, "--data", "observed", "--chains", "2", "--warmup", "100", "--draws", "100", "--grid", "0")
STUDY = ("study", "toys", *ONE, "--size", "40", "--chunk", "4", "--no-progress")
KINDS = {
    "sample_posterior": (14, None),
    "fit": (6, (*FIT, "--format", "png", "--no-progress")),
    "study": (14, STUDY),
    "study --workers": (2, (*STUDY, "--workers", "1")),
    "reproduce": (4, ("reproduce", "--only", "table1", "--only", "branching", "--workers", "1")),
}
"""How many SIGKILLs each meets, and its arguments."""
KILLS_OF_A_RUN = 3
_SHORTER = 0.8


def command(arguments, out):
    """What a child does: the command as a shell gives it, or the call of a notebook with a checkpoint."""
    if arguments is not None:
        sys.argv = ["lmtbayes", *arguments, "--out", str(out)]
        cli.main()
        return
    model = lmt.LMU_LTAU.with_mixing("paper")
    like = lmt.JointLikelihood(["muon-g2-2025"], model, "observed")
    out.mkdir(exist_ok=True)
    posterior = lmt.sample_posterior(
        like,
        lmt.priors.default(model),
        chains=2,
        warmup=100,
        draws=100,
        init="prior",
        jumps=False,
        grid_check=False,
        chunk=10,
        checkpoint=out / "run.npz",
        progress=False,
    )
    np.save(out / "draws.npy", posterior["posterior"]["g_x"].values)


def child(arguments, out):
    """Start one, in a group of its own with its workers."""
    number = os.fork()
    if number:
        return number
    os.setpgid(0, 0)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    status = 1
    try:
        command(arguments, out)
        status = 0
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        os._exit(status)


def ended(number, seconds):
    """Exit status of a child that ends within that time; else it is killed, and -9 is returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(number, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(number, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def results(out):
    """What a run left, by file; of netCDF files the numbers, since times are among their attributes."""
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".nc":
            tree = xr.load_datatree(path, engine="h5netcdf")
            content = {name: node.to_dataset().drop_attrs() for name, node in tree.subtree_with_keys}
        found[str(path.relative_to(out))] = content
    return found


def same(a, b):
    if isinstance(a, bytes):
        return a == b
    return a.keys() == b.keys() and all(a[name].identical(b[name]) for name in a)


def kill(name, kills, arguments, base, moments):
    """SIGKILLs of one command, and whether every run ended as the one that nobody killed."""
    begin = time.monotonic()
    status = ended(child(arguments, base / "unbroken"), 300.0)
    usual = time.monotonic() - begin
    assert status == 0, f"{name} ended with status {status}"
    expected, wrong, met, runs = results(base / "unbroken"), [], 0, 0
    while met < kills:
        runs += 1
        (base / str(runs)).mkdir()
        out, before = base / str(runs) / "out", met
        while met < min(kills, before + KILLS_OF_A_RUN):
            status = ended(child(arguments, out), moments.uniform(0.0, usual))
            if status != -signal.SIGKILL:
                usual *= _SHORTER  # the first run compiled more
                break
            met += 1
        if status == -signal.SIGKILL:
            status = ended(child(arguments, out), 300.0)
        if status != 0:
            wrong.append(f"run {runs} ended with status {status} after {met - before} SIGKILLs")
            continue
        found = results(out)
        if differ := [x for x in {*found, *expected} if x not in found or not same(found[x], expected.get(x))]:
            wrong.append(f"run {runs} is not the unbroken one: {sorted(differ)}")
        if beside := sorted(path.name for path in out.parent.iterdir() if path != out):
            wrong.append(f"run {runs} left {beside}")
    return {"kills": met, "runs": runs, "wrong": wrong}


def main(base, seed, names):
    gc.set_threshold(100_000, 20, 10)  # of the children too: as in tests/conftest.py
    moments, found = random.Random(seed), {}
    for number, name in enumerate(names):
        (base / str(number)).mkdir(parents=True)
        found[name] = kill(name, *KINDS[name], base / str(number), moments)
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
