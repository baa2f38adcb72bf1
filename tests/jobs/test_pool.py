"""Processes for the parts of a command: what they are given."""

import os

import pytest

from lmtbayes.jobs import pool

NAMES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")


def threads(_name, say):
    say(" ".join(os.environ.get(name, "-") for name in NAMES))
    return 0.0


@pytest.mark.parametrize(
    ("given", "told"), [({}, "1 1 1"), ({"MKL_NUM_THREADS": "3"}, "1 3 1"), ({"NPROC": "2"}, "1 1 2")]
)
def test_a_worker_computes_in_one_thread_unless_told(monkeypatch, given, told):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before, said = dict(os.environ), []
    pool.run(threads, [["part"]], 1, said.append, lambda *_: None)
    assert said == [told]
    assert dict(os.environ) == before
