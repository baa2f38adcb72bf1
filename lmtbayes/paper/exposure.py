"""What Figs. 11, 13 and 14 share: exposure of a 5 sigma discovery (Eq. 38) against threshold in one kind of search."""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes.experiments import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.inference.frequentist.discovery import discovery_exposure
from lmtbayes.plotting.style import style
from lmtbayes.plotting.xenon import exposure_lines

DETECTORS = {
    "nr": {"darwin": "DARWIN, XENONnT", "lz": "LZ"},
    "er": {"darwin": "DARWIN", "xenonnt": "XENONnT", "lz": "LZ"},
    "nr+er": {"darwin": "DARWIN", "xenonnt": "XENONnT", "lz": "LZ"},
}
"""Response and background, and what to call them; without background XENONnT and DARWIN are the same."""
THRESHOLDS_KEV = {
    "nr": np.geomspace(0.7, 6.0, 20),
    "er": np.geomspace(0.2, 3.0, 18),
    "nr+er": np.geomspace(0.11, 3.0, 20),
}


def exposures(channel: str, convention: str = "default") -> dict[str, dict[str, np.ndarray]]:
    """Detector to benchmark to exposure [t yr] at `THRESHOLDS_KEV[channel]`, in Lmu-Ltau."""
    photons = jax.tree.map(lambda *fields: jnp.stack(fields), *BENCHMARKS.values())
    lines = {}
    for detector, label in DETECTORS[channel].items():
        table = discovery_exposure(
            f"{detector}-{channel}", LMU_LTAU, photons, threshold_kev=THRESHOLDS_KEV[channel], convention=convention
        )
        lines[label] = dict(zip(BENCHMARKS, table.T, strict=True))
    return lines


def exposure_figure(channel: str, title: str, convention: str, limits_tyr: tuple[float, float]) -> Figure:
    """Draw one of the figures; where the boson lowers the rate there is no line, and the picture says so."""
    lines = exposures(channel, convention)
    points = {}
    for name in ("lz", "xenonnt", "darwin"):
        exp = experiment(f"{name}-{channel}", convention=convention)
        points[f"{exp.title.split()[0]}, planned"] = (float(exp.bin_edges[0]), float(exp.exposure_tyr))  # type: ignore[attr-defined]
    with style():
        fig, axes = plt.subplots(figsize=(6.4, 4.6))
        exposure_lines(axes, THRESHOLDS_KEV[channel], lines, points, exp.bin_unit, limits_tyr)
        axes.set_title(title, fontsize=11)
        if not any(np.any(np.isfinite(curve)) for curves in lines.values() for curve in curves.values()):
            message = (
                "Empty for a reason: with the oscillation parameters\nof these conventions every benchmark lowers the "
                "rate,\nand what lowers it is not discovered as an excess\n(docs/solar_sign.md)."
            )
            axes.text(0.5, 0.55, message, transform=axes.transAxes, ha="center", va="center")
        fig.legend(*axes.get_legend_handles_labels(), loc="outside right center")
    return fig
