"""What commands share: the console, options, and which of them were typed.

A typed option without effect is an error, not a silence.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.registry import load_plugin
from lmtbayes.jobs.settings import FitSettings, split_names

if TYPE_CHECKING:
    Context = typer.Context
else:
    # What a command is handed is an object of click's class, of which typer's is a subclass that only names it.
    Context = typer.Context.__mro__[1]

console = Console()


class _Flags:
    """What a command's help lists: a flag is given alone, so that no `<bool>` stands beside it."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Parameters, with nothing in the column of types where there is nothing to type."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in found:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = " "
        return found


class Command(_Flags, TyperCommand):
    """A command of the program."""


class Group(_Flags, TyperGroup):
    """The program."""


Out = Annotated[Path, typer.Option(help="folder for the results")]
Force = Annotated[bool, typer.Option("--force", help="replace existing results, drop unfinished ones")]
Convention = Annotated[str, typer.Option(help="default (right physics) or paper (the choices of arXiv:2104.03297)")]
SettingsFile = Annotated[
    Path | None, typer.Option(help="repeat a run from its settings.json; other options that are given change it")
]
Plugins = Annotated[str, typer.Option("--plugin", help="comma-separated modules that register experiments of your own")]


def load_plugins(names: str) -> None:
    """Import the modules of `--plugin`."""
    for name in split_names(names):
        load_plugin(name)


def say(text: str) -> None:
    """Tell what a job is doing."""
    console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)


@contextmanager
def resumable(where: str = "where it stands") -> Iterator[None]:
    """Say of a command that is interrupted where the same command goes on; exit status 130.

    The same is said where the system refuses something, as room on a disk.
    """
    try:
        yield
    except OSError as error:
        error.add_note(f"the same command goes on {where}")
        raise
    except KeyboardInterrupt:
        console.print(f"interrupted; the same command goes on {where}")
        raise typer.Exit(130) from None


def show(summary: str, out: Path | None = None) -> None:
    """Print what a job found, and where the rest of it is."""
    console.print(escape(summary), soft_wrap=True, highlight=False)
    if out is not None:
        console.print(f"results: {out}")


# -- which options were typed -----------------------------------------------------------------------------------------


def typed(context: Context, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that were typed, not left at their defaults."""
    sources = {name: getattr(context.get_parameter_source(name), "name", "DEFAULT") for name in options}
    return {name: options[name] for name, source in sources.items() if not source.startswith("DEFAULT")}


def refuse(context: Context, names: tuple[str, ...], why: str) -> None:
    """Refuse options that were typed and would change nothing.

    Raises
    ------
    InvalidArgument
        The first of them, with the reason.
    """
    for name in typed(context, dict.fromkeys(names)):
        raise InvalidArgument(f"`--{name.replace('_', '-')}` must be left out: {why}")


def refuse_truth(context: Context, settings: FitSettings, *names: str) -> None:
    """Refuse a truth where the data are the published ones."""
    if settings.data == "observed":
        refuse(context, names, "with observed data there is no truth to choose")
