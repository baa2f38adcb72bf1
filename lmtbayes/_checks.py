"""Checks of arguments: eager, before anything compiles, one template for every message.

A traced value (inside jit, grad, vmap) cannot be checked and passes.
"""

import difflib
import math
import re
import warnings
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from lmtbayes.errors import InvalidArgument, UnitsWarning, UnknownName

LOWEST_MASS, HIGHEST_MASS = 1e-2, 1e6
"""Of a boson, in MeV: from the lower end of the muon beams' tables to beyond the last published curve (CMS, 75 GeV)."""
HEAVIEST_CURVE = 1e5
"""[MeV] Beyond the last published curve: a higher mass is likely one in keV."""
_LIKE_KEV = 1e3, 1e4
"""[MeV] A range that begins above the first and ends above the second is likely one of 1 MeV and more, given in keV."""
_EXCLUDED = 1e-2
"""A coupling that nothing allows below `LOWEST_MASS`: Delta a_mu = g^2/(8 pi^2) is 1.3e-6 there, 500 times what g-2 may
leave to it. As a mass in MeV it is an ordinary number."""

_SHOWN = 300
"""Letters of a value that a message shows."""

_INSIDE = tuple(str(Path(module).parent) for module in (__file__, eqx.__file__))
_NAME = re.compile(r"\w[\w+.-]*")


def invalid(argument: str, value: object, expected: str) -> InvalidArgument:
    """Return the error "`argument` must be <expected>; got <value>"."""
    return InvalidArgument(f"`{argument}` must be {expected}; got {shown(value)}")


def shown(value: object) -> str:
    """Value as a message has it: no longer than a few lines."""
    if isinstance(value, np.ndarray | np.generic | jax.Array) and not is_traced(value):
        array = np.asarray(value)
        return np.array2string(array, threshold=8) if array.ndim else repr(array.item())
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # lists in lists in lists; a whole number of thousands of digits
        return f"a {type(value).__name__} that is too long to be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def is_traced(value: object) -> bool:
    """Whether `value` is a tracer, whose number is not known yet."""
    return isinstance(value, jax.core.Tracer)


def array_library(*values: object) -> Any:
    """Return jax.numpy where a value is traced, else numpy: for what is folded once but may be scanned."""
    return jnp if any(is_traced(value) for value in values) else np


def jax_settings() -> None:
    """Require jax's own rules of promotion: rates mix integers with floats, and scalars, bins and nodes.

    Raises
    ------
    InvalidArgument
        Strict promotion of types or ranks.
    """
    rules = {"jax_numpy_dtype_promotion": ("standard",), "jax_numpy_rank_promotion": ("allow", "warn")}
    for name, accepted in rules.items():
        value = getattr(jax.config, name)
        value = getattr(value, "value", value)  # an enumeration's, in some versions
        if value not in accepted:
            raise InvalidArgument(
                f"jax's setting `{name}` must be {' or '.join(map(repr, accepted))} for lmtbayes; got {value!r} (set "
                f"it around your own code alone: with jax.{name.removeprefix('jax_')}(...))"
            )


def number(argument: str, value: object, expected: str = "a number") -> np.ndarray | None:
    """Return `value` as a float64 array, None if it is traced; InvalidArgument if it is no number or array of them."""
    if is_traced(value):
        if value.dtype == np.bool_:  # type: ignore[attr-defined]
            raise invalid(argument, value, expected)
        return None
    try:
        given = np.asarray(value)
        # NumPy would read "1", True, None and a date as numbers, and drop an imaginary part.
        if given.dtype.kind in "USbcmM" or _holds_no_number(value):
            raise invalid(argument, value, expected)
        array = given.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise invalid(argument, value, expected) from None
    return array


def _holds_no_number(value: object) -> bool:
    """Whether there is a True, a False or a None in nested sequences, where NumPy makes it a number or NaN."""
    if isinstance(value, list | tuple):
        return any(map(_holds_no_number, value))
    if isinstance(value, np.ndarray) and value.dtype == object:
        return any(map(_holds_no_number, value.ravel().tolist()))
    return value is None or isinstance(value, bool | np.bool_) or getattr(value, "dtype", None) == np.bool_


def _warn(words: str) -> None:
    """Warn where a user calls, however many functions of this package lie between."""
    warnings.warn(words, UnitsWarning, skip_file_prefixes=_INSIDE)


def scalar(argument: str, value: Any) -> None:
    """Require a single number; a traced one has to be single too."""
    array = number(argument, value, "a single number")
    if np.shape(value if array is None else array) != ():
        raise invalid(argument, value, "a single number")


def finite(argument: str, value: object) -> None:
    """Require finite numbers."""
    array = number(argument, value)
    if array is not None and not np.all(np.isfinite(array)):
        raise invalid(argument, value, "finite")


def positive(argument: str, value: object, unit: str = "") -> None:
    """Require finite numbers above zero."""
    expected = f"finite and positive{unit and f' [{unit}]'}"
    array = number(argument, value, expected)
    if array is not None and not (np.all(np.isfinite(array)) and np.all(array > 0)):
        raise invalid(argument, value, expected)


def non_negative(argument: str, value: object, unit: str = "") -> None:
    """Require finite numbers, zero or above."""
    expected = f"finite and not negative{unit and f' [{unit}]'}"
    array = number(argument, value, expected)
    if array is not None and not (np.all(np.isfinite(array)) and np.all(array >= 0)):
        raise invalid(argument, value, expected)


def in_interval(argument: str, value: object, low: float, high: float) -> None:
    """Require numbers in the closed interval [low, high]."""
    expected = f"between {low:g} and {high:g}"
    array = number(argument, value, expected)
    if array is not None and not np.all((array >= low) & (array <= high)):
        raise invalid(argument, value, expected)


def switch(argument: str, value: object) -> None:
    """Require True or False."""
    if not isinstance(value, bool | np.bool_):
        raise invalid(argument, value, "True or False")


def name(argument: str, value: object) -> None:
    """Require a name that can be a part of a file's name: letters, digits, and - + _ . inside."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise invalid(
            argument, value, "a name of letters, digits, '-', '+', '_' and '.', starting with a letter or digit"
        )


def coupling(argument: str, value: object) -> None:
    """Require numbers of at most 1 in size, as a gauge coupling or a mixing is; a larger one is likely a mass."""
    expected = "at most 1, as a coupling is (a mass in MeV looks like this: were they exchanged?)"
    array = number(argument, value)
    if array is not None and np.any(np.abs(array) > 1.0):
        raise invalid(argument, value, expected)


def exchanged(mass: object, **couplings: object) -> None:
    """Warn of couplings that nothing allows at their mass, likely exchanged with it; shapes broadcast."""
    masses = number("mass", mass)
    if masses is None or not np.any(light := masses < LOWEST_MASS):
        return
    for name, value in couplings.items():
        sizes = number(name, value)
        if sizes is None or not np.any(found := light & (np.abs(sizes) >= _EXCLUDED)):
            continue
        at = tuple(np.argwhere(found)[0])
        m, size = (np.broadcast_to(array, found.shape)[at] for array in (masses, sizes))
        many = f" ({np.count_nonzero(found)} of {found.size} photons)" if found.size > 1 else ""
        words = (
            f"`{name}` = {size:g} at `mass` = {m:g} MeV{many}: every experiment excludes it, and a mass of "
            f"{abs(size):g} MeV with a coupling of {m:g} would be an ordinary boson; were they exchanged? If it is "
            "meant, filter this UnitsWarning"
        )
        _warn(words)
        return


def fraction(argument: str, value: object) -> float:
    """Return a single number in [0, 1] as a float; per cent are what usually was meant otherwise."""
    expected = "a fraction between 0 and 1 (5 % is 0.05)"
    array = number(argument, value, expected)
    if array is None or array.shape != () or not 0.0 <= array <= 1.0:
        raise invalid(argument, value, expected)
    return float(array)


def whole(argument: str, value: object, minimum: int = 1, maximum: int | None = None) -> None:
    """Require a whole number of at least `minimum`, and of at most `maximum` where there is one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise invalid(argument, value, f"a whole number of at least {minimum}")
    if maximum is not None and value > maximum:
        raise invalid(argument, value, f"a whole number of at most {maximum}")


def masses(argument: str, value: object, curves: Iterable[tuple[float, float]] | None = None) -> None:
    """Require masses [MeV] between 10 keV and 1 TeV, where rates are meant; warn of those that look like GeV or keV.

    A grid of 0.001 to 1 is one of 1 MeV to 1 GeV whose author thinks in GeV; as MeV it constrains nothing. One of 1e3
    to 1e6 is the same in keV.

    Parameters
    ----------
    argument, value
        Name and masses.
    curves
        Masses (low, high) at which experiments have published curves, where experiments are known: 5 to 60 GeV is what
        CMS searched, and 5 to 60 MeV in keV for everybody else.
    """
    positive(argument, value, "MeV")
    array = number(argument, value)
    if array is None or not array.size:
        return
    low, high = float(array.min()), float(array.max())
    like_kev = low >= _LIKE_KEV[0] and high >= _LIKE_KEV[1] and curves is not None
    if like_kev and any(begin <= high and low <= end < math.inf for begin, end in curves or ()):
        like_kev = False
    reason = edge = ""
    if low < 1.0:
        reason = f": masses are in MeV, and {low:g} looks like GeV ({1e3 * low:g} MeV)"
        edge = f"down to {low:g}"
    elif high > HEAVIEST_CURVE or like_kev:
        reason = f": masses are in MeV, and {high:g} looks like keV ({1e-3 * high:g} MeV)"
        edge = f"up to {high:g}"
    if low < LOWEST_MASS or high > HIGHEST_MASS:
        expected = f"between {LOWEST_MASS:g} and {HIGHEST_MASS:g} MeV"
        if high > HIGHEST_MASS and low >= 1.0:
            reason = f": masses are in MeV, and {high:g} looks like keV or eV"
        raise InvalidArgument(f"`{argument}` must be {expected}; got {low:g} to {high:g}{reason}")
    if reason:
        words = f"`{argument}` goes {edge} MeV{reason}; if that is meant, filter this UnitsWarning"
        _warn(words)


def increasing(argument: str, value: object, minimum_length: int = 2) -> np.ndarray:
    """Return `value` as a strictly increasing 1-d float64 array of at least `minimum_length` finite entries."""
    expected = f"a strictly increasing sequence of at least {minimum_length} finite numbers"
    array = number(argument, value, expected)
    if (
        array is None
        or array.ndim != 1
        or array.size < minimum_length
        or not np.all(np.isfinite(array))
        or not np.all(np.diff(array) > 0)
    ):
        raise invalid(argument, value, expected)
    return array


def shape(argument: str, value: object, expected_shape: tuple[int, ...]) -> np.ndarray:
    """Return `value` as a float64 array of exactly `expected_shape`."""
    if expected_shape == ():
        scalar(argument, value)
    array = number(argument, value, f"an array of shape {expected_shape}")
    if array is None or array.shape != expected_shape:
        found = "a traced value" if array is None else f"shape {array.shape}"
        raise InvalidArgument(f"`{argument}` must be an array of shape {expected_shape}; got {found}")
    return array


def one_of(argument: str, value: object, accepted: Iterable[object]) -> None:
    """Require membership; the message lists what is accepted and guesses what was meant."""
    accepted = tuple(accepted)
    # True equals 1, and an array equals nothing in a word.
    equal = isinstance(value, Hashable) and not isinstance(value, bool | np.bool_)
    if not any(value is entry or (equal and value == entry) for entry in accepted):
        raise InvalidArgument(
            f"`{argument}` must be one of {', '.join(map(repr, accepted))}; got {shown(value)}"
            f"{suggestion(value, accepted)}"
        )


def unknown(kind: str, name: object, accepted: Iterable[str]) -> UnknownName:
    """Return the error for a name that is not registered, with the nearest ones that are."""
    accepted = tuple(accepted)
    listed = ", ".join(accepted) if accepted else "none"
    return UnknownName(f"unknown {kind} {shown(name)}{suggestion(name, accepted)}; accepted: {listed}")


def suggestion(name: object, accepted: Iterable[object]) -> str:
    """Return " (did you mean ...?)" for a near miss, else an empty string."""
    if len(shown(name)) > _SHOWN:
        return ""
    folded = {str(entry).lower(): str(entry) for entry in accepted}
    near = [folded[key] for key in difflib.get_close_matches(str(name).lower(), folded, n=2, cutoff=0.6)]
    return f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
