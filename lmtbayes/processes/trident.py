r"""Neutrino trident production nu_mu N -> nu_mu mu+ mu- N in the equivalent-photon approximation: sigma/sigma_SM.

    sigma(E) = int ds/s sigma_gn(s) (Z^2 alpha/pi) int_{(s/2E)^2} dq2/q2 F(q2)^2 (1 - q2_min/q2)
    sigma_gn(s) = (alpha s/2pi) int dx dy sum_{I = V, A} c_I(Q2)^2 [x y^2 F1_I + (1 - y) F2_I],  Q2 = x y s,
    c_V = G_F (1/2 + 2 s_W^2) + g^2/(sqrt2 (M^2 + Q2)),  c_A = G_F/2.

The structure functions of the photon, F1 and F2, keep the muon's mass. They depend on x and t = y s = Q2 + W2 alone,
so that the integrals over s are elementary and three are left, over q, t and x. With <...> the mean over the cross
section of a vector current, all that a mass of the boson needs is <1/(M^2 + Q2)> and <1/(M^2 + Q2)^2>:

    R = 1 + A g^2 + B g^4.

NumPy: everything here is folded once, when an experiment is built.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import ArrayLike, Float
from scipy.special import spherical_jn

from lmtbayes import _checks
from lmtbayes.constants import FERMI_CONSTANT, HBAR_C_MEV_FM, MUON_MASS, SIN2_THETA_W
from lmtbayes.processes.form_factors import Helm

THRESHOLD = 4.0 * MUON_MASS**2
"""Smallest t = Q2 + W2 [MeV^2]: a pair of muons at rest."""
LARGEST_MOMENTUM = 1.0e3
"""q [MeV] up to which the Coulomb field of the nucleus is integrated; F^2 has fallen below 1e-9 there."""
_NODES_T, _NODES_Q, _NODES_X = 64, 96, 96


class Nucleus(NamedTuple):
    """One nucleus of a target: how many there are (relative), its charge and its mass number."""

    abundance: float
    protons: int
    mass_number: float


class StructureFunctions(NamedTuple):
    """F1 and F2 of the photon for a vector and an axial current of muons."""

    vector1: np.ndarray
    vector2: np.ndarray
    axial1: np.ndarray
    axial2: np.ndarray


def structure_functions(x: ArrayLike, t: ArrayLike) -> StructureFunctions:
    """Structure functions of a real photon that splits into two muons, up to the coupling alpha.

    Parameters
    ----------
    x
        Q2/(Q2 + W2), above 0 and below 1 - 4 m^2/t.
    t
        Q2 + W2 [MeV^2].

    Returns
    -------
    functions
        Dimensionless. The mass enters through r = m^2/Q2, here as x r = m^2/t, which is finite at Q2 = 0.
    """
    x, t = np.asarray(x, dtype=float), np.asarray(t, dtype=float)
    rho = MUON_MASS**2 / t
    velocity = np.sqrt(1.0 - 4.0 * rho / (1.0 - x))
    log = 2.0 * np.arctanh(velocity)
    splitting = 1.0 - 2.0 * x + 2.0 * x**2
    vector2 = log * (splitting + 4.0 * (1.0 - 3.0 * x) * rho - 8.0 * rho**2)
    vector2 += velocity * (-1.0 + 8.0 * x * (1.0 - x) - 4.0 * (1.0 - x) * rho)
    vector1 = log * (splitting + 4.0 * (1.0 - x) * rho - 8.0 * rho**2)
    vector1 += velocity * (-1.0 + 4.0 * x * (1.0 - x) - 4.0 * (1.0 - x) * rho)
    axial1 = log * (splitting - 4.0 * (1.0 - x) * rho + 8.0 * rho**2)
    axial1 += velocity * (-1.0 + 4.0 * x * (1.0 - x) + 4.0 * (1.0 - x) * rho)
    return StructureFunctions(
        vector1=vector1 / (2.0 * np.pi),
        vector2=x * vector2 / np.pi,
        axial1=axial1 / (2.0 * np.pi),
        axial2=(x * vector2 + 4.0 * rho * log) / np.pi,
    )


@dataclass(frozen=True)
class Trident:
    """Trident production by muon neutrinos of one energy on one target.

    Parameters
    ----------
    energy
        Of the neutrino [MeV].
    nuclei
        The target; coherent scattering adds up with the squares of the charges, in each nucleus's own Helm form factor.

    Raises
    ------
    InvalidArgument
        An energy that is not positive, or below the threshold; no nucleus.
    """

    energy: float
    nuclei: Sequence[Nucleus]

    def __post_init__(self) -> None:
        _checks.positive("energy", self.energy, "MeV")
        if not self.energy * LARGEST_MOMENTUM * 2.0 > THRESHOLD:
            raise _checks.invalid("energy", self.energy, "above the threshold [MeV]")
        if not self.nuclei:
            raise _checks.invalid("nuclei", self.nuclei, "at least one Nucleus")

    @cached_property
    def _nodes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Q2 [MeV^2] at the nodes of (t, x), and the weights there of the vector and of the axial cross section."""
        # Squares of the variables take away the square-root thresholds at t = 4 m^2 and at W2 = 4 m^2; logarithms
        # spread the nodes over the many decades of Q2 that a light boson sees.
        u, u_weight = _interval(0.0, math.sqrt(math.log(2.0 * self.energy * LARGEST_MOMENTUM / THRESHOLD)), _NODES_T)
        z, z_weight = _interval(0.0, math.sqrt(50.0), _NODES_X)
        t = THRESHOLD * np.exp(u**2)
        transverse, longitudinal = self._photons(t)
        t, t_weight = t[:, None], (2.0 * u * t * u_weight)[:, None]
        x = (1.0 - THRESHOLD / t) * np.exp(-(z**2))
        weight = t_weight * 2.0 * z * x * z_weight
        f = structure_functions(x, t)
        vector = weight * (x * f.vector1 * transverse[:, None] + f.vector2 * longitudinal[:, None])
        axial = weight * (x * f.axial1 * transverse[:, None] + f.axial2 * longitudinal[:, None])
        return (x * t).ravel(), vector.ravel(), axial.ravel()

    def _photons(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Equivalent photons at each t, times y^2 and times 1 - y and integrated over s; y = t/s.

        With S = 2 E q and rho = t/S, int_t^S ds/s (1 - s^2/S^2) (t/s)^2 = (1 - rho^2)/2 + rho^2 ln rho, and with
        (1 - t/s) for (t/s)^2 it is -ln rho - (1 - rho) - (1 - rho^2)/2 + rho (1 - rho).
        """
        lowest = t / (2.0 * self.energy)
        v, v_weight = _interval(0.0, 1.0, _NODES_Q)
        span = np.log(LARGEST_MOMENTUM / lowest)[:, None]
        q = lowest[:, None] * np.exp(span * v)
        charge2 = sum(n.abundance * n.protons**2 * form_factor(q, n.mass_number) ** 2 for n in self.nuclei)
        flux = charge2 * (2.0 * span * v_weight)
        rho = lowest[:, None] / q
        transverse = 0.5 * (1.0 - rho**2) + rho**2 * np.log(rho)
        longitudinal = -np.log(rho) - (1.0 - rho) - 0.5 * (1.0 - rho**2) + rho * (1.0 - rho)
        return np.sum(flux * transverse, axis=1), np.sum(flux * longitudinal, axis=1)

    @cached_property
    def axial_to_vector(self) -> float:
        """Cross section of an axial over that of a vector current of the same strength; 1 for massless muons."""
        _, vector, axial = self._nodes
        return float(axial.sum() / vector.sum())

    def mean_propagator(self, mass: ArrayLike, power: int = 1) -> Float[np.ndarray, "..."]:
        """<M^(2n)/(M^2 + Q2)^n> over the cross section of a vector current: 1 for a heavy boson.

        Parameters
        ----------
        mass
            Of the boson [MeV], any shape.
        power
            n.

        Raises
        ------
        InvalidArgument
            A mass that is not positive.
        """
        _checks.positive("mass", mass, "MeV")
        mass2 = np.asarray(mass, dtype=float)[..., None] ** 2
        q2, vector, _ = self._nodes
        return np.asarray(np.sum(vector * (mass2 / (mass2 + q2)) ** power, axis=-1) / vector.sum())

    def coefficients(
        self, mass: ArrayLike, sin2_theta_w: float = SIN2_THETA_W
    ) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
        """(A, B) of R = sigma/sigma_SM = 1 + A g^2 + B g^4, for unit charges of nu_mu and mu; shapes of `mass` [MeV].

        References
        ----------
        W. Altmannshofer et al., arXiv:1406.2332.
        """
        vector = 0.5 + 2.0 * sin2_theta_w
        standard = FERMI_CONSTANT**2 * (vector**2 + 0.25 * self.axial_to_vector)
        mass2 = np.asarray(mass, dtype=float) ** 2
        first = math.sqrt(2.0) * FERMI_CONSTANT * vector * self.mean_propagator(mass) / mass2
        second = 0.5 * self.mean_propagator(mass, 2) / mass2**2
        return np.asarray(first / standard), np.asarray(second / standard)


def form_factor(momentum: ArrayLike, mass_number: float) -> Float[np.ndarray, "..."]:
    """Helm form factor at |q| [MeV] > 0 with the radius of `form_factors.Helm`, in NumPy: nothing here is traced."""
    helm = Helm()
    q = np.asarray(momentum, dtype=float) / HBAR_C_MEV_FM
    argument = q * math.sqrt(5.0 / 3.0 * (helm.rms_radius_fm(mass_number) ** 2 - 3.0 * helm.skin_fm**2))
    return np.asarray(3.0 * spherical_jn(1, argument) / argument * np.exp(-0.5 * (q * helm.skin_fm) ** 2))


def _interval(low: float, high: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights."""
    nodes, weights = np.polynomial.legendre.leggauss(size)
    return 0.5 * (high - low) * (nodes + 1.0) + low, 0.5 * (high - low) * weights
