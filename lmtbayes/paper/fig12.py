"""Fig. 12: DARWIN's nuclear recoils above 1 keV added to NA64mu and CEvNS, read in Lmu-Ltau and in Lmu."""

from matplotlib.figure import Figure

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper import panels
from lmtbayes.paper.fig08 import TOGETHER
from lmtbayes.paper.planes import READ_LMU, XENON, built, deviance_at, profile
from lmtbayes.paper.regions import Agreement, agreement
from lmtbayes.plotting.panels import note
from lmtbayes.plotting.style import EXPERIMENT_COLOURS, LMU_COLOUR, style

WITH_XENON = TOGETHER + XENON


def read_in_lmu(benchmark: str, convention: str) -> Agreement:
    """Whether DARWIN agrees with NA64mu and CEvNS on one boson of Lmu.

    Below 2 m_mu NA64mu and spallation sources cannot tell the models apart (no nu_tau, no decay to muons): the truth
    fits them in both. In Lmu-Ltau it fits everything, so that the deviance is also that of Lmu against Lmu-Ltau.
    """
    separate = [
        (
            deviance_at(TOGETHER, benchmark, convention, READ_LMU, BENCHMARKS[benchmark]),
            sum(built(name, convention).n_bins for name in TOGETHER),
        ),
        (float(profile(XENON, benchmark, convention, READ_LMU).attrs["deviance"]), built(XENON[0], convention).n_bins),
    ]
    return agreement(profile(WITH_XENON, benchmark, convention, READ_LMU), separate)


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 12 of arXiv:2104.03297.

    Everything is relative to the best fit in Lmu-Ltau, which is perfect: where Lmu cannot follow the data it has no
    region at all. The words in each panel are the goodness of fit of Lmu.

    Parameters
    ----------
    convention
        "default" or "paper"; with the defaults the fluxes of the Sun and the oscillation parameters are uncertain.
    """
    with style():
        title = r"NA64$\mu$, CEvNS and DARWIN (nuclear recoils above 1 keV)"
        fig, axes = panels.benchmark_panels(title, convention)
        for benchmark, axis in axes.items():
            alone = profile(XENON, benchmark, convention, READ_LMU)
            panels.region(axis, alone, LMU_COLOUR, r"DARWIN alone, read in $L_\mu$", fill=0.08)
            before = profile(TOGETHER, benchmark, convention)
            panels.region(axis, before, EXPERIMENT_COLOURS["combination"], r"NA64$\mu$ and CEvNS", fill=0.10)
            own, other = (profile(WITH_XENON, benchmark, convention, *model) for model in ((), (READ_LMU,)))
            panels.region(axis, own, EXPERIMENT_COLOURS[XENON[0]], r"with DARWIN, read in $L_\mu-L_\tau$", fill=0.4)
            deviance = float(other.attrs["deviance"])
            panels.region(axis, other, LMU_COLOUR, r"with DARWIN, read in $L_\mu$", fill=0.3, offset=deviance)
            note(axis, rf"$L_\mu$: {read_in_lmu(benchmark, convention)}", LMU_COLOUR)
        return panels.finish(fig, 3)
