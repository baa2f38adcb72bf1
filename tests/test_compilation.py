"""The persistent compilation cache: a second process compiles nothing and finds the same numbers."""

import json
import os
import subprocess
import sys

import jax
import pytest

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument

RUN = """
import json, jax
events = {"cache_hits": 0, "cache_misses": 0}
def count(name, **_):
    if name.rpartition("/")[2] in events:
        events[name.rpartition("/")[2]] += 1
jax.monitoring.register_event_listener(count)
import lmtbayes as lmt
like = lmt.JointLikelihood(["muon-g2-2025"], lmt.LMU_LTAU, "observed")
slope = jax.jit(jax.grad(like.log_density))(lmt.BENCHMARKS["BP2"], like.central_pulls)
print(json.dumps(events | {"value": float(slope.g_x).hex()}))
"""


def run(folder):
    # Without the folder of the tests themselves (conftest).
    environment = {key: value for key, value in os.environ.items() if not key.startswith("JAX_")}
    environment |= {"LMTBAYES_CACHE": str(folder)}
    done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_second_process_compiles_nothing(tmp_path):
    first, second = run(tmp_path / "new" / "cache"), run(tmp_path / "new" / "cache")
    assert first["cache_misses"] > 0
    assert second["cache_misses"] == 0
    assert second["cache_hits"] >= first["cache_misses"]
    assert second["value"] == first["value"]  # the same machine code: the same bits


def test_off_and_on(tmp_path, monkeypatch):
    before = jax.config.jax_compilation_cache_dir
    try:
        monkeypatch.chdir(tmp_path)
        assert lmt.compilation_cache("here") == tmp_path / "here"
        assert jax.config.jax_compilation_cache_dir == str(tmp_path / "here")
        assert lmt.compilation_cache(None) is None
        assert jax.config.jax_compilation_cache_dir is None
    finally:
        lmt.compilation_cache(before)


def test_what_is_no_folder():
    with pytest.raises(InvalidArgument, match="`directory` must be"):
        lmt.compilation_cache("")


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidArgument, match=r"directory.*file"):
        lmt.compilation_cache(tmp_path / "file")
