"""The process of a command: how it is interrupted, where its words go, and a sentence where the system refuses."""

import _thread
import contextlib
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape

from lmtbayes import compilation
from lmtbayes._compile import collect_rarely
from lmtbayes.errors import LmtbayesError

_IGNORED = ("_xla_gc_callback", "__del__")
"""Functions in which Python drops what is raised: callbacks of its garbage collection, destructors."""
_AGAIN_SECONDS = 0.05


@contextlib.contextmanager
def command() -> Iterator[None]:
    """Run a command in order: what it raises on purpose is a sentence and exit status 2, what the system refuses 1.

    What is compiled is kept for the next command. A request to end (SIGTERM) is an interrupt like Ctrl-C.
    """
    streams()
    collect_rarely()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and scripts in the background leave it
                signal.signal(number, interrupt)
    if problem := compilation.for_commands():
        _say(f"[dim]{escape(problem)}[/]")
    as_python_prints, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        try:
            yield
        finally:
            warnings.formatwarning = as_python_prints
            sys.stdout.flush()
    except LmtbayesError as error:
        _refuse(str(error), 2)
    except BrokenPipeError:  # who read what is printed has had enough
        _drop_output()
        sys.exit(1)
    except OSError as error:
        where = f": {str(error.filename)!r}" if error.filename else ""
        _drop_output()
        _refuse("; ".join((f"{error.strerror or error}{where}", *getattr(error, "__notes__", ()))), 1)
    except MemoryError as error:
        _refuse("; ".join(filter(None, ("not enough memory", str(error)))), 1)


def _warning(message: Warning | str, *_where: Any, **_line: Any) -> str:
    """A warning as a sentence: the file and the line that issue it are the package's, not the user's."""
    return f"warning: {message}\n"


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, or in a moment where Python would drop it: the handler of a signal."""
    while frame is not None:
        if frame.f_code.co_name in _IGNORED:
            threading.Timer(_AGAIN_SECONDS, _thread.interrupt_main, (number,)).start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def streams() -> None:
    """Give closed standard streams a place where all is dropped, and print what an encoding lacks as "?"."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            # Else a file of results could get the number to which libraries write what they complain of.
            with contextlib.suppress(OSError):
                _occupy(number)
            setattr(sys, name, open(os.devnull, "w" if number else "r"))  # noqa: SIM115
        elif number and isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _occupy(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != number:
            os.dup2(null, number)
            os.close(null)


def _drop_output() -> None:
    """Drop what is still to be printed: Python would try once more at its end, and complain."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _refuse(sentence: str, status: int) -> None:
    with contextlib.suppress(OSError):
        _say(f"[bold red]error[/]: {escape(sentence)}")
    sys.exit(status)


def _say(markup: str) -> None:
    Console(stderr=True).print(markup, highlight=False, soft_wrap=True)
