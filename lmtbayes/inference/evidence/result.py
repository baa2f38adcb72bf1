"""`Evidence`: ln Z with its error and its prior, a weighted posterior, and, of a cubature, the cells that gave it."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.evidence import reweighting
from lmtbayes.inference.integration.cubature import Cubature
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

ERROR_KINDS = ("bound", "one sigma")
_POSITIVE = ("bound", "sigma", "seconds")


@runtime_checkable
class EvidenceMethod(Protocol):
    """What `evidence` integrates with: `lmtbayes.methods` has four, and any object with this one method is another.

    A frozen dataclass of its settings that checks them when it is made, so that a wrong one is named before anything
    runs.
    """

    def run(self, like: JointLikelihood, prior: Prior, seed: int) -> "Evidence":
        """Integrate the likelihood over the prior and the constraints of the nuisances.

        Parameters
        ----------
        like, prior
            Of one model (checked).
        seed
            A whole number of at least 0 (checked).

        Returns
        -------
        evidence
            `Evidence(log_z=..., sigma=..., error_kind="one sigma", prior=prior)`, and what else is known; `evidence`
            fills in method, settings, seed and seconds.
        """
        ...


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """ln Z, its error, and what it was computed with.

    Parameters
    ----------
    log_z
        ln of the evidence.
    error_kind
        "bound" ("cubature"): the error of ln Z is `bound` plus two of `sigma`. "one sigma" (draws): it is `sigma`.
    prior
        Without its edges an evidence means nothing.
    bound, sigma
        What the quadrature can be wrong by, and the standard deviation of what was drawn: for "cubature" the correction
        for Laplace's integral over the nuisances, for the others everything.
    status, converged
        How it went, in words, and whether well.
    evaluations
        Of the likelihood ("cubature": of the likelihood integrated over its nuisances).
    log_correction
        ("cubature") ln of the integral over the nuisances relative to Laplace's, averaged over the posterior; included
        in `log_z`. ("importance") ln Z relative to the grid's.
    nodes, log_weights
        A weighted posterior: coordinate to values, (draws,), and ln of weights that sum to 1. For "cubature" these are
        the quadrature's nodes, for the others draws.
    cubature
        ("cubature") The cells, for `with_prior` and `marginal`.
    measure
        Whose quantiles the method worked in: the prior, wherever it and the likelihood both have width in those.
    method, settings, seed, seconds
        What repeats the run, and its wall time, compilation included.

    Raises
    ------
    InvalidArgument
        A field of another kind or out of range: an unknown kind of error, an error below zero, a NaN, no prior, nodes
        that do not match their weights or are not those of the prior's coordinates.
    """

    log_z: float
    error_kind: str
    prior: Prior
    bound: float = 0.0
    sigma: float = 0.0
    status: str = ""
    converged: bool = True
    evaluations: int = 0
    log_correction: float = 0.0
    nodes: dict[str, Float[np.ndarray, " draws"]] = field(default_factory=dict, repr=False)
    log_weights: Float[np.ndarray, " draws"] = field(default_factory=lambda: np.zeros(0), repr=False)
    cubature: Cubature | None = field(default=None, repr=False)
    measure: Prior | None = field(default=None, repr=False)
    method: str = ""
    settings: EvidenceMethod | None = None
    seed: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        _checks.one_of("error_kind", self.error_kind, ERROR_KINDS)
        self._check_numbers()
        for name in ("status", "method"):
            if not isinstance(getattr(self, name), str):
                raise _checks.invalid(name, getattr(self, name), "text")
        if not isinstance(self.prior, Prior):
            raise _checks.invalid("prior", self.prior, "a Prior")
        for name, kind in (("measure", Prior), ("cubature", Cubature)):
            if not isinstance(getattr(self, name), kind | None):
                raise _checks.invalid(name, getattr(self, name), f"a {kind.__name__}, or None")
        self._check_nodes()

    def _check_numbers(self) -> None:
        """Require numbers, and keep NumPy's as Python's: files have no others."""
        for name in ("log_z", "bound", "sigma", "log_correction", "seconds"):
            value = getattr(self, name)
            _checks.scalar(name, value)
            # Infinite where there is none, or where it is not known at all.
            if np.isnan(value):
                raise _checks.invalid(name, value, "not negative" if name in _POSITIVE else "a number, not NaN")
            if name in _POSITIVE and value < 0.0:
                raise _checks.invalid(name, value, "not negative")
            object.__setattr__(self, name, float(value))
        for name in ("evaluations", "seed"):
            _checks.whole(name, getattr(self, name), 0)
            object.__setattr__(self, name, int(getattr(self, name)))
        _checks.switch("converged", self.converged)
        object.__setattr__(self, "converged", bool(self.converged))

    def _check_nodes(self) -> None:
        """Require the values of every coordinate at every weight, or nothing at all."""
        if not isinstance(self.nodes, Mapping):
            raise _checks.invalid("nodes", self.nodes, "a mapping of coordinate to values")
        for name, values in {"log_weights": self.log_weights, **self.nodes}.items():
            array = _checks.number(name, values, "an array of numbers")
            if array is None or array.ndim != 1:
                raise _checks.invalid(name, values, "an array of numbers, (draws,)")
            if len(values) != len(self.log_weights):
                raise _checks.invalid(
                    f"nodes[{name!r}]", f"{len(values)} values", f"one for each of the {len(self.log_weights)} weights"
                )
        needed = self.prior.names if len(self.log_weights) or self.nodes else ()
        if set(self.nodes) != set(needed):
            raise _checks.invalid("nodes", list(self.nodes), f"of the coordinates of the prior, {list(needed)}")

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
        measure = self.measure or self.prior
        below = [reweighting.log_mass(self.cubature, measure, {name: (-np.inf, edge)})[0] for edge in edges]
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
        if not isinstance(prior, Prior):
            raise _checks.invalid("prior", prior, "a Prior")
        if self.cubature is None:
            raise InvalidArgument(f"`with_prior` needs method 'cubature'; this evidence is by {self.method!r}")
        log_z, error = reweighting.log_evidence(self.cubature, self.measure or self.prior, self.prior, prior)
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

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, text, lists and dicts, which JSON takes; `from_dict` is the inverse.

        Raises
        ------
        InvalidArgument
            A prior with code of the user's own that cannot be told from other code and has no `identity`.
        """
        from lmtbayes.inference.evidence import files  # which knows the methods, which know this

        return files.to_dict(self)

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], prior: Prior | None = None) -> "Evidence":
        """Evidence that `to_dict` wrote.

        Parameters
        ----------
        written
            Of `to_dict`, also after JSON.
        prior
            What it was computed with; needed only where no file can hold it (a distribution that is neither numpyro's
            nor this package's), and then compared.

        Raises
        ------
        InvalidArgument
            Not of `to_dict`, or changed since: the fingerprint tells of the prior; a prior that is needed and not
            given, or not the same.
        """
        from lmtbayes.inference.evidence import files

        return files.from_dict(written, prior)

    def to_netcdf(self, path: str | Path) -> None:
        """Write a NetCDF file whole or not at all: nodes, weights and cells as variables, the rest as attributes.

        Raises
        ------
        InvalidArgument
            No path of a file, or of one in a folder that does not exist.
        """
        from lmtbayes.inference.evidence import files

        files.to_netcdf(self, path)

    @classmethod
    def from_netcdf(cls, path: str | Path, prior: Prior | None = None) -> "Evidence":
        """Evidence that `to_netcdf` wrote; `prior` and errors as in `from_dict`."""
        from lmtbayes.inference.evidence import files

        return files.from_netcdf(path, prior)

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


def _error_text(error: float) -> str:
    return f"{error:.4f}" if error >= 5e-5 else f"{error:.0e}"
