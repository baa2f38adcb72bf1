"""What commands share: the console, options, and which of them were typed.

A typed option without effect is an error, not a silence.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from lmtbayes.errors import InvalidArgument

if TYPE_CHECKING:
    Context = typer.Context
else:
    # What a command is handed is an object of click's class, of which typer's is a subclass that only names it.
    Context = typer.Context.__mro__[1]

console = Console()

Experiments = Annotated[str, typer.Option(help="names, comma-separated; overrides as name:key=value")]
Truth = Annotated[str, typer.Option(help="BP1 ... BP4, g_x=5e-4,mass=15,eps_x=-7e-6, or none")]
Published = Annotated[
    str, typer.Option(help="data of published searches beside Asimov projections: observed or asimov")
]
Out = Annotated[Path, typer.Option(help="folder for the results")]
Force = Annotated[bool, typer.Option("--force", help="replace existing results")]
Convention = Annotated[str, typer.Option(help="default (right physics) or paper (the choices of arXiv:2104.03297)")]
SettingsFile = Annotated[
    Path | None, typer.Option(help="repeat a run from its settings.json; other options that are given change it")
]


def typed(context: Context, options: dict[str, Any]) -> dict[str, Any]:
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
