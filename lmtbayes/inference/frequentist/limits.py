"""Intervals and upper limits of one parameter from a profile likelihood, every allowed region reported.

A parameter's profile is q = 2 [max ln L - ln L(value)]; the allowed values are those with q below a threshold. There
may be more than one region: a recoil rate whose interference term is twice the Standard Model's amplitude looks like
none.

**What CL means.** An upper limit is one-sided, here as in `published_limit`: at CL, q = z^2 with z the normal quantile
of CL, 1.282 for 90 % and 1.645 for 95 %. A published limit of 90 % comes back as the upper limit of 90 %. The q = 2.71
that papers call 90 % is the upper end of a two-sided interval, `tails="two"`; as a limit it is one of 95 %.

**Few events.** z^2 is the threshold of many events (Wilks). A search that counts, every bin a Poisson, gets its exact
limit instead (`counting`): 2.30 events at 90 % where nothing is expected and nothing seen. Elsewhere, where fewer than
5 events are expected at a limit, an AsymptoticWarning says so; a calibration by toys (`feldman_cousins`) has the
thresholds that hold.
"""

from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.frequentist.allowed_intervals import allowed_intervals
from lmtbayes.inference.frequentist.calibration import Calibration, warn_if_unresolved
from lmtbayes.inference.frequentist.cls_profiles import cls_of_profiles
from lmtbayes.inference.frequentist.counting import TOTAL_SUFFICES
from lmtbayes.inference.frequentist.few_events import warn_of_few
from lmtbayes.inference.frequentist.slices import at, counted_limit, half_way

if TYPE_CHECKING:
    import xarray

STATUS = ("limit", "interval", "no_limit", "nothing_allowed", "below_grid")
METHODS = ("auto", "exact", "asymptotic", "cls")


def intervals(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float = 0.6827,
    *,
    relative_to: str = "slice",
    tails: str = "two",
    calibration: Calibration | None = None,
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
    calibration
        Of `feldman_cousins` over the same grid and with the same `relative_to`: q below the critical value of each
        point. "two" is then the construction of Feldman and Cousins; "one", of slices alone, orders by q of best values
        below the truth (q_mu): its interval goes down to the lowest values.

    Returns
    -------
    intervals
        `lower` and `upper` with a dimension `interval` (upwards, padded with NaN): an edge of the grid where the
        region goes on beyond it, said by `open_below` and `open_above`; `best`, the best grid value of the slice, 0
        where no coupling at all is better than any value above zero; `events_lower` and `events_upper`, the events
        expected at either end (`counting`), NaN where the profile does not know. With a calibration `lower_error` and
        `upper_error`, what one error of its critical values moves (of toys, and between truths); NaN where it opens or
        closes a region.

    Raises
    ------
    InvalidArgument
        Not a dimension of the profile, a level outside (0, 1), an unknown option; a calibration of another statistic,
        or one that does not reach as far as the profile.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events are expected at an end: the thresholds are those of many.
    ResolutionWarning
        A calibration whose neighbouring truths differ by more than was asked of it.

    References
    ----------
    {theta : 2 [max ln L - ln L(theta)] < Q}, Q the chi^2 quantile or z^2: S. S. Wilks, Ann. Math. Stat. 9 (1938) 60; G.
    Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727, Eq. 8. Calibrated: G. J. Feldman, R. D. Cousins,
    Phys. Rev. D 57 (1998) 3873, arXiv:physics/9711021.
    """
    found = allowed_intervals(profile, parameter, cl, relative_to, tails, calibration)
    if calibration is not None:
        warn_if_unresolved(calibration, "intervals")
        less, more = (allowed_intervals(profile, parameter, cl, relative_to, tails, calibration, end) for end in (1, 2))
        moved = {side: half_way(less[side], more[side], found) for side in ("lower", "upper")}
        return found.assign({f"{side}_error": found[side].copy(data=error) for side, error in moved.items()})
    for side, edge in (("lower", "open_below"), ("upper", "open_above")):
        warn_of_few("intervals", found.attrs, found[f"events_{side}"].where(~found[edge]))
    return found


def upper_limit(
    profile: "xarray.Dataset",
    parameter: str,
    cl: float = 0.90,
    *,
    relative_to: str = "slice",
    tails: str | None = None,
    method: str = "auto",
    calibration: Calibration | None = None,
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
        "one", where nothing is said: the limit is one-sided, as published ones are: with many events, q = 1.64 at 90 %
        and 2.71 at 95 %.
        "two", where nothing is said but a calibration is given: the upper end of a two-sided interval, q = 2.71 at
        90 %: one-sided, its level is (1 + cl)/2.
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
    calibration
        As of `intervals`; it decides alone, and `method` is left out. By default the limit is the upper end of Feldman
        and Cousins's interval, whether that begins at zero (status 0) or above it (1).
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
        `island_lower`, `island_upper` with a dimension `island`; `islands`, their number. With a calibration
        `limit_error`, what one Monte Carlo error of its critical values moves; NaN where that makes or undoes a limit.
        Of "cls" instead: `limit`, `status`, `expected_events`, and `expected` and `band` as those of `cls_limit`.

    Raises
    ------
    InvalidArgument
        As `intervals`; eps_x, whose sizes run downwards (`intervals`, or kappa); `method` "exact" where it cannot be,
        or any with a calibration.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events are expected at an asymptotic limit; the message says how many, and the actual confidence
        where it is known. `toys.toy_test_statistics` gives the threshold of any likelihood.
    ResolutionWarning
        As `intervals`.

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
    if tails is None:
        tails = "one" if calibration is None else "two"
    if calibration is not None and method != "auto":
        raise _checks.invalid("method", method, "left out where a calibration decides")
    if parameter == "eps_x":
        raise _checks.invalid("parameter", parameter, "'g_x', 'mass' or 'kappa' (eps_x is negative: see intervals)")
    if (method == "cls") != (expected is not None) or (method == "cls" and (relative_to != "slice" or tails == "two")):
        raise InvalidArgument(
            "`method` = 'cls' goes with `expected`, the profile of the data that no boson predicts, with relative_to "
            "'slice' and tails 'one'; lmtbayes.cls_limit makes that profile itself"
        )
    if expected is not None:
        return cls_of_profiles(profile, parameter, cl, expected)
    found = allowed_intervals(profile, parameter, cl, relative_to, tails, calibration)
    first = found.isel(interval=0)
    counted = xarray.full_like(first["upper"], np.nan)
    if calibration is None and method != "asymptotic" and parameter == "g_x" and relative_to == "slice":
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
    if calibration is not None:
        warn_if_unresolved(calibration, "upper_limit")
        ends = (allowed_intervals(profile, parameter, cl, relative_to, tails, calibration, end) for end in (1, 2))
        low, high = (_limit_and_status(one.isel(interval=0), counted)[0] for one in ends)
        error = 0.5 * abs(high - low)
        return result.assign(limit_error=error.where(limit.notnull()).assign_attrs(_units(found)))
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
