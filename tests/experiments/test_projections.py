"""Projections that are rows of a table: a published reach, count or spectrum against ours; what they share."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import spherical_jn

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.xenon_detectors import detectors
from lmtbayes.gauge.models import LMU_LTAU, HiddenPhoton

LN_10 = np.log(10.0)
"""Events that a Poisson law excludes at 90 % when none is seen."""
NAMES = (
    "na64mu-2023",
    "na64mu-run4",
    "m3-phase-2",
    "dune-trident",
    "coh-ar-750",
    "coh-ge-mini",
    *(f"{d}-{c}" for d in ("xlzd-60", "xlzd-80", "pandax-xt") for c in ("nr", "er", "nr+er")),
)


def test_they_are_registered_as_projections():
    assert set(NAMES) <= set(lmt.experiment_names())
    for name in ("na64mu-2023", "m3-phase-2", "dune-trident", "coh-ge-mini", "xlzd-60-nr"):
        exp = lmt.experiment(name)
        assert (exp.status, exp.observed) == ("projection", None), name


def published(curve):
    table = tables.read(curve)
    return table["mass_mev"], table["g_x"]


# -- muon beams -------------------------------------------------------------------------------------------------------


def reach(exp, masses, published_for):
    """Coupling of ln 10 events over a published one; events go as its square."""
    events = np.asarray(exp.signal_counts(LMU_LTAU, HiddenPhoton(published_for, masses, 0.0)))[:, 0]
    return np.sqrt(LN_10 / events)


def test_m3_phase_2_reaches_what_is_published():
    # From 3 MeV to 2.6 GeV, 32 points; 20 %: window, efficiency and background are not in the paper's abstract.
    masses, curve = published("constraints/m3_phase2")
    ratio = reach(lmt.experiment("m3-phase-2"), masses, curve)
    print(f"\nm3-phase-2: g/published = {ratio.min():.2f} to {ratio.max():.2f}")
    assert np.all((ratio > 0.80) & (ratio < 1.20))


def test_run_4_of_na64mu_against_the_published_final_phase():
    # The curve's number of muons is not stated, so that a third is what can be asked for. Above the muons' threshold
    # the curve is that of a boson that decays to dark matter: it does not rise there.
    masses, curve = published("constraints/na64mu_final")
    light = masses < 160.0
    ratio = reach(lmt.experiment("na64mu-run4"), masses[light], curve[light])
    print(f"\nna64mu-run4: g/published = {ratio.min():.2f} to {ratio.max():.2f}")
    assert light.sum() >= 10
    assert np.all((ratio > 1.0) & (ratio < 1.35))


def test_the_run_of_2023_is_that_of_2022_with_more_muons():
    masses, curve = published("muon_beam/na64mu_2022_exclusion")
    run = lmt.experiment("na64mu-2023")
    np.testing.assert_allclose(reach(run, masses, curve * np.sqrt(1.98e10 / 1.5e11)), 1.0, rtol=1e-4)
    # One detector and one published limit: one nuisance for all of its runs, and a fit of both counts nothing twice.
    runs = [lmt.experiment(name) for name in ("na64mu-2022", "na64mu-2023", "na64mu-run4")]
    names = lmt.JointLikelihood(runs, LMU_LTAU, {e.name: np.zeros(1) for e in runs}, check=False).nuisance_names
    assert sorted(names) == ["efficiency_na64mu-2022", "form_factor_lead"]
    # An efficiency of one's own is another one.
    own = lmt.experiment("na64mu-2023", efficiency=0.2)
    assert [n.name for n in own.nuisances] == ["form_factor_lead", "efficiency_na64mu-2023"]
    assert float(own.efficiency(15.0)) == pytest.approx(0.2)


# -- tridents ---------------------------------------------------------------------------------------------------------


def test_reach_of_dune_is_the_published_one():
    # arXiv:1902.08579: 5 years each of 47.6 and 40.7 tridents, 5 % on the normalisation of each mode, 90 %, no
    # background. 10 %: one energy stands for the beam (4 % in g), and their cuts are not ours.
    dune = lmt.experiment("dune-trident")

    def chi2(ratio):
        return sum((ratio - 1.0) ** 2 / (ratio / (5.0 * events) + 0.05**2) for events in (47.6, 40.7))

    at_limit = brentq(lambda ratio: chi2(ratio) - 1.645**2, 1.001, 2.0)
    assert at_limit == pytest.approx(1.10, abs=0.005)
    masses, curve = published("tridents/dune_reach")
    found = []
    for mass in masses:
        first, second = np.asarray(dune.coefficients(jnp.asarray(mass)))
        product = (-first + np.sqrt(first**2 + 4.0 * second * (at_limit - 1.0))) / (2.0 * second)
        found.append(np.sqrt(product))
    ratio = np.array(found) / curve
    print(f"\ndune-trident: g/published = {ratio.min():.2f} to {ratio.max():.2f} at {masses.size} masses")
    assert np.all(np.abs(ratio - 1.0) < 0.10)


def test_dune_knows_r_to_a_quarter():
    dune = lmt.experiment("dune-trident")
    expected = dune.expected(LMU_LTAU, HiddenPhoton.none())
    np.testing.assert_allclose(expected, [1.0])
    fall = dune.term.log_prob(expected, expected) - dune.term.log_prob(expected + 0.25, expected)
    assert float(fall[0]) == pytest.approx(0.5)
    # CCFR's published limit at 10 MeV, two of its standard deviations, is four and more of DUNE's: a light boson gains
    # where neutrinos are slow.
    ratio = float(dune.expected(LMU_LTAU, HiddenPhoton(8.2355e-4, 10.0, 0.0))[0])
    assert (ratio - 1.0) / 0.25 > 4.0


# -- xenon ------------------------------------------------------------------------------------------------------------


def integral(function, low, high):
    nodes, weights = np.polynomial.legendre.leggauss(24)
    # Split at the shells' edges that matter and in between.
    cuts = [c for c in (low, 0.94, 1.15, 2.5, 5.0, 5.3, 10.0, 17.0, high) if low <= c <= high]
    points = [0.5 * (b - a) * (nodes + 1.0) + a for a, b in itertools.pairwise(cuts)]
    scales = [0.5 * (b - a) * weights for a, b in itertools.pairwise(cuts)]
    return float(np.concatenate(scales) @ function(np.concatenate(points)))


def test_xlzd_solar_electrons_and_background_are_those_of_its_public_simulation():
    # FlamTeam/flamedisx: 54.759 solar neutrinos, 42.682 of 136Xe, 7.84 of 214Pb and 32.256 of 85Kr a tonne and year,
    # in 0.6 to 23 keV.
    exp = lmt.experiment("xlzd-60-er", exposure_tyr=1.0)
    solar = integral(lambda e: np.asarray(exp.differential_rate(LMU_LTAU, HiddenPhoton.none(), e)).ravel(), 0.6, 23.0)
    background = integral(detectors()["xlzd-60"].background_rate, 0.6, 23.0)
    print(f"\nxlzd: {solar:.1f} solar and {background:.1f} others in 0.6-23 keV and 1 t yr, published 54.8 and 82.8")
    assert solar == pytest.approx(54.759, rel=0.03)
    assert background == pytest.approx(42.682 + 7.84 + 32.256, rel=0.02)


def test_the_two_sizes_of_xlzd_are_one_detector():
    small, large = (lmt.experiment(f"xlzd-{mass}-er") for mass in (60, 80))
    none = HiddenPhoton.none()
    np.testing.assert_allclose(large.expected_counts(LMU_LTAU, none), small.expected_counts(LMU_LTAU, none) * (80 / 60))
    assert {n.name for n in small.nuisances} == {n.name for n in large.nuisances}
    assert (small.title, large.title) == ("XLZD (60 t) ER", "XLZD (80 t) ER")
    with pytest.raises(InvalidArgument, match="'xlzd-60-er' and 'xlzd-80-er' both hold"):
        lmt.JointLikelihood([small, large], LMU_LTAU, {e.name: np.ones(e.n_bins) for e in (small, large)}, check=False)


# -- COHERENT ---------------------------------------------------------------------------------------------------------


def test_germanium_against_the_collaborations_code():
    # Counts per keV, kg and GWh for a form factor of one: sns_diff_rates of emmaeline/Ge_paper_signalExpectation.
    public = {0.1: 0.499255, 1.0: 0.478518, 5.0: 0.397055}
    protons = 3.6e12 / (1050.0 * 1.602176634e-13)
    ge = lmt.experiment("coh-ge-mini", mass_ton=1e-3, protons_per_year=protons)
    for energy, counts in public.items():
        # Helm by hand (Lewin and Smith), mean nucleus.
        q = np.sqrt(2.0 * 72.63 * 931.494 * energy * 1e-3) / 197.327
        radius = np.sqrt((1.23 * 72.63 ** (1 / 3) - 0.6) ** 2 + 7 / 3 * np.pi**2 * 0.52**2 - 5 * 0.9**2)
        form = 3.0 * spherical_jn(1, q * radius) / (q * radius) * np.exp(-0.5 * (q * 0.9) ** 2)
        own = float(ge.differential_rate(LMU_LTAU, HiddenPhoton.none(), energy)) / form**2
        # They have radiative corrections, 2 %.
        assert own == pytest.approx(counts, rel=0.03), energy


def test_argon_against_the_collaborations_prediction_for_cenns_10():
    # 128 +- 17 in 24.4 kg, 13.8e22 protons, 0.09 neutrinos of each kind, 27.5 m (arXiv:2003.10630, 2006.12659).
    exp = lmt.experiment("coh-ar-750")
    counts = float(np.sum(exp.signal_counts(LMU_LTAU, HiddenPhoton.none())))
    scaled = counts * 24.4 / 610.0 * (13.8e22 * 0.09) / (2.14e23 * 0.09627)
    print(f"\ncoh-ar-750: {counts:.0f} a year, {scaled:.0f} in the exposure of CENNS-10, published 128 +- 17")
    assert abs(scaled - 128.0) < 17.0


def test_argon_is_counted_once_and_detectors_at_one_source_share_its_normalisation():
    model = LMU_LTAU
    small, next_one, ge = (lmt.experiment(name) for name in ("cenns610", "coh-ar-750", "coh-ge-mini"))
    with pytest.raises(InvalidArgument, match="'cenns610' and 'coh-ar-750' both hold"):
        lmt.JointLikelihood([small, next_one], model, {e.name: np.ones(4) for e in (small, next_one)}, check=False)
    like = lmt.JointLikelihood([next_one, ge], model, {e.name: np.ones(4) for e in (next_one, ge)}, check=False)
    assert {"systematic_sns", "radius_argon", "radius_germanium"} <= set(like.nuisance_names)
