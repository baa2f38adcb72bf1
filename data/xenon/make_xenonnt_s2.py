"""Writes xenonnt_s2_*.csv out of a checkout of github.com/XENONnT/s2_only_data_release: responses, backgrounds, counts.

`python data/xenon/make_xenonnt_s2.py FOLDER`.
"""

import csv
import importlib
import pickle
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

EXPOSURE_TYR = {"sr0": 1.50, "sr1": 2.44, "sr2": 3.89}
EDGES_PE = np.linspace(80.0, 500.0, 8)
NODES = range(-3, 4)
SOURCE = """\
# Source: XENONnT/s2_only_data_release (commit dd00e04; MIT licence), of arXiv:2601.11296; taken over by \
data/xenon/make_xenonnt_s2.py.
"""
RESPONSE = """\
# XENONnT's search with ionisation alone: probability that a nuclear recoil of a true energy [keVnr] is counted in \
each of 7 equal bins of S2 from 80 to 500 photoelectrons, by charge yield [standard deviations] and run. Straight \
lines between the energies, nothing outside.
"""
BACKGROUNDS = """\
# XENONnT's search with ionisation alone: events in 7 equal bins of S2 from 80 to 500 photoelectrons. kind "observed": \
counts; "cathode" by its systematic shift [standard deviations], "de" and "ae" (the release's names): 1/(t yr).
# relative_sigma: of the rate, from the release's s2_only_statistical_model.yaml; exposure_tyr: t yr, from there.
"""
RELATIVE = {
    ("cathode", "sr0"): 0.146,
    ("cathode", "sr1"): 0.104,
    ("cathode", "sr2"): 0.074,
    ("de", "sr0"): 0.408,
    ("de", "sr1"): 0.192,
    ("de", "sr2"): 0.135,
    ("ae", "sr0"): 0.171,
    ("ae", "sr1"): 0.078,
}
BINS = [f"b{i}" for i in range(7)]


class Arrays(pickle.Unpickler):
    """Reads a pickle of NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Only what belongs to NumPy."""
        if module.split(".")[0] != "numpy":
            raise pickle.UnpicklingError(f"{module}.{name} is not NumPy's")
        return getattr(importlib.import_module(module.replace("numpy.core", "numpy._core")), name)


def template(folder: Path, run: str, name: str) -> np.ndarray:
    """One background [1/(t yr)]."""
    with h5py.File(folder / "data" / "templates" / f"science_roi_background_{run}_template_{name}_1d.h5") as file:
        return np.asarray(file["templates/template"])


def write(name: str, header: str, columns: list[str], rows: list[list[object]]) -> None:
    """Write one table beside this file."""
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    Path(__file__).with_name(f"xenonnt_s2_{name}.csv").write_text(
        header + SOURCE + "\n".join(lines) + "\n", encoding="utf-8"
    )


def main(folder: Path) -> None:
    """Read and write."""
    with (folder / "data" / "real_data.pkl").open("rb") as file:
        events = Arrays(file).load()
    responses: list[list[object]] = []
    backgrounds: list[list[object]] = []
    for run, exposure in EXPOSURE_TYR.items():
        counts, _ = np.histogram(events[run.upper()]["cs2_wo_elifecorr"], EDGES_PE)
        backgrounds.append([run, "observed", 0, exposure, 0, *counts])
        for charge in NODES:
            with (folder / "response" / f"response_nr_tqy_{charge}_{run}.csv").open(encoding="utf-8") as table:
                for energy, *values in list(csv.reader(table))[1:]:
                    responses.append([run, charge, energy, *(f"{float(x):.5g}" for x in values)])
            cathode = template(folder, run, f"cathode_tsys_{charge}")
            sigma = RELATIVE["cathode", run]
            backgrounds.append([run, "cathode", charge, exposure, sigma, *(f"{x:.6g}" for x in cathode)])
        for kind in ("de", "ae"):
            if (kind, run) in RELATIVE:
                rates = [f"{x:.5g}" for x in template(folder, run, kind)]
                backgrounds.append([run, kind, 0, exposure, RELATIVE[kind, run], *rates])
    write("response", RESPONSE, ["run", "charge_yield", "energy_kevnr", *BINS], responses)
    write("bins", BACKGROUNDS, ["run", "kind", "shift", "exposure_tyr", "relative_sigma", *BINS], backgrounds)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
