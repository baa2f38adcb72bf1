"""`lmtbayes fit`: what it leaves is what the library gives, repeats itself, and is there whole or not at all."""

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
from lmtbayes.jobs.fit import fit
from lmtbayes.jobs.output import MARK
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.tables import read_csv

with registered():
    SETTINGS = FitSettings(
        ("three-bins",),
        mixing="paper",
        g_x=(1e-4, 2e-3),
        mass=(2.0, 200.0),
        seed=3,
        chains=4,
        warmup=60,
        draws=60,
        grid=6,
    )
FILES = {
    ".lmtbayes",
    "settings.json", "posterior.nc", "profile.nc", "contours.csv", "limit.nc", "summary.txt",
    "corner.png", "plane.png", "predictive_three-bins.png",
}  # fmt: skip


def quietly(out, settings=SETTINGS, **options):
    return fit(settings, out, progress=False, suffix="png", **{"say": lambda text: None, **options})


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What the command leaves, from a file of settings."""
    folder = tmp_path_factory.mktemp("fit")
    (folder / "mine.json").write_text(json.dumps(SETTINGS.to_dict()))
    command = ["fit", "--settings", str(folder / "mine.json"), "--out", str(folder / "fit"), "--no-progress"]
    result = CliRunner().invoke(app, [*command, "--format", "png"])
    assert result.exit_code == 0, result.output
    return folder / "fit", result.output


@pytest.fixture(scope="module")
def like():
    """The likelihood of the same settings, built and compiled anew."""
    return SETTINGS.likelihood()


def draws(folder):
    with xr.open_datatree(folder / "posterior.nc", engine="h5netcdf") as tree:
        return tree["posterior"].to_dataset().load()


def test_the_folder_holds_what_the_documentation_says(done):
    out, printed = done
    assert {path.name for path in out.iterdir()} == FILES
    assert (out / "summary.txt").read_text() in printed
    assert json.loads((out / "settings.json").read_text()) == SETTINGS.to_dict()
    assert [path for path in out.glob("*.png") if not path.read_bytes().startswith(b"\x89PNG")] == []


@pytest.mark.slow
def test_the_posterior_is_that_of_a_direct_call(done, like):
    sampler = {name: getattr(SETTINGS, name) for name in ("chains", "warmup", "draws")}
    direct = lmt.sample_posterior(like, SETTINGS.prior, SETTINGS.seed, progress=False, **sampler)
    xr.testing.assert_equal(draws(done[0]), direct["posterior"].to_dataset())
    assert (done[0] / "summary.txt").read_text().endswith(f"{direct.attrs['verdict']}\n")


def test_the_summary_gives_medians_of_the_draws(done):
    found, summary = draws(done[0]), (done[0] / "summary.txt").read_text()
    part = summary[summary.index("\nposterior") :].partition("\n\n")[0]
    rows = {line.split()[0]: line.split() for line in part.splitlines() if " to " in line}
    assert list(rows) == ["g_x", "mass", "eps_x"]
    for name in ("g_x", "mass"):
        assert float(rows[name][-7]) == pytest.approx(np.median(found[name]), rel=1e-3)


def test_the_summary_has_its_parts_in_one_order(done):
    text = (done[0] / "summary.txt").read_text()
    parts = (
        "Lmu-Ltau, paper mixing",
        "best fit",
        "posterior  ",
        "contours in",
        "90 % upper limit on g_x",
        "Posterior: ",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "log10_" not in text.partition("Posterior: ")[0]
    assert "mass [MeV]" in text
    assert "no p-value: Asimov data do not fluctuate" in text


def test_profile_contours_and_limit_are_those_of_direct_calls(done, like):
    profile = xr.load_dataset(done[0] / "profile.nc", engine="h5netcdf")
    grid = {name: profile[name].values for name in ("mass", "g_x")}
    ranges = {"g_x": SETTINGS.g_x, "mass": SETTINGS.mass}
    direct = lmt.profile_likelihood(like, grid=grid, bounds=ranges)
    np.testing.assert_allclose(profile["q"], direct["q"].transpose(*profile["q"].dims), rtol=0, atol=1e-7)
    for name, (low, high) in ranges.items():
        assert low * (1 - 1e-12) <= grid[name][0] < grid[name][-1] <= high * (1 + 1e-12)

    columns = read_csv(done[0] / "contours.csv")
    lines = [line for contour in lmt.contours(profile).levels for line in contour.lines]
    np.testing.assert_allclose(columns["mass"], np.concatenate([line.x for line in lines]), rtol=1e-9)
    np.testing.assert_allclose(columns["g_x"], np.concatenate([line.y for line in lines]), rtol=1e-9)
    limit = xr.load_dataset(done[0] / "limit.nc", engine="h5netcdf")
    xr.testing.assert_equal(limit, lmt.upper_limit(profile, "g_x", cl=0.90))


@pytest.mark.slow
def test_its_settings_repeat_it_bit_for_bit_also_when_interrupted(done, like, tmp_path):
    def interrupt(text):
        if text.startswith("profile"):
            raise KeyboardInterrupt

    settings, out, left = FitSettings.from_file(done[0] / "settings.json"), tmp_path / "fit", tmp_path / "fit.partial"
    with pytest.raises(KeyboardInterrupt):
        quietly(out, settings, like=like, say=interrupt)
    assert not out.exists()
    assert {path.name for path in left.iterdir()} == {MARK, "settings.json", "posterior.nc", "chains.npz"}
    quietly(out, settings, like=like)
    assert not left.exists()
    assert {path.name for path in out.iterdir()} == FILES
    xr.testing.assert_equal(draws(out), draws(done[0]))
    for name in ("settings.json", "contours.csv", "summary.txt", "plane.png"):
        assert (out / name).read_bytes() == (done[0] / name).read_bytes(), name


def test_an_existing_folder_is_refused_before_anything_is_built(done, like):
    told = []
    with pytest.raises(InvalidArgument, match="`out` must not exist yet"):
        quietly(done[0], say=told.append)
    assert told == []


@pytest.mark.slow
def test_force_replaces_and_no_grid_leaves_the_profile_out(like, tmp_path):
    out = tmp_path / "fit"
    out.mkdir()
    (out / "settings.json").write_text("{}")
    (out / MARK).touch()
    (out / "old.txt").write_text("of an earlier run")
    summary = quietly(out, dataclasses.replace(SETTINGS, grid=0), force=True, like=like)
    assert {path.name for path in out.iterdir()} == FILES - {"profile.nc", "contours.csv", "limit.nc", "plane.png"}
    assert "best fit" not in summary


def test_a_run_that_cannot_be_leaves_nothing(tmp_path):
    with pytest.raises(UnknownName, match="unknown benchmark 'BP9'"):
        quietly(tmp_path / "fit", dataclasses.replace(SETTINGS, truth="BP9"))
    with pytest.raises(InvalidArgument, match="`suffix` must be one of"):
        fit(SETTINGS, tmp_path / "fit", suffix="gif")
    assert not list(tmp_path.iterdir())
