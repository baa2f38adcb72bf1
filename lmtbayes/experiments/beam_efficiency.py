"""What a muon beam's search keeps of the A' that it makes: the part that stays unseen (Eq. 27), and the efficiency.

Where a collaboration publishes a limit g_90(M) but no efficiency, the limit implies one. Without events 90 % are

    ln 10 = 2.303 = g_90^2 s(M) BR_eff(M, g_90) efficiency(M),

s(M) the yield per g_x^2 of the cross section in use. The efficiency so found is good to what the curve and the yield
are good to; it leads back to the published limit in any convention of the cross section.
"""

import math

import equinox as eqx
import interpax
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.interpolate import PchipInterpolator

from lmtbayes.constants import HBAR_C_MEV_CM
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.beam_setup import BeamSetup, Calibration, counts_per_coupling2
from lmtbayes.experiments.efficiency import EfficiencyCurve
from lmtbayes.gauge.decays import branching_ratio, decay_width
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton

EVENTS_AT_LIMIT = math.log(10.0)
"""Expected events that a Poisson law excludes at 90 % when none is seen."""


def unseen_fraction(
    setup: BeamSetup, model: GaugeModel, photon: HiddenPhoton, convention: str = "default"
) -> Float[Array, " bins"]:
    """BR_eff of a single photon in each bin: the part of the A' that leaves nothing in the detector (Eq. 27).

    BR_inv + (1 - BR_inv) exp(-L_det/L_A'): decays to neutrinos, and to charged leptons beyond L_det = L_T + L_D, with
    the decay length L_A' of the boson's energy in the middle of the bin. Below 2 m_mu what is seen are decays to e+e-
    through mixing, (eps_x e/g_x)^2 of all in Lmu-Ltau: 2e-5 for eps_x = -g_x/70, 1e-3 for -g_x/10, twice that in Lmu.
    convention="paper" leaves mixing out: exactly 1 there.
    """
    if convention == "paper":
        photon = HiddenPhoton.unchecked(photon.g_x, photon.mass, 0.0)
    invisible = branching_ratio(model, photon, "invisible")
    energy = setup.boson_energy
    # An A' heavier than its energy is not produced: its momentum only has to stay above zero.
    momentum = jnp.sqrt(jnp.maximum(energy**2 - photon.mass**2, (1e-3 * energy) ** 2))
    decays_per_cm = decay_width(model, photon, "total") * photon.mass / momentum / HBAR_C_MEV_CM
    length = setup.target_length_cm + setup.decay_length_cm
    return invisible + (1.0 - invisible) * jnp.exp(-decays_per_cm * length)


class Efficiency(eqx.Module):
    """Efficiency against mass: through every point that is known, monotonic between, flat beyond the ends.

    A piecewise cubic in ln M whose slope is continuous (PCHIP), so that a digitised curve does not overshoot: of
    ln efficiency for a calibration, of the efficiency, which may reach 0, for a curve that was given.

    Parameters
    ----------
    setup
        Its `efficiency` is a number, a curve, or a Calibration: a limit in Lmu-Ltau without mixing, the model of those
        published.
    convention
        Of the cross section.

    Raises
    ------
    InvalidArgument
        A limit so strong that it asks for an efficiency above 1.
    """

    log_mass: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    is_log: bool = eqx.field(static=True)

    def __init__(self, setup: BeamSetup, convention: str):
        given = setup.efficiency
        self.is_log = isinstance(given, Calibration)
        if isinstance(given, Calibration):
            self.log_mass, self.value = np.log(given.masses), np.log(_implied(given, convention))
        elif isinstance(given, EfficiencyCurve):
            self.log_mass, self.value = np.log(given.energies), np.array(given.values)
        else:
            self.log_mass, self.value = np.zeros(1), np.array([given])
        self.slope = np.zeros(1)
        if self.log_mass.size > 1:
            self.slope = PchipInterpolator(self.log_mass, self.value).derivative()(self.log_mass)

    def __call__(self, mass: ArrayLike) -> Float[Array, "..."]:
        """Efficiency at M [MeV], any shape."""
        mass = jnp.asarray(mass, dtype=float)
        if self.log_mass.size == 1:
            return jnp.full(mass.shape, jnp.exp(self.value[0]) if self.is_log else self.value[0])
        log_mass = jnp.clip(jnp.log(mass), self.log_mass[0], self.log_mass[-1])
        curve = interpax.interp1d(log_mass.ravel(), self.log_mass, self.value, method="cubic2", fx=self.slope)
        # A cubic that ends at 0 may round to less.
        return (jnp.exp(curve) if self.is_log else jnp.clip(curve, 0.0, 1.0)).reshape(log_mass.shape)


def _implied(calibration: Calibration, convention: str) -> Float[np.ndarray, " masses"]:
    """Efficiency at which a limit's coupling gives ln 10 events."""
    setup = calibration.published_for
    masses, limits = np.array(calibration.masses), np.array(calibration.limits)
    photon = HiddenPhoton(limits, masses, 0.0)
    unseen = np.asarray(jax.vmap(lambda p: unseen_fraction(setup, LMU_LTAU, p))(photon.broadcast()))
    events = limits**2 * np.sum(counts_per_coupling2(setup, masses, convention) * unseen, axis=-1)
    efficiency = EVENTS_AT_LIMIT / events
    worst = int(np.argmax(efficiency))
    if efficiency[worst] > 1.0:
        raise InvalidArgument(
            f"`calibrate` must be a limit within reach of {setup.name!r}; got g_x = {limits[worst]:g} at "
            f"{masses[worst]:g} MeV, which asks for an efficiency of {efficiency[worst]:.3g}"
        )
    return efficiency
