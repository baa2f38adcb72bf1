"""A file that is there whole or not at all: written under another name, brought to the disk, renamed."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Give the name of a temporary file beside `path`, which takes the place of `path` once the block ends.

    After an error, and after a kill at any moment, `path` is what it was. The file has the permissions of any new file.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file whole, lines ending as given."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    return Path(path)


def write_netcdf(path: str | Path, data: "xarray.Dataset | xarray.DataTree") -> None:
    """Write a data set or a tree whole."""
    with whole(path) as temporary:
        data.to_netcdf(temporary, engine="h5netcdf")


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
