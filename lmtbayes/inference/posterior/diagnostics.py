"""Whether to trust a posterior: R-hat, effective sample sizes, divergences, E-BFMI, and the marginals against the grid.

Rank-normalised split R-hat and ESS of arXiv:1903.08008, E-BFMI of arXiv:1604.00695. The grid check is the one that
sees what all chains have missed together: total variation, half the sum of |p_chains - p_grid| over bins.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.integration.pareto import HEAVY, tail_of_weights
from lmtbayes.inference.integration.walks import OUTSIDE
from lmtbayes.inference.posterior.against_grid import against_grid, modes_of
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
NEEDED = {
    "nuts": (("log_likelihood", "energy", "diverging", "tree_depth", "jumped"), ("max_tree_depth",)),
    "independence": (("log_likelihood", "acceptance_rate"), ("pareto_k",)),
}
"""Variables and attributes of the group sample_stats; `sample_posterior` writes them, others not all of them."""
ACCEPTED = 0.02
"""Least part of its proposals that an independence chain accepts, on average."""


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
    method = str(statistics.attrs.get("method", "nuts"))
    needed, attributes = NEEDED.get(method, NEEDED["nuts"])
    lacking = [name for name in needed if name not in statistics]
    lacking += [f"{name} among its attributes" for name in attributes if name not in statistics.attrs]
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
    against = [] if grid is None else against_grid(posterior["posterior"].to_dataset(), grid, effective[0])
    covered = bool(against) and all(c.passed for c in against)
    checks = [
        _finite(variables),
        *agreement,
        *(
            (_acceptance(statistics), _weights(statistics), *_walks(statistics))
            if method == "independence"
            else (
                _divergences(statistics, covered),
                _energies(statistics),
                _tree_depth(statistics, grid is not None, covered, min(effective)),
            )
        ),
        *against,
    ]
    notes = ["no grid check: a mode that all chains missed would not show"] if grid is None else modes_of(grid)
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


def _acceptance(statistics: "xr.Dataset") -> Check:
    """Part of the proposals that the worst chain accepts."""
    value = float(np.asarray(statistics["acceptance_rate"]).mean(axis=1).min())
    return Check(
        "acceptance",
        value,
        value >= ACCEPTED,
        f"{value:.1%} of the proposals in the worst chain, at least {ACCEPTED:.0%}",
        "the grid's Gaussians in the pulls are far from the posterior: method 'nuts' goes where they do not",
    )


def _weights(statistics: "xr.Dataset") -> Check:
    """Tail of the proposals' weights: a heavy one hides points at which a chain would stand still for long."""
    value = float(statistics.attrs["pareto_k"])
    resolved = bool(statistics.attrs.get("grid_resolved", 1))  # earlier versions did not say
    return Check(
        "proposals",
        value,
        value <= HEAVY and resolved,
        tail_of_weights(value)
        + (f", at most {HEAVY}" if value > -np.inf else "")
        + ("" if resolved else "; but their grid ran out of cells, and weights do not show what it does not propose"),
        "the posterior has tails that the grid's proposals do not reach: method 'nuts' goes there",
    )


def _walks(statistics: "xr.Dataset") -> list[Check]:
    """Whether small steps lead to where proposals are not, though the posterior is; earlier versions did not ask."""
    if "outside" not in statistics.attrs:
        return []
    value = float(statistics.attrs["outside"])
    return [
        Check(
            "walks",
            value,
            value <= OUTSIDE,
            f"{value:.1%} of those from draws end in tails that are not proposed, at most {OUTSIDE:.1%}",
            "the posterior has tails that the grid's proposals do not reach: method 'nuts' goes there",
        )
    ]


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
