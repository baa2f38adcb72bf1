"""Fig. 9: as Fig. 8, but read with eps_x = -g_x/10 where the data have -g_x/70: NA64mu and CEvNS fall apart."""

from matplotlib.figure import Figure

from lmtbayes.paper import panels
from lmtbayes.paper.fig08 import TOGETHER, beam_and_cevns
from lmtbayes.paper.planes import BEAM, READ_WRONG_MIXING, SPALLATION, profile, profile_wrong_mixing
from lmtbayes.plotting.panels import note
from lmtbayes.plotting.style import EXPERIMENT_COLOURS, style


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 9 of arXiv:2104.03297; the words in each panel are the goodness of fit of the combination.

    Strokes at the upper edge near 350 MeV are islands: the second mode of heavy bosons, g_x/M_A' = 2.5e-5/MeV here,
    enters the range.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    with style():
        title = r"NA64$\mu$ and CEvNS, read with $\epsilon_x=-g_x/10$"
        fig, axes = panels.benchmark_panels(title, convention)
        for benchmark, axis in axes.items():
            panels.region_or_limit(axis, BEAM[0], profile(BEAM, benchmark, convention), fill=0.25)
            for name in SPALLATION:
                panels.region_or_limit(axis, name, profile_wrong_mixing(name, benchmark, convention), fill=0.07)
            combined = profile(TOGETHER, benchmark, convention, READ_WRONG_MIXING)
            panels.region(axis, combined, EXPERIMENT_COLOURS["combination"], "all together", fill=0.25)
            note(axis, str(beam_and_cevns(benchmark, convention, READ_WRONG_MIXING)))
        return panels.finish(fig, 6)
