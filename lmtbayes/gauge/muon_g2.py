"""One-loop shift of the muon's anomalous magnetic moment, Eq. 13 of arXiv:2104.03297, with the coupling of Eq. 9."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.constants import MUON_MASS
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton, check_model
from lmtbayes.gauge.photon import check_photon

# u = sin^2(pi t/2): good to 1e-7 from 0.01 MeV to 10 GeV, where the closed form cancels above 1 GeV.
_T, _W = np.polynomial.legendre.leggauss(64)
_T, _W = 0.5 * (_T + 1.0), 0.5 * _W
_U = np.sin(0.5 * np.pi * _T) ** 2
_U_WEIGHT = _W * 0.5 * np.pi * np.sin(np.pi * _T) * _U**2 * (1.0 - _U)


def delta_a_mu(
    photon: HiddenPhoton, model: GaugeModel = LMU_LTAU, *, convention: str = "default"
) -> Float[Array, "..."]:
    """Contribution of the boson to a_mu = (g-2)/2.

    Delta a_mu = g_mu^2/(4 pi^2) int_0^1 du u^2 (1-u)/(u^2 + (1-u) M^2/m_mu^2), g_mu = g_x Q_mu + eps_x e.

    Parameters
    ----------
    photon
        One or an array.
    model
        Its muon charge enters.
    convention
        "default"; "paper" takes g_mu = g_x Q_mu. Delta a_mu of Lmu-Ltau is then 1/0.991, 1/0.940, 1/0.486 times as
        large for eps_x/g_x = -1/70, -1/10, -1.

    Returns
    -------
    shift
        Dimensionless, >= 0, shape of `photon`. Limits: g_mu^2/(8 pi^2) for M << m_mu, g_mu^2 m_mu^2/(12 pi^2 M^2) for
        M >> m_mu.

    Raises
    ------
    InvalidArgument
        A photon that is no HiddenPhoton, a model that is no GaugeModel, an unknown convention.

    References
    ----------
    arXiv:2104.03297, Eqs. 9 and 13.
    """
    check_photon(photon)
    check_model(model)
    ratio2 = (photon.mass / MUON_MASS)[..., None] ** 2
    integral = jnp.sum(_U_WEIGHT / (_U**2 + (1.0 - _U) * ratio2), axis=-1)
    coupling = model.coupling(photon, "mu", convention=convention)
    return jnp.broadcast_to(coupling**2 / (4.0 * np.pi**2) * integral, photon.shape)
