"""Arrival of prompt and delayed neutrinos against scipy's distributions and the shapes that COHERENT released."""

import itertools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import exponnorm

from lmtbayes import tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.sources import arrival

PION, MUON = 0.026033, 2.1969811
EDGES = np.array([0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1, 2, 4, 6])


def density(component, t, mean, width):
    pion = exponnorm.pdf(t, PION / width, mean, width)
    if component == "prompt":
        return pion
    return (MUON * exponnorm.pdf(t, MUON / width, mean, width) - PION * pion) / (MUON - PION)


@pytest.mark.parametrize("component", arrival.COMPONENTS)
@pytest.mark.parametrize(("mean", "width", "start", "loss"), [(0.55, 0.15, 0.52, 0.0494), (0.3, 0.4, 1.5, 0.7)])
def test_fractions_against_quadrature(component, mean, width, start, loss):
    expected = [
        sum(
            quad(
                lambda t: density(component, t, mean, width) * np.exp(-loss * max(t - start, 0.0)), a, b, epsabs=1e-12
            )[0]
            for a, b in ((low, min(max(low, start), high)), (min(max(low, start), high), high))
        )
        for low, high in itertools.pairwise(EDGES)
    ]
    found = arrival.fractions(EDGES, mean, width, start, loss)[arrival.COMPONENTS.index(component)]
    # Differences of numbers below 1: 1e-11 is what scipy was asked for, over ten pieces.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def test_released_shapes():
    """COHERENT's shapes in CsI, published to 1e-4: mean arrival 0.55 us, efficiency in time as published."""
    table = tables.read("coherent/csi_time_shapes")
    for component, found in zip(arrival.COMPONENTS, arrival.fractions(EDGES, 0.55, 0.15, 0.52, 0.0494), strict=True):
        np.testing.assert_allclose(found, table[f"signal_{component}"], atol=5.5e-5)


@pytest.mark.slow
@settings(max_examples=15)  # each is differentiated anew
@given(mean=st.floats(-3.0, 5.0), width=st.floats(0.02, 1.0))
def test_normalised_increasing_and_smooth(mean, width):
    times = np.linspace(-13.0, 60.0, 215)  # ten standard deviations early
    cumulative = np.asarray(arrival.arrived(times, mean, width))
    # exp(large) log_ndtr: good to 1e-12 of one.
    assert np.all(np.diff(cumulative) > -1e-12)
    np.testing.assert_allclose(cumulative[:, [0, -1]], [[0.0, 1.0]] * 2, atol=1e-9)
    slope = jax.jacrev(lambda m: arrival.fractions(EDGES, m, width, 0.52, 0.0494))(mean)
    assert np.all(np.isfinite(slope))


def test_bad_input():
    with pytest.raises(InvalidArgument, match="width_us"):
        arrival.fractions(EDGES, 0.5, 0.0)
    with pytest.raises(InvalidArgument, match="edges_us"):
        arrival.fractions(EDGES[::-1], 0.5, 0.1)
    with pytest.raises(InvalidArgument, match="loss_per_us"):
        arrival.fractions(EDGES, 0.5, 0.1, 0.5, -1.0)
