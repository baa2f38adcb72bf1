"""Recoils of nuclei hit by neutrinos: Eqs. 31 and 33 folded at quadrature nodes, for pions at rest or another source.

What no parameter changes is NumPy and computed once; `Spectrum` is what a call needs.

A bin is an integral over the recoil energy alone: the one over the neutrino energy is closed. Gauss-Legendre in
ln E_R, split where the prompt nu_mu end (a kink, at 47.69 keV in argon) and where all recoils end.
"""

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable, Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes.constants import CM2_PER_INVERSE_MEV2
from lmtbayes.detectors.targets import Isotope, Target
from lmtbayes.gauge.charges import Charges, apart_from_charges, recharged
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes import nucleus
from lmtbayes.processes.form_factors import FormFactor
from lmtbayes.sources import pion_decay_at_rest as source

SMOOTH_PANEL = 5.6
"""Longest panel in ln E_R on which 16 nodes reach 1e-12: the pole of the propagator stays pi off the real axis."""
type Average = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Recoil energy, nuclear mass, minimum neutrino energy to the spectrum times the kinematic factor, integrated."""
_LONG, _SHORT = 16, 8
"""Nodes of a panel, and of one a fifth as long or shorter."""


class Recoils(eqx.Module):
    """Recoils at which a rate is evaluated, isotope after isotope on one flat axis; nothing that a parameter changes.

    Energies and momenta in MeV. `flux` gives for each flavour the counts per MeV of recoil energy for form factor and
    amplitude 1.
    """

    energy: Float[Array | np.ndarray, " nodes"]
    momentum: Float[Array | np.ndarray, " nodes"]
    protons: Float[Array | np.ndarray, " nodes"]
    neutrons: Float[Array | np.ndarray, " nodes"]
    radius_fm: Float[Array | np.ndarray, " nodes"]
    flux: Mapping[str, Float[Array | np.ndarray, " nodes"]]


def at_energies(
    material: Target,
    energies: list[np.ndarray],
    form_factor: FormFactor,
    neutrinos: float,
    energy_correction: bool = False,
    kinds: Iterable[str] = source.NEUTRINOS,
) -> Recoils:
    """Fold flux, kinematics and composition at given recoil energies.

    Parameters
    ----------
    material
        Isotopes.
    energies
        [MeV], one 1-d array for each isotope.
    form_factor
        Gives the nuclear radii.
    neutrinos
        Atoms of the target times fluence of each kind of neutrino [1/cm^2].
    energy_correction
        Keep the term -E_R/E_nu of the cross section.
    kinds
        Neutrinos to count, out of "nu_mu" (prompt), "nubar_mu" and "nu_e" (delayed).
    """

    def average(neutrino: str, energy: np.ndarray, mass: np.ndarray, minimum: np.ndarray) -> np.ndarray:
        return source.kinematic_average(neutrino, energy, mass, minimum, energy_correction)

    flavours = [(source.NEUTRINOS[kind], functools.partial(average, kind)) for kind in kinds]
    return fold(material, energies, form_factor, neutrinos, flavours, energy_correction)


def fold(
    material: Target,
    energies: list[np.ndarray],
    form_factor: FormFactor,
    neutrinos: float,
    averages: Iterable[tuple[str, Average]],
    energy_correction: bool = False,
) -> Recoils:
    """Fold any source of neutrinos with a composition at given recoil energies.

    Parameters
    ----------
    material, energies, form_factor, energy_correction
        As in `at_energies`.
    neutrinos
        Atoms of the target times what `averages` are normalised to [1/cm^2].
    averages
        Flavour and kinematic average of each kind of neutrino: (recoil energy, nuclear mass, minimum neutrino energy),
        all in MeV, to the integral of the spectrum times the kinematic factor.
    """
    repeats = [array.size for array in energies]

    def spread(values: list[float]) -> np.ndarray:
        return np.repeat(np.array(values, dtype=float), repeats)

    isotopes = material.isotopes
    energy, mass = np.concatenate(energies), spread([i.mass for i in isotopes])
    minimum = np.asarray(nucleus.minimum_neutrino_energy(energy, mass, energy_correction))
    scale = neutrinos * CM2_PER_INVERSE_MEV2 * np.asarray(nucleus.contact_cross_section(mass))
    scale = scale * spread([i.abundance for i in isotopes])
    flux: dict[str, np.ndarray] = {}
    for flavour, average in averages:
        flux[flavour] = flux.get(flavour, 0.0) + scale * average(energy, mass, minimum)
    return Recoils(
        energy=energy,
        momentum=np.asarray(nucleus.momentum_transfer(energy, mass)),
        protons=spread([i.protons for i in isotopes]),
        neutrons=spread([i.neutrons for i in isotopes]),
        radius_fm=spread([form_factor.rms_radius_fm(i.mass_number) for i in isotopes]),
        flux=flux,
    )


def squares(
    at: Recoils,
    running: Float[ArrayLike, " nodes"],
    photon: HiddenPhoton,
    radius: Float[ArrayLike, ""],
    sin2_theta_w: Float[ArrayLike, ""],
    charges: Charges,
    *,
    flavours: tuple[str, ...],
    model: GaugeModel,
    form_factor: FormFactor,
) -> Float[Array, "flavours nodes"]:
    """F^2 (Q/2 + chi)^2 of Eq. 33 at each node: what fluxes are multiplied with.

    Parameters
    ----------
    at
        Where; its fluxes are not read.
    running
        eps(q^2)/eps(0) at each node.
    photon
        A single one.
    radius
        Factor on the rms radius of every nucleus.
    sin2_theta_w
        sin^2 theta_W.
    flavours
        Of the neutrinos.
    model, charges
        Of `apart_from_charges`.
    form_factor
        F.
    """
    model = recharged(model, charges)
    half = 0.5 * nucleus.weak_charge(at.protons, at.neutrons, sin2_theta_w)
    boson = nucleus.propagator(at.momentum, photon.mass)
    coupling = model.nuclear_coupling(photon, at.protons, at.neutrons, running)
    form2 = form_factor.at_radius(at.momentum, at.radius_fm * radius) ** 2
    own = [model.coupling(photon, f"nu_{flavour}") for flavour in flavours]
    return jnp.stack([form2 * (half + nucleus.hidden_amplitude(g, coupling, boson)) ** 2 for g in own])


# Jitted on its own, so that building a detector compiles one thing.
_squares = jax.jit(squares, static_argnames=("flavours", "model", "form_factor"))


class Spectrum(eqx.Module):
    """Eq. 33 with the nuisances that it reads, by name: what the rates of one detector share.

    Parameters
    ----------
    form_factor
        F.
    scales
        Names of the factors on all neutrino counts.
    radius, weak_mixing_angle
        Names of the factor on the nuclear radius, and of sin^2 theta_W.
    """

    form_factor: FormFactor = eqx.field(static=True)
    scales: tuple[str, ...] = eqx.field(static=True)
    radius: str = eqx.field(static=True)
    weak_mixing_angle: str = eqx.field(static=True)

    def __call__(
        self, at: Recoils, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " nodes"]:
        """Counts per MeV of recoil energy at each node, before any response; `values` holds every nuisance."""
        flavours = tuple(at.flux)
        found = self.squares(at, flavours, model, photon, values)
        return self.scale(values) * sum(at.flux[flavour] * found[i] for i, flavour in enumerate(flavours))

    def scale(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, ""]:
        """Product of the factors on all neutrino counts."""
        return functools.reduce(operator.mul, (values[name] for name in self.scales))

    def squares(
        self,
        at: Recoils,
        flavours: tuple[str, ...],
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],
    ) -> Float[Array, "flavours nodes"]:
        """`squares` of the module at the values of the nuisances."""
        stands, charges = apart_from_charges(model)
        # What a user's own class does may change: it is no key of what is compiled.
        evaluate = _squares if type(model) is GaugeModel else squares
        found: Float[Array, "flavours nodes"] = evaluate(
            at,
            model.running(-(at.momentum**2)),
            photon,
            values[self.radius],
            values[self.weak_mixing_angle],
            charges,
            flavours=flavours,
            model=stands,
            form_factor=self.form_factor,
        )
        return found


def end_points(isotope: Isotope, energy_correction: bool = False) -> tuple[float, float]:
    """Highest recoil energies [MeV]: of the prompt nu_mu, where the rate has a kink, and of all neutrinos."""
    line, last = (
        float(nucleus.maximum_recoil_energy(energy, isotope.mass, energy_correction))
        for energy in (source.LINE_ENERGY, source.END_POINT)
    )
    return line, last


def quadrature(
    edges: Float[np.ndarray, " edges"], kink: float, end: float, longest_panel: float = SMOOTH_PANEL
) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, "bins nodes"]]:
    """Nodes, and weights of the integral over each bin.

    Parameters
    ----------
    edges
        Of the bins, positive and increasing, in any unit.
    kink, end
        Where panels are split, and above which nothing is spent; in the same unit.
    longest_panel
        In ln E_R.

    Returns
    -------
    nodes, weights
        In the unit of the edges; integral over bin b of f = weights[b] @ f(nodes).
    """
    nodes, columns = [np.zeros(0)], [np.zeros((edges.size - 1, 0))]
    for row, (low, high) in enumerate(zip(edges[:-1], np.minimum(edges[1:], end), strict=True)):
        if low >= high:
            continue
        for left, right in _panels(low, high, kink, longest_panel):
            half = 0.5 * math.log(right / left)
            x, w = np.polynomial.legendre.leggauss(_SHORT if half <= 0.1 * longest_panel else _LONG)
            energy = left * np.exp(half * (1.0 + x))
            column = np.zeros((edges.size - 1, x.size))
            column[row] = half * w * energy
            nodes.append(energy)
            columns.append(column)
    return np.concatenate(nodes), np.concatenate(columns, axis=1)


def _panels(low: float, high: float, kink: float, longest: float) -> list[tuple[float, float]]:
    cuts = [low, kink, high] if low < kink < high else [low, high]
    panels = []
    for left, right in itertools.pairwise(cuts):
        number = math.ceil(math.log(right / left) / longest)
        edges = np.geomspace(left, right, number + 1)
        panels += list(itertools.pairwise(edges.tolist()))
    return panels
