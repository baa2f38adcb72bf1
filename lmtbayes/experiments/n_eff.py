"""N_eff of a hidden photon that takes part in neutrino decoupling, against Planck, ACT and primordial abundances.

The table data/cosmology/n_eff.csv holds solutions of the two-temperature equations of arXiv:1812.05605 and 1901.02010:
photons with electrons, neutrinos, and the boson between them (data/cosmology/n_eff_equations.py says what is in it).
Three numbers decide: the mass, the coupling to neutrinos g_x sqrt(sum Q_alpha^2), and the coupling to electrons
|g_x Q_e + eps_x e|, through which the boson ties the neutrinos to the electrons until these annihilate.

Accuracy: interpolation to 0.015 where N_eff < 3.6 and to 1.5 % above, over the default prior (2e-3 at half of the
points); both edges of the band 0.2 < Delta N_eff < 0.5 of arXiv:1901.02010 come out at 3.2 and 3.5 to 0.02; without a
boson the equations give 3.045 (as arXiv:2001.04466), and the 3.044 of full Boltzmann equations is put in its place.
What is left out:

- Chemical potentials: what changes the number of bosons and neutrinos is taken to be fast, which holds for g_x > 3e-5
  or where the boson couples to electrons. Otherwise a light boson's N_eff is up to 12 % higher.
- Interference of the boson with the weak interaction: 1e-3 in N_eff, 0.02 where nu_e carries charge. Running of eps_x.
- Bosons made above 20 MeV that outlive it: couplings below 1e-8 are right for masses below some 20 MeV only.
- Below 1.1 MeV N_eff is that of 1.1 MeV, where every coupling of the default prior has 4 and more.

Above 1 GeV only the product of the couplings over M^2 matters, and the table is continued by that.
"""

import functools
from collections.abc import Mapping

import equinox as eqx
import interpax
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton

STANDARD = 3.0440
"""Without a boson, +- 0.0002; J. J. Bennett et al., JCAP 04 (2021) 073, arXiv:2012.02726."""
COMPUTED_STANDARD = 3.04520
"""The same by the equations of the table, whose neutrinos have thermal spectra."""


LIGHTEST, HEAVIEST = 1.1, 1000.0
"""First and last mass of the table [MeV]."""
WEAKEST = 1e-12
"""Lower end of both couplings in the table; at either coupling alone it is as good as none."""


class Table(eqx.Module):
    """N_eff between the solutions: cubic in ln M and the logarithms of the two couplings.

    Parameters
    ----------
    ends
        First and last log10 of the couplings to neutrinos and to electrons.
    interpolator
        Of N_eff - that of no boson, in (ln M, log10 nu, log10 e).
    """

    ends: tuple[tuple[float, float], tuple[float, float]] = eqx.field(static=True)
    interpolator: interpax.Interpolator3D

    def excess(
        self, mass: Float[Array, "..."], neutrino: Float[Array, "..."], electron: Float[Array, "..."]
    ) -> Float[Array, "..."]:
        """N_eff less that of no boson, for M [MeV] and the squares of the couplings; held or continued outside."""
        # Above the table only nu e/M^2 matters.
        beyond = jnp.maximum(mass / HEAVIEST, 1.0) ** 2
        axes = [
            jnp.clip(0.5 * jnp.log10(jnp.maximum(squared / beyond, WEAKEST**2)), *ends)
            for squared, ends in zip((neutrino, electron), self.ends, strict=True)
        ]
        log_mass = jnp.log(jnp.clip(mass, LIGHTEST, HEAVIEST))
        points = jnp.broadcast_arrays(log_mass, *axes)
        flat = self.interpolator(*(point.reshape(-1) for point in points)).reshape(points[0].shape)
        # The corner of the table is left with 1e-3 at 1 MeV: none for no coupling at all.
        total = neutrino + electron
        return flat * total / (total + 1e-2 * WEAKEST**2)


@functools.cache
def table() -> Table:
    """Return the solutions of data/cosmology/n_eff.csv."""
    columns = tables.read("cosmology/n_eff")
    electron = [name for name in columns if name not in ("mass_mev", "log10_nu")]
    mass, neutrino = np.unique(columns["mass_mev"]), np.unique(columns["log10_nu"])
    values = np.stack([columns[name] for name in electron], axis=-1).reshape(mass.size, neutrino.size, -1)
    axes = np.log(mass), neutrino, np.array([float(name) for name in electron])
    with jax.ensure_compile_time_eval():  # cached: never a tracer of the caller's
        interpolator = interpax.Interpolator3D(*axes, values - COMPUTED_STANDARD, method="cubic2")
    ends = tuple((float(axis[0]), float(axis[-1])) for axis in axes[1:])
    return Table((ends[0], ends[1]), interpolator)


def effective_neutrinos(model: GaugeModel, photon: HiddenPhoton) -> Float[Array, "..."]:
    """N_eff; shape of `photon`. 3.044 for no boson, whatever the model."""
    neutrino = photon.g_x**2 * sum(model.charges[flavour] ** 2 for flavour in FLAVOURS)
    electron = model.electron_coupling(photon) ** 2
    found = STANDARD + table().excess(photon.mass, neutrino, electron)
    return jnp.broadcast_to(found, photon.shape)


class NEff(Experiment):
    """Effective number of neutrinos, Gaussian.

    Parameters (beyond those of Experiment)
    ----------
    epoch
        What the measurement sees: "cmb" (recombination) or "cmb+bbn" (primordial abundances too).
    """

    epoch: str = eqx.field(static=True)

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
    row: int,
    *,
    name: str,
    title: str | None = None,
    measured: tuple[float, float] | None = None,
    nuisances: tuple[str, ...] | None = None,
) -> NEff:
    """Build one row of the table.

    Parameters
    ----------
    measured
        Another (N_eff, sigma).
    nuisances
        There are none.
    """
    if nuisances:
        raise _checks.unknown(f"nuisance of experiment {name!r}", nuisances[0], ())
    own = {key: column[row] for key, column in tables.read("cosmology/measurements").items()}
    value, sigma = _checks.shape("measured", (own["value"], own["sigma"]) if measured is None else measured, (2,))
    _checks.positive("measured[1]", sigma)
    return NEff(
        description=Description(
            name,
            f"$N_{{\\mathrm{{eff}}}}$ ({own['title']})" if title is None else title,
            f"{own['source']}; equations: M. Escudero, JCAP 02 (2019) 007, arXiv:1812.05605; M. Escudero et al., "
            "JHEP 03 (2019) 071, arXiv:1901.02010",
            "data",
            # All of them hold the Planck legacy data.
            ("n-eff",),
        ),
        binning=SINGLE_NUMBER,
        term=Gaussian(sigma),
        declared=(),
        active=(),
        observed=np.array([value]),
        epoch=str(own["epoch"]),
    )


MEASUREMENTS = tuple(str(name) for name in tables.read("cosmology/measurements")["name"])
"""Rows of data/cosmology/measurements.csv. They share data: a fit takes one of them; the first is the default."""
for _row, _name in enumerate(MEASUREMENTS):
    _published = {
        "measured": tuple(float(tables.read("cosmology/measurements")[key][_row]) for key in ("value", "sigma"))
    }
    register(_name, functools.partial(_build, _row, name=_name), published=_published, reach=anywhere, status="data")
