"""Expected counts of experiments as sums of samples with linear or exponential responses: what HistFactory can say.

A sample's rate is (counts + sum of shifts times pulls) times a product of factors, each factor^pull: `histosys` and
`normsys` of HistFactory (K. Cranmer et al., CERN-OPEN-2012-016). Both come from the Jacobian of the expected counts in
the pulls at their zero, symmetric by construction: a factor where it changes all bins of a sample by one ratio and
follows the true response better, a shift elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes._compile import compile_quickly
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

SMALLEST_RATE = 1e-30
"""Of a bin, as in the package's own Poisson term: a bin that expects nothing keeps a finite ln L."""
SIGNAL, BACKGROUND = "signal", "background"
_ONE_RATIO = 1e-6
"""Relative differences between bins up to which a nuisance is said to change all of them by one ratio."""
_PROBED = np.array([-2.0, -1.0, 1.0, 2.0])
"""Pulls at which a factor and a shift are compared with the true response."""


class Effect(NamedTuple):
    """What one pull does to a sample."""

    nuisance: str
    is_factor: bool
    size: Float[np.ndarray, "..."]
    """Of a factor its logarithm at one standard deviation, shape (); of a shift the counts it adds, one a bin."""


class Sample(NamedTuple):
    """A part of what an experiment expects."""

    name: str
    counts: Float[np.ndarray, " bins"]
    effects: tuple[Effect, ...]

    def rates(self, pulls: dict[str, Float[np.ndarray, " points"]], points: int) -> Float[np.ndarray, "points bins"]:
        """Rates at pulls of the nuisances, as HistFactory gives them; a nuisance that is not named is at zero."""
        found = np.repeat(self.counts[None, :], points, axis=0)
        factor = np.ones((points, 1))
        for effect in self.effects:
            pull = pulls.get(effect.nuisance, np.zeros(points))
            if effect.is_factor:
                factor = factor * interpolated(float(effect.size), pull)[:, None]
            else:
                found = found + pull[:, None] * effect.size
        return found * factor


class Channel(NamedTuple):
    """One experiment at one boson."""

    name: str
    samples: tuple[Sample, ...]

    def rates(self, pulls: dict[str, Float[np.ndarray, " points"]], points: int) -> Float[np.ndarray, "points bins"]:
        """Rates of all samples together."""
        return np.sum([sample.rates(pulls, points) for sample in self.samples], axis=0)


def interpolated(log_factor: float, pull: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    """Factor at a pull by HistFactory's interpolation code 4, between exp(log_factor) and its inverse at +-1.

    Exponential beyond one standard deviation; inside, the polynomial of sixth order that is 1 at zero and goes on
    smoothly, with first and second derivative, at both ends.
    """
    powers = np.arange(1, 7)
    ends = [
        row * sign**shift
        for shift, row in enumerate((powers * 0 + 1, powers, powers * (powers - 1)))
        for sign in (1.0, -1.0)
        for row in [row * sign**powers]
    ]
    values = [
        log_factor**order * np.exp(sign * log_factor) - (order == 0) for order in range(3) for sign in (1.0, -1.0)
    ]
    coefficients = np.linalg.solve(np.array(ends), np.array(values))
    inside = 1.0 + np.sum(coefficients * pull[:, None] ** powers, axis=1)
    return np.where(np.abs(pull) < 1.0, inside, np.exp(log_factor * pull))


class Responses:
    """Exact expected counts of one experiment, and its channels at bosons.

    Parameters
    ----------
    e, model
        The experiment, and the model in which it is read.
    hold
        Nuisances that stay at their central values.
    """

    def __init__(self, e: Experiment, model: GaugeModel, hold: Sequence[str] = ()):
        self.experiment = e
        self._factors = e.term.is_poisson  # the mean of a measurement is linear in the pulls
        self.free = tuple(n for n in e.nuisances if n.name not in hold)
        counts = _counts_in_pulls(e, model, tuple(n.name for n in self.free))
        self._counts = compile_quickly(jax.vmap(counts, in_axes=(None, 0)))
        self._jacobian = compile_quickly(jax.jacfwd(counts, argnums=1))

    def exact(
        self, photon: HiddenPhoton, pulls: Float[np.ndarray, "points free"]
    ) -> Float[np.ndarray, "points 2 bins"]:
        """Signal and background at pulls of the free nuisances, as the likelihood has them."""
        return np.asarray(self._counts(photon, jnp.asarray(pulls)))

    def channel(self, photon: HiddenPhoton) -> Channel:
        """Samples of one boson, with their responses to every free nuisance."""
        size = len(self.free)
        nominal = self.exact(photon, np.zeros((1, size)))[0]
        jacobian = np.asarray(self._jacobian(photon, jnp.zeros(size)))
        effects: list[list[Effect]] = [[], []]
        for k, nuisance in enumerate(self.free):
            probes = np.zeros((_PROBED.size, size))
            probes[:, k] = _PROBED
            true = self.exact(photon, probes)
            for which in (0, 1):
                found = _effect(nuisance.name, nominal[which], jacobian[which, :, k], true[:, which], self._factors)
                if found is None and which == 0:  # every nuisance is somewhere: its constraint belongs to ln L
                    found = Effect(nuisance.name, self._factors, np.zeros(() if self._factors else nominal.shape[1:]))
                effects[which] += [] if found is None else [found]
        floor = np.where(nominal.sum(axis=0) < SMALLEST_RATE, SMALLEST_RATE, 0.0)
        samples = [Sample(SIGNAL, nominal[0] + floor, tuple(effects[0]))]
        if nominal[1].any() or effects[1]:
            samples.append(Sample(BACKGROUND, nominal[1], tuple(effects[1])))
        return Channel(self.experiment.name, tuple(samples))


def _counts_in_pulls(
    e: Experiment, model: GaugeModel, free: tuple[str, ...]
) -> Callable[[HiddenPhoton, Array], Float[Array, "2 bins"]]:
    """Signal and background of one boson as a function of the pulls of the free nuisances."""
    nuisances = [n for n in e.nuisances if n.name in free]

    def counts(photon: HiddenPhoton, pulls: Array) -> Float[Array, "2 bins"]:
        values = {n.name: n.constraint.value(pulls[k]) for k, n in enumerate(nuisances)}
        signal = e.signal_counts(model, photon, values)
        return jnp.stack([signal, e.background_at(values)])

    return counts


def _effect(
    name: str,
    counts: Float[np.ndarray, " bins"],
    derivative: Float[np.ndarray, " bins"],
    true: Float[np.ndarray, "probes bins"],
    factors: bool,
) -> Effect | None:
    """Factor or shift, whichever follows the true counts better at the probed pulls; None where nothing changes."""
    if np.all(true == counts) and not derivative.any():
        return None
    shift = Effect(name, False, derivative)
    filled = counts > 0.0
    if not factors:
        return shift
    ratios = derivative[filled] / counts[filled]
    if not ratios.size or derivative[~filled].any() or np.ptp(ratios) > _ONE_RATIO * np.abs(ratios).max():
        return shift
    factor = Effect(name, True, np.asarray(np.average(ratios, weights=counts[filled])))
    misses = [
        np.abs(Sample("", counts, (effect,)).rates({name: _PROBED}, _PROBED.size) - true).max()
        for effect in (shift, factor)
    ]
    return factor if misses[1] < misses[0] else shift
