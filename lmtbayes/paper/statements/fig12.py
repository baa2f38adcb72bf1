"""What the paper states of Fig. 12, DARWIN added: sharper regions, and the reading in Lmu excluded."""

import numpy as np

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.inference.frequentist.axes import threshold
from lmtbayes.paper.fig08 import TOGETHER
from lmtbayes.paper.fig12 import WITH_XENON, read_in_lmu
from lmtbayes.paper.planes import READ_LMU, XENON, profile
from lmtbayes.paper.regions import area, masses
from lmtbayes.paper.statement import AGREES, DIFFERS, Statement
from lmtbayes.paper.wording import flat, near, verdict
from lmtbayes.parameters import LEVELS

WHERE = "Sect. 5, Fig. 12"
FOOTNOTE_COUPLING = 1e-3
_SUN = (
    "By the defaults the flux of 8B (12 %), theta_23 and delta_CP are uncertain, and NuFIT 6.1 makes the effect of "
    "Lmu-Ltau small and negative: DARWIN then decides nothing."
)


def statements() -> tuple[Statement, ...]:
    """Return the five statements."""
    return _smaller(), _excluded(), _fine_tuned(), _footnote(), _alike()


def _smaller() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for convention in ("paper", "default"):
        ratios = {
            name: area(profile(WITH_XENON, name, convention)) / area(profile(TOGETHER, name, convention))
            for name in BENCHMARKS
        }
        numbers |= {f"{name}_area_ratio_{convention}": ratio for name, ratio in ratios.items()}
        words[convention] = "95 % region with DARWIN over that without: " + ", ".join(
            f"{name} {ratio:.2f}" for name, ratio in ratios.items()
        )
    agrees = all(numbers[f"{name}_area_ratio_paper"] < 1.0 for name in BENCHMARKS)
    return Statement(
        "fig12-lmu-ltau",
        WHERE,
        "DARWIN's nuclear recoils above 1 keV sharpen the reconstruction in Lmu-Ltau",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        _SUN if agrees else "A region does not become smaller.",
        numbers,
    )


def _excluded() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for convention in ("paper", "default"):
        fits = {name: read_in_lmu(name, convention) for name in BENCHMARKS}
        for name, fit in fits.items():
            numbers |= {
                f"{name}_lmu_delta_chi2_{convention}": fit.deviance,
                f"{name}_lmu_p_value_{convention}": fit.p_value,
                f"{name}_lmu_sigma_{convention}": fit.sigma,
            }
        words[convention] = "best fit of Lmu, Δχ²: " + ", ".join(
            f"{name} {max(fit.deviance, 0.0):.1f} ({fit.sigma:.1f}σ)" for name, fit in fits.items()
        )
    bound = threshold(LEVELS[1], 2)
    agrees = all(numbers[f"{name}_lmu_delta_chi2_paper"] > bound for name in ("BP1", "BP2"))
    return Statement(
        "fig12-lmu-excluded",
        WHERE,
        "Read in Lmu, BP1 and BP2 are excluded once DARWIN is added to NA64mu and CEvNS",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        _SUN if agrees else "Lmu has a boson that fits.",
        numbers,
    )


def _fine_tuned() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    agrees = True
    for convention in ("paper", "default"):
        lines = []
        for name in ("BP1", "BP2"):
            alone = profile(XENON, name, convention, READ_LMU)
            together = profile(WITH_XENON, name, convention, READ_LMU)
            q = alone["q"].transpose("g_x", "mass")
            total = float(np.log10(alone["g_x"][-1] / alone["g_x"][0]) * np.log10(alone["mass"][-1] / alone["mass"][0]))
            share = area(alone) / total
            heavy = float(alone["mass"].sel(mass=100.0, method="nearest"))
            contact = float(alone["g_x"].values[q.sel(mass=heavy).values.argmin()]) / heavy
            left = area(together, offset=float(together.attrs["deviance"]))
            numbers |= {
                f"{name}_darwin_alone_share_{convention}": share,
                f"{name}_g_over_m_per_mev_{convention}": contact,
                f"{name}_left_in_combination_{convention}": left / total,
            }
            lines.append(
                f"{name}: DARWIN alone allows {100 * share:.2g} % of the plane (95 %), at 100 MeV around g_x/M = "
                f"{contact:.1e}/MeV; the combination {100 * left / total:.2g} %"
            )
            if convention == "paper":
                agrees &= share < 0.02
        words[convention] = "; ".join(lines)
    return Statement(
        "fig12-fine-tuned",
        "Sect. 5, footnote 8",
        "Lmu can follow DARWIN's excess in BP1 and BP2 only by fine tuning",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        "What is left is the strip beyond the second mode, where the A' amplitude is more than twice the Standard "
        "Model's and opposite; NA64mu excludes its couplings. " + _SUN
        if agrees
        else "DARWIN alone allows more than a strip.",
        numbers,
    )


def _footnote() -> Statement:
    smallest: dict[str, dict[str, float]] = {}
    for convention in ("paper", "default"):
        smallest[convention] = {}
        for name in ("BP1", "BP2"):
            alone = profile(XENON, name, convention, READ_LMU)
            inside = (alone["q"] < threshold(LEVELS[1], 2)).any("mass").values
            # A strip begins beyond couplings that are excluded at every mass; none does where no boson is allowed too.
            begins = np.flatnonzero(inside[1:] & ~inside[:-1])
            smallest[convention][name] = float(alone["g_x"].values[begins[0] + 1]) if begins.size else float("inf")

    def text(c: str) -> str:
        listed = ", ".join(
            f"{name} {value:.1e}" if np.isfinite(value) else f"{name} no such strip"
            for name, value in smallest[c].items()
        )
        return f"DARWIN alone read in Lmu, smallest g_x of the 95 % strip: {listed}"

    found = smallest["paper"].values()
    return Statement(
        "fig12-footnote-8",
        "Sect. 5, footnote 8",
        "The fine-tuned solution of Lmu needs a g_x of about 1e-3",
        text("paper"),
        text("default"),
        verdict(
            all(near(value, FOOTNOTE_COUPLING) for value in found),
            all(near(value, FOOTNOTE_COUPLING, 1.0) for value in found),
        ),
        "For the lightest bosons; the strip rises to 1.7e-3 at 15 MeV and goes on as g_x/M.",
        flat("smallest_g_x_paper", smallest["paper"]),
    )


def _alike() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    for convention in ("paper", "default"):
        lines = []
        for name in ("BP3", "BP4"):
            own, other = (profile(WITH_XENON, name, convention, *model) for model in ((), (READ_LMU,)))
            ends = [masses(p, LEVELS[1]) for p in (own, other)]
            ratio = area(other) / area(own)
            numbers |= {
                f"{name}_area_ratio_{convention}": ratio,
                f"{name}_heaviest_ratio_{convention}": ends[1][1] / ends[0][1],
                f"{name}_lightest_ratio_{convention}": ends[1][0] / ends[0][0],
            }
            said = " against ".join(f"{low:.0f}-{high:.0f} MeV" for low, high in ends)
            lines.append(f"{name} {said}, areas 1 : {ratio:.2f}")
        words[convention] = "95 % region in Lmu-Ltau and in Lmu, each about its own best fit: " + "; ".join(lines)
    ends_agree = all(near(value, 1.0) for key, value in numbers.items() if "est_ratio_paper" in key)
    areas_agree = all(near(value, 1.0) for key, value in numbers.items() if "area_ratio_paper" in key)
    return Statement(
        "fig12-alike",
        WHERE,
        "BP3 and BP4 are bounded alike in both models",
        words["paper"],
        words["default"],
        verdict(ends_agree and areas_agree, areas_agree),
        "As large, but at heavier bosons: Lmu follows DARWIN's small excess of BP3 worse than Lmu-Ltau does."
        if not ends_agree
        else "",
        numbers,
    )
