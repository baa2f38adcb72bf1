"""Eq. 38 and the profiled significance: closed forms, PHYSICS' exposures, saturation."""

import math

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm, poisson

import lmtbayes as lmt
import lmtbayes.experiments
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments import experiment, registry
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.inference.frequentist.discovery import counting_exposure, discovery_exposure, poisson_tail


def test_probability_at_whole_numbers_is_the_poisson_tail():
    exposure = float(counting_exposure(2.0, 1.0, sigma=3.0))
    # Move the problem to the exposure at which 2 X is a whole number and ask scipy's Poisson distribution there.
    assert (
        poisson.sf(np.floor(2 * exposure) - 1, exposure) > norm.sf(3) > poisson.sf(np.ceil(2 * exposure) - 1, exposure)
    )


def test_many_events_give_the_gaussian_limit():
    exposure = float(counting_exposure(1001.0, 1000.0))
    # Z = s sqrt(X/b); the skewness of a Poisson distribution of 2.5e7 shifts it by Z/(3 sqrt(2.5e7)), a few 1e-4.
    assert exposure == pytest.approx(25 * 1000.0, rel=3e-3)


@pytest.mark.parametrize(
    ("mean", "sigmas"), [(20.5, 3.0), (9.9e3, 4.0), (2e4, 5.0), (2e4, -2.0), (3e5, 5.0), (3e5, 0.01)]
)
def test_tail_against_mpmath(mean, sigmas):
    n = mean + sigmas * math.sqrt(mean)
    with mpmath.workdps(30):
        want = float(mpmath.gammainc(n, 0, mean, regularized=True))
    # Temme with one correction: O(1/n) of the correction itself.
    assert float(poisson_tail(n, mean)) == pytest.approx(want, rel=3e-6 if n > 1e4 else 1e-10)


def test_a_deficit_is_never_discovered_as_an_excess():
    assert np.all(np.isinf(counting_exposure(np.array([1.0, 0.9]), np.array([1.0, 1.0]))))


@pytest.mark.parametrize(("name", "about", "tolerance"), [("darwin-nr", 100.0, 0.1), ("darwin-er", 400.0, 0.2)])
def test_bp1_at_one_kev(name, about, tolerance):
    """PHYSICS: about 100 t yr and about 400 t yr. Ours: 95.4, and 466 (RRPA) or 325 (stepped)."""
    exposure = discovery_exposure(name, LMU_LTAU, BENCHMARKS["BP1"], threshold_kev=1.0, convention="paper")
    assert exposure.shape == ()
    assert float(exposure) == pytest.approx(about, rel=tolerance)


@pytest.mark.parametrize("name", ["lz-nr", "lz-er", "xenonnt-nr", "xenonnt-er"])
def test_nominal_detectors_of_this_decade_reach_nothing(name):
    photons = HiddenPhoton(
        *(np.array([float(getattr(p, f)) for p in BENCHMARKS.values()]) for f in ("g_x", "mass", "eps_x"))
    )
    exposures = discovery_exposure(name, LMU_LTAU, photons, convention="paper")
    assert exposures.shape == (4,)
    assert np.all(exposures > experiment(name).exposure_tyr)


def test_the_sign_of_the_default_set_leaves_nothing_to_discover():
    assert np.isinf(discovery_exposure("darwin-nr", LMU_LTAU, BENCHMARKS["BP1"], threshold_kev=1.0))
    assert np.isinf(discovery_exposure("darwin-nr", LMU, BENCHMARKS["BP1"], threshold_kev=1.0, convention="paper"))


def test_thresholds_and_photons_at_once():
    photons = HiddenPhoton(np.array([5e-4, 6e-4]), np.array([15.0, 25.0]), np.array([-5e-4, -6e-4]) / 70)
    thresholds = np.array([[0.8, 1.0], [1.2, 1.4]])
    together = discovery_exposure("darwin-nr", LMU_LTAU, photons, threshold_kev=thresholds, convention="paper")
    assert together.shape == (2, 2, 2)
    one = discovery_exposure("darwin-nr", LMU_LTAU, BENCHMARKS["BP1"], threshold_kev=1.2, convention="paper")
    assert together[1, 0, 0] == pytest.approx(float(one), rel=1e-9)
    assert np.all(np.diff(together.reshape(4, 2), axis=0) > 0)  # a higher threshold needs more


def closed_form(expected, reference, sigma_flux, sigma):
    """One bin whose reference has a Gaussian factor: minimise over the factor by its quadratic equation, then scan."""
    exposures = np.geomspace(1e-2, 1e8, 200001)
    n, b = expected * exposures, reference * exposures
    # d/da of 2 [b(1 + s a) - n ln(b(1 + s a))] + a^2 = 0
    s = sigma_flux
    a = (-(1 + b * s * s) + np.sqrt((1 + b * s * s) ** 2 - 4 * s * (b * s - n * s))) / (2 * s)
    mu = b * (1 + s * a)
    q = 2 * (mu - n + n * np.log(n / mu)) + a * a
    reached = np.flatnonzero(q > sigma**2)
    return exposures[reached[0]] if reached.size else np.inf


@pytest.mark.parametrize("sigma", [*(pytest.param(x, marks=pytest.mark.slow) for x in (0.5, 0.7)), 5.0])
def test_profiled_flux_against_the_closed_form_and_its_saturation(sigma):
    photon = BENCHMARKS["BP1"]
    exp = experiment("darwin-nr", threshold_kev=1.0, exposure_tyr=1.0, convention="paper")
    rates = [float(exp.expected_counts(LMU_LTAU, p)[0]) for p in (photon, HiddenPhoton(0.0, 15.0, 0.0))]
    hep = float(exp.expected_counts(LMU_LTAU, HiddenPhoton(0.0, 15.0, 0.0), {"flux_8b": 0.0})[0])
    assert hep < 0.02 * rates[1]
    got = discovery_exposure(
        "darwin-nr", LMU_LTAU, photon, threshold_kev=1.0, sigma=sigma, nuisances=("flux_8b",), convention="paper"
    )
    want = closed_form(*rates, 0.12 * (1 - hep / rates[1]), sigma)
    assert float(got) == pytest.approx(want, rel=1e-3)
    # 9.3 % over 12 %: never more than 0.78 sigma.
    assert np.isinf(float(got)) == (sigma > 0.8)


OCTANTS = lmt.GaussianMixture((1.0, 1.2), (0.01, 0.01), (0.6, 0.4))


class Counter(lmt.Experiment):
    """One bin: background, and half of it again at g_x = 1e-3, for each t yr."""

    exposure_tyr: float

    def _signal(self, model, photon, values):
        return self.exposure_tyr * np.ones(1) * 50.0 * (photon.g_x / 1e-3) ** 2

    def _background(self, values):
        return self.exposure_tyr * np.ones(1) * 100.0 * values["background"]


@pytest.fixture
def counter(monkeypatch):
    """Register a counter with a term and a constraint."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))

    def add(name, term, constraint):
        declared = (lmt.Nuisance("background", constraint, "scales the background"),)

        def build(*, exposure_tyr: float = 1.0, name: str = name) -> Counter:
            description = lmt.Description(name, name, "nobody", "projection")
            binning = lmt.Binning(np.array([0.0, 1.0]), "keV", "energy")
            return Counter(description, binning, term, declared, ("background",), None, exposure_tyr)

        lmt.register(name, build)

    return add


@pytest.mark.slow
def test_the_experiment_s_own_term_is_compared(counter):
    """A width that is no Poisson's: without nuisances q = (25 X)^2/w^2, with a background known to 10 % less."""
    width, sigma = 40.0, 3.0
    counter("gauss", Gaussian(width), lmt.Gaussian(1.0, 0.1))
    photon = HiddenPhoton(5e-4 * 2**0.5, 10.0, 0.0)
    with pytest.raises(InvalidArgument, match=r"Eq\. 38 counts events, and 'gauss' compares its bins by Gaussian"):
        discovery_exposure("gauss", LMU, photon)
    got = float(discovery_exposure("gauss", LMU, photon, sigma=2.0, nuisances="profiled"))
    # q = (25 X)^2/(w^2 + (10 X)^2) = sigma^2.
    assert got == pytest.approx(width * 2.0 / math.sqrt(25.0**2 - 2.0**2 * 10.0**2), rel=1e-6)
    assert np.isinf(discovery_exposure("gauss", LMU, photon, sigma=sigma, nuisances="profiled"))


@pytest.mark.slow
def test_both_octants_of_a_constraint_are_tried(counter):
    """A fifth more events than expected are the other octant; half as many more are not."""
    counter("octants", Poisson(), OCTANTS)
    excess = np.array([0.2, 0.5])
    photons = HiddenPhoton(1e-3 * np.sqrt(2.0 * excess), np.full(2, 10.0), np.zeros(2))
    got = discovery_exposure("octants", LMU, photons, sigma=3.0, nuisances="profiled")
    level = np.linspace(0.8, 1.6, 80_001)
    mixture = np.log(0.6 * norm.pdf(level, 1.0, 0.01) + 0.4 * norm.pdf(level, 1.2, 0.01) + 1e-300)
    at_truth = np.log(0.6 * norm.pdf(1.0, 1.0, 0.01) + 0.4 * norm.pdf(1.0, 1.2, 0.01))

    def statistic(exposure, n):
        ratio = level / n - 1.0
        deviance = 2.0 * 100.0 * exposure * n * (ratio - np.log1p(ratio))
        return float(np.min(deviance - 2.0 * (mixture - at_truth)))

    want = brentq(lambda x: statistic(x, 1.5) - 9.0, 1e-3, 1e3)
    assert np.isinf(got[0])
    assert statistic(1e6, 1.2) < 9.0
    assert got[1] == pytest.approx(want, rel=1e-4)


@pytest.mark.slow
def test_all_nuisances_need_more_than_one_flux():
    options = {"threshold_kev": 1.0, "sigma": 0.5, "convention": "paper"}
    photon = BENCHMARKS["BP1"]
    one = float(discovery_exposure("darwin-nr", LMU_LTAU, photon, nuisances=("flux_8b",), **options))
    every = float(discovery_exposure("darwin-nr", LMU_LTAU, photon, nuisances="profiled", **options))
    assert one < every < np.inf


def test_bad_arguments():
    photon = BENCHMARKS["BP1"]
    with pytest.raises(InvalidArgument, match="sigma"):
        discovery_exposure("darwin-nr", LMU_LTAU, photon, sigma=-1.0)
    with pytest.raises(InvalidArgument, match="exposure_tyr"):
        discovery_exposure("darwin-nr", LMU_LTAU, photon, exposure_tyr=3.0)
    with pytest.raises(InvalidArgument, match="profiled"):
        discovery_exposure("darwin-nr", LMU_LTAU, photon, nuisances="profile")
    with pytest.raises(UnknownName, match="flux_8b"):
        discovery_exposure("darwin-nr", LMU_LTAU, photon, nuisances=("flux_9b",))
    with pytest.raises(UnknownName, match="override"):
        discovery_exposure("muon-g2-2025", LMU_LTAU, photon)
