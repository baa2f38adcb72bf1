"""How probable a decision is, and what would make it more so: Bayesian design of experiments."""

from lmtbayes.design.expectation import STRONG, Expectation
from lmtbayes.paper import design as shared
from lmtbayes.paper.minimal import EXPOSURE_TYR, THRESHOLD_KEV
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import verdict


def statements() -> tuple[Statement, ...]:
    """Judge the prospects."""
    found = {convention: shared.expectation(convention) for convention in ("paper", "default")}
    assured = {convention: one.assurance(shared.TRUTH) for convention, one in found.items()}
    ranking = shared.ranking()
    order = "; ".join(
        f"{label}: {float(value):.2f} ± {float(error):.2f} (ln B {float(gain):+.1f} ± {float(gain_error):.1f})"
        for label, value, error, gain, gain_error in zip(
            ranking["alternative"].values,
            ranking["assurance"].values,
            ranking["assurance_error"].values,
            ranking["log_bayes_factor_gain"].values,
            ranking["log_bayes_factor_gain_error"].values,
            strict=True,
        )
    )
    numbers = {f"assurance_{c}": value.value for c, value in assured.items()}
    numbers |= {f"misleads_{c}": one.misleads(shared.TRUTH).value for c, one in found.items()}
    numbers |= {
        f"log_bayes_factor_{c}": one.log_bayes_factor(shared.TRUTH, shared.OURS, shared.OTHER).value
        for c, one in found.items()
    }
    numbers["assurance_of_the_best"] = float(ranking["assurance"][0])
    return (
        Statement(
            "design-assurance",
            "Abstract, Sect. 6; beyond the paper",
            f"DARWIN at {THRESHOLD_KEV:g} keVnr and {EXPOSURE_TYR:g} t yr, with NA64μ, ESS and ESS10, confirms Lμ-Lτ "
            "over Lμ if BP1 is true (the same mixing in both)",
            _text(found["paper"]),
            _text(found["default"]),
            verdict(assured["paper"].value > 0.9, assured["paper"].value > 0.5),
            f"By the paper's conventions nothing of DARWIN's is uncertain; by the defaults the ⁸B flux is, to 12 %. "
            f"What might be done next (defaults), by the assurance that it gives and its gain in ln B: {order}.",
            numbers,
        ),
    )


def _text(found: Expectation) -> str:
    """Assurance, the probability to be misled and ln B, with their errors."""
    assured, misled = found.assurance(shared.TRUTH), found.misleads(shared.TRUTH)
    expected = found.log_bayes_factor(shared.TRUTH, shared.OURS, shared.OTHER)
    return (
        f"P(ln B > {STRONG:g}) = {assured.value:.3f} ± {assured.error:.3f}, misled {misled.value:.3f} ± "
        f"{misled.error:.3f}, ln B = {expected.value:.1f} ± {expected.error:.1f} expected ({shared.SIZE} data sets)"
    )
