"""Classes of settings: frozen, strict, saved as plain JSON; what they refuse, they refuse in the package's own words.

They are pydantic's dataclasses and not its models: a call may name fields or give them in their order,
`dataclasses.replace` checks what it changes, and no door (`model_copy`, `model_construct`) leads around the checks.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, dataclass_transform, get_type_hints

from pydantic import BeforeValidator, ConfigDict, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import to_jsonable_python

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, LmtbayesError

_CONFIG = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)


@dataclass_transform(frozen_default=True)
def settings[T](cls: type[T]) -> type[T]:
    """Make a strict, frozen dataclass whose fields are described by the docstrings below them."""
    made: Any = dataclass(frozen=True, config=_CONFIG)(cls)
    build: Callable[..., None] = made.__init__

    @functools.wraps(build)
    def checked_init(self: Any, *fields: Any, **given: Any) -> None:
        made.before(given)
        try:
            build(self, *fields, **given)
        except ValidationError as error:
            raise _in_one_sentence(error, made) from None

    made.__init__ = checked_init
    return made


def _in_one_sentence(error: ValidationError, cls: type) -> LmtbayesError:
    """Return the first of pydantic's complaints as an error of the package."""
    first = error.errors(include_url=False)[0]
    own = first.get("ctx", {}).get("error")
    if isinstance(own, LmtbayesError):
        return own
    place = first["loc"][0] if first["loc"] else cls.__name__
    fields = list(described(cls))
    name = fields[place] if isinstance(place, int) and place < len(fields) else str(place)
    if first["type"] == "unexpected_keyword_argument":
        return _checks.unknown("setting", name, sorted(fields))
    if first["type"].startswith("missing"):
        return InvalidArgument(f"`{name}` must be given")
    if first["type"] == "multiple_argument_values":
        return InvalidArgument(f"`{name}` must be given once")
    if first["type"] == "unexpected_positional_argument":
        return InvalidArgument(f"`{cls.__name__}` must be given at most {len(fields)} fields")
    return _checks.invalid(name, first["input"], first["msg"].removeprefix("Input should be "))


def described(cls: type) -> dict[str, str]:
    """Fields of a class of settings, each with the first line of its description."""
    fields: Mapping[str, Any] = cls.__pydantic_fields__  # type: ignore[attr-defined]
    return {name: (field.description or "").strip().partition("\n")[0] for name, field in fields.items()}


class Saved:
    """What classes of settings share: written as plain JSON and read back."""

    WHAT: ClassVar[str] = "settings"
    """Of which a file holds one, as an error says it."""
    NEEDS: ClassVar[tuple[str, ...]] = ()
    """Settings that a file holds, whatever else: those of something else are told by their absence."""
    NEWER: ClassVar[tuple[str, ...]] = ()
    """Settings that are written only where they are not the usual ones, so that folders of earlier versions go on."""

    @classmethod
    def before(cls, given: Mapping[str, Any]) -> None:
        """Do what has to be done before the fields, given by name, are checked; nothing, unless a class says so."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings and lists, as written to settings.json and sent to workers."""
        names = [
            name
            for name in described(type(self))
            if name not in self.NEWER or getattr(self, name) != getattr(type(self), name)
        ]
        fields = {name: getattr(self, name) for name in names}
        return {k: x.to_dict() if isinstance(x, Saved) else to_jsonable_python(x) for k, x in fields.items()}

    @classmethod
    def from_dict[S: "Saved"](cls: type[S], given: Mapping[str, Any], where: str = "") -> S:
        """Inverse of `to_dict`; `where` is said in the error about a setting that does not exist.

        Raises
        ------
        UnknownName
            A setting that does not exist.
        InvalidArgument
            A value that cannot be; no mapping.
        """
        if not isinstance(given, Mapping):
            raise InvalidArgument(f"`settings`{where} must be a mapping of name to value; got {_checks.shown(given)}")
        if not set(cls.NEEDS) <= set(given):
            raise InvalidArgument(f"`settings`{where} must be those of {cls.WHAT}: its {', '.join(cls.NEEDS)} and more")
        known = sorted(described(cls))
        for name in given:
            if name not in known:
                raise _checks.unknown(f"setting{where}", name, known)
        kinds = {name: kind for name, kind in get_type_hints(cls).items() if isinstance(kind, type)}
        inner = {name: kind for name, kind in kinds.items() if name in given and issubclass(kind, Saved)}
        return cls(**{**given, **{name: kind.from_dict(given[name], where) for name, kind in inner.items()}})

    @classmethod
    def from_file[S: "Saved"](cls: type[S], path: str | Path) -> S:
        """Read what `to_dict` gave.

        Raises
        ------
        InvalidArgument
            No such file, no JSON, or a value that cannot be.
        UnknownName
            A setting that does not exist.
        """
        try:
            given = read_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"`settings` must be a file of {cls.WHAT}; {str(path)!r}: {error}") from None
        return cls.from_dict(given, f" in {str(path)!r}")


def read_json(text: str) -> Any:
    """Read JSON of which every word is meant: no name twice, no NaN, nothing that Python cannot take apart.

    Raises
    ------
    ValueError
        No such JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it holds lists in lists without end") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it gives {next(name for name in names if names.count(name) > 1)!r} twice")
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


# -- checks of one field ----------------------------------------------------------------------------------------------

type Check = Callable[[str, Any], Any]
"""Of a field's name and value; returns the value to keep, or raises."""


def checked(check: Check) -> BeforeValidator:
    """Validate a field by a check."""

    def validate(value: Any, info: Any) -> Any:  # a ValidationInfo, which nothing can be checked against
        return check(str(info.field_name), value)

    return BeforeValidator(validate)


def whole(least: int, most: int = 10**9) -> Check:
    """A whole number from `least` to `most`, NumPy's included."""

    def check(name: str, value: Any) -> int:
        _checks.whole(name, value, least, most)
        return int(value)

    return check


def one_of(accepted: Iterable[str]) -> Check:
    """One of some words."""
    accepted = tuple(accepted)

    def check(name: str, value: Any) -> Any:
        _checks.one_of(name, value, accepted)
        return value

    return check


def text(parse: Callable[[str], object] | None = None) -> Check:
    """Text that `parse`, where there is one, does not refuse."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str):
            raise _checks.invalid(name, value, "text")
        if parse is not None:
            parse(value)
        return value

    return check


def optional(check: Check) -> Check:
    """None, or what `check` accepts."""
    return lambda name, value: None if value is None else check(name, value)
