"""Statements: verdicts and numbers against values worked out elsewhere; none is typed in, and none lacks its words."""

import math

import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.paper import posteriors, wording
from lmtbayes.paper.statement import AGREES, DIFFERS, IN_KIND
from lmtbayes.paper.statements import fig01
from lmtbayes.paper.topics import TOPICS


def judged(topic):
    found = {s.key: s for s in TOPICS[topic].judge()}
    for key, s in found.items():
        assert key.startswith(topic)
        assert all(isinstance(value, float | np.floating) for value in s.numbers.values())
        for text in (s.where, s.claim, s.paper, s.default):
            assert text
            assert "nan" not in text
    return found


def test_table_1():
    """251 +- 59, and Eq. 13's limits: a light boson gives g^2/8 pi^2, a heavier one less."""
    found = judged("table1")
    band = found["table1-band"]
    assert band.verdict == AGREES
    for name, photon in lmt.BENCHMARKS.items():
        shift = band.numbers[f"delta_a_mu_1e11_{name}"]
        assert 0 < shift < 1e11 * float(photon.g_x) ** 2 / (8 * np.pi**2)
        assert band.numbers[f"pull_2021_{name}"] == pytest.approx((shift - 251) / np.hypot(41, 43), rel=1e-9)
        assert band.numbers[f"pull_2025_{name}"] == pytest.approx((shift - 38.5) / np.hypot(14.5, 62), rel=1e-9)
    assert found["table1-mixing"].numbers["minus_g_over_eps_q0"] == pytest.approx(69.285, abs=1e-3)


def test_fig_4():
    found = judged("fig4")
    assert found["fig4-counts"].verdict == AGREES
    assert found["fig4-counts"].numbers["lowest_paper"] == pytest.approx(2.5, abs=0.05)
    assert found["fig4-counts"].numbers["highest_paper"] == pytest.approx(9.6, abs=0.05)
    shapes = found["fig4-shapes"]
    assert shapes.verdict == AGREES
    assert shapes.numbers["slope_BP4_paper"] < 1 < shapes.numbers["slope_BP1_paper"]
    assert "BP4 peaks" in shapes.default, "the full flux changes the shape, and the report says so"


def test_branching():
    """Gamma(mu mu)/Gamma(nu nu) = 2 (1 + 2r) sqrt(1 - 4r) a unit charge; one or two neutrino flavours."""
    (s,) = judged("branching").values()
    assert s.verdict == IN_KIND
    for mass in (250.0, 300.0, 500.0, 1000.0):
        r = (105.6583755 / mass) ** 2
        muons = 2 * (1 + 2 * r) * math.sqrt(1 - 4 * r)
        assert s.numbers[f"br_inv_Lμ_{mass:g}_mev"] == pytest.approx(1 / (1 + muons), abs=2e-4)
        assert s.numbers[f"br_inv_Lμ-Lτ_{mass:g}_mev"] == pytest.approx(2 / (2 + muons), abs=2e-4)


def test_fig_6_and_10():
    (deficit,) = judged("fig6").values()
    assert deficit.verdict == AGREES
    assert deficit.numbers["ess10_first_default_BP1"] < deficit.numbers["ess10_first_default_BP4"] < 1
    found = judged("fig10")
    nuclear, electron = found["fig10-nuclear"], found["fig10-electron"]
    assert nuclear.verdict == electron.verdict == AGREES
    assert nuclear.numbers["change_percent_Lμ-Lτ_paper"] > 0 > nuclear.numbers["change_percent_Lμ-Lτ_default"]
    assert "θ_23" in nuclear.why, "the sign hangs on the oscillation parameters: it must be said"
    assert electron.numbers["change_percent_Lμ-Lτ_default"] > 0


def test_published_limits_of_fig_1():
    """White dwarfs: g/M < 0.049/GeV, as far as the published line is straight; below its lightest mass no limit."""
    for name in ("BP1", "BP2", "BP3"):
        photon = lmt.BENCHMARKS[name]
        expected = 0.049e-3 * float(photon.mass) / float(photon.g_x)
        assert fig01.edge_over_coupling("white_dwarfs", name) == pytest.approx(expected, rel=0.03)
    assert fig01.edge_over_coupling("babar_4mu", "BP4") == math.inf


@pytest.mark.slow
def test_discovery():
    nuclear, electron = judged("fig11"), judged("fig13")
    assert nuclear["fig11-bp1"].numbers["exposure_tyr_paper_BP1"] == pytest.approx(100, rel=0.1)
    assert nuclear["fig11-bp1"].numbers["exposure_tyr_default_BP1"] == math.inf
    assert electron["fig13-bp1"].numbers["exposure_tyr_paper_BP1"] == pytest.approx(400, rel=0.2)
    together = judged("fig14")
    for s in (nuclear["fig11-planned"], electron["fig13-planned"], together["fig14-planned"]):
        assert s.verdict == AGREES
        assert min(s.numbers.values()) > 20.0


@pytest.mark.slow
def test_posterior_of_na64mu_narrows_the_coupling_only():
    """The counts go as g^2: with N events of one mass g is known to 1/(2 sqrt(N)), and the mass widens that."""
    events = float(
        np.sum(lmt.experiment("na64mu", convention="paper").signal_counts(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"]))
    )
    width = posteriors.widths("BP1", "paper")
    floor = 2 * 0.5 / math.sqrt(events) / math.log(10)
    assert floor < width["g_x"]["NA64μ"] < 3 * floor
    assert width["eps_x"]["NA64μ"] == pytest.approx(0.6826 * 3, rel=0.03)
    assert width["eps_x"]["+ ESS, ESS10"] < 0.5 * width["eps_x"]["NA64μ"]


def test_words():
    assert wording.number(math.inf) == "never"
    assert wording.number(-0.004, ".1f") == "0.0"
    assert wording.number(-0.04, "+.2f") == "-0.04"
    assert wording.number(61459103.4) == "6.15 × 10^7"
    assert wording.by_benchmark({"BP1": 0.914, "BP2": 0.9}, ".2f", "t") == "BP1 0.91, BP2 0.90 t"
    assert wording.exposures({"BP1": 93.48, "BP2": math.inf}) == "BP1 93.5, BP2 never t yr"
    assert wording.exposures({"BP1": math.inf, "BP2": math.inf}) == "never"
    assert wording.near(93.0, 100.0)
    assert not wording.near(math.inf, 100.0)
    assert not wording.near(130.0, 100.0)
    assert (wording.verdict(True), wording.verdict(False, True), wording.verdict(False)) == (AGREES, IN_KIND, DIFFERS)
    assert wording.names([]) == "none"
