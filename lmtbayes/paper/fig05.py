"""Fig. 5: what NA64mu alone says of the mass and coupling of BP1-BP4, read in Lmu-Ltau and in Lmu."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lmtbayes.constants import MUON_MASS
from lmtbayes.paper import panels
from lmtbayes.paper.planes import BEAM, READ_LMU, profile
from lmtbayes.paper.regions import ridge
from lmtbayes.plotting.legends import KEY, remember
from lmtbayes.plotting.style import EXPERIMENT_COLOURS, LMU_COLOUR, style

_RIDGE = "best coupling at each mass"


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 5 of arXiv:2104.03297.

    Dotted: the best coupling at each mass, which shows where the two models part; no region reaches that far.

    Parameters
    ----------
    convention
        "default" or "paper"; yields differ by a factor of about pi, and with the form factor's uncertainty.
    """
    with style():
        title = r"What NA64$\mu$ reconstructs"
        fig, axes = panels.benchmark_panels(title, convention)
        for benchmark, axis in axes.items():
            colour = EXPERIMENT_COLOURS["na64mu"]
            own, other = (profile(BEAM, benchmark, convention, *model) for model in ((), (READ_LMU,)))
            panels.region(axis, own, colour, r"read in $L_\mu-L_\tau$", fill=0.3)
            panels.region(axis, other, LMU_COLOUR, r"read in $L_\mu$ (the same below $2m_\mu$)", fill=0.0)
            for found, shade, width in ((own, colour, 1.8), (other, LMU_COLOUR, 1.0)):
                axis.plot(found["mass"], ridge(found)[0], color=shade, ls=":", lw=width, zorder=1, gid=_RIDGE)
            remember(axis, Line2D([], [], color=KEY, ls=":", lw=1.5, label=_RIDGE), key=True)
            axis.axvline(2.0 * MUON_MASS, color="0.6", lw=0.8, zorder=0)
            axis.text(2.0 * MUON_MASS, 1.2e-4, r" $2m_\mu$", color="0.4", fontsize=9.0)
        return panels.finish(fig, 3)
