"""A folder of results that is there whole or not at all.

A job writes into FOLDER.partial and the folder gets its name when the job is done. What an interrupted job left there
(checkpoints) is picked up by the next run with the same settings. A long job made of units puts each into a folder of
its own by the same rule (`unit_folder`), so that what is there is done.

Nothing is ever deleted that was not made here, which a file `MARK` inside tells; and what was made here only once
something that replaces it is complete, or when its owner says so (`force`).
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lmtbayes._files import write_netcdf as write_netcdf
from lmtbayes._files import write_text
from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs.locks import Held, hold, settling
from lmtbayes.jobs.strict import read_json

type Say = Callable[[str], None]
"""Is told what a job is doing."""

SETTINGS_FILE = "settings.json"
MARK = ".lmtbayes"
"""Name of the file that says that a folder was made here; who writes into a folder holds it."""


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
        Replace an existing folder of results, and drop an unfinished run with other settings.
    extend
        Go on in an existing folder if its settings are the same, for a job that adds one unit after another.

    Raises
    ------
    InvalidArgument
        `path` exists and `force` is False, or is no folder of results of this package; an unfinished run with other
        settings is in FOLDER.partial; something else has that name, or .FOLDER.replaced; another process is writing
        there; nothing can be written.
    """
    final = Path(os.path.abspath(path))
    partial = final.with_name(final.name + ".partial")
    text = json.dumps(dict(settings), indent=2) + "\n"
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with settling(final.parent):
            owner = _begin(final, partial, text, force, extend)
    except OSError as error:
        raise InvalidArgument(f"`out` = {str(path)!r} cannot be written: {error.strerror or error}") from None
    try:
        yield partial
        for stale in partial.rglob(".*.tmp"):
            stale.unlink(missing_ok=True)
        with settling(final.parent):
            if final.exists() and not (force and _is_ours(final)):
                raise InvalidArgument(f"`out` = {str(path)!r} has appeared meanwhile; the results are in {partial}")
            owner.release()
            _rename(partial, final)
    except BaseException:
        if partial.is_dir() and {path.name for path in partial.iterdir()} <= {SETTINGS_FILE, MARK}:
            _remove(partial)  # nothing to go on from
        raise
    finally:
        owner.release()


def _begin(final: Path, partial: Path, text: str, force: bool, extend: bool) -> Held:
    """Refuse what cannot be, and make the folder to write into; its owner."""
    replaced = _replaced(final)
    for path in (final, partial, replaced):
        if path.is_symlink():
            raise InvalidArgument(f"`out` must be a folder itself; {str(path)!r} is a link")
    for path in (partial, replaced):
        if path.exists() and not _is_ours(path):
            raise InvalidArgument(
                f"`out` = {str(final)!r} needs the name {str(path)!r}, which holds something else; name another"
            )
    _recover(final)
    if extend and not force and not partial.exists() and _is_ours(final) and _same(final, text):
        os.replace(final, partial)
    if final.exists():
        if not force:
            raise InvalidArgument(f"`out` must not exist yet; {str(final)!r} does (--force replaces it)")
        if not _is_ours(final):
            raise InvalidArgument(f"`out` = {str(final)!r} holds no results of lmtbayes; it is not replaced")
    if partial.exists():
        owner = hold(partial / MARK)
        if owner is None:
            raise InvalidArgument(f"`out` = {str(final)!r} is being written by another process")
        if _same(partial, text) or not (partial / SETTINGS_FILE).exists():
            write_text(partial / SETTINGS_FILE, text)
            return owner
        owner.release()
        if not force:
            changed = ", ".join(differences(_settings(partial), json.loads(text))) or "its settings"
            raise InvalidArgument(
                f"`out` = {str(final)!r} has an unfinished run with other settings ({changed}); the same settings go "
                "on with it, --force drops it"
            )
        _remove(partial)
    partial.mkdir()
    owner = hold(partial / MARK)
    write_text(partial / SETTINGS_FILE, text)
    if owner is None:  # cannot be: nobody else gets here
        raise InvalidArgument(f"`out` = {str(final)!r} is being written by another process")
    return owner


@contextmanager
def unit_folder(path: Path) -> Iterator[Path]:
    """Give a folder for one unit of a job, named `path` once the block ends without an error; an older one goes."""
    partial = path.with_name(path.name + ".partial")
    _recover(path)
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    yield partial
    _rename(partial, path)


def differences(theirs: Any, ours: Any) -> list[str]:
    """Say what differs between two sets of settings."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return []
    found = []
    for name in sorted({*theirs, *ours}):
        a, b = theirs.get(name), ours.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b)
        elif a != b:
            found.append(f"{name}: {a!r} there, {b!r} here")
    return found


def _rename(partial: Path, final: Path) -> None:
    """Give a complete folder its name; an older one of that name goes once it is there."""
    old = _replaced(final)
    if final.exists():
        os.replace(final, old)
    os.replace(partial, final)
    if old.exists():
        _remove(old)


def _replaced(final: Path) -> Path:
    """Name of what is being replaced, for a moment."""
    return final.with_name(f".{final.name}.replaced")


def _recover(final: Path) -> None:
    """After a kill between two renamings: what was replaced gets its name back, or goes if its successor is there."""
    old = _replaced(final)
    if not old.exists():
        return
    if final.exists():
        _remove(old)
    else:
        os.replace(old, final)


def _remove(folder: Path) -> None:
    """Remove a folder; what says that it was made here goes last, so that a kill leaves nothing that is refused."""
    for path in folder.iterdir():
        if path.name != MARK:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    (folder / MARK).unlink(missing_ok=True)
    folder.rmdir()


def _is_ours(folder: Path) -> bool:
    """Whether a folder was made here; an empty one is nobody's."""
    return folder.is_dir() and ((folder / MARK).is_file() or not any(folder.iterdir()))


def _settings(folder: Path) -> Any:
    try:
        return read_json((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _same(folder: Path, text: str) -> bool:
    return bool(_settings(folder) == json.loads(text))
