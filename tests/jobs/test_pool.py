"""Processes for the parts of a command: what they are given."""

import os
import warnings

import jax
import pytest

import lmtbayes as lmt
from lmtbayes import cli_process, compilation
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


def compiled(_name, say):
    jax.jit(lambda x: 3.0 * x)(1.0)
    say(str(jax.config.jax_compilation_cache_dir))
    return 0.0


@pytest.mark.parametrize("kept", [True, False])
def test_workers_keep_what_they_compile_where_the_command_does(tmp_path, monkeypatch, kept):
    """The command line's folder is named by no variable of the environment that a worker could inherit."""
    for name in (compilation.VARIABLE, "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    folder, before, said = tmp_path / "cache", compilation.settings(), []
    try:
        lmt.compilation_cache(folder if kept else None)
        pool.run(compiled, [["part"]], 1, said.append, lambda *_: None)
    finally:
        compilation.adopt(before)
    assert said == [str(folder if kept else None)]
    assert kept == any(folder.glob("jit__lambda*"))


def written(_name, say):
    say(warnings.formatwarning(UserWarning("it rains"), UserWarning, "file", 1))
    return 0.0


@pytest.mark.parametrize(
    ("own", "expected"),
    [(cli_process._warning, "warning: it rains\n"), (lambda *_: "", "file:1: UserWarning: it rains\n")],
)
def test_workers_warn_as_commands_do_and_never_by_a_users_function(monkeypatch, own, expected):
    """One of a notebook cannot be sent to another process."""
    said = []
    monkeypatch.setattr(warnings, "formatwarning", own)
    pool.run(written, [["part"]], 1, said.append, lambda *_: None)
    assert said == [expected]
