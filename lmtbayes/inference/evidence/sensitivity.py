"""What a comparison of models owes to an edge of their priors: ln Z and ln B against its position."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpyro.distributions as dist
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.evidence.table import errors_of_differences
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

type Models = Mapping[str, tuple[JointLikelihood, Prior]]

REUSED_ERROR = 0.05
"""Error of ln Z up to which re-used cells are good enough not to integrate again."""


def moved_edge(
    evidences: Mapping[str, Evidence],
    models: Models,
    coordinate: str,
    edge: str,
    values: Sequence[float] | ArrayLike,
    new_runs: bool,
) -> "xr.Dataset":
    """See `Comparison.prior_sensitivity`, whose evidences and models these are."""
    import xarray as xr

    _checks.one_of("edge", edge, ("low", "high"))
    _checks.finite("values", values)
    values = np.atleast_1d(np.asarray(values, dtype=float))
    coordinates = tuple(dict.fromkeys(name for found in evidences.values() for name in found.prior.names))
    if coordinate not in coordinates:
        raise _checks.unknown("coordinate of the priors", coordinate, coordinates)
    names = tuple(evidences)
    shape = (len(names), len(values))
    log_z, error, new = np.empty(shape), np.empty(shape), np.zeros(shape, dtype=bool)
    all_found: list[list[Evidence]] = [[] for _ in values]
    for i, (name, own) in enumerate(evidences.items()):
        for j, value in enumerate(values):
            found = own
            if coordinate in own.prior.names:
                prior = _with_edge(own.prior, coordinate, edge, value)
                found, new[i, j] = _moved(own, name, models, prior, new_runs)
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
                np.stack([errors_of_differences(column) for column in all_found], axis=-1),
            ),
        },
        coords={"model": list(names), "against": list(names), "edge": values},
        attrs={
            "coordinate": coordinate,
            "side": edge,
            **{f"prior of {name}": repr(found.prior) for name, found in evidences.items()},
        },
    )


def _moved(first: Evidence, name: str, models: Models, prior: Prior, new_runs: bool) -> tuple[Evidence, bool]:
    """Evidence of another prior, and whether it took a new run."""
    try:
        moved = first.with_prior(prior)
    except InvalidArgument as error:
        if not new_runs:
            raise InvalidArgument(f"model {name!r}: {error}; new_runs=True does it") from None
    else:
        if not new_runs or moved.log_z_error <= max(REUSED_ERROR, first.log_z_error):
            return moved, False
    if name not in models or first.settings is None:
        raise InvalidArgument(
            f"`new_runs` must be False where there is nothing to run: the likelihood of model {name!r}, or its "
            "method, is not part of this comparison (one that was read from a file?)"
        )
    return evidence(models[name][0], prior, first.settings, seed=first.seed), True


def _with_edge(prior: Prior, coordinate: str, edge: str, value: float) -> Prior:
    if not isinstance(prior.distributions[coordinate], dist.Uniform):
        kind = type(prior.distributions[coordinate]).__name__
        raise InvalidArgument(f"`coordinate` must have a uniform prior, so that it has edges; {coordinate} has {kind}")
    low, high = prior.box[coordinate]
    low, high = (float(value), high) if edge == "low" else (low, float(value))
    if not low < high:
        raise InvalidArgument(f"`values` must leave a box; [{low:g}, {high:g}] of {coordinate} has no width")
    return Prior(prior.model, {**prior.distributions, coordinate: dist.Uniform(low, high)})
