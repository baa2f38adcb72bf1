"""The calls of the last release, settings as keywords: understood, with a warning that shows what to write instead.

Goes with the next release, and `former_keywords` from the two functions that have it.
"""

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument


def former_keywords[**P, R](
    shorthand: Mapping[str, type], odds: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for a function with a `method` and a keyword `seed`.

    Parameters
    ----------
    shorthand
        Word to class of the method, whose fields were keywords.
    odds
        Whether `prior_odds` was the name of `prior_probabilities`.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        parameters = inspect.signature(function).parameters
        positional = [n for n, p in parameters.items() if p.kind is not inspect.Parameter.KEYWORD_ONLY]

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> R:
            if len(args) == len(positional) + 1 and "seed" not in given:
                given["seed"], args = args[-1], args[:-1]
                _warn(f"`seed` of {function.__name__} by its position", f"seed={given['seed']}")
            if odds and "prior_odds" in given:
                _warn("`prior_odds`", "`prior_probabilities`, which sum to 1")
                given = _renamed(given, len(args) > 1)
            settings = {name: given.pop(name) for name in [*given] if name not in parameters}
            if settings:
                place = positional.index("method")
                word = args[place] if len(args) > place else given.get("method", "cubature")
                chosen = _object(shorthand, word, settings)
                shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
                _warn(
                    f"settings of a method as keywords of {function.__name__}",
                    f"lmtbayes.methods.{type(chosen).__name__}({shown}) as `method`",
                )
                if len(args) > place:
                    args = (*args[:place], chosen, *args[place + 1 :])
                else:
                    given["method"] = chosen
            return function(*args, **given)

        return call

    return decorate


def _renamed(given: Mapping[str, Any], twice: bool) -> dict[str, Any]:
    """`prior_odds`, of any sum, as `prior_probabilities`."""
    if twice or "prior_probabilities" in given:
        raise InvalidArgument("`prior_odds` is the old name of `prior_probabilities`; give one of them")
    rest = {name: value for name, value in given.items() if name != "prior_odds"}
    weights = given["prior_odds"]
    if weights is None:
        return rest
    if not isinstance(weights, Mapping):
        raise _checks.invalid("prior_odds", weights, "a mapping of model to its weight")
    for name, value in weights.items():
        _checks.positive(f"prior_odds[{name!r}]", value)
    total = sum(weights.values())
    return rest | {"prior_probabilities": {name: value / total for name, value in weights.items()}}


def _object(shorthand: Mapping[str, type], word: Any, settings: Mapping[str, Any]) -> Any:
    if not isinstance(word, str):
        raise InvalidArgument(
            f"`method` is an object, {word!r}, and has its own settings; got {', '.join(map(repr, settings))} as well"
        )
    _checks.one_of("method", word, shorthand)
    names = tuple(inspect.signature(shorthand[word]).parameters)
    for name in settings:
        if name not in names:
            raise _checks.unknown(f"setting of method {word!r}", name, names)
    return shorthand[word](**settings)


def _warn(old: str, new: str) -> None:
    # Three frames up: whoever called the decorated function.
    warnings.warn(f"{old} go with the next release; write {new}", DeprecationWarning, stacklevel=3)
