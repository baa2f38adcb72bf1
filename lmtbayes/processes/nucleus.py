"""Coherent neutrino-nucleus scattering with a hidden photon: Eq. 33 of arXiv:2104.03297 as a perfect square.

    dsigma/dE_R = (G_F^2 M_N/pi) (1 - M_N E_R/(2 E_nu^2)) F^2 (Q_nuN/2 + chi)^2
    chi = -g_nu g_N/(sqrt(2) G_F (2 M_N E_R + M_A'^2))

with g_nu and g_N the vector couplings of the neutrino and of the nucleus to the boson (g_x Q_nu and -eps_x e Z in
Lmu-Ltau, which is Eq. 33). Couplings come in as numbers: nothing here knows the gauge group. All arguments broadcast.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from lmtbayes.constants import FERMI_CONSTANT


def weak_charge(protons: ArrayLike, neutrons: ArrayLike, sin2_theta_w: ArrayLike) -> Float[Array, "..."]:
    """Q_nuN = N - (1 - 4 sin^2 theta_W) Z."""
    return jnp.asarray(neutrons, dtype=float) - (1.0 - 4.0 * jnp.asarray(sin2_theta_w)) * jnp.asarray(protons)


def momentum_transfer(recoil_energy: ArrayLike, nuclear_mass: ArrayLike) -> Float[Array, "..."]:
    """|q| = sqrt(2 M_N E_R) [MeV]; energy and mass in MeV. q^2 = -|q|^2 is spacelike."""
    return jnp.sqrt(2.0 * jnp.asarray(nuclear_mass) * jnp.asarray(recoil_energy, dtype=float))


def propagator(momentum: ArrayLike, mediator_mass: ArrayLike) -> Float[Array, "..."]:
    """1/D = 1/(|q|^2 + M_A'^2) [MeV^-2]."""
    return 1.0 / (jnp.asarray(momentum, dtype=float) ** 2 + jnp.asarray(mediator_mass) ** 2)


def hidden_amplitude(
    neutrino_coupling: ArrayLike, nuclear_coupling: ArrayLike, boson_propagator: ArrayLike
) -> Float[Array, "..."]:
    """Amplitude chi = -g_nu g_N/(sqrt2 G_F D), in units of the Z's amplitude: it adds to Q_nuN/2. Dimensionless.

    Parameters
    ----------
    neutrino_coupling
        g_x Q_alpha of the neutrino's flavour.
    nuclear_coupling
        g_x (Q_p Z + Q_n N) - eps_x e Z.
    boson_propagator
        1/D [MeV^-2], of `propagator`.
    """
    return -jnp.asarray(neutrino_coupling) * nuclear_coupling * boson_propagator / (math.sqrt(2.0) * FERMI_CONSTANT)


def contact_cross_section(nuclear_mass: ArrayLike) -> Float[Array, "..."]:
    """G_F^2 M_N/pi [MeV^-3]: dsigma/dE_R for unit amplitude, form factor and kinematic factor."""
    return FERMI_CONSTANT**2 / math.pi * jnp.asarray(nuclear_mass, dtype=float)


def kinematic_factor(
    recoil_energy: ArrayLike, neutrino_energy: ArrayLike, nuclear_mass: ArrayLike, energy_correction: bool = False
) -> Float[Array, "..."]:
    """1 - M_N E_R/(2 E_nu^2), zero above the end point; with `energy_correction` also the term -E_R/E_nu (0.2 %)."""
    energy = jnp.asarray(neutrino_energy, dtype=float)
    factor = 1.0 - 0.5 * jnp.asarray(nuclear_mass) * recoil_energy / energy**2
    return jnp.maximum(factor - (recoil_energy / energy if energy_correction else 0.0), 0.0)


def minimum_neutrino_energy(
    recoil_energy: ArrayLike, nuclear_mass: ArrayLike, energy_correction: bool = False
) -> Float[Array, "..."]:
    """The neutrino energy [MeV] at which `kinematic_factor` vanishes.

    sqrt(M_N E_R/2); with `energy_correction` the exact (E_R + sqrt(E_R^2 + 2 M_N E_R))/2.
    """
    recoil, mass = jnp.asarray(recoil_energy, dtype=float), jnp.asarray(nuclear_mass)
    if energy_correction:
        return 0.5 * (recoil + jnp.sqrt(recoil**2 + 2.0 * mass * recoil))
    return jnp.sqrt(0.5 * mass * recoil)


def maximum_recoil_energy(
    neutrino_energy: ArrayLike, nuclear_mass: ArrayLike, energy_correction: bool = False
) -> Float[Array, "..."]:
    """End point [MeV], 2 E_nu^2/M_N; with `energy_correction` the exact 2 E_nu^2/(M_N + 2 E_nu)."""
    energy, mass = jnp.asarray(neutrino_energy, dtype=float), jnp.asarray(nuclear_mass)
    return 2.0 * energy**2 / (mass + (2.0 * energy if energy_correction else 0.0))


def cross_section(
    recoil_energy: ArrayLike,
    neutrino_energy: ArrayLike,
    nuclear_mass: ArrayLike,
    form_factor: ArrayLike,
    weak_charge: ArrayLike,
    hidden_amplitude: ArrayLike = 0.0,
    energy_correction: bool = False,
) -> Float[Array, "..."]:
    """dsigma/dE_R [MeV^-3] of one neutrino flavour on one nucleus.

    Parameters
    ----------
    recoil_energy, neutrino_energy, nuclear_mass
        E_R, E_nu, M_N [MeV].
    form_factor
        F at |q| = `momentum_transfer(E_R, M_N)`.
    weak_charge
        Q_nuN, of `weak_charge`.
    hidden_amplitude
        chi, of the function of that name; 0 is the Standard Model.
    energy_correction
        Keep the term -E_R/E_nu that Eq. 33 drops.

    References
    ----------
    arXiv:2104.03297, Eq. 33.
    """
    kinematics = kinematic_factor(recoil_energy, neutrino_energy, nuclear_mass, energy_correction)
    amplitude = 0.5 * jnp.asarray(weak_charge) + hidden_amplitude
    return contact_cross_section(nuclear_mass) * kinematics * jnp.asarray(form_factor) ** 2 * amplitude**2
