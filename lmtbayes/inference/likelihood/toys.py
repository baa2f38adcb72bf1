"""Toy data: every experiment drawn again from its own distribution at a truth."""

import zlib
from collections.abc import Mapping

import jax
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.data import asimov, resolve_data
from lmtbayes.inference.likelihood.joint import JointLikelihood


def simulate(
    likelihood: JointLikelihood,
    photon: HiddenPhoton,
    seed: int,
    nuisances: Mapping[str, ArrayLike] | None = None,
    model: GaugeModel | None = None,
    size: int | None = None,
) -> dict[str, Float[jax.Array, "... _bins"]]:
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

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> like = lmt.JointLikelihood(["ess10"], lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"]))
    >>> toys = lmt.simulate(like, lmt.BENCHMARKS["BP1"], seed=0, size=100)
    >>> toys["ess10"].shape
    (100, 4)
    >>> toy = like.with_data({name: counts[0] for name, counts in toys.items()})
    """
    _checks.whole("seed", seed, 0)
    if size is not None:
        _checks.whole("size", size)
    truth = resolve_data(likelihood.joint, asimov(model or likelihood.model, photon, nuisances, published="asimov"))
    toys = {}
    for e in likelihood.experiments:
        key = jax.random.fold_in(jax.random.key(seed), zlib.crc32(e.name.encode()))
        keys = jax.random.split(key, 1 if size is None else size)
        drawn = jax.vmap(lambda k, e=e: e.term.sample(k, truth[e.name]))(keys)
        toys[e.name] = drawn[0] if size is None else drawn
    return toys
