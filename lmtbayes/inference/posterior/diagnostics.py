"""Whether to trust a posterior: R-hat, effective sample sizes, divergences, E-BFMI, and the marginals against the grid.

Rank-normalised split R-hat and ESS of arXiv:1903.08008, E-BFMI of arXiv:1604.00695. The grid check is the one that
sees what all chains have missed together: total variation, half the sum of |p_chains - p_grid| over bins.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.posterior.verdict import Check, Verdict

if TYPE_CHECKING:
    import xarray as xr

R_HAT = 1.01
ESS = 400.0
ESS_PUBLISHED = 2000.0
DIVERGENT = 1e-3
DIVERGENT_WITH_JUMPS = 0.05
"""A divergence marks a region that NUTS cannot enter. Jumps enter it all the same; then the grid check has the word."""
OFTEN = 0.2
"""Part of the steps that end in a jump."""
E_BFMI = 0.3
TREE_DEPTH = 0.01
TOTAL_VARIATION = 0.05
OCCUPANCY = 0.05
MISSED = 1.0
"""Most that a climbed peak may rise above the grid's highest cell, in ln."""
NEEDED = ("log_likelihood", "energy", "diverging", "tree_depth", "jumped")
"""Of the group sample_stats; `sample_posterior` writes them, others not all of them."""
GRID_ERROR = 1.0
"""Of the grid's own estimate, which was ten times the true error or more where that was known."""


def diagnose(posterior: "xr.DataTree") -> Verdict:
    """Judge a posterior that `sample_posterior` made, also one that was read from a file.

    Parameters
    ----------
    posterior
        With the groups posterior and sample_stats, and grid where the chains are to be compared with it.

    Returns
    -------
    verdict
        Printed, it says what is wrong and what to do; `verdict.passed`, `verdict["R-hat"].value`.

    Raises
    ------
    InvalidArgument
        A tree without the groups posterior and sample_stats, or with less in them than `sample_posterior` writes.

    References
    ----------
    R-hat of split, rank-normalised chains, effective sample sizes of bulk and tails: A. Vehtari et al.,
    arXiv:1903.08008, by arviz.
    """
    for group in ("posterior", "sample_stats"):
        if group not in getattr(posterior, "children", ()):
            raise InvalidArgument(
                f"`posterior` must be a DataTree of sample_posterior; this {type(posterior).__name__} has no group "
                f"{group!r}"
            )
    statistics = posterior["sample_stats"].to_dataset()
    lacking = [name for name in NEEDED if name not in statistics]
    lacking += ["max_tree_depth among its attributes"] if "max_tree_depth" not in statistics.attrs else []
    if lacking:
        raise InvalidArgument(
            f"`posterior` must be a DataTree of sample_posterior; its group 'sample_stats' has no {', '.join(lacking)} "
            "(arviz_stats.summary judges chains of other samplers)"
        )
    variables = {str(name): np.asarray(value) for name, value in posterior["posterior"].data_vars.items()}
    variables["log_likelihood"] = np.asarray(statistics["log_likelihood"])
    agreement = _agreement(variables)
    effective = [check.value for check in agreement if check.name.endswith("ESS")]
    grid = posterior["grid"].to_dataset() if "grid" in posterior.children else None
    against = [] if grid is None else _against_grid(posterior["posterior"].to_dataset(), grid, effective[0])
    covered = bool(against) and all(c.passed for c in against)
    checks = [
        _finite(variables),
        *agreement,
        _divergences(statistics, covered),
        _energies(statistics),
        _tree_depth(statistics, grid is not None, covered, min(effective)),
        *against,
    ]
    notes = ["no grid check: a mode that all chains missed would not show"] if grid is None else _modes(grid)
    if min(effective) < ESS_PUBLISHED:
        notes.append(f"intervals to be published want {ESS_PUBLISHED:.0f} effective draws")
    return Verdict(tuple(checks), tuple(notes))


def _lost(variables: Mapping[str, np.ndarray]) -> dict[str, int]:
    """How many draws of each variable are no numbers."""
    return {name: int(np.sum(~np.isfinite(value))) for name, value in variables.items()}


def _finite(variables: Mapping[str, np.ndarray]) -> Check:
    lost, size = _lost(variables), variables["log_likelihood"].size
    name = max(lost, key=lambda key: lost[key])
    return Check(
        "finite",
        float(lost[name]),
        lost[name] == 0,
        f"{lost[name]} of {size} draws at worst ({name}) are no numbers" if lost[name] else "all draws are numbers",
        f"the prior reaches where {name} has no value: cut its support to what the parameter can be",
    )


def _agreement(variables: Mapping[str, np.ndarray]) -> list[Check]:
    """Whether chains agree, and how many independent draws all are worth in the bulk and in the tails."""
    from arviz_stats.base import array_stats

    rhat_name, rhat = _worst(variables, array_stats.rhat, 1.0)
    bulk = _worst(variables, array_stats.ess, -1.0, method="bulk")
    tail = _worst(variables, array_stats.ess, -1.0, method="tail", prob=(0.05, 0.95))
    return [
        Check(
            "R-hat",
            rhat,
            rhat <= R_HAT,
            f"{rhat:.4f} at worst ({rhat_name}), at most {R_HAT}",
            "chains disagree: more warmup and draws; if the grid shows several modes, leave jumps on",
        ),
        *(
            Check(
                label,
                value,
                value >= ESS,
                f"{value:.0f} at worst ({name}), at least {ESS:.0f}",
                "few independent draws: more draws, or more chains",
            )
            for label, (name, value) in (("bulk ESS", bulk), ("tail ESS", tail))
        ),
    ]


def _worst(
    variables: Mapping[str, np.ndarray], function: Callable[..., Any], sign: float, **options: Any
) -> tuple[str, float]:
    """Variable with the largest (sign 1) or smallest (-1) value of a diagnostic, and that."""
    lost = _lost(variables)
    # A parameter that is fixed has no R-hat; chains that do not move at all have a bad one, and so have lost numbers.
    moving = {name: value for name, value in variables.items() if lost[name] or np.ptp(value) > 0.0}
    values = {}
    for name, value in (moving or variables).items():
        found = float(function(value, chain_axis=0, draw_axis=1, **options)) if name in moving else np.nan
        values[name] = found if np.isfinite(found) else (np.inf if sign > 0 else 0.0)
    name = max(values, key=lambda key: sign * values[key])
    return name, values[name]


def _energies(statistics: "xr.Dataset") -> Check:
    """Part of the energy's variance that a step renews, in the worst chain."""
    energy = np.asarray(statistics["energy"])
    bfmi = float(np.min(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / np.maximum(np.var(energy, axis=1), 1e-300)))
    return Check(
        "E-BFMI",
        bfmi,
        bfmi > E_BFMI,
        f"{bfmi:.2f} in the worst chain, above {E_BFMI}",
        "energies mix slowly: more draws; check for a prior edge that a heavy tail runs into",
    )


def _tree_depth(statistics: "xr.Dataset", grid: bool, covered: bool, effective: float) -> Check:
    """Few trajectories cut; or they cost nothing: a cut one is a valid step, only shorter, and ESS measures that."""
    deepest = int(statistics.attrs["max_tree_depth"])
    saturated = float(np.mean(np.asarray(statistics["tree_depth"]) >= deepest))
    sound = covered if grid else _jumping(statistics)
    excused = sound and effective >= ESS
    excuse = f"ESS {'and grid are in order' if grid else 'is in order and jumps are frequent'}"
    if saturated < TREE_DEPTH:
        accepted = f"below {TREE_DEPTH:.0%}"
    elif excused:
        accepted = f"which costs nothing here: {excuse}"
    else:
        accepted = f"must be below {TREE_DEPTH:.0%} unless {excuse}"
    return Check(
        "tree depth",
        saturated,
        saturated < TREE_DEPTH or excused,
        f"{saturated:.1%} of steps cut at depth {deepest}, {accepted}",
        f"long trajectories are cut: max_tree_depth={deepest + 2}",
    )


def _jumping(statistics: "xr.Dataset") -> bool:
    """Whether jumps are frequent."""
    return float(np.asarray(statistics["jumped"]).mean()) > OFTEN


def _divergences(statistics: "xr.Dataset", covered: bool) -> Check:
    """Few divergences; or not very many, where jumps are frequent and chains and grid agree."""
    diverging = np.asarray(statistics["diverging"])
    fraction = float(diverging.mean())
    jumping = _jumping(statistics)
    text = f"{diverging.sum()} of {diverging.size} steps, "
    passed = fraction < DIVERGENT
    if passed:
        text += f"below {DIVERGENT:.1%}"
    elif covered and jumping and fraction < DIVERGENT_WITH_JUMPS:
        passed = True
        text += f"below {DIVERGENT_WITH_JUMPS:.0%}: enough, as jumps reach where NUTS diverges and the grid agrees"
    else:
        text += f"must be below {DIVERGENT:.1%}"
    advice = "divergences: target_accept=0.99; look where they are (sample_stats.diverging)"
    return Check("divergences", fraction, passed, text, advice)


def _against_grid(posterior: "xr.Dataset", grid: "xr.Dataset", effective: float) -> list[Check]:
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
            "is noise, and lmtbayes.evidence(..., method='smc') as a third opinion",
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


def _modes(grid: "xr.Dataset") -> list[str]:
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
