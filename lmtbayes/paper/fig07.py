"""Fig. 7: what CENNS610, CCM, ESS10 and ESS say of the mass and coupling of BP1-BP4."""

from matplotlib.figure import Figure

from lmtbayes.paper import panels
from lmtbayes.paper.planes import SPALLATION, profile
from lmtbayes.plotting.style import style


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 7 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper"; with the defaults nuclear radius and weak mixing angle are uncertain too.
    """
    with style():
        title = "What CEvNS at spallation sources reconstructs"
        fig, axes = panels.benchmark_panels(title, convention)
        for benchmark, axis in axes.items():
            for name in SPALLATION:
                panels.region_or_limit(axis, name, profile((name,), benchmark, convention))
        return panels.finish(fig, 4)
