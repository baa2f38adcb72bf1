"""The command line: what it prints, what it writes, how it fails."""

import dataclasses
import json
import os
import runpy
import signal
import sys
import warnings
from pathlib import Path

import figures
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import pytest
import typer
from typer.testing import CliRunner

import lmtbayes as lmt
from lmtbayes import cli_process
from lmtbayes.cli import app, main
from lmtbayes.jobs.compare import Comparing
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study

run = CliRunner().invoke


def test_rates_prints_nine_bins_and_writes_a_picture(tmp_path):
    picture = tmp_path / "rates.png"
    result = run(app, ["rates", "na64mu", "--point", "BP4", "--out", str(picture)])
    assert result.exit_code == 0, result.output
    assert [f"{low}-{low + 10}" in result.output for low in range(10, 100, 10)] == [True] * 9
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert list(tmp_path.iterdir()) == [picture]


def test_rates_of_a_measurement_need_no_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(app, ["rates", "muon-g2-2021", "--all-benchmarks"])
    assert result.exit_code == 0
    assert "251" in result.output
    assert not list(tmp_path.iterdir())


def test_version():
    result = run(app, ["--version"])
    assert (result.exit_code, result.output.strip()) == (0, lmt.__version__)


def test_the_module_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["lmtbayes", "-h"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("lmtbayes", run_name="__main__")
    assert stopped.value.code == 0
    assert "Which boson, if any?" in capsys.readouterr().out


def test_an_interrupted_command_says_how_it_goes_on(monkeypatch, tmp_path):
    def killed(*_args, **_options):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal is an interrupt")

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("lmtbayes.jobs.fit.fit", killed)
    monkeypatch.setattr(sys, "argv", ["lmtbayes", "fit", "--out", str(tmp_path / "fit")])
    try:
        with pytest.raises(SystemExit) as stopped:
            main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == 130


def test_a_warning_is_a_sentence():
    before = warnings.formatwarning
    with cli_process.command():
        assert warnings.formatwarning(UserWarning("few events"), UserWarning, "fit.py", 1) == "warning: few events\n"
    assert warnings.formatwarning is before


def test_help_by_one_letter():
    for command in (["fit"], ["study"], ["validate"], []):
        assert run(app, [*command, "-h"]).output == run(app, [*command, "--help"]).output != ""


WRONG = [
    (["rates", "na64"], "unknown experiment 'na64' (did you mean 'na64mu'"),
    (["experiments", "na64"], "unknown experiment 'na64' (did you mean 'na64mu'"),
    (["rates", "na64mu", "--point", "BP7"], "unknown benchmark 'BP7'"),
    (["rates", "na64mu", "--model", "lmu-tau"], "`model` must be one of"),
    (["rates", "na64mu", "--point", "g_x=1e-3,mass=-1,eps_x=0"], "finite and positive [MeV]; got -1.0"),
    (["rates", "ess", "--out", "x.gif"], "`out` must be one of '.png', '.pdf', '.svg'"),
    (["figures", "--only", "fig99"], "unknown figure 'fig99'"),
    (["rates", "na64mu", "--all-benchmarks", "--point", "BP1"], "`--point` must be left out"),
    (["fit", "--grid", "2"], "`grid` must be a whole number of at least 5"),
    (["contours", "--grid", "2"], "`grid` must be a whole number of at least 5"),
    (["fit", "--data", "observed", "--truth", "BP1"], "`--truth` must be left out: with observed data"),
    (["fit", "--data", "observed", "--model", "lmu"], "`--model` must be left out: the fit of all"),
    (["compare", "--data", "observed", "--truth", "BP1"], "`--truth` must be left out"),
    (["study", "toys", "--method", "nuts"], "`--method` must be left out"),
    (["study", "profile", "--size", "7"], "`--size` must be left out"),
    (["study", "toys", "--grid", "7"], "`--grid` must be left out"),
    (["fit", "--experiments", "muon-g2-2021,muon-g2-2025"], "both hold 'muon-g2'"),
    (["fit", "--experiments", "na64mu:name=../../../evil"], "`name` must be a name of letters, digits, '-', '+'"),
    (["fit", "--experiments", "na64mu,na64mu"], "`experiments` must have different names; 'na64mu' appears 2 times"),
    (["fit", "--chains", "0"], "`chains` must be a whole number of at least 1; got 0"),
    (["fit", "--chains", "2", "--draws", "20"], "`draws` must be such that 2 chains have 100 together; got 20"),
    (["fit", "--seed", "-1"], "`seed` must be a whole number of at least 0; got -1"),
    (["fit", "--truth", "BP9"], "unknown benchmark 'BP9' (did you mean 'BP4' or 'BP3'?)"),
    (["fit", "--mixing", "nonsense"], "`mixing` must be one of 'free', 'loop', 'loop0', 'paper', 'a number'"),
    (["fit", "--settings", "none.json"], "`settings` must be a file of settings; 'none.json'"),
    (["fit", "--out", "."], "`out` must not exist yet"),
    (["fit", "--format", "gif"], "must be one of '.png', '.pdf', '.svg'; got '.gif'"),
    (["fit", "--plugin", "no_such_module"], "plugin 'no_such_module' cannot be loaded: ModuleNotFoundError"),
    (["experiments", "--plugin", "no_such_module"], "plugin 'no_such_module' cannot be loaded"),
    (["rates", "na64mu:x=1"], "unknown override of experiment 'na64mu' 'x'"),
    (["rates", "na64mu:muons_on_target=-1"], "`muons_on_target` must be finite and positive; got -1.0"),
    (["rates", "na64mu", "--point", "g_x=1,mass=2,mass=3"], "`truth` must be given with each parameter once"),
    (["contours", "--calibration", "none.nc"], "must be a file that Calibration.to_netcdf wrote; got 'none.nc'"),
    (["contours", "--format", "gif"], "must be one of '.png', '.pdf', '.svg'; got '.gif'"),
    (["compare", "--method", "x"], "`method` must be one of 'cubature', 'importance', 'smc', 'nested', 'nss'"),
    (["compare", "--mixings", "paper,x"], "`mixing` must be one of 'free'"),
    (["study", "toy"], "got 'toy' (did you mean 'toys'?)"),
    (["study", "toys", "--chunks", "9:99"], "`chunks` must be first:stop within 0:1; got '9:99'"),
    (["study", "toys", "--chunks", "a"], "`chunks` must be first:stop within 0:1; got 'a'"),
    (["study", "toys", "--workers", "2", "--scheduler", "tcp://x:1"], "`workers` must be left out where a `schedul"),
    (["study", "toys", "--workers", "-1"], "`workers` must be a whole number of at least 0; got -1"),
    (["study", "toys", "--size", "0"], "`size` must be a whole number of at least 1; got 0"),
    (["study", "toys", "--chunk", "0"], "`chunk` must be a whole number of at least 1; got 0"),
    (["study", "toys", "--size", "1000000000", "--chunk", "1"], "each of them a file; at most 1000000"),
    (["study", "toys", "--merge"], "`out` must be the folder of a study, which has settings.json; got 'study'"),
    (["reproduce", "--only", "fig99"], "unknown topic 'fig99' (did you mean 'fig9' or 'fig8'?)"),
    (["reproduce", "--format", "gif"], "`format` must be one of '.png', '.pdf', '.svg'; got '.gif'"),
    (["reproduce", "--workers", "0"], "`workers` must be a whole number of at least 1; got 0"),
    (["validate", "--only", "rate"], "unknown section 'rate' (did you mean 'rates'"),
    (["validate", "--size", "0"], "`size` must be a whole number of at least 1; got 0"),
    (["validate", "--names", "na64"], "unknown entry 'na64' (did you mean 'na64mu'?)"),
    (["figures", "--format", "gif"], "`format` must be one of '.png', '.pdf', '.svg'; got '.gif'"),
    (["design", "--size", "0"], "`size` must be a whole number of at least 2; got 0"),
    (["design", "--next", "x"], "`next` must be LABEL: VARIABLE=VALUE,...; got 'x'"),
    (["export", "none"], "`folder` must be a folder of `lmtbayes fit`, `contours` or `compare`; got 'none'"),
    (["export", ".", "--format", "x"], "`format` must be one of 'csv', 'hepdata', 'latex'"),
    (["cite", "nothing"], "unknown experiment, method or key to cite 'nothing'"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_an_error_is_one_sentence_on_stderr(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lmtbayes", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_how_many_wrong_commands_the_page_says():
    (row,) = [row for row in figures.recorded(figures.UNANSWERED) if row.name == "commands"]
    assert row.size == len(WRONG)


FOUR = "na64mu,ess,ess10,darwin-nr:threshold_kev=1.0"
OF_DATA = {"experiments": FOUR, "truth": "BP1", "model": "lmu-ltau", "mixing": "free", "data": "asimov"}
RANGES = {"g_x": (1e-5, 1e-2), "mass": None, "kappa": (1e-3, 1.0)}
OPTIONS = {
    "fit": OF_DATA
    | RANGES
    | {"truth_model": "lmu-ltau", "published": "observed", "seed": 0, "sampler": "auto", "chains": 16}
    | {"warmup": 500, "draws": 500}
    | {"grid": 40, "settings": None, "out": Path("fit"), "force": False, "progress": True, "suffix": "pdf"}
    | {"evidence": False, "plugins": "", "workers": None},
    "contours": OF_DATA
    | RANGES
    | {"experiments": "na64mu,ess", "mixing": "paper", "published": "observed", "grid": 60, "seed": 0}
    | {"settings": None, "out": Path("contours"), "force": False, "calibration": None, "progress": True}
    | {"suffix": "pdf", "plugins": ""},
    "compare": {"experiments": "na64mu,ess,darwin-nr:threshold_kev=1.0", "truth": "BP1", "truth_model": "lmu-ltau"}
    | {"data": "asimov", "published": "observed", "seed": 0, "mixings": "paper,free", "method": "cubature"}
    | {"settings": None, "out": Path("compare"), "force": False, "suffix": "pdf", "plugins": ""},
    "study": OF_DATA
    | {"task": None, "published": "observed", "seed": 0, "grid": 40, "size": 1000, "chunk": None, "nuisances": None}
    | {"method": "grid", "settings": None, "out": Path("study"), "chunks": None, "scheduler": None, "workers": 0}
    | {"merge": False, "progress": True, "relative_to": None, "plugins": ""},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_and_their_defaults_are_a_contract(name):
    command = typer.main.get_command(app).commands[name]
    assert {p.name: p.default for p in command.params if p.name != "help"} == OPTIONS[name]
    written = {p.name: [*p.opts, *p.secondary_opts] for p in command.params}
    odd = {
        "force": ["--force"],
        "merge": ["--merge"],
        "evidence": ["--evidence"],
        "progress": ["--progress", "--no-progress"],
    }
    odd |= {"suffix": ["--format"], "task": ["task"], "plugins": ["--plugin"]}
    for option in OPTIONS[name]:
        assert written[option] == odd.get(option, [f"--{option.replace('_', '-')}"])


def test_every_option_is_described():
    for name in OPTIONS:
        helped = run(app, [name, "--help"], env={"COLUMNS": "120"}).output
        for words in ("comma-separated names; overrides as name:key=value", "BP1 ... BP4"):
            assert words in helped
        assert [p.name for p in typer.main.get_command(app).commands[name].params if not p.help] == []


def test_defaults_reach_the_job_as_one_object(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr("lmtbayes.jobs.fit.fit", lambda settings, *rest: seen.update(fit=settings) or "")
    monkeypatch.setattr("lmtbayes.jobs.contours.contours", lambda settings, *rest: seen.update(contours=settings) or "")
    monkeypatch.setattr("lmtbayes.jobs.compare.compare", lambda settings, *rest: seen.update(compare=settings) or "")
    monkeypatch.setattr("lmtbayes.jobs.chunks.run", lambda study, *rest, **more: seen.update(study=study))
    for command in (["fit"], ["contours"], ["compare"], ["study", "sbc", "--chunk", "7", "--model", "lmu"]):
        result = run(app, command)
        assert result.exit_code == 0, result.output
    assert seen == {
        "fit": FitSettings(),
        "contours": FitSettings(("na64mu", "ess"), mixing="paper", grid=60),
        "compare": Comparing(FitSettings(("na64mu", "ess", "darwin-nr:threshold_kev=1.0"))),
        "study": Study("sbc", FitSettings(model="lmu", truth_model="lmu"), chunk=7),
    }


def test_the_fit_of_today_reaches_as_far_as_its_data(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("lmtbayes.jobs.today.published", lambda: ("n-eff", "cms-4mu"))
    monkeypatch.setattr("lmtbayes.jobs.today.today", lambda settings, *rest: seen.append(settings) or "")
    result = run(app, ["fit", "--data", "observed"])
    assert result.exit_code == 0, result.output
    assert (seen[0].experiments, seen[0].mass, seen[0].scope) == (("n-eff", "cms-4mu"), (1.0, 1e5), "today")


def test_a_list_fits_the_terminal_and_cuts_no_name(monkeypatch):
    """Names that are long, a title in TeX; the list of all is made the same way (slow)."""
    monkeypatch.setattr(
        "lmtbayes.jobs.listing.experiment_names", lambda: ("muon-g2-2025-wp20", "borexino-7be", "n-eff")
    )
    listed = run(app, ["experiments"], env={"COLUMNS": "80"}).output
    table = listed.partition("\n`")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    assert "$" not in table
    rows = {line.split()[0]: line for line in table.splitlines()}
    assert rows["borexino-7be"].split()[1:4] == ["data", "1", "1"]
    assert rows["borexino-7be"].rstrip().endswith("Borexino ⁷Be")
    assert "N_eff (Planck + BAO)" in rows["n-eff"]
    assert "muon-g2-2025-wp20" in rows


@pytest.mark.slow
def test_every_experiment_is_listed():
    """Each in one piece, at the beginning of a line of its own, also where the terminal is narrow."""
    listed = run(app, ["experiments"], env={"COLUMNS": "80"}).output.splitlines()
    assert [name for name in lmt.experiment_names() if not any(line.startswith(f"{name} ") for line in listed)] == []
    assert "$" not in "".join(listed)
    assert max(map(len, listed)) <= 80


def test_flags_are_shown_as_flags():
    for command in (*OPTIONS, "rates", "reproduce", "validate", "figures"):
        helped = run(app, [command, "--help"], env={"COLUMNS": "100"}).output
        assert "<bool>" not in helped
        assert "BOOLEAN" not in helped
    assert "<bool>" not in run(app, ["--help"]).output


def test_ranges_are_typed_as_two_numbers(monkeypatch, tmp_path, capsys):
    seen = []
    monkeypatch.setattr("lmtbayes.jobs.contours.contours", lambda settings, *rest: seen.append(settings) or "")
    typed = ["--mass", "5", "300", "--g-x", "1e-4", "2e-3", "--seed", "7", "--data", "toy", "--format", "png"]
    result = run(app, ["contours", *typed])
    assert result.exit_code == 0, result.output
    assert (seen[0].mass, seen[0].g_x, seen[0].kappa) == ((5.0, 300.0), (1e-4, 2e-3), (1e-3, 1.0))
    assert (seen[0].seed, seen[0].data) == (7, "toy")
    monkeypatch.setattr(sys, "argv", ["lmtbayes", "contours", "--mass", "300", "5"])
    with pytest.raises(SystemExit):
        main()
    assert "`mass` must be" in capsys.readouterr().err


def test_the_options_of_one_experiment_are_listed():
    listed = run(app, ["experiments", "ess"], env={"COLUMNS": "200"}).output
    assert "nuisances: systematic_ess, radius_argon, sin2_theta_w" in listed
    for option in lmt.experiment_options("ess").records:
        row = next(line for line in listed.splitlines() if line.startswith(f"│ {option.name} "))
        _, name, default, unit, meaning, _ = (cell.strip() for cell in row.split("│"))
        assert (name, default, unit) == (option.name, option.shown, option.unit)
        assert option.meaning.startswith(meaning)


def test_figures_leave_the_numbers_beside_each_picture(monkeypatch, tmp_path):
    def draw(name, convention):
        figure, axis = plt.subplots()
        axis.plot([1.0, 2.0], [3.0, 4.0], label=name)
        axis.set(xlabel=r"$M_{A'}$ [MeV]", title=convention)
        return figure

    monkeypatch.setattr("lmtbayes.paper.draw", draw)
    command = ["figures", "--only", "fig4", "--only", "fig7", "--format", "svg", "--out", str(tmp_path / "f")]
    result = run(app, [*command, "--convention", "paper"])
    assert result.exit_code == 0, result.output
    names = {f"{name}_paper.{ending}" for name in ("fig4", "fig7") for ending in ("svg", "csv")}
    assert {path.name for path in (tmp_path / "f").iterdir()} == names
    text = (tmp_path / "f" / "fig7_paper.csv").read_text().splitlines()
    assert text[0].endswith(": fig7, convention paper")
    assert text[1] == "# panel 1 (paper): x = M_A' [MeV]"
    assert text[-1] == "1 (paper),fig7,line,1,2,4,"


def test_citations():
    assert run(app, ["cite", "na64mu"]).output.strip() == lmt.bibtex("na64mu").strip()


def test_typed_options_change_the_settings_of_a_file(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("lmtbayes.jobs.fit.fit", lambda settings, *rest: seen.append(settings) or "")
    file = tmp_path / "settings.json"
    kept = FitSettings(("ess",), mixing="paper", seed=3, truth="BP2", g_x=(1e-4, 1e-3), truth_mixing="loop0")
    file.write_text(json.dumps(kept.to_dict()))
    assert run(app, ["fit", "--settings", str(file)]).exit_code == 0
    changed = ["--truth", "BP1", "--chains", "4", "--experiments", "ess10,na64mu"]
    assert run(app, ["fit", "--settings", str(file), *changed]).exit_code == 0
    assert seen == [kept, dataclasses.replace(kept, truth="BP1", chains=4, experiments=("ess10", "na64mu"))]


def test_typed_options_change_the_settings_of_a_study(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("lmtbayes.jobs.chunks.run", lambda study, *rest, **more: seen.append(study))
    file = tmp_path / "settings.json"
    kept = Study("toys", FitSettings(("ess",), mixing="paper", seed=3), size=50, nuisances="central")
    file.write_text(json.dumps(kept.to_dict()))
    assert run(app, ["study", "toys", "--settings", str(file)]).exit_code == 0
    changed = ["--size", "70", "--seed", "5", "--model", "lmu"]
    assert run(app, ["study", "toys", "--settings", str(file), *changed]).exit_code == 0
    fit = dataclasses.replace(kept.fit, seed=5, model="lmu", truth_model="lmu")
    assert seen == [kept, dataclasses.replace(kept, fit=fit, size=70)]
