"""Models compared by their evidences: Bayes factors, probabilities, and what they owe to the edges of the priors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpyro.distributions as dist
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.evidence.evidence import Evidence, combined, evidence
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

SAME_DATA = 1e-9
"""Largest relative difference between data that count as the same; Asimov data of one truth differ by rounding."""

REUSED_ERROR = 0.05
"""Error of ln Z up to which re-used cells are good enough not to integrate again."""

_KINDS = {"bound": "bounds (two standard deviations of what was drawn included)", "one sigma": "one standard deviation"}
_MARKS = {"bound": "(b)", "one sigma": "(s)"}


@dataclass(frozen=True, eq=False)
class Comparison:
    """Evidences of several models for the same data.

    Parameters
    ----------
    evidences
        Model to evidence.
    prior_odds
        Model to prior probability; they sum to 1.
    models
        What was compared, for `prior_sensitivity`.
    """

    evidences: dict[str, Evidence]
    prior_odds: dict[str, float]
    models: dict[str, tuple[JointLikelihood, Prior]]

    @property
    def names(self) -> tuple[str, ...]:
        """Models, in the order given."""
        return tuple(self.evidences)

    @property
    def table(self) -> "xr.Dataset":
        """Everything by model, as an xarray Dataset.

        Variables: log_z and its error, prior (its edges) and method, prior_probability, posterior_probability with its
        error (from the errors of ln Z); log_bayes_factor[model, against] = ln Z(model) - ln Z(against), with its error.
        Every error has a kind, "bound" or "one sigma": standard deviations are combined in quadrature, bounds linearly,
        and where one meets the other the standard deviation counts twice and the result is a bound.
        """
        # A bare import of the package must start fast.
        import xarray as xr

        found = [self.evidences[name] for name in self.names]
        log_z = np.array([e.log_z for e in found])
        error = np.array([e.log_z_error for e in found])
        odds = np.array([self.prior_odds[name] for name in self.names])
        with np.errstate(divide="ignore"):
            weights = np.log(odds) + log_z
        posterior = np.exp(weights - np.logaddexp.reduce(weights))
        # d p_i/d ln Z_j = p_i (delta_ij - p_j), the errors of different models being independent.
        slopes = posterior[:, None] * (np.eye(len(found)) - posterior)
        bounds, sigmas = np.array([e.bound for e in found]), np.array([e.sigma for e in found])
        probability_error = np.hypot.reduce(slopes * sigmas, axis=1)
        if combined(found)[1] == "bound":
            probability_error = np.abs(slopes) @ bounds + 2.0 * probability_error
        return xr.Dataset(
            {
                "log_z": ("model", log_z),
                "log_z_error": ("model", error),
                "prior_probability": ("model", odds),
                "posterior_probability": ("model", posterior),
                "posterior_probability_error": ("model", probability_error),
                "log_bayes_factor": (("model", "against"), log_z[:, None] - log_z),
                "log_bayes_factor_error": (("model", "against"), _of_differences(found)),
                "error_kind": ("model", [e.error_kind for e in found]),
                "log_bayes_factor_error_kind": (
                    ("model", "against"),
                    np.array([[combined([a, b])[1] for b in found] for a in found]),
                ),
                "converged": ("model", np.array([e.converged for e in found])),
                "method": ("model", [e.method for e in found]),
                "prior": ("model", [repr(e.prior) for e in found]),
                "status": ("model", [e.status for e in found]),
            },
            coords={"model": list(self.names), "against": list(self.names)},
        )

    def __str__(self) -> str:
        """Readable table: one line a model, with its prior in the same line; ln B is against the first model."""
        table, width = self.table, max(len(name) for name in self.names)
        first = self.names[0]
        kinds = {*table.error_kind.values.tolist()}
        kinds |= {*table.log_bayes_factor_error_kind.sel(model=list(self.names[1:]), against=first).values.tolist()}

        def with_error(value: str, error: Any, kind: Any) -> str:
            return f"{value} ± {float(error):.3f}{'' if len(kinds) == 1 else ' ' + _MARKS[kind.item()]}"

        lines = [f"{'model':<{width}}  {'ln Z':>20}  {'ln B vs ' + first:>20}  {'p(model|data)':>15}  prior"]
        for name in self.names:
            row, against = table.sel(model=name), table.sel(model=name, against=first)
            log_z = with_error(f"{float(row.log_z):.3f}", row.log_z_error, row.error_kind)
            bayes = with_error(
                f"{float(against.log_bayes_factor):+.3f}",
                against.log_bayes_factor_error,
                against.log_bayes_factor_error_kind,
            )
            flag = "" if bool(row.converged) else "  NOT CONVERGED"
            lines.append(
                f"{name:<{width}}  {log_z:>20}  {'0 (reference)' if name == first else bayes:>20}  "
                f"{float(row.posterior_probability):>15.3g}  {row.prior.item()}{flag}"
            )
        if len(kinds) == 1:
            lines.append(f"errors: {_KINDS[kinds.pop()]}")
        else:
            lines.append("errors: " + ", ".join(f"{_MARKS[kind]} {_KINDS[kind]}" for kind in sorted(kinds)))
        lines.append("prior odds " + " : ".join(f"{self.prior_odds[name]:.3g}" for name in self.names))
        return "\n".join(lines)

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
            Its prior is not uniform, an edge beyond the opposite one, or a new run is needed and not allowed.
        """
        import xarray as xr

        _checks.one_of("edge", edge, ("low", "high"))
        _checks.finite("values", values)
        values = np.atleast_1d(np.asarray(values, dtype=float))
        coordinates = tuple(dict.fromkeys(name for _, prior in self.models.values() for name in prior.names))
        if coordinate not in coordinates:
            raise _checks.unknown("coordinate of the priors", coordinate, coordinates)
        shape = (len(self.names), len(values))
        log_z, error, new = np.empty(shape), np.empty(shape), np.zeros(shape, dtype=bool)
        all_found: list[list[Evidence]] = [[] for _ in values]
        for i, name in enumerate(self.names):
            like, prior = self.models[name]
            for j, value in enumerate(values):
                found = self.evidences[name]
                if coordinate in prior.names:
                    found, new[i, j] = self._moved(name, like, _with_edge(prior, coordinate, edge, value), new_runs)
                log_z[i, j], error[i, j] = found.log_z, found.log_z_error
                all_found[j].append(found)
        return xr.Dataset(
            {
                "log_z": (("model", "edge"), log_z),
                "log_z_error": (("model", "edge"), error),
                "new_run": (("model", "edge"), new),
                "log_bayes_factor": (("model", "against", "edge"), log_z[:, None] - log_z),
                "log_bayes_factor_error": (
                    ("model", "against", "edge"),
                    np.stack([_of_differences(column) for column in all_found], axis=-1),
                ),
            },
            coords={"model": list(self.names), "against": list(self.names), "edge": values},
            attrs={
                "coordinate": coordinate,
                "side": edge,
                **{f"prior of {name}": repr(prior) for name, (_, prior) in self.models.items()},
            },
        )

    def _moved(self, name: str, like: JointLikelihood, prior: Prior, new_runs: bool) -> tuple[Evidence, bool]:
        first = self.evidences[name]
        try:
            moved = first.with_prior(prior)
        except InvalidArgument as error:
            if not new_runs:
                raise InvalidArgument(f"model {name!r}: {error}; new_runs=True does it") from None
        else:
            if not new_runs or moved.log_z_error <= max(REUSED_ERROR, first.log_z_error):
                return moved, False
        settings = {key: getattr(first.settings, key) for key in first.settings.__dataclass_fields__}
        return evidence(like, prior, first.method, first.seed, **settings), True


def compare_models(
    models: Mapping[str, tuple[JointLikelihood, Prior]],
    prior_odds: Mapping[str, float] | None = None,
    method: str = "cubature",
    seed: int = 0,
    **settings: Any,
) -> Comparison:
    """Compare models by their evidences for the same data.

    Parameters
    ----------
    models
        Name to (likelihood, prior). The likelihoods must have the same experiments and data; their models differ, or
        only their priors do.
    prior_odds
        Name to relative prior probability, positive; equal by default.
    method, seed, settings
        As in `evidence`.

    Raises
    ------
    InvalidArgument
        Fewer than two models, data that differ, prior odds that are not positive; and what `evidence` raises.
    UnknownName
        Prior odds of a model that is not there.
    """
    if not isinstance(models, Mapping) or len(models) < 2:
        raise InvalidArgument("`models` must be a mapping of at least two names to (likelihood, prior)")
    for name, pair in models.items():
        if not (isinstance(pair, Sequence) and len(pair) == 2 and isinstance(pair[0], JointLikelihood)):
            raise _checks.invalid(f"models[{name!r}]", pair, "a pair (JointLikelihood, Prior)")
    _same_data({name: like for name, (like, _) in models.items()})
    odds = dict.fromkeys(models, 1.0) if prior_odds is None else dict(prior_odds)
    for name, value in odds.items():
        if name not in models:
            raise _checks.unknown("model in `prior_odds`", name, tuple(models))
        _checks.positive(f"prior_odds[{name!r}]", value)
    missing = [name for name in models if name not in odds]
    if missing:
        raise InvalidArgument(f"`prior_odds` must have an entry for every model; missing: {', '.join(missing)}")
    total = sum(odds.values())
    return Comparison(
        {name: evidence(like, prior, method, seed, **settings) for name, (like, prior) in models.items()},
        {name: float(odds[name] / total) for name in models},
        {name: (like, prior) for name, (like, prior) in models.items()},
    )


def _of_differences(found: Sequence[Evidence]) -> np.ndarray:
    """Errors of all differences of ln Z; none of a model against itself."""
    return np.array([[0.0 if a is b else combined([a, b])[0] for b in found] for a in found])


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


def _with_edge(prior: Prior, coordinate: str, edge: str, value: float) -> Prior:
    if not isinstance(prior.distributions[coordinate], dist.Uniform):
        kind = type(prior.distributions[coordinate]).__name__
        raise InvalidArgument(f"`coordinate` must have a uniform prior, so that it has edges; {coordinate} has {kind}")
    low, high = prior.box[coordinate]
    low, high = (float(value), high) if edge == "low" else (low, float(value))
    if not low < high:
        raise InvalidArgument(f"`values` must leave a box; [{low:g}, {high:g}] of {coordinate} has no width")
    return Prior(prior.model, {**prior.distributions, coordinate: dist.Uniform(low, high)})
