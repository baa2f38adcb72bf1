"""The tasks of a study: what one chunk of each computes, and how the chunks become one data set.

Toy i draws from `fold_in(key(seed), i)`, simulation i of SBC too; of a calibration, after its truth has been folded
into the key. A row of a grid draws nothing.
"""

import dataclasses
import functools
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.models import MODELS, HiddenPhoton
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.construction import Construction
from lmtbayes.inference.frequentist.feldman_cousins import apart
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.frequentist.toys import Toys, toy_test_statistics
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.nuisances.at_points import log_likelihood_at
from lmtbayes.inference.posterior.sbc import calibration, sbc
from lmtbayes.jobs import calibrations
from lmtbayes.jobs.settings import FitSettings, parse_mixing, parse_truth
from lmtbayes.jobs.study import Part, Study, stamp
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray as xr

_SBC = ("rank", "truth", "effective")
_LOCK = threading.Lock()
"""One chunk at a time in a process, whatever the number of its threads: numpyro's handlers are not thread-safe."""


def compute(study: Study, index: int) -> "xr.Dataset":
    """Compute one chunk, in this process.

    Returns
    -------
    chunk
        What `merge` joins; its attributes say of which study it is, its number and the versions that made it.
    """
    with _LOCK:
        found = _TASKS[study.task](study, study.part(index))
    return found.assign_attrs(found.attrs | {"study": study.identity(), "chunk": index} | stamp())


def compute_elsewhere(given: Mapping[str, Any], index: int, expected: Mapping[str, str]) -> "xr.Dataset":
    """`compute` on a worker, from plain data.

    Raises
    ------
    InvalidArgument
        The worker has other versions than the client.
    """
    if stamp() != dict(expected):
        raise InvalidArgument(f"`scheduler` must have workers with the client's versions {expected}; got {stamp()}")
    return compute(Study.from_dict(given), index)


def merge(study: Study, parts: "Sequence[xr.Dataset]") -> "xr.Dataset":
    """Join all chunks, in their order, into the study's result."""
    if study.task == "sbc":
        rank, truth, effective = (np.concatenate([part[x].values for part in parts]) for x in _SBC)
        return calibration(rank, truth, effective, 0, parts[0].attrs, parts[0]["quantity"].values.tolist())
    if study.task in ("toys", "coverage"):
        return _merge_toys(study, parts)
    if study.task == "feldman-cousins":
        return _merge_truths(study, parts)
    if study.task in calibrations.TASKS:
        return calibrations.merge(study, parts)
    import xarray as xr

    joined = xr.concat(
        parts, "mass", data_vars="minimal", coords="minimal", compat="override", join="exact", combine_attrs="override"
    )
    if study.task == "profile":
        best = max(parts, key=lambda part: part.attrs["best_log_likelihood"])
        q = np.maximum(2.0 * (best.attrs["best_log_likelihood"] - joined["log_likelihood"].values), 0.0)
        joined = joined.assign(q=(joined["q"].dims, q, joined["q"].attrs)).assign_attrs(best.attrs)
    return joined


@functools.lru_cache(maxsize=4)
def _likelihood(fit: FitSettings) -> JointLikelihood:
    """Built, and what it compiles compiled, once in a process."""
    return fit.likelihood()


def _of_toys(fit: FitSettings) -> JointLikelihood:
    """The same for tasks that draw their data, whatever those of the settings are."""
    return _likelihood(dataclasses.replace(fit, published="asimov"))


# -- tasks ------------------------------------------------------------------------------------------------------------


def rows_of(study: Study, part: Part) -> np.ndarray:
    """Masses of a part of a grid [MeV]."""
    return study.axis("mass")[part.first : part.first + part.number]


def _bounds(study: Study) -> dict[str, tuple[float, float]]:
    names = ("g_x", "mass", "kappa") if study.fit.gauge_model.mixing == "free" else ("g_x", "mass")
    return {name: getattr(study.fit, name) for name in names}


def _toys(study: Study, part: Part) -> "xr.Dataset":
    import xarray as xr

    fit, photon = study.fit, _truths(study)[part.group]
    toys = toy_test_statistics(
        _of_toys(fit),
        photon,
        part.number,
        seed=fit.seed,
        bounds=_bounds(study),
        nuisances=str(study.nuisances),
        first=part.group * study.size + part.first,
    )
    columns = {"q": toys.q, "deviance": toys.deviance, "converged": toys.converged}
    numbers = np.arange(part.first, part.first + part.number)
    return xr.Dataset({name: ("toy", values) for name, values in columns.items()}, {"toy": numbers})


def _truths(study: Study) -> list[HiddenPhoton]:
    fit = study.fit
    model = MODELS[fit.truth_model].with_mixing(parse_mixing(fit.truth_mixing))
    if study.task == "toys":
        return [parse_truth(fit.truth, model)]
    return [model.hidden_photon(g_x, mass) for mass in study.axis("mass") for g_x in study.axis("g_x")]


def _merge_toys(study: Study, parts: "Sequence[xr.Dataset]") -> "xr.Dataset":
    import xarray as xr

    labels = {"q": "-2 ln lambda at the truth", "deviance": "deviance at the best fit", "converged": "fit converged"}
    shape: tuple[int, ...] = (study.size,)
    dims, coords = ["toy"], {"toy": ("toy", np.arange(study.size), {"long_name": "number of the toy"})}
    if study.task == "coverage":
        shape = (study.fit.grid, study.fit.grid, study.size)
        dims = ["mass", "g_x", "toy"]
        coords["mass"] = ("mass", study.axis("mass"), {"units": "MeV", "long_name": "true mass of the A'"})
        coords["g_x"] = ("g_x", study.axis("g_x"), {"units": "1", "long_name": "true gauge coupling"})
    data = {name: np.concatenate([part[name].values for part in parts]).reshape(shape) for name in labels}
    freedom = len(_bounds(study))
    points = [Toys(q, q, q) for q in data["q"].reshape(-1, study.size)]
    covered = np.array([[toys.coverage(level, freedom) for level in LEVELS] for toys in points])
    covered = covered.reshape(*shape[:-1], len(LEVELS), 2)
    variables: dict[str, Any] = {name: (dims, data[name], {"long_name": text}) for name, text in labels.items()}
    at = [*dims[:-1], "level"]
    variables["coverage"] = (at, covered[..., 0], {"long_name": "part of the regions that hold the truth"})
    variables["coverage_error"] = (at, covered[..., 1], {"long_name": "its binomial error"})
    coords["level"] = ("level", np.array(LEVELS), {"long_name": f"nominal, chi^2 of {freedom} degrees of freedom"})
    return xr.Dataset(variables, coords, {"degrees_of_freedom": freedom})


def _construction(study: Study) -> Construction:
    grid = {name: study.axis(name) for name in ("mass", "g_x")}
    fit, relative_to = study.fit, str(study.relative_to)
    return Construction.of(
        _likelihood(fit),
        grid,
        str(study.nuisances),
        relative_to,
        "g_x" if relative_to == "slice" else None,
        _bounds(study),
        fit.seed,
        None,
        resolve_devices(None),
    )


def _truth(study: Study, part: Part) -> "xr.Dataset":
    import xarray as xr

    construction = _construction(study)
    point = construction.first[part.group]
    start = construction.at_truths(point[None])
    photon = HiddenPhoton(*(float(x[0]) for x in (start.photon.g_x, start.photon.mass, start.photon.eps_x)))
    numbers = np.arange(part.first, part.first + part.number)
    q, above, converged = construction.toys(point, photon, start.pulls[0], numbers)
    columns = {"q": q, "above": above, "converged": converged}
    return xr.Dataset({name: ("toy", values) for name, values in columns.items()}, {"toy": numbers})


def _merge_truths(study: Study, parts: "Sequence[xr.Dataset]") -> "xr.Dataset":
    construction = _construction(study)
    found = (np.concatenate([part[name].values for part in parts]) for name in ("q", "above", "converged"))
    rows = list(zip(*(column.reshape(study.groups, study.size) for column in found), strict=True))
    calibration = construction.calibration(construction.first, rows, LEVELS)
    return dataclasses.replace(calibration, resolved=not len(apart(calibration))).to_xarray()


def _sbc(study: Study, part: Part) -> "xr.Dataset":
    return sbc(
        _of_toys(study.fit), study.fit.prior, part.number, seed=study.fit.seed, method=study.method, first=part.first
    )


def _profile(study: Study, part: Part) -> "xr.Dataset":
    grid = {"mass": rows_of(study, part), "g_x": study.axis("g_x")}
    return profile_likelihood(_likelihood(study.fit), grid, bounds=_bounds(study), progress=False)


def _points(study: Study, part: Part) -> "xr.Dataset":
    import xarray as xr

    model = study.fit.gauge_model
    coords = {"mass": rows_of(study, part), "g_x": study.axis("g_x")}
    mass, g_x = coords["mass"][:, None], coords["g_x"]
    if model.mixing == "free":
        coords["kappa"] = study.axis("kappa")
        photon = HiddenPhoton(g_x[:, None], mass[..., None], model.mixing_sign * coords["kappa"] * g_x[:, None])
    else:
        photon = model.hidden_photon(g_x, mass)
    values = log_likelihood_at(_likelihood(study.fit), photon, nuisances=str(study.nuisances))
    found = xr.Dataset({"log_likelihood": (tuple(coords), values)}, coords, {"nuisances": str(study.nuisances)})
    found["mass"].attrs["units"] = "MeV"
    return found


def _intervals(study: Study, part: Part) -> "xr.Dataset":
    return calibrations.intervals(study, part, _of_toys(study.fit), _bounds(study))


def _evidence(study: Study, part: Part) -> "xr.Dataset":
    return calibrations.evidences(study, part, _likelihood(study.fit))


def _verdicts(study: Study, part: Part) -> "xr.Dataset":
    return calibrations.verdicts(study, part, _of_toys(study.fit))


_TASKS = {
    "toys": _toys,
    "coverage": _toys,
    "feldman-cousins": _truth,
    "sbc": _sbc,
    "profile": _profile,
    "likelihood": _points,
    "intervals": _intervals,
    "evidence": _evidence,
    "verdicts": _verdicts,
}


def summary(study: Study, result: "xr.Dataset") -> str:
    """Say the result of a study in a few lines."""
    lines = [f"{study.task}: {study.chunks} chunks, seed {study.fit.seed}"]
    if study.task == "feldman-cousins":
        lines.append(str(Calibration.from_xarray(result)))
    elif study.task in calibrations.TASKS:
        lines += calibrations.summary(study, result)
    elif "coverage" in result:
        for level in result["level"].values:
            covered = result["coverage"].sel(level=level).values
            error = result["coverage_error"].sel(level=level).values
            text = f"{float(covered):.4f} +- {float(error):.4f}" if covered.ndim == 0 else ""
            text = text or f"{covered.min():.4f} to {covered.max():.4f} over the grid, +- {error.max():.4f}"
            lines.append(f"  regions of nominal {level:.2%} hold the truth in {text}")
        lines.append(f"  fits that converged: {float(result['converged'].mean()):.2%}")
    elif "p_value" in result:
        lines += [f"  {q}: p-value of uniform ranks {float(p):.3g}" for q, p in result["p_value"].to_series().items()]
    else:
        lines.append(f"  highest ln L on the grid: {float(result['log_likelihood'].max()):.6g}")
    return "\n".join(lines)
