"""Settings of a fit: parsed, checked, saved and read back; folders that are there whole or not at all."""

import dataclasses
import json

import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.jobs.compare import Comparing, compare
from lmtbayes.jobs.contours import contours
from lmtbayes.jobs.fit import fit
from lmtbayes.jobs.settings import FitSettings, parse_experiment, parse_truth
from lmtbayes.jobs.study import Study


def test_settings_survive_a_file(tmp_path):
    settings = FitSettings(experiments=("na64mu", "ess:mass_ton=2"), truth="BP3", mass=(2.0, 500.0), seed=7)
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(settings.to_dict()))
    assert FitSettings.from_file(path) == settings


# Word for word what the version before pydantic wrote.
EARLIER = """{
  "experiments": ["na64mu", "ess:mass_ton=2"], "model": "lmu-ltau", "mixing": "free", "data": "asimov",
  "published": "observed", "truth": "BP3", "truth_model": "lmu-ltau", "truth_mixing": "paper", "g_x": [1e-05, 0.01],
  "mass": [2.0, 500.0], "kappa": [0.001, 1.0], "seed": 7, "chains": 16, "warmup": 500, "draws": 500, "grid": 40,
  "scope": "single"
}"""


def test_files_of_earlier_versions_are_read_and_written_alike(tmp_path):
    (tmp_path / "settings.json").write_text(EARLIER)
    read = FitSettings.from_file(tmp_path / "settings.json")
    assert read == FitSettings(experiments=("na64mu", "ess:mass_ton=2"), truth="BP3", mass=(2.0, 500.0), seed=7)
    assert list(read.to_dict().items()) == list(json.loads(EARLIER).items())
    study = {"task": "toys", "fit": json.loads(EARLIER), "size": 22, "chunk": 4, "nuisances": "drawn", "method": "grid"}
    (tmp_path / "study.json").write_text(json.dumps(study))
    assert Study.from_file(tmp_path / "study.json") == Study("toys", read, size=22, chunk=4)
    assert Study.from_file(tmp_path / "study.json").identity() == json.dumps(study, sort_keys=True)


def test_numbers_of_numpy_and_lists_are_kept_as_plain_ones():
    settings = FitSettings(["ess"], seed=np.int64(3), mass=[np.float64(2.0), 500])
    assert settings == FitSettings(("ess",), seed=3, mass=(2.0, 500.0))
    assert hash(settings) == hash(FitSettings(("ess",), seed=3, mass=(2.0, 500.0)))
    assert type(settings.seed) is int
    assert settings.to_dict()["mass"] == [2.0, 500.0]


def test_settings_are_frozen_and_a_change_is_checked():
    settings = FitSettings()
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.seed = 3
    with pytest.raises(InvalidArgument, match="`seed` must be a whole number of at least 0; got True"):
        dataclasses.replace(settings, seed=True)


def test_the_defaults_are_the_main_job():
    settings = FitSettings()
    assert settings.gauge_model == lmt.LMU_LTAU
    assert settings.prior.names == ("log10_g_x", "log10_mass", "log10_kappa")
    assert float(settings.true_photon.g_x) == 5e-4


def test_experiments_take_overrides():
    exp = parse_experiment("ess:mass_ton=2:bin_edges=[20,40,60]:name=mine")
    assert exp.name == "mine"
    np.testing.assert_array_equal(exp.bin_edges, [20, 40, 60])
    twice = exp.signal_counts(lmt.LMU, lmt.BENCHMARKS["BP1"]) / lmt.experiment(
        "ess", bin_edges=[20.0, 40.0, 60.0]
    ).signal_counts(lmt.LMU, lmt.BENCHMARKS["BP1"])
    np.testing.assert_allclose(twice, 2.0, rtol=1e-12)


def test_truths():
    given = parse_truth("g_x=1e-3,mass=20,eps_x=-1e-5", lmt.LMU)
    assert (float(given.g_x), float(given.mass), float(given.eps_x)) == (1e-3, 20.0, -1e-5)
    filled = parse_truth("g_x=7e-4,mass=20", lmt.LMU_LTAU.with_mixing("paper"))
    assert float(filled.eps_x) == pytest.approx(-1e-5)
    assert float(parse_truth("none", lmt.LMU).g_x) == 0.0
    assert float(parse_truth("BP4", lmt.LMU).mass) == 100.0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: FitSettings(data="real"), InvalidArgument, "`data` must be one of 'asimov', 'toy', 'observed'"),
        (lambda: FitSettings(model="lmu-tau"), InvalidArgument, "did you mean 'lmu-ltau'"),
        (lambda: FitSettings(experiments=()), InvalidArgument, "`experiments` must be at least one"),
        (lambda: FitSettings(mixing="papr").gauge_model, InvalidArgument, "did you mean 'paper'"),
        (lambda: FitSettings(chains=0), InvalidArgument, "`chains` must be a whole number of at least 1; got 0"),
        (lambda: FitSettings(draws=3), InvalidArgument, "`draws` must be a whole number of at least 4"),
        (lambda: FitSettings(seed=-1), InvalidArgument, "`seed` must be a whole number of at least 0"),
        (lambda: FitSettings(mixing="papr"), InvalidArgument, "did you mean 'paper'"),
        (lambda: FitSettings(g_x=(1.0, 1000.0)), InvalidArgument, "`g_x` must be at most 1"),
        (lambda: FitSettings(mass=(10.0, 1.0)), InvalidArgument, "`mass` must be a strictly increasing"),
        (lambda: FitSettings(chains="4"), InvalidArgument, "`chains` must be a whole number of at least 1; got '4'"),
        (lambda: FitSettings(chains=2.5), InvalidArgument, r"`chains` must be a whole number of at least 1; got 2\.5"),
        (lambda: FitSettings(seed=True), InvalidArgument, "`seed` must be a whole number of at least 0; got True"),
        (lambda: FitSettings(truth=1), InvalidArgument, "`truth` must be text; got 1"),
        (lambda: FitSettings(sed=1), UnknownName, r"unknown setting 'sed' \(did you mean 'seed'\?\); accepted: chains"),
        (lambda: FitSettings(("ess",), experiments=("ess",)), InvalidArgument, "`experiments` must be given once"),
        (
            lambda: FitSettings(*FitSettings(sampler="nuts", plugins=()).to_dict().values(), (), 1),
            InvalidArgument,
            "must be given at most 19 fields",
        ),
        (lambda: Study(), InvalidArgument, "`task` must be given"),
        (lambda: Study("toys", {"seed": 1}), InvalidArgument, "`fit` must be an instance of FitSettings"),
        (lambda: Study("toys", chunks=1), UnknownName, "did you mean 'chunk'"),
        (lambda: Study.from_dict({"seed": 1}), InvalidArgument, "must be those of a study"),
        (lambda: FitSettings(scope="today"), InvalidArgument, "`data` must be 'observed'"),
        (lambda: FitSettings(truth="BP9"), UnknownName, r"unknown benchmark 'BP9' \(did you mean"),
        (lambda: FitSettings(truth="g_x=1e-3"), InvalidArgument, "at least g_x"),
        (lambda: FitSettings(truth="g_x=5,mass=2"), InvalidArgument, "`g_x` must be at most 1"),
        (
            lambda: FitSettings(truth="g_x=nan,mass=2"),
            InvalidArgument,
            "`g_x` must be finite and not negative; got nan",
        ),
        (lambda: FitSettings(truth="g_x=1e-3,mass=-2"), InvalidArgument, "`mass` must be finite and positive"),
        (
            lambda: FitSettings(truth="g_x=1e-3,mass=2", truth_mixing="free"),
            InvalidArgument,
            "`truth` must be given with eps_x=... where `truth_mixing` is 'free'",
        ),
        (lambda: FitSettings(("nope",)), UnknownName, "unknown experiment 'nope'"),
        (lambda: FitSettings(("ess:mass=2",)), UnknownName, "override of experiment 'ess' 'mass'"),
        (lambda: FitSettings(("ess:mass_ton",)), InvalidArgument, "name:override=value"),
        (lambda: FitSettings(mixing="nan"), InvalidArgument, "or a finite number; got 'nan'"),
        (lambda: FitSettings(truth_mixing="inf"), InvalidArgument, "or a finite number; got 'inf'"),
        (lambda: Comparing(mixings=("paper", "paper")), InvalidArgument, "`mixings` must be different rules"),
        (lambda: Comparing(mixings=("-0.02", "-0.020")), InvalidArgument, "`mixings` must be different rules"),
        (lambda: Comparing(mixings=("nan",)), InvalidArgument, "or a finite number; got 'nan'"),
        (lambda: parse_experiment("ess:mass_ton"), InvalidArgument, "name:override=value"),
        (lambda: parse_experiment("ess:mass=2"), UnknownName, "did you mean 'mass_ton'"),
        (lambda: parse_truth("g=1,mass=2", lmt.LMU), UnknownName, "parameter of `truth` 'g'"),
        (lambda: parse_truth("g_x=1e-3", lmt.LMU), InvalidArgument, "at least g_x"),
        (lambda: parse_truth("g_x=a,mass=2", lmt.LMU), InvalidArgument, "`truth` must be numbers"),
        (lambda: parse_truth("g_x=1e-3,mass=2", lmt.LMU), InvalidArgument, "it is 'free'"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_projections_have_no_published_data_which_is_said_before_there_is_a_folder(tmp_path):
    settings = FitSettings(("ess", "muon-g2-2025"), data="observed")
    for job, what in ((fit, settings), (contours, settings), (compare, Comparing(settings))):
        with pytest.raises(InvalidArgument, match="needs observed data in every experiment; ess is a projection"):
            job(what, tmp_path / "out")
    assert not [*tmp_path.iterdir()]


def test_unknown_settings_in_a_file_are_named(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"sed": 1}')
    with pytest.raises(UnknownName, match="'sed' \\(did you mean 'seed'"):
        FitSettings.from_file(path)
    path.write_text("{")
    with pytest.raises(InvalidArgument, match="must be a file of settings"):
        FitSettings.from_file(path)
