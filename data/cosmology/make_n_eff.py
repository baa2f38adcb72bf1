"""Writes n_eff.csv: N_eff on a grid of mass and the two couplings of n_eff_equations.py, in some ten minutes.

`python data/cosmology/make_n_eff.py`. Rows: mass [MeV] and coupling to neutrinos; columns: coupling to electrons.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from n_eff_equations import effective_neutrinos, solve

MASSES = np.geomspace(1.1, 1000.0, 52)
NU = np.linspace(-12.0, -1.5, 22)
E = np.linspace(-12.0, -1.5, 22)
HEADER = """\
# Effective number of neutrinos N_eff with a hidden photon: two-temperature equations (photons with electrons, \
neutrinos) with decays, inverse decays and exchange of the boson.
# Columns: mass [MeV]; log10 of the coupling to neutrinos, g_x sqrt(sum Q_alpha^2); then N_eff, one column for each \
log10 of the coupling to electrons, |g_x Q_e + eps_x e|. Without a boson: {standard:.5f}.
# Source: calculated by data/cosmology/make_n_eff.py with the equations of data/cosmology/n_eff_equations.py, method \
of arXiv:1812.05605, arXiv:1901.02010 and arXiv:2001.04466.
"""


def main() -> None:
    """Solve and write."""
    nothing = np.zeros(1)
    standard = solve(np.inf, nothing, nothing, own_population=False)[0]
    lines = [HEADER.format(standard=standard), ",".join(["mass_mev", "log10_nu", *(f"{e:g}" for e in E)]) + "\n"]
    for mass in MASSES:
        table = effective_neutrinos(mass, 10.0 ** NU[:, None], 10.0 ** E[None, :])
        lines += [
            f"{mass:.7g},{nu:g}," + ",".join(f"{n:.5f}" for n in row) + "\n" for nu, row in zip(NU, table, strict=True)
        ]
        print(f"{mass:.4g} MeV: {table.min():.4f} to {table.max():.4f}", flush=True)
    Path(__file__).with_name("n_eff.csv").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
