"""A likelihood at a grid of bosons as channels with linearised responses, and how far its ln L is from the true one.

What a target format cannot express is refused by name: an experiment by its likelihood term, a nuisance by its
constraint, and the whole where ln L differs by more than a tolerance within two standard deviations of the nuisances.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.terms import Gaussian, GaussianCounts, Poisson
from lmtbayes.export.responses import SMALLEST_RATE, Channel, Responses
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood

REACH = 2.0
"""Standard deviations of the nuisances within which ln L is compared."""
TOLERANCE = 1e-3
_DIRECTIONS = 64
"""Random directions, besides each nuisance alone, in which the pulls go `REACH` away."""
_NAME = re.compile("[A-Za-z0-9_]+")
_BASE = "no_boson"


@dataclass(frozen=True)
class Miss:
    """Largest difference of ln L at one boson, and where it is."""

    size: float
    where: str


@dataclass(frozen=True, eq=False)
class Linearised:
    """A likelihood at some bosons, as channels."""

    experiments: tuple[Experiment, ...]
    nuisances: tuple[Nuisance, ...]
    """Free ones, shared by name."""
    data: dict[str, Float[np.ndarray, "..."]]
    bosons: dict[str, HiddenPhoton]
    """By name; the first is no boson at all."""
    channels: dict[str, tuple[Channel, ...]]
    """Of every boson, in the order of the experiments."""
    misses: dict[str, Miss]
    """By how much ln L differs from that of the likelihood, within two standard deviations of the nuisances."""
    words: str
    """What it is of, in one line."""

    @property
    def worst(self) -> tuple[str, Miss]:
        """The boson whose ln L differs most."""
        return max(self.misses.items(), key=lambda item: item[1].size)

    @property
    def said(self) -> str:
        """The largest difference, in words."""
        name, miss = self.worst
        return f"ln L differs by at most {miss.size:.2g} within {REACH:g} sigma of the nuisances ({name}, {miss.where})"


def linearised(
    like: JointLikelihood,
    bosons: Mapping[str, HiddenPhoton],
    leave_out: Sequence[str],
    hold: Sequence[str],
    tolerance: float,
    target: str,
    terms: tuple[type, ...],
) -> Linearised:
    """Linearise every experiment at no boson and at every boson, and compare ln L.

    Parameters
    ----------
    like
        Whose data are taken along.
    bosons
        Name (letters, digits, _) to one photon.
    leave_out, hold
        Experiments that are left out, nuisances that stay at their central values.
    tolerance
        Largest difference of ln L that is accepted.
    target
        What it is for, in messages.
    terms
        Likelihood terms that this can express.

    Raises
    ------
    InvalidArgument
        What cannot be expressed, all of it by name; a difference above the tolerance, with its size and place.
    UnknownName
        An experiment or nuisance that is not there.
    """
    check_likelihood(like)
    _checks.positive("tolerance", tolerance)
    photons = _checked_bosons(bosons)
    experiments, nuisances = _chosen(like, leave_out, hold)
    _refuse(experiments, nuisances, target, terms)
    data = {e.name: np.asarray(like.data[e.name], dtype=float) for e in experiments}
    responses = [Responses(e, like.model, hold) for e in experiments]
    pulls = probes(len(nuisances))
    channels, misses = {}, {}
    for name, photon in photons.items():
        channels[name] = tuple(response.channel(photon) for response in responses)
        misses[name] = _miss(responses, channels[name], data, photon, nuisances, pulls)
    words = f"{', '.join(e.name for e in experiments)} in {like.model.name}, mixing {like.model.mixing}"
    found = Linearised(experiments, nuisances, data, photons, channels, misses, words)
    if not found.worst[1].size <= tolerance:
        raise InvalidArgument(
            f"`tolerance` = {tolerance:g} is not reached by a {target}, whose responses are linear or exponential: "
            f"{found.said}; accept it by a larger tolerance, or hold nuisances at their central values by `hold`"
        )
    return found


def probes(number: int) -> Float[np.ndarray, "points nuisances"]:
    """Pulls at which ln L is compared: none, each nuisance one and two sigma either way, and all together."""
    single = np.concatenate([sigma * np.eye(number) for sigma in (-REACH, -1.0, 1.0, REACH)])
    together = np.random.default_rng(0).normal(size=(_DIRECTIONS if number > 1 else 0, number))
    together *= REACH / np.linalg.norm(together, axis=1, keepdims=True)
    return np.concatenate([np.zeros((1, number)), single, together])


def _checked_bosons(bosons: Mapping[str, HiddenPhoton]) -> dict[str, HiddenPhoton]:
    if not isinstance(bosons, Mapping) or not bosons:
        raise _checks.invalid("bosons", bosons, "a mapping of name to HiddenPhoton, at least one")
    for name, photon in bosons.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name == _BASE:
            raise _checks.invalid("bosons", name, f"names of letters, digits and '_', other than {_BASE!r}")
        if not isinstance(photon, HiddenPhoton) or photon.shape != ():
            raise _checks.invalid(f"bosons[{name!r}]", photon, "one HiddenPhoton (grid_of_bosons takes many)")
    return {_BASE: HiddenPhoton.none(), **bosons}


def _chosen(
    like: JointLikelihood, leave_out: Sequence[str], hold: Sequence[str]
) -> tuple[tuple[Experiment, ...], tuple[Nuisance, ...]]:
    """Experiments and nuisances that remain."""
    names = [e.name for e in like.experiments]
    for argument, given, known in (("leave_out", leave_out, names), ("hold", hold, like.joint.nuisance_names)):
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise _checks.invalid(argument, given, "a sequence of names")
        for name in given:
            if name not in known:
                raise _checks.unknown(f"name in `{argument}`", name, known)
    experiments = tuple(e for e in like.experiments if e.name not in leave_out)
    if not experiments:
        raise _checks.invalid("leave_out", tuple(leave_out), f"fewer than all of {', '.join(names)}")
    used = {n.name for e in experiments for n in e.nuisances}
    nuisances = tuple(n for n in like.joint.nuisances if n.name in used and n.name not in hold)
    return experiments, nuisances


def _refuse(
    experiments: Sequence[Experiment], nuisances: Sequence[Nuisance], target: str, terms: tuple[type, ...]
) -> None:
    """Name what cannot be expressed."""
    # A subclass may give another distribution.
    bad = [(e.name, f"the term {type(e.term).__name__}") for e in experiments if type(e.term) not in terms]
    kept = {n.name for n in nuisances}
    odd = [n for n in nuisances if not n.constraint.is_standard and n.name in kept]
    held = [(n.name, f"the constraint {type(n.constraint).__name__}") for n in odd]
    parts = []
    if bad:
        listed = ", ".join(f"{name} ({why})" for name, why in bad)
        parts.append(f"experiments {listed}: leave them out by `leave_out`={tuple(name for name, _ in bad)}")
    if held:
        listed = ", ".join(f"{name} ({why})" for name, why in held)
        parts.append(f"nuisances {listed}: hold them at their central values by `hold`={tuple(n for n, _ in held)}")
    if parts:
        raise InvalidArgument(f"`like` has parts that a {target} cannot express; {'; '.join(parts)}")


def _miss(
    responses: Sequence[Responses],
    channels: Sequence[Channel],
    data: Mapping[str, Float[np.ndarray, "..."]],
    photon: HiddenPhoton,
    nuisances: Sequence[Nuisance],
    pulls: Float[np.ndarray, "points nuisances"],
) -> Miss:
    """Compare ln L of the data at the true counts and at those of the channels."""
    names = [n.name for n in nuisances]
    named = {name: pulls[:, k] for k, name in enumerate(names)}
    difference: Any = 0.0
    for response, channel in zip(responses, channels, strict=True):
        own = pulls[:, [names.index(n.name) for n in response.free]]
        true = response.exact(photon, own).sum(axis=1)
        term, observed = response.experiment.term, jnp.asarray(np.broadcast_to(data[channel.name], true.shape))
        rates = channel.rates(named, len(pulls))
        if type(term) is Poisson:
            rates = np.where(rates < SMALLEST_RATE, np.where(true < SMALLEST_RATE, SMALLEST_RATE, np.nan), rates)
        pairs = (np.asarray(term.log_prob(jnp.asarray(x), observed)) for x in (rates, true))
        difference = difference + np.subtract(*pairs).sum(axis=-1)
    sizes = np.abs(np.broadcast_to(difference, len(pulls)))
    sizes = np.where(np.isfinite(sizes), sizes, np.inf)
    at = int(np.argmax(sizes))
    moved = [f"{name} at {pull:+g} sigma" for name, pull in zip(names, pulls[at], strict=True) if pull]
    where = "all nuisances at zero" if not moved else moved[0] if len(moved) == 1 else "several nuisances together"
    return Miss(float(sizes[at]), where)


COUNTS = (Poisson,)
COUNTS_AND_MEASUREMENTS = (Poisson, Gaussian, GaussianCounts)
