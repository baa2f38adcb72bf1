"""A file that is there whole or not at all: written under another name, brought to the disk, renamed.

netCDF files end with a seal, a line with the digest of all before it, which HDF5 does not look at: a file that was
damaged is known before its reader, which may hang on it, is asked.
"""

import hashlib
import io
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray

_SEAL = b"\nlmtbayes sha256 "


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
    """Write a data set or a tree whole, and seal it."""
    # In memory first: HDF5 itself, on a disk that is full, ends the process at its end.
    file = io.BytesIO()
    data.to_netcdf(file, engine="h5netcdf")
    body = file.getvalue()
    with whole(path) as temporary:
        temporary.write_bytes(body + _SEAL + hashlib.sha256(body).hexdigest().encode())


def read_netcdf(path: str | Path, *, sealed: bool = True) -> "xarray.Dataset":
    """Read a data set whose seal is unbroken; with `sealed` False one without a seal will do.

    Raises
    ------
    ValueError
        A file that was changed, cut or damaged; what its reader raises is one as well.
    FileNotFoundError
        There is none.
    """
    import xarray

    return _read(path, sealed, xarray.load_dataset)


def read_tree(path: str | Path, *, sealed: bool = True, groups: Sequence[str] = ()) -> "xarray.DataTree":
    """Read a tree of data sets, or some of its groups and its attributes; arguments and errors of `read_netcdf`.

    To read a group takes a time that goes with its variables: of a fit with many experiments the whole takes seconds.
    """
    import xarray

    def some(file: str | Path, engine: Any) -> xarray.DataTree:
        parts = {name: xarray.load_dataset(file, group=name, engine=engine) for name in groups}
        return xarray.DataTree.from_dict({"/": xarray.load_dataset(file, engine=engine), **parts})

    return _read(path, sealed, some if groups else xarray.load_datatree)


def _read[T](path: str | Path, sealed: bool, reader: Callable[..., T]) -> T:
    body, seal, digest = Path(path).read_bytes().rpartition(_SEAL)
    if not seal and sealed:
        raise ValueError("its seal is missing")
    if seal and digest != hashlib.sha256(body).hexdigest().encode():
        raise ValueError("it has changed since it was written")
    try:
        return reader(path, engine="h5netcdf")
    except Exception as error:  # HDF5 and its readers have dozens, RuntimeError and KeyError among them
        raise ValueError(f"its reader says: {error}") from error


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
