"""What a result owes to its prior: evidence, Bayes factor against no boson and credible limits, for several priors.

A prior whose support lies inside that of one already integrated costs nothing: the cells of that integral are taken
again (`Evidence.with_prior`). Any other is integrated anew, the widest first, so that there are as few as can be.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.coordinates import check_prior
from lmtbayes.inference.credible.given import Given, Held, coordinate_of, held_values, level
from lmtbayes.inference.credible.limits import limit_of
from lmtbayes.inference.credible.sources import CubatureSource
from lmtbayes.inference.evidence import reweighting
from lmtbayes.inference.evidence.evidence import evidence, resolve_method
from lmtbayes.inference.evidence.result import Evidence, EvidenceMethod, combined
from lmtbayes.inference.evidence.sensitivity import REUSED_ERROR
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior, no_boson

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class PriorSensitivity:
    """Evidences and credible limits of one likelihood under several priors; made by `prior_sensitivity`."""

    table: "xr.Dataset"
    """By `prior` (its name) and, of limits, by what is held: log_z, log_bayes_factor (against no boson) and limit, each
    with its `_error`; prior_limit; text, the prior itself; reweighted_from, whose cells were taken (its own name: a run
    of its own); converged, status. Attributes: parameter, cl, posterior, log_z_no_boson and its error."""
    evidences: dict[str, Evidence]
    """By prior; and of no boson, under "no boson"."""

    def __str__(self) -> str:
        """Readable table: one line a prior, then each prior in full."""
        found, attrs = self.table, self.table.attrs
        names = [str(name) for name in found["prior"].values]
        width = max(map(len, [*names, "prior"]))
        limit = f"{100 * attrs['cl']:g} % limit on {attrs['parameter']}"
        lines = [f"{'prior':<{width}}  {'ln Z':>20}  {'ln B vs no boson':>20}  {limit:>26}  {'prior alone':>11}  from"]
        for name in names:
            row = found.sel(prior=name)
            origin = str(row["reweighted_from"].item())
            columns = (
                f"{name:<{width}}",
                f"{row['log_z'].item():.3f} ± {row['log_z_error'].item():.3f}".rjust(20),
                f"{row['log_bayes_factor'].item():+.3f} ± {row['log_bayes_factor_error'].item():.3f}".rjust(20),
                _limits(row).rjust(26),
                f"{row['prior_limit'].item():.3g}".rjust(11),
                "a run of its own" if origin == name else f"cells of {origin!r}",
            )
            lines.append("  ".join(columns) + ("" if bool(row["converged"]) else "  NOT CONVERGED"))
        lines += [f"{name:<{width}}  {found['text'].sel(prior=name).item()}" for name in names]
        return "\n".join(lines)

    __repr__ = __str__


def _limits(row: "xr.Dataset") -> str:
    values, errors = np.ravel(row["limit"].values), np.ravel(row["limit_error"].values)
    if values.size == 1:
        return f"{values[0]:.4g} ± {errors[0]:.1g}"
    return f"{values.min():.3g} to {values.max():.3g}"


def prior_sensitivity(
    like: JointLikelihood,
    priors: Mapping[str, Prior],
    parameter: str = "g_x",
    cl: float = 0.90,
    *,
    at: Held | None = None,
    method: str | EvidenceMethod = "cubature",
    seed: int = 0,
) -> PriorSensitivity:
    """Evidence, Bayes factor against no boson and credible limit under each of several priors.

    Parameters
    ----------
    like
        The likelihood.
    priors
        Name to prior, of the likelihood's model: other boxes (`priors.default(model, g_x=...)`), other distributions
        (`Prior(model, {"g_x": dist.Uniform(...), ...})`), your own.
    parameter, cl, at
        Of the limits, as in `credible_limit`; `at` only with cubature.
    method, seed
        As in `evidence`.

    Returns
    -------
    sensitivity
        Printed, a table; `table` is an xarray Dataset. Where the support of a prior lies inside that of another one
        with the same coordinates, the cells of the other one's cubature are re-weighted, as long as the error of ln Z
        stays below 0.05 (or that of the run): `reweighted_from` says whose. Others, and all with another method than
        cubature, are integrated themselves.

    Raises
    ------
    InvalidArgument
        No prior, a prior of another model or of no boson, one that has not the parameter, or lies where `at` does not;
        and what `evidence` and `credible_limit` raise.

    References
    ----------
    ln Z moves with the edges of a prior, ln L does not: R. Trotta, arXiv:0803.4089, Sec. 4.
    """
    if not isinstance(priors, Mapping) or not priors:
        raise _checks.invalid("priors", priors, "a mapping of at least one name to its Prior")
    cl = level("cl", cl)
    chosen = resolve_method(method)
    for name, prior in priors.items():
        if not isinstance(name, str) or not isinstance(prior, Prior):
            raise _checks.invalid(f"priors[{name!r}]", prior, "a Prior")
        check_prior(like, prior)
        coordinate_of(prior, "parameter", parameter)
        held_values(prior, parameter, at)
    found = _all_evidences(like, priors, chosen, seed)
    nothing = evidence(like, no_boson(like.model), chosen, seed=seed)
    rows = []
    for name, prior in priors.items():
        own, origin = found[name]
        source = None if own is origin or origin.cubature is None else CubatureSource(origin, prior)
        limit = limit_of(Given(own, parameter, at, source), cl)
        first = next(n for n in priors if found[n][0] is origin)
        rows.append(_row(own, prior, first, nothing, limit))
    return PriorSensitivity(
        _table(list(priors), rows, cl, nothing), {**{n: own for n, (own, _) in found.items()}, "no boson": nothing}
    )


def _all_evidences(
    like: JointLikelihood, priors: Mapping[str, Prior], method: EvidenceMethod, seed: int
) -> dict[str, tuple[Evidence, Evidence]]:
    """Evidence of each prior, and that whose cells gave it."""
    held = {name: sum(_holds(prior, other) for other in priors.values()) for name, prior in priors.items()}
    runs: list[Evidence] = []
    found = {}
    for name in sorted(priors, key=lambda name: -held[name]):
        own = None
        for run in runs:
            if run.cubature is None or not _holds(run.prior, priors[name]):
                continue
            moved = run.with_prior(priors[name])
            if moved.log_z_error <= max(REUSED_ERROR, run.log_z_error):
                own = moved, run
                break
        if own is None:
            run = evidence(like, priors[name], method, seed=seed)
            runs.append(run)
            own = run, run
        found[name] = own
    return found


def _holds(wide: Prior, narrow: Prior) -> bool:
    """Whether cells that were integrated under one prior serve another."""
    try:
        reweighting.check_inside(wide, narrow)
    except InvalidArgument:
        return False
    return True


def _row(own: Evidence, prior: Prior, origin: str, nothing: Evidence, limit: "xr.Dataset") -> dict[str, Any]:
    error, kind = combined([own, nothing])
    return {
        "log_z": own.log_z,
        "log_z_error": own.log_z_error,
        "log_bayes_factor": own.log_z - nothing.log_z,
        "log_bayes_factor_error": error,
        "error_kind": kind,
        "limit": limit["limit"],
        "limit_error": limit["limit_error"],
        "prior_limit": limit["prior_limit"].item(),
        "text": repr(prior),
        "reweighted_from": origin,
        "converged": own.converged,
        "status": own.status,
        "attrs": limit.attrs,
    }


def _table(names: list[str], rows: list[dict[str, Any]], cl: float, nothing: Evidence) -> "xr.Dataset":
    import xarray as xr

    limits = {key: xr.concat([row.pop(key) for row in rows], "prior") for key in ("limit", "limit_error")}
    attrs = [row.pop("attrs") for row in rows]
    plain = {key: ("prior", [row[key] for row in rows]) for key in rows[0]}
    kept = {key: attrs[0][key] for key in ("parameter", "posterior")}
    return xr.Dataset(
        {**plain, **limits},
        {"prior": names},
        {"cl": cl, **kept, "log_z_no_boson": nothing.log_z, "log_z_no_boson_error": nothing.log_z_error},
    )
