"""CLs by toys: at couplings about the expected limits first, then at as many more where CLs crosses its level."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import isotonic_regression

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.frequentist.cls_fits import Fits, Statistics
from lmtbayes.inference.frequentist.cls_formulas import band_of_toys, ratio, toy_cls
from lmtbayes.inference.frequentist.cls_table import Found
from lmtbayes.inference.frequentist.crossings import of_probability
from lmtbayes.inference.frequentist.one_sided import TIE

_RESAMPLED = 100
_OBSERVED = 2.0
"""Weight of the observed limit beside each band's where couplings are added."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Toys with the tested coupling and without a boson at many couplings, and what was observed there."""

    x: Float[np.ndarray, "masses points"]
    """Logarithms of couplings, increasing."""
    observed: Statistics
    pulls: Float[np.ndarray, "cells nuisances"]
    signal: Float[np.ndarray, "masses points toys"]
    none: Float[np.ndarray, "masses points toys"]
    converged: Float[np.ndarray, "masses points"]
    """Part of the fits."""

    def joined(self, other: "Samples") -> "Samples":
        """Both, in the order of the couplings."""
        x = np.concatenate([self.x, other.x], axis=1)
        order = np.argsort(x, axis=1, kind="stable")

        def sort(first: np.ndarray, second: np.ndarray) -> np.ndarray:
            both = np.concatenate([first, second], axis=1)
            return np.take_along_axis(both, order.reshape(*order.shape, *(1,) * (both.ndim - 2)), axis=1)

        pulls = [one.pulls.reshape(*one.x.shape, one.pulls.shape[-1]) for one in (self, other)]
        return Samples(
            np.take_along_axis(x, order, axis=1),
            Statistics(*map(sort, self.observed, other.observed)),
            sort(*pulls).reshape(x.size, -1),
            sort(self.signal, other.signal),
            sort(self.none, other.none),
            sort(self.converged, other.converged),
        )

    def limits(self, level: float) -> tuple[Float[np.ndarray, "bands masses"], Float[np.ndarray, "bands masses"]]:
        """Crossings of the observed CLs and of the bands, and the width of the step where one is not resolved."""
        found = [_crossings(self.x, cls, level, self.signal.shape[-1]) for cls in self.each()]
        limits, steps = zip(*found, strict=True)
        return np.stack(limits), np.stack(steps)

    def each(self) -> list[Float[np.ndarray, "masses points"]]:
        """CLs of the observed data, then of each band."""
        statistics = (self.observed.q, *band_of_toys(self.none))
        return [ratio(*toy_cls(q, self.signal, self.none, TIE)) for q in statistics]

    def found(self, level: float, seed: int) -> Found:
        """Limits and bands with their errors."""
        limits, steps = self.limits(level)
        rng, size = np.random.default_rng(seed), self.signal.shape[-1]
        again = []
        for _ in range(_RESAMPLED):
            chosen = rng.integers(size, size=size)
            one = dataclasses.replace(self, signal=self.signal[..., chosen], none=self.none[..., chosen])
            # What is resampled ends where the tested couplings do.
            again.append(np.clip(one.limits(level)[0], self.x[:, 0], self.x[:, -1]))
        errors = np.hypot(np.std(np.stack(again), axis=0, ddof=1), steps / np.sqrt(12.0))
        errors = np.where(np.isfinite(limits), errors, np.nan)
        variables = {"q": self.observed.q, **self._variables(), "converged": self.converged}
        return Found(self.x, limits[0], limits[1:].T, self.observed, self.pulls, variables, (errors[0], errors[1:].T))

    def _variables(self) -> dict[str, Float[np.ndarray, "masses points"]]:
        """CLs and what it is made of, the errors being binomial ones."""
        p_mu, not_p_b = toy_cls(self.observed.q, self.signal, self.none, TIE)
        size, cls = self.signal.shape[-1], ratio(p_mu, not_p_b)
        variance = sum((1.0 - p) / np.maximum(p, 1.0 / size) for p in (p_mu, not_p_b)) / size
        error = np.maximum(cls, 1.0 / size) * np.sqrt(variance)
        return {"p_signal": p_mu, "p_background": not_p_b, "cls": cls, "cls_error": error}


def sampled(fits: Fits, x: Float[np.ndarray, "masses points"], size: int, seed: int, bar: str | None) -> Samples:
    """Toys of each kind at these couplings."""
    observed = fits.at(x, fits.like.data, np.zeros(len(fits.like.nuisances)), bar and f"{bar}, observed")
    photons, (pulls, of_none) = fits.photons(observed), fits.pulls(observed)
    zero = np.zeros(x.size)
    none = HiddenPhoton.unchecked(zero, photons.mass, zero)
    everywhere = np.tile(of_none, (x.size, 1))
    signal, of_signal = fits.toys(x, photons, pulls, size, seed, bar and f"{bar}, toys with a boson")
    without, of_without = fits.toys(x, none, everywhere, size, seed, bar and f"{bar}, toys without")
    return Samples(x, observed, pulls, signal, without, np.concatenate([of_signal, of_without], axis=-1).mean(axis=-1))


def between(samples: Samples, level: float, points: int) -> Float[np.ndarray, "masses points"]:
    """Couplings between those beside a crossing: each interval in equal parts, the longest parts first."""
    cls = np.stack(samples.each())
    return np.stack([_parts(x, cls[:, k], level, points) for k, x in enumerate(samples.x)])


def _parts(x: np.ndarray, cls: np.ndarray, level: float, points: int) -> np.ndarray:
    cls, weights = falling(cls), dict[int, float]()
    for band, row in enumerate(cls):
        i = _bracket(row, level)
        if i is not None:
            weights[i] = max(weights.get(i, 0.0), 1.0 if band else _OBSERVED)
    if not weights:  # no crossing: the middles of what was tested
        weights = dict.fromkeys(range(len(x) - 1), 1.0)
    parts = dict.fromkeys(weights, 1)
    for _ in range(points):
        longest = max(parts, key=lambda i: weights[i] * (x[i + 1] - x[i]) / parts[i])
        parts[longest] += 1
    inside = [x[i] + (x[i + 1] - x[i]) * np.arange(1, n) / n for i, n in sorted(parts.items())]
    return np.concatenate(inside)


def _bracket(cls: Float[np.ndarray, " points"], level: float) -> int | None:
    """Which point CLs is last above its level at, before it falls to it for the first time."""
    above = cls > level
    return None if above.all() or not above[0] else int(np.argmin(above)) - 1


def falling(cls: Float[np.ndarray, "*masses points"]) -> Float[np.ndarray, "*masses points"]:
    """CLs that only falls, closest to the one that was counted: a chance dip is not where it falls below its level.

    Isotonic regression; where CLs truly rises again, beyond an island, it averages over that.
    """
    return np.apply_along_axis(lambda row: isotonic_regression(row, increasing=False).x, -1, cls)


def _crossings(
    x: Float[np.ndarray, "masses points"], cls: Float[np.ndarray, "masses points"], level: float, size: int
) -> tuple[Float[np.ndarray, " masses"], Float[np.ndarray, " masses"]]:
    """Where CLs falls to its level, straight between the two points beside it; width of a step that nothing resolves.

    All of the toys is less than all, and none more than none: half a toy. Where that is what lies beside the limit,
    its place within the step is not known.
    """
    # ln(-ln CLs), in which a count without background is a straight line of ln g.
    smooth = falling(cls)
    y, target = of_probability(np.clip(smooth, 0.5 / size, 1.0 - 0.5 / size)), float(of_probability(level))
    limits, steps = np.zeros(len(x)), np.zeros(len(x))
    for k in range(len(x)):
        i = _bracket(smooth[k], level)
        if i is None:
            limits[k] = np.inf if smooth[k, 0] > level else -np.inf
            continue
        low, high = y[k, i], y[k, i + 1]
        limits[k] = x[k, i] + (x[k, i + 1] - x[k, i]) * np.clip((target - low) / (high - low), 0.0, 1.0)
        if smooth[k, i] >= 1.0 or smooth[k, i + 1] <= 0.0:
            steps[k] = x[k, i + 1] - x[k, i]
    return limits, steps
