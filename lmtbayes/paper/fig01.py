"""Fig. 1: the plane of mass and coupling, as the paper saw it and as the data of today have it.

"default": every registered likelihood of a list, cut at 90 % CL as `upper_limit` does it (one-sided: Delta(-2 ln L) =
1.64 against the best coupling at that mass, the probability of so few events where few are counted; eps_x = -g_x/70),
published curves where there is no likelihood, and g-2 with the 2021 and the 2025 pair. "paper": the published curves of
2021 and g-2 of 2021 alone.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy.special import ndtri

from lmtbayes import _checks, tables
from lmtbayes.experiments import experiment, experiment_names
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.gauge.muon_g2 import delta_a_mu
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.counting import TOTAL_SUFFICES, counting_variables
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.plotting.parameter_space import Entry, edges_of, parameter_space
from lmtbayes.plotting.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, style

MODEL = LMU_LTAU.with_mixing("paper")
LEVEL = float(ndtri(0.9)) ** 2
"""Of Delta(-2 ln L): a one-sided 90 % upper limit on one parameter."""
GREY = "#777777"
MASSES, COUPLINGS = np.geomspace(0.9, 1.1e4, 81), np.geomspace(5e-6, 2e-2, 91)
COARSE = (MASSES[::2], COUPLINGS[::2])
"""Where several nuisances are profiled at every point; the edge moves by less than 2 % (tests)."""

COMPUTED = {
    "na64mu-2022": ("NA64μ 2022", VERMILLION),
    "coherent-csi-2021": ("COHERENT CsI", BLUE),
    "coherent-lar-2020": ("COHERENT LAr", SKY),
    "borexino-7be": ("Borexino $^7$Be", PURPLE),
    "ccfr-trident": ("CCFR trident", ORANGE),
    "charm2-trident": ("CHARM-II trident", "#8C6D00"),
    "nutev-trident": ("NuTeV trident", "#B8860B"),
    "n-eff": (r"$N_\mathrm{eff}$", "#005F56"),
    "xenonnt-8b": ("XENONnT $^8$B", "#7A0177"),
    "pandax4t-8b": ("PandaX-4T $^8$B", "#AE017E"),
    "lz-8b": ("LZ $^8$B", "#DD3497"),
    "lz-er-ws2022": ("LZ ER WS2022", "#6A51A3"),
    "lz-er-ws2024": ("LZ ER WS2024", "#54278F"),
    "pandax4t-er-run1": ("PandaX-4T ER", "#807DBA"),
    "xenonnt-er-2022": ("XENONnT ER", "#3F007D"),
}
"""Experiments whose limit is cut from their likelihood, if they are registered: label and colour."""
DISPUTED = ("ccfr-trident", "ccfr_trident")
PUBLISHED = {
    "default": (
        "babar_4mu",
        "cms_4mu",
        "belle2_invisible",
        "white_dwarfs",
        "charm2_nu_e",
        "na62",
        "m3_phase1",
        "h0_band",
    ),
    "paper": (
        "babar_4mu",
        "cms_4mu",
        "white_dwarfs",
        "charm2_nu_e",
        "borexino",
        "ccfr_trident",
        "coherent_csi_2017",
        "h0_band",
    ),
}
"""Tables of data/constraints that are drawn as they are."""
G2 = {"default": ("muon-g2-2021", "muon-g2-2025"), "paper": ("muon-g2-2021",)}


def figure(convention: str = "default", only: Sequence[str] | None = None) -> Figure:
    """Draw Fig. 1.

    Parameters
    ----------
    convention
        "default" or "paper".
    only
        Names out of `entry_names(convention)`, to switch the others off; None for all.

    Raises
    ------
    UnknownName
        A name that there is no entry of.
    """
    with style():
        fig, axis = plt.subplots(figsize=(9.2, 6.6))
        points = {name: (float(p.mass), float(p.g_x)) for name, p in BENCHMARKS.items()}
        parameter_space(axis, entries(convention, only), points)
        words = "colour: from likelihoods, 90 % CL; grey: published; dotted: projections; dashed: disputed"
        if convention == "paper":
            words = "published curves of 2021; dashed: disputed"
        axis.set_title(rf"$L_\mu-L_\tau$, $\epsilon_x=-g_x/70$ — {words}", fontsize=9.0)
        plt.close(fig)
    return fig


def entry_names(convention: str = "default") -> tuple[str, ...]:
    """Return the names of what `figure` can draw with what is registered now."""
    computed = tuple(name for name in COMPUTED if name in experiment_names()) if convention == "default" else ()
    return (*G2[convention], *computed, *PUBLISHED[convention])


def entries(convention: str = "default", only: Sequence[str] | None = None) -> list[Entry]:
    """Return the constraints, each with its edge and its citation; arguments and errors as in `figure`."""
    names = entry_names(convention)
    for name in () if only is None else only:
        if name not in names:
            raise _checks.unknown("entry of Fig. 1", name, names)
    chosen = names if only is None else tuple(name for name in names if name in only)
    build: dict[bool, Callable[[str], Entry]] = {True: _computed, False: _published}
    drawn = [_g2(name) if name in G2[convention] else build[name in COMPUTED](name) for name in chosen]
    return [entry for entry in drawn if entry.outlines]


@cache
def limit(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masses, couplings and `statistic` of one registered experiment: what its entry is cut from."""
    exp = experiment(name)
    masses, couplings = COARSE if len(exp.nuisances) > 1 else (MASSES, COUPLINGS)
    return masses, couplings, statistic(exp, MODEL, masses, couplings)


def statistic(exp: Experiment, model: GaugeModel, masses: np.ndarray, couplings: np.ndarray) -> np.ndarray:
    """-2 ln L against the best coupling at the same mass (none included), nuisances profiled; (couplings, masses).

    Where counts are few and decide (`frequentist.counting`), no more than the square of the normal quantile of their
    probability, so that a cut at z^2 has the level of z.
    """
    like = JointLikelihood([exp], model, "observed", check=False)

    def best(photon: HiddenPhoton) -> Any:
        return conditional(like.joint, photon, like.data).value if like.nuisances else like.log_likelihood(photon)

    mass, coupling = (jnp.asarray(grid.ravel()) for grid in np.meshgrid(masses, np.append(0.0, couplings)))
    photons = model.hidden_photon(coupling, mass)
    run = jax.jit(lambda p: jax.lax.map(best, p, batch_size=256))
    log_likelihood = np.asarray(run(photons)).reshape(couplings.size + 1, masses.size)
    q = 2.0 * (log_likelihood.max(axis=0) - log_likelihood[1:])
    pulls = np.broadcast_to(np.asarray(like.central_pulls), (mass.size, len(like.nuisances)))
    counted = counting_variables(like, photons, pulls, resolve_devices(None))
    if "count_p_value" not in counted:
        return q
    p_value, information = (
        counted[name][0].reshape(log_likelihood.shape)[1:] for name in ("count_p_value", "count_information")
    )
    by_count = np.where(p_value < 0.5, ndtri(np.clip(p_value, 1e-300, 0.5)) ** 2, 0.0)
    return np.where(information >= TOTAL_SUFFICES, np.minimum(q, by_count), q)


def _computed(name: str) -> Entry:
    label, colour = COMPUTED[name]
    disputed = name in DISPUTED
    masses, couplings, grid = limit(name)
    return Entry(
        name,
        label,
        "disputed" if disputed else "limit",
        edges_of(masses, couplings, grid, LEVEL),
        colour,
        experiment(name).citation,
        None if disputed else (masses, couplings, grid - LEVEL),
    )


def _published(table: str) -> Entry:
    index = tables.read("constraints/index")
    row = int(np.flatnonzero(index["table"] == table)[0])
    columns = tables.read(f"constraints/{table}")
    kind = "disputed" if table in DISPUTED else str(index["kind"][row])
    colour = SKY if kind == "band" else GREY
    label = str(index["label"][row]).replace(" (published)", "")
    return Entry(table, label, kind, [(columns["mass_mev"], columns["g_x"])], colour, str(index["citation"][row]))


def _g2(name: str) -> Entry:
    """Two standard deviations around the difference; with 2025 they reach zero and only the upper edge is left."""
    exp = experiment(name)
    (difference,), (sigma,) = exp.observed, exp.term.sigma  # type: ignore[attr-defined,misc]
    unit = np.asarray(delta_a_mu(HiddenPhoton(1.0, MASSES, 0.0))) / 1e-11
    edges = [np.sqrt((difference + n * sigma) / unit) for n in (-2.0, 2.0) if difference + n * sigma > 0]
    year = name.rsplit("-", 1)[-1]
    if len(edges) == 2:
        outline = (np.concatenate([MASSES, MASSES[::-1]]), np.concatenate([edges[0], edges[1][::-1]]))
        return Entry(name, rf"$(g-2)_\mu$ {year}, 2σ", "band", [outline], GREEN, exp.citation)
    outline = (MASSES, edges[0])
    return Entry(name, rf"$(g-2)_\mu$ {year}, 2σ upper edge", "limit", [outline], BLACK, exp.citation)
