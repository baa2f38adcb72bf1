"""A calibration: q of toys at many truths, and from it the critical values of any level, with their errors, in between.

Made by `feldman_cousins`; used by `contours`, `intervals` and `upper_limit` in the place of chi^2 quantiles.
"""

import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from lmtbayes import _checks
from lmtbayes._files import read_netcdf, write_netcdf
from lmtbayes.errors import InvalidArgument, ResolutionWarning
from lmtbayes.inference.frequentist import order_statistics
from lmtbayes.inference.frequentist.about_fits import check_same_fits
from lmtbayes.inference.frequentist.axes import axis_of, threshold
from lmtbayes.inference.frequentist.order_statistics import Critical
from lmtbayes.inference.frequentist.truth_mesh import Mesh
from lmtbayes.parameters import LEVELS

if TYPE_CHECKING:
    import xarray

CONSTRUCTIONS = {
    "profiled": "profile construction: nuisances at their conditional maximum, constraints measured anew in each toy",
    "drawn": "nuisances drawn from their constraints (Cousins and Highland)",
}
RELATIVE_TO = ("slice", "global")
_ARRAYS = ("q", "above", "converged")
_FORMAT = 1
_LOWEST = 1e-3
"""Of a critical value: where its interval ends at the latest, since q is divided by it."""
_SETTINGS = ("levels", "nuisances", "relative_to", "parameter", "seed", "resolved", "about")


@dataclass(frozen=True, eq=False, kw_only=True)
class Calibration:
    """Toys at many truths; made by `feldman_cousins`, or by `lmtbayes study feldman-cousins`."""

    names: tuple[str, ...]
    """Parameters that the truths give, in the order of the grid."""
    truths: Float[np.ndarray, "truths parameters"]
    """Their values."""
    q: Float[np.ndarray, "truths toys"]
    """Of every toy, at its truth."""
    above: Bool[np.ndarray, "truths toys"]
    """Whether the toy's best value of `parameter` lies above the truth; False where q is relative to the global best
    fit."""
    converged: Bool[np.ndarray, "truths toys"]
    nuisances: str
    """"profiled" or "drawn"."""
    relative_to: str
    """"global" or "slice"."""
    parameter: str | None = None
    """Of the slices."""
    levels: tuple[float, ...] = LEVELS
    """For which truths were added; critical values of any others are to be had too."""
    seed: int = 0
    resolved: bool = False
    """Whether the critical values of neighbouring truths differ by no more than they were allowed to."""
    about: Mapping[str, str] = field(default_factory=dict)
    """Experiments, model, mixing and ranges of the fits, as a profile's attributes have them; versions."""

    def __post_init__(self) -> None:
        _checks.one_of("nuisances", self.nuisances, CONSTRUCTIONS)
        _checks.one_of("relative_to", self.relative_to, RELATIVE_TO)
        if self.truths.shape != (len(self.q), len(self.names)):
            expected = (len(self.q), len(self.names))
            raise InvalidArgument(f"`truths` must have the shape {expected}; got {self.truths.shape}")
        for name in _ARRAYS[1:]:
            if getattr(self, name).shape != self.q.shape:
                raise InvalidArgument(f"`{name}` must have the shape of q, {self.q.shape}")

    def __str__(self) -> str:
        """Say what it is, and what the critical values are."""
        failed, number = int(self.not_converged.sum()), self.converged.size
        lines = [
            f"{self.summary} in ({', '.join(self.names)}), {self.words}",
            f"  {CONSTRUCTIONS[self.nuisances]}",
            f"  {failed} of {number} fits ended where ln L is flat (no coupling, no mass), or did not converge",
        ]
        for level in self.levels:
            c = self.critical(level)
            ends = f"{c.value.min():.3g} to {c.value.max():.3g}, +- {c.error.max():.2g} at most"
            lines.append(f"  {100 * level:.4g} %: q = {ends} (chi^2: {threshold(level, self.dof):.3g})")
        if not self.resolved:
            lines.append("  not resolved: critical values of some neighbouring truths differ by more than was asked")
        return "\n".join(lines)

    @property
    def summary(self) -> str:
        """In one line."""
        unresolved = "" if self.resolved else ", not resolved"
        return (
            f"Feldman-Cousins, nuisances {self.nuisances} ({len(self.q)} truths, {self.toys} toys at each{unresolved})"
        )

    @property
    def toys(self) -> int:
        """Toys at each truth."""
        return self.q.shape[-1]

    @property
    def not_converged(self) -> np.ndarray:
        """Fits at each truth that did not converge, (truths,); their q is used as it is."""
        return np.sum(~self.converged, axis=-1)

    @property
    def dof(self) -> int:
        """Degrees of freedom of the chi^2 that many events would give: of the slices one."""
        return 1 if self.relative_to == "slice" else len(self.names)

    @property
    def words(self) -> str:
        """What q is relative to."""
        return "relative to the global best fit" if self.relative_to == "global" else f"slices of {self.parameter}"

    def critical(self, level: float, tails: str = "two") -> Critical:
        """Critical values at the truths.

        Parameters
        ----------
        level
            Confidence level.
        tails
            "two": of q, the ordering of Feldman and Cousins. "one": of q where the best value lies below the truth,
            else of 0 (q_mu of Cowan et al.); only of slices.

        Raises
        ------
        InvalidArgument
            A level that so few toys cannot tell; one tail relative to the global best fit.
        """
        if not isinstance(level, int | float) or not 0.0 < level < 1.0:
            raise _checks.invalid("level", level, "between 0 and 1, such as 0.90")
        _checks.one_of("tails", tails, ("two", "one"))
        if tails == "one" and self.relative_to != "slice":
            raise _checks.invalid("tails", tails, "'two' for a calibration relative to the global best fit")
        return order_statistics.critical(self.q if tails == "two" else np.where(self.above, 0.0, self.q), level)

    def at(self, level: float, values: Mapping[str, Any], tails: str = "two") -> Critical:
        """Critical values between the truths, linear in the logarithms of the parameters.

        Their interval is that of the toys and, where the calibration is not resolved, of what is not known between
        truths: the standard deviation of a step from one truth's value to the next at any place in between.

        Parameters
        ----------
        level, tails
            As of `critical`.
        values
            Every one of `names` to its values, scalars or arrays that broadcast.

        Raises
        ------
        InvalidArgument
            A parameter that is missing or not among `names`; values beyond the truths.
        """
        if set(values) != set(self.names):
            raise _checks.invalid("values", tuple(values), f"values of {' and '.join(self.names)}")
        columns = np.broadcast_arrays(*(axis_of(n, np.asarray(values[n], dtype=float)) for n in self.names))
        points = np.stack([column.ravel() for column in columns], axis=-1)
        if not self.mesh.holds(points):
            ends = zip(self.names, self.truths.min(axis=0), self.truths.max(axis=0), strict=True)
            reach = " and ".join(f"{name} from {low:.4g} to {high:.4g}" for name, low, high in ends)
            raise InvalidArgument(f"`calibration` must reach as far as the profile; its truths have {reach}")
        value, low, high = self.critical(level, tails)
        found = self.mesh.at(points, np.column_stack([value, low, high, value**2])).T
        step = 0.0 if self.resolved else np.maximum(found[3] - found[0] ** 2, 0.0)
        low, high = (found[0] + sign * np.sqrt((found[i] - found[0]) ** 2 + step) for i, sign in ((1, -1.0), (2, 1.0)))
        return Critical(*(x.reshape(columns[0].shape) for x in (found[0], np.maximum(low, _LOWEST * found[0]), high)))

    @cached_property
    def mesh(self) -> Mesh:
        """The truths and their neighbours."""
        return Mesh(coordinates(self.names, self.truths))

    # -- as data ------------------------------------------------------------------------------------------------------

    def to_xarray(self) -> "xarray.Dataset":
        """All of it as a Dataset over (truth, toy), with the critical values of `levels` and their errors."""
        import xarray

        found = [self.critical(level) for level in self.levels]
        variables: dict[str, Any] = {
            **{name: ("truth", column) for name, column in zip(self.names, self.truths.T, strict=True)},
            **{name: (("truth", "toy"), getattr(self, name)) for name in _ARRAYS},
            "critical": (("truth", "level"), np.stack([c.value for c in found], axis=-1)),
            "critical_low": (("truth", "level"), np.stack([c.low for c in found], axis=-1)),
            "critical_high": (("truth", "level"), np.stack([c.high for c in found], axis=-1)),
            "not_converged": ("truth", self.not_converged),
        }
        header = {name: getattr(self, name) for name in _SETTINGS if name != "about"}
        header |= {"format": _FORMAT, "names": self.names, "about": dict(self.about)}
        attrs = {"title": "Feldman-Cousins calibration", "calibration": json.dumps(header)} | dict(self.about)
        return xarray.Dataset(variables, {"level": ("level", list(self.levels))}, attrs)

    @classmethod
    def from_xarray(cls, dataset: "xarray.Dataset") -> "Calibration":
        """Calibration that `to_xarray` wrote.

        Raises
        ------
        InvalidArgument
            Another Dataset.
        """
        try:
            header = json.loads(dataset.attrs["calibration"])
            if header["format"] != _FORMAT:
                raise ValueError(f"format {header['format']}, this is {_FORMAT}")
            names = tuple(header["names"])
            settings = {name: header[name] for name in _SETTINGS}
            settings["levels"] = tuple(settings["levels"])
            truths = np.column_stack([dataset[name].values for name in names])
            above, converged = (dataset[name].values.astype(bool) for name in _ARRAYS[1:])
            return cls(names=names, truths=truths, q=dataset["q"].values, above=above, converged=converged, **settings)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidArgument(f"`dataset` must be what Calibration.to_xarray gives; {error}") from None

    def to_netcdf(self, path: str | Path) -> Path:
        """Write it whole; `from_netcdf` reads it."""
        write_netcdf(path, self.to_xarray())
        return Path(path)

    @classmethod
    def from_netcdf(cls, path: str | Path) -> "Calibration":
        """Calibration of a file: of `to_netcdf`, of a checkpoint, or the study.nc of `lmtbayes study feldman-cousins`.

        Raises
        ------
        InvalidArgument
            No such file, or another one.
        """
        return cls.from_xarray(read_calibration(path))


def coordinates(names: tuple[str, ...], truths: Float[np.ndarray, "truths parameters"]) -> np.ndarray:
    """Logarithms in which truths are spread, `contours.axis_of` of each parameter."""
    return np.column_stack([axis_of(name, column) for name, column in zip(names, truths.T, strict=True)])


def read_calibration(path: str | Path) -> "xarray.Dataset":
    """Read the Dataset of a calibration's file."""
    if not isinstance(path, str | os.PathLike) or not Path(path).is_file():
        raise _checks.invalid("path", str(path), "a file that Calibration.to_netcdf wrote")
    try:
        return read_netcdf(path, sealed=False)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"`path` must be a file that Calibration.to_netcdf wrote; {path}: {error}") from None


def warn_if_unresolved(calibration: Calibration, what: str) -> None:
    """Warn that critical values are read between truths of which neighbours differ."""
    if not calibration.resolved:
        warnings.warn(
            f"{what} read critical values between truths whose neighbours differ by more than was asked; errors count "
            "that, feldman_cousins with more truths (grid, rounds, most) removes it",
            ResolutionWarning,
            stacklevel=4,
        )


def check_calibration(calibration: object, profile: "xarray.Dataset", relative_to: str, parameter: str | None) -> None:
    """Require a calibration of the statistic that a profile has.

    Raises
    ------
    InvalidArgument
        No calibration; one of other parameters, experiments, model, mixing or ranges, or relative to something else.
    """
    if not isinstance(calibration, Calibration):
        raise _checks.invalid("calibration", type(calibration).__name__, "a Calibration of feldman_cousins, or None")
    dims = tuple(str(dim) for dim in profile["q"].dims)
    if set(calibration.names) != set(dims):
        raise _checks.invalid("calibration", calibration.names, f"one of {' and '.join(dims)}")
    if calibration.relative_to != relative_to or (relative_to == "slice" and calibration.parameter != parameter):
        wanted = "the global best fit" if relative_to == "global" else f"the best value of slices of {parameter}"
        raise InvalidArgument(
            f"`calibration` must be relative to {wanted} (feldman_cousins(..., relative_to={relative_to!r})); got one "
            f"of {calibration.words}"
        )
    check_same_fits(calibration.about, profile.attrs)
