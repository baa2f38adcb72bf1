"""The evidence, the integral of L over the prior: by cubature, sequential Monte Carlo or nested sampling."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, NotFinite
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference import full_space, laplace_check, nested, reweighting, smc
from lmtbayes.inference.conditional import Conditional
from lmtbayes.inference.cubature import Cubature, integrate
from lmtbayes.inference.data import Data
from lmtbayes.inference.likelihood import JointLikelihood
from lmtbayes.inference.optima import boxes_around
from lmtbayes.inference.optimum import Peak, climb
from lmtbayes.inference.priors import Prior
from lmtbayes.inference.space import Space

_START_CELLS = {2: 16, 3: 10}


@dataclass(frozen=True)
class CubatureSettings:
    """Settings of `method="cubature"`.

    Parameters
    ----------
    rtol
        Tolerance of ln Z for the integral over the boson's parameters.
    start_cells
        Along each parameter; by default 16 for two parameters and 10 for three.
    max_evaluations
        Give up there.
    batch
        Points evaluated at once: memory against speed.
    laplace_photons, laplace_draws
        Draws of the posterior at which the Laplace integral over the nuisances is checked and corrected, and draws of
        the nuisances at each.
    """

    rtol: float = 3e-3
    start_cells: int | None = None
    max_evaluations: int = 20_000_000
    batch: int = 512
    laplace_photons: int = 256
    laplace_draws: int = 512

    def __post_init__(self) -> None:
        _checks.positive("rtol", self.rtol)
        for name in ("max_evaluations", "batch", "laplace_photons", "laplace_draws"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 2:
                raise _checks.invalid(name, value, "an integer, at least 2")
        if self.start_cells is not None and (not isinstance(self.start_cells, int) or self.start_cells < 1):
            raise _checks.invalid("start_cells", self.start_cells, "a positive integer, or None")


type Settings = CubatureSettings | smc.SmcSettings | nested.NestedSettings


@dataclass(frozen=True, eq=False)
class Evidence:
    """ln Z, its error, and what it was computed with.

    Parameters
    ----------
    log_z, log_z_error
        ln of the evidence. The error of "cubature" is the bound of the quadrature plus two standard deviations of the
        correction for Laplace's integral over the nuisances; of "smc" and "nested" it is one standard deviation.
    method, status, converged
        How, and how it went, in words.
    evaluations
        Of the likelihood ("cubature": of the likelihood integrated over its nuisances).
    prior
        Without its edges an evidence means nothing.
    seconds
        Wall time, compilation included.
    seed, settings
        What repeats the run.
    log_correction
        ("cubature") ln of the integral over the nuisances relative to Laplace's, averaged over the posterior; included
        in `log_z`.
    nodes, log_weights
        A weighted posterior: coordinate to values, (draws,), and ln of weights that sum to 1. For "cubature" these are
        the quadrature's nodes, for the others draws.
    cubature
        ("cubature") The cells, for `with_prior` and `log_mass`.
    """

    log_z: float
    log_z_error: float
    method: str
    status: str
    converged: bool
    evaluations: int
    prior: Prior
    seconds: float
    seed: int
    settings: Settings
    log_correction: float
    nodes: dict[str, Float[np.ndarray, " draws"]] = field(repr=False)
    log_weights: Float[np.ndarray, " draws"] = field(repr=False)
    cubature: Cubature | None = field(repr=False)

    def __repr__(self) -> str:
        """Ln Z with its prior in the same line, then how it went."""
        return (
            f"ln Z = {self.log_z:.4f} ± {_error_text(self.log_z_error)} ({self.method}) for {self.prior!r}\n"
            f"  {self.status}; {self.evaluations} evaluations in {self.seconds:.1f} s"
        )

    def mean(self, name: str) -> float:
        """Posterior mean of a coordinate of the prior."""
        return float(np.exp(self.log_weights) @ self._nodes_of(name))

    def standard_deviation(self, name: str) -> float:
        """Posterior standard deviation of a coordinate of the prior."""
        values = self._nodes_of(name)
        return math.sqrt(np.exp(self.log_weights) @ (values - self.mean(name)) ** 2)

    def marginal(self, name: str, edges: np.ndarray) -> Float[np.ndarray, " bins"]:
        """Posterior probability of each bin of a coordinate of the prior.

        Parameters
        ----------
        name, edges
            Coordinate, and increasing edges.
        """
        values = self._nodes_of(name)
        edges = _checks.increasing("edges", edges)
        if self.cubature is None:
            counts, _ = np.histogram(values, edges, weights=np.exp(self.log_weights))
            return counts
        below = [reweighting.log_mass(self.cubature, self.prior, {name: (-np.inf, edge)})[0] for edge in edges]
        return np.diff(np.exp(np.array(below) - self.cubature.log_z))

    def with_prior(self, prior: Prior) -> "Evidence":
        """Evidence for another prior, from the same nodes and without a new run.

        A cell that the new edges cut is integrated through its interpolating polynomial, so edges inside the old box
        cost about the accuracy of the run itself; the bound of the error includes it. A density that varies a lot
        within a cell shows up in the bound as well.

        Parameters
        ----------
        prior
            Of the same coordinates, with its support inside the old one.

        Raises
        ------
        InvalidArgument
            It needs a new run: support that was not integrated, other coordinates, another method than cubature.
        """
        if self.cubature is None:
            raise InvalidArgument(f"`with_prior` needs method 'cubature'; this evidence is by {self.method!r}")
        log_z, error = reweighting.log_evidence(self.cubature, self.prior, prior)
        kept = reweighting.inside(self.nodes, prior)
        log_weights = reweighting.log_weights(self.nodes, self.log_weights, self.prior, prior)
        return dataclasses.replace(
            self,
            log_z=log_z + self.log_correction,
            # The correction was averaged over the old posterior.
            log_z_error=error + abs(self.log_correction) + max(self.log_z_error - self.cubature.log_z_error, 0.0),
            status=f"reweighted from {self.prior!r}: {self.status}",
            prior=prior,
            nodes={name: values[kept] for name, values in self.nodes.items()},
            log_weights=log_weights[kept],
            cubature=None,
        )

    def _nodes_of(self, name: str) -> np.ndarray:
        if name not in self.nodes:
            raise _checks.unknown("coordinate of the prior", name, tuple(self.nodes))
        return self.nodes[name]


def evidence(like: JointLikelihood, prior: Prior, method: str = "cubature", seed: int = 0, **settings: Any) -> Evidence:
    """Integrate the likelihood over the prior and over the constraints of the nuisances.

    Parameters
    ----------
    like, prior
        Of one model.
    method
        "cubature": adaptive Gauss-Legendre over the 2 or 3 parameters of the boson, the nuisances integrated at every
        point (exactly where ln L is quadratic in them, else by Laplace, checked and corrected by importance sampling).
        "smc": tempered sequential Monte Carlo over parameters and nuisances together. "nested": nested sampling over
        the same space, by dynesty (optional extra).
    seed
        Equal seeds give equal results.
    settings
        Of the method: fields of `CubatureSettings`, `SmcSettings` or `NestedSettings`.

    Returns
    -------
    evidence
        Printed, it shows ln Z with the prior in the same line.

    Raises
    ------
    InvalidArgument
        No such method, a setting out of range, a prior of another model.
    UnknownName
        No such setting.
    NotFinite
        The likelihood is NaN somewhere in the prior.
    MissingDependency
        "nested" without dynesty.
    """
    _checks.one_of("method", method, _METHODS)
    full_space.check_models(like, prior)
    kind, run = _METHODS[method]
    names = tuple(f.name for f in dataclasses.fields(kind))
    for name in settings:
        if name not in names:
            raise _checks.unknown(f"setting of method {method!r}", name, names)
    chosen = kind(**settings)
    begin = time.perf_counter()
    found = run(like, prior, seed, chosen)
    return Evidence(
        method=method, prior=prior, seconds=time.perf_counter() - begin, seed=seed, settings=chosen, **found
    )


# -- cubature ---------------------------------------------------------------------------------------------------------


def _by_cubature(like: JointLikelihood, prior: Prior, seed: int, settings: CubatureSettings) -> dict[str, Any]:
    def log_integrand(unit: np.ndarray) -> np.ndarray:
        return np.asarray(_marginal(like, prior, unit)[1][0])

    try:
        result = integrate(
            log_integrand,
            len(prior.names),
            rtol=settings.rtol,
            start_cells=settings.start_cells or _START_CELLS[len(prior.names)],
            find_modes=lambda starts: _find_modes(like, prior, starts),
            max_evaluations=settings.max_evaluations,
            batch=settings.batch,
        )
    except NotFinite as error:
        raise NotFinite(f"{error}, with {prior!r} in the order of its coordinates") from None
    points, log_weights = result.nodes
    nodes = {name: np.asarray(value) for name, value in prior.from_unit_cube(jnp.asarray(points)).items()}
    correction, scatter, remark = _laplace(like, prior, points, log_weights, seed, settings)
    return {
        "log_z": result.log_z + correction,
        "log_z_error": result.log_z_error + 2.0 * scatter,
        "status": result.status + remark,
        "converged": result.converged and math.isfinite(scatter),
        "evaluations": result.evaluations,
        "log_correction": correction,
        "nodes": nodes,
        "log_weights": log_weights,
        "cubature": result,
    }


def _marginal(
    like: JointLikelihood, prior: Prior, unit: Float[np.ndarray, "points dim"]
) -> tuple[HiddenPhoton, tuple[Array, Conditional]]:
    """Photons at points of the prior's unit cube, and their likelihood integrated over the nuisances."""

    def build() -> Callable[..., Any]:
        return jax.jit(jax.vmap(lambda photon, data: laplace_check.marginal(like, photon, data), in_axes=(0, None)))

    photons = prior.photon(prior.from_unit_cube(jnp.asarray(unit))).broadcast()
    return photons, like.compiled("marginal", build)(photons, like.data)


def _find_modes(
    like: JointLikelihood, prior: Prior, starts: Float[np.ndarray, "starts dim"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Climb ln L in (z, pulls) from every start; boxes as wide as the narrowest direction of each peak."""

    def build() -> Callable[..., Any]:
        def one(unit: Array, data: Data, distributions: Mapping[str, dist.Distribution]) -> Peak:
            # The distributions are an argument, so that another prior's edges do not compile it again.
            return climb(Space(like, Prior(like.model, distributions)), unit, data)

        return jax.jit(jax.vmap(one, in_axes=(0, None, None)))

    peaks = like.compiled("peaks", build)(jnp.asarray(starts), like.data, prior.distributions)
    unit, height, finest = (np.asarray(a) for a in (peaks.unit, peaks.log_likelihood, peaks.finest))
    dim = len(prior.names)
    return boxes_around(unit, np.tile(finest[:, None], (1, dim)), height, np.zeros(dim), np.ones(dim))


def _laplace(
    like: JointLikelihood,
    prior: Prior,
    points: np.ndarray,
    log_weights: np.ndarray,
    seed: int,
    settings: CubatureSettings,
) -> tuple[float, float, str]:
    """Correction of ln Z for what Laplace's integral over the nuisances missed, its standard deviation, a remark."""
    if not like.nuisances:
        return 0.0, 0.0, ""
    count = min(settings.laplace_photons, settings.batch)
    offset = np.random.default_rng(seed).random()
    position = (np.arange(count) + offset) / count
    chosen = np.searchsorted(np.cumsum(np.exp(log_weights)), position).clip(max=len(points) - 1)
    # A whole batch, so that nothing is compiled for another shape.
    photons, marginals = jax.tree.map(
        lambda x: x[:count], _marginal(like, prior, np.resize(points[chosen], (settings.batch, points.shape[1])))
    )
    check = like.compiled(
        ("laplace", settings.laplace_draws), lambda: laplace_check.build(like, settings.laplace_draws)
    )
    ratios = np.asarray(check(jax.random.split(jax.random.key(seed), count), photons, marginals, like.data))
    found = np.asarray(marginals[1].converged)
    mean = ratios.mean()
    if not mean > 0.0:
        return 0.0, math.inf, "; the nuisances are far from normal: Laplace's integral could not be corrected"
    scatter = ratios.std(ddof=1) / math.sqrt(count) / mean
    remark = f"; nuisances by Laplace, corrected by {np.log(mean):+.1e} ± {scatter:.0e}"
    if np.abs(ratios - 1.0).max() < 1e-6:
        remark = "; nuisances integrated exactly (ln L is quadratic in them)"
    if not found.all():
        remark += f"; their optimum was not found for {1.0 - found.mean():.1%} of the posterior"
    return float(np.log(mean)), float(scatter), remark


# -- samplers ---------------------------------------------------------------------------------------------------------


def _full_space(like: JointLikelihood, prior: Prior) -> tuple[full_space.NormalLikelihood, int]:
    physical = len(prior.names)
    return full_space.log_likelihood(like, physical), physical + len(like.nuisances)


def _by_smc(like: JointLikelihood, prior: Prior, seed: int, settings: smc.SmcSettings) -> dict[str, Any]:
    log_likelihood, dim = _full_space(like, prior)
    run = like.compiled(("smc", settings), lambda: smc.build(log_likelihood, dim, settings))
    keys = jax.random.split(jax.random.key(seed), settings.replicas)
    result = smc.summarise(run(keys, (like.data, prior.distributions)), settings)
    log_weights = np.full(len(result.particles), -np.log(len(result.particles)))
    return _sampled(result, prior, result.particles, log_weights)


def _by_nested(like: JointLikelihood, prior: Prior, seed: int, settings: nested.NestedSettings) -> dict[str, Any]:
    log_likelihood, dim = _full_space(like, prior)
    compiled = like.compiled("full space", lambda: jax.jit(log_likelihood))
    arguments = jax.tree.map(jnp.asarray, (like.data, prior.distributions))
    result = nested.run(lambda z: float(compiled(z, arguments)), dim, seed, settings)
    return _sampled(result, prior, result.samples, result.log_weights)


def _sampled(
    result: smc.SmcResult | nested.NestedResult, prior: Prior, z: np.ndarray, log_weights: np.ndarray
) -> dict[str, Any]:
    unit = jax.scipy.special.ndtr(z[:, : len(prior.names)])
    return {
        "log_z": result.log_z,
        "log_z_error": result.log_z_error,
        "status": result.status,
        "converged": result.converged,
        "evaluations": result.evaluations,
        "log_correction": 0.0,
        "nodes": {name: np.asarray(value) for name, value in prior.from_unit_cube(unit).items()},
        "log_weights": log_weights,
        "cubature": None,
    }


def _error_text(error: float) -> str:
    return f"{error:.4f}" if error >= 5e-5 else f"{error:.0e}"


_METHODS: dict[str, tuple[type[Any], Callable[..., dict[str, Any]]]] = {
    "cubature": (CubatureSettings, _by_cubature),
    "smc": (smc.SmcSettings, _by_smc),
    "nested": (nested.NestedSettings, _by_nested),
}
