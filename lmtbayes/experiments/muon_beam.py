"""Muon beams that look for missing energy, NA64mu and M3: mu Z -> mu Z A', A' unseen (Sect. 3 of arXiv:2104.03297).

Counts in bins of the scattered muon's energy: g_mu^2 s_i(M) BR_eff, with the muon's coupling g_mu = g_x Q_mu + eps_x e.
The s_i(M) are tabulated when the experiment is built. Below 2 m_mu every model with the same muon charge counts the
same, but for decays to e+e- through mixing. convention="paper" has g_x Q_mu alone and no such decays.

What the search keeps of them is a number, a curve in the mass, or follows from a published limit (`beam_efficiency`).
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import equinox as eqx
import interpax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.interpolate import CubicSpline
from scipy.special import lambertw

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_GEV
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.beam_efficiency import Efficiency, unseen_fraction
from lmtbayes.experiments.beam_setup import (
    HIGHEST_MASS,
    LOWEST_MASS,
    BeamSetup,
    Calibration,
    counts_per_coupling2,
    read_setups,
)
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import LogNormal, Nuisance
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.terms import Poisson
from lmtbayes.gauge.couplings import hadronic_decays
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes.bremsstrahlung import CONVENTIONS, closing_mass

FORM_FACTOR_UNCERTAINTY = 1.04
"""Factor, 1 sigma, to which form factors and the equivalent-photon approximation give a rate: 3-5 %."""
_KNOTS = 200
_STRETCH = 12.0
"""Knots are even in ln M + 12 M/M_max: sparse in ln M where little happens, dense where the rate falls steeply."""


class MassTable(eqx.Module):
    """ln s_i(M) as a C2 cubic spline, continued beyond its ends as a power law; good to 1e-5 of s_i."""

    highest: float = eqx.field(static=True)
    knots: np.ndarray
    log_rate: np.ndarray
    slope: np.ndarray

    def __init__(self, setup: BeamSetup, convention: str):
        self.highest = HIGHEST_MASS
        if convention == "default":
            # The bin of the hardest muons closes first; its last 5 % of mass has no shape that a spline could follow.
            softest_boson = 1.0 - setup.bin_edges[-1] / setup.beam_energy_gev
            closing = closing_mass(softest_boson, setup.beam_energy_gev * MEV_PER_GEV)
            self.highest = min(HIGHEST_MASS, 0.95 * float(closing))
        scale = self.highest / _STRETCH
        first, last = (np.log(mass) + mass / scale for mass in (LOWEST_MASS, self.highest))
        self.knots = np.linspace(first, last, _KNOTS)
        masses = scale * np.real(lambertw(np.exp(self.knots) / scale))
        self.log_rate = np.log(counts_per_coupling2(setup, masses, convention))
        self.slope = CubicSpline(self.knots, self.log_rate)(self.knots, 1)

    def __call__(self, mass: Float[Array, ""]) -> Float[Array, " bins"]:
        """s_i(M) [1], M in MeV."""
        log_mass = jnp.log(mass)
        knot = jnp.clip(log_mass + mass * (_STRETCH / self.highest), self.knots[0], self.knots[-1])
        log_rate = interpax.interp1d(knot, self.knots, self.log_rate, method="cubic2", fx=self.slope)
        below = jnp.minimum(log_mass - np.log(LOWEST_MASS), 0.0) * self.slope[0]
        above = jnp.maximum(log_mass - np.log(self.highest), 0.0) * self.slope[-1] * (1.0 + _STRETCH)
        return jnp.exp(log_rate + below + above)


@functools.lru_cache(maxsize=32)
def _mass_table(setup: BeamSetup, convention: str) -> MassTable:
    """Keep what is built: variants of one set-up share it."""
    return MassTable(setup, convention)


@functools.lru_cache(maxsize=32)
def _efficiency(setup: BeamSetup, convention: str) -> Efficiency:
    return Efficiency(setup, convention)


class MuonBeam(Experiment):
    """Counts of unseen A' in bins of the scattered muon's energy E'_mu [GeV]; no background.

    Parameters
    ----------
    setup
        Beam, target, efficiency and window.
    convention
        Of the cross section.
    table
        s_i(M).
    efficiency
        Against mass; the nuisance "efficiency_<setup>", where there is one, multiplies it: that of the set-up whose
        published limit it follows from.
    """

    setup: BeamSetup = eqx.field(static=True)
    convention: str = eqx.field(static=True)
    table: MassTable
    efficiency: Efficiency

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        coupling = model.coupling(photon, "mu", convention=_of_couplings(self.convention))
        scale = coupling**2 * values[_form_factor_name(self.setup)]
        scale *= self.efficiency(photon.mass) * values.get(_efficiency_name(self.setup), 1.0)
        return scale * self.table(photon.mass) * self.unseen_fraction(model, photon)

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """Decays to hadrons."""
        return hadronic_decays(model.charges)

    def unseen_fraction(self, model: GaugeModel, photon: HiddenPhoton) -> Float[Array, " bins"]:
        """BR_eff of a single photon in each bin, see `beam_efficiency.unseen_fraction`."""
        return unseen_fraction(self.setup, model, photon, _of_couplings(self.convention))


def muon_beam(
    setup: BeamSetup,
    *,
    convention: str = "default",
    nuisances: tuple[str, ...] | None = None,
    name: str | None = None,
    title: str | None = None,
) -> MuonBeam:
    """Build the experiment of a set-up, published or your own.

    Parameters
    ----------
    setup
        Beam, target, efficiency and window.
    convention
        "default", "improved" or "paper" (see `lmtbayes.processes.bremsstrahlung`); "paper" has no nuisances, and no
        mixing in the muon's coupling and in the decays.
    nuisances
        Names of those to keep: "form_factor_<target>", shared by all beams on that target, and "efficiency_<setup>"
        where the efficiency is uncertain. None for all of the convention.
    name, title
        Of the experiment, and what pictures and tables call it; the set-up's own by default.

    Raises
    ------
    InvalidArgument
        Unknown convention.
    UnknownName
        A nuisance that there is not.
    """
    _checks.one_of("convention", convention, CONVENTIONS)
    declared = _declared(setup)
    if nuisances is None and convention == "paper":
        nuisances = ()
    return MuonBeam(
        description=Description(
            setup.name if name is None else name,
            setup.title if title is None else title,
            setup.citation,
            "projection" if setup.observed is None else "data",
            # A projection under another name is another beam; published data stay the same data.
            (name,) if name is not None and setup.observed is None else setup.data_sets,
        ),
        binning=Binning(np.array(setup.bin_edges), "GeV", "energy of the scattered muon"),
        term=Poisson(),
        declared=declared,
        active=active_names(declared, nuisances),
        observed=None if setup.observed is None else np.array(setup.observed),
        setup=setup,
        convention=convention,
        table=_mass_table(setup, convention),
        efficiency=_efficiency(replace(_owner(setup), efficiency=setup.efficiency), convention),
    )


def _declared(setup: BeamSetup) -> tuple[Nuisance, ...]:
    declared = [
        Nuisance(
            _form_factor_name(setup),
            LogNormal(1.0, FORM_FACTOR_UNCERTAINTY),
            f"scales every A' rate on {setup.target}: form factors of the atom, equivalent photons",
            "3-5 % between published form factors (arXiv:0906.0580, arXiv:2401.06843); approximation: below 1 %",
        )
    ]
    if setup.efficiency_factor is not None:
        declared.append(
            Nuisance(
                _efficiency_name(setup),
                LogNormal(1.0, setup.efficiency_factor),
                f"factor on the signal efficiency of {_owner(setup).title}",
                _owner(setup).citation,
            )
        )
    return tuple(declared)


def _of_couplings(convention: str) -> str:
    """Convention of the muon's coupling: "improved" is one of the cross section alone."""
    return "paper" if convention == "paper" else "default"


def _form_factor_name(setup: BeamSetup) -> str:
    return f"form_factor_{setup.target}"


def _owner(setup: BeamSetup) -> BeamSetup:
    """Whose efficiency it is: searches that take theirs from one published limit share it."""
    return setup.efficiency.published_for if isinstance(setup.efficiency, Calibration) else setup


def _efficiency_name(setup: BeamSetup) -> str:
    return f"efficiency_{_owner(setup).name}"


def _from_registry(
    setup: BeamSetup,
    *,
    convention: str = "default",
    muons_on_target: float | None = None,
    efficiency: Any = None,
    efficiency_factor: float | None = None,
    calibrate: Any = None,
    bin_edges: Sequence[float] | np.ndarray | None = None,
    resolution_gev: float | None = None,
    nuisances: tuple[str, ...] | None = None,
    name: str | None = None,
    title: str | None = None,
) -> MuonBeam:
    """Build a row of the table with changes; None leaves what is published.

    Parameters
    ----------
    convention, nuisances
        As in `muon_beam`.
    muons_on_target, efficiency, efficiency_factor, bin_edges, resolution_gev
        As in `BeamSetup`.
    calibrate
        (mass [MeV], g_x) of a 90 % limit without events, numbers or arrays, in place of `efficiency`: it is then what
        this set-up needs for ln 10 = 2.303 events on it, flat beyond its ends.
    """
    given: dict[str, Any] = {
        "muons_on_target": muons_on_target,
        "efficiency": efficiency,
        "efficiency_factor": efficiency_factor,
        "bin_edges": None if bin_edges is None else tuple(_checks.increasing("bin_edges", bin_edges).tolist()),
        "resolution_gev": resolution_gev,
    }
    changed = replace(setup, **{key: value for key, value in given.items() if value is not None})
    if calibrate is not None:
        if efficiency is not None:
            raise InvalidArgument("`efficiency` or `calibrate` must be given, not both: a limit fixes the efficiency")
        changed = replace(changed, efficiency=_calibration(changed, calibrate))
    return muon_beam(changed, convention=convention, nuisances=nuisances, name=name, title=title)


def _calibration(setup: BeamSetup, calibrate: Any) -> Calibration:
    """Check a user's reading and attach it to the set-up that it is the limit of."""
    if not isinstance(calibrate, tuple | list) or len(calibrate) != 2:
        raise _checks.invalid("calibrate", calibrate, "(mass [MeV], g_x), two numbers or two arrays of one length")
    points: list[tuple[float, ...]] = []
    for index, entry in enumerate(calibrate):
        array = _checks.number(f"calibrate[{index}]", entry)
        if array is None:
            raise _checks.invalid(f"calibrate[{index}]", entry, "known numbers; it cannot be traced")
        points.append(tuple(np.atleast_1d(array).tolist()))
    return Calibration(points[0], points[1], replace(setup, efficiency=1.0))


for _name, _setup in read_setups().items():
    _given = ("muons_on_target", "efficiency", "efficiency_factor", "bin_edges", "resolution_gev")
    _values = {option: getattr(_setup, option) for option in _given}
    _status = "projection" if _setup.observed is None else "data"
    register(_name, functools.partial(_from_registry, _setup), published=_values, reach=anywhere, status=_status)
