"""Credible limits and equal-tailed intervals of one parameter, marginal or with others held, beside the frequentist.

An upper limit of 90 % is where the posterior has 90 % below. It depends on the prior as an evidence does: with a
coupling log-uniform over four decades most of the probability may lie where nothing is seen, and the limit falls with
every decade that is added below. So a result names its prior, and says what the prior alone would give.
"""

from typing import TYPE_CHECKING

import numpy as np

from lmtbayes.inference.credible.given import Given, Held, about, level
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid

if TYPE_CHECKING:
    import xarray


def credible_limit(
    posterior: "PosteriorGrid | Evidence | xarray.DataTree",
    parameter: str = "g_x",
    cl: float = 0.90,
    *,
    at: Held | None = None,
) -> "xarray.Dataset":
    """Upper limit of one parameter: below it lies `cl` of the posterior.

    Parameters
    ----------
    posterior
        Of `posterior_grid`; or an `Evidence` (by cubature: its cells; by draws: these); or draws of
        `sample_posterior`.
    parameter
        "g_x", "mass" or "kappa"; of draws any of their variables.
    cl
        Posterior probability below the limit.
    at
        Other parameters and the values at which they are held, such as {"mass": [10.0, 100.0]}: limits of the posterior
        that is conditional on them, as `upper_limit` gives one at each mass. What is not held is integrated. By default
        everything is: the limit of the marginal posterior. Not for draws.

    Returns
    -------
    limit
        With a dimension for each parameter that is held. `limit`, NaN where the posterior vanishes for all values;
        `limit_error` of the integral, not of the data: of a grid an estimate, how far the limit moves if cells are even
        and weights are integrated, of cubature a bound, of draws a standard deviation (attribute `error_kind`);
        `prior_limit`, what the prior gives without data. Attributes: cl, prior, method.

    Raises
    ------
    InvalidArgument
        No posterior, a parameter that it has not, values outside of the prior, a level outside (0, 1), draws with `at`.

    References
    ----------
    int_0^limit p(theta | data) dtheta = cl. Flat in the signal s of a count n over a known background b, 1 - cl =
    sum_k^n (s + b)^k exp(-s)/k! / sum_k^n b^k/k!: Y.-S. Zhu, arXiv:0812.2705; 2.30 at 90 % for n = 0.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["na64mu"], model, lmt.asimov(model, lmt.HiddenPhoton.none()))
    >>> grid = lmt.posterior_grid(like, lmt.priors.default(model))
    >>> limits = lmt.credible_limit(grid, "g_x", 0.90, at={"mass": [5.0, 50.0]})
    >>> [f"{limit:.1e}" for limit in limits["limit"].values]
    ['5.1e-05', '5.6e-05']
    """
    return limit_of(Given(posterior, parameter, at), level("cl", cl))


def limit_of(given: Given, cl: float) -> "xarray.Dataset":
    """See `credible_limit`."""
    value, error = quantiles(given, [cl])
    found = _dataset(given, {"limit": value[..., 0], "limit_error": error[..., 0]}, cl, "upper limit")
    before = {**about(given.parameter), "long_name": f"{100 * cl:g} % upper limit of the prior alone"}
    return found.assign(prior_limit=((), given.prior_quantiles(np.array([cl]))[0], before))


def credible_intervals(
    posterior: "PosteriorGrid | Evidence | xarray.DataTree",
    parameter: str = "g_x",
    cl: float = 0.6827,
    *,
    at: Held | None = None,
) -> "xarray.Dataset":
    """Equal-tailed interval of one parameter: below and above it lies (1 - `cl`)/2 of the posterior each.

    Parameters
    ----------
    posterior, parameter, at
        As in `credible_limit`.
    cl
        Posterior probability inside.

    Returns
    -------
    intervals
        As those of `intervals`: `lower` and `upper` with a dimension `interval`, of length 1; `lower_error` and
        `upper_error`; `median`, `median_error`; `prior_lower` and `prior_upper`, what the prior gives without data.

    Raises
    ------
    InvalidArgument
        As `credible_limit`.
    """
    cl = level("cl", cl)
    given = Given(posterior, parameter, at)
    tail = 0.5 * (1.0 - cl)
    value, error = quantiles(given, [tail, 0.5, 1.0 - tail])
    before = given.prior_quantiles(np.array([tail, 1.0 - tail]))
    found = _dataset(given, {"median": value[..., 1], "median_error": error[..., 1]}, cl, "equal-tailed interval")
    dims = (*given.held, "interval")
    ends = {
        f"{side}{suffix}": (dims, array[..., k, None], about(parameter))
        for k, side in ((0, "lower"), (2, "upper"))
        for suffix, array in (("", value), ("_error", error))
    }
    return found.assign(ends | {"prior_lower": before[0], "prior_upper": before[1]})


def quantiles(given: Given, probabilities: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of the parameter and their errors; dimensions: what is held, then probabilities."""
    levels = np.array(probabilities)
    units = np.array([given.source.units(given.name, levels, at) for at in given.points()])
    found = given.physical(given.source.values(given.name, units))
    found = found.reshape(*(len(values) for values in given.held.values()), *found.shape[1:])
    best = found[..., 0, :]
    moved = np.abs(found[..., 1:, :] - best[..., None, :])
    return best, moved.sum(axis=-2) if given.source.moves_add else moved.max(axis=-2)


def _dataset(given: Given, arrays: dict[str, np.ndarray], cl: float, statement: str) -> "xarray.Dataset":
    import xarray

    dims, variables = tuple(given.held), {}
    for name, array in arrays.items():
        what = "error of the integral" if name.endswith("_error") else f"{100 * cl:g} % credible {statement}"
        variables[name] = (dims, array, {**about(given.parameter), "long_name": f"{what}: {given.parameter}"})
    return xarray.Dataset(variables, given.coordinates(), {"cl": cl, **given.attributes(statement)})
