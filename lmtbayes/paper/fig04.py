"""Fig. 4: expected events of NA64mu in the nine bins of the scattered muon's energy, for the benchmarks BP1-BP4."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments.beam_setup import read_setups
from lmtbayes.experiments.muon_beam import muon_beam
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.plotting.spectra import binned_spectra
from lmtbayes.plotting.style import style


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 4; with "paper" the numbers are the paper's (2.5-9.6 events in each bin), errata included."""
    beam = muon_beam(read_setups()["na64mu"], convention=convention)
    spectra = {name: np.asarray(beam.signal_counts(LMU_LTAU, photon)) for name, photon in BENCHMARKS.items()}
    labels = {
        name: f"{name}: {float(photon.mass):g} MeV, $g_x = {_power_of_ten(float(photon.g_x))}$"
        for name, photon in BENCHMARKS.items()
    }
    choice = "" if convention == "default" else f", convention “{convention}”"
    with style():
        drawn, ax = plt.subplots(figsize=(5.6, 4.2))
        binned_spectra(ax, beam.bin_edges, spectra, labels, xlabel=r"energy of the scattered muon $E'_\mu$ [GeV]")
        muons = _power_of_ten(beam.setup.muons_on_target)
        ax.set_title(f"{beam.title}, ${muons}$ muons on target{choice}", fontsize=10.0)
        plt.close(drawn)
    return drawn


def _power_of_ten(number: float) -> str:
    mantissa, exponent = f"{number:.0e}".split("e")
    return ("" if mantissa == "1" else mantissa + r" \times ") + f"10^{{{int(exponent)}}}"
