"""What is handed over: a posterior in one of its forms, a parameter, values at which others are held."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.credible.sources import At, CubatureSource, DrawSource, GridSource, Source
from lmtbayes.inference.distributions import on_host
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.priors import Prior
from lmtbayes.parameters import COORDINATES, PARAMETERS

type Held = Mapping[str, float | Sequence[float] | ArrayLike]

_ACCEPTED = "a PosteriorGrid (posterior_grid), an Evidence with a posterior, or a DataTree of sample_posterior"


class Given:
    """A posterior and one of its parameters.

    Parameters
    ----------
    posterior
        In any form.
    parameter
        "g_x", "mass" or "kappa", if the prior has it; of draws any variable, nuisances among them.
    at
        Other parameters and the values at which they are held; None: not at all.
    source
        What to read limits from, where it is not the posterior itself.

    Raises
    ------
    InvalidArgument
        No posterior, no such parameter, nothing that can be held, values outside of the prior.
    """

    def __init__(self, posterior: Any, parameter: str, at: Held | None = None, source: Source | None = None):
        found = _source_of(posterior)
        self.source: Any = found.source if source is None else source
        self.prior, self.prior_text = found.prior, found.words
        self.parameter = parameter
        self.logarithmic = False
        self.held: dict[str, Float[np.ndarray, " values"]] = {}
        if at and isinstance(self.source, DrawSource):
            raise InvalidArgument(
                "`at` must be None for draws, none of which lies there; posterior_grid(like, prior) can be held"
            )
        if self.prior is None:
            _checks.one_of("parameter", parameter, tuple(posterior["posterior"].data_vars))
            self.name = parameter
            self.prior_draws = np.ravel(posterior["prior"][parameter].values)
        else:
            self.name, self.logarithmic = coordinate_of(self.prior, "parameter", parameter)
            self.held = held_values(self.prior, parameter, at)

    def points(self) -> list[At]:
        """Where others are held, in quantiles of the source's measure, in the order of an array of all of them."""
        if not self.held:
            return [{}]
        assert self.prior is not None
        units = {}
        for parameter, values in self.held.items():
            name, is_log = coordinate_of(self.prior, "at", parameter)
            units[name] = self.source.held(name, np.log10(values) if is_log else values)
        return [dict(zip(units, map(float, point), strict=True)) for point in product(*units.values())]

    def physical(self, coordinate: np.ndarray) -> Float[np.ndarray, "..."]:
        """Values of the parameter at those of its coordinate."""
        return 10.0**coordinate if self.logarithmic else coordinate

    def prior_quantiles(self, probabilities: np.ndarray) -> Float[np.ndarray, " levels"]:
        """What the prior alone would give."""
        if self.prior is None:
            return np.quantile(self.prior_draws, probabilities)
        return self.physical(on_host.quantiles(self.name, self.prior.distributions[self.name], probabilities))

    def in_logarithm(self, scale: str) -> bool:
        """Whether the coordinate of a scale ("prior", "log10" or "linear") is the decimal logarithm.

        Raises
        ------
        InvalidArgument
            The parameter may be negative and has none.
        """
        assert self.prior is not None
        if scale == "log10" and not self.logarithmic and self.prior.box[self.name][0] < 0.0:
            raise _checks.invalid("scale", scale, f"'prior' or 'linear' where {self.parameter} has either sign")
        return scale == "log10" or (scale == "prior" and self.logarithmic)

    def density_in(self, scale: str) -> str:
        """Coordinate of a scale, in words."""
        return f"log10 {self.parameter}" if self.in_logarithm(scale) else self.parameter

    def on_scale(self, units: np.ndarray, log: bool) -> tuple[np.ndarray, np.ndarray]:
        """Coordinate of a scale at quantiles of the measure, and where it is a number and increases."""
        values = self.source.values(self.name, units)
        if log != self.logarithmic:
            with np.errstate(divide="ignore"):
                values = np.log10(values) if log else 10.0**values
        return values, np.isfinite(values) & (np.diff(values, prepend=-np.inf) > 0.0)

    def attributes(self, statement: str) -> dict[str, str]:
        """Of a result: nothing in it means anything without its prior."""
        return {
            "parameter": self.parameter,
            "prior": self.prior_text,
            "method": f"{statement}, {self.source.method}",
            "posterior": "conditional on " + " and ".join(self.held) if self.held else "marginal",
            "error_kind": self.source.error_kind,
        }

    def coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
        """Of a result: values at which others are held."""
        return {name: (name, values, about(name)) for name, values in self.held.items()}


def about(parameter: str) -> dict[str, str]:
    """Words and unit of a parameter, as attributes."""
    if parameter not in PARAMETERS:
        return {"units": "1"}
    return {"long_name": PARAMETERS[parameter].long_name, "units": PARAMETERS[parameter].unit}


def coordinate_of(prior: Prior, argument: str, parameter: str) -> tuple[str, bool]:
    """Coordinate in which a prior has a parameter, and whether it is the decimal logarithm.

    Raises
    ------
    InvalidArgument
        The prior has no such parameter.
    """
    found = {name.removeprefix("log10_"): name for name in prior.names}
    if not found:
        raise _checks.invalid("posterior", prior, "one with a parameter; this is of no boson")
    _checks.one_of(argument, parameter, tuple(p for p in COORDINATES if p in found))
    return found[parameter], found[parameter].startswith("log10_")


def held_values(prior: Prior, parameter: str, at: Held | None) -> dict[str, Float[np.ndarray, " values"]]:
    """Values at which parameters other than one are held, as arrays.

    Raises
    ------
    InvalidArgument
        No mapping, a parameter that the prior has not or that is the one itself, values outside of the prior.
    """
    if not isinstance(at, Mapping | None):
        raise _checks.invalid("at", at, "a mapping of parameter to the values at which it is held, or None")
    held = {}
    for name, given in (at or {}).items():
        coordinate, is_log = coordinate_of(prior, "at", name)
        if name == parameter:
            raise _checks.invalid("at", name, f"of another parameter than {parameter!r}")
        array = _checks.number(f"at[{name!r}]", given)
        if array is None or array.ndim > 1 or not array.size or not np.isfinite(array).all():
            raise _checks.invalid(f"at[{name!r}]", given, "finite numbers")
        low, high = (10.0**edge if is_log else edge for edge in prior.box[coordinate])
        slack = 1e-9 * max(abs(low), abs(high)) if np.isfinite([low, high]).all() else 0.0
        if np.any((array < low - slack) | (array > high + slack)):
            raise _checks.invalid(f"at[{name!r}]", given, f"inside the prior, {low:.6g} to {high:.6g}")
        held[name] = np.atleast_1d(array)
    return held


def level(argument: str, value: object) -> float:
    """Return one probability inside (0, 1)."""
    array = _checks.number(argument, value, "between 0 and 1, such as 0.90")
    if array is None or array.shape != () or not 0.0 < array < 1.0:
        raise _checks.invalid(argument, value, "between 0 and 1, such as 0.90")
    return float(array)


class _Found(NamedTuple):
    source: Source
    prior: Prior | None
    """None of draws, which have their own."""
    words: str


def _source_of(posterior: Any) -> _Found:
    """What limits are read from, its prior, and that in words."""
    if isinstance(posterior, PosteriorGrid):
        return _Found(GridSource(posterior), posterior.prior, repr(posterior.prior))
    if not isinstance(posterior, Evidence):
        return _of_tree(posterior)
    if posterior.cubature is not None:
        return _Found(CubatureSource(posterior), posterior.prior, repr(posterior.prior))
    if not posterior.nodes:
        raise _checks.invalid("posterior", posterior, _ACCEPTED)
    weights = np.exp(posterior.log_weights - np.max(posterior.log_weights))
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    method = f"weighted draws of {posterior.method}"
    return _Found(DrawSource(posterior.nodes, weights, effective, method), posterior.prior, repr(posterior.prior))


def _of_tree(posterior: Any) -> _Found:
    import xarray as xr

    groups = ("posterior", "prior", "constant_data")
    if not isinstance(posterior, xr.DataTree) or not set(groups) <= set(posterior.children):
        raise _checks.invalid("posterior", type(posterior).__name__, _ACCEPTED)
    import arviz

    draws = {str(name): values.values for name, values in posterior["posterior"].data_vars.items()}

    def effective(name: str, probability: float) -> float:
        return float(arviz.ess(draws[name], method="quantile", prob=probability))

    edges = {
        str(name).removesuffix("_prior"): values.values
        for name, values in posterior["constant_data"].data_vars.items()
        if str(name).endswith("_prior")
    }
    words = ", ".join(f"{name} in [{low:.4g}, {high:.4g}]" for name, (low, high) in edges.items())
    return _Found(DrawSource(draws, None, effective, "draws"), None, words)
