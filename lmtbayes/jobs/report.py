"""The report of `lmtbayes reproduce`: Markdown, the same as a web page, and the statements as CSV and JSON."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lmtbayes._files import write_text
from lmtbayes.jobs.web_page import page
from lmtbayes.paper.statement import VERDICTS, Statement
from lmtbayes.paper.topics import ERRATA, SECTIONS, Topic

COLUMNS = ("key", "topic", "where", "claim", "paper", "default", "verdict", "why")
_INTRODUCTION = """\
Every number below is computed by lmtbayes {version}. Each picture and each number comes twice: **by the paper's
conventions** (`convention="paper"`: its own choices and its errata included, which is what its figures must have been
made with) and **by the defaults** of the package (right physics, oscillation parameters of today, nuisances free). A
verdict judges whether the paper's statement follows from its own choices; where the defaults change it, the remark says
so.
"""


@dataclass(frozen=True)
class Image:
    """One figure in both conventions.

    Parameters
    ----------
    caption
        What it shows.
    paper, default
        Paths of the PNGs, relative to the report.
    printed
        Whether the paper has it.
    """

    caption: str
    paper: str
    default: str
    printed: bool


@dataclass(frozen=True)
class Unit:
    """A finished topic.

    Parameters
    ----------
    topic
        What it is.
    images
        Its figures.
    statements
        Judged.
    text
        Markdown, or "".
    """

    topic: Topic
    images: list[Image]
    statements: list[Statement]
    text: str


@dataclass(frozen=True)
class Summary:
    """Numbers of verdicts, and where the report is."""

    verdicts: dict[str, int]
    topics: tuple[str, ...]

    def __str__(self) -> str:
        """One line for the terminal."""
        total = sum(self.verdicts.values())
        parts = ", ".join(f"{verdict}: {number}" for verdict, number in self.verdicts.items())
        return f"{total} statements of {len(self.topics)} topics ({parts})"


def write(folder: Path, units: list[Unit], version: str) -> Summary:
    """Write report.md, report.html, statements.csv and statements.json into a folder of finished topics."""
    markdown = to_markdown(units, version)
    write_text(folder / "report.md", markdown)
    write_text(folder / "report.html", page(markdown, folder, "The paper, reproduced"))
    rows = [asdict(s) | {"topic": u.topic.name} for u in units for s in u.statements]
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "statements.csv", table.getvalue())
    as_json = [{"topic": u.topic.name, **as_dict(s)} for u in units for s in u.statements]
    write_text(folder / "statements.json", json.dumps(as_json, indent=2) + "\n")
    return count(units)


def count(units: list[Unit]) -> Summary:
    """Return how many statements got which verdict."""
    counted = Counter(s.verdict for u in units for s in u.statements)
    return Summary({verdict: counted[verdict] for verdict in VERDICTS}, tuple(u.topic.name for u in units))


def as_dict(statement: Statement) -> dict[str, Any]:
    """Return what JSON takes: numbers that are not finite as words."""
    numbers = {key: float(value) for key, value in statement.numbers.items()}
    readable = {key: value if math.isfinite(value) else str(value) for key, value in numbers.items()}
    return asdict(statement) | {"numbers": readable}


def from_dict(given: Mapping[str, Any]) -> Statement:
    """Return the statement that `as_dict` wrote."""
    return Statement(**{**given, "numbers": {key: float(value) for key, value in given["numbers"].items()}})


# -- Markdown ---------------------------------------------------------------------------------------------------------


def to_markdown(units: list[Unit], version: str) -> str:
    """Return the report: a table of all verdicts, then topic by topic pictures and statements."""
    lines = ["# The paper, reproduced", "", "arXiv:2104.03297, statement by statement.", ""]
    lines += [_INTRODUCTION.format(version=version), f"{count(units)}.", "", *verdict_table(units), ""]
    for section in SECTIONS:
        members = [unit for unit in units if unit.topic.section == section]
        if members:
            lines += [f"## {section}", ""]
        for unit in members:
            lines += _topic(unit)
    return "\n".join(lines)


def verdict_table(units: list[Unit]) -> list[str]:
    """Return the lines of the table of all statements: where, what, verdict."""
    lines = ["| where | statement | verdict |", "| --- | --- | --- |"]
    for unit in units:
        lines += [f"| {_cell(s.where)} | {_cell(s.claim)} | {s.verdict} |" for s in unit.statements]
    return lines if len(lines) > 2 else []


def _topic(unit: Unit) -> list[str]:
    lines = [] if unit.topic.section == ERRATA else [f"### {unit.topic.title}", ""]
    for image in unit.images:
        beside = ", to be laid beside the printed figure" if image.printed else ""
        lines += [
            "| by the paper's conventions | by the package's defaults |",
            "| --- | --- |",
            f"| ![{_cell(image.caption)}, by the paper's conventions]({image.paper}) "
            f"| ![{_cell(image.caption)}, by the package's defaults]({image.default}) |",
            "",
            f"*{image.caption}. Left: the paper's conventions{beside}. Right: the package's defaults.*",
            "",
        ]
    if unit.text:
        lines += [unit.text.strip(), ""]
    for s in unit.statements:
        lines += [
            f"**{s.claim}** ({s.where})",
            "",
            "| | |",
            "| --- | --- |",
            f"| paper's conventions | {_cell(s.paper)} |",
            f"| defaults | {_cell(s.default)} |",
            f"| verdict | {s.verdict} |",
            *([f"| remark | {_cell(s.why)} |"] if s.why else []),
            "",
        ]
    return lines


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
