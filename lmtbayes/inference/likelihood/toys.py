"""Toy data: every experiment drawn again from its own distribution at a truth; the one place where data are drawn.

A toy is drawn at expected counts (`draw_counts`); at a photon and pulls (`draw`), the pulls being central or drawn from
their constraints (`Constraints.sample`); at a truth in words (`simulate`); or at the expected counts of very many draws
at once (`draw_many`).
"""

import zlib
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.data import asimov, resolve_data
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.model import Data, JointModel

_BLOCK = 1000
"""Draws of one compiled call of `draw_many`."""


def draw_counts(experiments: Sequence[Experiment], keys: Sequence[Array] | Array, expected: Data) -> Data:
    """Draw the data of each experiment, with a key of its own, at its expected counts; to be traced."""
    return {e.name: e.term.sample(key, expected[e.name]) for e, key in zip(experiments, keys, strict=True)}


def draw(
    joint: JointModel, keys: Sequence[Array] | Array, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]
) -> Data:
    """Draw the data of each experiment, with a key of its own, at one photon and pulls; to be traced."""
    return draw_counts(joint.experiments, keys, joint.expected_counts(photon, joint.nuisance_values(pulls)))


def draw_many(
    experiments: Sequence[Experiment], expected: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw the data of each experiment at expected counts of shape (draws, bins); NaN where they are not finite.

    What counts is drawn by NumPy, as jax's sampler takes two seconds to compile; any other term by its own `sample`, in
    blocks of one shape.
    """
    return {e.name: _many(e, expected[e.name], rng) for e in experiments}


def _many(e: Experiment, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if e.term.draws_poisson:
        finite = np.isfinite(counts)
        return np.where(finite, rng.poisson(np.where(finite, np.maximum(counts, 0.0), 0.0)), np.nan)
    rows = np.pad(counts, ((0, -len(counts) % _BLOCK), (0, 0)), mode="edge")
    blocks = rows.reshape(-1, _BLOCK, rows.shape[1])
    parts = [e.term.sample(jax.random.key(int(rng.integers(2**63))), jnp.asarray(block)) for block in blocks]
    return np.concatenate([np.asarray(part) for part in parts])[: len(counts)]


def simulate(
    like: JointLikelihood,
    photon: HiddenPhoton,
    seed: int,
    *,
    nuisances: Mapping[str, ArrayLike] | None = None,
    model: GaugeModel | None = None,
    size: int | None = None,
) -> dict[str, Float[jax.Array, "... _bins"]]:
    """Draw toy data for every experiment, published ones included: a toy repeats all of them.

    Parameters
    ----------
    like
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
    check_likelihood(like)
    _checks.whole("seed", seed, 0)
    if size is not None:
        _checks.whole("size", size)
    truth = resolve_data(like.joint, asimov(model or like.model, photon, nuisances, published="asimov"))
    names = [e.name for e in like.experiments]
    keys = [jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode())) for name in names]
    split = [jax.random.split(key, 1 if size is None else size) for key in keys]
    toys = jax.vmap(lambda *own: draw_counts(like.experiments, own, truth))(*split)
    return {name: toys[name][0] if size is None else toys[name] for name in names}
