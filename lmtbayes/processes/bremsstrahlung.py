"""mu Z -> mu Z A': radiation of a massive vector by a muon in the field of an atom, Eqs. 14-20 of arXiv:2104.03297.

With x = E_A'/E_0 and V = M^2 (1-x)/x + m_mu^2 x, three conventions:

"default": the full Weizsaecker-Williams approximation, the photon flux under the angular integral,

    dsigma/dx = alpha^2 g^2 beta (1-x)/(4 pi) int_V dU chi(t_min(U), t_max) A/U^2,
    A = 2 (2-2x+x^2)/(1-x) + 4 (M^2 + 2 m^2) [M^2 (1-x) + m^2 x^2 - U x]/U^2,   U = E_0^2 theta^2 x + V,

with t_min = [U/(2 E_0 (1-x))]^2, t_max = 1 GeV^2, up to the angle at which t_min = t_max.

"improved": one flux for all angles, chi((M^2/2E_0)^2, M^2 + m_mu^2), which makes the integral closed,

    dsigma/dx = alpha^2 g^2 beta chi/(2 pi) [(2-2x+x^2)/V - x (1-x)(M^2 + 2 m^2)/(3 V^2)],

Eq. 16 with its prefactor and its C_4 repaired. "paper": the same with t_max = M^2 and the printed prefactor
1/(2 pi^2), a factor pi too low: the one combination that gives the numbers of the paper's Figs. 4 and 5.
"""

import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import ALPHA, MUON_MASS
from lmtbayes.processes.photon_flux import photon_flux

CONVENTIONS = ("default", "improved", "paper")
T_MAX = 1e6
"""Largest squared momentum transfer of the default convention [MeV^2]."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_NODES, _WEIGHTS = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS


def dsigma_dx(
    x: ArrayLike,
    mass: ArrayLike,
    beam_energy: float,
    Z: float,
    A: float,
    *,
    convention: str = "default",
    inelastic: bool = True,
) -> Float[np.ndarray, "..."]:
    """Cross section per unit coupling squared, (dsigma/dx)/g^2 [MeV^-2], good to 1e-6.

    Parameters
    ----------
    x
        Fraction of the beam energy that the A' takes, between 0 and 1.
    mass
        M_A' [MeV]; x and mass broadcast.
    beam_energy
        E_0 of the muon [MeV].
    Z, A
        Of the target atom.
    convention
        "default", "improved" or "paper", as the first lines of this file say.
    inelastic
        Whether the break-up of the nucleus counts.

    Returns
    -------
    cross_section
        Zero where the production is closed: M >= E_0, or (default) t_min >= t_max at every angle.

    Raises
    ------
    InvalidArgument
        x outside (0, 1), a mass or energy that is not positive, an unknown convention.
    """
    _checks.one_of("convention", convention, CONVENTIONS)
    _checks.positive("mass", mass, "MeV")
    _checks.positive("beam_energy", beam_energy, "MeV")
    x, mass2 = np.broadcast_arrays(np.asarray(x, dtype=float), np.square(np.asarray(mass, dtype=float)))
    if not np.all((x > 0.0) & (x < 1.0)):
        raise _checks.invalid("x", x, "between 0 and 1, both excluded")
    virtuality = np.asarray(mass2 * (1.0 - x) / x + MUON_MASS**2 * x)
    beta = np.sqrt(np.maximum(1.0 - mass2 / beam_energy**2, 0.0))
    coupling = ALPHA**2 * beta / (2.0 * np.pi)
    if convention == "default":
        flux = {"Z": Z, "A": A, "inelastic": inelastic}
        return np.asarray(coupling * (1.0 - x) / 2.0 * _angular_integral(x, mass2, virtuality, beam_energy, flux))
    t_max = mass2 + MUON_MASS**2 if convention == "improved" else mass2
    chi = photon_flux(np.square(mass2 / (2.0 * beam_energy)), t_max, Z, A, inelastic=inelastic)
    splitting = (2.0 - 2.0 * x + x**2) / virtuality
    splitting -= x * (1.0 - x) * (mass2 + 2.0 * MUON_MASS**2) / (3.0 * virtuality**2)
    prefactor = coupling if convention == "improved" else coupling / np.pi
    return np.asarray(prefactor * chi * splitting)


def closing_mass(x: ArrayLike, beam_energy: float) -> Float[np.ndarray, "..."]:
    """M_A' [MeV] from which the default convention has no phase space at x: there U = V already gives t_min = t_max."""
    x = np.asarray(x, dtype=float)
    mass2 = 2.0 * beam_energy * np.sqrt(T_MAX) * x - MUON_MASS**2 * x**2 / (1.0 - x)
    return np.asarray(np.sqrt(np.maximum(mass2, 0.0)))


def _angular_integral(
    x: Float[np.ndarray, "..."],
    mass2: Float[np.ndarray, "..."],
    virtuality: Float[np.ndarray, "..."],
    beam_energy: float,
    flux: dict,
) -> Float[np.ndarray, "..."]:
    """int_V dU chi A/U^2 [MeV^-2], Gauss-Legendre in ln U."""
    scale = 2.0 * beam_energy * (1.0 - x)
    is_open = virtuality < scale * np.sqrt(T_MAX)
    log_range = np.where(is_open, np.log(scale * np.sqrt(T_MAX) / virtuality), 0.0)[..., None]
    U = virtuality[..., None] * np.exp(log_range * _NODES)
    chi = photon_flux(np.square(U / scale[..., None]), T_MAX, **flux)
    mu2, x, mass2 = MUON_MASS**2, x[..., None], mass2[..., None]
    amplitude2 = 2.0 * (2.0 - 2.0 * x + x**2) / (1.0 - x)
    amplitude2 = amplitude2 + 4.0 * (mass2 + 2.0 * mu2) * (mass2 * (1.0 - x) + mu2 * x**2 - U * x) / U**2
    return np.asarray(np.sum(log_range * _WEIGHTS * chi * amplitude2 / U, axis=-1))
