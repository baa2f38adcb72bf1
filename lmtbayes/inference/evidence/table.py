"""Evidences of several models as an xarray Dataset, and that as text."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes.inference.evidence.result import Evidence, combined

if TYPE_CHECKING:
    import xarray as xr

_KINDS = {"bound": "bounds (two standard deviations of what was drawn included)", "one sigma": "one standard deviation"}
_MARKS = {"bound": "(b)", "one sigma": "(s)"}


def table_of(evidences: Mapping[str, Evidence], prior_probabilities: Mapping[str, float]) -> "xr.Dataset":
    """Everything by model; see `Comparison.table` for the variables."""
    # A bare import of the package must start fast.
    import xarray as xr

    names = tuple(evidences)
    found = [evidences[name] for name in names]
    log_z = np.array([e.log_z for e in found])
    error = np.array([e.log_z_error for e in found])
    before = np.array([prior_probabilities[name] for name in names])
    with np.errstate(divide="ignore"):
        weights = np.log(before) + log_z
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
            "prior_probability": ("model", before),
            "posterior_probability": ("model", posterior),
            "posterior_probability_error": ("model", probability_error),
            "log_bayes_factor": (("model", "against"), log_z[:, None] - log_z),
            "log_bayes_factor_error": (("model", "against"), errors_of_differences(found)),
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
        coords={"model": list(names), "against": list(names)},
    )


def text_of(table: "xr.Dataset", names: Sequence[str]) -> str:
    """Readable table: one line a model, with its prior in the same line; ln B is against the first model."""
    width = max(len(name) for name in names)
    first = names[0]
    kinds = {*table.error_kind.values.tolist()}
    kinds |= {*table.log_bayes_factor_error_kind.sel(model=list(names[1:]), against=first).values.tolist()}

    def with_error(value: str, error: Any, kind: Any) -> str:
        return f"{value} ± {float(error):.3f}{'' if len(kinds) == 1 else ' ' + _MARKS[kind.item()]}"

    lines = [f"{'model':<{width}}  {'ln Z':>20}  {'ln B vs ' + first:>20}  {'p(model|data)':>15}  prior"]
    for name in names:
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
    shares = " : ".join(f"{float(table.prior_probability.sel(model=name)):.3g}" for name in names)
    lines.append(f"prior probabilities {shares}")
    return "\n".join(lines)


def errors_of_differences(found: Sequence[Evidence]) -> np.ndarray:
    """Errors of all differences of ln Z; none of a model against itself."""
    return np.array([[0.0 if a is b else combined([a, b])[0] for b in found] for a in found])
