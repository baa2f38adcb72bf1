"""Verdicts against a dense reference: how often "trust it" is said of a wrong posterior, and withheld from a right one.

A toy's posterior is summed on a dense, even grid of the boson's two coordinates, the nuisances integrated at each of
its points, first over the whole prior, then over a smaller box where that holds all that the sums and the chains have
found; a posterior that is narrower than the last grid can tell is not judged. The marginals of the chains are wrong
where their distance to the dense ones (Kolmogorov-Smirnov) is more than twice what their effective number of draws
explains, sqrt(ln(2/0.001)/(2 ESS)), the bound of Dvoretzky, Kiefer and Wolfowitz with Massart's constant (Ann. Probab.
18 (1990) 1269) at 0.1 %, plus what the sum over cells can be off by: h^2/4, h being the probability of the heaviest row
(of a Gaussian, whose cell of d standard deviations holds 0.4 d, the midpoint rule is off by 0.01 d^2 at most).
"""

import functools
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import Float

from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.nuisances.at_points import log_likelihood_at
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.inference.posterior.method import Auto, Independence, Nuts
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

CELLS = 100
"""Points a side of the dense grid."""
ODDS = 1e-3
"""Probability of what right chains exceed."""
SLACK = 2.0
FINE, RESOLVED = 0.08, 0.3
"""Probability in one row of cells that ends the search for a smaller box; up to which a marginal is judged."""
ZOOMS, FAR, NEAR = 6, 60.0, 25.0
"""Smaller boxes at most; they hold every cell whose ln L is so close to the highest, and its neighbours: the first box
more of them, since a peak may lie between the centres of coarse cells."""


def verdict_study(
    like: JointLikelihood,
    prior: Prior,
    size: int,
    *,
    method: Auto | Nuts | Independence,
    seed: int = 0,
    first: int = 0,
    cells: int = CELLS,
) -> "xr.Dataset":
    """Judge posteriors of toys, and judge the judgement.

    Parameters
    ----------
    like
        Of a model of fixed mixing: two coordinates. Its data do not matter.
    prior
        Truths are drawn from it, those of the nuisances from their constraints.
    size, first
        Toys, and the number of the first.
    method
        How the chains are run.
    seed
        Equal seeds give equal toys and chains.
    cells
        Points a side of the dense grid.

    Returns
    -------
    study
        By toy: `passed`, the verdict; `distance` (coordinate), Kolmogorov-Smirnov of the marginals; `heaviest`
        (coordinate), the probability of one row of cells; `ess`, the smallest effective number of draws.
    """
    import xarray as xr

    space = Space(like.joint, prior)
    passed, ess = np.zeros(size, bool), np.zeros(size)
    distance, heaviest = np.zeros((size, space.dimensions)), np.zeros((size, space.dimensions))
    for k in range(size):
        toy = _toy(like, space, jax.random.fold_in(jax.random.key(seed), first + k))
        with warnings.catch_warnings():
            # A verdict that is not "trust it" warns; it is a number of this study. Optima of nuisances that were not
            # found, far from the posterior, warn too.
            warnings.simplefilter("ignore")
            tree = sample_posterior(toy, prior, seed + first + k, method=method, progress=False)
            drawn = space.units({name: np.asarray(tree["posterior"][name]).ravel() for name in prior.names})
            weights, box = zoomed(functools.partial(dense, toy, space, cells), drawn)
        verdict = diagnose(tree)
        passed[k], ess[k] = verdict.passed, max(verdict["bulk ESS"].value, 4.0)
        for axis in range(space.dimensions):
            distance[k, axis], heaviest[k, axis] = kolmogorov(drawn[:, axis], weights.sum(1 - axis), *box[axis])
    return xr.Dataset(
        {
            "passed": ("toy", passed, {"long_name": "the verdict is to trust it"}),
            "distance": (("toy", "coordinate"), distance, {"long_name": "Kolmogorov-Smirnov distance of marginals"}),
            "heaviest": (("toy", "coordinate"), heaviest, {"long_name": "probability of the heaviest row of cells"}),
            "ess": ("toy", ess, {"long_name": "smallest effective number of draws"}),
        },
        coords={"toy": np.arange(first, first + size), "coordinate": list(prior.names)},
    )


def _toy(like: JointLikelihood, space: Space, key: Any) -> JointLikelihood:
    truth_key, *keys = jax.random.split(key, 1 + len(like.joint.experiments))
    unit, pulls = (x[0] for x in space.draw_prior(truth_key, 1))
    return like.with_data(draw(like.joint, keys, space.photon(unit), pulls))


def zoomed(
    on_cells: Callable[[np.ndarray], np.ndarray], drawn: Float[np.ndarray, "draws 2"]
) -> tuple[Float[np.ndarray, "cells cells"], Float[np.ndarray, "2 2"]]:
    """Posterior probability of the cells of the smallest box that is needed, and its ends (axis, end).

    `on_cells` gives ln L at the centres of the cells of a box; `drawn` never falls outside of it.
    """
    box = np.array([[0.0, 1.0], [0.0, 1.0]])
    for zoom in range(ZOOMS + 1):
        values = on_cells(box)
        weights = np.exp(values - values.max())
        weights /= weights.sum()
        if zoom == ZOOMS or max(weights.sum(axis).max() for axis in (0, 1)) < FINE:
            break
        width = (box[:, 1] - box[:, 0]) / values.shape
        near = np.argwhere(values > values.max() - (NEAR if zoom else FAR))
        low = np.minimum(box[:, 0] + (near.min(0) - 1) * width, drawn.min(0) - width)
        high = np.maximum(box[:, 0] + (near.max(0) + 2) * width, drawn.max(0) + width)
        smaller = np.clip(np.stack([low, high], axis=1), box[:, :1], box[:, 1:])
        if np.all(smaller[:, 1] - smaller[:, 0] > 0.9 * (box[:, 1] - box[:, 0])):
            break
        box = smaller
    return weights, box


def dense(
    like: JointLikelihood, space: Space, cells: int, box: Float[np.ndarray, "2 2"]
) -> Float[np.ndarray, "cells cells"]:
    """Ln L, nuisances integrated, at the centres of equal cells of a box of the unit cube of two coordinates."""
    axes = [low + (high - low) * (np.arange(cells) + 0.5) / cells for low, high in box]
    unit = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    return log_likelihood_at(like, jax.vmap(space.photon)(unit), nuisances="marginalised").reshape(cells, cells)


def kolmogorov(
    drawn: Float[np.ndarray, " draws"], marginal: Float[np.ndarray, " cells"], low: float = 0.0, high: float = 1.0
) -> tuple[float, float]:
    """Largest distance of two distribution functions at the edges of cells; probability of the heaviest cell."""
    edges = np.linspace(low, high, len(marginal) + 1)
    found = np.searchsorted(np.sort(drawn), edges, side="right") / len(drawn)
    return float(np.max(np.abs(found - np.append(0.0, np.cumsum(marginal))))), float(np.max(marginal))


def table(study: "xr.Dataset") -> dict[str, int]:
    """Return the five counts: a miss is trusted and wrong, a false alarm right and not trusted."""
    distance, heaviest, ess = (np.asarray(study[name]) for name in ("distance", "heaviest", "ess"))
    allowed = SLACK * np.sqrt(np.log(2.0 / ODDS) / (2.0 * ess))[:, None] + 0.25 * heaviest**2
    judged = np.all(heaviest < RESOLVED, axis=1)
    passed, right = np.asarray(study["passed"], bool)[judged], np.all(distance < allowed, axis=1)[judged]
    return {
        "trusted and right": int(np.sum(passed & right)),
        "misses (trusted and wrong)": int(np.sum(passed & ~right)),
        "false alarms (right, not trusted)": int(np.sum(~passed & right)),
        "not trusted and wrong": int(np.sum(~passed & ~right)),
        "not judged (narrower than the dense grid)": int(np.sum(~judged)),
    }
