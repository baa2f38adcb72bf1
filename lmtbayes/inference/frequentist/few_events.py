"""Thresholds and p-values of many events where few are expected: warnings with the numbers."""

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from lmtbayes.errors import AsymptoticWarning

if TYPE_CHECKING:
    import xarray

FEW_EVENTS = 5.0
"""Expected events below which a threshold of chi^2 is said to be one of many events."""
_CURE = "lmtbayes.toy_test_statistics gives the threshold that holds"


def warn_of_few(
    function: str,
    attrs: Mapping[str, Any],
    events: "xarray.DataArray",
    confidence: "xarray.DataArray | None" = None,
) -> None:
    """Warn where a threshold of many events was used for few.

    Parameters
    ----------
    function
        Whose thresholds they are.
    attrs
        Its `cl` and `q_threshold`.
    events
        Expected where a threshold was used; NaN elsewhere, and where they are not known.
    confidence
        The actual one, where it is known.
    """
    few = events.where(events < FEW_EVENTS)
    if not few.notnull().any():
        return
    fewest: Any = few.argmin(list(few.dims))
    place = "".join(f" at {name} = {float(few[name][i]):.4g}" for name, i in fewest.items() if name in few.coords)
    known = np.nan if confidence is None else float(confidence.isel(fewest))
    actual = "not known here" if np.isnan(known) else f"{100 * known:.3g} %"
    message = (
        f"{function}: q = {attrs['q_threshold']:.3g} stands for {100 * attrs['cl']:.4g} % where many events are "
        f"expected, but there are {float(few.isel(fewest)):.2g}{place}, and the actual confidence is {actual} "
        f"(fewer than {FEW_EVENTS:g} at {int(few.notnull().sum())} of {int(events.notnull().sum())} places); {_CURE}"
    )
    warnings.warn(message, AsymptoticWarning, stacklevel=3)


def fewest_events(profile: "xarray.Dataset", inside: Bool[np.ndarray, "y x"], dims: tuple[str, str]) -> float:
    """Fewest events expected in the cells of a region that touch its border; inf where there is none, or no word."""
    if "expected_events" not in profile:
        return np.inf
    border = np.zeros_like(inside)
    for axis in (0, 1):
        for step in (-1, 1):
            neighbour = np.roll(inside, step, axis)
            edge = (0 if step == 1 else -1,) if axis == 0 else (slice(None), 0 if step == 1 else -1)
            neighbour[edge] = inside[edge]  # beyond the grid is no border
            border |= inside & ~neighbour
    events = profile["expected_events"].transpose(*dims).values[border]
    return float(np.nanmin(events)) if events.size and not np.isnan(events).all() else np.inf


def few_events(events: float) -> str:
    """Say it after a level, where there are few."""
    return f"; asymptotic, with only {events:.2g} events expected on it" if events < FEW_EVENTS else ""


def warn_of_few_on_contours(found: Sequence[tuple[float, float, float]]) -> None:
    """Warn of contours with few events; each is (level, q, fewest expected events)."""
    few = [row for row in found if row[2] < FEW_EVENTS]
    if few:
        words = "; ".join(f"q = {q:.3g} for {100 * level:.4g} %, {events:.2g} expected" for level, q, events in few)
        message = (
            f"contours: levels are those of many events, but fewer than {FEW_EVENTS:g} are expected on the lines "
            f"({words}); the actual confidence is not known here: {_CURE}"
        )
        warnings.warn(message, AsymptoticWarning, stacklevel=3)


def few_in_bins(events: float, few: int, bins: int) -> str:
    """Say of a p-value of chi^2 in how many bins few events are expected; empty where there are enough."""
    if not few:
        return ""
    return f"asymptotic, with {events:.2g} events expected in a bin (fewer than {FEW_EVENTS:g} in {few} of {bins} bins)"


def warn_of_few_in_bins(deviance: float, degrees: int, p_value: float, words: str) -> None:
    """Warn of a goodness of fit whose bins expect few events; `words` are those of `few_in_bins`."""
    if words:
        message = (
            f"p_value: {p_value:.3g} is the probability of chi^2 above {deviance:.4g} with {degrees} degrees of "
            f"freedom, {words}; lmtbayes.toy_test_statistics(like, fit.photon).p_value(fit.deviance) is the one that "
            "holds"
        )
        warnings.warn(message, AsymptoticWarning, stacklevel=3)


def warn_of_few_at_discovery(sigma: float, events: Float[np.ndarray, "..."]) -> None:
    """Warn where a discovery is claimed with few events, signal and background together."""
    few = events[np.isfinite(events) & (events < FEW_EVENTS)]
    if few.size:
        message = (
            f"discovery_exposure: {sigma:g} sigma with {few.min():.2g} events expected (fewer than {FEW_EVENTS:g} at "
            f"{few.size} of {events.size} places): fractions of an event are counted there, whose number is whole; the "
            "median significance of such an experiment is not known from this formula"
        )
        warnings.warn(message, AsymptoticWarning, stacklevel=3)


def warn_of_few_at_cls(function: str, cl: float, events: "xarray.DataArray") -> None:
    """Warn where an asymptotic CLs limit stands where few events are expected; `events` as in `warn_of_few`."""
    few = events.where(events < FEW_EVENTS)
    if not few.notnull().any():
        return
    fewest: Any = few.argmin(list(few.dims))
    place = "".join(f" at {name} = {float(few[name][i]):.4g}" for name, i in fewest.items() if name in few.coords)
    message = (
        f"{function}: the formulas of a CLs limit of {100 * cl:.4g} % and of its bands are those of many events, but "
        f"{float(few.isel(fewest)):.2g} are expected{place} (fewer than {FEW_EVENTS:g} at {int(few.notnull().sum())} "
        f"of {int(events.notnull().sum())} places); lmtbayes.cls_limit(like, mass, method='toys') has limits that hold"
    )
    warnings.warn(message, AsymptoticWarning, stacklevel=3)
