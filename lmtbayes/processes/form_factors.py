"""Form factors of the weak charge of a nucleus: Helm (by Lewin and Smith's fit or by the rms radius), Klein-Nystrand.

A form factor is an object that is called with (q, mass_number, radius_scale); the last one multiplies the nucleus's
rms radius, at a fixed thickness of its skin, and is what a nuisance on the nuclear radius moves.
"""

import abc
import functools
import math
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.fft import dct
from scipy.special import spherical_jn

from lmtbayes import _checks
from lmtbayes.constants import HBAR_C_MEV_FM

LARGEST = 20.0
"""q R up to which a form factor is known: 560 MeV in lead, 1.1 GeV in argon; no neutrino of a pion at rest, of a
reactor or of the sun gives a nucleus a third of it."""
_LOW, _HIGH, _TERMS = -16.0, LARGEST**2, 26
"""Range of (q R)^2 of the Chebyshev series, and its terms: the first that is left out is below 1e-16."""


def sphere_of_square(x2: ArrayLike) -> Float[Array, "..."]:
    """Form factor of a uniform sphere, 3 j_1(x)/x, of x^2 = (q R)^2, in which it is analytic: 1 at 0, smooth there.

    R^2 may be negative, x^2 down to -16: that is what is left for the sphere where a nuisance makes a nucleus smaller
    than its skin, and rms radius, counts and derivatives go on smoothly there, far from anything that a constraint
    allows. NaN below that, and above x = 20 (`LARGEST`): never a wrong number.
    """
    x2 = jnp.asarray(x2, dtype=float)
    return jnp.where((x2 >= _LOW) & (x2 <= _HIGH), _bessel(1, x2), jnp.nan)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _bessel(n: int, x2: Float[Array, "..."]) -> Float[Array, "..."]:
    """(2n + 1)!! j_n(x)/x^n as a Chebyshev series in x^2, by Clenshaw's recurrence.

    A series is sums and products, of which a core makes eight at a time; a sine or a cosine is a call for each number.
    """
    t = (2.0 * x2 - (_HIGH + _LOW)) / (_HIGH - _LOW)
    last, before = jnp.zeros_like(t), jnp.zeros_like(t)
    coefficients = _chebyshev(n)
    for c in coefficients[:0:-1]:
        last, before = c + 2.0 * t * last - before, last
    # Kept in one piece: fused into each of its readers, the recurrence would be worked out anew for each.
    return jax.lax.optimization_barrier(coefficients[0] + t * last - before)


@_bessel.defjvp
def _(n: int, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    # The derivative of j_n/x^n in x^2 is -j_(n+1)/(2 x^(n+1)): one slope is kept for the reverse pass, of any order.
    return _bessel(n, primals[0]), _bessel(n + 1, primals[0]) * (-0.5 / (2 * n + 3)) * tangents[0]


@functools.cache
def _chebyshev(n: int) -> tuple[float, ...]:
    """Coefficients of (2n + 1)!! j_n(x)/x^n between `_LOW` and `_HIGH` in x^2."""
    odd = float(np.prod(np.arange(1, 2 * n + 2, 2)))

    t = np.cos(np.pi * (np.arange(_TERMS) + 0.5) / _TERMS)
    x2 = 0.5 * ((_HIGH - _LOW) * t + _HIGH + _LOW)
    near = x2 < 1.0
    series, small = np.ones_like(x2), np.where(near, x2, 0.0)
    for k in range(30, 0, -1):
        series = 1.0 - small / (2.0 * k * (2.0 * (k + n) + 1.0)) * series
    x = np.sqrt(np.where(near, 1.0, x2))
    coefficients = dct(np.where(near, series, odd * spherical_jn(n, x) / x**n)) / _TERMS
    coefficients[0] *= 0.5
    return tuple(coefficients.tolist())


@dataclass(frozen=True)
class FormFactor(abc.ABC):
    """Abstract: F(q^2) of a nucleus, 1 at q = 0."""

    @abc.abstractmethod
    def rms_radius_fm(self, mass_number: float) -> float:
        """Root-mean-square radius [fm] at radius_scale = 1."""

    @abc.abstractmethod
    def at_radius(self, momentum: ArrayLike, rms_radius_fm: ArrayLike) -> Float[Array, "..."]:
        """F at a momentum transfer |q| [MeV] for an rms radius [fm]; they broadcast."""

    def __call__(self, momentum: ArrayLike, mass_number: float, radius_scale: ArrayLike = 1.0) -> Float[Array, "..."]:
        """F(q^2) of one nucleus.

        Parameters
        ----------
        momentum
            |q| [MeV], >= 0, any shape.
        mass_number
            A.
        radius_scale
            Factor on the rms radius; a nuisance, differentiable.

        Returns
        -------
        form_factor
            Dimensionless, shape of `momentum` and `radius_scale` broadcast; where traced, NaN above `LARGEST`.

        Raises
        ------
        InvalidArgument
            A momentum, or a radius, for which it is not known.
        """
        found = self.at_radius(momentum, self.rms_radius_fm(mass_number) * jnp.asarray(radius_scale, dtype=float))
        if not _checks.is_traced(found) and bool(jnp.isnan(found).any()):
            raise _checks.invalid("momentum", momentum, f"such that q R is at most {LARGEST:g} for this nucleus [MeV]")
        return found


@dataclass(frozen=True)
class Helm(FormFactor):
    """F = 3 j_1(q r_n)/(q r_n) exp(-q^2 s^2/2), R_rms^2 = 3 r_n^2/5 + 3 s^2.

    Parameters
    ----------
    radius_fm
        R_rms [fm] of every nucleus. None: Lewin and Smith's fit, r_n^2 = c^2 + 7 pi^2 a^2/3 - 5 s^2 with
        c = 1.23 A^(1/3) - 0.60 fm, a = 0.52 fm.
    skin_fm
        s [fm].

    References
    ----------
    R. Helm, Phys. Rev. 104 (1956) 1466; J. D. Lewin, P. F. Smith, Astropart. Phys. 6 (1996) 87.
    """

    radius_fm: float | None = None
    skin_fm: float = 0.9

    def __post_init__(self) -> None:
        _checks.non_negative("skin_fm", self.skin_fm, "fm")
        if self.radius_fm is not None and not self.radius_fm > math.sqrt(3.0) * self.skin_fm:
            raise _checks.invalid("radius_fm", self.radius_fm, "above sqrt(3) skin_fm, what the skin alone gives")

    def rms_radius_fm(self, mass_number: float) -> float:
        """R_rms [fm] at radius_scale = 1."""
        if self.radius_fm is not None:
            return self.radius_fm
        sphere_radius2 = (1.23 * mass_number ** (1 / 3) - 0.60) ** 2 + 7 / 3 * (math.pi * 0.52) ** 2 - 5 * 0.9**2
        return math.sqrt(0.6 * sphere_radius2 + 3.0 * 0.9**2)

    def at_radius(self, momentum: ArrayLike, rms_radius_fm: ArrayLike) -> Float[Array, "..."]:
        """F at |q| [MeV] for an rms radius [fm]."""
        q = jnp.asarray(momentum, dtype=float) / HBAR_C_MEV_FM
        radius2 = 5.0 / 3.0 * (jnp.asarray(rms_radius_fm, dtype=float) ** 2 - 3.0 * self.skin_fm**2)
        return sphere_of_square(q**2 * radius2) * jnp.exp(-0.5 * (q * self.skin_fm) ** 2)


@dataclass(frozen=True)
class KleinNystrand(FormFactor):
    """F = 3 j_1(q R)/(q R)/(1 + q^2 a^2), R_rms^2 = 3 R^2/5 + 6 a^2.

    Parameters
    ----------
    radius_fm
        R_rms [fm] of every nucleus. None: R = 1.2 A^(1/3) fm.
    range_fm
        a [fm], of the Yukawa that the sphere is folded with.

    References
    ----------
    S. Klein, J. Nystrand, Phys. Rev. C 60 (1999) 014903, hep-ph/9902259.
    """

    radius_fm: float | None = None
    range_fm: float = 0.7

    def __post_init__(self) -> None:
        _checks.non_negative("range_fm", self.range_fm, "fm")
        if self.radius_fm is not None and not self.radius_fm > math.sqrt(6.0) * self.range_fm:
            raise _checks.invalid("radius_fm", self.radius_fm, "above sqrt(6) range_fm, what the Yukawa alone gives")

    def rms_radius_fm(self, mass_number: float) -> float:
        """R_rms [fm] at radius_scale = 1."""
        if self.radius_fm is not None:
            return self.radius_fm
        return math.sqrt(0.6 * (1.2 * mass_number ** (1 / 3)) ** 2 + 6.0 * self.range_fm**2)

    def at_radius(self, momentum: ArrayLike, rms_radius_fm: ArrayLike) -> Float[Array, "..."]:
        """F at |q| [MeV] for an rms radius [fm]."""
        q = jnp.asarray(momentum, dtype=float) / HBAR_C_MEV_FM
        radius2 = 5.0 / 3.0 * (jnp.asarray(rms_radius_fm, dtype=float) ** 2 - 6.0 * self.range_fm**2)
        return sphere_of_square(q**2 * radius2) / (1.0 + (q * self.range_fm) ** 2)


HELM = Helm()
"""Helm with Lewin and Smith's radius: the package's default."""
FORM_FACTORS = MappingProxyType({"helm": HELM, "klein-nystrand": KleinNystrand()})
"""Form factors by name; Helm by R_rms is `Helm(radius_fm=...)`."""


def form_factor(given: str | FormFactor) -> FormFactor:
    """Return a form factor: one of `FORM_FACTORS` by name, or an object as it is.

    Raises
    ------
    InvalidArgument
        Neither a name of `FORM_FACTORS` nor a FormFactor.
    """
    if isinstance(given, FormFactor):
        return given
    _checks.one_of("form_factor", given, FORM_FACTORS)
    return FORM_FACTORS[given]
