"""The command line: what it prints, what it writes, how it fails."""

import sys

import pytest
from typer.testing import CliRunner

from lmtbayes.cli import app, main

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
    assert run(app, ["--version"]).output.strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rates", "na64"], "unknown experiment 'na64' (did you mean 'na64mu'"),
        (["rates", "na64mu", "--point", "BP7"], "unknown benchmark 'BP7'"),
        (["rates", "na64mu", "--model", "lmu-tau"], "`model` must be one of"),
        (["rates", "na64mu", "--point", "g_x=1e-3,mass=-1,eps_x=0"], "finite and positive [MeV]; got -1.0"),
        (["rates", "ess", "--out", "x.gif"], "`out` must be one of '.png', '.pdf', '.svg'"),
        (["figures", "--only", "fig99"], "unknown figure 'fig99'"),
    ],
)
def test_an_error_is_one_sentence_on_stderr(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lmtbayes", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
