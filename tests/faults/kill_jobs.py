"""Run in a process of its own: studies, reproductions and checkpoints that are killed, and begun again until they end.

With "points" a child is killed before its n-th operation on files, for every n; with "random" by SIGKILL at a random
moment, some forty times. What is computed is made up; who writes, resumes and joins it is the package. Prints one line
of JSON: kills, and what was wrong after any of them.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr
from kill_points import killed_before

from lmtbayes.inference.posterior.checkpoint import Checkpoint
from lmtbayes.jobs import chunks
from lmtbayes.jobs import reproduce as reproducing
from lmtbayes.jobs.output import MARK
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study, stamp
from lmtbayes.paper.topics import TOPICS

STUDY = Study("toys", FitSettings(("na64mu",), mixing="paper", mass=(1.0, 1e3)), size=12, chunk=2)
TOPIC_NAMES = tuple(name for name, topic in TOPICS.items() if not topic.figures)[:3]
STEPS = 6


def chunk(study, index):
    part = study.part(index)
    toys = np.arange(part.first, part.first + part.number)
    columns = {"q": toys / 3.0, "deviance": toys * 2.0, "converged": toys > -1}
    found = xr.Dataset({name: ("toy", values) for name, values in columns.items()}, {"toy": toys})
    return found.assign_attrs({"study": study.identity(), "chunk": index} | stamp())


def topic(which, unit, suffix, say):
    (unit / "text.md").write_text(f"about {which.name}\n")
    (unit / "statements.json").write_text("[]\n")


chunks.compute = chunk
reproducing.compute = topic


def study(base):
    result = chunks.run(STUDY, base / "out", progress=False, say=lambda text: None)
    return result["q"].values.tolist()


def reproduce(base):
    summary = reproducing.reproduce(base / "out", TOPIC_NAMES)
    return [str(summary), (base / "out" / "report.md").read_text()]


def checkpoint(base):
    """A sampler that adds the numbers up to `STEPS`, and keeps where it is."""
    base.mkdir(exist_ok=True)
    kept = Checkpoint(base / "chains.npz", "this run", {"seed": 1})
    state = kept.load() or {"sum": np.array(0), "done": np.array(0)}
    for step in range(int(state["done"]) + 1, STEPS + 1):
        state = {"sum": state["sum"] + step, "done": np.array(step)}
        kept.save(state)
    return int(state["sum"])


JOBS = {"study": study, "reproduce": reproduce, "checkpoint": checkpoint}


def stale(base):
    return [str(path) for path in base.rglob("*") if path.name.endswith((".tmp", ".partial"))]


def points(base, job, wanted):
    kills, wrong, number = 0, [], 0
    while True:
        number += 1
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        if not killed_before(number, lambda: job(base)):
            return kills, wrong
        kills += 1
        check(base, job, wanted, wrong, f"a kill before operation {number}")


def at_random(base, job, wanted, kills):
    """Kill one run again and again until it ends, then the next, until so many kills are done."""
    rng = random.Random(20)
    wrong, done, longest = [], 0, 0.3
    while done < kills:
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        for _ in range(3):
            begin = time.monotonic()
            child = os.fork()
            if not child:
                try:
                    job(base)
                finally:
                    os._exit(0)
            time.sleep(rng.uniform(0.0, longest))
            os.kill(child, signal.SIGKILL)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
                longest = max(0.9 * (time.monotonic() - begin), 0.02)
                break
            done += 1
        check(base, job, wanted, wrong, f"kill {done}")
    return done, wrong


def check(base, job, wanted, wrong, when):
    try:
        found = job(base)
    except BaseException as error:
        wrong.append(f"refused after {when}: {error!r}")
        return
    if found != wanted:
        wrong.append(f"not what it should be after {when}: {found}")
    if stale(base):
        wrong.append(f"left after {when}: {stale(base)}")


def main(how, base):
    found = {}
    for name, job in JOBS.items():
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        wanted = job(base)
        assert not [path for path in base.rglob("*.tmp") if path.name != MARK]
        found[name] = points(base, job, wanted) if how == "points" else at_random(base, job, wanted, 14)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
