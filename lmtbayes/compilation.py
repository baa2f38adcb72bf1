"""The persistent compilation cache: what XLA has compiled once is read from a folder by every later process.

Off unless asked for: `LMTBAYES_CACHE=DIR` in the environment, read at import, or `compilation_cache(DIR)`.
"""

import os
from pathlib import Path

import jax

from lmtbayes import _checks

VARIABLE = "LMTBAYES_CACHE"
"""Environment variable that names the folder; empty or unset is no cache."""


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
        A path that is no folder, or cannot be made.
    """
    from jax.experimental.compilation_cache import compilation_cache as cache

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
    jax.config.update("jax_compilation_cache_dir", None if path is None else str(path))
    # By default jax keeps only what took more than a second: a fit is made of many that took less.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # jax looks at its settings once, at the first compilation.
    cache.reset_cache()
    return path


def from_environment() -> None:
    """Switch the cache on where the environment names a folder."""
    if os.environ.get(VARIABLE):
        compilation_cache(os.environ[VARIABLE])
