"""Electrons of a xenon atom that an energy deposit can free: all of them, a step a subshell, or RRPA.

NumPy: folded once, when an experiment is built.
"""

import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks, tables

BINDINGS = ("rrpa", "stepped", "free")
RRPA_RANGE_KEV = (0.254, 28.35)
"""The many-body calculation covers this range of energies; outside the ratio is one."""


def free_electrons(energy_kev: ArrayLike, binding: str = "stepped") -> Float[np.ndarray, "..."]:
    """Electrons of xenon that scatter as free ones at an energy deposit.

    Parameters
    ----------
    energy_kev
        Energy deposit [keV], any shape.
    binding
        "free": all 54. "stepped": those whose binding energy is below the deposit. "rrpa": stepped times `rrpa_ratio`.

    Returns
    -------
    electrons
        Effective number, shape of `energy_kev`.

    Raises
    ------
    InvalidArgument
        Unknown binding.

    References
    ----------
    J.-W. Chen, H.-C. Chi, C.-P. Liu, C.-P. Wu, Phys. Lett. B 774 (2017) 656, arXiv:1610.04177.
    """
    _checks.one_of("binding", binding, BINDINGS)
    table = tables.read("xenon/subshells")
    energy = np.asarray(energy_kev, dtype=float)
    if binding == "free":
        return np.full(energy.shape, table["electrons"].sum())
    is_open = energy[..., None] >= 1e-3 * table["binding_energy_ev"]
    stepped = np.asarray(np.sum(is_open * table["electrons"], axis=-1))
    return np.asarray(stepped * rrpa_ratio(energy)) if binding == "rrpa" else stepped


def rrpa_ratio(energy_kev: ArrayLike) -> Float[np.ndarray, "..."]:
    """Rate of the relativistic random-phase approximation over the stepped one; linear in the table, one outside."""
    table = tables.read("xenon/rrpa_ratio")
    energy = np.asarray(energy_kev, dtype=float)
    inside = (energy >= RRPA_RANGE_KEV[0]) & (energy <= RRPA_RANGE_KEV[1])
    return np.where(inside, np.interp(energy, table["energy_kevee"], table["ratio"]), 1.0)


def kinks_kev() -> Float[np.ndarray, " kinks"]:
    """Energies [keV] where `free_electrons` jumps or bends: a quadrature must stop there."""
    return np.unique(
        np.concatenate(
            [
                1e-3 * tables.read("xenon/subshells")["binding_energy_ev"],
                tables.read("xenon/rrpa_ratio")["energy_kevee"],
                RRPA_RANGE_KEV,
            ]
        )
    )
