"""Options of a command from the fields of a class of settings, and one object of it from what was typed.

A field's name, default and description are those of its option, unless the command says otherwise.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

import typer

from lmtbayes import _checks
from lmtbayes.cli_options import Context, SettingsFile, typed
from lmtbayes.jobs.settings import split_names
from lmtbayes.jobs.strict import Saved, described


@dataclass(frozen=True)
class Setting:
    """An option that sets a field of a class of settings.

    Parameters
    ----------
    field
        Its name, which is the option's; "fit.seed" is the seed of what the field `fit` holds.
    default
        Of this command; that of the class where it is left out.
    words
        Its help; the field's description where they are left out.
    also
        A second field that gets the same value.
    argument
        Whether it is a positional argument, which has to be given and cannot change a file's.
    flag
        Of the option, where it is not the field's name.
    """

    field: str
    default: Any = None
    words: str | None = None
    also: str | None = None
    argument: bool = False
    flag: str | None = None

    @property
    def name(self) -> str:
        """As a parameter of the command."""
        return self.field.rpartition(".")[2]

    def read(self, value: Any) -> Any:
        """Value of the field, of what was typed."""
        if self.name == _WITH_COMMAS:
            return tuple(part.strip() for part in value.split(";") if part.strip())
        return split_names(value) if self.name in _SEVERAL else value

    def parameter(self, kind: type) -> inspect.Parameter:
        """Parameter from which typer makes the option."""
        owner, _, inner = self.field.partition(".")
        if inner:
            kind = get_type_hints(kind)[owner]
        of_class = next(field for field in dataclasses.fields(kind) if field.name == self.name)
        default = of_class.default if self.default is None else self.default
        expected, words = get_type_hints(kind)[self.name], self.words or _begun_small(described(kind)[self.name])
        metavar = None
        if self.name in _RANGES:
            expected, metavar = expected | None, "LOW HIGH"
        elif isinstance(default, tuple):
            commas = self.name != _WITH_COMMAS
            default, expected = (",".join(default) if commas else "; ".join(default)), str
            words = f"comma-separated {words}" if commas else words
        declared = (self.flag,) if self.flag else ()
        info = (typer.Argument if self.argument else typer.Option)(*declared, help=words, metavar=metavar)
        return inspect.Parameter(
            self.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if self.argument else default,
            annotation=Annotated[expected, info],
        )


def _begun_small(sentence: str) -> str:
    """As the help says it: the first letter small, unless it is a name's, and no full stop."""
    small = sentence[:1].lower() if sentence[1:2].islower() else sentence[:1]
    return small + sentence[1:].removesuffix(".")


_SEVERAL = ("experiments", "mixings", "plugins")
"""Fields that hold several names, typed with commas between them."""
_WITH_COMMAS = "next"
"""Holds several texts with commas in them, typed with semicolons between them."""

_RANGES = ("g_x", "mass", "kappa")
"""Fields that are two numbers; where a class finds out a default itself, none is handed to it."""

type Command = Callable[..., None]


def with_settings(kind: type[Saved], *options: str | Setting, repeats: bool = False) -> Callable[[Command], Command]:
    """Give a command (context, settings, ...) one object of settings, made from options that are generated.

    Parameters
    ----------
    kind
        Class of the settings.
    options
        In their order in the help: names of fields, or `Setting` where one is not as the class has it.
    repeats
        Add `--settings FILE`, from which all is taken that is not typed.
    """
    chosen = [Setting(option) if isinstance(option, str) else option for option in options]

    def decorate(command: Command) -> Command:
        context, _, *others = inspect.signature(command).parameters.values()
        parameters = [context, *(option.parameter(kind) for option in chosen)]
        if repeats:
            file = inspect.Parameter("settings", context.kind, default=None, annotation=SettingsFile)
            parameters.append(file)

        def run(context: Context, **given: Any) -> None:
            values = {option: option.read(given.pop(option.name)) for option in chosen}
            path = given.pop("settings", None) if repeats else None
            if path is None:
                settings = kind(**_by_field(kind, values))
            else:
                settings = _changed(context, kind.from_file(path), values)
            command(context, settings, **given)

        made = functools.wraps(command)(run)
        made.__signature__ = inspect.Signature([*parameters, *others])  # type: ignore[attr-defined]
        made.__annotations__ = {parameter.name: parameter.annotation for parameter in (*parameters, *others)}
        return made

    return decorate


def _changed(context: Context, settings: Any, values: Mapping[Setting, Any]) -> Any:
    """Settings of a file with what was typed."""
    for option, value in values.items():
        if option.argument:
            _checks.one_of(option.name, value, (getattr(settings, option.field),))
    names = typed(context, {option.name: None for option in values})
    return dataclasses.replace(
        settings, **_by_field(settings, {option: x for option, x in values.items() if option.name in names})
    )


def _by_field(settings: Any, values: Mapping[Setting, Any]) -> dict[str, Any]:
    """Values by field; what `settings`, an object or its class, holds in a field is changed in its own fields."""
    found: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for option, value in values.items():
        if value is None and option.name in _RANGES:
            continue
        for field in filter(None, (option.field, option.also)):
            owner, dot, name = field.partition(".")
            if dot:
                inner.setdefault(owner, {})[name] = value
            else:
                found[field] = value
    return found | {owner: dataclasses.replace(getattr(settings, owner), **own) for owner, own in inner.items()}
