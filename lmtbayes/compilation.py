"""The persistent compilation cache: what XLA has compiled once is read from a folder by every later process.

Off unless asked for: `LMTBAYES_CACHE=DIR` in the environment, read at import, or `compilation_cache(DIR)`. The command
line has one by itself, in the user's own cache folder (`for_commands`), since every command is a process that would
compile all anew, and hands it on to its workers (`settings`, `adopt`); `LMTBAYES_CACHE=` switches it off. What is in it
is run: a folder that others can write to is refused.
"""

import os
import stat
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument

VARIABLE = "LMTBAYES_CACHE"
"""Environment variable that names the folder; empty or unset is no cache."""
_DIRECTORY = "jax_compilation_cache_dir"
_LEAST = {"jax_persistent_cache_min_compile_time_secs": 0.0, "jax_persistent_cache_min_entry_size_bytes": -1}
"""What is too little to be kept. By default jax keeps only what took more than a second: a fit is made of many that
took less."""


def compilation_cache(directory: str | Path | None) -> Path | None:
    """Keep compiled functions in a folder, so that a later process compiles nothing that is in it.

    Entries belong to one version of jax and one kind of processor: others do not match and are compiled anew, so that a
    folder can be shared and outlive an upgrade. Nothing is ever removed from it.

    Parameters
    ----------
    directory
        Made if need be. None switches the cache off.

    Returns
    -------
    directory
        The folder in use, absolute; None if switched off.

    Raises
    ------
    InvalidArgument
        A path that is no folder, or cannot be made; a folder to which everybody can write, since what is in it is run.
    """
    path = None
    if directory is not None:
        if not isinstance(directory, str | Path) or not str(directory):
            raise _checks.invalid("directory", directory, "a path of a folder, or None for no cache")
        path = Path(directory).expanduser().absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _checks.invalid(
                "directory", str(directory), f"a folder that can be made ({error.strerror})"
            ) from None
        if _anybody_writes(path):
            raise _checks.invalid(
                "directory", str(directory), "a folder that others cannot write to: what is in it is run"
            )
    adopt({_DIRECTORY: None if path is None else str(path)} | _LEAST)
    return path


def settings() -> dict[str, Any]:
    """What this process keeps and where, by jax's names: for `adopt` in a process that it begins."""
    return {name: getattr(jax.config, name) for name in (_DIRECTORY, *_LEAST)}


def adopt(settings: Mapping[str, Any]) -> None:
    """Keep what another process keeps, where it does."""
    from jax.experimental.compilation_cache import compilation_cache as cache

    for name, value in settings.items():
        jax.config.update(name, value)
    # jax looks at its settings once, at the first compilation.
    cache.reset_cache()


def from_environment() -> None:
    """Switch the cache on where the environment names a folder; a warning, and none, where that cannot be."""
    if os.environ.get(VARIABLE):
        try:
            compilation_cache(os.environ[VARIABLE])
        except InvalidArgument as error:
            warnings.warn(f"nothing that is compiled is kept: {VARIABLE}, as {error}", UserWarning, stacklevel=3)


def for_commands() -> str:
    """Switch on the user's own cache, unless the environment names one, of this package or of jax, or none.

    Returns
    -------
    problem
        Why there is none, in a sentence; empty where all is well.
    """
    if VARIABLE in os.environ or os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return ""
    try:
        folder = users_folder()
        for path in (folder.parent, folder):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):
        return ""  # no home, or nothing can be written: as without
    if not (_is_private(folder.parent) and _is_private(folder)):
        return f"{folder} can be written to by others; compiled functions are not kept ({VARIABLE}=DIR names a folder)"
    if os.name == "posix":
        for path in (folder.parent, folder):
            path.chmod(0o700)  # one that others could read, of an earlier version
    compilation_cache(folder)
    return ""


def users_folder() -> Path:
    """Where the command line keeps what it has compiled: one folder a version of jax, in the user's cache folder."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lmtbayes" / f"jax-{jax.__version__}"


def _anybody_writes(folder: Path) -> bool:
    """Whether everybody on this machine can put something into a folder; a group may share one that somebody names."""
    return hasattr(os, "getuid") and bool(folder.stat().st_mode & stat.S_IWOTH)


def _is_private(folder: Path) -> bool:
    """Whether nobody else can write into a folder, where that can be told."""
    if not hasattr(os, "getuid"):
        return True
    about = folder.stat()
    return about.st_uid == os.getuid() and not about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
