"""Beyond the paper: Figs. 5, 7 and 8 with critical values by toys instead of chi^2's 2.30 and 6.18.

The paper's regions are where chi^2 of two degrees of freedom says. Near a vanishing coupling mass and coupling lose
their meaning, and NA64mu counts a few events without background: what the levels then hold is what toys say. One
calibration serves all benchmarks: nuisances are drawn from their constraints (R. D. Cousins, V. L. Highland, Nucl.
Instrum. Meth. A 320 (1992) 331), so that no truth's toys depend on the data (`inference.frequentist.feldman_cousins`).
"""

import functools
import warnings

import numpy as np

from lmtbayes.errors import AsymptoticWarning, ResolutionWarning
from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.contours import Contour, contours
from lmtbayes.inference.frequentist.feldman_cousins import feldman_cousins
from lmtbayes.paper.planes import BEAM, READ_LMU_LTAU, SPALLATION, grid, likelihood, profile
from lmtbayes.parameters import LEVELS

CONVENTION = "paper"
SETS = {"Fig. 5": (BEAM,), "Fig. 7": tuple((name,) for name in SPALLATION), "Fig. 8": (BEAM + SPALLATION,)}
"""Figure to the experiments of each of its regions."""
TOYS = 200
"""At each truth: critical values are then known to some 10 %."""
FIRST = {"g_x": 5, "mass": 4}
"""Lines of truths over the figure's plane, before any are added."""
ROUNDS = 1


@functools.cache
def calibration(names: tuple[str, ...], toys: int = TOYS, rounds: int = ROUNDS) -> Calibration:
    """Calibration of the plane of one region of the figures."""
    plane = grid(names, CONVENTION)
    truths = {name: np.geomspace(plane[name][0], plane[name][-1], lines) for name, lines in FIRST.items()}
    like = likelihood(names, READ_LMU_LTAU, CONVENTION)
    return feldman_cousins(like, truths, toys, nuisances="drawn", rounds=rounds)


def regions(names: tuple[str, ...], benchmark: str) -> dict[float, tuple[Contour, Contour]]:
    """Level to the region by chi^2 and the calibrated one."""
    prof = profile(names, benchmark, CONVENTION)
    with warnings.catch_warnings():
        # That chi^2 is not what holds is what is asked here; the areas are said with their errors.
        warnings.simplefilter("ignore", AsymptoticWarning)
        warnings.simplefilter("ignore", ResolutionWarning)
        usual, ours = contours(prof, LEVELS), contours(prof, LEVELS, calibration=calibration(names))
    return {level: (usual[level], ours[level]) for level in LEVELS}


def markdown() -> str:
    """Table of the areas of all regions, calibrated over that of chi^2."""
    first, *_ = (calibration(names) for names in SETS["Fig. 5"])
    lines = [
        "Regions of the paper's figures where q reaches its critical value by toys (Feldman and Cousins, nuisances "
        "drawn from their constraints) instead of 2.30 and 6.18. Area: calibrated over that of χ², in the plane of "
        f"ln M and ln g_x inside the figure; the error is that of {first.toys} toys a truth. Critical q: along a line.",
        "",
        "| Figure | experiments | data | level | critical q | area / area of χ² |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for figure, sets in SETS.items():
        for names in sets:
            for benchmark in BENCHMARKS:
                for level, (usual, ours) in regions(names, benchmark).items():
                    low, high = ours.q_range or (usual.q, usual.q)
                    ratio = ours.area / usual.area
                    lines.append(
                        f"| {figure} | {', '.join(names)} | {benchmark} | {100 * level:.4g} % | {low:.2g} to "
                        f"{high:.2g} | {ratio:.2f} ± {ratio * ours.monte_carlo:.2f} |"
                    )
    for names in (names for sets in SETS.values() for names in sets):
        lines += ["", f"{', '.join(names)}: " + "; ".join(str(calibration(names)).splitlines()[2:])]
    return "\n".join(lines) + "\n"
