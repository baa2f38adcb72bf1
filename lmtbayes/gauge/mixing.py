"""Loop-induced kinetic mixing of a model, Eqs. 10-12 of arXiv:2104.03297 with the sign of Eq. 11."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import LEPTON_MASSES
from lmtbayes.gauge.loop import check_finite_mixing, mixing_ratio
from lmtbayes.gauge.models import GaugeModel


def loop_mixing(model: GaugeModel, q2: ArrayLike = 0.0, new_physics_scale: float | None = None) -> Float[Array, "..."]:
    """Loop-induced kinetic mixing per unit of gauge coupling, eps_x / g_x.

    Parameters
    ----------
    model
        Its lepton charges enter; its own mixing rule does not.
    q2
        Four-momentum transfer squared [MeV^2], spacelike negative, any shape; below the lightest threshold 4 m_f^2.
    new_physics_scale
        mu of Eq. 12 [MeV]; by default the model's own. Needed where the lepton charges do not add up to zero (Lmu).

    Returns
    -------
    ratio
        Dimensionless, shape of `q2`. -1/69.28 for Lmu-Ltau at q2 = 0.

    Raises
    ------
    InvalidArgument
        `q2` not finite or above a threshold; a scale that is needed and missing; quark charges.

    References
    ----------
    arXiv:2104.03297, Eqs. 10-12 with the sign of Eq. 11.
    """
    scale = model.new_physics_scale if new_physics_scale is None else new_physics_scale
    if scale is not None:
        _checks.positive("new_physics_scale", scale, "MeV")
    charges = dict(model.charges)
    check_finite_mixing(model.name, charges, scale)
    _checks.finite("q2", q2)
    lightest = min((LEPTON_MASSES[f] for f in LEPTON_MASSES if charges.get(f, 0.0) != 0.0), default=np.inf)
    if not _checks.is_traced(q2) and np.any(np.asarray(q2) >= 4.0 * lightest**2):
        raise _checks.invalid("q2", q2, f"below the pair threshold 4 m_f^2 = {4 * lightest**2:g} MeV^2")
    return mixing_ratio(charges, jnp.asarray(q2, dtype=float), scale)
