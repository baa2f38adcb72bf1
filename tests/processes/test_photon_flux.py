"""Form factors and equivalent-photon flux against mpmath, the closed form of the elastic part, and its limits."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes.errors import InvalidArgument
from lmtbayes.processes.photon_flux import elastic_form_factor, inelastic_form_factor, photon_flux

LEAD = (82.0, 207.2)
TUNGSTEN = (74.0, 183.84)
CARBON = (6.0, 12.0)
GEV2 = 1e6


def _g2(t, Z, A, inelastic):
    electron = mp.mpf("0.51099895069")
    a, d = 111 * mp.mpf(Z) ** (-mp.mpf(1) / 3) / electron, mp.mpf("0.164e6") * mp.mpf(A) ** (-mp.mpf(2) / 3)
    value = Z**2 * (a**2 * t / (1 + a**2 * t)) ** 2 / (1 + t / d) ** 2
    if inelastic:
        a = 773 * mp.mpf(Z) ** (-mp.mpf(2) / 3) / electron
        magnetic = 1 + t * (mp.mpf("2.79") ** 2 - 1) / (4 * mp.mpf("938.27208943") ** 2)
        value += Z * (a**2 * t / (1 + a**2 * t)) ** 2 * magnetic / (1 + t / mp.mpf("0.71e6")) ** 4
    return value


def _flux(t_min, t_max, Z, A, inelastic):
    low, high = mp.log(t_min), mp.log(t_max)
    cuts = [low, *(mp.mpf(u) for u in range(-46, 20, 4) if low < u < high), high]
    with mp.workdps(20):
        return mp.quad(lambda u: (1 - t_min / mp.e**u) * _g2(mp.e**u, Z, A, inelastic), cuts)


@pytest.mark.parametrize("atom", [LEAD, TUNGSTEN, CARBON])
@pytest.mark.parametrize(
    ("t_min", "t_max"),
    [
        (1e-20, 1e-4),  # all below the screening scale: the paper's convention at M = 0.01 MeV
        (1e-12, 1e2),
        (1e-9, GEV2),
        (1e-3, 1.1e4),
        (1e1, GEV2),
        (1e4, GEV2),
        (9e5, GEV2),
        (0.9999 * GEV2, GEV2),  # nearly closed
    ],
)
def test_flux_matches_mpmath_to_1e_8(atom, t_min, t_max):
    for inelastic in (True, False):
        expected = float(_flux(mp.mpf(t_min), mp.mpf(t_max), *atom, inelastic))
        assert float(photon_flux(t_min, t_max, *atom, inelastic=inelastic)) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("t_min", [1e-8, 1e-3, 1.0, 1e3, 1e5])
def test_elastic_flux_is_its_closed_form(t_min):
    # Partial fractions of t^2/((t + b)^2 (t + d)^2), worked out by hand; 40 digits because they cancel.
    with mp.workdps(40):
        Z, A = LEAD
        s, T = mp.mpf(t_min), mp.mpf(GEV2)
        b = (mp.mpf("0.51099895069") * mp.mpf(Z) ** (mp.mpf(1) / 3) / 111) ** 2
        d = mp.mpf("0.164e6") * mp.mpf(A) ** (-mp.mpf(2) / 3)
        D = d - b
        bracket = (1 + 2 * (b + s) / D) * mp.log((T + b) / (s + b)) + (1 - 2 * (d + s) / D) * mp.log((T + d) / (s + d))
        bracket += (b + s) / (T + b) - 1 + (d + s) / (T + d) - 1
        expected = float(Z**2 * d**2 / D**2 * bracket)
    assert float(photon_flux(t_min, GEV2, *LEAD, inelastic=False)) == pytest.approx(expected, rel=1e-8)


def test_form_factors_have_their_limits():
    # Between the electron cloud (4e-4 MeV^2) and the nuclear radius (4.7e3 MeV^2) the whole charge is seen.
    assert float(elastic_form_factor(1.0, *LEAD)) == pytest.approx(82.0**2, rel=2e-3)
    assert float(inelastic_form_factor(1.0, 82.0)) == pytest.approx(82.0, rel=2e-3)
    # Far below the screening scale both go as t^2: neutral from far away.
    for form_factor in (lambda t: elastic_form_factor(t, *LEAD), lambda t: inelastic_form_factor(t, 82.0)):
        assert float(form_factor(2e-9) / form_factor(1e-9)) == pytest.approx(4.0, rel=1e-4)


def test_flux_is_zero_where_closed_and_broadcasts():
    chi = photon_flux(np.array([[1.0], [2e6]]), np.array([1.0, GEV2, 1e7]), *LEAD)
    assert chi.shape == (2, 3)
    assert np.all(chi[1, :2] == 0.0)
    assert chi[0, 0] == 0.0
    assert chi[1, 2] > 0.0


@given(low=st.floats(-25, 12), up=st.floats(0.01, 3), step=st.floats(0.01, 3))
def test_flux_falls_with_t_min_and_rises_with_t_max(low, up, step):
    t = np.exp(np.cumsum([low, up, step]))
    assert photon_flux(t[0], t[2], *LEAD) > photon_flux(t[1], t[2], *LEAD)
    assert photon_flux(t[0], t[2], *LEAD) > photon_flux(t[0], t[1], *LEAD)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((-1.0, 1.0, 82, 207), "t_min"), ((1.0, np.nan, 82, 207), "t_max"), ((1, 2, 0, 1), "Z"), ((1, 2, 1, -1), "A")],
)
def test_bad_input_is_named(arguments, named):
    with pytest.raises(InvalidArgument, match=f"`{named}`"):
        photon_flux(*arguments)
