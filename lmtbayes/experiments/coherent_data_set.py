"""How a data set of COHERENT is built: words, exposure, target, nuisances, released counts, quadrature."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks, tables
from lmtbayes.constants import GRAMS_PER_TONNE, MEV_PER_KEV
from lmtbayes.detectors import targets
from lmtbayes.detectors.targets import Target
from lmtbayes.experiments import recoils
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.coherent import COMPONENTS, Coherent, Neutrinos
from lmtbayes.experiments.common import nuclear_radius, weak_mixing_angle
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.experiments.polynomials import chebyshev_nodes
from lmtbayes.experiments.terms import Poisson
from lmtbayes.processes import form_factors
from lmtbayes.processes.form_factors import FormFactor
from lmtbayes.sources import pion_decay_at_rest as source

_DIGITS = 30.0
"""Minus the natural logarithm of what interpolation leaves out, 1e-13, before the amplitudes are squared."""


@dataclass(frozen=True)
class Exposure:
    """A detector at the source: mass [kg], distance [m], protons on target, neutrinos of each kind a proton."""

    mass_kg: float
    baseline_m: float
    protons: float
    neutrinos_per_proton: float

    def neutrinos(self, material: Target) -> float:
        """Atoms of the target times the fluence of each kind of neutrino [1/cm^2]."""
        fluence = source.fluence(self.protons, self.neutrinos_per_proton, self.baseline_m)
        return self.mass_kg * 1e3 / GRAMS_PER_TONNE * material.atoms_per_tonne * fluence


@dataclass(frozen=True)
class Table:
    """A released table of counts: its axes, what was observed, and the other columns, all of the axes' shape."""

    axes: tuple[Binning, ...]
    observed: np.ndarray
    columns: Mapping[str, np.ndarray]


def read_counts(name: str, axes: Sequence[tuple[str, str, str, str]], observed: str) -> Table:
    """Read a table of counts, its rows in the order of the flattened bins.

    Parameters
    ----------
    name
        As in `tables.read`.
    axes
        (key, suffix, unit, quantity) of each: its edges stand in the columns <key>_low<suffix> and <key>_high<suffix>.
    observed
        Column of the observed counts.
    """
    table = tables.read(name)
    binnings = []
    for key, suffix, unit, quantity in axes:
        edges = np.concatenate([table[f"{key}_{end}{suffix}"] for end in ("low", "high")])
        binnings.append(Binning(np.unique(edges), unit, quantity))
    shape = tuple(len(binning) for binning in binnings)
    columns = {key: column.reshape(shape) for key, column in table.items()}
    return Table(tuple(binnings), columns[observed], columns)


@dataclass(frozen=True)
class DataSet:
    """What one data set of COHERENT does not share with the others.

    Parameters
    ----------
    name, title, citation
        As in Description.
    key
        Ends the names of the nuisances that are this detector's own: "csi".
    target
        A name that `detectors.targets.target` knows.
    exposure
        Size, distance, protons.
    yield_uncertainty, yield_source
        Of the neutrino counts, relative: what flux and named shapes leave of it, and where it comes from.
    lowest_kevnr
        [keVnr], below which nothing is seen.
    longest_panel
        Of the quadrature, in ln E_R, of 16 nodes.
    cuts_kevnr
        [keVnr], increasing, between which panels lie: where the response has edges.
    """

    name: str
    title: str
    citation: str
    key: str
    target: str
    exposure: Exposure
    yield_uncertainty: float
    yield_source: str
    lowest_kevnr: float
    longest_panel: float
    cuts_kevnr: tuple[float, ...] = ()

    def nuisances(self, sin2_theta_w: float, own: Iterable[Nuisance]) -> tuple[Nuisance, ...]:
        """Flux, yield, radius and weak mixing angle, then the data set's own, then the strength."""
        _checks.in_interval("sin2_theta_w", sin2_theta_w, 0.0, 1.0)
        return (
            flux_nuisance(),
            yield_nuisance(self.key, self.yield_uncertainty, self.yield_source),
            nuclear_radius(self.target),
            weak_mixing_angle(float(sin2_theta_w)),
            *own,
            strength_nuisance(self.key),
        )

    def neutrinos(self, form_factor: str | FormFactor, nuisances: Sequence[Nuisance]) -> Neutrinos:
        """Fold flux, kinematics and target; `nuisances` are those of `nuisances`."""
        material, form = targets.target(self.target), form_factors.form_factor(form_factor)
        flux, yields, radius, mixing_angle, *_, strength = (nuisance.name for nuisance in nuisances)
        spectrum = recoils.Spectrum(form, (flux, yields, strength), radius, mixing_angle)
        fluence = self.exposure.neutrinos(material)
        starts = (self.lowest_kevnr, *self.cuts_kevnr)
        fine = _fold(material, form, fluence, starts, self.longest_panel)
        return Neutrinos(spectrum, fine, recoils.at_energies(material, self._nodes(material), form, fluence))

    def _nodes(self, material: Target) -> list[np.ndarray]:
        """Recoil energies [MeV] that take the smooth part of Eq. 33, for each isotope, to 1e-12 by interpolation.

        The pole of the propagator lies pi off the real axis of ln E_R, which tells how fast polynomials converge.
        """
        found = []
        for isotope in material.isotopes:
            ends = np.log([self.lowest_kevnr * MEV_PER_KEV, recoils.end_points(isotope)[1]])
            count = math.ceil(_DIGITS / math.asinh(2.0 * math.pi / np.ptp(ends)))
            found.append(np.exp(chebyshev_nodes(float(ends[0]), float(ends[1]), count)))
        return found

    def build[C: Coherent](
        self,
        kind: type[C],
        counts: Table,
        declared: tuple[Nuisance, ...],
        nuisances: tuple[str, ...] | None,
        name: str,
        title: str | None,
        **own: Any,
    ) -> C:
        """Build the experiment; `nuisances`, `name` and `title` are the overrides, `own` the other fields of `kind`."""
        return kind(
            description=Description(name, self.title if title is None else title, self.citation, "data", (self.name,)),
            binning=flat_binning(counts.axes),
            term=Poisson(),
            declared=declared,
            active=active_names(declared, nuisances),
            observed=counts.observed.ravel(),
            axes=counts.axes,
            **own,
        )


def flat_binning(axes: tuple[Binning, ...]) -> Binning:
    """Bins of several axes as one: numbered from 0, without unit."""
    number = int(np.prod([len(axis) for axis in axes]))
    return Binning(np.arange(number + 1.0), "", "bin of " + " × ".join(axis.quantity for axis in axes))


def _fold(
    material: Target, form_factor: FormFactor, neutrinos: float, starts_kevnr: Sequence[float], longest_panel: float
) -> dict[str, recoils.Recoils]:
    """Nodes over all recoil energies above the lowest, for each component; weights of the quadrature in the fluxes.

    Parameters
    ----------
    material, form_factor, neutrinos
        As in `recoils.at_energies`.
    starts_kevnr
        [keVnr], increasing: where a panel starts; below the first nothing is seen.
    longest_panel
        In ln E_R, of 16 nodes.
    """
    energies, weights = [], []
    for isotope in material.isotopes:
        line, end = recoils.end_points(isotope)
        starts = np.array([start * MEV_PER_KEV for start in starts_kevnr])
        nodes, weight = recoils.quadrature(np.append(starts[starts < end], end), line, end, longest_panel)
        energies.append(nodes)
        weights.append(weight.sum(axis=0))
    weight = np.concatenate(weights)
    parts = {c: recoils.at_energies(material, energies, form_factor, neutrinos, kinds=k) for c, k in COMPONENTS.items()}
    return {component: replace(part, flux=_weighted(part.flux, weight)) for component, part in parts.items()}


def _weighted(flux: Mapping[str, ArrayLike], weight: np.ndarray) -> dict[str, np.ndarray]:
    return {flavour: weight * np.asarray(own) for flavour, own in flux.items()}


# -- nuisances -------------------------------------------------------------------------------------------------------


def flux_nuisance() -> Nuisance:
    """Nuisance "flux_sns", shared by every COHERENT data set."""
    return Nuisance(
        "flux_sns",
        Gaussian(1.0, 0.10),
        "factor on the neutrinos of each kind per proton at the Spallation Neutron Source",
        "arXiv:2110.07730, arXiv:2003.10630: 10 % on the yield of pions",
    )


def yield_nuisance(key: str, sigma: float, source: str) -> Nuisance:
    """Nuisance "yield_<key>": what is left of the uncertainty of the signal, flux and named shapes taken out."""
    return Nuisance(f"yield_{key}", Gaussian(1.0, sigma), "factor on the neutrino counts of this detector", source)


def strength_nuisance(key: str) -> Nuisance:
    """Nuisance "strength_<key>": a signal strength without constraint worth the name, off unless asked for."""
    return Nuisance(
        f"strength_{key}",
        Gaussian(1.0, 10.0),
        "factor on the neutrino counts, to fit them as a free number; leave flux_sns and yield out of such a fit",
        "a width of 10 where the data give 0.1 to 0.4: no constraint",
        free_by_default=False,
    )


def background_nuisance(name: str, relative: float, effect: str, source: str) -> Nuisance:
    """Factor on a background, Gaussian, cut at zero where it is used."""
    return Nuisance(name, Gaussian(1.0, relative), effect, source)
