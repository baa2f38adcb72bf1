"""Detection of nuclear recoils by scintillation: quenching, and an efficiency that rises in the quenched energy."""

from dataclasses import dataclass
from types import MappingProxyType

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks


@dataclass(frozen=True)
class TanhEfficiency:
    """Efficiency 0.5 (1 + tanh((E_ee - centre)/width)) in the quenched energy E_ee = Q_F E_R, Q_F = offset + slope E_R.

    Parameters
    ----------
    quenching_offset
        Q_F at zero energy.
    quenching_slope_per_kevnr
        dQ_F/dE_R [1/keVnr].
    centre_kevee, width_kevee
        [keVee].
    quenching_uncertainty
        Relative, of Q_F as a whole.
    """

    quenching_offset: float
    quenching_slope_per_kevnr: float
    centre_kevee: float
    width_kevee: float = 1.0
    quenching_uncertainty: float = 0.024

    def __post_init__(self) -> None:
        _checks.positive("quenching_offset", self.quenching_offset)
        _checks.non_negative("quenching_slope_per_kevnr", self.quenching_slope_per_kevnr)
        _checks.positive("width_kevee", self.width_kevee, "keVee")
        _checks.positive("quenching_uncertainty", self.quenching_uncertainty)

    def quenched_kevee(self, recoil_kevnr: ArrayLike, quenching_scale: ArrayLike = 1.0) -> Float[Array, "..."]:
        """Quenched energy [keVee] of a recoil [keVnr]; `quenching_scale` multiplies Q_F."""
        recoil = jnp.asarray(recoil_kevnr, dtype=float)
        factor = self.quenching_offset + self.quenching_slope_per_kevnr * recoil
        return jnp.asarray(quenching_scale) * factor * recoil

    def __call__(self, recoil_kevnr: ArrayLike, quenching_scale: ArrayLike = 1.0) -> Float[Array, "..."]:
        """Efficiency in [0, 1] for a true recoil energy [keVnr], any shape; differentiable in `quenching_scale`."""
        distance = self.quenched_kevee(recoil_kevnr, quenching_scale) - self.centre_kevee
        return 0.5 * (1.0 + jnp.tanh(distance / self.width_kevee))


EFFICIENCIES: MappingProxyType[str, TanhEfficiency | None] = MappingProxyType(
    {
        "none": None,
        "cenns610": TanhEfficiency(0.246, 7.8e-4, 4.0),
    }
)
"""Efficiencies by name; "none" is one above threshold.

"cenns610": arXiv:2104.03297, Sect. 4, with the quenching that COHERENT fits in argon, 0.246(6) + 7.8(9)e-4 E_R/keVnr
(arXiv:2003.10630); the relative uncertainty of its offset is taken for Q_F as a whole. The paper's tanh is in quenched
keVee: read in keVnr it would give 60 % more events.
"""


def efficiency(given: str | TanhEfficiency | None) -> TanhEfficiency | None:
    """Return an efficiency: one of `EFFICIENCIES` by name, or an object (None: one) as it is.

    Raises
    ------
    InvalidArgument
        Neither.
    """
    if given is None or isinstance(given, TanhEfficiency):
        return given
    if not isinstance(given, str):
        raise _checks.invalid("efficiency", given, f"a TanhEfficiency, or one of {', '.join(map(repr, EFFICIENCIES))}")
    _checks.one_of("efficiency", given, EFFICIENCIES)
    return EFFICIENCIES[given]
