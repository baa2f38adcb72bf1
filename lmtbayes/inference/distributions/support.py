"""Where a coordinate of the boson can be, whether a distribution keeps to that, and quantiles for those without."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.distributions.scipy_twins import CUT, twin_of
from lmtbayes.inference.distributions.tabulated import Own, Tabulated, tabulated
from lmtbayes.parameters import ALL

_BEYOND = 1e-3
"""Most prior probability beyond a parameter's `reach`, where the nearest value inside stands for it."""


def support_edges(distribution: dist.Distribution) -> tuple[float, float]:
    """Lower and upper edge of a distribution's support; infinite where it has none."""
    support = distribution.support
    return float(getattr(support, "lower_bound", -np.inf)), float(getattr(support, "upper_bound", np.inf))


def check_support(name: str, distribution: dist.Distribution) -> None:
    """Require a continuous distribution whose probability is where its coordinate can be and rates are numbers.

    Raises
    ------
    InvalidArgument
        It is discrete or empty, reaches below zero where the coordinate cannot, is bounded by couplings above 1 or by
        masses that look like GeV, or has tails beyond its `reach`.
    """
    if any(_checks.is_traced(leaf) for leaf in jax.tree.leaves(distribution)):
        return
    argument = f"distributions[{name!r}]"
    if getattr(distribution.support, "is_discrete", False):
        raise _checks.invalid(argument, distribution, "a continuous distribution")
    for leaf in jax.tree.leaves(distribution):
        _checks.number(argument, leaf, "a distribution whose parameters are numbers")
    low, high = support_edges(distribution)
    kind = type(distribution).__name__
    if not low < high or any(np.isnan(np.asarray(leaf, dtype=float)).any() for leaf in jax.tree.leaves(distribution)):
        raise InvalidArgument(
            f"`{argument}` must have a lower edge below its upper one, and parameters that are numbers; {kind} has "
            f"[{low:g}, {high:g}]"
        )
    if np.isfinite([low, high]).all() and not isinstance(distribution, Tabulated):
        _check_units(name, argument, low, high)
    # A mixing has either sign.
    if ALL[name].reach[0] == 0.0 and low < 0.0:
        raise InvalidArgument(
            f"`{argument}` must have its support where {name} can be, at 0 or above; {kind} reaches down to {low:g}: "
            f"truncate it (numpyro.distributions.TruncatedDistribution(..., low=0.0), or TruncatedNormal)"
        )
    inside = ALL[name].reach
    if low >= inside[0] and high <= inside[1]:
        return
    twin = twin_of(distribution)
    try:
        cdf = distribution.cdf if twin is None else twin.cdf
        below, above = (float(cdf(np.asarray(edge))) for edge in inside)
    except (NotImplementedError, ImportError):
        central = np.asarray(with_quantiles(name, distribution).icdf(jnp.array([0.5 * _BEYOND, 1.0 - 0.5 * _BEYOND])))
        below, above = float(central[0] < inside[0]), float(central[1] <= inside[1])
    outside = (below if low < inside[0] else 0.0) + (1.0 - above if high > inside[1] else 0.0)
    if outside > _BEYOND:
        raise InvalidArgument(
            f"`{argument}` must have its probability where rates are numbers, {name} in [{inside[0]:g}, "
            f"{inside[1]:g}]; {kind} has {outside:.2g} of it beyond: truncate it, with "
            f"numpyro.distributions.TruncatedDistribution or TruncatedCauchy"
        )


def _check_units(name: str, argument: str, low: float, high: float) -> None:
    """Require bounded ranges that could be meant: couplings of at most 1, masses in MeV."""
    physical = 10.0 ** np.array([low, high]) if name.startswith("log10_") else np.array([low, high])
    if name.endswith("g_x"):
        _checks.coupling(argument, physical)
    if name.endswith("mass") and physical[0] > 0.0:
        _checks.masses(argument, physical)


def with_quantiles(name: str, distribution: dist.Distribution) -> dist.Distribution | Tabulated:
    """Return the distribution itself, or the table of its quantiles where it has none of its own."""
    try:
        if twin_of(distribution) is None:
            distribution.icdf(jnp.asarray(0.5))
        else:  # numpyro's own can be asked without compiling
            own: Any = distribution  # one that is cut has quantiles where what it is cut from has
            jax.eval_shape((own.base_dist if type(own) in CUT else own).icdf, 0.5)
    except (NotImplementedError, ImportError):
        low, high = support_edges(distribution)
        low, high = max(low, ALL[name].reach[0]), min(high, ALL[name].reach[1])
        try:
            return tabulated([(1.0, Own(distribution, low, high))], low, high)
        except (NotImplementedError, ImportError):
            raise InvalidArgument(
                f"`distributions[{name!r}]` must have a cdf or a quantile function (icdf); "
                f"{type(distribution).__name__} of numpyro has neither"
            ) from None
    return distribution
