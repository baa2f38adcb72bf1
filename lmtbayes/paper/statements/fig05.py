"""What the paper states of Fig. 5, NA64mu alone: what closes, upper limits on the mass, Lmu against Lmu-Ltau."""

import numpy as np

from lmtbayes.constants import MUON_MASS
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU
from lmtbayes.paper.planes import BEAM, READ_LMU, built, profile
from lmtbayes.paper.regions import closed, contour, masses, ridge
from lmtbayes.paper.statement import AGREES, DIFFERS, Statement
from lmtbayes.parameters import LEVELS

WHERE = "Sect. 3, Fig. 5"
_ABOVE_MEV = 300.0
"""A mass above 2 m_mu at which the two models are compared."""


def statements() -> tuple[Statement, ...]:
    """Return the three statements."""
    return _closing(), _mass_limits(), _two_models()


def which(benchmarks: list[str]) -> str:
    """Say a list, as "BP1, BP2" or "none"."""
    return ", ".join(benchmarks) or "none"


def _yield_ratio() -> float:
    """Events of the default over those of the paper's conventions, BP1."""
    counts = [
        np.sum(built(BEAM[0], c).expected_counts(LMU_LTAU, BENCHMARKS["BP1"])).item() for c in ("default", "paper")
    ]
    return counts[0] / counts[1]


def _closing() -> Statement:
    found = {
        convention: {
            level: [name for name in BENCHMARKS if closed(profile(BEAM, name, convention), level)] for level in LEVELS
        }
        for convention in ("paper", "default")
    }
    words = {
        convention: "closed at 68 %: {}; at 95 %: {}".format(*(which(sets[level]) for level in LEVELS))
        for convention, sets in found.items()
    }
    agrees = all(sets == ["BP4"] for sets in found["paper"].values())
    ratio = _yield_ratio()
    return Statement(
        "fig5-closing",
        WHERE,
        "NA64mu alone reconstructs mass and coupling of BP4 only: its contours close, those of BP1-BP3 do not",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        f"The repaired cross section (defaults) gives {ratio:.1f} times the events at BP1, and narrower regions.",
        {"yield_ratio_default_paper": ratio},
    )


def _mass_limits() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    agrees = True
    for convention in ("paper", "default"):
        ends = {}
        for name in ("BP1", "BP2", "BP3"):
            prof = profile(BEAM, name, convention)
            ends[name] = masses(prof, LEVELS[1])[1]
            numbers[f"{name}_mass_below_mev_{convention}"] = ends[name]
            sides = {side for line in contour(prof, LEVELS[1]).lines for side in line.sides}
            if convention == "paper":
                agrees &= sides == {"mass lower"}
        words[convention] = "95 %: " + ", ".join(f"{name} below {end:.0f} MeV" for name, end in ends.items())
    return Statement(
        "fig5-mass-limits",
        WHERE,
        "For BP1-BP3 the mass is only bounded from above: the regions run on to light bosons",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        "" if agrees else "A region ends elsewhere than at the lowest mass.",
        numbers,
    )


def _two_models() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    agrees = True
    for convention in ("paper", "default"):
        below, above, reach = 0.0, [], 0.0
        for name in BENCHMARKS:
            own, other = profile(BEAM, name, convention), profile(BEAM, name, convention, READ_LMU)
            light = own["mass"].values < 2.0 * MUON_MASS
            q_own, q_other = (p["q"].transpose("g_x", "mass").values[:, light] for p in (own, other))
            near = q_own < 30.0
            below = max(below, float(np.max(np.abs(q_own - q_other)[near])))
            couplings = [np.interp(_ABOVE_MEV, own["mass"].values, ridge(p)[0]) for p in (own, other)]
            above.append(float(couplings[1] / couplings[0]))
            reach = max(reach, masses(own, LEVELS[1])[1])
        numbers |= {
            f"largest_q_difference_below_{convention}": below,
            f"coupling_ratio_{_ABOVE_MEV:.0f}_mev_{convention}": float(np.mean(above)),
            f"highest_mass_95_mev_{convention}": reach,
        }
        words[convention] = (
            f"below 2 m_mu q differs by at most {below:.0e}; at {_ABOVE_MEV:.0f} MeV the best coupling in Lmu is "
            f"{np.mean(above):.3f} times that in Lmu-Ltau; the 95 % regions end at {reach:.0f} MeV"
        )
        if convention == "paper":
            agrees = below < 1e-6 and all(ratio > 1.0 for ratio in above)
    return Statement(
        "fig5-two-models",
        WHERE,
        "Lmu and Lmu-Ltau coincide below 2 m_mu and differ above, where fewer A' of Lmu stay unseen",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        "No 95 % region of the benchmarks reaches 2 m_mu, so that the difference shows in q only."
        if agrees
        else "q differs where it should not, or not where it should.",
        numbers,
    )
