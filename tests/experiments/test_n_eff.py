"""N_eff: F against adaptive quadrature and its limits, the SM without a boson, what the coupling does."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.n_eff import effective_neutrinos, entropy_function


@pytest.mark.parametrize("x", [1e-6, 0.01, 0.3, 1.0, 2.3, 7.0, 20.0, 100.0])
def test_entropy_function_agrees_with_quadrature(x):
    exact = mp.quad(
        lambda y: (4 * y**2 - x**2) * mp.sqrt(abs(y**2 - x**2)) / mp.expm1(y),
        [x, x + 0.5, x + 3, x + 10, x + 40, x + 90],
    )
    # 64 nodes: 1e-11 where F matters.
    assert float(entropy_function(x)) == pytest.approx(float(30 / (7 * mp.pi**4) * exact), rel=1e-9)


def test_massless_and_heavy_limits():
    # F(0) = (30/7 pi^4) 4 Gamma(4) zeta(4) = 8/7: three bosonic degrees of freedom beside three neutrinos.
    assert float(entropy_function(0.0)) == pytest.approx(8 / 7, rel=1e-12)
    assert float(entropy_function(2000.0)) == 0.0
    light, heavy = lmt.HiddenPhoton(1e-3, 1e-3, 0.0), lmt.HiddenPhoton(1e-3, 500.0, 0.0)
    assert float(effective_neutrinos(lmt.LMU, light)) == pytest.approx(3 * (11 / 7) ** (4 / 3), rel=1e-6)
    assert float(effective_neutrinos(lmt.LMU, heavy)) == pytest.approx(3.0, abs=1e-12)


@pytest.mark.parametrize("mass", [1.0, 10.0, 100.0])
def test_coupling_does_not_matter_where_the_boson_is_thermal(mass):
    values = effective_neutrinos(lmt.LMU_LTAU, lmt.HiddenPhoton(jnp.geomspace(1e-8, 1e-2, 7), mass, 0.0))
    np.testing.assert_allclose(values, values[-1], rtol=1e-12)
    assert float(effective_neutrinos(lmt.LMU_LTAU, lmt.HiddenPhoton(0.0, mass, 0.0))) == 3.0
    assert float(effective_neutrinos(lmt.LMU, lmt.HiddenPhoton(1e-3, mass, 0.0))) == pytest.approx(float(values[-1]))
    assert float(effective_neutrinos(lmt.GaugeModel("dark photon", {}), lmt.HiddenPhoton(1e-3, mass, 1e-3))) == 3.0


def test_between_the_contours_of_boltzmann_equations():
    # arXiv:1901.02010 and 2307.03143, with kinetic mixing: the mass at which N_eff is 3.5 (3.2) moves from 6 to 13 MeV
    # (9 to 22) as g_x goes from 1e-6 to 1e-2; the formula has one mass each, 9.4 and 12.5 MeV, at g_x = 3e-4 (3e-5).
    masses = np.linspace(5, 20, 3001)
    n_eff = np.asarray(effective_neutrinos(lmt.LMU_LTAU, lmt.HiddenPhoton(1e-4, masses, 0.0)))
    table = tables.read("constraints/n_eff_contours")
    for level, column, low, high in ((3.5, "g_x_3p5", 5e-5, 1e-3), (3.2, "g_x_3p2", 5e-6, 1e-4)):
        mass = np.interp(-level, -n_eff, masses)
        known = np.isfinite(table[column])
        coupling = np.exp(np.interp(mass, table["mass_mev"][known], np.log(table[column][known])))
        assert low < coupling < high


def test_measurement_and_overrides():
    exp = lmt.experiment("n-eff")
    np.testing.assert_allclose(exp.observed, [2.99])
    np.testing.assert_allclose(exp.term.sigma, [0.17])
    other = lmt.experiment("n-eff", measured=(3.1, 0.2))
    np.testing.assert_allclose([other.observed[0], other.term.sigma[0]], [3.1, 0.2])
    with pytest.raises(InvalidArgument, match=r"`measured\[1\]` must be finite and positive"):
        lmt.experiment("n-eff", measured=(3.0, 0.0))


@pytest.mark.parametrize("mass", [0.5, 8.0, 40.0, 900.0])
def test_gradient(mass):
    def n_eff(log_mass):
        return effective_neutrinos(lmt.LMU, lmt.HiddenPhoton(1e-3, jnp.exp(log_mass), 0.0))

    at, step = np.log(mass), 1e-4
    finite = (n_eff(at + step) - n_eff(at - step)) / (2 * step)
    assert float(jax.grad(n_eff)(at)) == pytest.approx(float(finite), rel=1e-6, abs=1e-10)
    slope = jax.grad(lambda g: effective_neutrinos(lmt.LMU, lmt.HiddenPhoton(g, mass, 0.0)))(0.0)
    assert np.isfinite(slope)
