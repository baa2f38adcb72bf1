"""Weizsaecker-Williams photon flux chi of an atom, elastic and inelastic form factors (Eq. 15 of arXiv:2104.03297).

chi(t_min, t_max) = int dt (t - t_min)/t^2 G_2(t), G_2 = G_2,el + G_2,in, where t > 0 is minus the squared momentum
transfer.
"""

import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import ELECTRON_MASS, PROTON_MASS

PROTON_MAGNETIC_MOMENT = 2.79
"""mu_p in nuclear magnetons, as in G_2,in."""
PROTON_DIPOLE = 0.71e6
"""Squared mass of the nucleon's dipole form factor [MeV^2]."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(72)
_NODES, _WEIGHTS = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS
_CUT = 1e-6
"""Below this fraction of the screening scale G_2 ~ t^2 gives chi nothing (a relative 1e-12)."""


def screening_scales(Z: float) -> tuple[float, float]:
    """Return 1/a^2 and 1/a'^2 [MeV^2], where the electron cloud screens the nucleus and its protons.

    a = 111 Z^(-1/3)/m_e, a' = 773 Z^(-2/3)/m_e (Eq. 15; Bjorken et al., arXiv:0906.0580).
    """
    return (ELECTRON_MASS * Z ** (1.0 / 3.0) / 111.0) ** 2, (ELECTRON_MASS * Z ** (2.0 / 3.0) / 773.0) ** 2


def elastic_form_factor(t: ArrayLike, Z: float, A: float) -> Float[np.ndarray, "..."]:
    """G_2,el = Z^2 [a^2 t/(1 + a^2 t)]^2 / (1 + t/d)^2, d = 0.164 GeV^2 A^(-2/3); t in MeV^2."""
    t = np.asarray(t, dtype=float)
    screening, _ = screening_scales(Z)
    nucleus = 0.164e6 * A ** (-2.0 / 3.0)
    return np.asarray(np.square(Z * t / ((t + screening) * (1.0 + t / nucleus))))


def inelastic_form_factor(t: ArrayLike, Z: float) -> Float[np.ndarray, "..."]:
    """G_2,in = Z [a'^2 t/(1 + a'^2 t)]^2 [1 + t (mu_p^2 - 1)/(4 m_p^2)]/(1 + t/0.71 GeV^2)^4; t in MeV^2.

    The bracket of the magnetic moment is not squared (arXiv:2401.06843 corrects arXiv:0906.0580).
    """
    t = np.asarray(t, dtype=float)
    _, screening = screening_scales(Z)
    magnetic = 1.0 + t * ((PROTON_MAGNETIC_MOMENT**2 - 1.0) / (4.0 * PROTON_MASS**2))
    return np.asarray(Z * magnetic * np.square(t / ((t + screening) * np.square(1.0 + t / PROTON_DIPOLE))))


def photon_flux(
    t_min: ArrayLike, t_max: ArrayLike, Z: float, A: float, *, inelastic: bool = True
) -> Float[np.ndarray, "..."]:
    """Weizsaecker-Williams flux chi, good to 1e-8 for 1e-20 MeV^2 < t_min < t_max < 10 GeV^2.

    Parameters
    ----------
    t_min, t_max
        Limits of the squared momentum transfer [MeV^2]; any shapes that broadcast.
    Z, A
        Of the target atom.
    inelastic
        Whether the break-up of the nucleus counts.

    Returns
    -------
    chi
        Dimensionless; zero where t_min >= t_max.

    Raises
    ------
    InvalidArgument
        A limit that is negative or no number, Z or A not positive.

    Notes
    -----
    One quadrature in ln t serves both form factors: all their poles lie pi away from the real axis, and nothing
    cancels as t_min approaches t_max, where the closed form of the elastic part (partial fractions) loses its digits.
    """
    for name, limit in (("t_min", t_min), ("t_max", t_max)):
        _checks.non_negative(name, limit, "MeV^2")
    _checks.positive("Z", Z)
    _checks.positive("A", A)
    lower, upper = np.broadcast_arrays(np.asarray(t_min, dtype=float), np.asarray(t_max, dtype=float))
    is_open = lower < upper
    upper = np.where(is_open, upper, 1.0)
    lower = np.where(is_open, lower, 1.0)
    start = np.maximum(lower, _CUT * np.minimum(min(screening_scales(Z)), upper))
    log_range = np.log(upper / start)
    chi = np.zeros(lower.shape)
    # Node by node: a handful of arrays of the caller's shape at a time, instead of one 72 times as large.
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        t = start * np.exp(log_range * node)
        form_factor = elastic_form_factor(t, Z, A)
        if inelastic:
            form_factor = form_factor + inelastic_form_factor(t, Z)
        chi += weight * (1.0 - lower / t) * form_factor
    return np.where(is_open, chi * log_range, 0.0)
