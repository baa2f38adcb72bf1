"""Models compared by their evidences: Bayes factors, probabilities, and what they owe to the edges of the priors."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.evidence.evidence import SHORTHAND, evidence, resolve_method
from lmtbayes.inference.evidence.keywords import former_keywords
from lmtbayes.inference.evidence.result import Evidence, EvidenceMethod
from lmtbayes.inference.evidence.sensitivity import moved_edge
from lmtbayes.inference.evidence.table import table_of, text_of
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

SAME_DATA = 1e-9
"""Largest relative difference between data that count as the same; Asimov data of one truth differ by rounding."""

_ROUNDING = 1e-6
"""By how much probabilities may miss 1: thirds are written 0.333333."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evidences of several models for the same data.

    Parameters
    ----------
    evidences
        Model to evidence.
    prior_probabilities
        Of the models; they sum to 1.
    models
        What was compared, for new runs of `prior_sensitivity`; empty where it was read from a file.

    Raises
    ------
    InvalidArgument
        No evidence; probabilities of other models, that are not positive, or that do not sum to 1.
    UnknownName
        The prior probability of a model that is not there.
    """

    evidences: dict[str, Evidence]
    prior_probabilities: dict[str, float]
    models: dict[str, tuple[JointLikelihood, Prior]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.evidences, Mapping) or not self.evidences:
            raise _checks.invalid("evidences", self.evidences, "a mapping of at least one model to its Evidence")
        for name, found in self.evidences.items():
            if not isinstance(found, Evidence):
                raise _checks.invalid(f"evidences[{name!r}]", found, "an Evidence")
        _normalised(tuple(self.evidences), self.prior_probabilities)

    @property
    def names(self) -> tuple[str, ...]:
        """Models, in the order given."""
        return tuple(self.evidences)

    @property
    def prior_odds(self) -> dict[str, float]:
        """Old name of `prior_probabilities`."""
        warnings.warn(
            "`prior_odds` goes with the next release; it is `prior_probabilities`", DeprecationWarning, stacklevel=2
        )
        return self.prior_probabilities

    def to_dict(self) -> dict[str, Any]:
        """Evidences and prior probabilities, without the likelihoods, as plain as by `Evidence.to_dict`."""
        return {
            "evidences": {name: found.to_dict() for name, found in self.evidences.items()},
            "prior_probabilities": dict(self.prior_probabilities),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], priors: Mapping[str, Prior] | None = None) -> "Comparison":
        """Comparison that `to_dict` wrote.

        Parameters
        ----------
        written
            Of `to_dict`, also after JSON.
        priors
            Of those models whose prior no file can hold, by name: see `Evidence.from_dict`.

        Raises
        ------
        InvalidArgument
            Not of `to_dict`; and what `Evidence.from_dict` raises.
        """
        for part in ("evidences", "prior_probabilities"):
            if not isinstance(written, Mapping) or not isinstance(written.get(part), Mapping):
                raise InvalidArgument(f"`written` must be what Comparison.to_dict gives; it has no {part}")
        given = {} if priors is None else priors
        if not isinstance(given, Mapping):
            raise _checks.invalid("priors", given, "a mapping of model to its Prior, or None")
        for name in given:
            if name not in written["evidences"]:
                raise _checks.unknown("model in `priors`", name, written["evidences"])
        return cls(
            {name: Evidence.from_dict(one, given.get(name)) for name, one in written["evidences"].items()},
            dict(written["prior_probabilities"]),
        )

    @property
    def table(self) -> "xr.Dataset":
        """Everything by model, as an xarray Dataset.

        Variables: log_z and its error, prior (its edges) and method, prior_probability, posterior_probability with its
        error (from the errors of ln Z); log_bayes_factor[model, against] = ln Z(model) - ln Z(against), with its error.
        Every error has a kind, "bound" or "one sigma": standard deviations are combined in quadrature, bounds linearly,
        and where one meets the other the standard deviation counts twice and the result is a bound.
        """
        return table_of(self.evidences, self.prior_probabilities)

    def __str__(self) -> str:
        """Readable table: one line a model, with its prior in the same line; ln B is against the first model."""
        return text_of(self.table, self.names)

    __repr__ = __str__

    def prior_sensitivity(
        self, coordinate: str, edge: str, values: Sequence[float] | ArrayLike, new_runs: bool = False
    ) -> "xr.Dataset":
        """Move one edge of a uniform prior: ln Z and ln B against its position, in every model that has the coordinate.

        Where the new box lies inside the old one and the method was cubature, its cells are re-used: that costs about
        the accuracy of the run itself, less where the box leaves out most of the posterior, and the error says so.
        Where there is no such box, or its error exceeds 0.05, a new run is done if `new_runs` allows it.

        Parameters
        ----------
        coordinate
            As in the prior, for instance "log10_g_x" or "log10_kappa".
        edge
            "low" or "high".
        values
            Positions of that edge, in the coordinate.
        new_runs
            Whether to integrate again where the cells do not suffice.

        Returns
        -------
        sensitivity
            log_z, log_z_error, new_run (model, edge) and log_bayes_factor, log_bayes_factor_error (model, against,
            edge).

        Raises
        ------
        UnknownName
            No prior has that coordinate.
        InvalidArgument
            Its prior is not uniform, an edge beyond the opposite one, or a new run is needed and not allowed, or not
            possible, since a comparison from a file has no likelihoods.
        """
        return moved_edge(self.evidences, self.models, coordinate, edge, values, new_runs)


@former_keywords(SHORTHAND, odds=True)
def compare_models(
    models: Mapping[str, tuple[JointLikelihood, Prior]],
    prior_probabilities: Mapping[str, float] | None = None,
    method: str | EvidenceMethod = "cubature",
    *,
    seed: int = 0,
) -> Comparison:
    """Compare models by their evidences for the same data.

    Parameters
    ----------
    models
        Name to (likelihood, prior). The likelihoods must have the same experiments and data; their models differ, or
        only their priors do.
    prior_probabilities
        Name to prior probability, positive, 1 in all; equal by default.
    method, seed
        As in `evidence`.

    Raises
    ------
    InvalidArgument
        Fewer than two models, data that differ, prior probabilities that are not positive or do not sum to 1; and what
        `evidence` raises.
    UnknownName
        The prior probability of a model that is not there.

    Warns
    -----
    DeprecationWarning
        `prior_odds`, of any sum, the old name of `prior_probabilities`; settings of the method as keywords.

    References
    ----------
    B_ij = Z_i/Z_j; p_i = P_i Z_i/sum_j P_j Z_j, P the prior probabilities: R. Trotta, arXiv:0803.4089.
    """
    if not isinstance(models, Mapping) or len(models) < 2:
        raise InvalidArgument("`models` must be a mapping of at least two names to (likelihood, prior)")
    for name, pair in models.items():
        if not (isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], JointLikelihood)):
            raise _checks.invalid(f"models[{name!r}]", pair, "a pair (JointLikelihood, Prior)")
    _same_data({name: like for name, (like, _) in models.items()})
    chosen = resolve_method(method)
    before = _normalised(tuple(models), prior_probabilities)
    return Comparison(
        {name: evidence(like, prior, chosen, seed=seed) for name, (like, prior) in models.items()},
        before,
        {name: (like, prior) for name, (like, prior) in models.items()},
    )


def _normalised(names: Sequence[str], given: Mapping[str, float] | None) -> dict[str, float]:
    """Prior probability of every model, 1 in all to rounding."""
    if given is None:
        return dict.fromkeys(names, 1.0 / len(names))
    if not isinstance(given, Mapping):
        raise _checks.invalid("prior_probabilities", given, "a mapping of model to its probability")
    for name, value in given.items():
        if name not in names:
            raise _checks.unknown("model in `prior_probabilities`", name, names)
        _checks.scalar(f"prior_probabilities[{name!r}]", value)
        _checks.positive(f"prior_probabilities[{name!r}]", value)
    missing = [name for name in names if name not in given]
    if missing:
        raise InvalidArgument(
            f"`prior_probabilities` must have an entry for every model; missing: {', '.join(missing)}"
        )
    total = sum(given.values())
    if abs(total - 1.0) > _ROUNDING:
        raise _checks.invalid("prior_probabilities", dict(given), f"1 in all, which these are not ({total:.6g})")
    return {name: float(given[name] / total) for name in names}


def _same_data(likelihoods: Mapping[str, JointLikelihood]) -> None:
    (first, reference), *others = likelihoods.items()
    for name, like in others:
        if set(like.data) != set(reference.data):
            raise InvalidArgument(
                f"`models` must see the same data; {first!r} has {', '.join(sorted(reference.data))} and {name!r} has "
                f"{', '.join(sorted(like.data))}"
            )
        for key, counts in reference.data.items():
            other = like.data[key]
            if counts.shape != other.shape or not np.allclose(counts, other, rtol=SAME_DATA, atol=0.0):
                raise InvalidArgument(
                    f"`models` must see the same data; those of experiment {key!r} differ between {first!r} and "
                    f"{name!r}: {np.asarray(counts)} and {np.asarray(other)}"
                )
