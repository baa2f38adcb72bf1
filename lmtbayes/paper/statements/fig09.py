"""What the paper states of Fig. 9, the wrong mixing: NA64mu and CEvNS fall apart."""

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper.fig08 import beam_and_cevns
from lmtbayes.paper.planes import BEAM, READ_WRONG_MIXING, SPALLATION, built, profile, profile_wrong_mixing
from lmtbayes.paper.regions import Agreement, overlap
from lmtbayes.paper.statement import AGREES, DIFFERS, IN_KIND, Statement
from lmtbayes.paper.statements.fig05 import which

WHERE = "Sect. 4, Fig. 9"
_ALMOST_GONE = 0.05


def statements() -> tuple[Statement, ...]:
    """Return the two statements."""
    return _overlaps(), _goodness()


def shares(benchmark: str, convention: str) -> dict[str, tuple[float, float]]:
    """Fraction of NA64mu's 95 % region that a detector (or "all" of them) allows at 95 %: right and wrong mixing."""
    beam = profile(BEAM, benchmark, convention)
    right = {name: profile((name,), benchmark, convention) for name in SPALLATION}
    wrong = {name: profile_wrong_mixing(name, benchmark, convention) for name in SPALLATION}
    found = {name: (overlap(beam, [right[name]]), overlap(beam, [wrong[name]])) for name in SPALLATION}
    return found | {"all": (overlap(beam, list(right.values())), overlap(beam, list(wrong.values())))}


def _overlaps() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    table: dict[str, dict[str, dict[str, tuple[float, float]]]] = {}
    for convention in ("paper", "default"):
        lines = []
        table[convention] = {benchmark: shares(benchmark, convention) for benchmark in BENCHMARKS}
        for benchmark, found in table[convention].items():
            for name, (right, wrong) in found.items():
                numbers |= {
                    f"{benchmark}_{name}_right_{convention}": right,
                    f"{benchmark}_{name}_wrong_{convention}": wrong,
                }
            each = ", ".join(
                f"{built(name, convention).title} {found[name][0]:.2f} → {found[name][1]:.2f}"
                for name in ("ess10", "ess")
            )
            lines.append(f"{benchmark}: {each}, all {found['all'][0]:.2f} → {found['all'][1]:.2f}")
        words[convention] = "share of NA64mu's 95 % region that CEvNS allows, right → wrong mixing. " + "; ".join(lines)
    shrinks = all(
        wrong < right for found in table["paper"].values() for right, wrong in (found[n] for n in ("ess10", "ess"))
    )
    gone = {benchmark: found["all"][1] < _ALMOST_GONE for benchmark, found in table["paper"].items()}
    if shrinks and gone == {"BP1": False, "BP2": False, "BP3": True, "BP4": True}:
        verdict = AGREES
    else:
        verdict = IN_KIND if shrinks and gone["BP3"] and gone["BP4"] else DIFFERS
    return Statement(
        "fig9-overlap",
        WHERE,
        "With eps_x = -g_x/10 assumed the overlap of NA64mu and CEvNS shrinks for BP1 and BP2, and almost vanishes for "
        "BP3 and BP4",
        words["paper"],
        words["default"],
        verdict,
        {
            AGREES: "",
            IN_KIND: f"Less than {100 * _ALMOST_GONE:.0f} % of NA64mu's region is left for "
            f"{which([benchmark for benchmark, is_gone in gone.items() if is_gone])}.",
            DIFFERS: "The overlap does not follow the paper's order of the benchmarks: see the shares.",
        }[verdict],
        numbers,
    )


def _goodness() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    fits: dict[tuple[str, str], Agreement] = {}
    for convention in ("paper", "default"):
        lines = []
        for benchmark in BENCHMARKS:
            right = beam_and_cevns(benchmark, convention)
            wrong = beam_and_cevns(benchmark, convention, READ_WRONG_MIXING)
            fits[convention, benchmark] = wrong
            numbers |= {
                f"{benchmark}_delta_chi2_right_{convention}": right.deviance,
                f"{benchmark}_delta_chi2_wrong_{convention}": wrong.deviance,
                f"{benchmark}_p_value_wrong_{convention}": wrong.p_value,
            }
            lines.append(f"{benchmark} {max(right.deviance, 0.0):.1f} → {wrong.deviance:.1f} (p = {wrong.p_value:.0e})")
        words[convention] = (
            "Δχ² of the combined best fit over the separate ones, 2 dof, right → wrong mixing: " + ", ".join(lines)
        )
    p_values = [fits["paper", benchmark].p_value for benchmark in BENCHMARKS]
    order = max(p_values[2:]) < min(p_values[:2])
    worse = max(p_values) < 0.05
    verdict = AGREES if worse and order else IN_KIND if worse else DIFFERS
    return Statement(
        "fig9-goodness-of-fit",
        WHERE,
        "NA64mu and CEvNS contradict each other when the mixing is wrong, BP3 and BP4 more than BP1 and BP2",
        words["paper"],
        words["default"],
        verdict,
        {
            AGREES: "",
            IN_KIND: "All four contradict; the order of BP2 and BP3 is not the paper's, because for BP2 both "
            "experiments see the boson well, while BP3 is seen by NA64mu alone.",
            DIFFERS: "A combination fits in spite of the wrong mixing.",
        }[verdict],
        numbers,
    )
