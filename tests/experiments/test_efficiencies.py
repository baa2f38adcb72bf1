"""Every shipped efficiency of xenon against the table that it was made from: nothing is lost between."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest

from lmtbayes import tables
from lmtbayes.experiments.er_searches import search_response
from lmtbayes.experiments.registry import experiment_names
from lmtbayes.experiments.solar_8b import run_efficiencies
from lmtbayes.experiments.xenon_detectors import WINDOW_KEVEE, detectors, response


def _published():
    with Path(__file__).with_name("published_efficiencies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for key, group in itertools.groupby(rows, lambda row: (row["table"], row["curve"])):
        yield key, np.array([[float(row["energy_kev"]), float(row["efficiency"])] for row in group]).T


PUBLISHED = dict(_published())


def shipped(table, curve):
    """The efficiency that an experiment uses, none of its thresholds lowered."""
    if table == "efficiency_8b":
        return run_efficiencies((curve,)).runs[0]
    if table == "efficiency_er_searches":
        return search_response(curve).efficiency
    recoil = table.removeprefix("efficiency_")
    return response(detectors()[curve], recoil, recoil, WINDOW_KEVEE).efficiency


def test_no_curve_is_left_out():
    for table in ("efficiency_nr", "efficiency_er", "efficiency_er_searches"):
        assert {c for t, c in PUBLISHED if t == table} == set(tables.read(f"xenon/{table}")) - {
            "energy_kevnr",
            "energy_kevee",
        }
    assert {c for t, c in PUBLISHED if t == "efficiency_8b"} == set(tables.read("xenon/efficiency_8b")["run"])
    assert {c for t, c in PUBLISHED if t == "efficiency_er_searches"} <= set(experiment_names())


@pytest.mark.parametrize(("table", "curve"), PUBLISHED)
def test_shipped_efficiency_is_the_published_one(table, curve):
    """To 0.2 % wherever a curve is known; 1e-5 where it is nearly nothing. Flat above an ER search's plateau."""
    energy, efficiency = PUBLISHED[table, curve]
    used = shipped(table, curve)
    seen = (energy >= used.floor_kev) & (energy <= (used.plateau_kev if "searches" in table else np.inf))
    np.testing.assert_allclose(used(energy[seen]), efficiency[seen], rtol=2e-3, atol=1e-5)
    assert np.count_nonzero(seen) > 8


def test_lz_bends_where_its_published_curve_does():
    """Samples 0.1 to 0.25 keV apart, cut at the bends: at 2.5 keVnr the chord of two of them is 2 % below the curve."""
    energy, efficiency = PUBLISHED["efficiency_8b", "lz-2025"]
    before = np.flatnonzero(energy < 2.5)[-2:]  # 2.2 and 2.4: one line leads through them and the bend at 2.51
    slope = np.diff(efficiency[before]) / np.diff(energy[before])
    line = float(efficiency[before[1]] + slope[0] * (2.5 - energy[before[1]]))
    chord = np.interp(2.5, energy, efficiency)
    assert chord == pytest.approx(0.98 * line, rel=2e-3)
    assert shipped("efficiency_8b", "lz-2025")(2.5) == pytest.approx(line, rel=1e-3)
    bends = np.arange(1, 11) * 100.0 / 199.0
    nodes = tables.read("xenon/efficiency_8b")
    np.testing.assert_allclose(nodes["energy_kevnr"][nodes["run"] == "lz-2025"][1:], bends, rtol=1e-6)
