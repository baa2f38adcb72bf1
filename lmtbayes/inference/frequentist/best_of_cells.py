"""The best fit of a box in which a profile has climbed cells: no second scan where these are one, or a part of one."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from lmtbayes.inference.frequentist.best_fit import POINTS, BestFit, climb_box, describe, highest_peaks, search_box
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.profile_table import ProfileCells
from lmtbayes.inference.frequentist.scan import Plan
from lmtbayes.inference.likelihood.joint import JointLikelihood

_TOP = 32
"""Highest cells that are climbed, whether they are peaks or not: where all is flat, what is narrower than the lines are
apart may be beside any of them."""


def best_of_cells(
    like: JointLikelihood, box: Box, plan: Plan, cells: ProfileCells, known: BestFit | None = None
) -> BestFit:
    """Global best fit: from the best cells, and from a scan of the box, or the rest of it, where theirs was none.

    `known` is the best fit of fewer cells, which takes the place of another scan.
    """
    top = np.argsort(cells.value, axis=None)[::-1][:_TOP]
    value = cells.value.flat[top[0]]
    lines = {name: cells.x[..., box.names.index(name)] for name in box.names if name not in plan.free}
    beyond = lines_beyond(box, {name: np.unique(x[np.isfinite(x)]) for name, x in lines.items()})
    if beyond is not None:
        top = np.append(top, np.ravel_multi_index(highest_peaks(cells.value), cells.value.shape))
    x, pulls = cells.x.reshape(-1, len(box.names))[top], cells.pulls.reshape(cells.value.size, -1)[top]
    found = np.isfinite(x).all(axis=1)
    best = climb_box(like, box, plan, np.concatenate([x, pulls], axis=1)[found])
    if beyond is None or beyond:
        best = max(best, known or search_box(like, box, plan, beyond), key=lambda fit: fit.log_likelihood)
    if value > best.log_likelihood:
        return describe(like, box, x[0], pulls[0], float(value), bool(cells.converged.flat[top[0]]))
    return best


def lines_beyond(box: Box, lines: Mapping[str, Float[np.ndarray, " _"]]) -> dict[str, Float[np.ndarray, " _"]] | None:
    """Lines, in the box's coordinates, that make a scan of the whole box of a grid whose cells were climbed.

    Of a dense grid not every line is scanned, but the cells of all were climbed. What a free parameter does between
    lines that are scanned, and at none of them, neither the cells nor the best fit then know.

    Returns
    -------
    beyond
        Lines of such a scan beyond the grid's, in its one direction that does not reach as far; empty where all do;
        None where lines are farther apart than those of a scan, or more directions than one do not reach as far.
    """
    found = {}
    for name, x in lines.items():
        scan = box.scan_points(name, POINTS[name])
        step = (scan[1] - scan[0]) * (1.0 + 1e-9)
        if not x.size or np.diff(x).max(initial=0.0) > step:
            return None
        below, above = x[0] - scan[0] > step, scan[-1] - x[-1] > step
        beyond = scan[(below & (scan < x[0])) | (above & (scan > x[-1]))]
        if beyond.size:
            found[name] = beyond
    return found if len(found) < 2 else None
