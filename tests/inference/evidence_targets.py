"""Six integrands on the unit cube with known ln Z: what every evidence method of the package must get right.

gauss, banana, bimodal: normalised densities in a box, ln Z = -ln(volume) but for what the box cuts (one dimension, by
erf). funnel: one dimension by quadrature. limit, signal: counts of the kind that the package fits, over log10 g, log10
M/GeV, log10 eps; their ln Z are from `dense`.
"""

import functools
import math

import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.special import erf

_LOG_2PI = math.log(2.0 * math.pi)
_SIGMAS = np.array([0.02, 0.05, 0.1])
_PRECISION = np.linalg.inv(np.array([[1, 0.8, 0.3], [0.8, 1, 0.5], [0.3, 0.5, 1]]) * np.outer(_SIGMAS, _SIGMAS))


def gauss(u, xp=jnp):
    """Correlated; the box is five standard deviations away or more."""
    d = u - xp.array([0.3, 0.6, 0.5])
    return -0.5 * xp.sum((d @ _PRECISION) * d, -1) + 0.5 * np.linalg.slogdet(_PRECISION)[1] - 1.5 * _LOG_2PI


def banana(u, xp=jnp):
    """y = x^2 - 1 within 0.1, in a box of side 20."""
    x, y, z = ((u[..., i] - 0.5) * 20.0 for i in range(3))
    return -0.5 * (x**2 + ((y - x**2 + 1.0) / 0.1) ** 2 + z**2) - math.log(0.1) - 1.5 * _LOG_2PI


def bimodal(u, xp=jnp):
    """Weights 0.7 and 0.3, widths 0.5 and 0.1, 17 apart, in a box of side 40."""
    x = (u - 0.5) * 40.0

    def normal(mean, sigma):
        return -0.5 * xp.sum((x - mean) ** 2, -1) / sigma**2 - 3.0 * math.log(sigma) - 1.5 * _LOG_2PI

    return xp.logaddexp(math.log(0.7) + normal(-5.0, 0.5), math.log(0.3) + normal(5.0, 0.1))


def funnel(u, xp=jnp):
    """v ~ N(0, 2^2) in +-6; two coordinates of variance exp(v) in +-20."""
    v, x = (u[..., 0] - 0.5) * 12.0, (u[..., 1:] - 0.5) * 40.0
    return -0.125 * v**2 - math.log(2.0) - 0.5 * xp.sum(x**2, -1) * xp.exp(-v) - v - 1.5 * _LOG_2PI


def _counts(u, xp):
    spans = (4.0, -6.0), (4.0, -4.0), (5.0, -7.0)
    return counts(*(10.0 ** (u[..., i, None] * s + o) for i, (s, o) in enumerate(spans)), xp)


def counts(g, mass, eps, xp=jnp):
    """Expected counts of `limit` and `signal`."""
    beam = 1e10 * g**2 / (1.0 + (mass / 0.1) ** 2) + 0.5
    q = np.linspace(0.02, 0.06, 10)
    nuclei = 20.0 * (1.0 - 2.4e4 * g * eps / (mass**2 + q**2)) ** 2 + 5.0
    q = np.linspace(5e-5, 6e-4, 10)
    electrons = 1.2e10 * (g * eps) ** 2 / (mass**2 + q**2) ** 2 + 4.0
    return xp.concatenate([beam, nuclei, electrons], -1)


_SIGNAL = np.array([(-3.6 + 6.0) / 4.0, (-1.7 + 4.0) / 4.0, (-4.0 + 7.0) / 5.0])
_NULL = _counts(np.zeros(3), np)
DATA = _counts(_SIGNAL, np)


def _poisson(u, data, xp):
    expected = _counts(u, xp)
    return xp.sum(data * xp.log(expected / data) - expected + data, -1)


def limit(u, xp=jnp):
    """No signal: a plateau at small couplings, and a second ridge where interference doubles the amplitude."""
    return _poisson(u, _NULL, xp)


def signal(u, xp=jnp):
    """A thin, bent ridge."""
    return _poisson(u, DATA, xp)


def dense(f, panels, low=(0.0, 0.0, 0.0), high=(1.0, 1.0, 1.0)):
    """ln of the integral of exp(f) by a tensor of equal panels with 6 Gauss-Legendre nodes, in NumPy."""
    x, w = np.polynomial.legendre.leggauss(6)
    axes, weights = [], []
    for n, a, b in zip(panels, low, high, strict=True):
        edges = np.linspace(a, b, n + 1)
        axes.append((edges[:-1, None] + (x + 1.0) / 2.0 * (b - a) / n).ravel())
        weights.append(np.tile(w / 2.0 * (b - a) / n, n))
    rest = np.stack(np.meshgrid(*axes[1:], indexing="ij"), -1).reshape(-1, 2)
    log_weight = np.log(np.multiply.outer(weights[1], weights[2])).ravel()
    total = -np.inf
    for first, weight in zip(axes[0], weights[0], strict=True):
        u = np.concatenate([np.full((len(rest), 1), first), rest], -1)
        total = np.logaddexp(total, np.log(weight) + np.logaddexp.reduce(f(u, np) + log_weight))
    return total


def _funnel_log_z():
    def slice_of(v):
        return math.exp(-(v**2) / 8.0) / math.sqrt(8.0 * math.pi) * erf(20.0 / math.sqrt(2.0) * math.exp(-v / 2.0)) ** 2

    return math.log(quad(slice_of, -6.0, 6.0, epsabs=1e-13)[0] / (12.0 * 40.0**2))


def _banana_log_z():
    def slice_of(x):
        mean = x**2 - 1.0
        inside = 0.5 * (erf((10.0 - mean) / 0.1 / math.sqrt(2.0)) + erf((10.0 + mean) / 0.1 / math.sqrt(2.0)))
        return math.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi) * inside

    return math.log(quad(slice_of, -10.0, 10.0, points=(-3.3, -3.2, 0.0, 3.2, 3.3), epsabs=1e-13)[0] / 20.0**3)


# Outside of this box around its peak, `signal` holds less than 1e-5 (the wider box of test_cubature).
SIGNAL_BOX = (0.58, 0.50, 0.48), (0.62, 0.66, 0.72)

TARGETS = {f.__name__: f for f in (gauss, banana, bimodal, funnel, limit, signal)}
_LOG_Z = {
    "gauss": lambda: 0.0,
    "banana": _banana_log_z,
    "bimodal": lambda: -3.0 * math.log(40.0),
    "funnel": _funnel_log_z,
    "limit": lambda: dense(limit, (16, 16, 16)),
    "signal": lambda: dense(signal, (24, 24, 24), *SIGNAL_BOX),
}


@functools.cache
def log_z(name):
    """ln Z of a target: the dense ones take seconds, which who does not ask for them does not wait for."""
    return _LOG_Z[name]()
