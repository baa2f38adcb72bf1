"""Options of every experiment: each has a meaning, a default and, where its name says so, a unit; in one place."""

import functools
import inspect

import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.experiments import registry
from lmtbayes.experiments.options import options, parameters

UNITS = {"ton": "t", "tyr": "t yr", "m": "m", "cm": "cm", "kevnr": "keVnr", "kevee": "keVee", "kev": "keV"}
UNITS |= {"gev": "GeV", "mev": "MeV", "years": "yr", "us": "us"}


@pytest.mark.parametrize("name", lmt.experiment_names())
def test_every_option_of_every_entry_has_a_unit_a_meaning_and_a_default(name):
    entry = registry._ENTRIES[name]
    found = lmt.experiment_options(name)
    assert found == dict(entry.accepted)
    for option in found.records:
        say = f"{option.name!r} of {name!r}: its entry in the builder's docstring, `Parameters`"
        assert option.meaning.endswith("."), say
        assert "s in `" not in option.meaning, f"{say} refers to a name that does not describe it"
        last = option.name.rpartition("_")[2] if "_" in option.name else ""
        assert option.unit.startswith(UNITS.get(last, "")), f"{say} must give [{UNITS.get(last)}]"
        assert option.unit or option.name != "bin_edges", say
        assert option.published is None or option.default is None
        assert f"{option.name} = {option.shown}" in str(found)


@pytest.mark.parametrize("name", lmt.experiment_names())
def test_docstrings_describe_no_option_that_there_is_not(name):
    build = registry._ENTRIES[name].build
    function = build
    while isinstance(function, functools.partial):
        function = function.func
    assert parameters(build).keys() <= inspect.signature(function).parameters.keys()
    assert registry._ENTRIES[name].published.keys() <= registry._ENTRIES[name].accepted.keys()


@pytest.mark.parametrize(
    "name",
    [
        "ess10",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("na64mu-2022", "darwin-nr", "ccfr-trident", "n-eff")),
    ],
)
def test_what_is_shown_for_a_default_is_what_it_stands_for(name):
    found = lmt.experiment_options(name)
    given = {option.name: option.value for option in found.records if option.published is not None}
    assert given
    photon = lmt.BENCHMARKS["BP2"]
    plain, spelt = (lmt.experiment(name, **overrides) for overrides in ({}, given))
    np.testing.assert_allclose(spelt.expected(lmt.LMU, photon), plain.expected(lmt.LMU, photon), rtol=1e-12)


class Assumed:
    """Choices.

    Parameters
    ----------
    size : float
        Of the
        detector [t].

    angle, phase
        In degrees [deg]; the first [rad] is not its unit.

    Notes
    -----
    Nothing.
    """


def _builder(row, *, size=1.0, angle=2.0, own="x", name=None, bare=None, nuisances=None):
    """Build.

    Parameters
    ----------
    row
        Bound.
    size, angle
        As in `Assumed`; the row's by default.
    own
        As in `Nowhere`.
    nuisances
        There are none.
    """


def test_docstrings_are_read_and_followed():
    found = options(functools.partial(functools.partial(_builder), 3), {"bare": 7.0})
    by_name = {option.name: option for option in found.records}
    assert found == {"size": 1.0, "angle": 2.0, "own": "x", "name": None, "bare": None, "nuisances": None}
    assert by_name["size"].meaning == "Of the detector [t]. The row's by default."
    assert [by_name[name].unit for name in found] == ["t", "deg", "", "", "", ""]
    assert by_name["own"].meaning == "As in `Nowhere`."
    assert by_name["bare"].meaning == ""
    assert (by_name["bare"].value, by_name["size"].value) == (7.0, 1.0)
    assert by_name["name"].meaning.startswith("Of the experiment")
    assert by_name["nuisances"].meaning == "There are none."


def test_a_users_own_entry_needs_no_docstring(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    lmt.register("bare", lambda *, scale=1.0, title=None: None)
    found = lmt.experiment_options("bare")
    assert str(found) == "scale = 1.0: \ntitle = None: What pictures and tables call it."
    assert (found.records[0].unit, found.records[0].meaning) == ("", "")
