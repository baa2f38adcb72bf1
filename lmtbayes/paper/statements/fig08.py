"""What the paper states of Fig. 8, NA64mu and CEvNS together: they reconstruct what neither does alone."""

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper.fig08 import TOGETHER, beam_and_cevns
from lmtbayes.paper.planes import BEAM, profile
from lmtbayes.paper.regions import area, closed, masses
from lmtbayes.paper.statement import AGREES, DIFFERS, Statement
from lmtbayes.paper.statements.fig05 import which
from lmtbayes.parameters import LEVELS

WHERE = "Sect. 4, Fig. 8"


def statements() -> tuple[Statement, ...]:
    """Return the two statements."""
    return _closing(), _overlapping()


def _closing() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    shut: dict[str, list[str]] = {}
    for convention in ("paper", "default"):
        together = {name: profile(TOGETHER, name, convention) for name in BENCHMARKS}
        shut[convention] = [name for name, p in together.items() if all(closed(p, level) for level in LEVELS)]
        ends = {name: masses(p, LEVELS[1]) for name, p in together.items()}
        for name, (low, high) in ends.items():
            numbers |= {f"{name}_mass_low_mev_{convention}": low, f"{name}_mass_high_mev_{convention}": high}
        ranges = ", ".join(f"{name} {low:.0f}-{high:.0f} MeV" for name, (low, high) in ends.items())
        words[convention] = f"closed: {which(shut[convention])}; 95 %: {ranges}"
    agrees = shut["paper"] == list(BENCHMARKS)
    return Statement(
        "fig8-closing",
        WHERE,
        "Together with CEvNS, NA64mu reconstructs mass and coupling also of benchmarks whose mass it only bounds alone",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        "" if agrees else "A region of the combination does not close.",
        numbers,
    )


def _overlapping() -> Statement:
    words: dict[str, str] = {}
    numbers: dict[str, float] = {}
    agrees = True
    for convention in ("paper", "default"):
        lines = []
        for name in BENCHMARKS:
            fit = beam_and_cevns(name, convention)
            left = area(profile(TOGETHER, name, convention)) / area(profile(BEAM, name, convention))
            numbers |= {f"{name}_area_ratio_{convention}": left, f"{name}_p_value_{convention}": fit.p_value}
            lines.append(f"{name} {left:.2f}")
            if convention == "paper":
                agrees &= left < 1.0 and fit.p_value > 0.99
        p_values = min(numbers[f"{name}_p_value_{convention}"] for name in BENCHMARKS)
        words[convention] = (
            f"the combination fits (p at least {p_values:.2f}); its 95 % region over NA64mu's: {', '.join(lines)}"
        )
    return Statement(
        "fig8-overlap",
        WHERE,
        "With the right mixing the regions of NA64mu and of CEvNS overlap around each benchmark",
        words["paper"],
        words["default"],
        AGREES if agrees else DIFFERS,
        "" if agrees else "A combination does not fit, or says less than NA64mu alone.",
        numbers,
    )
