"""A reactor's spectrum against published totals, inverse beta decay, and quadrature of what the sources print."""

import numpy as np
import pytest
from scipy.integrate import quad

from lmtbayes.errors import InvalidArgument
from lmtbayes.sources.reactor import ISOTOPES, SPECTRA, reactor_spectrum

# Neutrinos per fission, as the public codes of CONNIE's expectation take them (three of them agree).
PER_FISSION = {"u235": 6.14, "u238": 7.08, "pu239": 5.58, "pu241": 6.42}
# P. Vogel, J. Engel, Phys. Rev. D 39 (1989) 3378, at 0.5, 0.75, 1, 1.5 and 2 MeV; two public codes agree.
VOGEL_ENGEL = {
    "u235": (2.66, 2.66, 2.41, 1.69, 1.26),
    "u238": (2.91, 2.96, 2.75, 1.97, 1.50),
    "pu239": (2.63, 2.58, 2.32, 1.48, 1.08),
    "pu241": (2.82, 2.90, 2.63, 1.75, 1.32),
}
# P. Huber, arXiv:1106.0687, his table (not the polynomials) at 2, 3, 4, 5 MeV: 235U.
HUBER_235 = {2.0: 1.3166, 3.0: 0.650506, 4.0: 0.29357, 5.0: 0.109896}
ELECTRON, GAP = 0.51099895, 1.2933324


def only(isotope, kind=SPECTRA[0]):
    return reactor_spectrum(kind, {isotope: 1.0})


def inverse_beta_decay(energy):
    """[1e-43 cm^2]: the fit of A. Strumia, F. Vissani, astro-ph/0302055, Eq. 25."""
    positron, log = energy - GAP, np.log(energy)
    return positron * np.sqrt(positron**2 - ELECTRON**2) * energy ** (-0.07056 + 0.02018 * log - 0.001953 * log**3)


def yield_of(core):
    """Inverse beta decays per fission [1e-43 cm^2]."""
    edges = np.linspace(GAP + ELECTRON + 1e-9, core.ends[1], 2001)
    x, w = np.polynomial.legendre.leggauss(4)
    energy = (edges[:-1, None] + 0.5 * np.diff(edges)[:, None] * (1 + x)).ravel()
    weight = (0.5 * np.diff(edges)[:, None] * w).ravel()
    return float(np.sum(weight * core(energy) * inverse_beta_decay(energy)))


@pytest.mark.parametrize("kind", SPECTRA)
def test_neutrinos_per_fission(kind):
    """Published totals to 4 %, about 6 of a typical core; Brokdorf's flux once the captures in 238U are added."""
    for isotope, total in PER_FISSION.items():
        assert only(isotope, kind).inverse_moment(0.0, 0) == pytest.approx(total, rel=0.04)
    core = reactor_spectrum(kind)
    total = float(core.inverse_moment(0.0, 0))
    assert total == pytest.approx(6.0, abs=0.1)
    # CONUS, arXiv:2401.07684: up to 2.3e13 per cm^2 and s, 17.1 m from 3.9 GW; 239U and 239Np: 0.6 pairs per fission.
    assert core.fluence(3.9, 1.0 / 86400.0, 17.1) * (total + 1.2) == pytest.approx(2.3e13, rel=0.03)


def test_below_two_mev_it_is_the_older_table_to_ten_percent():
    """15 % at 0.5 MeV, below which the older table has fewer decays."""
    for isotope, expected in VOGEL_ENGEL.items():
        # Averages over 0.1 MeV: the summation shows the steps of single decays.
        core = only(isotope)
        energies = np.array([0.5, 0.75, 1.0, 1.5, 1.95])
        found = [float(core.inverse_moment(e - 0.05, 0) - core.inverse_moment(e + 0.05, 0)) / 0.1 for e in energies]
        np.testing.assert_allclose(found[1:], expected[1:], rtol=0.10, err_msg=isotope)
        assert found[0] == pytest.approx(expected[0], rel=0.15)


def test_polynomials_are_hubers():
    core = only("u235")
    for energy, expected in HUBER_235.items():
        assert core(energy) == pytest.approx(expected, rel=0.015)
    # Mueller's 238U at 2 MeV, as his table has it (1.48), and as his polynomial gives.
    assert only("u238")(2.0) == pytest.approx(1.48, rel=0.07)


def test_inverse_beta_decay_per_fission():
    """6.1-6.7e-43 cm^2 for 235U and a core; Daya Bay's 5.92 over 0.946 is 6.26 of Huber and Mueller: 2 %."""
    assert yield_of(reactor_spectrum()) == pytest.approx(5.92 / 0.946, rel=0.02)
    found = {isotope: yield_of(only(isotope)) for isotope in ISOTOPES}
    assert 6.1 < found["u235"] < 6.7
    # Kopeikin et al., arXiv:2103.01684: 1.45 +- 0.03, and the beta spectra of Huber's 1.054 above it.
    assert found["u235"] / found["pu239"] == pytest.approx(1.45 * 1.054, rel=0.02)
    # Summation: less of 235U, as measured (6.29 +- 0.08, arXiv:1704.02276).
    assert yield_of(only("u235", "summation")) == pytest.approx(6.29, rel=0.03)


@pytest.mark.parametrize("kind", SPECTRA)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_moments_against_quadrature(kind, order):
    """Between knots by scipy; all of them by a fine midpoint rule, which is good to 1e-5."""
    core = reactor_spectrum(kind)
    for low, high in ((2.013, 2.0370), (3.3126, 3.3370), (7.0126, 7.0370)):
        expected = quad(lambda e: float(core(e)) / e**order, low, high, epsrel=1e-12)[0]
        assert core.inverse_moment(low, order) - core.inverse_moment(high, order) == pytest.approx(expected, rel=1e-8)
    edges = np.linspace(1.0, core.ends[1], 400_001)
    middle = 0.5 * (edges[1:] + edges[:-1])
    expected = np.sum(core(middle) / middle**order) * (edges[1] - edges[0])
    assert core.inverse_moment(1.0, order) == pytest.approx(expected, rel=1e-5)
    assert core.inverse_moment(20.0, order) == 0.0
    np.testing.assert_array_equal(core(np.array([-1.0, 0.0, 15.0])), 0.0)


def test_kinematic_average():
    core, mass = reactor_spectrum(), 67_600.0
    for recoil in (1e-5, 3e-4, 2e-3):
        low = np.sqrt(mass * recoil / 2)
        edges = np.linspace(low, core.ends[1], 200_001)
        e = 0.5 * (edges[1:] + edges[:-1])
        plain, corrected = (
            np.sum(core(e) * (1 - mass * recoil / (2 * e**2) - c * recoil / e)) * (edges[1] - edges[0]) for c in (0, 1)
        )
        assert core.kinematic_average(recoil, mass, low) == pytest.approx(plain, rel=1e-5)
        exact = 0.5 * (recoil + np.sqrt(recoil**2 + 2 * mass * recoil))
        assert core.kinematic_average(recoil, mass, exact, True) == pytest.approx(corrected, rel=2e-5)
    assert core.kinematic_average(3e-3, mass, 10.07) == 0.0


def test_fractions_and_heat():
    core = reactor_spectrum()
    assert core.fractions == (0.58, 0.07, 0.30, 0.05)
    assert core.heat_mev == pytest.approx(205.84, abs=0.01)
    # A core is the sum of its isotopes; fractions that miss one by rounding are scaled.
    parts = sum(f * only(i)(4.0) for f, i in zip(core.fractions, ISOTOPES, strict=True))
    assert core(4.0) == pytest.approx(float(parts), rel=1e-14)
    assert sum(reactor_spectrum(fractions={"u235": 0.6, "pu239": 0.3996}).fractions) == pytest.approx(1.0, rel=1e-14)
    # 1 GW for a second at 1 m.
    assert only("u235").fluence(1.0, 1 / 86400, 1.0) == pytest.approx(1e9 / (202.36 * 1.602176634e-13 * 4e4 * np.pi))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": "vogel"}, "`kind` must be"),
        ({"fractions": {"u233": 1.0}}, "`fractions` must be"),
        ({"fractions": {"u235": 0.5}}, "add up to 1"),
        ({"fractions": {"u235": 1.5, "u238": -0.5}}, "not negative"),
        ({"fractions": {}}, "add up to 1"),
    ],
)
def test_bad_input(words, message):
    with pytest.raises(InvalidArgument, match=message):
        reactor_spectrum(**words)
    with pytest.raises(InvalidArgument, match="`order` must be"):
        reactor_spectrum().inverse_moment(1.0, 3)
