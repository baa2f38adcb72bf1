"""Detectors at reactors: counts against quadrature of the equation as written, published rates, charges, interface."""

import itertools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import lmtbayes as lmt
from lmtbayes.detectors.ionisation import GERMANIUM_K, GERMANIUM_K_UNCERTAINTY, Ionisation
from lmtbayes.errors import InvalidArgument, LeftOutWarning, NuisanceConflict, UnknownName
from lmtbayes.experiments.reactor import reactor
from lmtbayes.sources.reactor import reactor_spectrum
from lmtbayes.validation.independent.spallation import HBAR_C_FM, N_A, U, cross_section, helm

GERMANIUM = (
    (70, 69.9242485, 0.2052),
    (72, 71.92207582, 0.2745),
    (73, 72.92345895, 0.0776),
    (74, 73.921177761, 0.3652),
    (76, 75.921402725, 0.0775),
)
SM = lmt.HiddenPhoton.none()
LE_LMU = lmt.GaugeModel("Le-Lmu", {"e": 1, "mu": -1})
SIZE = {"mass_kg": 2.83, "baseline_m": 20.7, "thermal_power_gw": 3.6, "exposure_days": 115.5}
HPGE = Ionisation(32, 0.162, 0.025, noise_kevee=0.05)
PHOTONS = {"SM": (0.0, 10.0, 0.0), "light": (3e-4, 1.0, -8e-6), "heavy": (2e-3, 200.0, 3e-4)}


def written(recoil, energy, m, a, photon, charge=1.0):
    """Eq. 33 [cm^2/MeV] on an isotope of germanium."""
    g, mass, eps = photon
    found = cross_section(recoil, energy, m, 32, a, 0.23857, helm, g, eps, mass, charge, correction=False)
    return found * (HBAR_C_FM * 1e-13) ** 2


def by_hand(photon, low_kev, high_kev=np.inf, seen=np.ones_like):
    """Counts of recoils [keVnr], seen with a probability: midpoints in both energies, Eq. 33 term by term."""
    core = reactor_spectrum()
    mean = sum(m * f for _, m, f in GERMANIUM)
    fissions = 3.6e9 * 115.5 * 86400 / (205.8371 * 1.602176634e-13) / (4 * np.pi * 2070.0**2)
    total = 0.0
    for a, mass_u, fraction in GERMANIUM:
        m = mass_u * U
        edges = np.geomspace(low_kev * 1e-3, min(2 * 10.0**2 / m, high_kev * 1e-3), 301)
        recoil, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
        low = np.sqrt(m * recoil / 2)
        energy = low[:, None] + (10.0 - low)[:, None] * (np.arange(600) + 0.5) / 600
        averaged = np.sum(written(recoil[:, None], energy, m, a, photon) * core(energy), axis=1)
        nuclei = 2830.0 / mean * N_A * fraction
        total += nuclei * fissions * np.sum(averaged * (10.0 - low) / 600 * width * seen(recoil * 1e3))
    return total


def measured(low, high):
    def seen(kev):
        reduced = 11.5 * 32 ** (-7 / 3) * kev
        g = 3 * reduced**0.15 + 0.7 * reduced**0.6 + reduced
        mean = kev * 0.162 * g / (1 + 0.162 * g)
        return norm.cdf(high, mean, 0.05 / 2.35482) - norm.cdf(low, mean, 0.05 / 2.35482)

    return seen


def without_warning(function, *arguments):
    """What is left out of a model with charged electrons is said, and tested below."""
    with pytest.warns(LeftOutWarning):
        return function(*arguments)


@pytest.mark.parametrize("label", [pytest.param(p, marks=pytest.mark.slow if p != "light" else []) for p in PHOTONS])
def test_counts_against_quadrature(label):
    """Eq. 33 as written on 300 x 600 midpoints, which are good to 3e-5; the package's own are good to 1e-6."""
    photon = PHOTONS[label]
    recoil = reactor("recoil", [0.2, 0.5, 1.5], **SIZE)
    found = without_warning(recoil.signal_counts, LE_LMU, lmt.HiddenPhoton(*photon))
    expected = [by_hand(photon, a, b) for a, b in ((0.2, 0.5), (0.5, 1.5))]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    charge = reactor("charge", [0.16, 0.25, 0.6], ionisation=HPGE, **SIZE)
    found = without_warning(charge.signal_counts, LE_LMU, lmt.HiddenPhoton(*photon))
    expected = [by_hand(photon, 0.2, seen=measured(a, b)) for a, b in ((0.16, 0.25), (0.25, 0.6))]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_differential_rate_against_scipy():
    """At single recoils, panel by panel of the spectrum's knots; what is counted is its integral."""
    photon, mine = PHOTONS["light"], reactor("mine", [0.2, 1.0], target="germanium-74", **SIZE)
    core, m = reactor_spectrum(), GERMANIUM[3][1] * U
    assert mine.core == core
    # An isotope shares the radius of its element.
    assert "radius_germanium" in [n.name for n in mine.nuisances]
    kev = np.array([0.05, 0.3, 1.2])
    found = without_warning(mine.differential_rate, LE_LMU, lmt.HiddenPhoton(*photon), kev)
    for value, recoil in zip(found, kev * 1e-3, strict=True):
        low = np.sqrt(m * recoil / 2)
        knots = [low, *(e for e in [*np.arange(0.0125, 2.0, 0.025), 2.0, 4.0, 7.0] if e > low), 10.0]
        integral = sum(
            quad(lambda e, r=recoil: float(written(r, e, m, 74, photon) * core(e)), a, b, epsabs=0, epsrel=1e-9)[0]
            for a, b in itertools.pairwise(np.array(knots) * (1 - 1e-14))
        )
        assert float(value) == pytest.approx(mine.neutrinos * integral * 1e-3, rel=1e-7)
    grid = np.geomspace(0.2, 1.0, 2001)
    rate = without_warning(mine.differential_rate, LE_LMU, lmt.HiddenPhoton(*photon), grid)
    counts = without_warning(mine.signal_counts, LE_LMU, lmt.HiddenPhoton(*photon))
    assert np.trapezoid(rate, grid) == pytest.approx(float(counts[0]), rel=1e-5)


def test_published_rates():
    """CONUS+ (arXiv:2501.05206): 347 +- 59 events of the Standard Model above 160 to 180 eV; 327 kg d.

    No efficiency is published in numbers and the spectrum falls by e in 38 eV: the two thresholds span the number.
    """
    low, high = (
        float(reactor("conus+", [edge, 0.8], ionisation=HPGE, **SIZE).signal_counts(lmt.LMU_LTAU, SM)[0])
        for edge in (0.16, 0.18)
    )
    print(f"CONUS+: {low:.0f} above 160 eV, {high:.0f} above 180 eV; published 347 +- 59")
    assert high < 347.0 < low + 59.0
    assert low == pytest.approx(373.0, abs=3.0)
    # What hangs on the spectrum: 3 %.
    summed = reactor("conus+", [0.16, 0.8], ionisation=HPGE, spectrum="summation", **SIZE)
    assert float(summed.signal_counts(lmt.LMU_LTAU, SM)[0]) == pytest.approx(low, rel=0.03)


def test_only_the_electrons_flavour_acts():
    """Lmu-Ltau and Lmu leave every count as it is, whatever the boson; Le-Lmu does not; quarks may carry charge."""
    mine = reactor("mine", [0.1, 0.3, 1.0], **SIZE)
    standard = np.asarray(mine.signal_counts(lmt.LMU_LTAU, SM))
    bosons = lmt.HiddenPhoton(np.array([1e-4, 1e-2, 1.0]), np.array([1.0, 10.0, 300.0]), np.array([-1e-3, 1e-2, -0.1]))
    for model in (lmt.LMU_LTAU, lmt.LMU):
        assert mine.left_out(model) == ()
        np.testing.assert_allclose(mine.signal_counts(model, bosons), np.tile(standard, (3, 1)), rtol=1e-14)
    boson = lmt.HiddenPhoton(1e-4, 10.0, -1e-4 / 37)
    fewer = without_warning(mine.signal_counts, LE_LMU, boson)
    assert np.all(np.asarray(fewer) < 0.95 * standard)
    le_ltau = lmt.GaugeModel("Le-Ltau", {"e": 1, "tau": -1})
    np.testing.assert_allclose(without_warning(mine.signal_counts, le_ltau, boson), fewer, rtol=1e-14)
    b_minus_l = lmt.GaugeModel("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3}, mixing=0.0)
    # g^2 A/(sqrt2 G_F (q^2 + M^2)) against Q_nuN: nucleus and antineutrino have opposite charges, which attract.
    more = without_warning(mine.signal_counts, b_minus_l, lmt.HiddenPhoton(1e-5, 10.0, 0.0))
    assert np.all(np.asarray(more) > 1.01 * standard)
    with pytest.warns(LeftOutWarning, match="leaves out of model 'Le-Lmu' scattering on electrons"):
        mine.expected_counts(LE_LMU, boson)


def test_gradients_against_differences():
    mine = reactor("mine", [0.16, 0.25, 0.6], ionisation=HPGE, background=20.0, background_uncertainty=0.1, **SIZE)
    names = [n.name for n in mine.declared]
    assert names == ["flux_reactor", "radius_germanium", "sin2_theta_w", "lindhard_k_germanium", "background_mine"]
    x = np.array([2e-4, 5.0, -4e-6, *(float(n.constraint.value(0.3)) for n in mine.declared)])

    @jax.jit
    def total(x):
        photon = lmt.HiddenPhoton.unchecked(x[0], x[1], x[2])
        return mine.expected_counts(LE_LMU, photon, dict(zip(names, x[3:], strict=True))) @ jnp.array([1.0, 2.0])

    slopes = jax.jit(jax.grad(total))(x)
    for i in range(x.size):
        step = np.zeros(x.size)
        step[i] = 1e-4 * abs(x[i])
        # Second differences of a smooth function: 1e-7; cancellation of some 500 counts: 1e-12/1e-4.
        difference = float(total(x + step) - total(x - step)) / (2 * step[i])
        assert float(slopes[i]) == pytest.approx(difference, rel=1e-6, abs=1e-11 / step[i]), (
            ["g", "M", "eps", *names]
        )[i]


@pytest.mark.slow
def test_nuisances_do_what_they_say():
    mine = reactor("mine", [0.16, 0.25, 0.6], ionisation=HPGE, background=[30.0, 5.0], efficiency=0.5, **SIZE)
    whole = reactor("mine", [0.16, 0.25, 0.6], ionisation=HPGE, **SIZE)
    central = np.asarray(mine.signal_counts(lmt.LMU_LTAU, SM))
    np.testing.assert_allclose(central, 0.5 * np.asarray(whole.signal_counts(lmt.LMU_LTAU, SM)), rtol=1e-12)
    np.testing.assert_allclose(mine.signal_counts(lmt.LMU_LTAU, SM, {"flux_reactor": 1.2}), 1.2 * central, rtol=1e-12)
    np.testing.assert_array_equal(mine.background_counts, [30.0, 5.0])
    known = reactor("known", [0.2, 1.0], background=10.0, background_uncertainty=0.5, **SIZE)
    total = known.expected_counts(lmt.LMU_LTAU, SM, {"background_known": -1.0})
    np.testing.assert_allclose(total, known.signal_counts(lmt.LMU_LTAU, SM))
    assert np.all(np.asarray(mine.signal_counts(lmt.LMU_LTAU, SM, {"sin2_theta_w": 0.25})) > central)


@pytest.mark.parametrize("k", [0.11, 0.162, 0.2])
def test_k_is_what_it_says_however_far(k):
    """A detector of 25 % at two sigma, where the spectrum falls steeply, against one that was built with that k."""
    bins = [0.3, 0.4, 0.5]
    wide = reactor("mine", bins, ionisation=Ionisation(32, 0.162, 0.25, 0.05), **SIZE)
    built = reactor("mine", bins, ionisation=Ionisation(32, k, 0.25, 0.05), **SIZE)
    found = wide.signal_counts(lmt.LMU_LTAU, SM, {"lindhard_k_germanium": k})
    # 1e-5: panels end at the bins' edges for the central k only.
    np.testing.assert_allclose(found, built.signal_counts(lmt.LMU_LTAU, SM), rtol=1e-5)


@pytest.mark.parametrize("given", ["table", "function", "file"])
def test_an_efficiency_of_any_kind(given, tmp_path):
    """Against the recoil: an integral of the spectrum times it."""
    energies, values = np.array([0.2, 0.5, 1.0]), np.array([0.1, 0.8, 0.9])
    path = tmp_path / "efficiency.csv"
    rows = "\n".join(f"{e},{v}" for e, v in zip(energies, values, strict=True))
    path.write_text(f"energy_kevnr,efficiency\n{rows}\n")
    forms = {"table": (energies, values), "function": lambda e: np.interp(e, energies, values), "file": path}
    mine = reactor("mine", [0.2, 0.4, 1.0], efficiency=forms[given], **SIZE)
    for row, (low, high) in enumerate(((0.2, 0.4), (0.4, 1.0))):
        grid = np.unique(np.concatenate([np.linspace(low, high, 4001), energies[(energies > low) & (energies < high)]]))
        rate = np.asarray(mine.differential_rate(lmt.LMU_LTAU, SM, grid))
        expected = np.trapezoid(rate * np.interp(grid, energies, values), grid)
        # 2e-6 of the trapezoids; a sampled function is known to 1e-4 of its energy at a bend.
        found = float(mine.signal_counts(lmt.LMU_LTAU, SM)[row])
        assert found == pytest.approx(expected, rel=2e-5 if given != "function" else 2e-4)


def test_an_efficiency_of_ionisation_energy():
    """With next to no noise, an efficiency in keVee is one in keVnr at Lindhard's energy."""
    sharp = Ionisation(32, 0.162, 0.025, 0.002)
    energies, values = np.array([0.02, 0.1, 0.4]), np.array([0.0, 0.7, 0.9])
    found = reactor("mine", [0.05, 0.3], ionisation=sharp, efficiency=(energies, values), **SIZE)
    recoil = np.geomspace(*np.asarray(sharp.kevnr(np.array([0.05, 0.3]))), 151)
    mine = reactor(
        "mine", recoil[[0, -1]], efficiency=(recoil, np.interp(sharp.kevee(recoil), energies, values)), **SIZE
    )
    # 1e-3: the noise moves events over the lower edge.
    counts = [float(exp.signal_counts(lmt.LMU_LTAU, SM)[0]) for exp in (found, mine)]
    assert counts[0] == pytest.approx(counts[1], rel=1e-3)


def test_k_is_shared_where_it_is_the_same():
    """COHERENT's k is 0.157: a detector of another k, or of another width, is told."""
    size = {"mass_kg": 1.0, "baseline_m": 20.0, "thermal_power_gw": 3.6, "exposure_days": 100.0}
    ours = Ionisation(32, GERMANIUM_K, GERMANIUM_K_UNCERTAINTY, 0.05)
    mine = reactor("mine", [0.2, 1.0], ionisation=ours, observed=[5.0], **size)
    like = lmt.JointLikelihood([mine, "coherent-ge-2026"], lmt.LMU_LTAU, "observed", check=False)
    assert like.nuisance_names.count("lindhard_k_germanium") == 1
    other = reactor("mine", [0.2, 1.0], ionisation=replace(ours, k=0.162), observed=[5.0], **size)
    with pytest.raises(NuisanceConflict, match="lindhard_k_germanium"):
        lmt.JointLikelihood([other, "coherent-ge-2026"], lmt.LMU_LTAU, "observed", check=False)


def test_in_a_likelihood():
    """Two detectors at one core share its flux; a projection is fitted to Asimov data, counts to themselves."""
    near = reactor("near", [0.2, 0.5, 1.5], observed=[10_800, 2_500], **SIZE)
    far = reactor("far", [0.2, 1.5], **SIZE | {"baseline_m": 40.0})
    assert (near.status, far.status) == ("data", "projection")
    assert far.signal_counts(lmt.LMU_LTAU, SM).sum() == pytest.approx(
        float(near.signal_counts(lmt.LMU_LTAU, SM).sum()) * (20.7 / 40.0) ** 2, rel=1e-5
    )
    data = {"near": near.observed, "far": far.expected_counts(lmt.LMU_LTAU, SM)}
    like = lmt.JointLikelihood([near, far], lmt.LMU_LTAU, data, check=False)
    assert like.nuisance_names == ("flux_reactor", "radius_germanium", "sin2_theta_w")
    other = reactor("other", [0.2, 1.5], flux_uncertainty=0.02, **SIZE)
    with pytest.raises(NuisanceConflict, match="flux_reactor"):
        lmt.JointLikelihood([near, other], lmt.LMU_LTAU, {**data, "other": [1.0]}, check=False)
    cited = lmt.bibtex(near)
    assert all(key in cited for key in ("Huber:2011", "Mueller:2011", "Perisse:2023"))
    own = reactor("own", [0.2, 1.5], source="core 2", nuisances=("flux_core 2",), **SIZE)
    assert [n.name for n in own.nuisances] == ["flux_core 2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"mass_kg": 0.0}, "`mass_kg` must be"),
        ({"baseline_m": -1.0}, "`baseline_m` must be"),
        ({"thermal_power_gw": np.inf}, "`thermal_power_gw` must be"),
        ({"thermal_power_gw": 3600.0}, r"at most 20 GW of one core \(MW\?\)"),
        ({"flux_uncertainty": 5.4}, r"`flux_uncertainty` must be .* \(5 % is 0.05\)"),
        ({"ionisation": Ionisation(14, 0.16, 0.03, 0.05)}, "`ionisation` must be one for a target of a single element"),
        ({"target": "caesium-iodide", "ionisation": Ionisation(54, 0.16, 0.03, 0.05)}, r"has Z = \[53, 55\]"),
        ({"exposure_days": 0.0}, "`exposure_days` must be"),
        ({"flux_uncertainty": 0.0}, "`flux_uncertainty` must be"),
        ({"efficiency": 0.0}, "`efficiency` must be a number in"),
        ({"efficiency": 1.5}, "`efficiency` must be"),
        ({"background": [1.0, 2.0]}, "`background` must be one number, or one for each of the 1 bins"),
        ({"background": -1.0}, "`background` must be"),
        ({"background_uncertainty": -0.1}, "`background_uncertainty` must be"),
        ({"spectrum": "vogel"}, "`spectrum` must be"),
        ({"fission_fractions": {"u235": 0.3}}, "add up to 1"),
        ({"sin2_theta_w": 2.0}, "`sin2_theta_w` must be"),
        ({"source": ""}, "`source` must be a non-empty string"),
        ({"bin_edges": [5.0, 6.0, 7.0]}, "`bin_edges` must be above 0 and each bin's start below 3.07"),
        ({"bin_edges": [0.0, 1.0]}, "`bin_edges` must be above 0"),
        ({"observed": [-1.0]}, "`observed` must be"),
    ],
)
def test_bad_input(words, message):
    arguments = SIZE | {"bin_edges": [0.2, 1.0]} | words
    with pytest.raises(InvalidArgument, match=message):
        reactor("mine", **arguments)


def test_unknown_names():
    with pytest.raises(UnknownName, match="target"):
        reactor("mine", [0.2, 1.0], target="unobtainium", **SIZE)
    with pytest.raises(UnknownName, match="nuisance"):
        reactor("mine", [0.2, 1.0], nuisances=("flux_sns",), **SIZE)
    mine = reactor("mine", [0.2, 1.0], **SIZE)
    for energy in (0.0, -1.0):
        with pytest.raises(InvalidArgument, match="`energy` must be"):
            mine.differential_rate(lmt.LMU_LTAU, SM, energy)
