"""The persistent compilation cache: a second process compiles nothing and finds the same numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import lmtbayes as lmt
from lmtbayes import compilation
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


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="of systems with permissions")
def test_a_folder_to_which_everybody_can_write_is_refused_where_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)  # as /tmp
    with pytest.raises(InvalidArgument, match=r"that others cannot write to: what is in it is run; got .*shared"):
        lmt.compilation_cache(tmp_path / "shared")
    monkeypatch.setenv(compilation.VARIABLE, str(tmp_path / "shared"))
    with pytest.warns(UserWarning, match="nothing that is compiled is kept"):
        compilation.from_environment()


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """The environment of a user's shell; the folders that were switched on."""
    used = []
    monkeypatch.setattr(compilation, "compilation_cache", used.append)
    for name in ("JAX_COMPILATION_CACHE_DIR", compilation.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return used


def test_a_command_keeps_what_it_compiled_in_a_private_folder(commands):
    assert compilation.for_commands() == ""
    (folder,) = commands
    assert folder == compilation.users_folder()
    assert jax.__version__ in folder.name
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o755)  # as a version made it that let others read
    assert compilation.for_commands() == ""
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_to_is_refused(commands):
    compilation.users_folder().mkdir(parents=True)
    compilation.users_folder().chmod(0o777)
    assert "can be written to by others" in compilation.for_commands()
    assert not commands


@pytest.mark.parametrize("name", [compilation.VARIABLE, "JAX_COMPILATION_CACHE_DIR"])
def test_what_the_environment_says_goes_first(commands, monkeypatch, name):
    monkeypatch.setenv(name, "" if name == compilation.VARIABLE else "elsewhere")
    assert compilation.for_commands() == ""
    assert not commands
    assert not compilation.users_folder().exists()


def test_without_a_home_a_command_runs_as_ever(commands, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert compilation.for_commands() == ""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert compilation.for_commands() == ""
    assert not commands


def test_a_folder_of_the_environment_that_cannot_be_is_a_warning(monkeypatch, tmp_path):
    """It is read at import: an error there would be a traceback of every command."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(compilation.VARIABLE, str(tmp_path / "file"))
    with pytest.warns(UserWarning, match=r"nothing that is compiled is kept: LMTBAYES_CACHE, as `directory` must be"):
        compilation.from_environment()
