"""Couplings that explain the muon's magnetic moment of 2021, and how far in mass an experiment reaches along them.

By Eq. 13 with the coupling g_x alone, as the paper has it; the mixing of Table 1 lowers the shift by 1 %.
"""

from functools import cache

import numpy as np
from jaxtyping import Float

from lmtbayes.constants import MUON_MASS
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton
from lmtbayes.gauge.muon_g2 import delta_a_mu

MASSES = np.geomspace(1.0, 2.0 * MUON_MASS, 41)
"""Where the boson decays invisibly [MeV]; what is read off between them is good to 1 %."""
SIDES = {"lower edge": -2.0, "centre": 0.0, "upper edge": 2.0}
"""Of the 2-sigma band, in standard deviations."""
_MODEL = LMU_LTAU.with_mixing("paper")


@cache
def excess() -> tuple[float, float]:
    """Difference of measurement and prediction of 2021, and its uncertainty [1e-11]."""
    exp = experiment("muon-g2-2021")
    (difference,), (sigma,) = exp.observed, np.asarray(exp.term.sigma)  # type: ignore[attr-defined,misc]
    return float(difference), float(sigma)


def photons() -> HiddenPhoton:
    """Bosons along the three `SIDES` at `MASSES`, eps_x = -g_x/70; shape (sides, masses)."""
    difference, sigma = excess()
    unit = np.asarray(delta_a_mu(HiddenPhoton(1.0, MASSES, 0.0))) / 1e-11
    shift = difference + sigma * np.array(list(SIDES.values()))
    return _MODEL.hidden_photon(np.sqrt(shift[:, None] / unit), np.broadcast_to(MASSES, (len(SIDES), MASSES.size)))


def reach(value: Float[np.ndarray, "sides masses"]) -> dict[str, float]:
    """Mass [MeV] up to which a number stays positive, counted from the lightest; 0 where it never is.

    Parameters
    ----------
    value
        Positive where the experiment reaches a boson of `photons()`; -inf where it never does.
    """
    return {side: _crossing(row) for side, row in zip(SIDES, np.asarray(value), strict=True)}


def words(found: dict[str, float], what: str = "reach") -> str:
    """Say how far: "reach the centre of the band up to 19 MeV, the upper edge up to 29 MeV"."""
    hit = [f"the {side} up to {mass:.0f} MeV" for side, mass in found.items() if mass > 0.0]
    return f"{what} " + (", ".join(hit) or "none of the band")


def _crossing(row: Float[np.ndarray, " masses"]) -> float:
    if row[0] <= 0.0:
        return 0.0
    if np.all(row > 0.0):
        return float(MASSES[-1])
    last = int(np.argmax(row <= 0.0))
    share = row[last - 1] / (row[last - 1] - row[last])  # 0 beside -inf
    return float(np.exp(np.interp(share, [0.0, 1.0], np.log(MASSES[last - 1 : last + 1]))))
