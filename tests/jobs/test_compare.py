"""`lmtbayes compare`: evidences of both models with several mixings, as direct calls and quadrature give them."""

import dataclasses
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from scipy import integrate
from scipy.special import gammaln
from three_bins import registered
from typer.testing import CliRunner

from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs.compare import Comparing, _bars, compare
from lmtbayes.jobs.settings import FitSettings

with registered():
    SETTINGS = Comparing(FitSettings(("three-bins",)), ("paper",))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "compare"
    command = ["compare", "--experiments", "three-bins", "--mixings", "paper", "--out", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    return out, result.output


def counts(g_x, mass):
    return 4.0 * (g_x / 5e-4) ** 2 * np.array([9.0, 6.0, 3.0]) * np.exp(-np.arange(1, 4) * mass / 60.0) + 2.0


def by_quadrature():
    """ln Z of the three bins, which have no nuisances: the likelihood's mean over the plane of the prior."""
    data = counts(5e-4, 15.0)

    def log_likelihood(expected):
        # Asimov data are no whole numbers: Poisson's logarithm with Gamma(n + 1) for n!.
        return np.sum(data * np.log(expected) - expected - gammaln(data + 1.0))

    highest = log_likelihood(data)

    def relative(log10_mass, log10_g_x):
        return np.exp(log_likelihood(counts(10.0**log10_g_x, 10.0**log10_mass)) - highest)

    integral, _ = integrate.dblquad(relative, -5.0, -2.0, 0.0, 3.0, epsabs=1e-9, epsrel=1e-5)
    return highest + np.log(integral / 9.0)


def test_the_picture_has_every_model_against_the_first(done, tmp_path):
    with xr.open_dataset(done[0] / "comparison.nc", engine="h5netcdf") as table:
        figure = _bars(table)
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Lmu, paper mixing"]
    assert "against Lmu-Ltau, paper mixing" in axis.get_xlabel()
    plt.close(figure)
    with pytest.raises(InvalidArgument, match="`suffix` must be one of"):
        compare(SETTINGS, tmp_path / "other", suffix="gif")
    assert not list(tmp_path.iterdir())


def test_the_evidences_are_those_of_quadrature(done):
    with xr.open_dataset(done[0] / "comparison.nc", engine="h5netcdf") as table:
        assert list(table["model"].values) == ["Lmu-Ltau, paper mixing", "Lmu, paper mixing"]
        # The charge of the muon alone counts here: the models are one.
        np.testing.assert_allclose(table["log_z"], by_quadrature(), rtol=0, atol=float(table["log_z_error"].max()))
        np.testing.assert_allclose(table["posterior_probability"], 0.5, atol=1e-9)


def test_the_command_leaves_table_settings_and_summary(done):
    out, printed = done
    assert {path.name for path in out.iterdir()} == {
        ".lmtbayes",
        "settings.json",
        "comparison.nc",
        "evidences.pdf",
        "summary.txt",
    }
    settings = json.loads((out / "settings.json").read_text())
    assert settings == SETTINGS.to_dict()
    assert Comparing.from_file(out / "settings.json") == SETTINGS
    assert "".join((out / "summary.txt").read_text().split()) in "".join(printed.split())


def test_its_settings_repeat_it_but_for_what_is_typed(done, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("lmtbayes.jobs.compare.compare", lambda comparing, *rest: seen.append(comparing) or "")
    command = ["compare", "--settings", str(done[0] / "settings.json"), "--out", str(tmp_path / "again")]
    for typed in ([], ["--mixings", "free,-0.02", "--seed", "3"]):
        result = CliRunner().invoke(app, command + typed)
        assert result.exit_code == 0, result.output
    changed = dataclasses.replace(SETTINGS, fit=FitSettings(("three-bins",), seed=3), mixings=("free", "-0.02"))
    assert seen == [SETTINGS, changed]


def test_what_is_refused_leaves_nothing(done, tmp_path):
    with pytest.raises(InvalidArgument, match="`out` must not exist yet"):
        compare(SETTINGS, done[0])
    with pytest.raises(InvalidArgument, match="`mixing` must be one of"):
        dataclasses.replace(SETTINGS, mixings=("papr",))
    with pytest.raises(InvalidArgument, match=r"`mixings`.*at least one name"):
        dataclasses.replace(SETTINGS, mixings=())
    with pytest.raises(InvalidArgument, match="`method` must be"):
        dataclasses.replace(SETTINGS, method="cubatur")
    with pytest.raises(InvalidArgument, match="those of a comparison"):
        Comparing.from_dict(SETTINGS.fit.to_dict())
    assert not list(tmp_path.iterdir())
