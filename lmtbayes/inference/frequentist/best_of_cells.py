"""The best fit of a box in which a profile has climbed cells: no second scan where these are one themselves."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from lmtbayes.inference.frequentist.best_fit import POINTS, BestFit, climb_box, describe, highest_peaks, search_box
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.profile_table import ProfileCells
from lmtbayes.inference.frequentist.scan import Plan
from lmtbayes.inference.likelihood.joint import JointLikelihood

_TOP = 4
"""Highest cells that are climbed, whether they are peaks or not."""


def best_of_cells(
    like: JointLikelihood, box: Box, plan: Plan, cells: ProfileCells, known: BestFit | None = None
) -> BestFit:
    """Global best fit: from the best cells, and from a scan of the whole box where theirs was none; the higher one.

    `known` is the best fit of fewer cells, which takes the place of another scan.
    """
    top = np.argsort(cells.value, axis=None)[::-1][:_TOP]
    value = cells.value.flat[top[0]]
    lines = {name: cells.x[..., box.names.index(name)] for name in box.names if name not in plan.free}
    scanned = is_scan(box, {name: np.unique(x[np.isfinite(x)]) for name, x in lines.items()})
    if scanned:
        top = np.append(top, np.ravel_multi_index(highest_peaks(cells.value), cells.value.shape))
    x, pulls = cells.x.reshape(-1, len(box.names))[top], cells.pulls.reshape(cells.value.size, -1)[top]
    found = np.isfinite(x).all(axis=1)
    best = climb_box(like, box, plan, np.concatenate([x, pulls], axis=1)[found])
    if not scanned:
        best = max(best, known or search_box(like, box, plan), key=lambda fit: fit.log_likelihood)
    if value > best.log_likelihood:
        return describe(like, box, x[0], pulls[0], float(value), bool(cells.converged.flat[top[0]]))
    return best


def is_scan(box: Box, lines: Mapping[str, Float[np.ndarray, " lines"]]) -> bool:
    """Whether lines of a grid, in the box's coordinates, lie as close as those of a scan of the whole box."""
    for name, x in lines.items():
        scan = box.scan_points(name, POINTS[name])
        if np.diff(x, prepend=scan[0], append=scan[-1]).max() > (scan[1] - scan[0]) * (1.0 + 1e-9):
            return False
    return True
