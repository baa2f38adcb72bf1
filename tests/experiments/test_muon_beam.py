"""na64mu and m3: counts against adaptive quadrature, the paper's numbers, Eq. 27, nuisances, gradients, bad input."""

import itertools
import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

import lmtbayes as lmt
from lmtbayes.constants import MUON_MASS
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.beam_setup import counts_per_coupling2, read_setups
from lmtbayes.experiments.muon_beam import muon_beam
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.processes.bremsstrahlung import dsigma_dx

NAMES = ("na64mu", "m3")
THRESHOLD = 2.0 * MUON_MASS
# Lead: atoms per cm^3 and 1 MeV^-2 in cm^2, from numbers typed in afresh (CODATA, PDG).
LEAD_PER_CM3 = 11.35 * 6.02214076e23 / 207.2
CM2 = (197.3269804e-13) ** 2


@pytest.fixture(scope="module")
def na64mu():
    return lmt.experiment("na64mu")


@pytest.fixture(scope="module")
def paper():
    return lmt.experiment("na64mu", convention="paper")


@pytest.fixture(scope="module")
def m3():
    return lmt.experiment("m3")


def _spectrum(muon_energy, mass, convention="default"):
    """dN/dE'_mu per GeV of na64mu per g^2, from the cross section (tested on its own) and 1e11 x 20 cm x 0.3."""
    x = 1.0 - muon_energy / 160.0
    sigma = float(dsigma_dx(x, mass, 160e3, 82.0, 207.2, convention=convention))
    return 1e11 * 0.3 * 20.0 * LEAD_PER_CM3 * CM2 * sigma / 160.0


def _produced(exp, mass):
    """A' in each bin per g_x^2 at the central efficiency by the quadrature that the table is made with."""
    efficiency = np.asarray(exp.efficiency(mass))[..., None]
    return efficiency * counts_per_coupling2(exp.setup, mass, exp.convention)


# -- what is produced -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("convention", ["default", "improved", "paper"])
@pytest.mark.parametrize("mass", [0.02, 50.0, 900.0])
def test_counts_match_adaptive_quadrature_to_1e_6(convention, mass):
    exp = lmt.experiment("na64mu", convention=convention)
    counts = _produced(exp, mass)
    for i in (0, 4, 8):
        low, high = exp.bin_edges[i : i + 2]
        expected, _ = quad(_spectrum, low, high, args=(mass, convention), epsabs=0, epsrel=1e-9)
        assert counts[i] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("convention", ["default", "improved", "paper"])
def test_table_is_good_to_1e_5(name, convention):
    exp = lmt.experiment(name, convention=convention)
    rng = np.random.default_rng(7)
    masses = np.exp(rng.uniform(np.log(0.01), np.log(exp.table.highest), 150))
    table = jax.jit(jax.vmap(exp.table))(masses) * exp.setup.efficiency
    np.testing.assert_allclose(table, _produced(exp, masses), rtol=1e-5)


def test_a_wide_bin_is_divided(na64mu):
    # The window of the 2022 run, from the muon at rest to 80 GeV, where heavy A' crowd at x -> 1.
    setup = replace(na64mu.setup, bin_edges=(0.106, 80.0))
    exp = muon_beam(setup)
    for mass in (15.0, 1000.0):
        cuts = [0.106, 0.3, 1.0, 5.0, 80.0]
        pieces = [quad(_spectrum, a, b, args=(mass,), epsabs=0, epsrel=1e-9)[0] for a, b in itertools.pairwise(cuts)]
        # 1e-5: the spectrum of 1 GeV rises steeply within the last GeV of muon energy.
        assert _produced(exp, mass)[0] == pytest.approx(sum(pieces), rel=1e-5)


def test_bins_add_up(na64mu):
    one = lmt.experiment("na64mu", bin_edges=[10.0, 100.0])
    for mass in (1.0, 100.0, 2000.0):
        assert _produced(one, mass)[0] == pytest.approx(_produced(na64mu, mass).sum(), rel=1e-6)


def test_paper_convention_gives_the_words_on_fig_4(paper):
    counts = {name: np.asarray(paper.expected_counts(LMU_LTAU, photon)) for name, photon in BENCHMARKS.items()}
    everything = np.concatenate(list(counts.values()))
    assert round(everything.min(), 1) == 2.5
    assert round(everything.max(), 1) == 9.6
    for name in ("BP1", "BP2", "BP3"):
        assert np.all(np.diff(counts[name]) > 0.0)
    assert np.all(np.diff(counts["BP4"]) < 0.0)
    assert -np.diff(counts["BP4"])[0] > -np.diff(counts["BP4"])[4]


def test_default_counts_of_the_benchmarks(na64mu):
    # Totals over the window, by adaptive quadrature of the equation.
    for name, photon in BENCHMARKS.items():
        total, _ = quad(_spectrum, 10.0, 100.0, args=(float(photon.mass),), epsabs=0, epsrel=1e-8)
        unmixed = HiddenPhoton(photon.g_x, photon.mass, 0.0)
        counted = float(na64mu.expected_counts(LMU_LTAU, unmixed).sum())
        assert counted == pytest.approx(total * float(photon.g_x) ** 2, rel=1e-5), name
    assert float(na64mu.background_counts.sum()) == 0.0


def test_m3_sees_its_published_reach(m3):
    # Phase 1's 90 % limit (arXiv:1804.03144, digitised): without background it has 2.3 events all along. 35 %: width of
    # the line, window and acceptance that the paper does not spell out. It tests target, flux, kinematics and BR_inv.
    mass = np.array([10.44, 46.41, 99.8, 193.87, 286.0, 601.47, 1080.3])
    g_x = np.array([1.8900e-4, 1.9617e-4, 2.6823e-4, 4.5248e-4, 9.1187e-4, 2.6808e-3, 1.1557e-2])
    events = np.asarray(m3.expected_counts(LMU_LTAU, HiddenPhoton(g_x, mass, 0.0)))[:, 0]
    np.testing.assert_allclose(events, 2.3, rtol=0.35)


# -- coupling, charges, decays ----------------------------------------------------------------------------------------


@given(log_g=st.floats(-6, -1), log_mass=st.floats(-2, np.log10(THRESHOLD) - 1e-9))
def test_counts_go_as_g_squared_and_know_no_tau_below_threshold(log_g, log_mass):
    exp = _cached()
    g_x, mass = 10.0**log_g, 10.0**log_mass
    one = exp.expected_counts(LMU_LTAU, HiddenPhoton(g_x, mass, 0.0))
    two = exp.expected_counts(LMU_LTAU, HiddenPhoton(2.0 * g_x, mass, 0.0))
    np.testing.assert_array_equal(np.asarray(two), 4.0 * np.asarray(one))
    np.testing.assert_array_equal(np.asarray(exp.expected_counts(LMU, HiddenPhoton(g_x, mass, 0.0))), np.asarray(one))


@pytest.mark.parametrize("ratio", [-1 / 70, -0.1, -1.0, 0.3])
@pytest.mark.parametrize(("model", "neutrinos"), [(LMU, 1), (LMU_LTAU, 2)])
def test_mixing_in_the_muons_coupling_and_in_the_decays(na64mu, paper, model, neutrinos, ratio):
    # At 100 MeV and 1e-3 every decay is prompt: (g + eps e)^2 are made, and those that go to e+e- are seen. The width
    # to e+e- is 2 (eps e/g)^2 of that to a neutrino, up to 12 r^2 with r = m_e^2/M^2 (1e-9).
    charge = math.sqrt(4 * math.pi / 137.035999177)
    electrons = 2 * (ratio * charge) ** 2
    expected = (1 + ratio * charge) ** 2 * neutrinos / (neutrinos + electrons)
    mixed, unmixed = HiddenPhoton(1e-3, 100.0, ratio * 1e-3), HiddenPhoton(1e-3, 100.0, 0.0)
    counts = na64mu.expected_counts(model, mixed) / na64mu.expected_counts(model, unmixed)
    np.testing.assert_allclose(counts, expected, rtol=1e-8)
    np.testing.assert_array_equal(paper.expected_counts(model, mixed), paper.expected_counts(model, unmixed))


def test_every_beam_has_it(m3):
    # A boson of 0.5 MeV has no e+e- to decay into.
    charge = math.sqrt(4 * math.pi / 137.035999177)
    for exp in (m3, lmt.experiment("na64mu-2022"), lmt.experiment("na64mu", convention="improved")):
        for ratio, factor in ((-1 / 70, 0.991), (-0.1, 0.940), (-1.0, 0.486)):
            photons = [HiddenPhoton(1e-3, 0.5, eps) for eps in (ratio * 1e-3, 0.0)]
            mixed, unmixed = (np.asarray(exp.expected_counts(LMU_LTAU, photon)) for photon in photons)
            np.testing.assert_allclose(mixed / unmixed, (1 + ratio * charge) ** 2, rtol=1e-9)
            np.testing.assert_allclose(mixed / unmixed, factor, atol=5e-4)


_CACHE = []


def _cached():
    if not _CACHE:
        _CACHE.append(lmt.experiment("na64mu"))
    return _CACHE[0]


def test_charge_of_the_muon_enters_squared(na64mu):
    photon = HiddenPhoton(1e-3, 20.0, 0.0)
    twice = GaugeModel("2Lmu-2Ltau", {"mu": 2, "tau": -2})
    none = GaugeModel("Ltau", {"tau": 1})
    counts = np.asarray(na64mu.expected_counts(LMU_LTAU, photon))
    np.testing.assert_allclose(na64mu.expected_counts(twice, photon), 4.0 * counts, rtol=1e-14)
    np.testing.assert_array_equal(na64mu.expected_counts(none, photon), np.zeros(9))


@pytest.mark.parametrize(("model", "expected"), [(LMU, 0.361), (LMU_LTAU, 0.530)])
def test_prompt_decays_leave_the_invisible_ones(na64mu, model, expected):
    # BR_inv at 300 MeV; at g = 1e-3 an A' of 100 GeV flies 10 micrometres.
    fraction = na64mu.unseen_fraction(model, HiddenPhoton(1e-3, 300.0, 0.0))
    np.testing.assert_allclose(fraction, expected, atol=6e-4)


def test_slow_decays_leave_everything(na64mu):
    np.testing.assert_allclose(na64mu.unseen_fraction(LMU, HiddenPhoton(1e-9, 300.0, 0.0)), 1.0, atol=1e-6)
    np.testing.assert_array_equal(na64mu.unseen_fraction(LMU, HiddenPhoton(0.0, 300.0, 0.0)), 1.0)


def test_eq_27_in_between(na64mu):
    # Lmu, M = 300 MeV, g = 1e-6, written out: L_det = 520 cm, boson energy in the middle of each bin.
    g_x, mass = 1e-6, 300.0
    r = (105.6583755 / mass) ** 2
    to_neutrinos = g_x**2 * mass / (24 * math.pi)
    to_muons = g_x**2 * mass / (12 * math.pi) * (1 + 2 * r) * math.sqrt(1 - 4 * r)
    energies = 1e3 * (160.0 - np.arange(15.0, 100.0, 10.0))
    lengths = np.sqrt(energies**2 - mass**2) / mass * 197.3269804e-13 / (to_neutrinos + to_muons)
    invisible = to_neutrinos / (to_neutrinos + to_muons)
    expected = invisible + (1 - invisible) * np.exp(-520.0 / lengths)
    assert expected.max() - expected.min() > 0.05
    np.testing.assert_allclose(na64mu.unseen_fraction(LMU, HiddenPhoton(g_x, mass, 0.0)), expected, rtol=1e-9)


# -- resolution -------------------------------------------------------------------------------------------------------


def test_resolution_moves_no_bin_by_more_than_2_3_percent(na64mu):
    smeared = lmt.experiment("na64mu", resolution_gev=2.3)
    for photon in BENCHMARKS.values():
        ratio = np.asarray(smeared.expected_counts(LMU_LTAU, photon) / na64mu.expected_counts(LMU_LTAU, photon))
        assert np.all(np.abs(ratio - 1.0) < 0.023)
        assert np.max(np.abs(ratio - 1.0)) > 1e-3


@pytest.mark.parametrize("sigma", [2.3, 8.0])
def test_resolution_is_a_convolution(sigma):
    exp = lmt.experiment("na64mu", resolution_gev=sigma)
    mass = 25.0

    def integrand(energy, low, high):
        return _spectrum(energy, mass) * (norm.cdf((high - energy) / sigma) - norm.cdf((low - energy) / sigma))

    counts = _produced(exp, mass)
    for i in (0, 3, 8):
        low, high = exp.bin_edges[i : i + 2]
        reach = [max(0.106, low - 6 * sigma), low, high, min(high + 6 * sigma, 159.9)]
        expected = sum(
            quad(integrand, a, b, args=(low, high), epsabs=0, epsrel=1e-8)[0] for a, b in itertools.pairwise(reach)
        )
        # 1e-5: muons beyond five standard deviations are left out (6e-7), cubic in each panel.
        assert counts[i] == pytest.approx(expected, rel=1e-5)


# -- differentiable ---------------------------------------------------------------------------------------------------


def _total(exp, model=LMU):
    return lambda g_x, mass: exp.expected_counts(model, HiddenPhoton(g_x, mass, 0.0)).sum()


def test_gradients_match_finite_differences(na64mu):
    masses, couplings = np.meshgrid([0.5, 15.0, 150.0, 230.0, 500.0, 2000.0, 9000.0], [3e-6, 1e-3])
    masses, couplings = masses.ravel(), couplings.ravel()
    total = jax.jit(jax.vmap(_total(na64mu)))
    by_g, by_mass = jax.jit(jax.vmap(jax.grad(_total(na64mu), (0, 1))))(couplings, masses)
    up, down = 1 + 1e-5, 1 - 1e-5
    numeric_g = (total(couplings * up, masses) - total(couplings * down, masses)) / 2e-5
    numeric_mass = (total(couplings, masses * up) - total(couplings, masses * down)) / 2e-5
    # Central differences: 1e-10 from their curvature, 1e-11 of the value from rounding; muon threshold far enough.
    scale = np.asarray(total(couplings, masses))
    np.testing.assert_allclose(by_g * couplings / scale, numeric_g / scale, rtol=1e-6)
    np.testing.assert_allclose(by_mass * masses / scale, numeric_mass / scale, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("convention", ["default", "paper"])
def test_values_and_gradients_are_finite_everywhere(name, convention):
    exp = lmt.experiment(name, convention=convention)
    masses = np.array(
        [1e-4, 1e-2, 1.0, THRESHOLD, np.nextafter(THRESHOLD, 1e9), 3553.86, exp.table.highest, 1e4, 2e4, 1e6]
    )
    couplings = np.array([0.0, 1e-6, 1.0])
    for model in (LMU, LMU_LTAU):
        both = jax.value_and_grad(_total(exp, model), (0, 1))
        value, gradient = jax.jit(jax.vmap(both))(np.repeat(couplings, masses.size), np.tile(masses, 3))
        assert np.all(np.isfinite(value))
        assert np.all(np.isfinite(gradient))
        assert np.all(np.asarray(value) >= 0.0)


def test_rates_fall_beyond_the_table(m3):
    masses = m3.table.highest * np.array([0.99, 1.0, 1.01, 2.0, 10.0])
    counts = m3.expected_counts(LMU_LTAU, HiddenPhoton(1e-2, masses, 0.0))
    assert np.all(np.diff(np.asarray(counts), axis=0) < 0.0)


def test_batches_and_jit_agree_with_single_calls(na64mu):
    photons = HiddenPhoton(jnp.array([[1e-4, 1e-3]]), jnp.array([[10.0], [300.0], [2000.0]]), 0.0)
    batch = jax.jit(lambda p: na64mu.expected_counts(LMU, p))(photons)
    assert batch.shape == (3, 2, 9)
    single = na64mu.expected_counts(LMU, HiddenPhoton(1e-3, 300.0, 0.0))
    np.testing.assert_allclose(batch[1, 1], single, rtol=1e-12)


# -- nuisances, options, data -----------------------------------------------------------------------------------------


def test_the_form_factor_is_the_one_nuisance_and_the_paper_has_none(na64mu, paper, m3):
    assert [nuisance.name for nuisance in na64mu.nuisances] == ["form_factor_lead"]
    assert [nuisance.name for nuisance in m3.nuisances] == ["form_factor_tungsten"]
    assert paper.nuisances == ()
    assert lmt.experiment("na64mu", nuisances=()).nuisances == ()
    photon = BENCHMARKS["BP2"]
    up = na64mu.expected_counts(LMU_LTAU, photon, {"form_factor_lead": 1.04})
    np.testing.assert_allclose(up, 1.04 * na64mu.expected_counts(LMU_LTAU, photon), rtol=1e-14)


def test_an_uncertain_efficiency_is_a_nuisance():
    exp = lmt.experiment("na64mu", efficiency=0.2, efficiency_factor=1.5)
    assert [nuisance.name for nuisance in exp.nuisances] == ["form_factor_lead", "efficiency_na64mu"]
    photon = BENCHMARKS["BP2"]
    exact = lmt.experiment("na64mu", efficiency=0.2).expected_counts(LMU_LTAU, photon)
    np.testing.assert_allclose(exp.expected_counts(LMU_LTAU, photon), exact, rtol=1e-14)
    half = exp.expected_counts(LMU_LTAU, photon, {"efficiency_na64mu": 0.5})
    np.testing.assert_allclose(half, 0.5 * exact, rtol=1e-14)


def test_rates_scale_with_what_they_should(na64mu):
    photon = BENCHMARKS["BP3"]
    more = lmt.experiment("na64mu", muons_on_target=1e12, efficiency=0.15, name="phase-ii")
    assert more.name == "phase-ii"
    assert more.status == "projection"
    assert more.observed is None
    np.testing.assert_allclose(
        more.expected_counts(LMU_LTAU, photon), 5.0 * na64mu.expected_counts(LMU_LTAU, photon), rtol=1e-12
    )


def test_a_beam_of_your_own_with_data():
    setup = replace(read_setups()["na64mu"], name="mine", bin_edges=(10.0, 80.0), observed=(0.0,))
    exp = muon_beam(setup)
    assert exp.status == "data"
    np.testing.assert_array_equal(exp.observed, [0.0])
    with pytest.raises(InvalidArgument, match="`bin_edges` must stay those of the data"):
        replace(setup, bin_edges=(10.0, 40.0, 80.0))
    with pytest.raises(InvalidArgument, match=r"`density_g_cm3` must be at most 23 g/cm\^3 \(kg/m\^3\?\)"):
        replace(setup, density_g_cm3=7874.0)
    with pytest.raises(InvalidArgument, match="`target` must be the name of a material"):
        replace(setup, target="")


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"efficiency": 1.2}, "efficiency"),
        ({"efficiency": 0.0}, "efficiency"),
        ({"efficiency": float("nan")}, "efficiency"),
        ({"efficiency_factor": 0.9}, "efficiency_factor"),
        ({"efficiency_factor": 1e9}, "efficiency_factor"),
        ({"muons_on_target": -1e11}, "muons_on_target"),
        ({"resolution_gev": 0.0}, "resolution_gev"),
        ({"bin_edges": [10.0, 30.0, 20.0]}, "bin_edges"),
        ({"bin_edges": [10.0, 10.0, 20.0]}, "bin_edges"),
        ({"bin_edges": [0.01, 50.0]}, "bin_edges"),
        ({"bin_edges": [10.0, 160.0]}, "bin_edges"),
        ({"bin_edges": [10.0]}, "bin_edges"),
        ({"convention": "printed"}, "convention"),
        ({"name": ""}, "name"),
    ],
)
def test_bad_input_is_named(overrides, named):
    with pytest.raises(InvalidArgument, match=f"`{named}`"):
        lmt.experiment("na64mu", **overrides)


def test_unknown_names_are_met_with_the_known_ones():
    with pytest.raises(UnknownName, match="did you mean 'muons_on_target'"):
        lmt.experiment("na64mu", muon_on_target=1e11)
    with pytest.raises(UnknownName, match="form_factor_lead"):
        lmt.experiment("na64mu", nuisances=("form_factor",))
