"""When neutrinos of pions at rest arrive: a Gaussian beam pulse folded with the lives of the pion and of the muon.

Prompt nu_mu: Gaussian * exponential(tau_pi). Delayed nubar_mu and nu_e: that folded with exponential(tau_mu). Both in
closed form, also where the efficiency falls exponentially with time: a Gaussian or an exponential times exp(-k t) is
one again.
"""

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr, ndtr
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import MUON_LIFETIME_US, PION_LIFETIME_US

COMPONENTS = ("prompt", "delayed")


def arrived(
    time_us: ArrayLike, mean_us: ArrayLike, width_us: float, loss_per_us: ArrayLike = 0.0
) -> Float[Array, "components ..."]:
    """Integral of the arrival density times exp(-loss t) from the beginning up to a time; 1 at the end without loss.

    Parameters
    ----------
    time_us
        Upper end [us], any shape.
    mean_us, width_us
        Mean and standard deviation [us] of the instants at which pions are made, seen at the detector; the mean is
        differentiable.
    loss_per_us
        k >= 0 [1/us], of one shape with the times.

    Returns
    -------
    arrived
        Of the `COMPONENTS`, along a leading axis: worked out together, which is half as much to compile.
    """
    time, loss = jnp.broadcast_arrays(jnp.asarray(time_us, dtype=float), jnp.asarray(loss_per_us, dtype=float))
    pion, muon = PION_LIFETIME_US, MUON_LIFETIME_US
    lives = np.array([pion, muon]).reshape(2, *[1] * time.ndim)
    prompt, late = _one_life(lives, time, mean_us, width_us, loss)
    # Two lives one after the other: a difference of the single ones, weighted with the lifetimes.
    return jnp.stack([prompt, (muon * late - pion * prompt) / (muon - pion)])


def _one_life(
    lifetime_us: Float[np.ndarray, "lives ..."],
    time_us: Float[Array, "..."],
    mean_us: ArrayLike,
    width_us: float,
    loss_per_us: Float[Array, "..."],
) -> Float[Array, "lives ..."]:
    mean = jnp.asarray(mean_us, dtype=float)
    weight = jnp.exp(-loss_per_us * mean + 0.5 * (loss_per_us * width_us) ** 2) / (1.0 + loss_per_us * lifetime_us)
    life = lifetime_us / (1.0 + loss_per_us * lifetime_us)
    z = (time_us - mean + loss_per_us * width_us**2) / width_us
    ratio = width_us / life
    # exp(large) times a tiny tail: together in the exponent.
    return weight * (ndtr(z) - jnp.exp(0.5 * ratio**2 - ratio * z + log_ndtr(z - ratio)))


def fractions(
    edges_us: ArrayLike,
    mean_us: ArrayLike,
    width_us: float,
    loss_start_us: float = 0.0,
    loss_per_us: float = 0.0,
) -> Float[Array, "components bins"]:
    """Fraction of each component's neutrinos in each bin of time.

    Parameters
    ----------
    mean_us, width_us
        As in `arrived`; one mean.
    edges_us
        Edges of the bins [us], increasing, shape (bins + 1,).
    loss_start_us, loss_per_us
        Efficiency in time: 1 up to the start [us], exp(-loss (t - start)) after it.

    Returns
    -------
    fractions
        Shape (2, bins), prompt and delayed; they add up to less than one by what comes outside the edges or is lost.

    Raises
    ------
    InvalidArgument
        Edges that do not increase, a width that is not positive, a negative loss.
    """
    edges = _checks.increasing("edges_us", edges_us)
    _checks.positive("width_us", width_us, "us")
    _checks.non_negative("loss_per_us", loss_per_us, "1/us")
    # Each instant once: what is clipped to the start is there many times.
    early, of_early = np.unique(edges.clip(max=loss_start_us), return_inverse=True)
    late, of_late = np.unique(edges.clip(min=loss_start_us), return_inverse=True)
    loss = np.concatenate([np.zeros(early.size), np.full(late.size, loss_per_us)])
    found = arrived(np.concatenate([early, late]), mean_us, width_us, loss)
    before, after = found[:, of_early], found[:, early.size + of_late]
    return jnp.diff(before) + jnp.exp(loss_per_us * loss_start_us) * jnp.diff(after)
