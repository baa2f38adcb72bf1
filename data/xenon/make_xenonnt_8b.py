"""Writes xenonnt_8b_*.csv out of a checkout of github.com/XENONnT/cevns_data_release: the templates, made compact.

`python data/xenon/make_xenonnt_8b.py FOLDER`. The release has 7 x 7 x 46 templates of nuclear recoils a run: by light
yield, charge yield and energy. They are written as a sum over modes,

    template(run, bin; yields, energy) = sum_yk signal[run, bin, y, k] yields[y] energy[k],

whose modes are those of a singular-value decomposition along the yields and along the energies. It weighs residuals by
what a fit sees of them: bins by the accidentals' Poisson error, yields by their constraint (the nominal ones five times
as much), energies by a spectrum like that of 8B. What is left out is mostly the simulation's own statistics (printed).
Neutrons: modes along the yields.
"""

import csv
import re
import sys
from pathlib import Path

import h5py
import numpy as np

EXPOSURE_TYR = {"sr0": 1.174398, "sr1": 2.342593, "sr2": 3.249665}
OBSERVABLES = ("cs2", "s2_shadow_s2_time_shadow_quantile", "s1_bdt_score", "s2_bdt_score")
ENERGY_KEVNR = np.linspace(0.5, 5.0, 46)
YIELDS = np.arange(-3.0, 4.0)
YIELD_MODES, ENERGY_MODES, NEUTRON_MODES = 12, 8, 4
NOMINAL = 24
"""Row of the nominal yields among the 49."""
SIGNAL_UNIT = 1e-6
SOURCE = """\
# Source: XENONnT/cevns_data_release (DOI 10.5281/zenodo.20576156; commit 60d230d), CC-BY-4.0, of arXiv:2604.06002; \
made compact by data/xenon/make_xenonnt_8b.py.
"""
HEADERS = {
    "bins": """\
# XENONnT search for solar 8B neutrinos: 81 bins a run (3 x 3 x 3 x 3 in C order: cS2, quantile of S2pre/dt, score of \
the S1 BDT, score of the S2 BDT; edges in the release).
# Columns: observed events; accidental coincidences and electron recoils [1/(t yr)]; neutrons n0, n1, ... [1/(t yr)], \
each times the column of its name in xenonnt_8b_yields.csv.
""",
    "signal": """\
# Nuclear recoils in the bins of xenonnt_8b_bins.csv: 1e6 times the efficiency; rows: mode of the yields; columns e0, \
e1, ...: modes of the energy. Efficiency(yields, energy) = 1e-6 sum row x its column of xenonnt_8b_yields.csv x column \
x its column of xenonnt_8b_energy.csv.
""",
    "energy": """\
# Modes of the true nuclear-recoil energy [keVnr] of the templates in xenonnt_8b_signal.csv (dimensionless); straight \
lines between the rows, nothing outside.
""",
    "yields": """\
# Modes of light and charge yield [standard deviations from their medians] of the templates in xenonnt_8b_signal.csv \
(y0, y1, ...) and of the neutrons in xenonnt_8b_bins.csv (n0, n1, ...), dimensionless.
""",
}


def template(file: Path) -> np.ndarray:
    """One template, its four observables flattened."""
    with h5py.File(file) as held:
        return np.asarray(held["templates/template"]).ravel()


def by_yields(folder: Path, run: str, stem: str) -> np.ndarray:
    """Templates of one stem at all yields, (7, 7, bins)."""
    name = f"template_XENONnT_{run}_{stem}_cevns_tly_{{:.1f}}_tqy_{{:.1f}}.h5"
    kind = folder / "templates" / run / stem.split("_")[0]
    return np.array([[template(kind / name.format(light, charge)) for charge in YIELDS] for light in YIELDS])


def sections(text: str) -> list[tuple[str, str]]:
    """Keys and lists of a file of edges."""
    parts = re.split(r"^(\w+):\n", text, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def observed(folder: Path, run: str) -> np.ndarray:
    """Events in the bins."""
    text = (folder / "binning" / f"{run}.yaml").read_text(encoding="utf-8")
    edges = {name: [float(x) for x in re.findall(r"^- (.*)", part, re.M)] for name, part in sections(text)}
    with (folder / "data" / f"{run}.csv").open(encoding="utf-8") as file:
        events = [[float(row[name]) for name in OBSERVABLES] for row in csv.DictReader(file)]
    counts, _ = np.histogramdd(np.array(events), bins=[edges[name] for name in OBSERVABLES])
    if counts.sum() != len(events):
        raise SystemExit(f"{run}: {len(events)} events, {counts.sum():g} of them in bins")
    return counts.ravel()


def modes(tensor: np.ndarray, axis: int, count: int) -> np.ndarray:
    """Leading directions along an axis, orthonormal columns."""
    flat = np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)
    return np.linalg.svd(flat, full_matrices=False)[0][:, :count]


def scaled(directions: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Modes of the unweighted tensor, their largest entry one, and what the core is to be multiplied by."""
    free = directions / weight[:, None]
    size = np.abs(free).max(axis=0)
    return free / size, size


def weight_of_yields() -> np.ndarray:
    """Their constraint, on a floor, and five times as much for the nominal ones, (49,)."""
    bell = np.exp(-(YIELDS**2) / 4.0)
    weight = np.sqrt(np.outer(bell, bell).ravel() ** 2 + 0.02)
    weight[NOMINAL] *= 5.0
    return weight


def compact_neutrons(neutrons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Modes of the yields (49, n) and what multiplies them (bins, n), of templates (49, bins)."""
    weight = weight_of_yields()
    weighted = neutrons * weight[:, None]
    along = modes(weighted, 0, NEUTRON_MODES)
    in_yields, size = scaled(along, weight)
    of_bins = (along.T @ weighted).T * size
    off = (in_yields @ of_bins.T - neutrons).reshape(49, 3, -1).sum(-1) / neutrons.reshape(49, 3, -1).sum(-1)
    at_most = np.abs(off).max(axis=1)
    print(f"neutrons: runs off by {at_most[NOMINAL]:.1e} at nominal yields, by {at_most.max():.1e} at most")
    return in_yields, of_bins


def compact(signal: np.ndarray, accidental: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Modes of the yields (49, y), of the energy (46, e) and the core (bins, y, e) of templates (49, 46, bins)."""
    in_yields = weight_of_yields()
    spectrum = np.exp(-ENERGY_KEVNR / 0.62) * np.clip(1.0 - ENERGY_KEVNR / 4.6, 0.0, None) ** 2
    in_energy = np.sqrt(spectrum / spectrum.max() + 3e-4)
    exposure = np.repeat(list(EXPOSURE_TYR.values()), accidental.size // len(EXPOSURE_TYR))
    in_bins = np.sqrt(exposure / accidental)
    weighted = signal * in_yields[:, None, None] * in_energy[:, None] * in_bins
    along_yields, along_energy = modes(weighted, 0, YIELD_MODES), modes(weighted, 1, ENERGY_MODES)
    core = np.einsum("teb,ty,ek->byk", weighted, along_yields, along_energy) / in_bins[:, None, None]
    yields, yield_size = scaled(along_yields, in_yields)
    energy, energy_size = scaled(along_energy, in_energy)
    core *= yield_size[:, None] * energy_size
    left_out = np.einsum("byk,ty,ek->teb", core, yields, energy) - signal
    for label, which in (("nominal yields", [NOMINAL]), ("within one standard deviation", neighbours())):
        counts, off = (np.einsum("teb,e->tb", each[which], spectrum) for each in (signal, left_out))
        runs = off.reshape(len(which), 3, -1).sum(-1) / counts.reshape(len(which), 3, -1).sum(-1)
        print(f"{label}: bins off by {np.abs(off / counts).max():.1e}, runs by {np.abs(runs).max():.1e} at most")
    return yields, energy, core


def neighbours() -> list[int]:
    """Rows of the yields within one standard deviation."""
    return [7 * i + j for i in (2, 3, 4) for j in (2, 3, 4)]


def write(name: str, columns: list[str], rows: list[list[str]]) -> None:
    """Write one table beside this file."""
    text = HEADERS[name] + SOURCE + "\n".join(",".join(row) for row in [columns, *rows]) + "\n"
    Path(__file__).with_name(f"xenonnt_8b_{name}.csv").write_text(text, encoding="utf-8")


def numbered(letter: str, count: int) -> list[str]:
    """Names of the modes."""
    return [f"{letter}{i}" for i in range(count)]


def main(folder: Path) -> None:
    """Read, reduce, write."""
    signal, neutrons, rows = [], [], []
    for run in EXPOSURE_TYR:
        mono = [by_yields(folder, run, f"mono_{energy:.3f}").reshape(49, -1) for energy in ENERGY_KEVNR]
        signal.append(np.stack(mono, axis=1))
        neutrons.append(by_yields(folder, run, "rg").reshape(49, -1))
        of_run = folder / "templates" / run
        kinds = [template(of_run / kind / f"template_XENONnT_{run}_{kind}_cevns.h5") for kind in ("ac", "er")]
        rows += [[run, b, *row] for b, row in enumerate(zip(observed(folder, run), *kinds, strict=True))]
    yields, energy, core = compact(np.concatenate(signal, axis=2), np.array([row[3] for row in rows]))
    in_neutrons, of_bins = compact_neutrons(np.concatenate(neutrons, axis=1))

    neutron_names, energy_names = numbered("n", NEUTRON_MODES), numbered("e", ENERGY_MODES)
    columns = ["run", "bin", "observed", "accidental_per_tyr", "electron_per_tyr", *neutron_names]
    entries = [[r, str(b), f"{n:g}", f"{ac:.6g}", f"{er:.5g}"] for r, b, n, ac, er in rows]
    write("bins", columns, [[*e, *(f"{x:.4g}" for x in of)] for e, of in zip(entries, of_bins, strict=True)])
    grid = [f"{light:g},{charge:g}" for light in YIELDS for charge in YIELDS]
    both = np.hstack([yields, in_neutrons])
    write(
        "yields",
        ["light_yield", "charge_yield", *numbered("y", YIELD_MODES), *neutron_names],
        [[at, *(f"{x:.6f}" for x in row)] for at, row in zip(grid, both, strict=True)],
    )
    table = zip(ENERGY_KEVNR, energy, strict=True)
    write("energy", ["energy_kevnr", *energy_names], [[f"{e:.1f}", *(f"{x:.6f}" for x in row)] for e, row in table])
    write(
        "signal",
        ["run", "bin", "mode", *energy_names],
        [
            [rows[b][0], str(rows[b][1]), str(y), *(f"{x / SIGNAL_UNIT:.1f}" for x in core[b, y])]
            for b in range(len(rows))
            for y in range(YIELD_MODES)
        ],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
