"""Options: entries of the registry with design variables, and what may be done with each variable.

A variable scales the counts (an exposure, a mass, protons; a baseline by its inverse square), is traced (the threshold
of a liquid-xenon detector), or is neither, and then the experiment is built anew at each value: no gradient exists.
Which of them it is is found by trying, not by its name.
"""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.detectors.response import to_kevnr
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.liquid_xenon import LiquidXenon
from lmtbayes.experiments.registry import experiment, experiment_options
from lmtbayes.experiments.xenon_detectors import WINDOW_KEVEE
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton

SCALES, TRACED, REBUILT = "scales the counts", "traced", "built anew"
_THRESHOLD = "threshold_kev"
_RATIO = 1.6
"""Of the edges of nuclear recoils: a full width at half maximum of the resolution at the threshold."""
_SAME = 1e-9
_TRIED = ((5e-4, 15.0, -7e-6), (1e-3, 100.0, -1e-4))


class Option:
    """One experiment that might be made.

    Parameters
    ----------
    entry
        Name of the registry, or an experiment of your own, which then has no variables.
    bins
        Liquid xenon: so many bins from the threshold on, whatever it is, which a traced threshold needs: each 1.6 times
        as wide as the one before and the last one open, in nuclear recoils; even in the logarithm, else. None for the
        bins of the entry.
    values
        Overrides of the entry: what is built, and where its design variables stand unless they are moved.

    Raises
    ------
    UnknownName
        No such entry or override.
    InvalidArgument
        A value that the entry does not accept; `bins` of an entry that has no threshold to begin them at.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> darwin = lmt.design.Option("darwin-nr", bins=4, threshold_kev=1.0)
    >>> darwin.variables, darwin.kind("threshold_kev")
    ({'threshold_kev': 1.0, 'exposure_tyr': 200.0}, 'traced')
    """

    def __init__(self, entry: str | Experiment, /, *, bins: int | None = None, **values: Any):
        self.entry, self.values, self.bins = entry, values, bins
        if isinstance(entry, Experiment):
            if values or bins is not None:
                raise InvalidArgument(f"`values` of experiment {entry.name!r} must be left out: it is built already")
            self.base = entry
            return
        if bins is not None:
            _checks.whole("bins", bins)
            if _THRESHOLD not in experiment_options(entry):
                raise _checks.invalid("bins", bins, f"left out: entry {entry!r} has no {_THRESHOLD} to begin them at")
            if "bin_edges" in values:
                raise InvalidArgument("`bins` or `bin_edges` must be given, not both")
        self.base = self.build({})

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.base.name

    def __repr__(self) -> str:
        """Entry and values."""
        shown = "".join(f", {name}={value!r}" for name, value in self.values.items())
        return f"Option({self.name!r}{shown})"

    @functools.cached_property
    def variables(self) -> Mapping[str, float]:
        """Design variables: overrides that are single numbers, and where they stand."""
        if isinstance(self.entry, Experiment):
            return {}
        found = {}
        for option in experiment_options(self.entry).records:
            value = self.values.get(option.name, option.value)
            if isinstance(value, int | float | np.number) and not isinstance(value, bool):
                found[option.name] = float(value)
        return found

    def check(self, variable: str) -> None:
        """Require a design variable.

        Raises
        ------
        UnknownName
            The entry does not have it, or it is no number.
        """
        if variable not in self.variables:
            raise _checks.unknown(f"design variable of {self.name!r}", variable, self.variables)

    def build(self, moved: Mapping[str, Any]) -> Experiment:
        """Build the experiment with some variables moved; traced ones may be."""
        if isinstance(self.entry, Experiment):
            return self.entry
        given = {**self.values, **moved}
        if self.bins is not None:
            threshold = given.get(_THRESHOLD)
            if threshold is None:
                threshold = next(o.value for o in experiment_options(self.entry).records if o.name == _THRESHOLD)
            _checks.scalar(_THRESHOLD, threshold)
            _checks.positive(_THRESHOLD, threshold, "keV")
            given["bin_edges"] = _edges(threshold, self.bins, self.entry.endswith("-nr"))
        return experiment(self.entry, **given)

    def kind(self, variable: str) -> str:
        """What moving a variable takes: "scales the counts", "traced" or "built anew"."""
        self.check(variable)
        if variable == _THRESHOLD and isinstance(self.base, LiquidXenon) and self.bins is not None:
            return TRACED
        return REBUILT if self.power(variable) is None else SCALES

    @functools.cached_property
    def _powers(self) -> dict[str, float | None]:
        return {}

    def power(self, variable: str) -> float | None:
        """Power of the variable with which all counts go, backgrounds included: 1 for an exposure; None if with none.

        Found by trying two other values, at no boson and two others, with every nuisance moved.
        """
        self.check(variable)
        if variable not in self._powers:
            self._powers[variable] = self._tried(variable)
        return self._powers[variable]

    def _tried(self, variable: str) -> float | None:
        at = self.variables[variable]
        if not at > 0.0:
            return None
        here, powers = _sample(self.base), []
        for factor in (2.0, 0.5):
            try:
                built = self.build({variable: at * factor})
            except InvalidArgument:  # out of its range: no exposure
                return None
            there = _sample(built)
            if there.shape != here.shape or not np.array_equal(built.bin_edges, self.base.bin_edges):
                return None
            seen = here > 0.0
            if not seen.any() or np.any(there[~seen] != 0.0):
                return None
            found = np.log(there[seen] / here[seen]) / np.log(factor)
            if np.ptp(found) > _SAME:
                return None
            powers.append(float(found.mean()))
        whole = round(powers[0])
        return float(whole) if whole and max(abs(p - whole) for p in powers) < _SAME else None

    def split(self, moved: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Part what is moved into what has to be built and the factor on all counts."""
        built, factor = {}, 1.0
        for name, value in moved.items():
            self.check(name)
            # What a value must be is the entry's to say, whether it is built with it or not.
            if not _checks.is_traced(value):
                _checks.scalar(f"{self.name}.{name}", value)
                _checks.finite(f"{self.name}.{name}", value)
            power = None if self.kind(name) == TRACED else self.power(name)
            if power is None:
                built[name] = value
            else:
                _checks.positive(f"{self.name}.{name}", value)
                self._accept(name, value)
                factor = factor * (value / self.variables[name]) ** power
        return built, factor

    def _accept(self, variable: str, value: Any) -> None:
        """Let the entry refuse a value that only scales its counts: no efficiency is above one.

        What lies between accepted values is accepted.
        """
        low, high = self._accepted.setdefault(variable, (self.variables[variable],) * 2)
        if not _checks.is_traced(value) and not low <= value <= high:
            self.build({variable: value})
            self._accepted[variable] = min(low, float(value)), max(high, float(value))

    @functools.cached_property
    def _accepted(self) -> dict[str, tuple[float, float]]:
        return {}


def _edges(threshold: Any, bins: int, nuclear: bool) -> Any:
    """Edges from a threshold on, smooth in it and always as many."""
    xp = _checks.array_library(threshold)
    if nuclear:
        inner, top = threshold * _RATIO ** np.arange(bins), float(to_kevnr(WINDOW_KEVEE))
        return xp.concatenate([inner, xp.array([top])])
    return threshold * (WINDOW_KEVEE / threshold) ** (np.arange(bins + 1) / bins)


def _sample(e: Experiment) -> Float[np.ndarray, "tried bins"]:
    """Counts at no boson and at two, with central nuisances and with all of them moved by a third of their width."""
    bosons = ((0.0, 10.0, 0.0), *_TRIED)
    photons = HiddenPhoton.unchecked(*(np.tile(x, 2) for x in zip(*bosons, strict=True)))
    moved = np.repeat([0.0, 0.3], len(bosons))
    values = {n.name: n.constraint.value(n.constraint.central_pull + moved) for n in e.declared}
    return np.asarray(e.expected_counts(LMU_LTAU, photons, values))
