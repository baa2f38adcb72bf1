"""Partial widths, branching ratios and decay length of the hidden photon (Sect. 2.1 of arXiv:2104.03297).

A charged lepton couples with g_x Q + eps_x e (Eq. 9), eps_x at q^2 = 0. The hadronic width is left out, as in the
paper: where quarks are neutral it is (eps_x e/g_x)^2 times R(M) = sigma(e+e- -> hadrons)/sigma(e+e- -> mu+mu-) of a
muon's, 2e-5 R for eps_x = -g_x/70, and open above 280 MeV.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes._left_out import one_call, warn_left_out
from lmtbayes.constants import HBAR_C_MEV_CM, LEPTON_MASSES, PION_MASS
from lmtbayes.gauge.couplings import CONVENTIONS, hadronic_decays
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton, check_model
from lmtbayes.gauge.photon import check_photon

CHANNELS = ("nu", "e", "mu", "tau", "invisible", "total")


def decay_width(
    model: GaugeModel, photon: HiddenPhoton, channel: str, *, convention: str = "default"
) -> Float[Array, "..."]:
    """Partial width of the boson.

    Gamma(nu nubar) = g_x^2 M/(24 pi) sum_alpha Q_alpha^2; Gamma(l l) = g_l^2 M/(12 pi) (1 + 2r) sqrt(1 - 4r),
    r = m_l^2/M^2, with g_l = g_x Q_l + eps_x e.

    Parameters
    ----------
    model, photon
        Charges and parameters; the photon may be an array.
    channel
        "nu" (all flavours), "e", "mu", "tau", "invisible" (the same as "nu") or "total".
    convention
        "default"; "paper" takes g_l = g_x Q_l for a lepton with gauge charge, eps_x e for one without.

    Returns
    -------
    width
        [MeV], shape of `photon`. Zero below a threshold, with a gradient that is zero, not NaN, at it.

    Raises
    ------
    InvalidArgument
        Unknown channel or convention, a model that is no GaugeModel, a photon that is no HiddenPhoton.

    Warns
    -----
    LeftOutWarning
        "total" of a model with quark charges, above 2 m_pi; not where the mass is traced.
    """
    check_model(model)
    check_photon(photon)
    _checks.one_of("channel", channel, CHANNELS)
    if not _checks.is_traced(photon.mass) and np.any(np.asarray(photon.mass) > 2.0 * PION_MASS):
        warn_left_out(
            model.name, [(f"width {channel!r}", hadronic_decays(model.charges) if channel == "total" else ())]
        )
    if channel == "total":
        return sum(
            (decay_width(model, photon, part, convention=convention) for part in ("nu", *FLAVOURS)),
            jnp.zeros(photon.shape),
        )
    _checks.one_of("convention", convention, CONVENTIONS)
    if channel in ("nu", "invisible"):
        couplings = [model.coupling(photon, f"nu_{flavour}") for flavour in FLAVOURS]
        coupling2 = sum((g**2 for g in couplings), jnp.zeros(()))
        return jnp.broadcast_to(coupling2 * photon.mass / (24.0 * np.pi), photon.shape)
    coupling = model.coupling(photon, channel, convention=convention)
    ratio = (LEPTON_MASSES[channel] / photon.mass) ** 2
    is_open = ratio < 0.25
    # The square root's slope is infinite at threshold: evaluate it only where the channel is open.
    velocity = jnp.sqrt(jnp.where(is_open, 1.0 - 4.0 * ratio, 1.0))
    width = coupling**2 * photon.mass / (12.0 * np.pi) * (1.0 + 2.0 * ratio) * velocity
    return jnp.broadcast_to(jnp.where(is_open, width, 0.0), photon.shape)


def branching_ratio(
    model: GaugeModel, photon: HiddenPhoton, channel: str, *, convention: str = "default"
) -> Float[Array, "..."]:
    """Branching ratio into one channel of `decay_width`; dimensionless, shape of `photon`.

    Zero, with a gradient that is zero, where nothing is open (g_x = 0 and eps_x = 0): such a boson does not decay.
    """
    with one_call():
        total = decay_width(model, photon, "total", convention=convention)
        part = decay_width(model, photon, channel, convention=convention)
    decays = total > 0.0
    return jnp.where(decays, part / jnp.where(decays, total, 1.0), 0.0)


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
