"""Neutrino tridents: the measured cross section over the Standard Model's, R = 1 + A(M) p + B(M) p^2.

p = g_nu g_mu is the product of the couplings of the muon neutrino, g_x Q_mu, and of the muon, g_x Q_mu + eps_x e, with
eps_x at q^2 = 0. CHARM-II, CCFR, NuTeV and, projected, DUNE: rows of data/tridents/measurements.csv. A and B:
`processes.trident`.
"""

import functools
import math
from collections.abc import Mapping

import equinox as eqx
import interpax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.constants import MEV_PER_GEV, SIN2_THETA_W
from lmtbayes.experiments.asymmetric import AsymmetricGaussian
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.couplings import CONVENTIONS
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes.trident import Nucleus, Trident

MASSES = np.geomspace(1e-3, 1e6, 73)
"""Knots [MeV], eight a decade: between them A and B are good to 1e-5 (tests). Beyond them both are power laws, exact
above and but for a logarithm of M in B below."""


class TridentRatio(Experiment):
    """sigma/sigma_SM of nu_mu N -> nu_mu mu+ mu- N.

    Parameters (beyond those of Experiment)
    ----------
    log_means
        ln of <M^2/(M^2 + Q2)> and of <M^4/(M^2 + Q2)^2> at MASSES, shape (73, 2).
    strength
        sqrt2 G_F (1/2 + 2 s_W^2) and 1/2, over the Standard Model's c_V^2 + c_A^2 [MeV^2, MeV^4].
    convention
        Of the muon's coupling.
    """

    log_means: interpax.Interpolator1D
    strength: np.ndarray
    convention: str = eqx.field(static=True)

    def coefficients(self, mass: Float[Array, ""]) -> Float[Array, "2"]:
        """A and B of one boson of mass M [MeV] that couples with unit charge to nu_mu and mu."""
        log_mass = jnp.log(mass)
        inside = jnp.clip(log_mass, math.log(MASSES[0]), math.log(MASSES[-1]))
        # M^2/(M^2 + Q2) falls as M^2 below the knots; above them it is one.
        fall = jnp.array([2.0, 4.0]) * jnp.minimum(log_mass - inside, 0.0)
        return jnp.asarray(self.strength) * jnp.exp(self.log_means(inside) + fall) / jnp.stack([mass**2, mass**4])

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002 - the uncertainty is in the term
    ) -> Float[Array, " bins"]:
        first, second = self.coefficients(photon.mass)
        muon = model.coupling(photon, "mu", convention=self.convention)
        product = model.coupling(photon, "nu_mu") * muon
        return jnp.atleast_1d(1.0 + first * product + second * product**2)


@functools.cache
def _process(energy_gev: float, target: str) -> Trident:
    table = tables.read("tridents/targets")
    rows = table["target"] == target
    columns = (table[key][rows] for key in ("atoms", "protons", "mass_number"))
    nuclei = tuple(Nucleus(float(n), int(z), float(a)) for n, z, a in zip(*columns, strict=True))
    return Trident(energy_gev * MEV_PER_GEV, nuclei)


def _build(
    row: int,
    *,
    name: str,
    title: str | None = None,
    sin2_theta_w: float = SIN2_THETA_W,
    energy_gev: float | None = None,
    convention: str = "default",
    nuisances: tuple[str, ...] | None = None,
) -> TridentRatio:
    """Build one row of the table.

    Parameters
    ----------
    sin2_theta_w
        sin^2 theta_W of the Standard Model's cross section.
    energy_gev
        Mean energy of the neutrinos [GeV]; that of the table by default.
    convention
        "default", or "paper": no mixing in the muon's coupling.
    nuisances
        There are none.
    """
    if nuisances:
        raise _checks.unknown(f"nuisance of experiment {name!r}", nuisances[0], ())
    _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
    _checks.one_of("convention", convention, CONVENTIONS)
    table = tables.read("tridents/measurements")
    energy = float(table["energy_gev"][row]) if energy_gev is None else energy_gev
    _checks.positive("energy_gev", energy, "GeV")
    process = _process(float(energy), str(table["target"][row]))
    means = np.stack([process.mean_propagator(MASSES, power) for power in (1, 2)], axis=-1)
    unit = np.array(process.coefficients(1.0, sin2_theta_w)).T / np.array(
        [process.mean_propagator(1.0, power) for power in (1, 2)]
    )
    plus, minus = (float(table[key][row]) for key in ("sigma_plus", "sigma_minus"))
    value = str(table["value"][row])
    return TridentRatio(
        description=Description(
            name,
            str(table["title"][row]) if title is None else title,
            str(table["citation"][row]),
            "data" if value else "projection",
            # A projection under another name is another measurement; a published one stays the same.
            (str(table["name"][row]) if value else name,),
        ),
        binning=SINGLE_NUMBER,
        term=Gaussian(plus) if plus == minus else AsymmetricGaussian(plus, minus),
        declared=(),
        active=(),
        observed=np.array([float(value)]) if value else None,
        log_means=interpax.Interpolator1D(np.log(MASSES), np.log(means), method="cubic2"),
        strength=unit,
        convention=convention,
    )


for _row, _name in enumerate(tables.read("tridents/measurements")["name"]):
    _energy = float(tables.read("tridents/measurements")["energy_gev"][_row])
    register(
        str(_name),
        functools.partial(_build, _row, name=str(_name)),
        published={"energy_gev": _energy},
        reach=anywhere,
        status="data" if tables.read("tridents/measurements")["value"][_row] else "projection",
    )
