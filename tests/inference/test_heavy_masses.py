"""Beyond 1 GeV: boxes and priors reach as far as an experiment's curve does, and what is computed stays right there."""

import math

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import PriorWarning
from lmtbayes.experiments.limits import published_limit
from lmtbayes.experiments.registry import experiment_reach
from lmtbayes.inference.frequentist.box import Box, scan_size
from lmtbayes.jobs.settings import FitSettings, masses_of
from lmtbayes.parameters import default_masses

FIXED = lmt.LMU_LTAU.with_mixing("paper")
HEAVY = np.geomspace(1e3, 1e5, 13)


@pytest.mark.parametrize(
    ("reaches", "heavy"),
    [
        ((), 1e3),
        (((0.0, math.inf), (0.0, math.inf)), 1e3),
        (((0.5, 2.0), (1.0, 1051.0)), 1e3),  # a curve to 1 GeV, with its fade
        (((203.0, 8075.0), (0.0, math.inf)), 1e4),
        (((4930.0, 62100.0), (203.0, 8075.0)), 1e5),
        (((1e3, 1e7),), 1e5),
    ],
)
def test_the_heavy_edge_is_that_of_the_furthest_curve(reaches, heavy):
    assert default_masses(reaches) == (1.0, heavy)


def test_what_reaches_to_1_gev_keeps_its_box():
    like = lmt.JointLikelihood(["muon-g2-2025", "n-eff"], FIXED, "observed", check=False)
    for box in (Box.of(FIXED, experiments=like.experiments), Box.of(FIXED)):
        np.testing.assert_array_equal(box.low, np.log([1e-5, 1.0]))
        np.testing.assert_array_equal(box.high, np.log([1e-2, 1e3]))
        assert box.scan_points("mass", 24).size == box.scan_points("g_x", 24).size == 24
    assert lmt.priors.default(FIXED, experiments=like.experiments) == lmt.priors.default(FIXED)
    assert FitSettings(("na64mu", "ess:mass_ton=2")).mass == (1.0, 1e3)


def test_a_curve_of_the_likelihood_asks_for_more():
    curves = [published_limit("mine", ([200.0, 3e3], [1e-3, 1e-3])), lmt.experiment("cms-4mu")]
    assert lmt.priors.default(FIXED, experiments=curves[:1]).box["log10_mass"] == (0.0, 4.0)
    box = Box.of(FIXED, experiments=curves)
    assert box.describe() == "g_x 1e-05 to 0.01; mass 1 to 1e+05 MeV"
    assert scan_size("mass", 24, *np.log([1.0, 1e5])) == box.scan_points("mass", 24).size == 40
    # What is given holds.
    assert Box.of(FIXED, {"mass": (2.0, 50.0)}, experiments=curves).limits["mass"] == tuple(np.log([2.0, 50.0]))
    assert lmt.priors.default(FIXED, mass=(2.0, 50.0), experiments=curves) == lmt.priors.default(
        FIXED, mass=(2.0, 50.0)
    )


def test_settings_know_it_before_anything_is_built():
    assert FitSettings(("ess", "cms-4mu:title=CMS")).mass == (1.0, 1e5)
    assert FitSettings(("ess", "cms-4mu"), mass=(1.0, 100.0)).mass == (1.0, 100.0)
    assert FitSettings.from_dict(FitSettings(("babar-4mu",)).to_dict()).mass == (1.0, 1e4)
    assert masses_of(["no such experiment", "na64mu"]) == (1.0, 1e3)
    for name in ("babar-4mu", "belle2-invisible", "cms-4mu", "n-eff"):
        assert experiment_reach(name) == pytest.approx(lmt.experiment(name).mass_range, rel=1e-12)


@pytest.mark.slow
def test_profile_and_evidence_go_there_by_default():
    """By the equation as it is written, with scipy's interpolation and trapezia."""
    like = lmt.JointLikelihood(["cms-4mu"], FIXED, "observed")
    prior = lmt.priors.default(FIXED, experiments=like.experiments)
    curve = tables.read("constraints/cms_4mu")
    log_mass, log_g = np.linspace(0.0, 5.0, 4001) * math.log(10), np.linspace(-5.0, -2.0, 2001) * math.log(10)
    ends = np.log(curve["mass_mev"][[0, -1]])
    log_limit = PchipInterpolator(np.log(curve["mass_mev"]), np.log(curve["g_x"]))(np.clip(log_mass, *ends))
    left = 1.0 - np.clip(np.maximum(ends[0] - log_mass, log_mass - ends[1]) / 0.05, 0.0, 1.0)
    # eps = -g/70: squares of the couplings, production and decays to muons among mu, tau (whose charge is -1) and nu.
    muon, tau = ((1.0 + sign * math.sqrt(4.0 * math.pi / 137.035999177) / 70.0) ** 2 for sign in (-1.0, 1.0))
    strength = (
        muon
        * (3.0 * muon / (muon + tau + 1.0))
        * np.exp(2.0 * (log_g - log_limit[:, None]))
        * (left**2 * (3.0 - 2.0 * left))[:, None]
    )
    density = np.exp(-0.5 * (1.6448536270 * strength) ** 2)
    weights = [np.r_[0.5, np.ones(x.size - 2), 0.5] / (x.size - 1) for x in (log_mass, log_g)]
    direct = math.log(np.einsum("i,ij,j", weights[0], density, weights[1]))
    normal = math.log(1.6448536270 / math.sqrt(2.0 * math.pi))  # of the term, without a boson
    found = lmt.evidence(like, prior, lmt.methods.Cubature(rtol=1e-4))
    assert direct < -0.01
    assert found.log_z - normal == pytest.approx(direct, abs=1e-4)
    with pytest.warns(
        PriorWarning, match=r"'cms-4mu' says nothing at the masses of the prior, 1 to 1000 MeV, but from"
    ):
        nothing = lmt.evidence(like, lmt.priors.default(FIXED))
    assert nothing.log_z == pytest.approx(normal, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("others", "mass"), [([], 1e3), (["cms-4mu"], None)])
def test_a_profiled_mass_is_searched_there(others, mass):
    """g-2 of 2025 at g = 8e-3: 38 is a boson of 3.7 GeV, g^2 m^2/(12 pi^2 M^2); without a curve 1 GeV is the edge."""
    like = lmt.JointLikelihood(["muon-g2-2025", *others], FIXED, "observed")
    profile = lmt.profile_likelihood(like, {"g_x": [8e-3]}, scan_points=32)
    if mass is None:
        observed = 1e-11 * float(like.experiments[0].observed[0])
        coupling = 8e-3 * (1.0 - math.sqrt(4.0 * math.pi / 137.035999177) / 70.0)
        mass = coupling * 105.6583755 / (2.0 * math.pi * math.sqrt(3.0 * observed))
    # 6 (m_mu/M)^2 ln(M/m_mu) of a heavy boson's shift is left out.
    assert float(profile.mass[0]) == pytest.approx(mass, rel=0.01)


KINDS = ("muon-g2-2025", "cenns610", "ccfr-trident", "coherent-csi-2021", "borexino-7be", "lz-8b", "lz-er-ws2022")


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n == KINDS[0] else pytest.mark.slow) for n in KINDS])
def test_a_computed_rate_becomes_that_of_a_contact_interaction(name):
    """The boson's part goes with (g/M)^2 where M is above every momentum: a factor of 100 from 10 to 100 GeV."""
    exp = lmt.experiment(name)
    g_x = 1e-3 * HEAVY / HEAVY[0]
    shifts = np.abs(np.asarray(exp.expected(FIXED, FIXED.hidden_photon(g_x, HEAVY)) - exp.expected(FIXED, _none())))
    largest = shifts.max(axis=0) > 1e-3 * shifts.max()
    ten, hundred = shifts[6, largest], shifts[-1, largest]
    # Tridents carry up to 1 GeV: 2.5 %.
    np.testing.assert_allclose(hundred, ten, rtol=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["na64mu", "na64mu-2022", "m3"])
def test_a_muon_beam_makes_no_boson_heavier_than_it_can(name):
    """Steeper than 1/M^2 all the way, continued beyond the table; below 1e-3 events at 10 GeV for g = 1e-2."""
    counts = np.asarray(lmt.experiment(name).expected(FIXED, FIXED.hidden_photon(1e-2, HEAVY))).sum(axis=-1)
    assert np.all(np.diff(np.log(counts)) / np.diff(np.log(HEAVY)) < -2.0)
    assert counts[6] < 1e-3


def _none():
    return lmt.HiddenPhoton(0.0, 15.0, 0.0)
