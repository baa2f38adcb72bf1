"""What an experiment's overrides are, one record each: unit, default and meaning, read from its builder's docstring.

The docstring is the one place where they stand: the `Parameters` section of the function that is registered, in numpy's
style. The first [unit] of an entry is its unit. "As in `X`" stands for what the docstring of X, a name in the builder's
module, says of an option of that name. What `name` and `title` are stands here, and `nuisances` needs no entry.
"""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_EVERYWHERE: Mapping[str, str] = MappingProxyType(
    {
        "name": "Of the experiment: a projection under another name is another detector, so that two variants fit "
        "together; published data stay the same data.",
        "title": "What pictures and tables call it.",
    }
)
_NUISANCES = "Names of those that stay free; None for all of the convention, () for none."

_WIDEST = 40
_SECTION = re.compile(r"^(?P<title>\w[\w ]*)\n-{3,}$", re.MULTILINE)
_UNIT = re.compile(r"\[([^][]+)\]")
_AS_IN = re.compile(r"[Aa]s in `([\w.]+)`")


@dataclass(frozen=True)
class Option:
    """One override of an experiment.

    Parameters
    ----------
    name
        As `experiment(..., name=value)` takes it.
    default
        None where the entry has its own number, or does without.
    published
        That number, where the entry says it: what the default stands for.
    unit
        "" for a word, a switch, a name or a pure number.
    meaning
        In words; "" where the builder has none.
    """

    name: str
    default: Any
    published: Any
    unit: str
    meaning: str

    @property
    def value(self) -> Any:
        """What the experiment is built with where nothing is given."""
        return self.default if self.published is None else self.published

    @property
    def shown(self) -> str:
        """That, in at most 40 letters."""
        text = repr(self.value)
        return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 3]}..."


class Options(dict[str, Any]):
    """Defaults of an experiment's overrides by name; `records` says what each is, `print` shows it."""

    def __init__(self, records: tuple[Option, ...]):
        super().__init__({option.name: option.default for option in records})
        self.records = records

    def __str__(self) -> str:
        """One paragraph for each option."""
        return "\n".join(
            f"{option.name} = {option.shown}{option.unit and f' [{option.unit}]'}: {option.meaning}"
            for option in self.records
        )


def options(build: Callable[..., Any], published: Mapping[str, Any]) -> Options:
    """Describe the keyword-only arguments of a builder.

    Parameters
    ----------
    build
        Function, class, or `functools.partial` of one.
    published
        Values that defaults of None stand for.
    """
    said = {"nuisances": _NUISANCES, **parameters(build), **_EVERYWHERE}
    records = []
    for parameter in inspect.signature(build).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            name, meaning = parameter.name, said.get(parameter.name, "")
            unit = _UNIT.search(meaning)
            records.append(Option(name, parameter.default, published.get(name), unit[1] if unit else "", meaning))
    return Options(tuple(records))


def parameters(build: Callable[..., Any]) -> dict[str, str]:
    """Meaning of every parameter that a docstring describes; "As in `X`" replaced by what X says."""
    function: Any = build
    while isinstance(function, functools.partial):
        function = function.func
    function = inspect.unwrap(function)
    found = _entries(inspect.getdoc(function) or "")
    around = getattr(function, "__globals__", {})
    for name, meaning in found.items():
        reference = _AS_IN.search(meaning)
        other = _found(reference[1], around) if reference else None
        if reference and other is not None and other is not function:
            there = parameters(other).get(name, "")
            rest = meaning[reference.end() :].lstrip(" .;,")
            rest = rest[:1].upper() + rest[1:]
            found[name] = (
                " ".join(filter(None, (meaning[: reference.start()].strip(), there, rest))) if there else meaning
            )
    return found


def _found(path: str, names: Mapping[str, Any]) -> Any:
    """What a dotted name stands for, None for nothing."""
    first, *others = path.split(".")
    value = names.get(first)
    for name in others:
        value = getattr(value, name, None)
    return value if callable(value) else None


def _entries(docstring: str) -> dict[str, str]:
    """Entries of the section `Parameters`, each in one line; several names may share one."""
    titles = [*_SECTION.finditer(docstring)]
    found: dict[str, str] = {}
    for title, end in zip(titles, [*(t.start() for t in titles[1:]), len(docstring)], strict=False):
        body = docstring[title.end() : end] if title["title"] == "Parameters" else ""
        for names, text in re.findall(r"^(\w[^\n]*)\n((?:[ \t]+[^\n]*\n?|\n)*)", body, re.MULTILINE):
            for name in names.partition(" :")[0].split(","):
                found[name.strip(" *")] = " ".join(text.split())
    return found
