"""Fig. 5: what NA64mu alone says of the mass and coupling of BP1-BP4, read in Lmu-Ltau and in Lmu."""

from matplotlib.figure import Figure

from lmtbayes.constants import MUON_MASS
from lmtbayes.paper import panels
from lmtbayes.paper.planes import BEAM, READ_LMU, profile
from lmtbayes.plotting.style import EXPERIMENT_COLOURS, LMU_COLOUR, style


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 5 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper"; yields differ by a factor of about pi, and with the form factor's uncertainty.
    """
    with style():
        fig, axes = panels.benchmark_panels(r"NA64$\mu$: 68 % (solid) and 95 % (dashed)", convention)
        for benchmark, axis in axes.items():
            colour = EXPERIMENT_COLOURS["na64mu"]
            panels.region(axis, profile(BEAM, benchmark, convention), colour, r"read in $L_\mu-L_\tau$", fill=0.3)
            other = profile(BEAM, benchmark, convention, READ_LMU)
            panels.region(axis, other, LMU_COLOUR, r"read in $L_\mu$", fill=0.0)
            axis.axvline(2.0 * MUON_MASS, color="0.6", lw=0.8, zorder=0)
            axis.text(2.0 * MUON_MASS, 1.2e-4, r" $2m_\mu$", color="0.4", fontsize=9.0)
        return panels.finish(fig, 2)
