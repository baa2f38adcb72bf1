"""Tasks of a study that calibrate statistics: intervals, evidence and verdicts, chunk by chunk."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.jobs.study import Part, Study
from lmtbayes.validation.evidences import evidence_study, pull_summary
from lmtbayes.validation.intervals import TRUTHS, coverage_of, intervals_study
from lmtbayes.validation.verdicts import table, verdict_study

if TYPE_CHECKING:
    import xarray as xr

TASKS = ("intervals", "evidence", "verdicts")


def intervals(
    study: Study, part: Part, like: JointLikelihood, bounds: Mapping[str, tuple[float, float]]
) -> "xr.Dataset":
    """Toys of one truth; every truth has toys of its own, numbered on."""
    fit, name = study.fit, TRUTHS[part.group]
    first = part.group * study.size + part.first
    found = intervals_study(like, fit.prior, name, part.number, bounds=bounds, seed=fit.seed, first=first)
    return found.assign_coords(toy=found["toy"] - part.group * study.size)


def evidences(study: Study, part: Part, like: JointLikelihood) -> "xr.Dataset":
    """Ln Z of every method for the seeds of a chunk."""
    return evidence_study(like, study.fit.prior, part.number, seed=study.fit.seed, first=part.first)


def verdicts(study: Study, part: Part, like: JointLikelihood) -> "xr.Dataset":
    """Verdicts on the posteriors of the toys of a chunk."""
    fit = study.fit
    return verdict_study(like, fit.prior, part.number, method=fit.sampling, seed=fit.seed, first=part.first)


def merge(study: Study, parts: "Sequence[xr.Dataset]") -> "xr.Dataset":
    """Join the chunks of one of these tasks."""
    import xarray as xr

    if study.task != "intervals":
        return xr.concat(parts, "repeat" if study.task == "evidence" else "toy", combine_attrs="override")
    each = len(parts) // len(TRUTHS)
    truths = [xr.concat(parts[k * each : (k + 1) * each], "toy") for k in range(len(TRUTHS))]
    return xr.concat(truths, xr.Variable("truth", list(TRUTHS)), combine_attrs="override").assign_attrs(parts[0].attrs)


def summary(study: Study, result: "xr.Dataset") -> list[str]:
    """Say the result in a few lines."""
    if study.task == "verdicts":
        return [f"  {name}: {number}" for name, number in table(result).items()]
    lines = []
    if study.task == "evidence":
        for method in result["method"].values:
            numbers = pull_summary(result, str(method))
            text = ", ".join(f"{name} {found:.3g} +- {error:.2g}" for name, (_, found, error) in numbers.items())
            lines.append(f"  {method}: {text}")
        return lines
    for name in result["truth"].values:
        for region, (_, found, error) in covered(result, str(name)).items():
            lines.append(f"  {name}: {region} holds the truth in {found:.4f} +- {error:.4f}")
    return lines


def covered(result: "xr.Dataset", truth: str) -> dict[str, tuple[float, float, float]]:
    """Coverage at one truth: name of the region to (nominal, found, binomial error)."""
    one = result.sel(truth=truth)
    coordinates = tuple(str(name) for name in one["coordinate"].values)
    return coverage_of(one["q"].values, one["credibility"].values, one["below"].values, coordinates)
