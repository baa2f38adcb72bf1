"""Partial widths, branching ratios and decay length of the hidden photon (Sect. 2.1 of arXiv:2104.03297).

Leading order in the kinetic mixing: a lepton that carries gauge charge decays with g_x Q, one that does not with
eps_x e. The interference of the two for a charged lepton (eps_x e/g_x = 0.4 % for eps_x = -g_x/70) and the hadronic
width, suppressed by (eps_x e/g_x)^2 = 2e-5 where quarks are neutral, are left out, as in the paper.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import ELECTRIC_CHARGE, HBAR_C_MEV_CM, LEPTON_MASSES
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton, check_model, check_photon

CHANNELS = ("nu", "e", "mu", "tau", "invisible", "total")


def decay_width(model: GaugeModel, photon: HiddenPhoton, channel: str) -> Float[Array, "..."]:
    """Partial width of the boson.

    Gamma(nu nubar) = g_x^2 M/(24 pi) sum_alpha Q_alpha^2; Gamma(l l) = g_l^2 M/(12 pi) (1 + 2r) sqrt(1 - 4r),
    r = m_l^2/M^2, with g_l = g_x Q_l, or eps_x e for a lepton without gauge charge.

    Parameters
    ----------
    model, photon
        Charges and parameters; the photon may be an array.
    channel
        "nu" (all flavours), "e", "mu", "tau", "invisible" (the same as "nu") or "total".

    Returns
    -------
    width
        [MeV], shape of `photon`. Zero below a threshold, with a gradient that is zero, not NaN, at it.

    Raises
    ------
    InvalidArgument
        Unknown channel, a model that is no GaugeModel, a photon that is no HiddenPhoton.
    """
    check_model(model)
    check_photon(photon)
    _checks.one_of("channel", channel, CHANNELS)
    if channel == "total":
        return sum((decay_width(model, photon, part) for part in ("nu", *FLAVOURS)), jnp.zeros(photon.shape))
    if channel in ("nu", "invisible"):
        charge2 = sum(model.charges[flavour] ** 2 for flavour in FLAVOURS)
        return jnp.broadcast_to(charge2 * photon.g_x**2 * photon.mass / (24.0 * np.pi), photon.shape)
    charge = model.charges[channel]
    coupling = charge * photon.g_x if charge != 0.0 else ELECTRIC_CHARGE * photon.eps_x
    ratio = (LEPTON_MASSES[channel] / photon.mass) ** 2
    is_open = ratio < 0.25
    # The square root's slope is infinite at threshold: evaluate it only where the channel is open.
    velocity = jnp.sqrt(jnp.where(is_open, 1.0 - 4.0 * ratio, 1.0))
    width = coupling**2 * photon.mass / (12.0 * np.pi) * (1.0 + 2.0 * ratio) * velocity
    return jnp.where(is_open, width, 0.0)


def branching_ratio(model: GaugeModel, photon: HiddenPhoton, channel: str) -> Float[Array, "..."]:
    """Branching ratio into one channel of `decay_width`; dimensionless, shape of `photon`.

    Zero, with a gradient that is zero, where nothing is open (g_x = 0 and eps_x = 0): such a boson does not decay.
    """
    total = decay_width(model, photon, "total")
    decays = total > 0.0
    return jnp.where(decays, decay_width(model, photon, channel) / jnp.where(decays, total, 1.0), 0.0)


def decay_length_cm(model: GaugeModel, photon: HiddenPhoton, energy: ArrayLike) -> Float[Array, "..."]:
    """Mean decay length in the laboratory, L = (p/M) hbar c/Gamma [cm], for a boson of total energy `energy` [MeV].

    Zero below the boson's mass, inf (with no finite gradient) where nothing is open.

    Raises
    ------
    InvalidArgument
        `energy` not positive.
    """
    _checks.positive("energy", energy, "MeV")
    momentum2 = jnp.maximum(jnp.square(jnp.asarray(energy, dtype=float)) - photon.mass**2, 0.0)
    safe = jnp.where(momentum2 > 0.0, momentum2, 1.0)
    momentum = jnp.where(momentum2 > 0.0, jnp.sqrt(safe), 0.0)
    return momentum / photon.mass * HBAR_C_MEV_CM / decay_width(model, photon, "total")
