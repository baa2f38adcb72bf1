"""Parts of a long command in several processes: those that share what is computed stay in one of them.

A worker ends when the command does, however that ends: it watches a pipe whose other end the command alone holds.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from lmtbayes import compilation
from lmtbayes._compile import collect_rarely
from lmtbayes.jobs.output import Say

_POLL_SECONDS = 0.2
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
"""Of BLAS, and of XLA."""

type Work = Callable[[str, Say], float]
"""(name of a part, say) -> seconds."""

_shared: dict[str, Any] = {}
"""In a worker: the queue of messages and the event that tells it to stop."""


def run(
    work: Work,
    groups: Sequence[Sequence[str]],
    workers: int,
    step: Say,
    finished: Callable[[str, float], None],
) -> None:
    """Do `work` on every part.

    Parameters
    ----------
    work
        What is done: a function of a module or a `functools.partial` of one, so that it can be sent.
    groups
        Names of the parts, those that stay in one process together.
    workers
        Processes; each takes a group at a time.
    step
        Told in this process what a worker does.
    finished
        Told the name of a part that is done, and its seconds.

    Raises
    ------
    Exception
        The first one of a worker. Parts that are done stay done; those that others are at are ended first.
    KeyboardInterrupt
        Workers end at once, and leave what they were at.
    """
    context = multiprocessing.get_context("spawn")
    messages, stop = context.Queue(), context.Event()
    watched, held = context.Pipe(duplex=False)
    others = set(multiprocessing.active_children())
    given = messages, stop, watched, compilation.settings(), _our_own(warnings.formatwarning)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=given)
    try:
        with _a_thread_each():
            futures = [pool.submit(_group, work, list(group)) for group in groups]
        while True:
            over = all(future.done() for future in futures)
            _tell(messages, step, finished)
            broken = [future for future in futures if future.done() and future.exception() is not None]
            if over or broken:
                break
        for future in broken:
            future.result()
    except KeyboardInterrupt:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    finally:
        # A worker ends the part that it is at; what is finished is not done again.
        stop.set()
        pool.shutdown(cancel_futures=True)
        held.close()
    _tell(messages, step, finished)  # what the last of them said


@contextlib.contextmanager
def _a_thread_each() -> Iterator[None]:
    """Have processes that are begun now compute in one thread, unless the environment says how many.

    BLAS and XLA take one for every core otherwise; those of several processes wait for each other. Small matrices, as
    experiments have, then take BLAS ten times as long; XLA's threads gain nothing here even where a core is idle, and
    take half as much time again.
    """
    unset = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]


def _tell(messages: Any, step: Say, finished: Callable[[str, float], None]) -> None:
    while True:
        try:
            text, seconds = messages.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            return
        if seconds is None:
            step(text)
        else:
            finished(text, seconds)


def _begin(
    messages: Any, stop: Any, watched: Connection, cache: Mapping[str, Any], formatwarning: Callable[..., str] | None
) -> None:
    """Begin a worker. Ctrl-C, which a terminal sends to all, is for the command, whose end it sees.

    What one worker compiles the others read, and the next command: `cache` is what the command keeps, and where. A
    warning looks as one of the command does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely()
    compilation.adopt(cache)
    if formatwarning is not None:
        warnings.formatwarning = formatwarning
    _shared.update(messages=messages, stop=stop)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()


def _our_own(formatwarning: Callable[..., str]) -> Callable[..., str] | None:
    """What a command writes warnings with; a user's own function may be found in the user's process alone."""
    module = getattr(formatwarning, "__module__", None) or ""
    return formatwarning if module.startswith("lmtbayes.") else None


def _end_with(watched: Connection) -> None:
    """End this process, whatever it is at, once nobody holds the other end of a pipe, on which nothing is sent."""
    try:
        watched.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


def _group(work: Work, names: list[str]) -> None:
    messages = _shared["messages"]
    for name in names:
        if _shared["stop"].is_set():
            return
        seconds = work(name, lambda text: messages.put((text, None)))
        messages.put((name, seconds))
