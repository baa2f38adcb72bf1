"""HiddenPhoton: the boson's coupling, mass and mixing, one or an array of them; it can be read in any model."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument


class HiddenPhoton(eqx.Module):
    """One hidden photon, or an array of them: a pytree of three arrays that broadcast against each other.

    Parameters
    ----------
    g_x
        Gauge coupling, dimensionless, 0 to 1.
    mass
        M_A' [MeV], > 0.
    eps_x
        Kinetic mixing eps_x of Eq. 9 at q^2 = 0, dimensionless, either sign (negative in Lmu-Ltau), at most 1 in
        size.

    Raises
    ------
    InvalidArgument
        A value that is negative (g_x), not positive (mass), above 1 (a coupling), not finite, no number, or shapes that
        do not broadcast.

    Warns
    -----
    UnitsWarning
        A coupling or mixing of 0.01 or more at a mass below 0.01 MeV: mass and coupling look exchanged.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> import numpy as np
    >>> photon = lmt.HiddenPhoton(5e-4, np.array([1.0, 15.0, 100.0]), -5e-4 / 70)
    >>> photon.shape
    (3,)
    >>> [f"{shift:.2e}" for shift in lmt.delta_a_mu(photon)]
    ['3.05e-09', '2.22e-09', '6.95e-10']
    """

    g_x: Float[Array, "..."]
    mass: Float[Array, "..."]
    eps_x: Float[Array, "..."]

    def __init__(self, g_x: ArrayLike, mass: ArrayLike, eps_x: ArrayLike):
        _checks.jax_settings()
        _checks.non_negative("g_x", g_x)
        _checks.positive("mass", mass, "MeV")
        _checks.finite("eps_x", eps_x)
        _checks.coupling("g_x", g_x)
        _checks.coupling("eps_x", eps_x)
        self.g_x = jnp.asarray(g_x, dtype=float)
        self.mass = jnp.asarray(mass, dtype=float)
        self.eps_x = jnp.asarray(eps_x, dtype=float)
        shapes = (self.g_x.shape, self.mass.shape, self.eps_x.shape)
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise InvalidArgument(
                f"`g_x`, `mass` and `eps_x` must have shapes that broadcast; got {shapes[0]}, {shapes[1]}, {shapes[2]}"
            ) from None
        _checks.exchanged(mass, g_x=g_x, eps_x=eps_x)

    @classmethod
    def unchecked(cls, g_x: ArrayLike, mass: ArrayLike, eps_x: ArrayLike) -> "HiddenPhoton":
        """Photons of values that were checked elsewhere: the tails of a prior reach beyond what anybody would type."""
        photon = object.__new__(cls)
        for name, value in {"g_x": g_x, "mass": mass, "eps_x": eps_x}.items():
            object.__setattr__(photon, name, jnp.asarray(value, dtype=float))
        return photon

    @classmethod
    def none(cls, mass: ArrayLike = 10.0) -> "HiddenPhoton":
        """No boson: the Standard Model, in whatever model it is read. Its mass [MeV] enters nothing."""
        return cls(0.0, mass, 0.0)

    def __repr__(self) -> str:
        """Values of single numbers, shapes of arrays and of what is traced."""
        return f"HiddenPhoton(g_x={_shown(self.g_x)}, mass={_shown(self.mass)}, eps_x={_shown(self.eps_x)})"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of photons; () for a single one."""
        return np.broadcast_shapes(self.g_x.shape, self.mass.shape, self.eps_x.shape)

    def broadcast(self) -> "HiddenPhoton":
        """Return the same photons with all three arrays of the full shape."""
        fields = (jnp.broadcast_to(field, self.shape) for field in (self.g_x, self.mass, self.eps_x))
        return HiddenPhoton.unchecked(*fields)


def _shown(field: Any) -> str:
    """One field of a photon; jax's own machinery puts anything into a pytree, so anything is shown."""
    if _checks.is_traced(field):
        return f"traced {np.shape(field)}"
    if not isinstance(field, jax.Array | np.ndarray | np.generic | float | int):
        return repr(field)
    # Six digits tell couplings apart; -5e-4/70 has no end.
    return f"{float(field):.6g}" if np.ndim(field) == 0 else f"array {np.shape(field)}"


def check_photon(photon: object) -> None:
    """Require a HiddenPhoton, one or an array of them."""
    if not isinstance(photon, HiddenPhoton):
        raise _checks.invalid("photon", photon, "a HiddenPhoton, such as BENCHMARKS['BP1']")
