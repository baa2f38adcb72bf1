"""The run-time type checker of the tests: beartype, with int accepted where float is meant (PEP 484)."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
_known: dict[tuple[Any, ...], Callable[..., Any]] = {}


def checked(function: Any) -> Any:
    """Return a function that checks its arguments.

    jaxtyping hands over functions of its own making that do nothing, with the signature of the one to check. A function
    within another is made, and would be checked, at each call of that: beartype's code for it is written once.
    """
    if not hasattr(function, "__code__"):
        return _check(function)
    code = function.__code__
    key = (
        function.__module__,
        function.__qualname__,
        code.co_varnames,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        *function.__annotations__.items(),
    )
    try:
        return _known[key]
    except KeyError:
        _known[key] = _check(function)
        return _known[key]
    except TypeError:  # an annotation that has no hash
        return _check(function)
