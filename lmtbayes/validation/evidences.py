"""Errors of evidences against what repeated seeds do, and against the tightest cubature: pulls, method by method."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.evidence.result import Evidence, EvidenceMethod
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior
from lmtbayes.methods import Cubature, Importance, Nested, Nss, Smc

if TYPE_CHECKING:
    import xarray as xr

METHODS: Mapping[str, EvidenceMethod] = {
    "cubature": Cubature(),
    "importance": Importance(),
    "smc": Smc(),
    "nested": Nested(),
    "nss": Nss(),
}
"""With their default settings, which are what a user gets."""
SEEDS = {"smc": 10, "nested": 2, "nss": 2}
"""Of methods that are run for the first few seeds alone, since each takes up to minutes."""
REFERENCE = Cubature(rtol=1e-4)
"""What the pulls are taken against; its own error is stated beside it."""


def evidence_study(
    like: JointLikelihood, prior: Prior, size: int, *, seed: int = 0, first: int = 0, methods: tuple[str, ...] = ()
) -> "xr.Dataset":
    """Return ln Z and its stated error of every method for `size` seeds.

    Parameters
    ----------
    like, prior
        Of one model, with the data that are integrated.
    size, first
        Seeds, and the first of them relative to `seed`.
    seed
        Added to their numbers.
    methods
        Of `METHODS`; all by default.

    Returns
    -------
    study
        `log_z`, `sigma`, `bound`, `converged`, `seconds` (method, repeat), NaN beyond a method's `SEEDS`; attributes
        `reference`,
        `reference_error`: the cubature to 1e-4, whose error is its bound plus two of its sigma.
    """
    import xarray as xr

    names = methods or tuple(METHODS)
    columns = {
        name: np.zeros((len(names), size), bool) if name == "converged" else np.full((len(names), size), np.nan)
        for name in ("log_z", "sigma", "bound", "converged", "seconds")
    }
    with warnings.catch_warnings():
        # That an integral did not converge is a number of this study.
        warnings.simplefilter("ignore")
        best = _reference(like, prior, seed)
        for row, name in enumerate(names):
            for k in range(min(size, SEEDS.get(name, first + size) - first)):
                one = evidence(like, prior, METHODS[name], seed=seed + first + k)
                for column, values in columns.items():
                    values[row, k] = getattr(one, column)
    return xr.Dataset(
        {name: (("method", "repeat"), values) for name, values in columns.items()},
        coords={"method": list(names), "repeat": np.arange(first, first + size)},
        attrs={"reference": best.log_z, "reference_error": best.bound + 2.0 * best.sigma},
    )


def _reference(like: JointLikelihood, prior: Prior, seed: int) -> Evidence:
    """Of all chunks of a study the same: the last one is kept."""
    key = prior, fingerprint(like.data), seed
    kept = like.joint.last(_reference, key)
    return like.joint.keep(_reference, key, evidence(like, prior, REFERENCE, seed=seed)) if kept is None else kept


def pulls(study: "xr.Dataset", method: str) -> np.ndarray:
    """(ln Z - reference) over the error that was stated for one standard deviation.

    A cubature states a bound and two standard deviations of its correction: half of their sum stands for one.
    """
    one = study.sel({"method": method}).dropna("repeat", subset=["log_z"])
    error = np.where(one["bound"] > 0.0, 0.5 * one["bound"] + one["sigma"], one["sigma"])
    return np.asarray((one["log_z"] - study.attrs["reference"]) / error)


def pull_summary(study: "xr.Dataset", method: str) -> dict[str, tuple[float, float, float]]:
    """Return name of the number to (what a right error gives, found, its Monte Carlo error)."""
    found = pulls(study, method)
    size = len(found)
    one = study.sel({"method": method})
    spread = float(np.nanstd(np.asarray(one["log_z"]), ddof=1)) if size > 1 else np.nan
    stated = float(np.sqrt(np.nanmean(np.asarray(one["sigma"]) ** 2)))
    return numbers_of(found) | {
        "spread of seeds over stated sigma": (
            1.0,
            spread / stated if stated > 0.0 else np.nan,
            1.0 / np.sqrt(2.0 * max(size - 1, 1)),
        ),
    }


def numbers_of(found: Float[np.ndarray, " pulls"]) -> dict[str, tuple[float, float, float]]:
    """Return name of the number to (what standard normal pulls give, found, its Monte Carlo error)."""
    size = len(found)
    return {
        "mean pull": (0.0, float(np.mean(found)), 1.0 / np.sqrt(size)),
        "rms pull": (1.0, float(np.sqrt(np.mean(found**2))), 1.0 / np.sqrt(2.0 * size)),
        "|pull| < 2": (0.9545, float(np.mean(np.abs(found) < 2.0)), float(np.sqrt(0.0455 * 0.9545 / size))),
    }
