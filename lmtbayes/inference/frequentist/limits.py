"""Intervals and upper limits of one parameter from a profile likelihood, every allowed region reported.

A parameter's profile is q = 2 [max ln L - ln L(value)]; the allowed values are those with q below a threshold. There
may be more than one region: a recoil rate whose interference term is twice the Standard Model's amplitude looks like
none.

**What CL means.** An upper limit is one-sided, here as in `published_limit`: at CL, q = z^2 with z the normal quantile
of CL, 1.282 for 90 % and 1.645 for 95 %. A published limit of 90 % comes back as the upper limit of 90 %. The q = 2.71
that papers call 90 % is the upper end of a two-sided interval, `tails="two"`; as a limit it is one of 95 %.

**Few events.** z^2 is the threshold of many events (Wilks). A search that counts, every bin a Poisson, gets its exact
limit instead (`counting`): 2.30 events at 90 % where nothing is expected and nothing seen. Elsewhere, where fewer than
5 events are expected at a limit, an AsymptoticWarning says so.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.frequentist.cls_profiles import cls_of_profiles
from lmtbayes.inference.frequentist.contours import check_profile, provenance, threshold, value_of
from lmtbayes.inference.frequentist.counting import TOTAL_SUFFICES
from lmtbayes.inference.frequentist.crossings import allowed, lowest
from lmtbayes.inference.frequentist.few_events import warn_of_few
from lmtbayes.inference.frequentist.slices import along, at, counted_limit, slices

if TYPE_CHECKING:
    import xarray

STATUS = ("limit", "interval", "no_limit", "nothing_allowed", "below_grid")
RELATIVE_TO = ("slice", "global")
TAILS = ("two", "one")
METHODS = ("auto", "exact", "asymptotic", "cls")


def intervals(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float = 0.6827,
    *,
    relative_to: str = "slice",
    tails: str = "two",
) -> "xarray.Dataset":
    """Allowed intervals of one parameter, for every value of the other one on the grid if there is one.

    Parameters
    ----------
    profile
        Of `profile_likelihood`.
    parameter
        One of its dimensions.
    cl
        Confidence level.
    relative_to
        "slice": q relative to the best value of `parameter` at the same value of the other parameter, the usual meaning
        of a limit "at each mass" (one degree of freedom); zero coupling is among the values, wherever the grid begins.
        "global": relative to the global best fit; a slice far from it then has no allowed value at all.
    tails
        "two": q below the chi^2 quantile of one degree of freedom, 1.00 at 68.27 % and 2.71 at 90 %. "one": q below
        z^2 with z the one-sided quantile, 1.64 at 90 % and 2.71 at 95 %: its upper end is an upper limit of `cl`.

    Returns
    -------
    intervals
        `lower` and `upper` with a dimension `interval` (upwards, padded with NaN): an edge of the grid where the
        region goes on beyond it, said by `open_below` and `open_above`; `best`, the best grid value of the slice, 0
        where no coupling at all is better than any value above zero; `events_lower` and `events_upper`, the events
        expected at either end (`counting`), NaN where the profile does not know.

    Raises
    ------
    InvalidArgument
        Not a dimension of the profile, a level outside (0, 1), an unknown option.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events are expected at an end: the thresholds are those of many.

    References
    ----------
    {theta : 2 [max ln L - ln L(theta)] < Q}, Q the chi^2 quantile or z^2: S. S. Wilks, Ann. Math. Stat. 9 (1938) 60; G.
    Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727, Eq. 8.
    """
    found = _intervals(profile, parameter, cl, relative_to, tails)
    for side, edge in (("lower", "open_below"), ("upper", "open_above")):
        warn_of_few("intervals", found.attrs, found[f"events_{side}"].where(~found[edge]))
    return found


def _intervals(profile: "xarray.Dataset", parameter: str, cl: float, relative_to: str, tails: str) -> "xarray.Dataset":
    import xarray

    check_profile(profile)
    q = profile["q"]
    _checks.one_of("parameter", parameter, tuple(q.dims))
    _checks.one_of("relative_to", relative_to, RELATIVE_TO)
    _checks.one_of("tails", tails, TAILS)
    bound = _threshold(cl, tails)
    values = profile[parameter].values
    if values.size < 3:
        raise _checks.invalid("profile", values, f"one with at least 3 values of {parameter!r}")
    other = [str(dim) for dim in q.dims if dim != parameter]
    ends, is_zero = _regions(profile, parameter, bound, relative_to == "slice")
    ends = ends.reshape(*(q.sizes[dim] for dim in other), -1, 2)
    lower, upper = ends[..., 0], ends[..., 1]
    touch = 1e-9 * np.abs(values[[0, -1]])
    lowest_q = along(profile, parameter, "q").argmin(axis=-1)
    best = np.where(is_zero, 0.0, values[lowest_q]).reshape(lower.shape[:-1])
    dims, units = (*other, "interval"), {"units": profile[parameter].attrs.get("units", "1")}
    result = xarray.Dataset(
        {
            "lower": (dims, lower, {"long_name": f"lower end of the allowed {parameter}", **units}),
            "upper": (dims, upper, {"long_name": f"upper end of the allowed {parameter}", **units}),
            "open_below": (dims, np.abs(lower - values[0]) <= touch[0]),
            "open_above": (dims, np.abs(upper - values[-1]) <= touch[1]),
            "best": (tuple(other), best, units),
        },
        {dim: profile[dim] for dim in other},
        {
            "parameter": parameter,
            "cl": cl,
            "q_threshold": bound,
            "tails": tails,
            "relative_to": relative_to,
            "provenance": "; ".join(provenance(profile)),
        },
    )
    return result.assign(
        {f"events_{side}": at(profile, parameter, "expected_events", result[side]) for side in ("lower", "upper")}
    )


def _regions(
    profile: "xarray.Dataset", parameter: str, bound: float, by_slice: bool
) -> tuple[Float[np.ndarray, "slices regions 2"], Bool[np.ndarray, " slices"]]:
    """Ends of the allowed regions of every slice, upwards, padded with NaN; and whether no coupling is its best."""
    lines = slices(profile, parameter)
    best = [lowest(line) for line in lines]
    if not by_slice:  # the global best fit, which no coupling at all may be better than
        floor = min(0.0, *(line.zero or 0.0 for line in lines))
        lines = [line._replace(q=line.q - floor) for line in lines]
    regions = [allowed(line, bound, point if by_slice else None) for line, point in zip(lines, best, strict=True)]
    if parameter == "eps_x":  # whose axis runs from the largest size to zero
        regions = [[(-high, -low) for low, high in reversed(found)] for found in regions]
    padded = np.full((len(lines), max(1, max(len(found) for found in regions)), 2), np.nan)
    for row, found in zip(padded, regions, strict=True):
        if found:
            row[: len(found)] = found
    return value_of(parameter, padded), np.array([np.isneginf(point.x) for point in best])


def upper_limit(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float = 0.90,
    *,
    relative_to: str = "slice",
    tails: str = "one",
    method: str = "auto",
    expected: "xarray.Dataset | None" = None,
) -> "xarray.Dataset":
    """Upper limit of one parameter, at every value of the other one on the grid if there is one.

    The limit is the upper end of the allowed region that reaches the lowest values. Allowed regions above it are
    islands and are reported.

    Parameters
    ----------
    profile, parameter, cl, relative_to
        As in `intervals`.
    tails
        "one": the limit is one-sided, as published ones are: with many events, q = 1.64 at 90 % and 2.71 at 95 %.
        "two": the upper end of a two-sided interval, q = 2.71 at 90 %: one-sided, its level is (1 + cl)/2.
    method
        "auto": of g_x the exact limit where the likelihood counts (every bin a Poisson, at most 200 events seen) and
        the total count holds 90 % of the information on the coupling; elsewhere, "asymptotic". The exact limit is where
        a total count as low as the observed one, or lower, has the probability 1 - `cl`: 2.30 events at 90 % where
        nothing is expected and nothing seen. Where far fewer were counted than the background explains, it lies below
        the asymptotic one or nowhere: the larger of the two is the limit. It covers the truth with `cl` or more: every
        truth where there are no nuisances; else truths drawn from the constraints, over which the probability is
        integrated. A profiled mass or mixing is taken at its best.
        "exact": the same, and an error where it cannot be had. "asymptotic": never. "cls": CLs by the formulas of many
        events, with the limits expected without a boson; `cls_limit` does it from a likelihood, and by toys.
    expected
        For "cls" alone: the profile, on the same grid, of the data that no boson predicts, those of
        `like.with_data(asimov(like.model, HiddenPhoton.none(), published="asimov"))`.

    Returns
    -------
    limit
        `limit`; NaN where there is none on the grid. `status`: 0 a limit; 1 the data exclude the lowest values too, and
        `limit` is the upper end of the first interval; 2 no limit below the grid's upper edge; 3 nothing allowed
        (only relative to the global best fit); 4 the limit lies below the grid's lower edge. `exact`: whether `cl` is
        held by the probabilities of counts. `expected_events` at the limit, by the skewness of the score (`counting`).
        `confidence`: the actual one, of a limit of counts, whatever the method; NaN where it is not known.
        `island_lower`, `island_upper` with a dimension `island`; `islands`, their number. Of "cls" instead: `limit`,
        `status`, `expected_events`, and `expected` and `band` as those of `cls_limit`.

    Raises
    ------
    InvalidArgument
        As `intervals`; eps_x, whose sizes run downwards (`intervals`, or kappa); `method` "exact" where it cannot be.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events are expected at an asymptotic limit; the message says how many, and the actual confidence
        where it is known. `toys.toy_test_statistics` gives the threshold of any likelihood.

    References
    ----------
    Asymptotic: theta above the best one with q(theta) = z^2, z = Phi^-1(cl), q being q_mu of G. Cowan et al., Eur.
    Phys. J. C 71 (2011) 1554, arXiv:1007.1727, Eq. 14. Exact: P(count <= observed; theta) = 1 - cl, see `counting`.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> grid = {"mass": [5.0, 20.0, 80.0], "g_x": [g * 1e-4 for g in range(1, 21)]}
    >>> limits = lmt.upper_limit(lmt.profile_likelihood(like, grid), "g_x", cl=0.90)
    >>> [f"{limit:.2e}" for limit in limits["limit"].values]
    ['5.29e-04', '6.25e-04', '9.70e-04']
    """
    import xarray

    _checks.one_of("method", method, METHODS)
    if parameter == "eps_x":
        raise _checks.invalid("parameter", parameter, "'g_x', 'mass' or 'kappa' (eps_x is negative: see intervals)")
    if (method == "cls") != (expected is not None) or (method == "cls" and (relative_to != "slice" or tails == "two")):
        raise InvalidArgument(
            "`method` = 'cls' goes with `expected`, the profile of the data that no boson predicts, with relative_to "
            "'slice' and tails 'one'; lmtbayes.cls_limit makes that profile itself"
        )
    if expected is not None:
        return cls_of_profiles(profile, parameter, cl, expected)
    found = _intervals(profile, parameter, cl, relative_to, tails)
    first = found.isel(interval=0)
    counted = xarray.full_like(first["upper"], np.nan)
    if method != "asymptotic" and parameter == "g_x" and relative_to == "slice":
        counted = counted_limit(profile, first["upper"], cl if tails == "one" else 0.5 * (1.0 + cl))
    exact = counted.notnull()
    if method == "exact" and not exact.all():
        raise InvalidArgument(
            "`method` = 'exact' needs a profile of g_x, relative to its slices, and a likelihood of Poisson counts, at "
            "most 200 of them, whose total holds 90 % of the information on g_x; use 'auto' or 'asymptotic'"
        )
    limit, status = _limit_and_status(first, counted)
    limit.attrs = {"long_name": f"{100 * cl:g} % CL upper limit on {parameter}", **_units(found)}
    islands = found.isel(interval=slice(1, None)).rename(interval="island")
    islands = islands.where((islands["lower"] > limit) | limit.isnull())  # the exact limit may have gone past one
    decides = at(profile, parameter, "count_information", limit) >= TOTAL_SUFFICES
    result = xarray.Dataset(
        {
            "limit": limit,
            "status": status,
            "exact": exact,
            "expected_events": at(profile, parameter, "expected_events", limit),
            "confidence": (1.0 - at(profile, parameter, "count_p_value", limit)).where(decides),
            "island_lower": islands["lower"],
            "island_upper": islands["upper"],
            "islands": islands["lower"].notnull().sum("island"),
            "best": found["best"],
        },
        attrs=found.attrs,
    )
    warn_of_few("upper_limit", result.attrs, result["expected_events"].where(~exact), result["confidence"])
    return result


def _limit_and_status(
    first: "xarray.Dataset", counted: "xarray.DataArray"
) -> tuple["xarray.DataArray", "xarray.DataArray"]:
    """Upper end of the first interval, or the exact limit where that is larger; and the status of each."""
    import xarray

    reached = xarray.where(first["open_above"], 2, xarray.where(first["open_below"], 0, 1))
    nothing = xarray.where((first["best"] == 0.0) & (first.attrs["relative_to"] == "slice"), 4, 3)
    status = xarray.where(first["lower"].isnull(), nothing, reached)
    limit = first["upper"].where(status <= 1)
    larger = counted > limit.fillna(xarray.where(status == 2, np.inf, 0.0))
    status = xarray.where(larger, xarray.where(np.isinf(counted), 2, xarray.where(status == 1, 1, 0)), status)
    limit = xarray.where(larger, counted, limit).where(status <= 1)
    status = status.astype("int8")
    status.attrs = {"flag_values": np.arange(len(STATUS), dtype=np.int8), "flag_meanings": " ".join(STATUS)}
    return limit, status


def _units(dataset: "xarray.Dataset") -> dict[str, str]:
    return {"units": str(dataset["upper"].attrs["units"])}


def _threshold(cl: float, tails: str) -> float:
    if not isinstance(cl, int | float) or not 0.0 < cl < 1.0:
        raise _checks.invalid("cl", cl, "between 0 and 1, such as 0.90")
    if tails == "two":
        return threshold(cl, 1)
    if cl <= 0.5:
        raise _checks.invalid("cl", cl, "above 0.5 for one tail")
    return float(ndtri(cl)) ** 2
