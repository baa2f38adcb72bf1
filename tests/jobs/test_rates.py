"""`lmtbayes rates`: the table is what the experiment expects, bin by bin."""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from rich.text import Text
from typer.testing import CliRunner

import lmtbayes as lmt
from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.jobs import rates

POINT = "g_x=1e-3,mass=20,eps_x=-1e-5"


def columns(table):
    """Cells by header; both are markup, in which a bracket is escaped."""
    return {Text.from_markup(column.header).plain: list(column.cells) for column in table.columns}


def test_the_table_is_the_expected_counts_of_every_bin():
    exp = lmt.experiment("three-bins-seen", strength=8.0)
    found = columns(rates.table("three-bins-seen:strength=8", ["BP3", POINT], "lmu"))
    photons = {
        "no boson": lmt.HiddenPhoton.none(),
        "BP3": lmt.BENCHMARKS["BP3"],
        POINT: lmt.HiddenPhoton(1e-3, 20.0, -1e-5),
    }
    assert list(found) == ["recoil energy [keV]", "background", *photons, "observed"]
    assert found["recoil energy [keV]"] == ["0-1", "1-2", "2-4", "all"]
    expected = {name: np.asarray(exp.expected_counts(lmt.LMU, photon)) for name, photon in photons.items()}
    expected |= {"background": np.full(3, 2.0), "observed": exp.observed}
    for name, values in expected.items():
        np.testing.assert_allclose([float(x) for x in found[name]], [*values, values.sum()], rtol=1e-3)


def test_a_measurement_is_one_row():
    exp = lmt.experiment("muon-g2-2021")
    found = columns(rates.table("muon-g2-2021", ["BP1"], "lmu-ltau"))
    assert [len(cells) for cells in found.values()] == [1] * len(found)
    expected = float(exp.expected_counts(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"])[0])
    assert float(found["BP1"][0]) == pytest.approx(expected, rel=1e-3)


def test_the_command_prints_the_table_and_draws_all_benchmarks(tmp_path):
    path = tmp_path / "rates.svg"
    command = ["rates", "three-bins", "--all-benchmarks", "--out", str(path)]
    with plt.rc_context({"svg.fonttype": "none"}):
        result = CliRunner().invoke(app, command, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    bp4 = np.asarray(lmt.experiment("three-bins").expected_counts(lmt.LMU_LTAU, lmt.BENCHMARKS["BP4"]))
    for value in (*bp4, bp4.sum()):
        assert f"{value:.4g}" in result.output
    assert path.read_text().lstrip().startswith("<?xml")
    assert [name for name in lmt.BENCHMARKS if f"{name}" not in result.output] == []


def test_what_cannot_be_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match="unknown benchmark 'BP9'"):
        rates.table("three-bins", ["BP9"], "lmu")
    with pytest.raises(InvalidArgument, match="`model` must be one of"):
        rates.table("three-bins", ["BP1"], "mu")
    assert isinstance(CliRunner().invoke(app, ["rates", "three-bin"]).exception, UnknownName)
    assert not list(tmp_path.iterdir())
