"""The benchmarks' bookkeeping (never a time): tables land between their marks and leave the words alone."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def benchmarks(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    from benchmarks import cases, report, timing

    return cases, report, timing


ROW = {"name": "growth/bins: 4", "points": 10, "first_s": 2.0, "first_cpu_s": 1.0, "warm_s": 0.02, "warm_cpu_s": 0.01}
RESULTS = {
    "machine": {
        "processor": "2 cores",
        "precision": "float64",
        "accelerator": "none",
        "python": "3",
        "versions": {"jax": "1"},
        "load_before": 0.0,
        "when": "today",
    },
    "total_s": 3.0,
    "rows": [
        ROW | {"target_s": 1e-3, "target_first_s": None, "facts": {"bins": 4}, "peak_mib": 100.0},
        {"name": "growth/failed", "points": 1, "failed": "the process ended with -9"},
    ],
}


def test_names_are_unique_and_groups_have_a_place_in_the_results(benchmarks):
    cases, report, _ = benchmarks
    names = [case.name for case in cases.CASES]
    assert len(set(names)) == len(names)
    assert {case.group for case in cases.CASES} == set(report.TITLES)
    assert len(cases.find(quick=True)) < len(cases.CASES)
    marks = re.findall(r"<!-- ([a-z ]+) -->", (ROOT / "benchmarks" / "RESULTS.md").read_text())
    assert set(marks) == {*report.TITLES.values(), "machine", "floor", "ratios"}


def test_a_rerun_replaces_tables_and_leaves_words(benchmarks):
    _, report, _ = benchmarks
    tables = report.tables(RESULTS)
    assert set(tables) == {"machine", "growth"}
    # 10 ms of CPU time for 10 points.
    assert "| bins: 4 | 2 s (1 s) | 20 ms (10 ms) | 1 ms | 1 ms | bins 4, peak memory [MiB] 100 |" in tables["growth"]
    assert "the process ended with -9" in tables["growth"]
    text = "before\n<!-- growth -->\nold\n<!-- /growth -->\nbetween\n<!-- floor -->\nkept\n<!-- /floor -->\nafter\n"
    once = report.renewed(text, tables)
    assert "old" not in once
    assert tables["growth"] in once
    assert all(word in once for word in ("before", "between", "kept", "after"))
    assert report.renewed(once, tables) == once


def test_a_history_is_a_file_a_machine_and_a_day(benchmarks, tmp_path):
    from benchmarks import history

    gpu = RESULTS["machine"] | {"accelerator": "NVIDIA H100 80GB HBM3", "when": "2026-11-28"}
    cpu = RESULTS["machine"] | {"when": "2026-11-27"}
    assert history.file_name(gpu) == "2026-11-28_NVIDIA-H100-80GB-HBM3.json"
    row = ROW | {"name": history.DRAWN[0]}
    for machine in (gpu, cpu):
        (tmp_path / history.file_name(machine)).write_text(json.dumps({"machine": machine, "rows": [row]}))
    found = history.seconds(history.read(tmp_path))
    # By the clock on an accelerator, which works while the process waits.
    assert found == {
        history.DRAWN[0]: {"2 cores": [("2026-11-27", 0.01)], "NVIDIA H100 80GB HBM3": [("2026-11-28", 0.02)]}
    }
    figure = history.draw(tmp_path)
    assert [line.get_label() for line in figure.axes[0].lines] == ["2 cores", "NVIDIA H100 80GB HBM3"]


def test_the_history_that_is_kept_can_be_drawn(benchmarks):
    from benchmarks import history

    folder = ROOT / "benchmarks" / "history"
    assert {history.file_name(one["machine"]) for one in history.read(folder)} == {p.name for p in folder.iterdir()}
    assert history.draw(folder).axes


@pytest.mark.slow
def test_a_call_is_timed_first_and_warm(benchmarks):
    _, _, timing = benchmarks
    made = []
    row = timing.measure(timing.Case("growth/x", lambda: lambda: made.append(0) or {"calls": len(made)}, repeats=2))
    assert row["facts"]["calls"] == len(made) > 2
    assert row["first_s"] >= 0.0
    assert row["warm_s"] >= 0.0
