"""The compiler itself: jaxlib 0.10.2 to 0.12.0 return wrong numbers here unless the package's flag is set."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes  # noqa: F401 - sets the flag


@pytest.mark.parametrize("points", [1000, 4096, 16384])
def test_compiled_reduction_equals_numpy(points):
    def f(u, xp):
        v, x = (u[..., 0] - 0.5) * 12, (u[..., 1:] - 0.5) * 40
        return xp.sum(x**2, -1) * xp.exp(-v) - v

    u = np.random.default_rng(0).random((points, 3))
    np.testing.assert_allclose(jax.jit(lambda u: f(u, jnp))(u), f(u, np), rtol=1e-12, atol=1e-9)
