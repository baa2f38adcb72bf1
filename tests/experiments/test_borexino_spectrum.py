"""Borexino's spectrum: neutrinos against sums written afresh, what the best fit is made of, rates, limits."""

import numpy as np
import pytest
from scipy.stats import norm

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments import borexino_spectrum, solar_nuisances
from lmtbayes.validation.independent import searches as reference
from lmtbayes.validation.independent import solar

DAY, ELECTRONS, EXPOSURE, LOOPS = 86400.0, 3.307e31, 582.33, 0.968
NO_BOSON = lmt.HiddenPhoton.none()
PAPER = lmt.LMU_LTAU.with_mixing("paper")
FREE = ("flux_pp", "flux_7be", "flux_pep")
EXPECTED = {"pp": 131.1, "7be": 47.9, "pep": 2.74, "cno": 4.92}
"""Borexino's own, counts a day and 100 t for the fluxes of B16-GS98; arXiv:1707.09279."""


@pytest.fixture(scope="module")
def borexino():
    return lmt.experiment("borexino-phase2")


def rates(recoil_kev, **photon):
    return LOOPS * ELECTRONS * DAY * np.array([reference.rate_per_electron(t, **photon) for t in recoil_kev])


@pytest.mark.parametrize("mass", [0.1, 15.0])
def test_neutrinos_match_sums_written_afresh(borexino, mass):
    # Five Gauss nodes a bin and the moments' spline against panels of 40 keV that stop at the edges of the lines.
    point = {"g": 1e-4 * (1 + mass), "mass": mass, "eps": -1e-4 * (1 + mass) / 70}
    ends = [1e3 * 2 * e * e / (solar.ME + 2 * e) for e in (0.3843, 0.42341, 0.8613, 1.199, 1.442, 1.732, 1.740)]
    recoil, weight = reference.composite(np.unique([*np.arange(60.0, 1700.0, 40.0), *ends]))
    mean = -16.64 + 1.1273 * recoil - 5.65e-5 * recoil**2
    bins = [0, 14, 40, 83]
    edges = borexino.bin_edges
    seen = [
        np.diff(norm.cdf((edges[[b, b + 1]][:, None] - mean) / (61.0 * np.sqrt(1e-3 * mean))), axis=0)[0] for b in bins
    ]
    expected = EXPOSURE * np.array(seen) @ (weight * rates(recoil, charges=(0, 1, -1), **point))
    photon = lmt.HiddenPhoton(point["g"], mass, point["eps"])
    found = np.asarray(borexino.signal_counts(lmt.LMU_LTAU, photon))[bins]
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    assert np.all(found > 1.05 * np.asarray(borexino.signal_counts(lmt.LMU_LTAU, NO_BOSON))[bins])


def test_one_factor_for_loops_gives_borexinos_expectation():
    recoil, weight = reference.composite([*np.geomspace(0.01, 30.0, 12), *np.arange(50.0, 1700.0, 30.0)])
    for name, sources in {"pp": ("pp",), "7be": ("7be",), "pep": ("pep",), "cno": ("13n", "15o", "17f")}.items():
        found = weight @ rates(recoil, sources=sources, charges=(0, 0, 0))
        print(f"{name}: {found:.2f}, Borexino {EXPECTED[name]}")
        assert found == pytest.approx(EXPECTED[name], rel=8e-3)


def test_the_best_fit_is_made_of_its_parts(borexino):
    table, curves = (tables.read(f"borexino/phase2_{name}") for name in ("spectrum", "components"))
    counts = dict(zip(borexino.scales, borexino_spectrum.background_counts(), strict=True))
    neutrinos = borexino_spectrum.published_neutrinos()
    np.testing.assert_allclose(neutrinos + sum(counts.values()), table["best_fit"], rtol=1e-12)

    def drawn(name, first, last):
        ends = zip(table["n_h_first"][first:last], table["n_h_last"][first:last], strict=True)
        bins = [np.arange(low, high + 1) for low, high in ends]
        return EXPOSURE * np.array([np.interp(b, curves["n_h"], curves[name]).sum() for b in bins])

    # The curve of all neutrinos, to its scatter: 230 to 790 keV, where it falls by twenty.
    np.testing.assert_allclose(neutrinos[:45], drawn("solar", 0, 45), rtol=0.03)
    np.testing.assert_allclose(neutrinos[:45].sum(), drawn("solar", 0, 45).sum(), rtol=0.005)
    # 210Po, which is what is left, against its own curve at the peak; external gammas are smooth and positive.
    np.testing.assert_allclose(counts["borexino_po210"][12:25], drawn("po210", 12, 25), rtol=0.06)
    assert np.all(counts["borexino_external"][40:] > 0.0)
    assert table["observed"].sum() == 186613
    deviance = 2 * (table["best_fit"] - table["observed"] * (1 - np.log(table["observed"] / table["best_fit"]))).sum()
    assert deviance == pytest.approx(137.7, abs=0.1)


def fitted(exp, photons, free=()):
    """Gauss-Newton fits of all nuisances, `free` ones without their constraint: values and errors, deviances."""
    nuisances, size = exp.nuisances, len(exp.nuisances)
    steps = 0.1 * np.vstack([np.zeros(size), np.eye(size)])
    bound = np.diag([0.0 if n.name in free else 1.0 for n in nuisances])
    many = lmt.HiddenPhoton(*(np.array([getattr(p, f) for p in photons])[:, None] for f in ("g_x", "mass", "eps_x")))
    pulls = np.zeros((len(photons), size))
    for _ in range(5):
        around = pulls[:, None] + steps
        values = {n.name: np.asarray(n.constraint.value(around[..., i])) for i, n in enumerate(nuisances)}
        counts = np.asarray(exp.expected_counts(PAPER, many, values))
        mean, slopes = counts[:, 0], np.swapaxes(counts[:, 1:] - counts[:, :1], 1, 2) / 0.1
        information = np.swapaxes(slopes, 1, 2) @ (slopes / mean[..., None]) + bound
        gradient = np.einsum("pbn,pb->pn", slopes, exp.observed / mean - 1.0) - pulls @ bound
        deviances = 2 * np.sum(mean - exp.observed * (1 - np.log(exp.observed / mean)), axis=1)
        deviances += np.sum(pulls**2 @ bound, axis=1)
        found = {n.name: values[n.name][:, 0] for n in nuisances}
        errors = np.sqrt(np.diagonal(np.linalg.inv(information), axis1=1, axis2=2))
        widths = {n.name: (values[n.name][:, i + 1] - values[n.name][:, 0]) / 0.1 for i, n in enumerate(nuisances)}
        pulls = pulls + np.linalg.solve(information, gradient[..., None])[..., 0]
    return found, {n.name: widths[n.name] * errors[:, i] for i, n in enumerate(nuisances)}, deviances


def test_fitted_rates_are_the_published_ones(borexino):
    values, errors, (deviance,) = fitted(borexino, [NO_BOSON], FREE)
    print(f"deviance {deviance:.1f} in {borexino.n_bins} bins")
    assert deviance < borexino.n_bins + 10
    published = {"pp": (134.0, 10.0, 10.0), "7be": (48.3, 1.1, 0.7), "pep": (2.43, 0.36, 0.22)}
    for source, (value, statistical, systematic) in published.items():
        rate, error = (EXPECTED[source] * float(of[f"flux_{source}"][0]) for of in (values, errors))
        print(f"{source}: {rate:.2f} +- {error:.2f}; published {value} +- {statistical} +- {systematic}")
        assert abs(rate - value) < 1.5 * np.hypot(statistical, systematic)
        assert 1.0 < error / statistical < 1.7


@pytest.mark.slow
@pytest.mark.parametrize(("mass", "limit", "of_the_rate"), [(0.1, 2.05e-5, 2.79e-5), (10.0, 4.78e-4, 4.76e-4)])
def test_limits_of_the_spectrum_and_of_the_rate(borexino, mass, limit, of_the_rate):
    # docs/real_data.md, 90 % two-sided, to a hundredth of g_x.
    couplings = limit * np.array([0.0, 0.25, 0.4, 0.5, 0.6, 1.0])
    *_, deviances = fitted(borexino, [PAPER.hidden_photon(g, mass) for g in couplings])
    assert deviances[-1] - deviances.min() == pytest.approx(2.71, abs=0.1)
    rate = lmt.experiment("borexino-7be")
    photons = PAPER.hidden_photon(np.linspace(0.0, of_the_rate, 101), mass)
    found = np.asarray(rate.expected(PAPER, photons))[:, 0]
    chi2 = (1.01 - found) ** 2 / (0.065**2 - 0.06**2 + (0.06 * found) ** 2)
    assert chi2[-1] - chi2.min() == pytest.approx(2.71, abs=0.1)


@pytest.mark.slow
def test_little_hangs_on_the_steep_end_of_carbon_14():
    # docs/real_data.md: above 260 keV limits rise by 5 % at 0.1 MeV and 2 % at 10 MeV; of pp nothing is left.
    higher = lmt.experiment("borexino-phase2", threshold_kev=260.0)
    for mass, limit in ((0.1, 2.158e-5), (10.0, 4.867e-4)):
        photons = [PAPER.hidden_photon(g, mass) for g in limit * np.array([0.0, 0.25, 0.4, 0.5, 0.6, 1.0])]
        *_, deviances = fitted(higher, photons)
        assert deviances[-1] - deviances.min() == pytest.approx(2.71, abs=0.1)
    values, errors, _ = fitted(higher, [NO_BOSON], FREE)
    assert 47.9 * values["flux_7be"][0] == pytest.approx(50.2, abs=0.2)
    assert 131.1 * errors["flux_pp"][0] == pytest.approx(29.0, abs=1.0)


def test_it_shares_the_sun_and_refuses_the_rate(borexino):
    assert {solar_nuisances.flux(source) for source in ("pp", "7be", "pep")} <= set(borexino.declared)
    rate = lmt.experiment("borexino-7be")
    assert set(rate.data_sets) & set(borexino.data_sets)
    with pytest.raises(InvalidArgument, match="borexino"):
        lmt.JointLikelihood([borexino, rate], lmt.LMU_LTAU, "observed")
    higher = lmt.experiment("borexino-phase2", threshold_kev=300.0)
    assert higher.bin_edges[0] == 301.14
    assert higher.n_bins == borexino.n_bins - 6
    with pytest.raises(InvalidArgument, match="`threshold_kev` must be between 0 and 2000"):
        lmt.experiment("borexino-phase2", threshold_kev=3000.0)
