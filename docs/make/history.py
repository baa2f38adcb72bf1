"""The benchmarks' history: every run that is kept in benchmarks/history/, or the one run that there is."""

import io
import json
from pathlib import Path
from typing import Any

import links
from matplotlib.figure import Figure
from tabulated import table

FOLDER = links.ROOT / "benchmarks" / "history"
LAST = links.ROOT / "benchmarks" / "results.json"
CASES = (
    "likelihood/value/4096",
    "likelihood/gradient/4096",
    "cold/import",
    "cold/seven experiments, likelihood and first gradient",
    "fits/NUTS, 4 chains of 1000 + 1000",
    "fits/profile 100 x 100",
    "fits/evidence by cubature",
    "fits/evidence by importance",
    "fits/1000 toys, each fitted",
)
"""What the pictures and the table show; all of a run's cases stand in benchmarks.md."""
CORE = "likelihood/core: matrix product/1"
"""The core's own speed, in which no version differs: the first row of the table."""


def runs(folder: Path = FOLDER, last: Path = LAST) -> list[dict[str, Any]]:
    """Every run, oldest first; the last one alone where no history is kept."""
    files = sorted(folder.glob("*.json")) or [last]
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return sorted(found, key=lambda run: run["machine"]["when"])


def machine(run: dict[str, Any]) -> str:
    """What times of two runs must share to be compared."""
    facts = run["machine"]
    return f"{facts['processor']}, accelerator: {facts['accelerator']}"


def seconds(run: dict[str, Any], case: str) -> float | None:
    """CPU time of a case when everything is compiled, or of its only call; None where it was not measured."""
    for row in run["rows"]:
        if row["name"] == case and "failed" not in row:
            return row.get("warm_cpu_s") or row.get("first_cpu_s")
    return None


def pages() -> dict[str, str | bytes]:
    """The page and its picture."""
    found = runs()
    machines = sorted({machine(run) for run in found})
    text = [
        "# Benchmarks, their history",
        "",
        "CPU seconds of a case when everything is compiled (of the only call, where there is one), one core. What each "
        "case is, and how to read a time, stands with [the last run](benchmarks.md). The first row of the table is the "
        "core's own speed, which no version changes: machines of one kind differ in it, too.",
        "",
        said(len(found), machines),
        "",
        "![CPU time of nine cases, run by run](benchmarks_history.svg){ .picture }",
        "",
    ]
    for_each = ((case, *(shown(seconds(run, case)) for run in found)) for case in (CORE, *CASES))
    text += table(("case", *(head(run) for run in found)), for_each)
    return {"benchmarks_history.md": "\n".join([*text, ""]), "benchmarks_history.svg": picture(found, machines)}


def said(number: int, machines: list[str]) -> str:
    """How many runs on how many machines: what the picture can show and what it can not."""
    if number == 1:
        return f"**One run, on one machine** ({machines[0]}): no trend can be read from it."
    if len(machines) == 1:
        return f"**{number} runs, all on one kind of machine** ({machines[0]})."
    return (
        f"**{number} runs on {len(machines)} kinds of machine**; only runs on one kind can be compared: "
        + "; ".join(machines)
        + "."
    )


def shown(time: float | None) -> str:
    """A time in a cell."""
    return "" if time is None else f"{time:.3g} s"


def head(run: dict[str, Any]) -> str:
    """A run in the head of the table."""
    versions = run["machine"]["versions"]
    return "<br>".join((run["machine"]["when"], *(f"{name} {versions.get(name, '?')}" for name in ("lmtbayes", "jax"))))


def picture(found: list[dict[str, Any]], machines: list[str]) -> bytes:
    """A panel a case, a line a machine."""
    figure = Figure(figsize=(9.0, 6.0), layout="constrained")
    axes = figure.subplots(3, 3, sharex=True).ravel()
    for axis, case in zip(axes, CASES, strict=True):
        axis.set_title(case.partition("/")[2], fontsize=8)
        for number, name in enumerate(machines):
            points = [
                (run["machine"]["when"], time)
                for run in found
                if machine(run) == name and (time := seconds(run, case)) is not None
            ]
            if points:
                axis.plot(*zip(*points, strict=True), "o-", color=f"C{number}", label=name)
        axis.set_ylim(bottom=0.0)
        axis.set_ylabel("CPU time [s]", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.tick_params(axis="x", rotation=30)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", fontsize=8)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
