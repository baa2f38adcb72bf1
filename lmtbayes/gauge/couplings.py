"""The vector coupling of every fermion to the boson, Eq. 9 of arXiv:2104.03297: g_x Q_f - eps_x e Q_f^em.

So a muon of Lmu-Ltau couples with g_x + eps_x e, an electron with eps_x e, a neutrino with g_x Q alone. Everything that
needs a coupling takes it from here, by `GaugeModel.coupling`: g-2, widths, bremsstrahlung, tridents, recoils of
electrons and of nuclei.
"""

from collections.abc import Mapping
from types import MappingProxyType

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import ELECTRIC_CHARGE
from lmtbayes.gauge.photon import HiddenPhoton

ELECTRIC_CHARGES = MappingProxyType(
    {"e": -1.0, "mu": -1.0, "tau": -1.0, "nu_e": 0.0, "nu_mu": 0.0, "nu_tau": 0.0, "u": 2.0 / 3.0, "d": -1.0 / 3.0}
)
"""Of the fermions, in units of the positron's."""
LEPTONS = ("e", "mu", "tau")
CONVENTIONS = ("default", "paper")


def hadronic_decays(charges: Mapping[str, float]) -> tuple[str, ...]:
    """Sentence on decays to hadrons, which no width holds, for a model whose quarks carry charge."""
    if not any(charges.get(quark, 0.0) for quark in ("u", "d")):
        return ()
    return ("decays to hadrons above 2 m_pi: its quarks carry charge, and branching ratios are those among leptons",)


def vector_coupling(
    charges: Mapping[str, ArrayLike],
    photon: HiddenPhoton,
    fermion: str,
    running: ArrayLike = 1.0,
    convention: str = "default",
) -> Float[Array, "..."]:
    """Vector coupling of a fermion to the boson, g_x Q_f - eps_x e Q_f^em.

    Parameters
    ----------
    charges, photon
        Of the gauge group, by particle (`GaugeModel.charges`); the photon may be an array.
    fermion
        "e", "mu", "tau", "nu_e", "nu_mu", "nu_tau", "u" or "d". A neutrino has the charge of its lepton.
    running
        eps(q^2)/eps(0), `GaugeModel.running`. 1 where the boson is on its mass shell, and in loops: eps_x is then taken
        at q^2 = 0.
    convention
        "default"; "paper" leaves mixing out of a charged lepton that carries gauge charge, as the paper does.

    Returns
    -------
    coupling
        Dimensionless, of either sign; shapes of photon and `running` broadcast.

    Raises
    ------
    InvalidArgument
        An unknown fermion or convention.

    References
    ----------
    arXiv:2104.03297, Eq. 9.
    """
    _checks.one_of("fermion", fermion, ELECTRIC_CHARGES)
    _checks.one_of("convention", convention, CONVENTIONS)
    gauge: ArrayLike = charges.get(fermion.removeprefix("nu_"), 0.0)
    electric: ArrayLike = ELECTRIC_CHARGES[fermion]
    if convention == "paper" and fermion in LEPTONS:
        electric = electric * (gauge == 0.0)
    return photon.g_x * gauge - photon.eps_x * running * (ELECTRIC_CHARGE * electric)


def nuclear_coupling(
    charges: Mapping[str, ArrayLike],
    photon: HiddenPhoton,
    protons: ArrayLike,
    neutrons: ArrayLike,
    running: ArrayLike = 1.0,
) -> Float[Array, "..."]:
    """Vector coupling of a nucleus, the sum over its quarks: g_x (Q_p Z + Q_n N) - eps_x e Z; as `vector_coupling`."""
    protons, neutrons = jnp.asarray(protons), jnp.asarray(neutrons)
    up, down = (charges.get(quark, 0.0) for quark in ("u", "d"))
    gauge = (2.0 * up + down) * protons + (up + 2.0 * down) * neutrons
    return photon.g_x * gauge - photon.eps_x * running * ELECTRIC_CHARGE * protons
