"""N_eff of a boson in equilibrium with neutrinos: 3 [1 + F(M/T_nu)/2]^(4/3), T_nu = 2.3 MeV; Planck + BAO.

The boson leaves its entropy to the neutrinos after they have decoupled from electrons and photons at T_nu:

    F(x) = (30/7 pi^4) int_x^inf dy (4 y^2 - x^2) sqrt(y^2 - x^2)/(e^y - 1),

so that F/2 is the boson's entropy over that of three neutrinos, 4/7 for a massless boson. Where it holds:

- The coupling does not enter once decays and inverse decays are faster than the expansion, g_x > 1e-9 for the masses
  that matter (1-30 MeV): all of the default prior. Below, the boson fades out here as 1 - exp(-Gamma/H), right at both
  ends and an order of magnitude in between: no boson (g_x = 0) gives 3.
- All three neutrinos share the entropy, whichever of them the boson couples to (one, two or three species): they
  exchange it through oscillations and neutrino scattering. Lmu and Lmu-Ltau agree.
- Entropy that leaks into electrons through kinetic mixing is left out. With eps_x = -g_x/70 Boltzmann equations
  (arXiv:1901.02010) put N_eff = 3.5 at 9 MeV for g_x = 2e-4, where this formula does, but at 6 MeV for g_x = 2e-6.
- Three neutrinos alone count 3, not 3.044: a quarter of the measurement's uncertainty.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.experiments.base import SINGLE_NUMBER, Description, Experiment
from lmtbayes.experiments.registry import register
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.decays import decay_width
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton

DECOUPLING_TEMPERATURE = 2.3
"""Of muon and tau neutrinos [MeV]; K. Enqvist, K. Kainulainen, V. Semikoz, Nucl. Phys. B 374 (1992) 392."""
PLANCK_MASS = 1.220890e22
"""[MeV]; CODATA 2022."""
EXPANSION_RATE = 1.66 * np.sqrt(10.75) * DECOUPLING_TEMPERATURE**2 / PLANCK_MASS
"""H = 1.66 sqrt(g_*) T^2/M_Planck at T_nu [MeV], g_* = 10.75."""
MEASURED = (2.99, 0.17)
"""Planck 2018 (TT, TE, EE + lowE + lensing) + BAO, arXiv:1807.06209, Eq. 67b."""

# y = x + u^2: the square root's threshold is gone, and e^-u^2 ends the integral at u = 6.5.
_U, _W = np.polynomial.legendre.leggauss(64)
_U, _W = 3.25 * (_U + 1.0), 3.25 * _W


def entropy_function(x: ArrayLike) -> Float[Array, "..."]:
    """F(x), x = M/T: twice the entropy of a vector boson over that of three neutrinos; 8/7 at 0, dimensionless."""
    x = jnp.asarray(x, dtype=float)[..., None]
    y = x + _U**2
    integrand = 2.0 * _U**2 * (4.0 * y**2 - x**2) * jnp.sqrt(2.0 * x + _U**2) * jnp.exp(-y) / -jnp.expm1(-y)
    return 30.0 / (7.0 * np.pi**4) * jnp.sum(_W * integrand, axis=-1)


def effective_neutrinos(model: GaugeModel, photon: HiddenPhoton) -> Float[Array, "..."]:
    """N_eff; shape of `photon`. 3 where no neutrino carries charge."""
    if not any(model.charges[flavour] for flavour in FLAVOURS):
        return jnp.full(photon.shape, 3.0)
    rate = decay_width(model, photon, "nu") * photon.mass / DECOUPLING_TEMPERATURE
    thermal = -jnp.expm1(-rate / EXPANSION_RATE)
    entropy = thermal * entropy_function(photon.mass / DECOUPLING_TEMPERATURE)
    return jnp.broadcast_to(3.0 * (1.0 + 0.5 * entropy) ** (4.0 / 3.0), photon.shape)


class NEff(Experiment):
    """Effective number of neutrinos, Gaussian."""

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """Equilibrium with electrons through their gauge charge."""
        if model.charges["e"] == 0.0:
            return ()
        return ("the entropy that the boson gives to electrons, which carry charge: N_eff is too high",)

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002 - the uncertainty is in the term
    ) -> Float[Array, " bins"]:
        return jnp.atleast_1d(effective_neutrinos(model, photon))


def _build(
    *,
    name: str = "n-eff",
    measured: tuple[float, float] = MEASURED,
    nuisances: tuple[str, ...] | None = None,
) -> NEff:
    """`measured` is another (N_eff, sigma)."""
    if nuisances:
        raise _checks.unknown(f"nuisance of experiment {name!r}", nuisances[0], ())
    value, sigma = _checks.shape("measured", measured, (2,))
    _checks.positive("measured[1]", sigma)
    return NEff(
        description=Description(
            name,
            "$N_{\\mathrm{eff}}$ (Planck + BAO)",
            "Planck Collaboration, Astron. Astrophys. 641 (2020) A6, arXiv:1807.06209; formula: A. Kamada, H.-B. Yu, "
            "Phys. Rev. D 92 (2015) 113004, arXiv:1504.00711",
            "data",
        ),
        binning=SINGLE_NUMBER,
        term=Gaussian(sigma),
        declared=(),
        active=(),
        observed=np.array([value]),
    )


register("n-eff", _build)
