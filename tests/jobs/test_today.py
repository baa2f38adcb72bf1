"""The fit of today, on three quick measurements and minimal mixing: what it leaves, that it goes on, what it finds."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs import today as job
from lmtbayes.jobs.settings import FitSettings, masses_of

SETTINGS = FitSettings(
    experiments=("ccfr-trident", "charm2-trident", "n-eff"),
    mixing="paper",
    data="observed",
    chains=4,
    warmup=200,
    draws=200,
    grid=8,
    scope="today",
)


@pytest.mark.slow
def test_published_is_all_data_without_g2():
    names = job.published()
    assert {"na64mu-2022", "coherent-csi-2021", "xenonnt-8b", "ccfr-trident", "n-eff", "cms-4mu"} <= set(names)
    assert not [name for name in names if name.startswith("muon-g2")]
    assert [name for name in names if name.startswith("n-eff")] == ["n-eff"]
    assert [name for name in names if name.startswith("coherent-ge")] == ["coherent-ge-2026"]
    assert [name for name in names if name.startswith("borexino")] == ["borexino-phase2"]
    assert [name for name in names if name.startswith("xenonnt-8b")] == ["xenonnt-8b"]
    assert "xenonnt-s2-2026" not in names
    assert not [name for name in names if lmt.experiment(name).status == "projection"]
    assert "white-dwarfs" not in names
    # As far as CMS searched.
    assert masses_of(names) == (1.0, 1e5)


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    """Folder, summary and names of the fits of a study in one process, interrupted before its third fit."""
    out, fits, told = tmp_path_factory.mktemp("job") / "today", [], []
    real = job.fit

    def interrupted(case, own, **options):
        fits.append(own.name)
        if len(fits) == 3:
            raise KeyboardInterrupt
        return real(case, own, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            job.today(SETTINGS, out, progress=False, suffix="png", say=told.append)
        assert not out.exists()
        told.pop()  # the third is told again
        return out, job.today(SETTINGS, out, progress=False, suffix="png", say=told.append), fits, told


@pytest.mark.slow
@pytest.mark.longest
def test_it_leaves_four_fits_two_comparisons_and_goes_on(today):
    out, summary, fits, _ = today
    # The two that were done are not done again.
    assert fits == ["lmu-ltau_2021", "lmu_2021", "lmu-ltau_2025", "lmu-ltau_2025", "lmu_2025"]

    assert {path.name for path in out.iterdir()} >= {
        "lmu_2021", "lmu-ltau_2025", "comparison_2021.nc", "comparison_2025.nc", "planes.png", "evidences.png",
        "settings.json", "summary.txt",
    }  # fmt: skip
    assert {path.name for path in (out / "lmu_2021").iterdir()} >= {"posterior.nc", "profile.nc", "limit.nc"}
    for year, preset in (("2021", "muon-g2-2021"), ("2025", "muon-g2-2025")):
        assert f"Lmu-Ltau with {preset}" in summary
        with xr.open_dataset(out / f"comparison_{year}.nc", engine="h5netcdf") as table:
            factor = table["log_bayes_factor"].sel(model="Lmu-Ltau", against="no boson")
            # A 4.2 sigma excess wants a boson; a 0.6 sigma one does not.
            assert (float(factor) > 2.0) == (year == "2021")
            # These three and g-2 hold the muon's coupling alone: the models differ by their branching ratios only.
            assert np.isfinite(table["log_z"]).all()


@pytest.mark.slow
@pytest.mark.longest
def test_two_processes_leave_what_one_does(today, tmp_path):
    """And what was interrupted leaves what is done in one go."""
    told = []
    summary = job.today(SETTINGS, tmp_path / "two", progress=False, suffix="png", say=told.append, workers=2)
    assert summary == today[1]
    assert told.count("evidence of Lmu with muon-g2-2025") == 1
    assert sorted(told) == sorted(today[3])


def test_what_cannot_be_is_refused_before_a_fit(tmp_path):
    with pytest.raises(InvalidArgument, match="`workers` must be a whole number of at least 1; got 0"):
        job.today(SETTINGS, tmp_path / "none", workers=0)
    with pytest.raises(InvalidArgument, match="`grid` must be a whole number of at least 5; got 0"):
        job.today(dataclasses.replace(SETTINGS, grid=0), tmp_path / "none")
    assert not list(tmp_path.iterdir())


def test_a_study_is_repeated_from_its_settings(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(SETTINGS.to_dict()))
    assert FitSettings.from_file(path).scope == "today"
