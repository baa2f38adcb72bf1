"""An upper limit over the bands that would be expected without a boson, as LEP and the LHC draw them."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from lmtbayes import _checks
from lmtbayes.plotting.style import BLACK, GREEN, YELLOW

_TOP = 10.0
"""A coupling above every picture's."""


def brazil_band(
    axis: Axes,
    mass: Float[np.ndarray, " masses"],
    limit: Float[np.ndarray, " masses"],
    band: Float[np.ndarray, "masses 5"],
    error: Float[np.ndarray, " masses"] | None = None,
    label: str = "",
) -> Axes:
    """Draw an observed limit, the median expected one, and the bands of 1 and 2 standard deviations.

    Parameters
    ----------
    axis
        Drawn on, and returned; `planes.plane` sets it up.
    mass, limit
        [MeV, pure number]; NaN where there is no limit.
    band
        Limits expected at -2, -1, 0, 1 and 2 standard deviations, as `cls_limit` orders them; an upper one that is NaN
        lies beyond the couplings that were searched, and the band goes on to the top.
    error
        Monte Carlo error of the limit: bars.
    label
        Of the limit's kind, before "observed" and "expected" in a legend.

    Raises
    ------
    InvalidArgument
        Arrays of other shapes.
    """
    _checks.positive("mass", _checks.increasing("mass", mass, 1))
    _checks.shape("limit", limit, np.shape(mass))
    _checks.shape("band", band, (len(mass), 5))
    kind = f"{label}, " if label else ""
    for outer, colour, sigma in ((0, YELLOW, 2), (1, GREEN, 1)):
        low, high = band[:, outer], band[:, 4 - outer]
        where = np.isfinite(low)
        high = np.where(np.isfinite(high), high, _TOP)  # beyond what was searched: out of the picture
        words = rf"{kind}expected $\pm {sigma}\sigma$"
        axis.fill_between(mass, low, high, where=where, color=colour, lw=0.0, zorder=1, label=words)
    axis.plot(mass, band[:, 2], color=BLACK, lw=1.2, ls="--", zorder=3, label=f"{kind}expected")
    if error is None:
        axis.plot(mass, limit, color=BLACK, lw=1.5, zorder=4, label=f"{kind}observed")
    else:
        _checks.shape("error", error, np.shape(mass))
        axis.errorbar(mass, limit, yerr=error, color=BLACK, lw=1.5, capsize=2.0, zorder=4, label=f"{kind}observed")
    return axis
