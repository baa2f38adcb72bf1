"""Statements: verdicts and numbers against values worked out elsewhere; none is typed in, and none lacks its words."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

import lmtbayes as lmt
from lmtbayes.paper import band, posteriors, wording
from lmtbayes.paper.statement import AGREES, DIFFERS, IN_KIND
from lmtbayes.paper.statements import fig01, fig13
from lmtbayes.paper.topics import TOPICS
from lmtbayes.sources.oscillation import flavour_probabilities, oscillation


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
    excess = found["table1-excess"]
    assert excess.verdict == AGREES
    assert excess.numbers["sigma_2021"] == pytest.approx(251 / np.hypot(41, 43), rel=1e-9)
    assert excess.numbers["sigma_2025"] == pytest.approx(38.5 / np.hypot(14.5, 62), rel=1e-9)
    assert found["table1-mixing"].numbers["minus_g_over_eps_q0"] == pytest.approx(69.285, abs=1e-3)


def test_fig_4():
    found = judged("fig4")
    assert found["fig4-counts"].verdict == AGREES
    counts = found["fig4-counts"]
    assert "O(1-10)" in counts.claim
    assert "2.5" not in counts.claim, "our own number is no statement of the paper"
    assert counts.numbers["lowest_paper"] == pytest.approx(2.5, abs=0.05)
    assert counts.numbers["highest_paper"] == pytest.approx(9.6, abs=0.05)
    shapes = found["fig4-shapes"]
    assert shapes.verdict == IN_KIND, "flattest where the bins meet at 60 GeV, not between 60 and 90"
    assert shapes.numbers["flattest_gev_paper"] == 60.0
    assert shapes.numbers["slope_BP4_paper"] < 1 < shapes.numbers["slope_BP1_paper"]
    assert "BP4 peaks" in shapes.default, "the full flux changes the shape, and the report says so"
    covered = found["fig4-band"]
    assert covered.verdict == AGREES
    # The lightest boson is the worst: Delta a_mu is nearly g^2/8 pi^2 (1.5 % less at 1 MeV), the counts go as g^2.
    g_x = math.sqrt(8 * math.pi**2 * (251 - 2 * np.hypot(41, 43)) * 1e-11)
    light = lmt.experiment("na64mu", convention="paper").signal_counts(lmt.LMU_LTAU, lmt.HiddenPhoton(g_x, 1.0, 0.0))
    assert covered.numbers["least_events_paper"] == pytest.approx(float(np.sum(light)), rel=0.05)


def test_branching():
    """Gamma(mu mu)/Gamma(nu nu) = 2 (1 + 2r) sqrt(1 - 4r) a unit charge; one or two neutrino flavours."""
    found = judged("branching")
    s, four = found["branching-invisible"], found["branching-four-muons"]
    assert (s.verdict, four.verdict) == (IN_KIND, AGREES)
    # Charged leptons have twice the width of a flavour of neutrinos: 2/4 against 2/3, and 2/6 above 2 m_tau.
    assert four.numbers["coupling_ratio_2000_mev"] == pytest.approx(math.sqrt(3 / 4), rel=1e-3)
    assert four.numbers["coupling_ratio_20000_mev"] == pytest.approx(math.sqrt(1 / 2), rel=1e-3)
    for mass in (250.0, 300.0, 500.0, 1000.0):
        r = (105.6583755 / mass) ** 2
        muons = 2 * (1 + 2 * r) * math.sqrt(1 - 4 * r)
        assert s.numbers[f"br_inv_Lμ_{mass:g}_mev"] == pytest.approx(1 / (1 + muons), abs=2e-4)
        assert s.numbers[f"br_inv_Lμ-Lτ_{mass:g}_mev"] == pytest.approx(2 / (2 + muons), abs=2e-4)


@pytest.mark.slow
def test_fig_6_and_10():
    spallation = judged("fig6")
    deficit, mass = spallation["fig6-deficit"], spallation["fig6-mass"]
    assert deficit.verdict == mass.verdict == AGREES
    # The momentum transfer sqrt(2 M_N E_R) on 40Ar at the threshold and at twice it.
    low, high = (math.sqrt(2 * 37211.0 * kev * 1e-3) for kev in (20.0, 40.0))
    assert low < mass.numbers["half_effect_mev_ess_paper"] < high
    assert mass.numbers["half_effect_mev_ess10_paper"] < 0.5 * low
    assert mass.numbers["slope_ess_paper"] == pytest.approx(-2.0, abs=0.03)
    assert deficit.numbers["ess10_first_default_BP1"] < deficit.numbers["ess10_first_default_BP4"] < 1
    found = judged("fig10")
    nuclear, electron = found["fig10-nuclear"], found["fig10-electron"]
    assert nuclear.verdict == electron.verdict == AGREES
    assert nuclear.numbers["change_percent_Lμ-Lτ_paper"] > 0 > nuclear.numbers["change_percent_Lμ-Lτ_default"]
    assert "θ_23" in nuclear.why, "the sign hangs on the oscillation parameters: it must be said"
    assert electron.numbers["change_percent_Lμ-Lτ_default"] > 0
    flavours = found["fig10-flavours"]
    assert flavours.verdict == AGREES
    for convention, name in (("paper", "paper-2021"), ("default", "nufit-6.1-ic24")):
        at_ten = np.asarray(flavour_probabilities("8b", 10.0, oscillation(name)))
        got = [flavours.numbers[f"p_{flavour}_{convention}"] for flavour in ("mu", "tau")]
        np.testing.assert_allclose(got, at_ten[1:], atol=0.005)


def test_background_of_136_xe_is_that_of_its_half_life():
    """2.165e21 years, Primakoff and Rosen's spectrum of the two electrons; table fitted to a figure: 5 %."""
    end, electron = 2457.83 / 510.999, 510.999

    def shape(t):
        return t * (end - t) ** 5 * (1 + 2 * t + 4 * t**2 / 3 + t**3 / 3 + t**4 / 30)

    decays = math.log(2) / 2.165e21 * 6.02214e29 / 131.293 * 0.08857
    at = fig13.HIGH_KEVEE / electron
    expected = decays * np.mean(shape(at)) / quad(shape, 0, end)[0] / electron
    rates = fig13.rates_at_high_energy("paper")
    assert rates["136Xe"] == pytest.approx(expected, rel=0.05)
    assert max(rates, key=rates.__getitem__) == "136Xe"


def test_reach_along_the_band():
    falling = 1.0 - np.log(band.MASSES) / math.log(20.0)
    never = np.full(band.MASSES.size, -np.inf)
    found = band.reach(np.stack([never, falling, np.ones(band.MASSES.size)]))
    assert found == pytest.approx({"lower edge": 0.0, "centre": 20.0, "upper edge": 2 * 105.6583755}, rel=1e-6)
    assert band.words(found, "reach") == "reach the centre up to 20 MeV, the upper edge up to 211 MeV"
    assert band.words(dict.fromkeys(found, 0.0)) == "reach none of the band"
    bosons = band.photons()
    shifts = np.asarray(lmt.delta_a_mu(lmt.HiddenPhoton(bosons.g_x, bosons.mass, 0.0))) / 1e-11
    edges = 251 + np.array([-2.0, 0.0, 2.0]) * np.hypot(41, 43)
    np.testing.assert_allclose(shifts, np.broadcast_to(edges[:, None], shifts.shape), rtol=1e-6)


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
    mass, handful = nuclear["fig11-mass"], nuclear["fig11-handful"]
    assert mass.verdict == AGREES
    assert handful.verdict == IN_KIND
    assert 0.1 < handful.numbers["events_lz_paper"] < 1.0
    # Eq. 38 with many events is S/sqrt(B) = 5.
    at = float(mass.numbers["highest_mev_centre_paper"])
    exp = lmt.experiment("darwin-nr", convention="paper", threshold_kev=1.0, exposure_tyr=100.0)
    g_x = math.sqrt(251e-11 / float(lmt.delta_a_mu(lmt.HiddenPhoton(1.0, at, 0.0))))
    counts = [
        float(np.sum(exp.signal_counts(lmt.LMU_LTAU, p)))
        for p in (lmt.HiddenPhoton(0.0, at, 0.0), lmt.HiddenPhoton(g_x, at, -g_x / 70))
    ]
    assert (counts[1] - counts[0]) / math.sqrt(counts[0]) == pytest.approx(5.0, rel=0.05)
    assert [electron[f"fig13-{key}"].verdict for key in ("only-bp1", "xenon-136")] == [AGREES, AGREES]
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
