"""Studies in chunks: nothing lost, nothing twice, whoever computes them and whatever dies on the way."""

import dataclasses
import json
import os
import shutil
import signal
import threading
import time

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from three_bins import registered
from typer.testing import CliRunner

import lmtbayes as lmt
from lmtbayes._files import write_netcdf
from lmtbayes.cli import app
from lmtbayes.errors import ChunkError, InvalidArgument
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.contours import contours
from lmtbayes.inference.frequentist.feldman_cousins import feldman_cousins
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.frequentist.toys import toy_test_statistics
from lmtbayes.inference.posterior.sbc import sbc
from lmtbayes.jobs import tasks
from lmtbayes.jobs.chunks import Folder, parse_range, run
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study

FIT = FitSettings(("na64mu", "muon-g2-2025"), mixing="paper", grid=3, seed=5, mass=(5.0, 50.0), g_x=(2e-4, 2e-3))
TOYS = Study("toys", FIT, size=22, chunk=4)
with registered():
    BINS = dataclasses.replace(FIT, experiments=("three-bins-flux",))
THREE = Study("toys", BINS, size=22, chunk=4)


# -- settings and parts -----------------------------------------------------------------------------------------------


def test_settings_survive_a_file(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps(TOYS.to_dict()))
    assert Study.from_file(tmp_path / "settings.json") == TOYS
    with pytest.raises(InvalidArgument, match="must be a file of a study"):
        Study.from_file(tmp_path / "none.json")


@given(
    task=st.sampled_from(["toys", "coverage", "feldman-cousins", "sbc", "profile", "likelihood"]),
    size=st.integers(1, 40),
    chunk=st.integers(1, 120),
    grid=st.integers(2, 5),
)
def test_every_item_is_in_exactly_one_chunk(task, size, chunk, grid):
    size += 60 if task == "feldman-cousins" else 0  # fewer tell no quantile
    study = Study(task, FitSettings(("na64mu",), grid=grid), size=size, chunk=chunk)
    held = [(p.group, i) for p in map(study.part, range(study.chunks)) for i in range(p.first, p.first + p.number)]
    points, items = (
        grid**2 if task in ("coverage", "feldman-cousins") else 1,
        grid if task in ("profile", "likelihood") else size,
    )
    assert held == [(group, item) for group in range(points) for item in range(items)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Study("toy"), "did you mean 'toys'"),
        (lambda: Study("toys", FIT, size=0), "`size` must be a whole number of at least 1"),
        (lambda: Study("toys", FIT, chunk=0), "`chunk` must be a whole number of at least 1"),
        (lambda: Study("toys", FIT, nuisances="profiled"), "`nuisances` must be one of 'drawn', 'central'"),
        (lambda: Study("sbc", FIT, nuisances="drawn"), "`nuisances` must be left out for 'sbc'"),
        (lambda: Study("coverage", FitSettings(grid=1)), "`grid` must be a whole number of at least 2"),
        (lambda: Study("feldman-cousins", FIT, size=20), "`size` must be larger for a level of 95"),
        (lambda: Study("feldman-cousins", FIT, nuisances="central"), "`nuisances` must be one of 'profiled', 'drawn'"),
        (lambda: Study("feldman-cousins", FIT, relative_to="best"), "`relative_to` must be one of 'slice', 'global'"),
        (lambda: Study("toys", FitSettings(truth_model="lmu")), "`truth_model` must be the model of the fits"),
        (lambda: parse_range("3", 3), "`chunks` must be first:stop within 0:3"),
        (lambda: parse_range("2:2", 3), "`chunks` must be first:stop within 0:3"),
        (lambda: parse_range("a:b", 3), "`chunks` must be first:stop within 0:3"),
        (lambda: run(TOYS, "x", scheduler="tcp://a:1", workers=1), "`workers` must be left out"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_ranges():
    assert [list(parse_range(text, 5)) for text in (None, "1:3", "3:", ":2", "4")] == [
        [0, 1, 2, 3, 4],
        [1, 2],
        [3, 4],
        [0, 1],
        [4],
    ]


# -- the folder, filled by fits of three bins -------------------------------------------------------------------------


def quietly(study, out, **options):
    return run(study, out, progress=False, say=lambda text: None, **options)


@pytest.fixture(scope="module")
def direct():
    """All toys in one go, by the library."""
    like = tasks._of_toys(BINS)  # what the chunks compiled is not compiled again
    return toy_test_statistics(like, lmt.BENCHMARKS["BP1"], 22, seed=5, bounds={"g_x": BINS.g_x, "mass": BINS.mass})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "a"
    return out, quietly(THREE, out)


@pytest.fixture
def copy(finished, tmp_path):
    """A folder of the finished study to spoil."""
    shutil.copytree(finished[0], tmp_path / "a")
    return Folder(tmp_path / "a", THREE)


def test_a_study_is_merged_and_says_what_it_is(finished, direct):
    out, result = finished
    # The same fits at other places of their batches: rounding.
    np.testing.assert_allclose(result["q"], direct.q, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result["deviance"], direct.deviance, rtol=0, atol=1e-9)
    again = xr.load_dataset(out / "study.nc", engine="h5netcdf")
    xr.testing.assert_identical(again, result)
    assert json.loads(result.attrs["study"]) == THREE.to_dict()
    assert (result.attrs["seed"], result.attrs["chunks"], result.attrs["lmtbayes_version"]) == (5, 6, lmt.__version__)
    assert not list(out.rglob("*.tmp"))


def test_what_is_there_is_not_computed_again(tmp_path, finished):
    folder = Folder(tmp_path / "a", THREE)
    there = []
    for part, expected in (("0:2", [0, 1]), ("4:5", [0, 1, 4])):
        assert quietly(THREE, folder.path, chunks=part) is None
        there = [index for index in range(THREE.chunks) if folder.file(index).exists()]
        assert there == expected
    with pytest.raises(ChunkError, match="3 of 6 chunks are not there yet, the first is number 2"):
        folder.merge()
    written = {index: folder.file(index).stat().st_mtime_ns for index in there}
    result = quietly(THREE, folder.path)
    assert {index: folder.file(index).stat().st_mtime_ns for index in there} == written
    xr.testing.assert_identical(result, finished[1])


def test_an_interrupted_chunk_leaves_no_file(tmp_path, finished, monkeypatch):
    def stop(self, file, **options):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(xr.Dataset, "to_netcdf", stop)
        quietly(THREE, tmp_path / "a")
    assert not list((tmp_path / "a" / "chunks").iterdir())
    xr.testing.assert_identical(quietly(THREE, tmp_path / "a"), finished[1])


def test_a_folder_belongs_to_one_study(copy, tmp_path):
    with pytest.raises(InvalidArgument, match="another study \\(chunk: 4 there, 5 here\\)"):
        quietly(dataclasses.replace(THREE, chunk=5), copy.path)
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidArgument, match="holds something that is no study"):
        quietly(THREE, tmp_path)


def test_chunks_that_are_not_what_they_seem_are_not_merged(copy, finished):
    good = copy.file(3).read_bytes()
    copy.file(3).write_bytes(copy.file(2).read_bytes())
    with pytest.raises(ChunkError, match="is not chunk 3 of this study"):
        copy.merge()
    copy.file(3).write_bytes(b"half a file")
    with pytest.raises(ChunkError, match="cannot be read"):
        copy.merge()
    copy.file(3).write_bytes(good)
    chunk = xr.load_dataset(copy.file(3), engine="h5netcdf")
    write_netcdf(copy.file(3), chunk.assign_attrs(jax_version="0.1"))
    with pytest.raises(ChunkError, match="made by jax 0\\.1"):
        copy.merge()
    write_netcdf(copy.file(3), chunk.isel(toy=slice(3)))
    with pytest.raises(ChunkError, match="does not hold toy 12 to 15"):
        copy.merge()
    copy.file(3).write_bytes(good)
    copy.file(17).write_bytes(good)
    with pytest.raises(ChunkError, match=r"000017\.nc is no chunk of this study"):
        copy.merge()
    copy.file(17).unlink()
    xr.testing.assert_identical(copy.merge(), finished[1])


def test_the_command_computes_ranges_and_merges(finished, tmp_path):
    # As earlier versions wrote it: all settings by name, lists for tuples.
    (tmp_path / "settings.json").write_text((finished[0] / "settings.json").read_text())
    common = ["study", "toys", "--settings", str(tmp_path / "settings.json"), "--out", str(tmp_path / "a")]
    for part in (["--chunks", "0:3"], ["--chunks", "3:6"]):
        result = CliRunner().invoke(app, [*common, *part, "--no-progress"])
        assert result.exit_code == 0, result.output
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "a" / "study.nc", engine="h5netcdf"), finished[1])
    (tmp_path / "a" / "study.nc").unlink()
    result = CliRunner().invoke(app, [*common, "--merge"])
    assert result.exit_code == 0, result.output
    assert "toys: 6 chunks, seed 5" in result.output
    assert (tmp_path / "a" / "study.nc").is_file()
    other = ["study", "sbc", "--settings", str(tmp_path / "settings.json"), "--out", str(tmp_path / "b")]
    result = CliRunner().invoke(app, other)
    assert isinstance(result.exception, InvalidArgument)
    assert "`task` must be one of 'toys'; got 'sbc'" in str(result.exception)


# -- every task, and workers that die ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:contours of", "ignore:contours read")  # twelve lines, and four truths, are few
def test_chunks_joined_are_the_call_in_one_go(tmp_path):
    like, bounds = tasks._of_toys(BINS), {"g_x": BINS.g_x, "mass": BINS.mass}
    # Points of the coverage grid have toys of their own, numbered on: point 4 is the middle one.
    coverage = quietly(Study("coverage", BINS, size=6, chunk=4), tmp_path / "coverage")
    middle = BINS.gauge_model.hidden_photon(np.sqrt(2e-4 * 2e-3), np.sqrt(5.0 * 50.0))
    toys = toy_test_statistics(like, middle, 6, seed=5, bounds=bounds, first=4 * 6)
    assert coverage["q"].dims == ("mass", "g_x", "toy")
    np.testing.assert_allclose(coverage["q"][1, 1], toys.q, rtol=0, atol=1e-9)
    inside, error = toys.coverage(0.6827, 2)
    np.testing.assert_allclose(coverage["coverage"][1, 1, 0], inside)
    np.testing.assert_allclose(coverage["coverage_error"][1, 1, 0], error)

    grid = {name: np.geomspace(*getattr(BINS, name), 3) for name in ("mass", "g_x")}
    profile = quietly(Study("profile", BINS, chunk=2), tmp_path / "profile")
    direct = profile_likelihood(like, grid, bounds=bounds)
    # Each chunk has its own best fit, good to a climb's 1e-9; the joint one is the highest.
    np.testing.assert_allclose(profile["q"], direct["q"], rtol=0, atol=1e-7)
    np.testing.assert_allclose(profile.attrs["best_g_x"], direct.attrs["best_g_x"], rtol=1e-3)

    points = quietly(Study("likelihood", BINS, chunk=2, nuisances="central"), tmp_path / "likelihood")
    photon = BINS.gauge_model.hidden_photon(grid["g_x"], grid["mass"][:, None])
    np.testing.assert_allclose(points["log_likelihood"], like.log_likelihood(photon), rtol=1e-12)

    bare = dataclasses.replace(BINS, experiments=("three-bins",), grid=2)
    merged = quietly(Study("feldman-cousins", bare, size=70, chunk=40), tmp_path / "truths")
    found = Calibration.from_netcdf(tmp_path / "truths" / "study.nc")
    own = {name: np.geomspace(*getattr(BINS, name), 2) for name in ("mass", "g_x")}
    at_once = feldman_cousins(tasks._likelihood(bare), own, 70, bounds=bounds, seed=5, rounds=0)
    np.testing.assert_allclose(found.truths, at_once.truths)
    np.testing.assert_allclose(found.q, at_once.q, rtol=0, atol=1e-9)
    assert str(found) in tasks.summary(Study("feldman-cousins", bare, size=70, chunk=40), merged)
    on_plane = {name: np.geomspace(*getattr(BINS, name), 12) for name in ("mass", "g_x")}
    profile = profile_likelihood(tasks._likelihood(bare), on_plane, bounds=bounds)
    assert contours(profile, calibration=found)[0.6827].q_range is not None

    simulations = quietly(Study("sbc", BINS, size=3, chunk=2), tmp_path / "sbc")
    direct = sbc(like, BINS.prior, 3, seed=5)
    np.testing.assert_array_equal(simulations["rank"], direct["rank"])
    np.testing.assert_array_equal(simulations["p_value"], direct["p_value"])


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of the worker that is killed
def test_a_worker_that_dies_loses_nothing_and_counts_nothing_twice(tmp_path):
    from distributed import LocalCluster

    study = Study("toys", FIT, size=480, chunk=40)
    alone = quietly(study, tmp_path / "alone")
    killed = []

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        def kill_one():
            # With most chunks to come both workers are busy: one is shot in the middle of a chunk.
            done = tmp_path / "cluster" / "chunks"
            while len(list(done.glob("*.nc"))) < 2:
                time.sleep(0.02)
            killed.append(cluster.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

        shot = threading.Thread(target=kill_one, daemon=True)
        shot.start()
        together = quietly(study, tmp_path / "cluster", scheduler=cluster.scheduler_address)
        shot.join()
        events = [str(event) for _, event in cluster.scheduler.get_events("all")]
    assert any("remove-worker" in event for event in events)
    assert len(list((tmp_path / "cluster" / "chunks").iterdir())) == study.chunks == 12
    xr.testing.assert_identical(together, alone)
