"""`lmtbayes reproduce`: every topic of the paper as one unit, in both conventions, then a report of all statements.

A unit is a folder topics/NAME with the pictures, each with its numbers as CSV, statements.json and text.md. It is there
whole or not at all: a run that was interrupted goes on with the next topic, and a run of a few topics adds to what an
earlier one left.
"""

import functools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lmtbayes import _checks, paper
from lmtbayes._files import write_text
from lmtbayes._version import __version__
from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs import pictures, pool, report
from lmtbayes.jobs.output import output_folder, unit_folder
from lmtbayes.paper import topics
from lmtbayes.paper.statement import Statement

UNITS = "topics"
WORDS = {"paper": "the paper's conventions", "default": "the package's defaults"}


def reproduce(
    out: str | Path,
    only: tuple[str, ...] = (),
    force: bool = False,
    suffix: str = "png",
    console: Console | None = None,
    workers: int = 1,
) -> report.Summary:
    """Compute what is not there yet, then write report.md, report.html, statements.csv and statements.json.

    Parameters
    ----------
    out
        Folder of the results.
    only
        Names of `topics.TOPICS`; all for none. The report covers every topic that the folder holds.
    force
        Compute the topics again that an existing folder holds.
    suffix
        Of the pictures: "png", "pdf" or "svg". The report shows PNGs, which are always written.
    console
        Where progress is shown; None for nowhere.
    workers
        Processes. Most of the time goes into compilation, which uses one core: two workers take half of it.

    Returns
    -------
    summary
        How many statements got which verdict.

    Raises
    ------
    UnknownName
        No such topic.
    InvalidArgument
        No such format; a folder that exists and was made by another version or in another format.
    """
    wanted = topics.chosen(only)
    _checks.whole("workers", workers)
    _checks.one_of("format", f".{suffix}", pictures.FORMATS)
    settings = {"job": "reproduce", "version": __version__, "format": suffix}
    with output_folder(out, settings, force, extend=True) as folder:
        missing = [topic for topic in wanted if not (folder / UNITS / topic.name).is_dir()]
        with _progress(console, missing) as step:

            def finished(name: str, seconds: float) -> None:
                if console is not None:
                    console.print(f"{name}: {seconds:.0f} s", highlight=False)

            groups = families(missing)
            work = functools.partial(finish, folder, suffix)
            if min(workers, len(groups)) > 1:
                pool.run(work, groups, min(workers, len(groups)), step, finished)
            else:
                for topic in missing:
                    finished(topic.name, work(topic.name, step))
        return report.write(folder, load(folder), __version__)


def families(wanted: list[topics.Topic]) -> list[list[str]]:
    """Names of topics that share arrays, group by group, the largest first: it takes longest."""
    groups: dict[str, list[str]] = {}
    for topic in wanted:
        groups.setdefault(topic.family or topic.name, []).append(topic.name)
    return sorted(groups.values(), key=len, reverse=True)


def finish(folder: Path, suffix: str, name: str, say: Callable[[str], None]) -> float:
    """Compute one topic into a folder of its own below `folder`; returns the seconds that it took."""
    begin = time.perf_counter()
    with unit_folder(folder / UNITS / name) as unit:
        compute(topics.TOPICS[name], unit, suffix, say)
    return time.perf_counter() - begin


def compute(topic: topics.Topic, unit: Path, suffix: str, say: Callable[[str], None]) -> None:
    """Write one topic's pictures, each with its numbers as CSV, statements and text into a folder."""
    for name in topic.figures:
        for convention, words in WORDS.items():
            say(f"{topic.name}: picture by {words}")
            figure = paper.draw(name, convention)
            first, *more = (unit / f"{name}_{convention}.{ending}" for ending in dict.fromkeys((suffix, "png")))
            pictures.save_with_numbers(figure, first, *more, about=f"{name} by {words}")
    say(f"{topic.name}: statements")
    judged = topic.judge()
    write_text(unit / "text.md", topic.markdown())
    write_text(unit / "statements.json", json.dumps([report.as_dict(s) for s in judged], indent=2) + "\n")


def load(folder: Path) -> list[report.Unit]:
    """Read the finished topics of a folder, in the report's order."""
    units = []
    for topic in topics.TOPICS.values():
        unit = folder / UNITS / topic.name
        if not unit.is_dir():
            continue
        judged, text = _read(unit)
        images = [
            report.Image(
                caption=topics.CAPTIONS.get(name, topic.title),
                paper=f"{UNITS}/{topic.name}/{name}_paper.png",
                default=f"{UNITS}/{topic.name}/{name}_default.png",
                printed=name not in topics.CAPTIONS,
            )
            for name in topic.figures
        ]
        units.append(report.Unit(topic, images, judged, text))
    return units


def _read(unit: Path) -> tuple[list[Statement], str]:
    """Statements and text of a topic."""
    try:
        judged = json.loads((unit / "statements.json").read_text(encoding="utf-8"))
        return [report.from_dict(s) for s in judged], (unit / "text.md").read_text(encoding="utf-8")
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise InvalidArgument(
            f"`out` has a topic that cannot be read, {str(unit)!r} ({error}); delete it, and the same command makes it "
            "again"
        ) from None


class Step:
    """Says what is being done; the bar moves on at each call but the first of a run."""

    def __init__(self, bar: Progress | None = None, total: int = 0):
        self.bar, self.started = bar, False
        self.task = None if bar is None else bar.add_task("", total=total)

    def __call__(self, text: str) -> None:
        """Announce the next step."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, description=text, advance=1.0 if self.started else 0.0)
            self.started = True


@contextmanager
def _progress(console: Console | None, missing: list[topics.Topic]) -> Iterator[Step]:
    if console is None or not missing:
        yield Step()
        return
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console) as bar:
        yield Step(bar, sum(1 + len(WORDS) * len(topic.figures) for topic in missing))
