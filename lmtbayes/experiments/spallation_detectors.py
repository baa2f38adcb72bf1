"""Detectors at spallation sources as rows of data, and what follows from a row: bins and nuisances."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from lmtbayes import _checks, tables
from lmtbayes.detectors import scintillation
from lmtbayes.detectors.scintillation import TanhEfficiency
from lmtbayes.detectors.targets import Target
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.common import nuclear_radius, weak_mixing_angle
from lmtbayes.experiments.efficiency import EfficiencyCurve, resolve
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.experiments.recoils import SMOOTH_PANEL

_LOWEST_KEVNR, _HIGHEST_KEVNR = 1e-3, 1e3
"""Where a function is asked for its efficiency: beyond every threshold and every recoil of neutrinos of pions."""


def rows() -> dict[str, dict[str, Any]]:
    """Return the detectors of data/spallation/detectors.csv by name."""
    table = tables.read("spallation/detectors")
    return {str(name): {key: table[key][i].item() for key in table} for i, name in enumerate(table["name"])}


def published(name: str) -> dict[str, Any]:
    """What a detector is where an option of `spallation` is left out."""
    row = rows()[name]
    options = ("mass_ton", "baseline_m", "threshold_kevnr", "protons_per_year", "neutrinos_per_proton", "target")
    return {option: row[option] for option in (*options, "systematic", "background_fraction", "efficiency")}


def edges(
    row: Mapping[str, Any], threshold: float | None, given: ArrayLike | Sequence[float] | None, end: float
) -> np.ndarray:
    """Bin edges [keVnr]: given, or equal bins from the threshold to the end of the window or of the recoils."""
    if threshold is not None:
        _checks.scalar("threshold_kevnr", threshold)
        _checks.positive("threshold_kevnr", threshold, "keVnr")
    if given is None:
        low, high = float(row["threshold_kevnr"] if threshold is None else threshold), min(row["maximum_kevnr"], end)
        if low >= high:
            raise _checks.invalid("threshold_kevnr", low, f"below the end of the recoil window, {high:.4g} keVnr")
        return np.linspace(low, high, int(row["bins"]) + 1)
    found = _checks.increasing("bin_edges", given)
    if found[0] <= 0.0 or found[-2] >= end:
        raise _checks.invalid("bin_edges", found, f"above 0 and each bin's start below {end:.4g} keVnr, the end point")
    if threshold is not None and threshold != found[0]:
        raise _checks.invalid("threshold_kevnr", threshold, f"left out, or the first of `bin_edges`, {found[0]:g}")
    return found


def efficiency(given: Any) -> tuple[TanhEfficiency | None, EfficiencyCurve | None]:
    """Return an efficiency whose quenching is uncertain, or one against the recoil energy [keVnr] that is known.

    Raises
    ------
    InvalidArgument
        Neither; a word is looked for among the names first and then among the files.
    """
    is_name = isinstance(given, str) and given in scintillation.EFFICIENCIES
    if given is None or is_name or isinstance(given, TanhEfficiency):
        return scintillation.efficiency(given), None
    if isinstance(given, str) and not Path(given).is_file():
        names = ", ".join(map(repr, scintillation.EFFICIENCIES))
        raise InvalidArgument(
            f"`efficiency` must be one of {names}, a TanhEfficiency, a number in (0, 1], a table, a file or a function "
            f"of recoil energies [keVnr]; got {given!r}{_checks.suggestion(given, scintillation.EFFICIENCIES)}"
        )
    return None, resolve("efficiency", given, "energy_kevnr", _LOWEST_KEVNR, _HIGHEST_KEVNR)


def longest_panel(response: TanhEfficiency | None) -> float:
    """Longest panel in ln E_R for 16 nodes: the tanh has its poles (pi/2)(width/centre) off the real axis."""
    if response is None:
        return SMOOTH_PANEL
    return min(SMOOTH_PANEL, 2.8 * response.width_kevee / response.centre_kevee)


def nuisances_by_role(
    row: Mapping[str, Any],
    name: str,
    convention: str,
    material: Target,
    systematic: float,
    sin2_theta_w: float,
    response: TanhEfficiency | None,
) -> dict[str, Nuisance]:
    """What the rate knows, by the role it plays."""
    # Every isotope of an element shares its radius and its quenching: "argon-40" and "argon" are one.
    element = material.name.rpartition("-")[0] if material.name.rpartition("-")[2].isdigit() else material.name
    own = convention == "paper"
    declared = {
        "normalisation": Nuisance(
            f"normalisation_{name}" if own else f"systematic_{row['source']}",
            Gaussian(1.0, systematic),
            "factor 1 + a on the neutrino counts, a the pull of Eq. 34"
            + ("" if own else "; one for all detectors at this source"),
            "sigma_sys of arXiv:2104.03297, Table 2, unless given by the user",
        ),
        "radius": nuclear_radius(element),
        "weak mixing angle": weak_mixing_angle(sin2_theta_w),
    }
    if response is not None:
        declared["quenching"] = Nuisance(
            f"quenching_{element}",
            Gaussian(1.0, response.quenching_uncertainty),
            "factor on the quenching factor Q_F",
            "arXiv:2003.10630: 0.246 +- 0.006 at zero energy",
        )
    return declared
