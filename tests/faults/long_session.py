"""Run in a process of its own: many likelihoods, each fitted and kept, and what the process holds after each.

Prints one line of JSON: memory maps, resident memory [MB], threads and open files, once a fit.
"""

import gc
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np
from three_bins import registered

import lmtbayes as lmt
from lmtbayes.inference.likelihood import programs

FIXED = lmt.LMU_LTAU.with_mixing("paper")
GRID = {"g_x": np.geomspace(1e-5, 1e-2, 3), "mass": np.geomspace(1.0, 1e3, 3)}


def held():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    tasks, files = (len(os.listdir(f"/proc/self/{name}")) for name in ("task", "fd"))
    return programs.maps(), pages * resource.getpagesize() // 2**20, tasks, files


def main(fits, allowed):
    programs.most = lambda: allowed
    kept, found = [], []
    with registered():
        for number in range(fits):
            data = {"three-bins-flux": np.array([9.0 + number, 4.0, 2.0])}
            kept.append(lmt.JointLikelihood(["three-bins-flux"], FIXED, data))
            highest = float(lmt.profile_likelihood(kept[-1], GRID)["log_likelihood"].max())
            found.append((*held(), highest))
            print(*found[-1], file=sys.stderr, flush=True)
        again = float(lmt.profile_likelihood(kept[0], GRID)["log_likelihood"].max())
    print(json.dumps({"found": found, "again": again}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
