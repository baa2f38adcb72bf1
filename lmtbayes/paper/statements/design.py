"""How probable a decision is, and what would make it more so: Bayesian design of experiments."""

from lmtbayes.paper import design as shared
from lmtbayes.paper.minimal import EXPOSURE_TYR, THRESHOLD_KEV
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import verdict


def statements() -> tuple[Statement, ...]:
    """Judge the prospects."""
    found = shared.expectation()
    assured, misled = found.assurance(shared.TRUTH), found.misleads(shared.TRUTH)
    expected = found.log_bayes_factor(shared.TRUTH, shared.OURS, shared.OTHER)
    ranking = shared.ranking()
    best = ranking.isel(alternative=0)
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
    text = (
        f"P(ln B > 5) = {assured.value:.2f} ± {assured.error:.2f}, misled {misled.value:.3f} ± {misled.error:.3f}, "
        f"ln B = {expected.value:.1f} ± {expected.error:.1f} expected ({shared.SIZE} data sets, all nuisances)"
    )
    return (
        Statement(
            "design-assurance",
            "Abstract, Sect. 6; beyond the paper",
            f"DARWIN at {THRESHOLD_KEV:g} keVnr and {EXPOSURE_TYR:g} t yr, with NA64μ, ESS and ESS10, confirms Lμ-Lτ "
            "over Lμ if BP1 is true",
            text,
            text,
            verdict(assured.value > 0.9, assured.value > 0.1),
            f"What might be done next, by the assurance that it gives: {order}. Both columns are by the defaults: the "
            "paper's conventions know no uncertainty that could be made smaller.",
            {
                "assurance": assured.value,
                "misleads": misled.value,
                "log_bayes_factor": expected.value,
                "assurance_of_the_best": float(best["assurance"]),
            },
        ),
    )
