"""Locks of the operating system, which a process that dies, however it dies, lets go of."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: runs that meet are not told apart
    fcntl = None  # type: ignore[assignment]


class Held:
    """A file that this process holds, until `release` or its end."""

    def __init__(self, handle: int | None):
        self._handle = handle

    def release(self) -> None:
        """Let go; more than once does no harm."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def hold(path: Path) -> Held | None:
    """Hold a file, made if it is not there; None where another process does."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:  # a file system without locks
            pass
    return Held(handle)


@contextmanager
def settling(folder: Path) -> Iterator[None]:
    """Keep others, who ask the same, from a folder's names while they are looked at and changed: for a moment only."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
