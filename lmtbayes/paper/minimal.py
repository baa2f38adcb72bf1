"""Lmu-Ltau against Lmu with one and the same mixing, eps_x = -g_x/70: evidences at many detector settings and toys.

With the mixing fixed a model has two parameters, log10 g_x and log10 M, and its evidence is a sum over fixed Gauss
nodes. That makes it a function that can be compiled once and evaluated for every exposure, threshold and toy. The tests
compare it with `evidence` and its adaptive cells.
"""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, PAPER_MIXING, GaugeModel, HiddenPhoton
from lmtbayes.inference.frequentist.traced_threshold import stacked
from lmtbayes.inference.likelihood.constraints import Components
from lmtbayes.inference.likelihood.data import asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.nuisances.expansion import expansion
from lmtbayes.inference.nuisances.laplace import LaplaceFit, laplace, optimal_pulls
from lmtbayes.inference.nuisances.newton import highest

MODELS: dict[str, GaugeModel] = {"Lμ-Lτ": LMU_LTAU.with_mixing(PAPER_MIXING), "Lμ": LMU.with_mixing(PAPER_MIXING)}
PRIOR = {"g_x": (1e-5, 1e-2), "mass": (1.0, 1000.0)}
"""Edges of the log-uniform prior, those of `priors.default` [1, MeV]."""
LOG10_G_CELLS = np.linspace(-3.9, -2.1, 16)
"""Cells in log10 g_x: outside, NA64mu's 30-150 events leave less than 1e-6 of the posterior of any benchmark."""
LOG10_MASS_CELLS = np.linspace(0.0, 3.0, 13)
NODES = 4
BEAMS = ("na64mu", "ess", "ess10")
THRESHOLD_KEV, EXPOSURE_TYR = 1.0, 200.0
_EDGES_KEVNR = (4.5, 100.0)
_BATCH = 256


@cache
def nodes() -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """g_x and mass [MeV] of the Gauss nodes, and ln of weight times prior density."""
    unit, weights = np.polynomial.legendre.leggauss(NODES)

    def composite(cells: np.ndarray, edges: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        half, middle = 0.5 * np.diff(cells)[:, None], 0.5 * (cells[1:] + cells[:-1])[:, None]
        return (middle + half * unit).ravel(), (half * weights).ravel() / np.log10(edges[1] / edges[0])

    log_g, weight_g = composite(LOG10_G_CELLS, PRIOR["g_x"])
    log_mass, weight_mass = composite(LOG10_MASS_CELLS, PRIOR["mass"])
    g_x, mass = (10.0 ** grid.ravel() for grid in np.meshgrid(log_g, log_mass, indexing="ij"))
    return g_x, mass, np.log(np.outer(weight_g, weight_mass)).ravel()


def marginal(joint: JointModel, photon: HiddenPhoton, data: Data) -> Float[Array, ""]:
    """Ln of the likelihood of one photon integrated over the nuisances, finite everywhere; to be traced.

    The integral of `laplace_at_many`, which the host strings together; here the experiments may be traced as well.
    Where no optimum is found, far from anything that the data allow, the higher of two values of ln L stands for it.
    """
    central = joint.log_density(photon, joint.central_pulls, data)
    if not joint.nuisances:
        return central

    def fit(component: Components) -> LaplaceFit:
        constraint = joint.constraints.of_component(component)

        def improve(pulls: Array, _: None) -> tuple[Array, LaplaceFit]:
            expanded = expansion(joint, photon, pulls, data)
            better = optimal_pulls(joint, constraint, pulls, expanded.counts, expanded.jacobian, data)[0]
            return better, laplace(constraint, pulls, expanded)

        # A loop, so that the rates are compiled once.
        _, fits = jax.lax.scan(improve, joint.constraints.start_of(component), None, length=2)
        return jax.tree.map(lambda x: x[-1], fits)

    found = jax.vmap(fit)(joint.constraints.components())
    parts = jnp.where(jnp.isfinite(found.log_integral), found.log_integral, -jnp.inf)
    log_integral = jax.scipy.special.logsumexp(parts)
    converged = highest(found.converged, found.log_likelihood)
    return jnp.where(converged, log_integral, jnp.maximum(central, log_integral))


def log_evidence(like: JointLikelihood, data: Data) -> Float[Array, ""]:
    """Ln Z of a model with fixed mixing, nuisances integrated at each node; to be traced."""
    g_x, mass, log_weights = nodes()
    photons = like.model.hidden_photon(jnp.asarray(g_x), jnp.asarray(mass)).broadcast()
    values = jax.lax.map(lambda p: marginal(like.joint, p, data), photons, batch_size=_BATCH)
    return jax.scipy.special.logsumexp(values + log_weights)


def darwin(
    convention: str,
    exposure_tyr: float = EXPOSURE_TYR,
    threshold_kev: float = THRESHOLD_KEV,
    nuisances: tuple[str, ...] | None = None,
) -> Experiment:
    """DARWIN by nuclear recoils in five bins whatever its threshold, so that all settings share one compilation."""
    edges = np.append(np.geomspace(threshold_kev, _EDGES_KEVNR[0], 5), _EDGES_KEVNR[1])
    return experiment(
        "darwin-nr",
        convention=convention,
        exposure_tyr=exposure_tyr,
        threshold_kev=threshold_kev,
        bin_edges=edges,
        nuisances=nuisances,
    )


def beams(convention: str) -> list[Experiment]:
    """NA64mu, ESS and ESS10."""
    return [experiment(name, convention=convention) for name in BEAMS]


def asimov_log_bayes_factor(
    convention: str, nuisances: tuple[str, ...] | None, truth: HiddenPhoton, settings: list[tuple[float, float]]
) -> Float[np.ndarray, " settings"]:
    """Ln of the Bayes factor Lmu-Ltau : Lmu on Asimov data of a boson of Lmu-Ltau.

    Parameters
    ----------
    convention, nuisances
        Of the experiments; of DARWIN's nuisances those that are free, None for all of the convention.
    truth
        One photon.
    settings
        (exposure [t yr], threshold [keVnr]) of DARWIN, one after the other; all beams are always there.
    """
    run = _asimov(convention, nuisances)
    _, arrays = stacked([darwin(convention, *setting, nuisances) for setting in settings])
    return np.array([float(run([array[i] for array in arrays], truth)) for i in range(len(settings))])


@cache
def _asimov(
    convention: str, nuisances: tuple[str, ...] | None
) -> Callable[[list[np.ndarray], HiddenPhoton], Float[Array, ""]]:
    """(arrays of DARWIN, truth) to ln B, compiled: at any threshold and exposure."""
    fixed = beams(convention)
    structure, _ = stacked([darwin(convention, nuisances=nuisances)])

    def run(arrays: list[Array], truth: HiddenPhoton) -> Array:
        experiments = [*fixed, jax.tree.unflatten(structure, arrays)]
        data = asimov(LMU_LTAU, truth, published="asimov")
        likes = [JointLikelihood(experiments, model, data, check=False) for model in MODELS.values()]
        ours, other = (log_evidence(like, like.data) for like in likes)
        return ours - other

    return jax.jit(run)


@cache
def toy_likelihoods(convention: str) -> dict[str, JointLikelihood]:
    """Both models with NA64mu, ESS, ESS10 and DARWIN (200 t yr, 1 keVnr) and all nuisances of the convention."""
    experiments = [*beams(convention), darwin(convention)]
    data = asimov(LMU_LTAU, BENCHMARKS["BP1"], published="asimov")
    return {name: JointLikelihood(experiments, model, data, check=False) for name, model in MODELS.items()}


def asimov_log_bayes_factors(convention: str, truth: HiddenPhoton) -> dict[str, float]:
    """True model to ln B(Lmu-Ltau : Lmu) on its Asimov data, experiments and nuisances those of the toys."""
    likes = toy_likelihoods(convention)
    run = _both(convention)
    return {
        name: float(run(like.with_data(asimov(like.model, truth, published="asimov")).data))
        for name, like in likes.items()
    }


def toy_log_bayes_factors(
    convention: str, truth_model: str, truth: HiddenPhoton, size: int, seed: int = 0
) -> Float[np.ndarray, " toys"]:
    """Ln of the Bayes factor Lmu-Ltau : Lmu of toy experiments.

    Parameters
    ----------
    convention
        Of the experiments; its nuisances are drawn from their constraints for every toy, and integrated in the fits.
    truth_model
        Key of `MODELS`: who made the data.
    truth
        One photon.
    size, seed
        Number of toys; equal seeds give equal toys.
    """
    maker = toy_likelihoods(convention)[truth_model]

    def one(key: Array) -> Data:
        key_pulls, key_counts = jax.random.split(key)
        pulls = maker.constraints.sample(key_pulls, apart=True)
        return draw(maker.joint, jax.random.split(key_counts, len(maker.experiments)), truth, pulls)

    toys = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(seed), size))
    run = _both(convention)
    return np.array([float(run({name: counts[i] for name, counts in toys.items()})) for i in range(size)])


@cache
def _both(convention: str) -> Callable[[Data], Array]:
    """Data to ln B, compiled."""
    ours, other = toy_likelihoods(convention).values()
    return jax.jit(lambda data: log_evidence(ours, data) - log_evidence(other, data))
