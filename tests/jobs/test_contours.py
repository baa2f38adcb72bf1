"""`lmtbayes contours`: the plane's regions and limit, as the library gives them for the same settings."""

import dataclasses
import json

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from three_bins import registered
from typer.testing import CliRunner

mpl.use("Agg")

import lmtbayes as lmt
from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.jobs import summary
from lmtbayes.jobs.contours import contours
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.tables import read_csv

with registered():
    SETTINGS = FitSettings(("three-bins",), mixing="paper", grid=6)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("contours") / "plane"
    result = CliRunner().invoke(app, ["contours", "--experiments", "three-bins", "--grid", "6", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return out, result.output


def test_the_command_leaves_its_five_results(done):
    out, printed = done
    files = {".lmtbayes", "settings.json", "profile.nc", "contours.csv", "limit.nc", "plane.pdf", "summary.txt"}
    assert {path.name for path in out.iterdir()} == files
    assert json.loads((out / "settings.json").read_text()) == SETTINGS.to_dict()
    assert (out / "summary.txt").read_text() in printed
    assert (out / "plane.pdf").read_bytes().startswith(b"%PDF")


def test_the_numbers_are_those_of_direct_calls(done):
    grid = {name: np.geomspace(*getattr(SETTINGS, name), 6) for name in ("mass", "g_x")}
    bounds = {name: getattr(SETTINGS, name) for name in ("g_x", "mass")}
    direct = lmt.profile_likelihood(SETTINGS.likelihood(), grid=grid, bounds=bounds, refine=True, progress=False)
    profile = xr.load_dataset(done[0] / "profile.nc", engine="h5netcdf")
    np.testing.assert_array_equal(profile["q"], direct["q"])
    limit = xr.load_dataset(done[0] / "limit.nc", engine="h5netcdf")
    xr.testing.assert_equal(limit, lmt.upper_limit(direct, "g_x", cl=0.90))
    regions = lmt.contours(direct)
    text = (done[0] / "summary.txt").read_text()
    parts = (summary.what_is_fitted(SETTINGS), summary.best_fit(profile, SETTINGS), str(regions), summary.limit(limit))
    assert text == summary.join(parts)
    assert "90 % upper limit on g_x at each mass, one-sided" in text
    columns = read_csv(done[0] / "contours.csv")
    lines = [line for contour in regions.levels for line in contour.lines]
    assert lines
    np.testing.assert_allclose(columns["mass"], np.concatenate([line.x for line in lines]), rtol=1e-9)
    np.testing.assert_allclose(columns["g_x"], np.concatenate([line.y for line in lines]), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:contours of")
def test_a_calibration_of_another_fit_is_refused_before_the_profile(tmp_path, monkeypatch):
    like = SETTINGS.likelihood()
    bounds = {name: getattr(SETTINGS, name) for name in ("g_x", "mass")}
    truths = {name: list(ends) for name, ends in bounds.items()}
    made = lmt.feldman_cousins(like, truths, 100, bounds=bounds, levels=(0.6827,), rounds=0, tolerance=1e3)
    file = made.to_netcdf(tmp_path / "calibration.nc")
    # Its own settings take it; a narrower range does not, and no profile is begun.
    assert "Feldman-Cousins" in contours(SETTINGS, tmp_path / "own", calibration=file)
    monkeypatch.setattr("lmtbayes.jobs.contours.profile_on_plane", lambda *args, **options: pytest.fail("a profile"))
    with pytest.raises(InvalidArgument, match="`calibration` must be of the profile's ranges"):
        contours(dataclasses.replace(SETTINGS, mass=(2.0, 500.0)), tmp_path / "other", calibration=file)
    assert not (tmp_path / "other").exists()


def test_another_format_of_the_picture_is_refused_before_anything(tmp_path):
    with pytest.raises(InvalidArgument, match="`suffix` must be one of"):
        contours(SETTINGS, tmp_path / "plane", suffix="gif")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_refused_and_a_failing_run_leaves_nothing(done, tmp_path):
    command = ["contours", "--experiments", "three-bins", "--grid", "6", "--out", str(done[0])]
    before = (done[0] / "profile.nc").read_bytes()
    assert "`out` must not exist yet" in str(CliRunner().invoke(app, command).exception)
    assert (done[0] / "profile.nc").read_bytes() == before
    with pytest.raises(UnknownName, match="unknown experiment 'three-bin'"):
        contours(dataclasses.replace(SETTINGS, experiments=("three-bin",)), tmp_path / "plane")
    assert not list(tmp_path.iterdir())
