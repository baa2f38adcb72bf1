"""Draws against the posterior's grid: what sees that all chains have missed something together."""

from typing import TYPE_CHECKING

import numpy as np

from lmtbayes.inference.posterior.verdict import Check

if TYPE_CHECKING:
    import xarray as xr

TOTAL_VARIATION = 0.05
OCCUPANCY = 0.05
MISSED = 1.0
"""Most that a climbed peak may rise above the grid's highest cell, in ln."""
GRID_ERROR = 1.0
"""Of the grid's own estimate, which was ten times the true error or more where that was known."""


def against_grid(posterior: "xr.Dataset", grid: "xr.Dataset", effective: float) -> list[Check]:
    """Marginals, weights of modes, and whether the grid itself is a yardstick.

    Parameters
    ----------
    posterior, grid
        Groups of a tree of `sample_posterior`.
    effective
        What the draws are worth: of the difference, that much is noise.
    """
    distances, noise = {}, {}
    for name in (str(key).removesuffix("_probability") for key in grid.data_vars if str(key).endswith("_probability")):
        expected = np.asarray(grid[f"{name}_probability"])
        edges = np.asarray(grid[f"{name}_edges"]).copy()
        edges[0], edges[-1] = -np.inf, np.inf
        draws = np.asarray(posterior[name])
        counts = np.histogram(draws, edges)[0]
        distances[name] = 0.5 * float(np.abs(counts / draws.size - expected).sum())
        # Mean of |binomial fluctuation|, as if draws were as many as they are worth.
        noise[name] = 0.5 * float(np.sqrt(2.0 / np.pi * expected * (1.0 - expected) / max(effective, 1.0)).sum())
    name = max(distances, key=lambda key: distances[key])
    value, error = distances[name], float(grid.attrs["estimated_relative_error"])
    return [
        Check(
            "grid",
            value,
            value < TOTAL_VARIATION,
            f"marginals differ by {value:.3f} at worst ({name}; {noise[name]:.3f} is noise), below {TOTAL_VARIATION}",
            "chains and grid disagree, one of them is wrong: init='grid' and jumps=True, more draws if the difference "
            "is noise, and lmtbayes.evidence(..., method='nss') as a third opinion",
        ),
        Check(
            "grid error",
            error,
            error < GRID_ERROR,
            f"at most {error:.2g} of the total, a bound well above the true error, below {GRID_ERROR:g}",
            "the grid has too few cells for this ridge: its marginals are no yardstick; narrow the prior",
        ),
        *_height(grid),
        *_occupancy(grid),
    ]


def _height(grid: "xr.Dataset") -> list[Check]:
    if "missed_height" not in grid.attrs:  # written by an earlier version
        return []
    value = float(grid.attrs["missed_height"])
    return [
        Check(
            "grid height",
            value,
            value < MISSED,
            f"no climb ends more than {value:.2g} above the grid's highest ln p, below {MISSED:g}",
            "the grid has not resolved the highest peak: its marginals are no yardstick; narrow the prior",
        )
    ]


def _occupancy(grid: "xr.Dataset") -> list[Check]:
    weights, occupancy = np.asarray(grid["mode_weight"]), np.asarray(grid["mode_occupancy"])
    if len(weights) < 2:
        return []
    value = float(np.abs(weights - occupancy).max())
    return [
        Check(
            "mode weights",
            value,
            value < OCCUPANCY,
            f"chains and grid differ by {value:.3f}, below {OCCUPANCY}",
            "chains do not visit the modes as often as they should: jumps=True, or many more chains",
        )
    ]


def modes_of(grid: "xr.Dataset") -> list[str]:
    """Return a line for every mode, where there are several."""
    weights = np.asarray(grid["mode_weight"])
    lines = [] if len(weights) == 1 else [f"the posterior has {len(weights)} separate modes:"]
    for k in range(len(weights) if len(weights) > 1 else 0):
        peak = ", ".join(
            f"{str(key).removeprefix('mode_peak_')} {float(grid[key][k]):.4g}"
            for key in grid.data_vars
            if str(key).startswith("mode_peak_")
        )
        occupancy = float(grid["mode_occupancy"][k])
        lines.append(f"  weight {weights[k]:.3f} (chains {occupancy:.3f}), peak at {peak}")
    return lines
