"""What is compiled quickly computes the same."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import ndtr

from lmtbayes._compile import compile_large, compile_quickly


@pytest.mark.parametrize("compile_so", [compile_large, compile_quickly])
def test_same_numbers_and_one_compilation(compile_so):
    def function(x, parts):
        return {"sum": jnp.sum(jnp.exp(-(x**2)) * parts["a"]), "part": ndtr(x)[:2]}

    x, parts = np.linspace(-1.0, 2.0, 7), {"a": np.arange(7.0)}
    compiled = compile_so(function)
    for scale in (1.0, 2.0):
        plain = function(scale * x, parts)
        quick = compiled(scale * x, parts)
        for name, value in plain.items():
            np.testing.assert_allclose(quick[name], value, rtol=1e-14)
    assert compiled._cache_size() == 1
