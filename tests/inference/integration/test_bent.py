"""A bent line: against mpmath, its own inverse and finite differences."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes.inference.integration.bent import bent, straightened

POINTS = np.linspace(-12.0, 12.0, 49)


@given(st.floats(-3.0, 3.0), st.floats(-30.0, 30.0))
def test_there_and_back(bend, straight):
    x = bent(jnp.array([straight]), jnp.array([bend]))
    back, _ = straightened(x, jnp.array([bend]))
    # Far down an exponential the difference of large numbers is left: 1e-16 of 1/epsilon, and of 1/bend.
    np.testing.assert_allclose(back, [straight], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("bend", [np.log(2.0), -0.4, 1e-3, 2e-6, 0.0])
def test_every_number_is_reached_and_in_order(bend):
    x = bent(jnp.linspace(-50.0, 50.0, 1001), jnp.full(1001, bend))
    assert np.isfinite(x).all()
    assert (np.diff(x) > 0.0).all()


@pytest.mark.parametrize("bend", [np.log(2.0), -0.4, 1e-3, 0.0])
def test_near_zero_it_is_straight_but_for_the_bend(bend):
    def straight(x):
        return straightened(jnp.array([x]), jnp.array([bend]))[0][0]

    assert straight(0.0) == 0.0
    np.testing.assert_allclose(jax.grad(straight)(0.0), 1.0, rtol=1e-14)
    np.testing.assert_allclose(jax.grad(jax.grad(straight))(0.0), bend, rtol=1e-12)


def test_one_that_is_bent_as_a_value_is_nearly_its_exponential():
    """(exp(b x) - 1)/b, where that is well above -1/b: to a few epsilon."""
    bend = np.log(2.0)
    x = np.linspace(-1.5, 3.0, 10)
    straight, _ = straightened(jnp.asarray(x), jnp.full(10, bend))
    np.testing.assert_allclose(straight, np.expm1(bend * x) / bend, rtol=0.06)


@pytest.mark.parametrize("bend", [np.log(2.0), -0.4, 1e-3])
def test_the_jacobian_is_the_derivative(bend):
    """With mpmath's derivative of the equation as written."""
    epsilon = mpmath.mpf("0.01")
    a = mpmath.mpf(bend) * (1 + epsilon) / (1 - epsilon)

    def straight(x):
        return (mpmath.exp(a * x) - epsilon * mpmath.exp(-a * x) - (1 - epsilon)) / (a * (1 + epsilon))

    with mpmath.workdps(40):
        for x in POINTS[::6]:
            found, log_jacobian = straightened(jnp.array([x]), jnp.array([bend]))
            np.testing.assert_allclose(found, [float(straight(x))], rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(log_jacobian, float(mpmath.log(mpmath.diff(straight, x))), rtol=1e-9, atol=1e-11)


def test_of_several_the_jacobians_add_up():
    x, bend = jnp.array([0.3, -1.0, 2.0]), jnp.array([0.5, 0.0, -0.7])
    alone = [straightened(x[k : k + 1], bend[k : k + 1])[1] for k in range(3)]
    np.testing.assert_allclose(straightened(x, bend)[1], sum(alone), rtol=1e-14)
    assert alone[1] == 0.0
