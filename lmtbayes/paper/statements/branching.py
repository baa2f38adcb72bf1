"""The invisible branching ratio above 2 m_mu, where NA64mu tells Lmu from Lmu-Ltau."""

from lmtbayes.constants import MUON_MASS
from lmtbayes.gauge.decays import branching_ratio
from lmtbayes.gauge.models import LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.wording import near, number, verdict

STATED = {"Lμ": 0.33, "Lμ-Lτ": 0.50}
MODELS = {"Lμ": LMU, "Lμ-Lτ": LMU_LTAU}
FOUR_MUONS = {2000.0: 0.87, 20000.0: 0.71}
"""Mass [MeV], below and above 2 m_tau, to what limits on four muons in Lmu-Ltau are multiplied by in Lmu."""
MASSES = (250.0, 300.0, 500.0, 1000.0)


def invisible(model: str, mass: float, convention: str = "paper") -> float:
    """BR_inv of a boson of `mass` [MeV] with eps_x = -g_x/70; the coupling itself drops out."""
    return float(
        branching_ratio(MODELS[model], HiddenPhoton(5e-4, mass, -5e-4 / 70.0), "invisible", convention=convention)
    )


def rescaling(mass: float, convention: str = "paper") -> float:
    """Square root of BR(mu mu) in Lmu-Ltau over that in Lmu: g_x^2 BR(mu mu) is what four muons bound."""
    photon = HiddenPhoton(5e-4, mass, -5e-4 / 70.0)
    ours, other = (float(branching_ratio(model, photon, "mu", convention=convention)) for model in (LMU_LTAU, LMU))
    return (ours / other) ** 0.5


def statements() -> tuple[Statement, ...]:
    """Judge the branching ratios."""
    found = {(model, mass): invisible(model, mass) for model in MODELS for mass in MASSES}
    scale = {mass: rescaling(mass) for mass in FOUR_MUONS}
    heavy = {model: found[model, MASSES[-1]] for model in MODELS}
    right = {model: invisible(model, MASSES[-1], "default") for model in MODELS}
    below = {model: invisible(model, 2.0 * MUON_MASS * 0.999) for model in MODELS}
    lists = "; ".join(
        f"{model}: " + ", ".join(f"{found[model, mass]:.3f} at {mass:g} MeV" for mass in MASSES) for model in MODELS
    )
    at_limit = all(near(heavy[model], value, 0.02) for model, value in STATED.items())
    everywhere = all(near(found[model, mass], value, 0.02) for model, value in STATED.items() for mass in MASSES)
    return (
        Statement(
            "branching-invisible",
            "Sect. 3, below Eq. 27",
            "Above 2 m_μ the boson decays invisibly in 33 % (Lμ) or 50 % (Lμ-Lτ) of the cases",
            lists,
            "mixing takes 0.9 % from the muons' width: "
            + ", ".join(f"{model} {right[model]:.3f}" for model in MODELS)
            + " at 1000 MeV",
            verdict(everywhere, at_limit),
            "The stated numbers are the limits of a heavy boson. Just above threshold the muons are slow and neutrinos "
            f"win: {found['Lμ', 250.0]:.2f} and {found['Lμ-Lτ', 250.0]:.2f} at 250 MeV. Below 2 m_μ everything is "
            f"invisible but {number(1.0 - min(below.values()), '.0e')} into electrons by mixing.",
            {f"br_inv_{model}_{mass:g}_mev": value for (model, mass), value in found.items()},
        ),
        Statement(
            "branching-four-muons",
            "Sect. 2, Fig. 1",
            "Limits on four muons, known for Lμ-Lτ, hold in Lμ at √BR = 0.87 of the coupling, above 2 m_τ at 0.71",
            ", ".join(f"{scale[mass]:.3f} at {mass / 1e3:g} GeV" for mass in FOUR_MUONS),
            ", ".join(f"{rescaling(mass, 'default'):.3f}" for mass in FOUR_MUONS) + ": mixing takes 0.9 % of a width",
            verdict(all(near(scale[mass], stated, 0.02) for mass, stated in FOUR_MUONS.items())),
            "",
            {f"coupling_ratio_{mass:g}_mev": value for mass, value in scale.items()},
        ),
    )
