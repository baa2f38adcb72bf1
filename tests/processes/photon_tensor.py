"""Independent of the package: F1 and F2 of gamma J -> mu+ mu- from traces of Dirac matrices, for the tests of tridents.

W^{mu nu} = int dcos(theta) beta sum over spins and photon polarisations of M^mu M^nu*, for a current J of momentum q
(q^2 = -Q2) that is vector or axial, decomposed as -g W1 + k k W2 + q q W4 + (k q + q k) W5.
"""

import numpy as np
import scipy.integrate

M = 105.6583755
G = np.diag([1.0, -1.0, -1.0, -1.0])
_S = [np.array(s, dtype=complex) for s in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
_Z, _I = np.zeros((2, 2)), np.eye(2)
GAMMA = [np.block([[_I, _Z], [_Z, -_I]]), *(np.block([[_Z, s], [-s, _Z]]) for s in _S)]
GAMMA5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]


def slash(p):
    return sum(G[i, i] * p[i] * GAMMA[i] for i in range(4))


def bar(matrix):
    return GAMMA[0] @ matrix.conj().T @ GAMMA[0]


def momenta(x, t):
    """k (photon) and q (current) in the pair's rest frame."""
    w = np.sqrt((1.0 - x) * t)
    k = t / (2.0 * w)
    return np.array([k, 0, 0, k]), np.array([w - k, 0, 0, -k]), w


def contractions(x, t, axial, cosine):
    """g, kk, kq and qq of the integrand."""
    k, q, w = momenta(x, t)
    p = np.sqrt(w**2 / 4.0 - M**2)
    sine = np.sqrt(1.0 - cosine**2)
    p1, p2 = np.array([w / 2, p * sine, 0, p * cosine]), np.array([w / 2, -p * sine, 0, -p * cosine])

    def amplitude(mu, alpha):
        vertex = GAMMA[mu] @ GAMMA5 if axial else GAMMA[mu]
        first = GAMMA[alpha] @ (slash(p1 - k) + M * np.eye(4)) @ vertex / ((p1 - k) @ G @ (p1 - k) - M**2)
        second = vertex @ (slash(k - p2) + M * np.eye(4)) @ GAMMA[alpha] / ((k - p2) @ G @ (k - p2) - M**2)
        return first + second

    o = [[amplitude(mu, alpha) for alpha in range(4)] for mu in range(4)]
    left, right = slash(p1) + M * np.eye(4), slash(p2) - M * np.eye(4)
    tensor = np.zeros((4, 4))
    for mu in range(4):
        for nu in range(4):
            trace = sum(-G[a, a] * np.trace(left @ o[mu][a] @ right @ bar(o[nu][a])) for a in range(4))
            tensor[mu, nu] = trace.real
    kl, ql = G @ k, G @ q
    return np.array([np.einsum("ij,ij", G, tensor), kl @ tensor @ kl, kl @ tensor @ ql, ql @ tensor @ ql]) * p / w


def structure_functions(x, t, axial):
    """(F1, F2) up to one common factor: F1 = W1, F2 = (k.q) W2."""
    k, q, _ = momenta(x, t)
    kq, q2 = k @ G @ q, q @ G @ q
    found = np.array(
        [scipy.integrate.quad(lambda c, i=i: contractions(x, t, axial, c)[i], 0, 1, epsrel=1e-7)[0] for i in range(4)]
    )
    # Rows: contractions with g, k k, k q, q q of -g, k k, q q and k q + q k; k^2 = 0.
    matrix = np.array(
        [
            [-4.0, 0.0, q2, 2.0 * kq],
            [0.0, 0.0, kq**2, 0.0],
            [-kq, 0.0, kq * q2, kq**2],
            [-q2, kq**2, q2**2, 2.0 * kq * q2],
        ]
    )
    w1, w2, _, _ = np.linalg.solve(matrix, found)
    return w1, kq * w2
