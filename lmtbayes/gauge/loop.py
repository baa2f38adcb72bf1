"""The loop integral of kinetic mixing as a function of charges alone, Eqs. 10-12 of arXiv:2104.03297.

Eq. 10 is used with the overall sign of Eq. 11 (its printed minus contradicts Eq. 11):

    eps(q^2)/g_x = (e / 2 pi^2) sum_f Q_f Q_f^x  int_0^1 dx x(1-x) ln[mu^2 / (m_f^2 - x(1-x) q^2)],  Q_f = -1.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from lmtbayes.constants import ELECTRIC_CHARGE, LEPTON_MASSES
from lmtbayes.errors import InvalidArgument

LEPTON_ELECTRIC_CHARGE = -1.0

# x = sin^2(pi t/2) spreads the nodes towards both ends, where the electron's logarithm bends.
_T, _W = np.polynomial.legendre.leggauss(64)
_T, _W = 0.5 * (_T + 1.0), 0.5 * _W
_X = np.sin(0.5 * np.pi * _T) ** 2
_X_WEIGHT = _W * 0.5 * np.pi * np.sin(np.pi * _T) * _X * (1.0 - _X)


def mixing_ratio(charges: dict[str, float], q2: Any, new_physics_scale: float | None, xp: Any = jnp) -> Any:
    """Return eps(q^2)/g_x for charges of the leptons, in the array library `xp` (numpy or jax.numpy).

    `q2` [MeV^2] has any shape. The scale [MeV] is needed only where the charges do not add up to zero.
    """
    scale2 = 1.0 if new_physics_scale is None else new_physics_scale**2
    total = 0.0
    for flavour, mass in LEPTON_MASSES.items():
        charge = charges.get(flavour, 0.0)
        if charge != 0.0:
            running_mass2 = mass**2 - _X * (1.0 - _X) * xp.asarray(q2)[..., None]
            total = total + LEPTON_ELECTRIC_CHARGE * charge * xp.sum(_X_WEIGHT * xp.log(scale2 / running_mass2), -1)
    return ELECTRIC_CHARGE / (2.0 * np.pi**2) * (total + xp.zeros(np.shape(q2)))


def check_finite_mixing(name: str, charges: dict[str, float], new_physics_scale: float | None) -> None:
    """Require charges for which the loop is defined: leptons only, and summing to zero unless a scale is given."""
    quarks = [key for key in ("u", "d") if charges.get(key, 0.0) != 0.0]
    if quarks:
        raise InvalidArgument(
            f"`mixing`: the loop of model {name!r} runs over quarks ({', '.join(quarks)}), for which Eq. 10 is not "
            "perturbative; give eps_x / g_x as a number"
        )
    if new_physics_scale is None and sum(charges.get(flavour, 0.0) for flavour in LEPTON_MASSES) != 0.0:
        raise InvalidArgument(
            f"`new_physics_scale` must be given [MeV]: the lepton charges of model {name!r} do not add up to zero, "
            "so that its loop mixing depends logarithmically on the scale of new physics (Eq. 12); got None"
        )
