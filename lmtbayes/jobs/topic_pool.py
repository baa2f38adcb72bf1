"""Topics of `lmtbayes reproduce` in several processes: those that share computed arrays stay in one of them."""

import multiprocessing
import queue
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from lmtbayes.paper.topics import TOPICS, Topic

_POLL_SECONDS = 0.2

type Say = Callable[[str], None]
type Work = Callable[[Topic, Path, str, Say], float]
"""(topic, folder of the results, suffix, say) -> seconds."""


def families(wanted: list[Topic]) -> list[list[Topic]]:
    """Group topics that share arrays, the largest group first: it takes longest."""
    groups: dict[str, list[Topic]] = {}
    for topic in wanted:
        groups.setdefault(topic.family or topic.name, []).append(topic)
    return sorted(groups.values(), key=len, reverse=True)


def run(
    work: Work,
    groups: list[list[Topic]],
    folder: Path,
    suffix: str,
    workers: int,
    step: Say,
    finished: Callable[[str, float], None],
) -> None:
    """Do `work` (a function of a module, so that it can be sent) on every topic.

    Parameters
    ----------
    work, groups, folder, suffix
        What is done, to what, and where to.
    workers
        Processes; each takes a group at a time.
    step
        Told in this process what a worker does.
    finished
        Told the name of a topic that is done, and its seconds.

    Raises
    ------
    Exception
        The first one of a worker. Topics that are done stay done.
    """
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        messages, stop = manager.Queue(), manager.Event()
        pool = ProcessPoolExecutor(workers, mp_context=context)
        try:
            names = [[topic.name for topic in group] for group in groups]
            futures = [pool.submit(_group, work, group, folder, suffix, messages, stop) for group in names]
            while True:
                over = all(future.done() for future in futures)
                _tell(messages, step, finished)
                broken = [future for future in futures if future.done() and future.exception() is not None]
                if over or broken:
                    break
            for future in broken:
                future.result()
        finally:
            # A worker ends the topic that it is at; what is finished is not done again.
            stop.set()
            pool.shutdown(cancel_futures=True)


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


def _group(work: Work, names: list[str], folder: Path, suffix: str, messages: Any, stop: Any) -> None:
    for name in names:
        if stop.is_set():
            return
        seconds = work(TOPICS[name], folder, suffix, lambda text: messages.put((text, None)))
        messages.put((name, seconds))
