"""Data of a joint likelihood: Asimov, observed, given, or toys; in the end one array of counts an experiment.

Asimov data stand for what has not been measured. What has been measured stays as observed, unless it is asked for
otherwise: a truth does not change what a published search saw.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing, check_model
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference.likelihood.evaluation import evaluation

if TYPE_CHECKING:
    from lmtbayes.inference.likelihood.joint import JointLikelihood

type Data = dict[str, Float[Array, " _"]]
"""Experiment name to its counts, one entry a bin; experiments differ in their number of bins."""

PUBLISHED = ("observed", "asimov")


@dataclass(frozen=True)
class Asimov:
    """Data that equal their expectation under a truth, where there are none; made by `asimov`."""

    model: GaugeModel
    photon: HiddenPhoton
    nuisances: Mapping[str, ArrayLike] | None = None
    published: str = "observed"


def asimov(
    model: GaugeModel,
    photon: HiddenPhoton,
    nuisances: Mapping[str, ArrayLike] | None = None,
    *,
    published: str = "observed",
) -> Asimov:
    """Return the data set in which every projection sees exactly what it expects; published data are as observed.

    Parameters
    ----------
    model, photon
        The truth; one photon. No boson at all is `HiddenPhoton(0.0, mass, 0.0)`.
    nuisances
        Name to physical value; what is not named is central. A name that no experiment of the likelihood declares is
        refused there.
    published
        Data of experiments that have some (`observed` is not None: published searches, measurements and limits).
        "observed": as they are. "asimov": replaced by their expectation, as if the measurement were made again with
        the result that the truth predicts; a study of sensitivity.

    Raises
    ------
    InvalidArgument
        More than one photon; a photon whose eps_x is not what the model's mixing rule gives; an unknown option; no
        mapping. Later, by the likelihood: no projection among its experiments, so that the truth would be ignored.
    """
    check_model(model)
    check_photon(photon)
    _checks.one_of("published", published, PUBLISHED)
    if nuisances is not None and not isinstance(nuisances, Mapping):
        raise _checks.invalid("nuisances", nuisances, "a mapping of name to value, or None")
    if photon.shape != ():
        raise InvalidArgument(f"`photon` must be a single photon; got an array of shape {photon.shape}")
    check_mixing(model, photon)
    return Asimov(model, photon, nuisances, published)


def resolve(likelihood: "JointLikelihood", data: Asimov | str | Mapping[str, ArrayLike]) -> Data:
    """Return one array of counts for each experiment; the errors are those of JointLikelihood."""
    experiments = likelihood.experiments
    if isinstance(data, Asimov):
        if data.published == "asimov":
            return _expected(likelihood, data, experiments)
        published = {e.name: jnp.asarray(e.observed) for e in experiments if e.observed is not None}
        if len(published) == len(experiments):
            raise InvalidArgument(
                f"`data` = asimov(...) fills in projections, but {', '.join(published)} "
                f"{'has' if len(published) == 1 else 'have'} published data: use data='observed', or "
                "asimov(..., published='asimov') to replace them"
            )
        projections = tuple(e for e in experiments if e.name not in published)
        return _expected(likelihood, data, projections) | published
    if isinstance(data, str):
        _checks.one_of("data", data, ("observed",))
        unseen = [e.name for e in experiments if e.observed is None]
        if unseen:
            raise InvalidArgument(
                f"`data` = 'observed' needs observed data in every experiment; {', '.join(unseen)} "
                f"{'is a projection' if len(unseen) == 1 else 'are projections'}"
            )
        return {e.name: jnp.asarray(e.observed) for e in experiments}
    if not isinstance(data, Mapping):
        raise _checks.invalid("data", data, "asimov(model, photon), 'observed' or a mapping of name to counts")
    names = [e.name for e in experiments]
    for name in data:
        if name not in names:
            raise _checks.unknown("experiment in `data`", name, names)
    missing = [name for name in names if name not in data]
    if missing:
        raise InvalidArgument(f"`data` must have an entry for every experiment; missing: {', '.join(missing)}")
    for e in experiments:
        _checks.finite(f"data[{e.name!r}]", data[e.name])
        if e.term.counts_events:
            _checks.non_negative(f"data[{e.name!r}]", data[e.name], "counts")
    return {e.name: jnp.asarray(_checks.shape(f"data[{e.name!r}]", data[e.name], (e.n_bins,))) for e in experiments}


def _expected(likelihood: "JointLikelihood", truth: Asimov, experiments: Sequence[Experiment]) -> Data:
    nuisances = truth.nuisances or {}
    declared = {n.name for e in likelihood.experiments for n in e.declared}
    for name in nuisances:
        if name not in declared:
            raise _checks.unknown("nuisance of the true `nuisances`", name, sorted(declared))
        _checks.scalar(f"nuisances[{name!r}]", nuisances[name])
    if likelihood.checked and truth.model == likelihood.model and not nuisances:
        # What the check compiles gives the counts too: at no cost, where eager operations would take seconds.
        one = jax.tree.map(lambda x: np.asarray(x)[None], (truth.photon, likelihood.central_pulls))
        anything = {e.name: np.ones(e.n_bins) for e in likelihood.experiments}
        return {name: jnp.asarray(x[0]) for name, x in evaluation(likelihood)(one, anything).counts.items()}
    return {
        e.name: e.expected_counts(
            truth.model, truth.photon, {k: v for k, v in nuisances.items() if k in {n.name for n in e.declared}}
        )
        for e in experiments
    }


def simulate(
    likelihood: "JointLikelihood",
    photon: HiddenPhoton,
    seed: int,
    nuisances: Mapping[str, ArrayLike] | None = None,
    model: GaugeModel | None = None,
    size: int | None = None,
) -> dict[str, Float[Array, "... _bins"]]:
    """Draw toy data for every experiment, published ones included: a toy repeats all of them.

    Parameters
    ----------
    likelihood
        Whose experiments are simulated.
    photon
        The truth, one photon.
    seed
        Equal seeds give equal toys; an experiment's toys do not depend on which others are in the fit.
    nuisances
        Name to true physical value; central where not named.
    model
        The true model; by default the likelihood's. Where it fixes the mixing, the photon has to agree.
    size
        Number of toys; None for a single one without the leading axis.

    Returns
    -------
    toys
        Experiment name to counts, (n_bins,) or (size, n_bins): what `with_data` takes (one toy at a time).

    Raises
    ------
    UnknownName
        A nuisance that no experiment declares.
    InvalidArgument
        A seed or a size that is no whole number; the errors of `asimov`.
    """
    _checks.whole("seed", seed, 0)
    if size is not None:
        _checks.whole("size", size)
    truth = resolve(likelihood, asimov(model or likelihood.model, photon, nuisances, published="asimov"))
    toys = {}
    for e in likelihood.experiments:
        key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(e.name.encode()))
        keys = jax.random.split(key, 1 if size is None else size)
        drawn = jax.vmap(lambda k, e=e: e.term.sample(k, truth[e.name]))(keys)
        toys[e.name] = drawn[0] if size is None else drawn
    return toys
