"""Fig. 8: NA64mu and the CEvNS detectors together, and one by one."""

from matplotlib.figure import Figure

from lmtbayes.paper import panels
from lmtbayes.paper.planes import BEAM, SPALLATION, profile
from lmtbayes.paper.regions import Agreement, agreement
from lmtbayes.plotting.panels import note
from lmtbayes.plotting.style import EXPERIMENT_COLOURS, style

TOGETHER = BEAM + SPALLATION


def compatibility(benchmark: str, convention: str) -> Agreement:
    """Do NA64mu and CEvNS agree?  The truth's mixing is assumed, so that the truth fits both."""
    parts = [(profile((name,), benchmark, convention).attrs["deviance"], n) for name, n in ((BEAM[0], 9), ("ess", 4))]
    return agreement(profile(TOGETHER, benchmark, convention), parts)


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 8 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    with style():
        title = r"NA64$\mu$ and CEvNS: 68 % (solid) and 95 % (dashed), or the upper limit of 90 % (dash-dotted)"
        fig, axes = panels.benchmark_panels(title, convention)
        for benchmark, axis in axes.items():
            combined = profile(TOGETHER, benchmark, convention)
            panels.region_or_limit(axis, BEAM[0], profile(BEAM, benchmark, convention), fill=0.25)
            for name in SPALLATION:
                panels.region_or_limit(axis, name, profile((name,), benchmark, convention), fill=0.07)
            panels.region(axis, combined, EXPERIMENT_COLOURS["combination"], "all together", fill=0.25)
        return panels.finish(fig, 6)
