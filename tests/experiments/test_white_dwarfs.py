"""White dwarfs: the published edges, the emission from its equation, other models, the lightest masses, bad input."""

import functools

import numpy as np
import pytest
from scipy.stats import norm

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.validation.independent.single import white_dwarf_emission as emission

LOOP = lmt.LMU_LTAU.with_mixing("paper")


@functools.cache
def dwarfs(**options):
    return lmt.experiment("white-dwarfs", **options)


@pytest.mark.parametrize(
    ("charges", "g_x", "mass", "eps_x"),
    [
        ((0, 1, -1), 5e-4, 10.0, -5e-4 / 70),
        ((0, 1, 0), 2e-3, 25.0, 1e-4),
        ((1, -1, 0), 1e-5, 3.0, 0.0),
        ((1, 0, -1), 1e-3, 400.0, -2e-3),
        ((0, 1, -1), 0.3, 1e4, 0.0),
    ],
)
def test_emission_is_that_of_the_equation(charges, g_x, mass, eps_x):
    model = lmt.GaugeModel("own", dict(zip(("e", "mu", "tau"), charges, strict=True)))
    found = dwarfs().expected(model, lmt.HiddenPhoton(g_x, mass, eps_x))
    assert float(found[0]) == pytest.approx(emission(charges, g_x, mass, eps_x), rel=1e-7)


def edge(exp, masses):
    """Couplings [Lmu-Ltau, eps = -g/70] at which -2 ln L is z^2 above no boson's, z of 90 %."""
    log_g = np.linspace(np.log(1e-5), np.log(1e-1), 301)
    photons = LOOP.hidden_photon(np.exp(log_g), masses[:, None])
    pull = (np.asarray(exp.expected(LOOP, photons))[..., 0] - 1.0) / float(exp.term.sigma[0])
    # A power of g, so that lines between logarithms are exact.
    return np.exp([np.interp(np.log(norm.ppf(0.9)), np.log(row), log_g) for row in pull])


def test_new_emission_below_the_standard_models_is_the_published_curve():
    # 2 delta^2 = C_e^2 + 2 C_mu^2 = 0.956, so that g^2 e/70 = sqrt2 G_F 0.691 M^2: g/M = 0.0513/GeV. Published below
    # 30 MeV: 0.049/GeV, digitised to some 3 %; a sin^2 of 0.231 would give 0.0510.
    curve = tables.read("constraints/white_dwarfs")
    low = curve["mass_mev"] < 30.0
    found = edge(dwarfs(excess=1.0), curve["mass_mev"][low])
    ratio = found / curve["g_x"][low]
    print(f"white dwarfs, excess 1: ours/published {ratio.min():.3f} to {ratio.max():.3f}, mean {ratio.mean():.3f}")
    assert ratio.mean() == pytest.approx(1.058, abs=0.01)
    np.testing.assert_allclose(ratio, 1.05, atol=0.04)
    assert found[0] / curve["mass_mev"][0] * 1e3 == pytest.approx(0.0513, rel=2e-3)


def test_thirty_per_cent_of_the_luminosity():
    # delta^2 goes with g^4: 0.3^(1/4) of the edge above, g/M = 0.0380/GeV.
    assert dwarfs().status == "approximate"
    masses = np.array([2.0, 15.0, 300.0])
    found = edge(dwarfs(), masses)
    np.testing.assert_allclose(found / edge(dwarfs(excess=1.0), masses), 0.3**0.25, rtol=1e-4)
    np.testing.assert_allclose(found / masses * 1e3, 0.0380, rtol=2e-3)
    # What the abstract of arXiv:2405.00094 says: a part of what g-2 (2021) and the band of H0 want together is out.
    photon = LOOP.hidden_photon(5e-4, 12.0)
    assert abs(float(lmt.delta_a_mu(photon, LOOP)) - 251e-11) < 2 * 59e-11
    excess = float(dwarfs().expected(LOOP, photon)[0]) - 1.0
    assert 0.30 < excess < 1.0


def test_below_one_mev_it_fades_to_nothing():
    photon = LOOP.hidden_photon(1e-4, np.array([1e-3, 0.5, 0.95, 0.97, 0.99, 1.0]))
    found = np.asarray(dwarfs().expected(LOOP, photon))[:, 0] - 1.0
    np.testing.assert_array_equal(found[:3], 0.0)
    assert np.all(np.diff(found[2:]) > 0.0)
    assert found[-1] == pytest.approx(emission((0, 1, -1), 1e-4, 1.0, -1e-4 / 70) - 1.0, rel=1e-7)


def test_bad_input():
    for options, message in (
        ({"excess": 0.0}, "`excess` must be finite and positive"),
        ({"cl": 95}, "`cl` must be a confidence level between 0.5 and 1"),
        ({"sin2_theta_w": 2.0}, "`sin2_theta_w` must be between 0 and 1"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            lmt.experiment("white-dwarfs", **options)
    with pytest.raises(UnknownName, match="nuisance of experiment"):
        lmt.experiment("white-dwarfs", nuisances=("flux",))
