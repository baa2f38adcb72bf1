"""What a muon-beam experiment is made of, one row of data: BeamSetup; and its counts per g^2 by direct quadrature.

The efficiency is one against the boson's mass (`efficiency`), or the one that a published limit implies: Calibration.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import ArrayLike, Float
from scipy.special import ndtr

from lmtbayes import _checks, tables
from lmtbayes.constants import AVOGADRO, CM2_PER_INVERSE_MEV2, MEV_PER_GEV, MUON_MASS
from lmtbayes.detectors import targets
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.efficiency import resolve
from lmtbayes.processes.bremsstrahlung import dsigma_dx

LOWEST_MASS, HIGHEST_MASS = 1e-2, 1e4
"""Range of the tables of a beam [MeV]."""
_NODES_PER_PANEL = 4
_FINE = 24
_PANELS_PER_BEAM_ENERGY = 16
_GRADING = 3.0 ** -np.arange(9)
"""Panels of at most E_0/16 (10 GeV of 160 GeV) with four nodes reach 1e-6; narrower ones follow the spectrum to E_0,
where soft A' pile up, and to zero, where heavy ones do."""
_DENSEST = 23.0
"""Osmium has 22.6 g/cm^3."""
_WIDEST_FACTOR = 100.0
_HIGHEST_BEAM = 1e4
"""[GeV] Above every muon beam there is or may be."""
_REACH = 5.0
"""How far beyond the window muons are followed that the resolution may bring in, in standard deviations."""


@dataclass(frozen=True)
class Calibration:
    """A published 90 % limit on g_x of a search that saw no event: it says how much of the signal is kept.

    Parameters
    ----------
    masses
        M_A' [MeV], increasing; at least one.
    limits
        g_x at each mass.
    published_for
        The set-up that the limit belongs to: a change of muons on target afterwards leaves the efficiency alone.

    Raises
    ------
    InvalidArgument
        Masses that do not increase, limits that are not positive or not as many as the masses.
    """

    masses: tuple[float, ...]
    limits: tuple[float, ...]
    published_for: "BeamSetup"

    def __post_init__(self) -> None:
        masses = _checks.increasing("calibrate[0]", self.masses, minimum_length=1)
        _checks.positive("calibrate[0]", masses, "MeV")
        limits = _checks.shape("calibrate[1]", self.limits, masses.shape)
        _checks.positive("calibrate[1]", limits)
        object.__setattr__(self, "masses", tuple(masses.tolist()))
        object.__setattr__(self, "limits", tuple(limits.tolist()))
        observed = self.published_for.observed
        if observed is not None and any(observed):
            raise InvalidArgument(
                f"`calibrate` must be the limit of a search without events; {self.published_for.name!r} saw {observed}"
            )


@dataclass(frozen=True, kw_only=True)
class BeamSetup:
    """A muon beam, its target and its window; every number is checked when it is built.

    Parameters
    ----------
    name, title, citation
        As in `Description`; the title is the name unless given.
    beam_energy_gev
        E_0 [GeV].
    muons_on_target
        Number of muons that reach it.
    target, Z, A
        Name, atomic number and molar mass [g/mol] of the target; the name or symbol of an element has to fit Z.
    density_g_cm3, target_length_cm
        Of the target.
    decay_length_cm
        L_D behind the target: an A' whose decay is seen decays within L_det = L_T + L_D.
    efficiency
        Fraction of the signal that is kept: a number in (0, 1], a table, a file or a function of the boson's mass, see
        `lmtbayes.experiments.efficiency`, or the Calibration that it follows from. Flat beyond the ends of a table.
    efficiency_factor
        The factor to which it is known at 1 sigma; None for exactly.
    bin_edges
        Of the scattered muon's energy E'_mu [GeV], increasing, from the muon mass to below E_0.
    resolution_gev
        Standard deviation of the measured E'_mu [GeV]; None for perfect.
    observed
        Counts in the bins; None for a projection.
    data_sets
        As in `Description`.
    """

    name: str
    title: str = ""
    citation: str = "given by the user"
    beam_energy_gev: float
    muons_on_target: float
    target: str
    Z: float
    A: float
    density_g_cm3: float
    target_length_cm: float
    decay_length_cm: float
    efficiency: Any
    efficiency_factor: float | None = None
    bin_edges: tuple[float, ...]
    resolution_gev: float | None = None
    observed: tuple[float, ...] | None = None
    data_sets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("beam_energy_gev", "muons_on_target", "Z", "A", "density_g_cm3", "target_length_cm"):
            object.__setattr__(self, name, _positive(name, getattr(self, name)))
        if not isinstance(self.target, str) or not self.target:
            raise _checks.invalid("target", self.target, "the name of a material")
        targets.check_element(self.target, self.Z, self.A)
        if self.density_g_cm3 > _DENSEST:
            raise _checks.invalid("density_g_cm3", self.density_g_cm3, f"at most {_DENSEST:g} g/cm^3 (kg/m^3?)")
        _checks.scalar("decay_length_cm", self.decay_length_cm)
        _checks.non_negative("decay_length_cm", self.decay_length_cm, "cm")
        object.__setattr__(self, "title", self.title or self.name)
        object.__setattr__(self, "efficiency", _efficiency(self.efficiency))
        factor = self.efficiency_factor
        if factor is not None and not 1.0 < _positive("efficiency_factor", factor) <= _WIDEST_FACTOR:
            raise _checks.invalid("efficiency_factor", factor, f"above 1 and at most {_WIDEST_FACTOR:g}, or None")
        if self.resolution_gev is not None:
            _positive("resolution_gev", self.resolution_gev)
        edges = _checks.increasing("bin_edges", self.bin_edges)
        lowest = MUON_MASS / MEV_PER_GEV
        if edges[0] < lowest or edges[-1] >= self.beam_energy_gev:
            raise _checks.invalid(
                "bin_edges",
                self.bin_edges,
                f"between the muon mass, {lowest:.4g} GeV, and below the beam energy, {self.beam_energy_gev:g} GeV",
            )
        object.__setattr__(self, "bin_edges", tuple(edges.tolist()))
        if self.beam_energy_gev > _HIGHEST_BEAM:
            raise _checks.invalid("beam_energy_gev", self.beam_energy_gev, f"at most {_HIGHEST_BEAM:g} GeV (MeV?)")
        if self.observed is not None:
            _checks.non_negative("observed", self.observed, "counts")
            object.__setattr__(self, "observed", tuple(np.asarray(self.observed, dtype=float).tolist()))
        if isinstance(self.data_sets, list):
            object.__setattr__(self, "data_sets", tuple(self.data_sets))
        if self.observed is not None and len(self.observed) != len(self.bin_edges) - 1:
            raise InvalidArgument(
                f"`bin_edges` must stay those of the data of {self.name!r}: it has {len(self.observed)} observed "
                f"counts; got {len(self.bin_edges) - 1} bins"
            )

    @property
    def atoms_per_cm2(self) -> float:
        """Areal density of the target [1/cm^2]."""
        return self.density_g_cm3 * self.target_length_cm * AVOGADRO / self.A

    @property
    def boson_energy(self) -> Float[np.ndarray, " bins"]:
        """Energy of the A' in the middle of each bin, E_0 - E'_mu [MeV]."""
        edges = np.array(self.bin_edges)
        return MEV_PER_GEV * (self.beam_energy_gev - 0.5 * (edges[:-1] + edges[1:]))

    def response(self) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, "bins nodes"]]:
        """Nodes in E'_mu [GeV] and the matrix that turns dN/dE'_mu at the nodes into counts in the bins.

        In each panel the spectrum is the polynomial through its nodes, integrated against the probability that a muon
        of energy E'_mu is measured in a bin: Gauss-Legendre where the energy is measured perfectly, else the folding
        with a Gaussian, muons from outside the window included.
        """
        cuts = self._panels()
        unit, weights = np.polynomial.legendre.leggauss(_NODES_PER_PANEL)
        fine, fine_weights = np.polynomial.legendre.leggauss(_FINE)
        half, middle = 0.5 * np.diff(cuts)[:, None], 0.5 * (cuts[:-1] + cuts[1:])[:, None]
        nodes = middle + half * unit
        # Lagrange polynomials of the nodes at the fine points, from Legendre series: (fine, nodes).
        order = np.arange(_NODES_PER_PANEL)
        to_series = (order[:, None] + 0.5) * weights * np.polynomial.legendre.legvander(unit, order[-1]).T
        lagrange = np.polynomial.legendre.legvander(fine, order[-1]) @ to_series
        probability = self._in_bin(middle + half * fine)
        matrix = np.einsum("bpf,f,fn,p->bpn", probability, fine_weights, lagrange, half[:, 0])
        return nodes.ravel(), matrix.reshape(len(self.bin_edges) - 1, -1)

    def _panels(self) -> Float[np.ndarray, " cuts"]:
        edges = list(self.bin_edges)
        if self.resolution_gev is not None:
            reach = _REACH * self.resolution_gev
            edges = [
                max(MUON_MASS / MEV_PER_GEV, edges[0] - reach),
                *edges,
                min(self.beam_energy_gev, edges[-1] + reach),
            ]
        widest = self.beam_energy_gev / _PANELS_PER_BEAM_ENERGY
        graded = [*(widest * _GRADING), *(self.beam_energy_gev - widest * _GRADING)]
        edges = sorted({*edges, *(cut for cut in graded if edges[0] < cut < edges[-1])})
        pieces = [
            np.linspace(low, high, math.ceil((high - low) / widest * (1.0 - 1e-9)) + 1)[:-1]
            for low, high in itertools.pairwise(edges)
        ]
        return np.append(np.concatenate(pieces), edges[-1])

    def _in_bin(self, energy: Float[np.ndarray, "panels fine"]) -> Float[np.ndarray, "bins panels fine"]:
        edges = np.array(self.bin_edges)[:, None, None]
        if self.resolution_gev is None:
            below = (energy < edges).astype(float)
        else:
            below = ndtr((edges - energy) / self.resolution_gev)
        return below[1:] - below[:-1]


def counts_per_coupling2(setup: BeamSetup, mass: ArrayLike, convention: str) -> Float[np.ndarray, "*batch bins"]:
    """A' produced in each bin per g_x^2 and unit efficiency, all of them unseen: good to 1e-6.

    Muons on target times atoms per area times the integral of `dsigma_dx` over the bin; the target is thin to the
    muons (160 GeV muons lose less than 1 GeV in it).

    Parameters
    ----------
    setup
        Beam, target and bins.
    mass
        M_A' [MeV], any shape.
    convention
        As in `dsigma_dx`.

    Returns
    -------
    counts
        Shape `mass.shape + (bins,)`.
    """
    nodes, matrix = setup.response()
    x = 1.0 - nodes / setup.beam_energy_gev
    masses = np.asarray(mass, dtype=float)[..., None]
    per_x = dsigma_dx(x, masses, setup.beam_energy_gev * MEV_PER_GEV, setup.Z, setup.A, convention=convention)
    scale = setup.muons_on_target * setup.atoms_per_cm2 * CM2_PER_INVERSE_MEV2 / setup.beam_energy_gev
    return scale * per_x @ matrix.T


def read_setups() -> dict[str, BeamSetup]:
    """Return the published set-ups by name (data/muon_beam/setups.csv)."""
    table = tables.read("muon_beam/setups")
    setups: dict[str, BeamSetup] = {}
    for values in zip(*table.values(), strict=True):
        row = dict(zip(table, values, strict=True))
        setups[str(row["name"])] = _from_row(row, setups)
    return setups


def _from_row(row: dict[str, Any], above: Mapping[str, BeamSetup]) -> BeamSetup:
    """Build one row; `above` are the set-ups of the rows before it, whose efficiency it may have."""
    words = {key: str(row[key]) for key in ("name", "title", "citation", "target")}
    numbers = ("muons_on_target", "Z", "A", "density_g_cm3", "target_length_cm", "decay_length_cm")
    fields: dict[str, Any] = {**words, **{key: float(row[key]) for key in numbers}}
    efficiency = str(row["efficiency"])
    setup = BeamSetup(
        **fields,
        beam_energy_gev=float(row["beam_energy_gev"]),
        efficiency=float(efficiency) if _is_number(efficiency) else 1.0,
        efficiency_factor=float(row["efficiency_factor"]) if str(row["efficiency_factor"]) else None,
        bin_edges=tuple(float(edge) for edge in str(row["bin_edges_gev"]).split()),
        observed=tuple(float(count) for count in str(row["observed"]).split()) or None,
        data_sets=tuple(str(row["data_sets"]).split()),
    )
    if _is_number(efficiency):
        return setup
    if efficiency in above:
        return replace(setup, efficiency=above[efficiency].efficiency)
    curve = tables.read(f"muon_beam/{efficiency}")
    masses, limits = (tuple(curve[column].tolist()) for column in ("mass_mev", "g_x"))
    return replace(setup, efficiency=Calibration(masses, limits, setup))


def _efficiency(given: Any) -> Any:
    """Keep a Calibration, a number as a float, anything else as a curve against the mass."""
    if isinstance(given, Calibration):
        return given
    curve = resolve("efficiency", given, "mass_mev", LOWEST_MASS, HIGHEST_MASS)
    return curve.values[0] if curve.is_number else curve


def _is_number(entry: str) -> bool:
    try:
        float(entry)
    except ValueError:
        return False
    return True


def _positive(argument: str, value: object) -> float:
    number = _checks.shape(argument, value, ())
    _checks.positive(argument, number)
    return float(number)
