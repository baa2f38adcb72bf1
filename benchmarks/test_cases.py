"""Every case of the runner as one of pytest-benchmark: `pytest benchmarks` (optional: -k likelihood)."""

import pytest

pytest.importorskip("pytest_benchmark")

from benchmarks.cases import CASES


@pytest.mark.parametrize("case", [case for case in CASES if not case.alone], ids=lambda case: case.name)
def test_case(case, benchmark):
    benchmark.group = case.group
    call = case.prepare()
    facts = benchmark.pedantic(call, rounds=max(case.repeats, 1), warmup_rounds=int(case.repeats > 0))
    benchmark.extra_info.update(facts or {}, points=case.points)
