"""Fig. 8: NA64mu and the CEvNS detectors, together and one by one; the truth's mixing is assumed."""

import numpy as np
from matplotlib.figure import Figure

from lmtbayes.gauge.models import BENCHMARKS, GaugeModel
from lmtbayes.paper import panels
from lmtbayes.paper.planes import BEAM, READ_LMU_LTAU, SPALLATION, built, deviance_at, profile
from lmtbayes.paper.regions import Agreement, agreement
from lmtbayes.plotting.panels import note
from lmtbayes.plotting.style import EXPERIMENT_COLOURS, style

TOGETHER = BEAM + SPALLATION


def beam_and_cevns(benchmark: str, convention: str, model: GaugeModel = READ_LMU_LTAU) -> Agreement:
    """Whether NA64mu and the four CEvNS detectors agree on one boson, read in a model of fixed mixing.

    Recoils know coupling and mixing through g_x eps_x alone, so that with any mixing there is a coupling at which they
    fit as the truth does.
    """
    truth = BENCHMARKS[benchmark]
    alike = model.hidden_photon(float(truth.g_x), float(truth.mass))
    scale = np.sqrt(float(truth.eps_x) / float(alike.eps_x))
    alike = model.hidden_photon(float(truth.g_x) * scale, float(truth.mass))
    separate = [
        (float(profile(BEAM, benchmark, convention).attrs["deviance"]), built(BEAM[0], convention).n_bins),
        (
            deviance_at(SPALLATION, benchmark, convention, model, alike),
            sum(built(name, convention).n_bins for name in SPALLATION),
        ),
    ]
    return agreement(profile(TOGETHER, benchmark, convention, model), separate)


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 8 of arXiv:2104.03297; the words in each panel are the goodness of fit of the combination.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    with style():
        title = r"NA64$\mu$ and CEvNS, each alone and all together"
        fig, axes = panels.benchmark_panels(title, convention)
        for benchmark, axis in axes.items():
            panels.region_or_limit(axis, BEAM[0], profile(BEAM, benchmark, convention), fill=0.25)
            for name in SPALLATION:
                panels.region_or_limit(axis, name, profile((name,), benchmark, convention), fill=0.07)
            combined = profile(TOGETHER, benchmark, convention)
            panels.region(axis, combined, EXPERIMENT_COLOURS["combination"], "all together", fill=0.25)
            note(axis, str(beam_and_cevns(benchmark, convention)))
        return panels.finish(fig, 6)
