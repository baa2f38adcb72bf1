"""Projected liquid-xenon detectors as rows of data, and their response to nuclear and electron recoils (Eq. 37)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks, tables
from lmtbayes.detectors.response import Efficiency, Resolution, smearing_matrix, to_kevee, to_kevnr
from lmtbayes.experiments.efficiency import EfficiencyCurve, resolve

CHANNELS = ("nr", "er", "nr+er")
NR_ACCEPTANCE = 0.5
"""Share of nuclear recoils that the cut against electron recoils keeps."""
ER_ACCEPTANCE = 0.995
"""Share of electron recoils that are recognised as such: the discrimination."""
NR_FLOOR_KEVNR = 0.7
"""Smallest nuclear recoil that is taken to be seen: the lowest calibrated energy, arXiv:1608.05381."""
WINDOW_KEVEE = 30.0
LOWEST_KEVEE = 0.01
"""No detector sees an electron recoil below this, however low the threshold."""
_HIGHEST_KEV = 100.0
"""Above every recoil of a solar neutrino that is measured inside the window."""
_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
_LAST_FINE_EDGE_KEVNR = 4.5
"""End point of 8B recoils: above it one bin takes what smearing and hep leave."""


@dataclass(frozen=True)
class XenonDetector:
    """One row of data/xenon/detectors.csv, or your own: what `liquid_xenon` builds from.

    Parameters
    ----------
    name
        Begins the names of experiments.
    efficiency
        A column of data/xenon/efficiency_*.csv, or curves of one's own by the kind of recoil ("nr", "er").
    exposure_tyr
        Mass times running time [t yr].
    threshold_kevnr, threshold_kevee
        Nominal thresholds of the reconstructed energy, for nuclear [keVnr] and electron [keVee] recoils.
    half_kevnr, half_kevee
        True energy at which the efficiency is half [keVnr], [keVee].
    plateau_kevnr, plateau_kevee
        True energy of its first maximum [keVnr], [keVee].
    resolution_a, resolution_b
        sigma/E = a/sqrt(E) + b, E in keVee.
    background
        Polynomial of the electron recoils b0 + b1 E + ... [1/(t yr keVee)], E in keVee, before efficiency, without
        solar neutrinos; its first coefficient first.
    title
        What pictures and tables call it; the name unless given.
    data_set
        What is counted: detectors that share it are one detector, with one nuisance of the background, and fit a
        likelihood once. The name unless given.
    citation
        Where its numbers are from.
    """

    name: str
    efficiency: str | tuple[tuple[str, EfficiencyCurve], ...]
    exposure_tyr: float
    threshold_kevnr: float
    threshold_kevee: float
    half_kevnr: float
    plateau_kevnr: float
    half_kevee: float
    plateau_kevee: float
    resolution_a: float
    resolution_b: float
    background: tuple[float, ...]
    title: str = ""
    data_set: str = ""
    citation: str = "given by the user"

    def threshold(self, channel: str) -> float:
        """Nominal threshold: [keVnr] in "nr", [keVee] in "er" and "nr+er"."""
        return self.threshold_kevnr if channel == "nr" else self.threshold_kevee

    def background_rate(self, energy_kevee: np.ndarray) -> np.ndarray:
        """Electron-recoil background before efficiency [1/(t yr keVee)], without solar neutrinos."""
        return np.polynomial.polynomial.polyval(energy_kevee, self.background)


@cache
def detectors() -> dict[str, XenonDetector]:
    """Return the projected detectors by name."""
    table = tables.read("xenon/detectors")
    words = ("efficiency", "title", "data_set", "citation")
    scalar = [key for key in table if key not in ("detector", *words) and not key.startswith("background")]
    rows = {}
    for i, name in enumerate(map(str, table["detector"])):
        fields: dict[str, Any] = {key: float(table[key][i]) for key in scalar}
        fields |= {key: str(table[key][i]) for key in words}
        coefficients = tuple(float(table[f"background_{n}"][i]) for n in range(3))
        rows[name] = XenonDetector(name, background=coefficients, **fields)
    return rows


@dataclass(frozen=True)
class Response:
    """Efficiency and smearing of one kind of recoil: a matrix on demand.

    Parameters
    ----------
    efficiency
        Against true energy, in the recoil's own unit.
    resolution
        Against electron-equivalent energy.
    quenched
        Nuclear recoils: true energies are keVnr and are smeared in keVee.
    acceptance
        Of the analysis.
    """

    efficiency: Efficiency
    resolution: Resolution
    quenched: bool
    acceptance: float

    def matrix(self, energy_kev: Float[np.ndarray, " n"], edges_kevee: ArrayLike, lindhard_k: ArrayLike) -> Any:
        """Probability that a recoil of a true energy is counted in each bin, (bins, n)."""
        mean = to_kevee(energy_kev, lindhard_k) if self.quenched else energy_kev
        smeared = smearing_matrix(edges_kevee, mean, self.resolution(mean) * mean)
        return self.acceptance * self.efficiency(energy_kev) * smeared

    def range_kev(self, highest_kevee: float) -> tuple[float, float]:
        """True energies between which the matrix does not vanish."""
        low = max(self.efficiency.shift * float(self.efficiency.energy_kev[0]), self.efficiency.floor_kev)
        high = highest_kevee * (1.0 + 9.0 * float(self.resolution(highest_kevee)))
        return low, float(to_kevnr(high)) if self.quenched else high


def response(detector: XenonDetector, recoil: str, channel: str, threshold_kev: Any) -> Response:
    """Response of a detector to "nr" or "er" in a channel, its threshold lowered to `threshold_kev`.

    A threshold below the 50 % point of the published efficiency moves that point to it, see `Efficiency`, and the
    resolution with it, see `Resolution`; a higher one leaves both as they are. Nothing switches at the nominal
    threshold, which is that point, rounded: counts are continuous in the threshold. In "nr+er" nothing is discriminated
    and the threshold of nuclear recoils is the energy that quenches to `threshold_kev`, which may be traced.
    """
    nuclear = recoil == "nr"
    half = detector.half_kevnr if nuclear else detector.half_kevee
    xp = _checks.array_library(threshold_kev)
    asked = to_kevnr(threshold_kev) if nuclear and channel == "nr+er" else threshold_kev
    threshold = xp.minimum(asked, half)
    floor = NR_FLOOR_KEVNR if nuclear else 0.0
    if isinstance(detector.efficiency, str):
        table = tables.read(f"xenon/efficiency_{recoil}")
        curves = [column for column in table if not column.startswith("energy")]
        if detector.efficiency not in curves:
            raise _checks.unknown(f"{recoil} efficiency of detector {detector.name!r}", detector.efficiency, curves)
        energies, values = table["energy_kevnr" if nuclear else "energy_kevee"], table[detector.efficiency]
        plateau = detector.plateau_kevnr if nuclear else detector.plateau_kevee
        efficiency = Efficiency(energies, values, half, plateau, threshold, floor)
    else:
        efficiency = _own(dict(detector.efficiency)[recoil], floor)
    a, b = detector.resolution_a, detector.resolution_b
    cap, at = (to_kevee(half), to_kevee(threshold)) if nuclear else (half, threshold)
    resolution = Resolution(a, b, float(cap), cap - at)
    acceptance = {"nr": NR_ACCEPTANCE, "er": ER_ACCEPTANCE, "nr+er": 1.0}[channel]
    return Response(efficiency, resolution, nuclear, acceptance)


def _own(curve: EfficiencyCurve, floor: float) -> Efficiency:
    """A user's efficiency, which no threshold moves."""
    energies, values, bends = map(np.array, (curve.energies, curve.values, curve.bends))
    return Efficiency(energies, values, energies[0], energies[0], None, floor, bends)


def own_efficiencies(given: Any, recoils: Sequence[str]) -> tuple[tuple[str, EfficiencyCurve], ...]:
    """Check a user's efficiency against true energy, one for each kind of recoil that is counted.

    Raises
    ------
    InvalidArgument
        What is no efficiency; one for two kinds of recoil.
    """
    by_recoil = given if isinstance(given, Mapping) else dict.fromkeys(recoils, given)
    if by_recoil.keys() != set(recoils) or (len(recoils) > 1 and not isinstance(given, Mapping)):
        accepted = "{" + ", ".join(f"{recoil!r}: ..." for recoil in recoils) + "}"
        raise _checks.invalid("efficiency", given, f"one for each kind of recoil, as {accepted}")
    found = []
    for recoil in recoils:
        name = "efficiency" if len(recoils) == 1 else f"efficiency[{recoil!r}]"
        unit, low = ("energy_kevnr", NR_FLOOR_KEVNR) if recoil == "nr" else ("energy_kevee", LOWEST_KEVEE)
        found.append((recoil, resolve(name, by_recoil[recoil], unit, low, _HIGHEST_KEV)))
    return tuple(found)


def default_edges(channel: str, threshold_kev: float, resolution: Resolution) -> np.ndarray:
    """Bins one full width at half maximum wide, up to the end of the window; [keVnr] in "nr", else [keVee]."""
    nuclear = channel == "nr"
    fine = float(to_kevee(_LAST_FINE_EDGE_KEVNR)) if nuclear else WINDOW_KEVEE
    edges = [float(to_kevee(threshold_kev)) if nuclear else threshold_kev]
    while (following := edges[-1] * (1.0 + _FWHM * float(resolution(edges[-1])))) < fine:
        edges.append(following)
    # What is left over joins the last bin.
    edges = [*edges, WINDOW_KEVEE] if len(edges) == 1 or nuclear else [*edges[:-1], WINDOW_KEVEE]
    return np.array([threshold_kev, *to_kevnr(np.array(edges[1:]))]) if nuclear else np.array(edges)


def check_threshold(threshold_kev: object, channel: str) -> None:
    """Require a single threshold in the window; where nuclear recoils count, not below the lowest calibrated one."""
    _checks.scalar("threshold_kev", threshold_kev)
    low = {"nr": NR_FLOOR_KEVNR, "er": 0.05, "nr+er": float(to_kevee(NR_FLOOR_KEVNR))}[channel]
    high = to_kevnr(WINDOW_KEVEE) if channel == "nr" else WINDOW_KEVEE
    # Rounded: what the message names is accepted.
    low, high = math.floor(1e3 * low) / 1e3, math.floor(0.99 * high)
    value = _checks.number("threshold_kev", threshold_kev)
    if value is not None and not low <= value <= high:
        unit = "keVnr" if channel == "nr" else "keVee"
        why = "" if channel == "er" else f" ({NR_FLOOR_KEVNR} keVnr is the lowest calibrated nuclear recoil)"
        raise _checks.invalid("threshold_kev", threshold_kev, f"between {low:g} and {high:g} [{unit}]{why}")


def edges(
    bin_edges: ArrayLike | Sequence[float] | None,
    detector: XenonDetector,
    channel: str,
    threshold_kev: Any,
    one_bin: bool,
) -> Any:
    """Edges of the bins, given or made, in the unit of the threshold; traced ones are given, or of one bin."""
    scanned = _checks.is_traced(threshold_kev)
    if scanned and _checks.is_traced(bin_edges):
        return bin_edges
    if bin_edges is not None:
        given = _checks.increasing("bin_edges", bin_edges)
        if not scanned and given[0] < threshold_kev * (1.0 - 1e-12):
            raise _checks.invalid("bin_edges", given, f"at or above the threshold, {float(threshold_kev):g} keV")
        return given
    if one_bin:
        ends = [threshold_kev, float(to_kevnr(WINDOW_KEVEE)) if channel == "nr" else WINDOW_KEVEE]
        return jnp.stack(ends) if scanned else np.array(ends, dtype=float)
    if scanned:
        expected = "a known number, or traced together with `bin_edges` or convention='paper', which fix the bins"
        raise _checks.invalid("threshold_kev", threshold_kev, expected)
    seen = response(detector, "nr" if channel == "nr" else "er", channel, threshold_kev)
    return default_edges(channel, threshold_kev, seen.resolution)
