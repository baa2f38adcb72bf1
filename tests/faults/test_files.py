"""Files that are read back: one that was damaged, cut or edited is told from a good one, in a sentence."""

import shutil

import numpy as np
import pytest
import xarray as xr

import lmtbayes as lmt
from lmtbayes._files import read_netcdf, write_netcdf
from lmtbayes.errors import CheckpointError, InvalidArgument
from lmtbayes.inference.frequentist.calibration import read_calibration
from lmtbayes.inference.posterior.checkpoint import Checkpoint
from lmtbayes.jobs.cluster import over_cluster
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study

DATA = xr.Dataset({"q": ("toy", np.linspace(0.0, 4.0, 40))}, {"toy": np.arange(40)}, {"study": "one"})
ARRAYS = {"state_0": np.arange(12.0).reshape(3, 4), "done": np.array(7)}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    path = tmp_path_factory.mktemp("sealed") / "chunk.nc"
    write_netcdf(path, DATA)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    kept = Checkpoint(tmp_path_factory.mktemp("kept") / "chains.npz", "this run", {"seed": 1})
    kept.save(ARRAYS)
    return kept


def test_a_sealed_file_is_netcdf_as_ever(sealed):
    xr.testing.assert_identical(read_netcdf(sealed), DATA)
    xr.testing.assert_identical(xr.load_dataset(sealed, engine="h5netcdf"), DATA)
    assert sealed.read_bytes().startswith(b"\x89HDF")


def test_no_seal_will_do_where_users_write_the_file(tmp_path):
    DATA.to_netcdf(tmp_path / "own.nc", engine="h5netcdf")
    xr.testing.assert_identical(read_netcdf(tmp_path / "own.nc", sealed=False), DATA)
    with pytest.raises(ValueError, match="its seal is missing"):
        read_netcdf(tmp_path / "own.nc")
    (tmp_path / "text.nc").write_text("no netCDF")
    with pytest.raises(InvalidArgument, match="must be a file that Calibration"):
        read_calibration(tmp_path / "text.nc")


def test_an_edited_checkpoint_is_refused(checkpoint, tmp_path):
    copy = Checkpoint(tmp_path / "copy.npz", checkpoint.identity, checkpoint.settings)
    shutil.copy(checkpoint.path, copy.path)
    with np.load(copy.path) as file:
        arrays = dict(file)
    arrays["state_0"] = arrays["state_0"] + 1.0
    np.savez(copy.path, **arrays)
    with pytest.raises(CheckpointError, match="has changed since it was written"):
        copy.load()


def test_nothing_that_is_read_is_executed(tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "pwned"), "w"))

    for name in ("header", "state_0"):
        np.savez(tmp_path / "chains.npz", **{name: np.array([Hostile()], dtype=object)})
        with pytest.raises(CheckpointError, match="is not a checkpoint"):
            Checkpoint(tmp_path / "chains.npz", "this run", {}).load()
    assert not (tmp_path / "pwned").exists()


def test_yaml_makes_nothing_but_text(tmp_path):
    file = tmp_path / "figure.yaml"
    command = f"!!python/object/apply:os.system ['touch {tmp_path / 'pwned'}']"
    file.write_text(f"dependent_variables: {command}\nindependent_variables: []\n")
    with pytest.raises(InvalidArgument):
        lmt.published_limit("mine", hepdata=file, cl=0.9, channel="mu", citation="nobody")
    assert not (tmp_path / "pwned").exists()


def test_workers_listen_on_this_machine_alone(monkeypatch):
    given = {}

    def cluster(**options):
        given.update(options)
        raise InterruptedError

    monkeypatch.setattr("distributed.LocalCluster", cluster)
    study = Study("toys", FitSettings(("muon-g2-2025",), mixing="paper"), size=2, chunk=1)
    with pytest.raises(InterruptedError):
        next(over_cluster(study, [0], None, 1, print))
    assert given["host"] == "127.0.0.1"
