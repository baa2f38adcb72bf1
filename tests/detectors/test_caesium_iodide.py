"""Light of CsI[Na]: the published variants, the Gamma distribution against scipy's, second order in the quenching."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

from lmtbayes import tables
from lmtbayes.detectors import caesium_iodide as csi
from lmtbayes.errors import InvalidArgument

RECOILS = np.array([2.0, 5.0, 10.0, 20.0, 40.0])
QUENCHING = {
    (0, 0): (0.0554628, 4.30681, -111.707, 840.384),
    (1, 0): (0.0613632, 3.51547, -85.5548, 595.562),
    (-1, 0): (0.0495624, 5.09815, -137.858, 1085.2),
    (0, 1): (0.055413, 3.93597, -93.1045, 630.092),
    (0, -1): (0.0555126, 4.67765, -130.309, 1050.68),
}
EFFICIENCY = {
    0: (1.32045, 0.285979, 10.8646, -0.333322),
    1: (1.3439, 0.285366, 9.84596, -0.356364),
    -1: (1.297, 0.286592, 11.8832, -0.31028),
}


@pytest.mark.parametrize("pulls", QUENCHING)
def test_published_variants_of_the_quenching(pulls):
    a, b, c, d = QUENCHING[pulls]
    E = RECOILS / 1e3
    # Published coefficients of six digits are symmetric to one in the last.
    np.testing.assert_allclose(
        csi.quenched_kevee(RECOILS, pulls), 1e3 * (a * E + b * E**2 + c * E**3 + d * E**4), rtol=2e-5
    )


@pytest.mark.parametrize("pull", EFFICIENCY)
def test_published_variants_of_the_efficiency(pull):
    a, b, c, d = EFFICIENCY[pull]
    pe = np.linspace(0.0, 60.0, 121)
    expected = np.maximum(a / (1 + np.exp(-b * (pe - c))) + d, 0.0)
    np.testing.assert_allclose(csi.efficiency(pe, pull), expected, atol=2e-5)
    threshold = csi.threshold_pe(pull)
    assert csi.efficiency(threshold - 1e-6, pull) == 0.0 < csi.efficiency(threshold + 1e-6, pull)


@pytest.mark.parametrize("energy", [0.05, 0.4, 1.0, 4.0])
def test_photoelectrons_are_gamma_distributed(energy):
    shape, mean = 1 + 9.56 * energy, energy / 0.0749
    pe = np.linspace(0.5, 90.0, 50)
    np.testing.assert_allclose(
        csi.photoelectron_density(pe, energy), gamma.pdf(pe, shape, scale=mean / shape), rtol=1e-11
    )
    moments = [
        quad(lambda x, n=n: x**n * float(csi.photoelectron_density(x, energy)), 0, 40 * mean, points=[mean], limit=200)
        for n in (0, 1)
    ]
    np.testing.assert_allclose([moment for moment, _ in moments], [1.0, mean], rtol=1e-7)


@pytest.mark.parametrize(("pulls", "tolerance"), [((1.0, 0.0), 1e-13), ((0.7, -0.6), 3e-4), ((2.0, 2.0), 1e-2)])
def test_response_is_second_order_in_the_quenching(pulls, tolerance):
    """Exact on the published variants; between and beyond them the third order, relative to the largest density."""
    pe = np.linspace(6.0, 60.0, 28)
    terms = csi.response(pe, RECOILS)
    found = np.einsum("t,tpn->pn", csi.quenching_powers(*pulls), terms)
    exact = csi.photoelectron_density(pe[:, None], csi.quenched_kevee(RECOILS, pulls))
    assert np.abs(found - exact).max() < tolerance * exact.max()


@pytest.mark.parametrize("pull", [0.0, 1.0, -1.0, -2.5, 3.0])
def test_bins_against_quadrature(pull):
    """A density that falls from the left, as recoils make it; the kink inside the first or the second bin."""
    edges = np.array([0, 8, 12, 16, 20, 24, 32, 40, 50, 60.0])
    bins = csi.PhotoelectronBins(edges)

    def density(x):
        return gamma.pdf(x, 3.0, scale=3.0) + 0.3 * gamma.pdf(x, 12.0, scale=2.0)

    a, b, c, d = np.array(EFFICIENCY[0]) + 0.5 * pull * (np.array(EFFICIENCY[1]) - np.array(EFFICIENCY[-1]))
    kink = c - np.log(-a / d - 1) / b
    expected = [
        quad(lambda x: max(a / (1 + np.exp(-b * (x - c))) + d, 0) * density(x), max(low, min(kink, high)), high)[0]
        for low, high in itertools.pairwise(edges)
    ]
    found = bins.counts(density(bins.nodes)[:, None], pull)[:, 0]
    # 20 Chebyshev points on a Gamma distribution over 3-12 PE.
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)
    slope = jax.jacfwd(lambda p: bins.counts(density(bins.nodes)[:, None], p)[:, 0])(pull)
    h = 1e-5
    difference = bins.counts(density(bins.nodes)[:, None], pull + h) - bins.counts(
        density(bins.nodes)[:, None], pull - h
    )
    np.testing.assert_allclose(slope, difference[:, 0] / (2 * h), rtol=1e-6, atol=1e-9)


def test_bins_need_an_edge_above_the_rise():
    with pytest.raises(InvalidArgument, match="12 PE"):
        csi.PhotoelectronBins(np.array([0.0, 10.0, 20.0]))


def test_tables_are_read():
    assert tables.read("coherent/csi_quenching")["a"].size == 5


def test_counts_and_slopes_are_finite_wherever_the_threshold_goes():
    """Beyond pulls of -6 and 5 it leaves the interpolated range: slopes were NaN, and from -14.5 on counts too."""
    bins = csi.PhotoelectronBins(np.array([8.0, 12.0, 16.0, 20.0]))
    density = np.exp(-bins.nodes / 5.0)[:, None]

    def total(pull):
        return jnp.sum(bins.counts(density, pull))

    values, slopes = jax.vmap(jax.value_and_grad(total))(jnp.linspace(-30.0, 30.0, 241))
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    assert np.all(values[:-1] > 0.0)
