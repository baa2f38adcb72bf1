"""Data of a joint likelihood: Asimov, observed, given, or toys; in the end one array of counts an experiment.

Asimov data stand for what has not been measured. What has been measured stays as observed, unless it is asked for
otherwise: a truth does not change what a published search saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing, check_model
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference.likelihood.evaluation import evaluation, is_evaluated
from lmtbayes.inference.likelihood.model import Data, JointModel

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
        The truth; one photon. No boson at all is `HiddenPhoton.none()`.
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

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> truth = lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"])
    >>> lmt.JointLikelihood(["ess10"], lmt.LMU_LTAU, truth).data["ess10"].round(1)
    Array([818.1, 347.2, 111.8,  38.9], dtype=float64)
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


def resolve_data(joint: JointModel, data: Asimov | str | Mapping[str, ArrayLike], evaluated: bool = False) -> Data:
    """Return one array of counts for each experiment; the errors are those of JointLikelihood."""
    experiments = joint.experiments
    if isinstance(data, Asimov):
        if data.published == "asimov":
            return _expected(joint, data, experiments, evaluated)
        published = {e.name: jnp.asarray(e.observed) for e in experiments if e.observed is not None}
        if len(published) == len(experiments):
            raise InvalidArgument(
                f"`data` = asimov(...) fills in projections, but {', '.join(published)} "
                f"{'has' if len(published) == 1 else 'have'} published data: use data='observed', or "
                "asimov(..., published='asimov') to replace them"
            )
        projections = tuple(e for e in experiments if e.name not in published)
        return _expected(joint, data, projections, evaluated) | published
    if isinstance(data, str):
        _checks.one_of("data", data, ("observed",))
        check_observed(experiments)
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


def check_observed(experiments: Sequence[Experiment]) -> None:
    """Require published data of every experiment.

    Raises
    ------
    InvalidArgument
        A projection has none.
    """
    unseen = [e.name for e in experiments if e.observed is None]
    if unseen:
        raise InvalidArgument(
            f"`data` = 'observed' needs observed data in every experiment; {', '.join(unseen)} "
            f"{'is a projection' if len(unseen) == 1 else 'are projections'}"
        )


def _expected(joint: JointModel, truth: Asimov, experiments: Sequence[Experiment], evaluated: bool) -> Data:
    nuisances = truth.nuisances or {}
    declared = {n.name for e in joint.experiments for n in e.declared}
    for name in nuisances:
        if name not in declared:
            raise _checks.unknown("nuisance of the true `nuisances`", name, sorted(declared))
        _checks.scalar(f"nuisances[{name!r}]", nuisances[name])
    if (evaluated or is_evaluated(joint)) and truth.model == joint.model and not nuisances:
        # What the check compiles gives the counts too: at no cost, where eager operations would take seconds.
        one = jax.tree.map(lambda x: np.asarray(x)[None], (truth.photon, joint.central_pulls))
        anything = {e.name: np.ones(e.n_bins) for e in joint.experiments}
        return {name: jnp.asarray(x[0]) for name, x in evaluation(joint)(one, anything).counts.items()}
    return {
        e.name: e.expected_counts(
            truth.model, truth.photon, {k: v for k, v in nuisances.items() if k in {n.name for n in e.declared}}
        )
        for e in experiments
    }
