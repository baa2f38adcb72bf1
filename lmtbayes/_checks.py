"""Checks of arguments: eager, before anything compiles, one template for every message.

A traced value (inside jit, grad, vmap) cannot be checked and passes.
"""

import difflib
import re
import warnings
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lmtbayes.errors import InvalidArgument, UnitsWarning, UnknownName

LOWEST_MASS, HIGHEST_MASS = 1e-2, 1e6
"""Of a boson, in MeV: from the lower end of the muon beams' tables to beyond the last published curve (CMS, 75 GeV)."""

_NAME = re.compile(r"\w[\w+.-]*")


def invalid(argument: str, value: object, expected: str) -> InvalidArgument:
    """Return the error "`argument` must be <expected>; got <value>"."""
    return InvalidArgument(f"`{argument}` must be {expected}; got {_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, np.ndarray | np.generic | jax.Array) and not is_traced(value):
        array = np.asarray(value)
        return np.array2string(array, threshold=8) if array.ndim else repr(array.item())
    return repr(value)


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
        return None
    try:
        given = np.asarray(value)
        if given.dtype.kind in "USc":  # NumPy would read "1" as a number, and drop an imaginary part
            raise invalid(argument, value, expected)
        array = given.astype(np.float64)
    except (TypeError, ValueError):
        raise invalid(argument, value, expected) from None
    return array


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


def fraction(argument: str, value: object) -> float:
    """Return a single number in [0, 1] as a float; per cent are what usually was meant otherwise."""
    expected = "a fraction between 0 and 1 (5 % is 0.05)"
    array = number(argument, value, expected)
    if array is None or array.shape != () or not 0.0 <= array <= 1.0:
        raise invalid(argument, value, expected)
    return float(array)


def whole(argument: str, value: object, minimum: int = 1) -> None:
    """Require a whole number of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < minimum:
        raise invalid(argument, value, f"a whole number of at least {minimum}")


def masses(argument: str, value: object) -> None:
    """Require masses [MeV] between 10 keV and 1 TeV, where rates are meant; warn of those below 1 MeV.

    A grid of 0.001 to 1 is one of 1 MeV to 1 GeV whose author thinks in GeV; as MeV it constrains nothing.
    """
    positive(argument, value, "MeV")
    array = number(argument, value)
    if array is None or not array.size:
        return
    low, high = float(array.min()), float(array.max())
    reason = ""
    if low < 1.0:
        reason = f": masses are in MeV, and {low:g} looks like GeV ({1e3 * low:g} MeV)"
    elif high > HIGHEST_MASS:
        reason = f": masses are in MeV, and {high:g} looks like keV or eV"
    if low < LOWEST_MASS or high > HIGHEST_MASS:
        expected = f"between {LOWEST_MASS:g} and {HIGHEST_MASS:g} MeV"
        raise InvalidArgument(f"`{argument}` must be {expected}; got {low:g} to {high:g}{reason}")
    if low < 1.0:
        words = f"`{argument}` goes down to {low:g} MeV{reason}; if sub-MeV is meant, filter this UnitsWarning"
        warnings.warn(words, UnitsWarning, stacklevel=4)


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
    if value not in accepted:
        raise InvalidArgument(
            f"`{argument}` must be one of {', '.join(map(repr, accepted))}; got {value!r}{suggestion(value, accepted)}"
        )


def unknown(kind: str, name: object, accepted: Iterable[str]) -> UnknownName:
    """Return the error for a name that is not registered, with the nearest ones that are."""
    accepted = tuple(accepted)
    listed = ", ".join(accepted) if accepted else "none"
    return UnknownName(f"unknown {kind} {name!r}{suggestion(name, accepted)}; accepted: {listed}")


def suggestion(name: object, accepted: Iterable[object]) -> str:
    """Return " (did you mean ...?)" for a near miss, else an empty string."""
    folded = {str(entry).lower(): str(entry) for entry in accepted}
    near = [folded[key] for key in difflib.get_close_matches(str(name).lower(), folded, n=2, cutoff=0.6)]
    return f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
