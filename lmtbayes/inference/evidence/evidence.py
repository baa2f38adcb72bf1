"""The evidence, the integral of L over the prior, by one of four methods: see `evidence`."""

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.coordinates import check_prior
from lmtbayes.inference.evidence import importance, laplace_cubature, nested, reweighting, samplers, smc
from lmtbayes.inference.integration.cubature import Cubature
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

type Settings = (
    laplace_cubature.CubatureSettings | importance.ImportanceSettings | smc.SmcSettings | nested.NestedSettings
)


@dataclass(frozen=True, eq=False)
class Evidence:
    """ln Z, its error, and what it was computed with.

    Parameters
    ----------
    log_z, log_z_error
        ln of the evidence, and its error, of the kind that `error_kind` says.
    error_kind
        "bound" ("cubature"): `bound` plus two of `sigma`. "one sigma" (draws): `sigma` alone.
    bound, sigma
        What the quadrature can be wrong by, and the standard deviation of what was drawn: for "cubature" the correction
        for Laplace's integral over the nuisances, for the others everything.
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
        in `log_z`. ("importance") ln Z relative to the grid's.
    nodes, log_weights
        A weighted posterior: coordinate to values, (draws,), and ln of weights that sum to 1. For "cubature" these are
        the quadrature's nodes, for the others draws.
    cubature
        ("cubature") The cells, for `with_prior` and `log_mass`.
    measure
        Whose quantiles the method worked in: the prior, wherever it and the likelihood both have width in those.
    """

    log_z: float
    bound: float
    sigma: float
    error_kind: str
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
    measure: Prior = field(repr=False)

    @property
    def log_z_error(self) -> float:
        """Error of ln Z, of the kind that `error_kind` says."""
        return combined([self])[0]

    def __repr__(self) -> str:
        """Ln Z with its prior in the same line, then how it went."""
        return (
            f"ln Z = {self.log_z:.4f} ± {_error_text(self.log_z_error)} ({self.error_kind}, {self.method}) for "
            f"{self.prior!r}\n"
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
        below = [reweighting.log_mass(self.cubature, self.measure, {name: (-np.inf, edge)})[0] for edge in edges]
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
        log_z, error = reweighting.log_evidence(self.cubature, self.measure, self.prior, prior)
        kept = reweighting.inside(self.nodes, prior)
        log_weights = reweighting.log_weights(self.nodes, self.log_weights, self.prior, prior)
        return dataclasses.replace(
            self,
            log_z=log_z + self.log_correction,
            # The correction was averaged over the old posterior.
            bound=error + abs(self.log_correction),
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


def combined(parts: Sequence[Evidence]) -> tuple[float, str]:
    """Error of a sum or difference of ln Z of independent runs, and its kind.

    Standard deviations add in quadrature, bounds linearly; a bound and a standard deviation together are a bound, that
    takes the latter twice.
    """
    bound, sigma = sum(e.bound for e in parts), math.hypot(*(e.sigma for e in parts))
    if all(e.error_kind == "one sigma" for e in parts):
        return sigma, "one sigma"
    return bound + 2.0 * sigma, "bound"


def evidence(like: JointLikelihood, prior: Prior, method: str = "cubature", seed: int = 0, **settings: Any) -> Evidence:
    """Integrate the likelihood over the prior and over the constraints of the nuisances.

    Parameters
    ----------
    like, prior
        Of one model.
    method
        "cubature": adaptive Gauss-Legendre over the 2 or 3 parameters of the boson, the nuisances integrated at every
        point (exactly where ln L is quadratic in them, else by Laplace, checked and corrected by importance sampling).
        "importance": draws from the posterior's grid, weighted; nearly free where `sample_posterior` has made the grid,
        and with dozens of nuisances far cheaper than cubature. "smc": tempered sequential Monte Carlo over parameters
        and nuisances together. "nested": nested sampling over the same space, by dynesty (optional extra).
    seed
        Equal seeds give equal results.
    settings
        Of the method: fields of `CubatureSettings`, `ImportanceSettings`, `SmcSettings` or `NestedSettings`.

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

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> found = lmt.evidence(like, lmt.priors.default(model))
    >>> print(f"{found.log_z:.2f}", found.error_kind, found.converged)
    -8.08 bound True
    """
    _checks.one_of("method", method, _METHODS)
    check_prior(like, prior)
    _checks.whole("seed", seed, 0)
    kind, run = _METHODS[method]
    names = tuple(f.name for f in dataclasses.fields(kind))
    for name in settings:
        if name not in names:
            raise _checks.unknown(f"setting of method {method!r}", name, names)
    # Of NumPy's whole numbers Python's: compiled functions are kept by their settings, files have no others.
    chosen = kind(**{name: int(value) if isinstance(value, np.integer) else value for name, value in settings.items()})
    begin = time.perf_counter()
    found = run(like, prior, seed, chosen)
    return Evidence(
        method=method, prior=prior, seconds=time.perf_counter() - begin, seed=int(seed), settings=chosen, **found
    )


def _error_text(error: float) -> str:
    return f"{error:.4f}" if error >= 5e-5 else f"{error:.0e}"


_METHODS: dict[str, tuple[type[Any], Callable[..., dict[str, Any]]]] = {
    "cubature": (laplace_cubature.CubatureSettings, laplace_cubature.run),
    "importance": (importance.ImportanceSettings, importance.run),
    "smc": (smc.SmcSettings, samplers.by_smc),
    "nested": (nested.NestedSettings, samplers.by_nested),
}
