"""Experiments of a user for the command line and for workers: modules by name, and entry points of installed packages.

A module registers its experiments when it is imported (`lmtbayes.register`). An entry point of the group
`lmtbayes.experiments` is such a module, or a builder, which is registered under the entry point's name.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from lmtbayes import _checks
from lmtbayes.errors import PluginError

GROUP = "lmtbayes.experiments"
"""Of the entry points."""


def check(argument: str, module: object) -> None:
    """Require the name of a module, as `import` takes it.

    Raises
    ------
    InvalidArgument
        A path, or no name at all.
    """
    words = "the name of a module, as in `import`: mypackage.experiments, or mine for a file mine.py"
    if not isinstance(module, str) or module.endswith(".py"):
        raise _checks.invalid(argument, module, words)
    if not all(part.isidentifier() for part in module.split(".")):
        raise _checks.invalid(argument, module, words)


def imported(module: str) -> ModuleType:
    """Import a module by its name; where nothing is installed under it, also one of the current folder.

    Raises
    ------
    PluginError
        What goes wrong, in one sentence that names the module.
    """
    check("plugin", module)
    if (here := os.getcwd()) not in sys.path:
        sys.path.append(here)  # last, so that a file of the current folder takes no installed module's place
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise broken(module, error) from error


def broken(plugin: str, error: BaseException) -> PluginError:
    """Return the error of a plugin that cannot be used: what it raised, in one line."""
    words = " ".join(str(error).split()) or "no reason given"
    return PluginError(f"plugin {plugin!r} cannot be loaded: {type(error).__name__}: {words}")


type Register = Callable[..., None]
"""As `registry.register`."""


def installed(register: Register) -> Iterator[tuple[EntryPoint, Callable[[], None]]]:
    """Yield every installed entry point, and what loads it.

    Parameters
    ----------
    register
        (name, builder), for entry points that are builders.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):

        def load(point: EntryPoint = point) -> None:
            try:
                found = point.load()
                if isinstance(found, ModuleType):
                    return
                register(point.name, found)
            except (Exception, SystemExit) as error:
                raise broken(f"{point.name} = {point.value}", error) from error

        yield point, load
