"""Loop mixing against mpmath quadrature of Eq. 10 (sign of Eq. 11) and its closed limits."""

import mpmath as mp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.constants import ALPHA, ELECTRON_MASS, MUON_MASS, TAU_MASS
from lmtbayes.errors import InvalidArgument

CHARGE = mp.sqrt(4 * mp.pi * ALPHA)


def by_mpmath(charges, q2, scale):
    masses = {"e": ELECTRON_MASS, "mu": MUON_MASS, "tau": TAU_MASS}

    def integrand(x):
        return (
            x
            * (1 - x)
            * sum(
                -charge * mp.log(scale**2 / (masses[flavour] ** 2 - x * (1 - x) * q2))
                for flavour, charge in charges.items()
            )
        )

    return CHARGE / (2 * mp.pi**2) * mp.quad(integrand, [0, 1e-4, 1e-2, 0.5, 0.99, 0.9999, 1])


@pytest.mark.parametrize("q2", [0.0, -1.0, -(58.0**2), -1e4, -1e6, 4e4])
def test_lmu_ltau_agrees_with_quadrature(q2):
    # 1e-10: the 64-node rule is at rounding for the heavy leptons.
    expected = float(by_mpmath({"mu": 1, "tau": -1}, q2, 1.0))
    assert float(lmt.loop_mixing(lmt.LMU_LTAU, q2)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("q2", [0.0, -1.0, -1e2, -1e4, -1e5])
def test_a_light_lepton_in_the_loop_agrees_to_1e_6(q2):
    # With q^2 >> m_e^2 the logarithm bends within 1e-5 of the ends of the range: the accuracy asked for is 1e-6.
    model = lmt.GaugeModel("Le-Lmu", {"e": 1, "mu": -1})
    assert float(lmt.loop_mixing(model, q2)) == pytest.approx(float(by_mpmath({"e": 1, "mu": -1}, q2, 1.0)), rel=1e-6)


def test_eq_11():
    expected = float(CHARGE / (6 * mp.pi**2) * mp.log(MUON_MASS / TAU_MASS))
    assert float(lmt.loop_mixing(lmt.LMU_LTAU)) == pytest.approx(expected, rel=1e-13)
    assert 1 / float(lmt.loop_mixing(lmt.LMU_LTAU)) == pytest.approx(-69.285, abs=5e-3)


@pytest.mark.parametrize(("scale_gev", "quoted"), [(1e2, 0.035), (1e16, 0.200)])
def test_eq_12_for_lmu_depends_on_the_scale(scale_gev, quoted):
    scale = 1e3 * scale_gev
    value = float(lmt.loop_mixing(lmt.LMU, new_physics_scale=scale))
    assert value == pytest.approx(float(by_mpmath({"mu": 1}, 0.0, scale)), rel=1e-12)
    assert -value == pytest.approx(quoted, abs=5e-4)


def test_bad_input():
    with pytest.raises(InvalidArgument, match="`new_physics_scale` must be given"):
        lmt.loop_mixing(lmt.LMU)
    with pytest.raises(InvalidArgument, match="`q2` must be below the pair threshold"):
        lmt.loop_mixing(lmt.LMU_LTAU, 4 * MUON_MASS**2)
    with pytest.raises(InvalidArgument, match="`q2` must be finite"):
        lmt.loop_mixing(lmt.LMU_LTAU, np.nan)


def test_shape_follows_q2():
    assert lmt.loop_mixing(lmt.LMU_LTAU, -np.ones((2, 3))).shape == (2, 3)
