"""Rates of solar neutrinos in xenon against a second derivation (validation.independent) and published numbers."""

import math

import numpy as np
import pytest

from lmtbayes.experiments import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.validation.independent import solar as reference
from lmtbayes.validation.independent import xenon

STANDARD = HiddenPhoton(0.0, 15.0, 0.0)
CHARGES = {"Lmu-Ltau": (0, 1, -1), "Lmu": (0, 1, 0)}
IC24 = "nufit-6.1-ic24"


def scaled_photon(mass):
    """A boson whose effect on the rates is of the size of BP1's at any mass."""
    g_x = 5e-4 * mass / 15.0
    return HiddenPhoton(g_x, mass, -g_x / 70)


@pytest.mark.parametrize(
    "model", [pytest.param(LMU_LTAU, id=LMU_LTAU.name), pytest.param(LMU, id=LMU.name, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("channel", ["nr", "er"])
def test_differential_rates_agree_with_adaptive_quadrature(channel, model):
    # 8B's normalisation differs by 6e-8: where its table ends, the reference clips the spline's wiggle differently.
    exp = experiment(f"darwin-{channel}", exposure_tyr=1.0, binding="stepped")
    rate = reference.nuclear if channel == "nr" else reference.electron
    energies = np.array([0.9, 4.2] if channel == "nr" else [0.3, 30.0])
    for photon in (BENCHMARKS["BP1"], scaled_photon(0.05)):
        numbers = (float(x) for x in (photon.g_x, photon.mass, photon.eps_x))
        got = np.asarray(exp.differential_rate(model, photon, energies))
        args = (CHARGES[model.name], *numbers, 0.23857, IC24)
        np.testing.assert_allclose(got, [rate(e, *args) for e in energies], rtol=2e-7)


@pytest.mark.slow
def test_light_sources_at_the_smallest_recoils():
    """Below 0.055 keVnr 15O, 17F, 13N, pep and 7Be recoil too: all eight sources, of which 8B is a small part there."""
    exp = experiment("darwin-nr", exposure_tyr=1.0)
    for energy in (0.008, 0.03):
        args = ((0, 1, -1), 0.0, 1.0, 0.0, 0.23857, IC24)
        want = reference.nuclear(energy, *args, sources=tuple(reference.FLUX))
        got = exp.differential_rate(LMU_LTAU, HiddenPhoton.none(), energy)
        np.testing.assert_allclose(got, want, rtol=1e-6)
        assert reference.nuclear(energy, *args) < 0.2 * want


@pytest.mark.parametrize("theta12", [30.2, 37.2])
def test_theta_12_is_followed_over_five_sigma(theta12, monkeypatch):
    moved = {**reference.SETS[IC24], "theta12_deg": theta12, "theta23_deg": 47.0, "delta_cp_deg": 30.0}
    monkeypatch.setitem(reference.SETS, "moved", moved)
    photon = BENCHMARKS["BP1"]
    args = ((0, 1, -1), 5e-4, 15.0, -5e-4 / 70, 0.23857, "moved")
    values = {"theta_12": theta12, "theta_23": 47.0, "delta_cp": 30.0}
    for channel, rate, energy in (("nr", reference.nuclear, 1.5), ("er", reference.electron, 2.0)):
        exp = experiment(f"darwin-{channel}", exposure_tyr=1.0, binding="stepped")
        got = exp.differential_rate(LMU_LTAU, photon, energy, values)
        np.testing.assert_allclose(got, rate(energy, *args), rtol=1e-6)


# -- bins -------------------------------------------------------------------------------------------------------------


def counts_by_hand(exp, detector, recoil, threshold, model, photon, k=0.1735):
    """The package's differential rate folded with PHYSICS' response, written afresh."""

    def rate(energy):
        return np.asarray(exp.differential_rate(model, photon, energy))

    return xenon.counts(rate, exp.bin_edges, detector, recoil, threshold, k)


@pytest.mark.parametrize(
    ("detector", "recoil", "threshold"),
    [
        ("darwin", "nr", 1.0),
        pytest.param("darwin", "nr", 5.7, marks=pytest.mark.slow),
        pytest.param("lz", "nr", 0.7, marks=pytest.mark.slow),
        ("lz", "nr", 3.8),
        ("darwin", "er", 0.5),
        pytest.param("lz", "er", 1.5, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("convention", ["default", pytest.param("paper", marks=pytest.mark.slow)])
def test_counts_agree_with_the_response_written_afresh(detector, recoil, threshold, convention):
    name = f"{detector}-{recoil}"
    exp = experiment(name, threshold_kev=threshold, exposure_tyr=1.0, binding="stepped", convention=convention)
    for mass in (0.05, 0.3, 15.0):
        photon = scaled_photon(mass)
        want = counts_by_hand(exp, detector, recoil, threshold, LMU_LTAU, photon)
        got = np.asarray(exp.signal_counts(LMU_LTAU, photon))
        np.testing.assert_allclose(got.sum(), want.sum(), rtol=1e-6)
        # Far bins live on the difference of two error functions in the test.
        np.testing.assert_allclose(got, want, rtol=5e-6, atol=1e-9 * want.sum())


@pytest.mark.parametrize("k", [0.1435, 0.17, 0.2035])
def test_lindhard_k_is_followed_over_five_sigma(k):
    exp = experiment("darwin-nr", threshold_kev=1.0, exposure_tyr=1.0)
    got = np.asarray(exp.signal_counts(LMU_LTAU, STANDARD, {"lindhard_k": k}))
    want = counts_by_hand(exp, "darwin", "nr", 1.0, LMU_LTAU, STANDARD, k)
    # Polynomial of the sixth degree in k: 2e-7 of all events; the far bins, which hold 1e-4 of them, are 5e-5 off.
    np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-7 * want.sum())


def test_loop_mixing_runs_in_the_propagator():
    loop, fixed = LMU_LTAU.with_mixing("loop"), LMU_LTAU.with_mixing("loop0")
    photon = fixed.hidden_photon(2e-5, 15.0)  # so weak that the effect is linear
    exp = experiment("darwin-nr", exposure_tyr=1.0)
    # q = 15.6 MeV at 1 keV on 131Xe: eps(q^2)/eps(0) = 0.9992 there.
    energies = np.array([1.0])
    standard = exp.differential_rate(loop, STANDARD, energies)
    effects = [float((exp.differential_rate(m, photon, energies) - standard)[0]) for m in (loop, fixed)]
    q2 = -2 * 131.293 * 931.494 * 1e-3
    running = float(loop.running(np.array([q2]))[0])
    assert running < 0.9999
    assert effects[0] / effects[1] == pytest.approx(running, rel=2e-5)


def test_quark_charges_act_on_neutrons_and_protons():
    # A nucleus with charge g_x A/3 per... B-L: one unit a nucleon. Written out for one energy and one mean isotope.
    model = GaugeModel("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3}, mixing=0.0)
    g_x, mass, energy = 1e-5, 20.0, np.array([1.5])
    exp = experiment("darwin-nr", exposure_tyr=1.0)
    got = float(exp.differential_rate(model, HiddenPhoton(g_x, mass, 0.0), energy)[0])
    standard = float(exp.differential_rate(model, STANDARD, energy)[0])
    a = 131.293
    weak = (a - 54) - (1 - 4 * 0.23857) * 54
    chi = g_x * g_x * a / (math.sqrt(2) * 1.1663788e-11 * (2 * a * 931.494 * 1.5e-3 + mass**2))
    # The mean isotope stands for nine: a few 1e-3.
    assert got / standard == pytest.approx(((weak / 2 + chi) / (weak / 2)) ** 2, rel=5e-3)
    assert chi > 0.05


# -- published numbers ------------------------------------------------------------------------------------------------


def events_above(exp, model, photon, low, high=6.2):
    nodes, weights = np.polynomial.legendre.leggauss(120)
    energy = low + 0.5 * (high - low) * (1 + nodes)
    return float(np.asarray(exp.differential_rate(model, photon, energy)) @ weights) * 0.5 * (high - low)


def test_8b_events_above_450_ev():
    # XENON's own 8B spectrum has 335.6 events/(t yr). With the older 8B table and sin^2 theta_W(M_Z), the choices of
    # its time, we get 337.9; the default Sun and the low-energy angle give 7 % more.
    old = experiment("darwin-nr", exposure_tyr=1.0, convention="paper", spectrum_8b="b96")
    assert events_above(old, LMU_LTAU, STANDARD, 0.45) == pytest.approx(335.6, rel=0.01)
    new = experiment("darwin-nr", exposure_tyr=1.0)
    assert events_above(new, LMU_LTAU, STANDARD, 0.45) == pytest.approx(335.6, rel=0.08)


@pytest.mark.parametrize(
    ("oscillation", "change"),
    [("paper-2021", 0.095), ("nufit-6.0-ic24", -0.026), (IC24, -0.026), ("nufit-6.1-ic23", -0.028)],
)
def test_sign_of_the_nuclear_effect(oscillation, change):
    """+9.5 % and -2.6 % from elsewhere; NuFIT 6.1 by `reference.nuclear`: -2.58 and -2.77 % above 1 keVnr."""
    exp = experiment("darwin-nr", exposure_tyr=1.0, convention="paper", oscillation=oscillation)
    ratio = events_above(exp, LMU_LTAU, BENCHMARKS["BP1"], 1.0) / events_above(exp, LMU_LTAU, STANDARD, 1.0)
    assert ratio - 1 == pytest.approx(change, abs=0.003)
