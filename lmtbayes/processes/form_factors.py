"""Form factors of the weak charge of a nucleus: Helm (by Lewin and Smith's fit or by the rms radius), Klein-Nystrand.

A form factor is an object that is called with (q, mass_number, radius_scale); the last one multiplies the nucleus's
rms radius, at a fixed thickness of its skin, and is what a nuisance on the nuclear radius moves.
"""

import abc
import math
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from lmtbayes import _checks
from lmtbayes.constants import HBAR_C_MEV_FM


@jax.custom_jvp
def sphere_of_square(x2: ArrayLike) -> Float[Array, "..."]:
    """Form factor of a uniform sphere, 3 j_1(x)/x, of x^2 = (q R)^2, in which it is analytic: 1 at 0, smooth there.

    R^2 may be negative.
    That is what is left for the sphere where a nuisance makes a nucleus smaller than its skin: rms radius, counts and
    derivatives go on smoothly there, far from anything that a constraint allows.
    """
    x, near, series = _around_zero(x2, 3)
    return jnp.where(near, series, 3.0 * (jnp.sin(x) / x - jnp.cos(x)) / x**2)


def _slope(x2: ArrayLike) -> Float[Array, "..."]:
    """Its derivative in x^2, 3 [(x^2 - 3) sin x + 3 x cos x]/(2 x^5)."""
    x, near, series = _around_zero(x2, 5)
    closed = 1.5 * ((x**2 - 3.0) * jnp.sin(x) / x + 3.0 * jnp.cos(x)) / x**4
    return jnp.where(near, -0.1 * series, closed)


def _around_zero(x2: ArrayLike, first: int) -> tuple[Float[Array, "..."], Bool[Array, "..."], Float[Array, "..."]]:
    """Return x kept off zero, whether x^2 is below 1/4, and the series 1 - x^2/(2 (first + 2)) (1 - ...) there.

    Below 1/4 the closed forms cancel; 8 terms of j_n(x)/x^n times (2n + 1)!!, first = 2n + 1, are exact to 1e-16
    above -1/4 and to 1e-6 down to x^2 = -15.
    """
    x2 = jnp.asarray(x2, dtype=float)
    near = x2 < 0.25
    small = jnp.where(near, x2, 0.0)
    series = jnp.ones_like(x2)
    for k in range(8, 0, -1):
        series = 1.0 - small / (2.0 * k * (2.0 * k + first)) * series
    return jnp.sqrt(jnp.where(near, 1.0, x2)), near, series


@sphere_of_square.defjvp
def _(primals: tuple[ArrayLike], tangents: tuple[ArrayLike]) -> tuple[Array, Array]:
    # One slope is kept for the reverse pass in place of every intermediate of both branches.
    return sphere_of_square(primals[0]), _slope(primals[0]) * tangents[0]


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
            Dimensionless, shape of `momentum` and `radius_scale` broadcast.
        """
        return self.at_radius(momentum, self.rms_radius_fm(mass_number) * jnp.asarray(radius_scale, dtype=float))


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
