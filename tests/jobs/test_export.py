"""`lmtbayes export`: a folder of results in every format, whole or not at all."""

import json

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from lmtbayes._files import write_netcdf
from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument
from lmtbayes.export import hepdata
from lmtbayes.jobs.export import FORMATS
from lmtbayes.jobs.settings import FitSettings

# hepdata_validator uses what jsonschema and tarfile will change, and leaves files to be closed by Python.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
run = CliRunner().invoke


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What `lmtbayes fit` leaves, made by hand."""
    folder = tmp_path_factory.mktemp("results")
    settings = FitSettings(experiments=("three-bins-flux",), mixing="paper")
    (folder / "settings.json").write_text(json.dumps(settings.to_dict()))
    mass, g_x = np.geomspace(1.0, 100.0, 6), np.geomspace(1e-4, 1e-3, 5)
    q = 50.0 * np.log(g_x[None, :] / 5e-4) ** 2 + 0.0 * mass[:, None]
    columns = {"q": q, "log_likelihood": -q / 2.0, "eps_x": np.tile(-g_x / 70.0, (6, 1))}
    profile = xr.Dataset({k: (("mass", "g_x"), x) for k, x in columns.items()}, {"mass": mass, "g_x": g_x})
    write_netcdf(folder / "profile.nc", profile)
    attrs = {"parameter": "g_x", "cl": 0.9, "provenance": "made up"}
    write_netcdf(folder / "limit.nc", xr.Dataset({"limit": ("mass", 6e-4 + 0.0 * mass)}, {"mass": mass}, attrs))
    (folder / "contours.csv").write_text(
        "# made up\nlevel,line,closed,mass,g_x\n0.6827,0,0,1,0.0005\n0.6827,0,0,9,0.0006\n"
    )
    rng = np.random.default_rng(0)
    logs = {"log10_g_x": rng.normal(-3.3, 0.1, (2, 200)), "log10_mass": rng.normal(1.0, 0.3, (2, 200))}
    draws = xr.Dataset({k: (("chain", "draw"), x) for k, x in logs.items()})
    write_netcdf(folder / "posterior.nc", xr.DataTree.from_dict({"/": xr.Dataset(), "posterior": draws}))
    return folder


def test_every_format_of_a_folder(results, tmp_path):
    out = tmp_path / "export"
    result = run(app, ["export", str(results), "--format", ",".join(FORMATS), "--points", "2", "--out", str(out)])
    assert result.exit_code == 0, (result.output, result.exception)
    expected = {
        "csv/limit.csv",
        "csv/profile.csv",
        "csv/contour_0.6827_1.csv",
        "csv/posterior_plane.csv",
        "hepdata/submission.tar.gz",
        "latex/intervals.tex",
        "limit.lmt",
        "limit_axionlimits.txt",
        "pyhf/workspace.json",
        "pyhf/patchset.json",
        "hs3/hs3.json",
    }
    assert expected <= {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    patches = json.loads((out / "pyhf" / "patchset.json").read_text())["patches"]
    values = [patch["metadata"]["values"] for patch in patches]
    np.testing.assert_allclose(values, [[m, g, -g / 70.0] for m in (1.0, 100.0) for g in (1e-4, 1e-3)])
    assert "ln L differs by at most" in result.output.replace("\n", " ")


def test_it_replaces_nothing_unasked_and_leaves_nothing_half_written(results, tmp_path, monkeypatch):
    arguments = ["export", str(results), "--format", "csv", "--out", str(tmp_path / "export")]
    assert run(app, arguments).exit_code == 0
    again = run(app, arguments)
    assert isinstance(again.exception, InvalidArgument)
    assert "--force replaces it" in str(again.exception)
    (tmp_path / "export" / "csv" / "limit.csv").unlink()
    assert run(app, [*arguments, "--force"]).exit_code == 0
    assert (tmp_path / "export" / "csv" / "limit.csv").exists()
    monkeypatch.setattr(hepdata, "_plain", lambda entry: 1 / 0)
    other = tmp_path / "other"
    failed = run(app, ["export", str(results), "--format", "hepdata", "--out", str(other)])
    assert isinstance(failed.exception, ZeroDivisionError)
    assert not other.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "root"], "`format` must be one of 'csv', 'hepdata'"),
        (["--format", ""], "`format` must be some of csv, hepdata"),
        (["--points", "3"], "`--points` must be left out: they are of pyhf and hs3"),
        (["--comment", "x"], "`--comment` must be left out: it is of hepdata"),
        (["--format", "pyhf", "--points", "0"], "`points` must be a whole number of at least 1"),
        (["--format", "pyhf", "--leave-out", "nope"], "unknown name in `leave_out` 'nope'"),
    ],
)
def test_what_is_refused(results, tmp_path, arguments, message):
    result = run(app, ["export", str(results), *arguments, "--out", str(tmp_path / "export")])
    assert message in str(result.exception)
    assert not (tmp_path / "export").exists()


def test_folders_that_hold_no_results(results, tmp_path):
    with pytest.raises(InvalidArgument, match="`folder` must be a folder of `lmtbayes fit`"):
        run(app, ["export", str(tmp_path), "--out", str(tmp_path / "x")], catch_exceptions=False)
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "settings.json").write_text((results / "settings.json").read_text())
    (alone / "profile.nc").write_bytes((results / "profile.nc").read_bytes()[:-80])
    with pytest.raises(InvalidArgument, match=r"`format` 'darkcast' needs limit.nc, which"):
        run(app, ["export", str(alone), "--format", "darkcast", "--out", str(tmp_path / "x")], catch_exceptions=False)
    with pytest.raises(InvalidArgument, match=r"results as they were written; profile.nc"):
        run(app, ["export", str(alone), "--format", "csv", "--out", str(tmp_path / "x")], catch_exceptions=False)
