"""A function taken apart by its arguments against the function itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes.inference.nuisances.dependence import one_by_one

NUMBERS = st.lists(st.floats(-2.0, 2.0), min_size=4, max_size=4)


def counts(x, factor):
    """Depends on its numbers in all the ways: through each other, through jax's own jitted functions, not at all."""
    a, b, c, _ = x
    shape = jnp.clip(jnp.sin(factor * a) + jnp.arange(3.0), -1.0, 2.5)
    return jnp.where(shape > 0.0, shape * jnp.exp(b), jax.scipy.special.ndtr(c)) + c**2


@given(NUMBERS, st.floats(0.5, 2.0))
def test_each_part_is_the_whole_with_the_others_held(x, factor):
    def taken_apart(values, other):
        found, along = one_by_one(lambda own: counts(own, factor), values)
        return found, [f(y) for f, y in zip(along, other, strict=True)]

    values, other = jnp.array(x), jnp.array(x[::-1]) + 0.3
    found, each = jax.jit(taken_apart)(list(values), list(other))
    np.testing.assert_allclose(found, counts(values, factor), rtol=1e-15, atol=1e-15)
    for i, part in enumerate(each):
        np.testing.assert_allclose(part, counts(values.at[i].set(other[i]), factor), rtol=1e-15, atol=1e-15)


def test_derivatives_are_those_of_the_whole():
    x = [jnp.asarray(y) for y in (0.4, -0.7, 0.2, 1.0)]

    def slopes(factor):
        _, along = one_by_one(lambda own: counts(own, factor), x)
        return jnp.stack([jax.jvp(f, (y,), (jnp.ones(()),))[1] for f, y in zip(along, x, strict=True)], axis=-1)

    expected = jax.jacfwd(lambda own: counts(own, 1.3))(jnp.stack(x))
    np.testing.assert_allclose(jax.jit(slopes)(1.3), expected, rtol=1e-14, atol=1e-15)
    # And through it: what it closes over may itself be differentiated, or differ along a batch.
    by_factor = jax.jacfwd(lambda factor: jax.jacfwd(lambda own: counts(own, factor))(jnp.stack(x)))(1.3)
    np.testing.assert_allclose(jax.jacfwd(slopes)(1.3), by_factor, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(jax.vmap(slopes)(jnp.array([1.3, 0.9]))[0], expected, rtol=1e-14, atol=1e-15)


def test_what_does_not_depend_on_a_number_is_not_evaluated_again():
    def heavy(x):
        return jnp.exp(x[0]) * jnp.ones(2) + x[1]

    def along_the_second(x):
        return one_by_one(heavy, list(x))[1][1](x[1])

    operations = [str(equation.primitive) for equation in jax.make_jaxpr(along_the_second)(jnp.zeros(2)).eqns]
    assert operations.count("exp") == 1


@pytest.mark.parametrize("size", [0, 1])
def test_functions_of_nothing_and_constants(size):
    found, along = one_by_one(lambda own: jnp.arange(2.0), [jnp.ones(())] * size)
    np.testing.assert_array_equal(found, [0.0, 1.0])
    assert len(along) == size
    for f in along:
        np.testing.assert_array_equal(f(jnp.ones(())), [0.0, 1.0])
