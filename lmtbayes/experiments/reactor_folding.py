"""What follows from a detector at a reactor: bins, quadrature and response, background, nuisances."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_KEV
from lmtbayes.detectors import targets
from lmtbayes.detectors.ionisation import Ionisation
from lmtbayes.experiments import recoils
from lmtbayes.experiments.common import lindhard_k, nuclear_radius, weak_mixing_angle
from lmtbayes.experiments.efficiency import EfficiencyCurve, resolve
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.processes import form_factors, nucleus
from lmtbayes.sources.reactor import JOIN, ReactorSpectrum

_PANEL = 0.5
"""Longest panel in ln E_R, of 16 nodes: a bin is good to 1e-5."""
_PANEL_SIGMAS, _SHORTEST_PANEL = 4.0, 0.02
"""The same in relative standard deviations of the resolution, which moves with k; and what that is cut at."""
_SIGMAS = 6.0
"""Standard deviations of the resolution outside the bins at which nothing is seen any more."""
_K_SIGMAS, _K_RANGE = 4.0, (0.3, 3.0)
"""Standard deviations of k for which there are nodes, within these factors on it."""


def edges(
    given: ArrayLike | Sequence[float], material: targets.Target, core: ReactorSpectrum, ionisation: Ionisation | None
) -> np.ndarray:
    """Edges of the bins, all of which a recoil can reach."""
    found = _checks.increasing("bin_edges", given)
    end = max(_end_points(isotope, core)[1] for isotope in material.isotopes) / MEV_PER_KEV
    if ionisation is not None:
        mean = float(ionisation.kevee(end))
        end = mean + _SIGMAS * float(ionisation.sigma_kevee(mean))
    if found[0] <= 0.0 or found[-2] >= end:
        raise _checks.invalid("bin_edges", found, f"above 0 and each bin's start below {end:.4g}, where recoils end")
    return found


def _end_points(isotope: targets.Isotope, core: ReactorSpectrum) -> tuple[float, float]:
    """Highest recoils [MeV]: of neutrinos of the energy at which the spectrum has a step, and of all."""
    step, last = (float(nucleus.maximum_recoil_energy(energy, isotope.mass)) for energy in (JOIN, core.ends[1]))
    return step, last


def check_ionisation(ionisation: object, material: targets.Target) -> None:
    """Require an Ionisation of the target's one element, or None."""
    if not isinstance(ionisation, Ionisation | None):
        raise _checks.invalid("ionisation", ionisation, "an Ionisation, or None")
    found = sorted({isotope.protons for isotope in material.isotopes})
    if ionisation is not None and found != [ionisation.protons]:
        raise _checks.invalid(
            "ionisation", ionisation, f"one for a target of a single element; {material.name} has Z = {found}"
        )


def efficiency(given: Any, bin_edges: np.ndarray, ionisation: Ionisation | None) -> EfficiencyCurve:
    """Against recoil or ionisation energy, wherever the bins see anything."""
    if ionisation is None:
        return resolve("efficiency", given, "energy_kevnr", float(bin_edges[0]), float(bin_edges[-1]))
    return resolve("efficiency", given, "energy_kevee", *_seen_between(bin_edges, ionisation))


def quadrature(
    bin_edges: np.ndarray,
    material: targets.Target,
    core: ReactorSpectrum,
    ionisation: Ionisation | None,
    seen: EfficiencyCurve,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Nodes of each isotope [MeV], and weights [MeV]: (bins, nodes), or one row where bins are of measured energy."""
    bends = np.array(seen.bends)
    if ionisation is None:
        cuts, panel = np.union1d(bin_edges, bends[(bends > bin_edges[0]) & (bends < bin_edges[-1])]), _PANEL
    else:
        cuts, panel = _cuts(bin_edges, bends, ionisation)
    energies, columns = [], []
    for isotope in material.isotopes:
        nodes, weights = recoils.quadrature(cuts * MEV_PER_KEV, *_end_points(isotope, core), min(panel, seen.smooth))
        energies.append(nodes)
        bins = (
            np.searchsorted(bin_edges, cuts[:-1], side="right") - 1 if ionisation is None else np.zeros(cuts.size - 1)
        )
        columns.append(np.stack([weights[bins == row].sum(axis=0) for row in np.unique(bins)]))
    return energies, np.concatenate(columns, axis=-1)


def _seen_between(edges_kevee: np.ndarray, ionisation: Ionisation) -> tuple[float, float]:
    """Ionisation energies [keVee] outside of which the bins see nothing."""
    first, last = edges_kevee[[0, -1]]
    below = max(first - _SIGMAS * float(ionisation.sigma_kevee(first)), 0.02 * first)
    return float(below), float(last + _SIGMAS * float(ionisation.sigma_kevee(last)))


def _cuts(edges_kevee: np.ndarray, bends_kevee: np.ndarray, ionisation: Ionisation) -> tuple[np.ndarray, float]:
    """Recoils [keVnr] at which panels end, from where bins see nothing to where they do not any more; longest panel."""
    below, above = _seen_between(edges_kevee, ionisation)
    smaller, larger = np.clip(1.0 + _K_SIGMAS * ionisation.k_uncertainty * np.array([-1.0, 1.0]), *_K_RANGE)
    inside = np.concatenate([edges_kevee, bends_kevee[(bends_kevee > below) & (bends_kevee < above)]])
    low = float(ionisation.kevnr(below, ionisation.k * float(larger)))
    high = float(ionisation.kevnr(above, ionisation.k * float(smaller)))
    relative = float(np.min(ionisation.sigma_kevee(edges_kevee) / edges_kevee))
    panel = float(np.clip(_PANEL_SIGMAS * relative, _SHORTEST_PANEL, _PANEL))
    return np.union1d(ionisation.kevnr(inside), [low, high]), panel


def fold(
    material: targets.Target,
    energies: list[np.ndarray],
    form_factor: form_factors.FormFactor,
    neutrinos: float,
    core: ReactorSpectrum,
) -> recoils.Recoils:
    """Recoils at given energies [MeV] of each isotope; `neutrinos` are atoms times fissions per cm^2."""
    return recoils.fold(material, energies, form_factor, neutrinos, [("e", core.kinematic_average)])


def in_bins(background: ArrayLike | Sequence[float], bins: int) -> np.ndarray:
    """Counts of the background in each bin."""
    _checks.non_negative("background", background, "counts")
    counts = np.asarray(background, dtype=float)
    if counts.shape not in ((), (bins,)):
        raise _checks.invalid("background", background, f"one number, or one for each of the {bins} bins")
    return np.broadcast_to(counts, (bins,)).copy()


def element(material: targets.Target) -> str:
    """Name that every isotope of an element shares, its radius and its quenching with it."""
    head, _, tail = material.name.rpartition("-")
    return head if tail.isdigit() else material.name


def nuisances(
    name: str,
    source: str,
    of_element: str,
    flux_uncertainty: float,
    sin2_theta_w: float,
    ionisation: Ionisation | None,
    background_uncertainty: float,
) -> tuple[tuple[Nuisance, ...], str | None]:
    """All that the rates know, flux, radius and mixing angle first; the name of the factor on the background."""
    _checks.scalar("background_uncertainty", background_uncertainty)
    _checks.non_negative("background_uncertainty", background_uncertainty)
    declared = [
        Nuisance(
            f"flux_{source}",
            Gaussian(1.0, flux_uncertainty),
            "factor on the antineutrinos of the core; one for all detectors at it",
            "arXiv:1508.04233: Daya Bay finds 0.946 +- 0.022 of Huber and Mueller; unless given by the user",
        ),
        nuclear_radius(of_element),
        weak_mixing_angle(sin2_theta_w),
    ]
    if ionisation is not None:
        declared.append(lindhard_k(of_element, ionisation.k, ionisation.k_uncertainty))
    if background_uncertainty == 0.0:
        return tuple(declared), None
    scale = Nuisance(
        f"background_{name}", Gaussian(1.0, float(background_uncertainty)), "factor on the background", "the user"
    )
    return (*declared, scale), scale.name
