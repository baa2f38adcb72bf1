"""Limits on the mixing of a dark photon, read for bosons that electrons make and neutrinos take away."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.experiments.mixing_limits import mixing_limit

CHARGE = math.sqrt(4.0 * math.pi / 137.035999177)
ELECTRON, MUON = 0.51099895, 105.6583755
Z = 1.2815515655


def unseen(mass, g_x, eps_x):
    """BR of Lmu-Ltau to neutrinos below 2 m_tau, by the widths: two neutrinos g^2/2 each, e and mu as vectors."""

    def lepton(coupling, m):
        r = m**2 / mass**2
        return coupling**2 * (1.0 + 2.0 * r) * math.sqrt(1.0 - 4.0 * r) if 4.0 * r < 1.0 else 0.0

    return g_x**2 / (g_x**2 + lepton(eps_x * CHARGE, ELECTRON) + lepton(g_x + eps_x * CHARGE, MUON))


@pytest.mark.parametrize(
    ("name", "mass", "reach"),
    [
        ("na64e-invisible", 20.888, (1.0, 1005.6)),
        ("na64e-invisible", 545.31, (1.0, 1005.6)),
        ("babar-invisible", 100.0, (1.0, 7653.5)),
        ("babar-invisible", 2027.4, (1.0, 7653.5)),
    ],
)
def test_registered_limits_are_their_curves(name, mass, reach):
    exp = lmt.experiment(name)
    assert exp.status == "approximate"
    assert exp.data_sets == (name,)
    np.testing.assert_allclose(np.exp(exp.log_mass_range), reach, rtol=1e-9)
    curve = tables.read(f"constraints/{name.replace('-', '_')}")
    limit = float(curve["eps_x"][curve["mass_mev"] == mass][0])
    like = lmt.JointLikelihood([exp], lmt.LMU_LTAU, "observed", check=False)
    null = like.log_likelihood(lmt.HiddenPhoton(0.0, mass, 0.0))
    for fraction in (0.5, 1.0, 2.0):
        eps_x = -fraction * limit
        found = float(like.log_likelihood(lmt.HiddenPhoton(3e-3, mass, eps_x)) - null)
        assert found == pytest.approx(-0.5 * Z**2 * (fraction**2 * unseen(mass, 3e-3, eps_x)) ** 2, rel=1e-8)
    # Without mixing no electron makes the boson, and without a coupling to neutrinos it is seen.
    for nothing in (lmt.HiddenPhoton(3e-3, mass, 0.0), lmt.HiddenPhoton(0.0, mass, -limit)):
        assert float(like.log_likelihood(nothing)) == pytest.approx(float(null), abs=1e-12)


def test_na64e_at_minimal_mixing_is_beside_the_band_of_g2():
    """eps = -g/70: g < 70 eps_lim = 5.3e-4 at 1 MeV, and 3.0e-4 with the 9e11 electrons of arXiv:2404.06982.

    Which "excludes the g-2 preferred band in the 1 keV to 2 MeV range": 3.2e-4 is its lower edge (2021, 2 sigma) there.
    """
    exp, model = lmt.experiment("na64e-invisible"), lmt.LMU_LTAU.with_mixing("paper")
    g_x = 70.0 * 7.544e-6
    assert float(exp.expected(model, model.hidden_photon(g_x, 1.0))[0]) == pytest.approx(1.0, abs=1e-3)
    edge = math.sqrt((251.0 - 2 * 59.0) * 1e-11 * 8.0 * math.pi**2)
    assert float(lmt.delta_a_mu(lmt.HiddenPhoton(edge, 1.0, 0.0))) == pytest.approx(133e-11, rel=0.05)
    assert g_x > edge > g_x * math.sqrt(2.84 / 9.0)


def test_babar_excludes_the_dark_photon_that_explains_g2():
    """As its abstract says; here of 2021, 251(59): the band's lower edge, 2 sigma, is above the limit at every mass."""
    masses = jnp.geomspace(1.0, 7e3, 60)
    per_mixing2 = lmt.delta_a_mu(lmt.HiddenPhoton(0.0, masses, -1.0), lmt.LMU)
    edge = np.sqrt((251.0 - 2 * 59.0) * 1e-11 / np.asarray(per_mixing2))
    assert np.all(np.asarray(lmt.experiment("babar-invisible").limit(masses)) < edge)
    # Not by far: eps^2 alpha/2 pi is the shift of a light one.
    assert edge[0] == pytest.approx(math.sqrt(133e-11 * 2.0 * math.pi * 137.036), rel=0.02)


def test_an_electron_with_gauge_charge_makes_it_by_that():
    model = lmt.GaugeModel("Le-Lmu", {"e": 1, "mu": -1}, mixing=0.0)
    exp = mixing_limit("mine", ([1.0, 100.0], [1e-4, 1e-4]), cl=0.95, citation="Somebody")
    photon = model.hidden_photon(1e-5, 10.0)
    ratio = (ELECTRON / 10.0) ** 2
    invisible = 1.0 / (1.0 + (1.0 + 2.0 * ratio) * math.sqrt(1.0 - 4.0 * ratio))
    assert float(exp.expected(model, photon)[0]) == pytest.approx((1e-5 / CHARGE / 1e-4) ** 2 * invisible, rel=1e-9)
    assert exp.left_out(model) == ()
    assert exp.left_out(lmt.GaugeModel("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3}))
