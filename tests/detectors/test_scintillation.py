"""CENNS610's response against its printed numbers."""

import jax
import numpy as np
import pytest

from lmtbayes.detectors.scintillation import EFFICIENCIES, TanhEfficiency, efficiency
from lmtbayes.errors import InvalidArgument

CENNS610 = EFFICIENCIES["cenns610"]


def test_half_efficiency_lies_at_15_5_kevnr():
    """The paper's own quenching factor puts 4 keVee at 15.5 keVnr, not 20."""
    assert float(CENNS610.quenched_kevee(15.5)) == pytest.approx(4.0, abs=5e-3)
    E = np.array([5.0, 15.5, 20.0, 60.0])
    quenched = (0.246 + 7.8e-4 * E) * E
    np.testing.assert_allclose(CENNS610(E), 0.5 * (1 + np.tanh(quenched - 4)), rtol=1e-13)


def test_gradient_in_the_quenching():
    gradient = jax.grad(lambda s: CENNS610(20.0, s))(1.0)
    difference = (CENNS610(20.0, 1 + 1e-5) - CENNS610(20.0, 1 - 1e-5)) / 2e-5
    assert float(gradient) == pytest.approx(float(difference), rel=1e-8)


def test_by_name_and_refusals():
    assert efficiency("none") is None
    assert efficiency(CENNS610) is CENNS610
    with pytest.raises(InvalidArgument, match="cenns610"):
        efficiency("cens610")
    with pytest.raises(InvalidArgument, match="quenching_offset"):
        TanhEfficiency(0.0, 0.0, 4.0)
