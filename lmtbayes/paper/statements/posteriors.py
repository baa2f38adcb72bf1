"""P1, P2 and P3 of the introduction as statements of posteriors: which experiment narrows which parameter."""

import numpy as np

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper import bayes_factor, posteriors
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import by_benchmark, flat, verdict

PRIOR, BEAM, COHERENT, SOLAR = "prior", *posteriors.STAGES
CONVENTIONS = ("paper", "default")


def width(convention: str, parameter: str, stage: str) -> dict[str, float]:
    """Width of the 68 % interval [decades], by benchmark."""
    return {name: posteriors.widths(name, convention)[parameter][stage] for name in BENCHMARKS}


def probability(log_bayes_factor: float) -> float:
    """Posterior probability of Lmu-Ltau against Lmu for equal prior odds."""
    return float(1.0 / (1.0 + np.exp(-log_bayes_factor)))


def statements() -> tuple[Statement, ...]:
    """Judge P1, P2 and P3."""
    found = {
        (c, p, s): width(c, p, s)
        for c in CONVENTIONS
        for p in posteriors.PARAMETERS
        for s in (PRIOR, *posteriors.STAGES)
    }
    return _muons(found), _coherent(found), _tau(found)


def _ratio(found: dict, convention: str, parameter: str, before: str, after: str) -> dict[str, float]:
    return {
        name: found[convention, parameter, after][name] / found[convention, parameter, before][name]
        for name in BENCHMARKS
    }


def _muons(found: dict) -> Statement:
    coupling = {c: _ratio(found, c, "g_x", PRIOR, BEAM) for c in CONVENTIONS}
    mass = {c: _ratio(found, c, "mass", PRIOR, BEAM) for c in CONVENTIONS}
    mixing = {c: found[c, "eps_x", BEAM] for c in CONVENTIONS}
    # Nothing is learned of the mixing when the prior of eps_x/g_x is all that is left: 68.26 % of its three decades.
    unlearned = 0.6826 * 3.0

    def text(c: str) -> str:
        return (
            f"NA64μ alone leaves 68 % intervals of {by_benchmark(found[c, 'g_x', BEAM], '.2f')} decades in g_x (prior "
            f"{found[c, 'g_x', PRIOR]['BP1']:.2f}), {by_benchmark(found[c, 'mass', BEAM], '.2f')} in M (prior "
            f"{found[c, 'mass', PRIOR]['BP1']:.2f}), {by_benchmark(mixing[c], '.2f')} in ε_x (that of ε_x/g_x: "
            f"{unlearned:.2f})"
        )

    measured = max(coupling["paper"].values()) < 0.25
    return Statement(
        "posteriors-p1",
        "P1 of the introduction; beyond the paper",
        "A muon beam measures the coupling to muons, and something of the mass, whatever the mixing",
        text("paper"),
        text("default"),
        verdict(
            measured and max(mass["paper"].values()) < 0.95 and min(mixing["paper"].values()) > 0.95 * unlearned,
            measured,
        ),
        "",
        flat("g_x_shrinks_to_paper", coupling["paper"]) | flat("g_x_shrinks_to_default", coupling["default"]),
    )


def _coherent(found: dict) -> Statement:
    mixing = {c: _ratio(found, c, "eps_x", BEAM, COHERENT) for c in CONVENTIONS}
    mass = {c: _ratio(found, c, "mass", BEAM, COHERENT) for c in CONVENTIONS}

    def text(c: str) -> str:
        return (
            f"ESS and ESS10 narrow ε_x to {by_benchmark(mixing[c], '.2f')} and M to {by_benchmark(mass[c], '.2f')} of "
            f"its width by NA64μ; left in ε_x: {by_benchmark(found[c, 'eps_x', COHERENT], '.2f')} decades"
        )

    narrowed = all(max(r["paper"].values()) < 0.95 for r in (mixing, mass))
    return Statement(
        "posteriors-p2",
        "P2 of the introduction; beyond the paper",
        "Coherent scattering at a spallation source adds the kinetic mixing, and with NA64μ a better mass",
        text("paper"),
        text("default"),
        verdict(narrowed, mixing["paper"]["BP1"] < 0.5),
        "Of BP3 and BP4 they see nothing significant: an upper limit on ε_x, whose 68 % interval the prior's lower "
        "edge closes, and little of the mass.",
        flat("eps_x_shrinks_to_paper", mixing["paper"]) | flat("mass_shrinks_to_paper", mass["paper"]),
    )


def _tau(found: dict) -> Statement:
    log_b = {
        c: {
            name: bayes_factor.benchmarks(c)["all nuisances" if c == "default" else "everything known"][name]
            for name in BENCHMARKS
        }
        for c in CONVENTIONS
    }
    chance = {c: {name: probability(value) for name, value in by.items()} for c, by in log_b.items()}
    width = {(c, p): _ratio(found, c, p, COHERENT, SOLAR) for c in CONVENTIONS for p in ("mass", "eps_x")}

    def text(c: str) -> str:
        return (
            f"probability of Lμ-Lτ for equal prior odds {by_benchmark(chance[c], '.3f')} (ln B "
            f"{by_benchmark(log_b[c], '.1f')}); within Lμ-Lτ the 68 % interval of M becomes "
            f"{by_benchmark(width[c, 'mass'], '.2f')} of what it was, that of ε_x "
            f"{by_benchmark(width[c, 'eps_x'], '.2f')}"
        )

    return Statement(
        "posteriors-p3",
        "P3 of the introduction; beyond the paper",
        "Solar neutrinos in DARWIN (1 keVnr, 200 t yr) add the coupling to the tau: they tell Lμ-Lτ from Lμ",
        text("paper"),
        text("default"),
        verdict(all(value > 0.99 for value in chance["paper"].values()), chance["paper"]["BP1"] > 0.99),
        "Models compared at one mixing, -g_x/70. By the defaults the ⁸B flux and θ_23, δ_CP are uncertain, and the "
        "signal of Lμ-Lτ nearly cancels.",
        flat("log_bayes_factor_paper", log_b["paper"]) | flat("log_bayes_factor_default", log_b["default"]),
    )
