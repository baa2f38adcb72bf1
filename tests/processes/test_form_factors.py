"""Form factors against mpmath's Bessel functions, against the Fourier integral of their densities, and their limits."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from lmtbayes.constants import HBAR_C_MEV_FM
from lmtbayes.errors import InvalidArgument
from lmtbayes.processes.form_factors import HELM, LARGEST, Helm, KleinNystrand, form_factor, sphere_of_square

X = np.concatenate([[0.0], np.geomspace(1e-8, LARGEST, 60), [0.4999999, 0.5, 0.5000001]])


def sphere(x):
    return sphere_of_square(x**2)


def exact_sphere(x):
    x = mpmath.mpf(float(x))
    with mpmath.workdps(50):
        return mpmath.mpf(1) if x == 0 else 3 * (mpmath.sin(x) - x * mpmath.cos(x)) / x**3


def exact_slope(x):
    x = mpmath.mpf(float(x))
    with mpmath.workdps(50):
        return 0.0 if x == 0 else float(3 * ((x**2 - 3) * mpmath.sin(x) + 3 * x * mpmath.cos(x)) / x**4)


def test_sphere_against_fifty_digits():
    exact = [float(exact_sphere(x)) for x in X]
    np.testing.assert_allclose(sphere(X), exact, rtol=0.0, atol=5e-15)


def test_sphere_goes_on_to_negative_squares_and_is_not_known_beyond():
    x2 = np.linspace(-16.0, 0.0, 40)
    with mpmath.workdps(50):
        exact = [float(mpmath.hyp0f1(mpmath.mpf(5) / 2, -mpmath.mpf(float(x)) / 4)) for x in x2]
    np.testing.assert_allclose(sphere_of_square(x2), exact, rtol=1e-14)
    assert np.isnan(sphere_of_square(np.array([-16.1, 400.1]))).all()
    for factor in (HELM, KleinNystrand()):
        with pytest.raises(InvalidArgument, match="`momentum` must be such that q R is at most 20 for this nucleus"):
            factor(np.array([10.0, 2000.0]), 208)
        assert np.isnan(jax.jit(factor, static_argnums=1)(2000.0, 208))
    assert np.isfinite(jax.grad(lambda r: HELM(105.0, 208, r))(4.0))  # any momentum of a muon's decay, lead, 4 x


def test_sphere_gradients_are_exact_and_finite_at_zero():
    slope = jax.vmap(jax.grad(sphere))(jnp.asarray(X))
    exact = [exact_slope(x) for x in X]
    np.testing.assert_allclose(slope, exact, rtol=0.0, atol=2e-14)
    curvature = jax.grad(jax.grad(sphere))(0.0)
    assert float(curvature) == pytest.approx(-0.2, rel=1e-14)


def test_lewin_smith_radius_as_published():
    c = 1.23 * 40 ** (1 / 3) - 0.60
    r_n2 = c**2 + 7 / 3 * np.pi**2 * 0.52**2 - 5 * 0.9**2
    q = np.array([1e-3, 20.0, 60.0, 90.0])
    x = q * np.sqrt(r_n2) / HBAR_C_MEV_FM
    direct = 3 * (np.sin(x) - x * np.cos(x)) / x**3 * np.exp(-((q * 0.9 / HBAR_C_MEV_FM) ** 2) / 2)
    np.testing.assert_allclose(HELM(q[1:], 40), direct[1:], rtol=1e-13)
    assert HELM.rms_radius_fm(40) == pytest.approx(np.sqrt(0.6 * r_n2 + 3 * 0.81), rel=1e-14)


FACTORS = [HELM, Helm(radius_fm=4.8), Helm(radius_fm=3.4, skin_fm=0.8), KleinNystrand(), KleinNystrand(4.8)]


@pytest.mark.parametrize("factor", FACTORS)
def test_rms_radius_is_the_slope_at_zero(factor):
    """F = 1 - q^2 R_rms^2/6 + O(q^4), for any scale of the radius."""
    for scale in (0.9, 1.0, 1.1):
        q = 1e-2
        deficit = 1.0 - float(factor(q, 131, scale))
        rms = np.sqrt(6.0 * deficit) * HBAR_C_MEV_FM / q
        assert rms == pytest.approx(scale * factor.rms_radius_fm(131), rel=1e-6)


def test_helm_is_the_fourier_transform_of_its_density():
    """A uniform sphere of radius R folded with a Gaussian of width s, transformed numerically."""
    from scipy.special import erf

    s, rms = 0.9, 3.4
    R = np.sqrt(5 / 3 * (rms**2 - 3 * s**2))

    def density(r):
        a, b = (r + R) / (np.sqrt(2) * s), (r - R) / (np.sqrt(2) * s)
        return 0.5 * (erf(a) - erf(b)) + s / (np.sqrt(2 * np.pi) * r) * (np.exp(-(a**2)) - np.exp(-(b**2)))

    norm = quad(lambda r: r**2 * density(r), 1e-12, 15.0, epsabs=0, epsrel=1e-12)[0]
    for q in (30.0, 86.0):
        k = q / HBAR_C_MEV_FM
        transform = quad(lambda r, k=k: r * density(r) * np.sin(k * r) / k, 1e-12, 15.0, epsabs=1e-13, epsrel=1e-12)[0]
        assert float(Helm(radius_fm=rms)(q, 40)) == pytest.approx(transform / norm, rel=1e-9)


def test_radius_gradient_against_differences():
    h = 1e-5
    for factor in (HELM, KleinNystrand()):
        gradient = jax.grad(lambda scale, factor=factor: factor(80.0, 40, scale))(1.0)
        difference = (factor(80.0, 40, 1 + h) - factor(80.0, 40, 1 - h)) / (2 * h)
        assert float(gradient) == pytest.approx(float(difference), rel=1e-8)


def test_by_name_and_refusals():
    assert form_factor("helm") is HELM
    assert form_factor(Helm(3.5)) == Helm(3.5)
    with pytest.raises(InvalidArgument, match="klein-nystrand"):
        form_factor("klein")
    with pytest.raises(InvalidArgument, match="radius_fm"):
        Helm(radius_fm=1.0)
    with pytest.raises(InvalidArgument, match="radius_fm"):
        KleinNystrand(radius_fm=1.0)


@pytest.mark.parametrize("factor", [HELM, KleinNystrand()])
@pytest.mark.parametrize("scale", [-1.0, 0.0, 0.2, 0.4577, 0.46, 0.5])
def test_a_nucleus_smaller_than_its_skin_is_continued(factor, scale):
    """The sphere's squared radius is negative: 3 j_1(ix)/(ix) by mpmath; F was NaN, and fits ended there."""
    q = 90.0
    got, slope = jax.value_and_grad(lambda s: factor(q, 40, s))(scale)
    skin2 = 0.9**2 if isinstance(factor, Helm) else 2.0 * 0.7**2
    rms = factor.rms_radius_fm(40)
    k = q / HBAR_C_MEV_FM

    def exact(s):
        x = mpmath.sqrt(mpmath.mpf(5) / 3 * ((s * rms) ** 2 - 3 * skin2)) * k
        ball = 3 * (mpmath.sin(x) - x * mpmath.cos(x)) / x**3
        rest = mpmath.exp(-(k**2) * skin2 / 2) if isinstance(factor, Helm) else 1 / (1 + k**2 * skin2 / 2)
        return mpmath.re(ball * rest)

    with mpmath.workdps(40):
        # Eight terms of the series: 1e-10 at the smallest nucleus.
        assert float(got) == pytest.approx(float(exact(mpmath.mpf(scale))), rel=1e-9)
        assert float(slope) == pytest.approx(float(mpmath.diff(exact, mpmath.mpf(scale))), rel=1e-7, abs=1e-12)
