"""Experiments of a user by the name of their module, and by entry points of installed packages."""

import json
import os
import sys
from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

import lmtbayes as lmt
from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument, PluginError, PluginWarning, UnknownName
from lmtbayes.experiments import plugins, registry
from lmtbayes.jobs import today
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study

GOOD = """\
import lmtbayes as lmt

def build(*, sigma=0.3, name={name!r}):
    \"""Build it.\"""
    return lmt.measurement(name, 0.5, sigma, lambda model, photon: photon.g_x / (1e-3 + photon.g_x))

lmt.register({name!r}, build)
"""


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch, tmp_path):
    """What a test registers and imports, it alone knows; the current folder holds its modules."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    monkeypatch.setattr(registry, "_LOADED", {plugins.GROUP})
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("plug_"):
            del sys.modules[name]


def write(module, text):
    with open(f"{module}.py", "w", encoding="utf-8") as file:
        file.write(text)


def forget(module):
    """As in a process of its own: a worker, or the next command."""
    del sys.modules[module]
    registry._LOADED.discard(module)
    for name in [name for name, entry in registry._ENTRIES.items() if entry.plugin == module]:
        del registry._ENTRIES[name]


def test_a_module_of_the_current_folder(monkeypatch):
    write("plug_good", GOOD.format(name="plugged"))
    registry.load_plugin("plug_good")
    registry.load_plugin("plug_good")
    assert lmt.experiment("plugged", sigma=0.2).observed == 0.5
    assert "plugged" in lmt.experiment_names()
    assert "plugged" not in registry.own_names()
    # Every entry counts as data, without being built: half a minute, and a plugin's would be taken if any were.
    monkeypatch.setattr(today, "experiment_status", lambda name: "data")
    assert "plugged" not in today.published()
    assert "na64mu-2022" in today.published()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1/0", "ZeroDivisionError: division by zero"),
        ("x = 1", "registers no experiment; it should call lmtbayes.register"),
        (GOOD.format(name="ess"), "InvalidArgument: `name` must be free; 'ess' is registered already"),
        (GOOD.format(name="half") + "raise ValueError('too late')", "ValueError: too late"),
    ],
)
def test_a_broken_module_is_one_sentence_that_names_it(text, message):
    write("plug_broken", text)
    before = lmt.experiment_names()
    with pytest.raises(PluginError, match="plugin 'plug_broken'") as raised:
        registry.load_plugin("plug_broken")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert lmt.experiment_names() == before


@pytest.mark.parametrize("name", ["plug.py", "a/b", "", "plug-in"])
def test_what_is_no_name_of_a_module(name):
    with pytest.raises(InvalidArgument, match="`plugin` must be the name of a module"):
        registry.load_plugin(name)


def test_settings_remember_their_plugins():
    write("plug_good", GOOD.format(name="plugged"))
    with pytest.raises(UnknownName, match="unknown experiment 'plugged'"):
        FitSettings(experiments=("plugged",))
    settings = FitSettings(experiments=("plugged",), data="observed", plugins=("plug_good",))
    study = Study("toys", FitSettings(experiments=("plugged:sigma=0.1",), plugins=("plug_good",)))
    assert "plugins" not in FitSettings().to_dict()
    assert study.to_dict()["fit"]["plugins"] == ["plug_good"]
    for made in (settings, study):
        given = json.loads(json.dumps(made.to_dict()))
        forget("plug_good")
        again = type(made).from_dict(given)  # what a worker does
        assert again == made
    assert lmt.experiment("plugged").name == "plugged"


def test_commands_take_plugins():
    write("plug_good", GOOD.format(name="plugged"))
    run = CliRunner().invoke
    result = run(app, ["rates", "plugged:sigma=0.1", "--plugin", "plug_good"])
    assert result.exit_code == 0, result.output
    assert "0.5" in result.output
    result = run(app, ["experiments", "plugged", "--plugin", "plug_good"])
    assert "sigma" in result.output
    for command in ("fit", "contours", "compare"):
        result = run(app, [command, "--experiments", "plugged", "--plugin", "plug_nothing"])
        assert isinstance(result.exception, PluginError)
        assert "plugin 'plug_nothing'" in str(result.exception)
    assert sorted(os.listdir()) == ["plug_good.py"]


def test_entry_points_of_installed_packages(monkeypatch):
    write("plug_good", GOOD.format(name="plugged"))
    write("plug_builder", GOOD.format(name="built").rpartition("lmt.register")[0])
    write("plug_broken", "1/0")
    points = [
        EntryPoint("any", "plug_good", plugins.GROUP),
        EntryPoint("built", "plug_builder:build", plugins.GROUP),
        EntryPoint("bad", "plug_broken", plugins.GROUP),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == plugins.GROUP else [])
    monkeypatch.syspath_prepend(os.getcwd())
    registry._LOADED.clear()
    with pytest.warns(PluginWarning, match="plugin 'bad = plug_broken' cannot be loaded: ZeroDivisionError"):
        assert lmt.experiment("built", sigma=0.2).name == "built"
    assert {"plugged", "built"} <= set(lmt.experiment_names())
    assert not {"plugged", "built"} & set(registry.own_names())
    registry.load_plugin("plug_good")  # named as well: it is there
