"""`lmtbayes design`: a folder with expectation, map, ranking and pictures; it repeats itself and goes on."""

import json

import pytest
import xarray as xr
from counting import registered
from typer.testing import CliRunner

from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.jobs import design as job
from lmtbayes.jobs.design_settings import Designing
from lmtbayes.jobs.settings import FitSettings

FEW = ["--size", "24", "--nodes", "128"]
MAP = "counting.exposure=1:4:3"
NEXT = "longer: counting.exposure=3; flux to 1 %: known.flux=0.01"


@pytest.fixture(scope="module", autouse=True)
def _registered():
    with registered():
        yield


def command(out, *more):
    # No mass range of its own: the counter sees none.
    shared = ["--experiments", "counting", "--truth", "g_x=5e-4,mass=30", "--map", MAP, "--next", NEXT]
    return ["design", *shared, *FEW, "--out", str(out), "--format", "png", "--no-progress", *more]


@pytest.fixture(scope="module")
def done(_registered, tmp_path_factory):
    out = tmp_path_factory.mktemp("design") / "design"
    result = CliRunner().invoke(app, command(out))
    assert result.exit_code == 0, result.output
    return out, result.output


def test_the_folder_holds_all_that_is_said(done):
    out, output = done
    names = {path.name for path in out.iterdir() if not path.name.startswith(".")}
    assert names == {
        "expectation.nc",
        "map.nc",
        "map.png",
        "ranking.nc",
        "ranking.png",
        "settings.json",
        "summary.txt",
    }
    assert "P(ln B > 5 for Lmu-Ltau)" in output
    assert "longer" in output
    with xr.open_dataset(out / "map.nc", engine="h5netcdf") as table:
        assert table["assurance"].dims == ("counting.exposure", "truth")
        assert table.sizes["counting.exposure"] == 3


def test_a_run_goes_on_where_it_was_interrupted(done, tmp_path, monkeypatch):
    settings = Designing.from_file(done[0] / "settings.json")
    points = job.points

    def interrupted(*given, **more):
        for number, point in enumerate(points(*given, **more)):
            if number == 2:
                raise KeyboardInterrupt
            yield point

    monkeypatch.setattr(job, "points", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.design(settings, tmp_path / "again", progress=False, say=lambda _: None, suffix="png")
    asked = []

    def counted(*given, **more):
        for point in points(*given, **more):
            asked.append(point)
            yield point

    monkeypatch.setattr(job, "points", counted)
    summary = job.design(settings, tmp_path / "again", progress=False, say=lambda _: None, suffix="png")
    assert len(asked) == 1
    assert summary == (done[0] / "summary.txt").read_text()


def test_settings_are_checked_before_anything_is_built(tmp_path):
    fit = FitSettings(("counting",), truth="g_x=5e-4,mass=30", mixing="paper")
    for given, error, words in (
        ({"map": "counting.exposure"}, InvalidArgument, "`map` must be VARIABLE=VALUE"),
        ({"next": ("longer",)}, InvalidArgument, "`next` must be LABEL"),
        ({"size": 1}, InvalidArgument, "`size` must be a whole number of at least 2"),
    ):
        with pytest.raises(error, match=words):
            Designing(fit, **given)
    with pytest.raises(UnknownName, match=r"unknown design variable of 'counting' 'exposed'"):
        job.design(Designing(fit, map="counting.exposed=1:2:3", next=()), tmp_path / "out", say=lambda _: None)
    assert not list(tmp_path.iterdir())
    missing = Designing(fit, map="", next=(), posterior=str(tmp_path / "none.nc"))
    with pytest.raises(InvalidArgument, match="`posterior` must be a file of sample_posterior"):
        job.design(missing, tmp_path / "out")
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(missing.to_dict()))
    assert Designing.from_file(file) == missing
