"""The runner: every group in a process of its own, results to JSON, tables to the screen and into RESULTS.md."""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.cases import find
from benchmarks.history import file_name
from benchmarks.timing import Case, machine, measure

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: list[str] | None = None) -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure lmtbayes.")
    parser.add_argument("--only", action="append", help="cases whose name holds this; may be repeated")
    parser.add_argument("--quick", action="store_true", help="the cases that matter most, in about two minutes")
    parser.add_argument("--list", action="store_true", help="names, and nothing else")
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument(
        "--history", type=Path, help="write the results into this folder, a file for a machine and a day"
    )
    parser.add_argument("--results", type=Path, help="renew the tables between the marks of this file")
    parser.add_argument("--from-json", type=Path, help="do not run: make tables of a file written before")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    cases = find(options.only, options.quick)
    if options.list:
        print("\n".join(case.name for case in cases))
        return
    if options.worker:
        _work(options.worker, options.only)
        return
    if not cases:
        parser.error(f"no case holds {options.only} in its name; --list shows them")
    results = json.loads(options.from_json.read_text()) if options.from_json else run(cases)
    if options.json and not options.from_json:
        _replace(options.json, json.dumps(results, indent=1) + "\n")
    if options.history and not options.from_json:
        options.history.mkdir(parents=True, exist_ok=True)
        _replace(options.history / file_name(results["machine"]), json.dumps(results, indent=1) + "\n")
    tables = report.tables(results)
    for name, table in tables.items():
        print(f"\n## {name}\n\n{table}")
    if options.results:
        _replace(options.results, report.renewed(options.results.read_text(), tables))


def run(cases: tuple[Case, ...]) -> dict[str, Any]:
    """Run cases, group by group; one that fails is reported and does not stop the others."""
    begin, rows = time.perf_counter(), []
    results: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        for key, batch in itertools.groupby(cases, lambda c: c.name if c.alone else c.group):
            chosen = list(batch)
            print(f"... {key}", file=sys.stderr, flush=True)
            rows += _process(chosen, Path(folder))
    results |= {"rows": rows, "total_s": time.perf_counter() - begin}
    return results


def _process(cases: list[Case], folder: Path) -> list[dict[str, Any]]:
    """Run cases in one new process, pinned to a core unless they want two."""
    case = cases[0]
    environment = dict(os.environ) | dict.fromkeys(_ONE_THREAD, "1")
    environment |= {key: value.format(cache=folder / "cache") for key, value in case.environment.items()}
    if case.cores == 1:
        environment["XLA_FLAGS"] = environment.get("XLA_FLAGS", "") + " --xla_cpu_multi_thread_eigen=false"
    target = folder / "rows.json"
    target.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks", "--worker", str(target)]
    for one in cases:
        command += ["--only", one.name]
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[1], check=False)
    rows = json.loads(target.read_text()) if target.exists() else []
    finished = {row["name"] for row in rows}
    return rows + [
        {"name": c.name, "points": c.points, "failed": f"the process ended with {done.returncode}"}
        for c in cases
        if c.name not in finished
    ]


def _work(target: Path, names: list[str]) -> None:
    cases = [case for case in find() if case.name in names]
    if cases[0].cores == 1 and hasattr(os, "sched_setaffinity"):
        # The last one: the first answers the machine's interrupts.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows: list[dict[str, Any]] = []
    for case in cases:
        try:
            rows.append(measure(case))
        except ImportError as error:
            rows.append({"name": case.name, "points": case.points, "failed": f"{error} (extra: benchmark)"})
        _replace(target, json.dumps(rows))


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text)
    partial.replace(path)


if __name__ == "__main__":
    main()
