"""A folder of results that is there whole or not at all.

A job writes into FOLDER.partial and the folder gets its name when the job is done. What an interrupted job left there
(checkpoints) is picked up by the next run with the same settings. A long job made of units puts each into a folder of
its own by the same rule (`unit_folder`), so that what is there is done.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lmtbayes._files import write_netcdf as write_netcdf
from lmtbayes._files import write_text
from lmtbayes.errors import InvalidArgument

SETTINGS_FILE = "settings.json"


@contextmanager
def output_folder(
    path: str | Path, settings: Mapping[str, Any], force: bool = False, extend: bool = False
) -> Iterator[Path]:
    """Give a folder to write into, named `path` once the block ends without an error.

    Parameters
    ----------
    path
        Where the results go.
    settings
        Written as settings.json; an unfinished run is resumed only if its settings were the same.
    force
        Replace an existing folder.
    extend
        Go on in an existing folder if its settings are the same, for a job that adds one unit after another.

    Raises
    ------
    InvalidArgument
        `path` exists and `force` is False, or is no folder of results of this package.
    """
    final = Path(path)
    partial = final.with_name(final.name + ".partial")
    text = json.dumps(dict(settings), indent=2) + "\n"
    if extend and not force and not partial.exists() and _same(final / SETTINGS_FILE, text):
        os.replace(final, partial)
    if final.exists():
        if not force:
            raise InvalidArgument(f"`out` must not exist yet; {str(final)!r} does (--force replaces it)")
        if not (final / SETTINGS_FILE).is_file() and any(final.iterdir() if final.is_dir() else [final]):
            raise InvalidArgument(f"`out` = {str(final)!r} holds no results of lmtbayes; it is not replaced")
    if partial.exists() and not _same(partial / SETTINGS_FILE, text):
        shutil.rmtree(partial)
    partial.mkdir(parents=True, exist_ok=True)
    write_text(partial / SETTINGS_FILE, text)
    try:
        yield partial
    except BaseException:
        if [path.name for path in partial.iterdir()] == [SETTINGS_FILE]:
            # Nothing to go on from.
            shutil.rmtree(partial)
        raise
    if final.exists():
        shutil.rmtree(final)
    os.replace(partial, final)


@contextmanager
def unit_folder(path: Path) -> Iterator[Path]:
    """Give a folder for one unit of a job, named `path` once the block ends without an error; an older one goes."""
    partial = path.with_name(path.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    yield partial
    if path.exists():
        shutil.rmtree(path)
    os.replace(partial, path)


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
