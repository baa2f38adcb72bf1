"""mu Z -> mu Z A' at tree level, exactly: helicity amplitudes from explicit Dirac matrices, numerical phase space.

Shares no line and no approximation with lmtbayes.processes.bremsstrahlung: no equivalent photons, no small angles.
The nucleus is a static Coulomb centre (recoil energy t/2 M_N, at most 3 MeV out of 160 GeV) with the elastic form
factor G_2(t). With energies E = E_0 and E' = E_0 - E_k,

    dsigma/dx = E_0/(2 p) (2 pi)^-5 1/4 int k dOmega_k p' dOmega_p' <|M|^2>,
    |M|^2 = g^2 (4 pi alpha)^2 G_2(t)/t^2 |ubar' [eps.gamma S(p'+k) gamma^0 + gamma^0 S(p-k) eps.gamma] u|^2.

The muon's direction is traded for t = |p' + k - p|^2 and the azimuth phi of p' about p - k:
dOmega_p' = dt dphi/(2 p' |p - k|).
"""

import numpy as np

ALPHA = 1.0 / 137.035999177
MUON = 105.6583755

_I2, _0 = np.eye(2), np.zeros((2, 2))
_SIGMA = [np.array(s, dtype=complex) for s in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
_GAMMA0 = np.block([[_I2, _0], [_0, -_I2]]).astype(complex)
_GAMMA = [np.block([[_0, s], [-s, _0]]) for s in _SIGMA]


def _slash(energy, vector):
    """gamma^mu a_mu for arrays of four-vectors, shape (..., 4, 4)."""
    out = np.asarray(energy)[..., None, None] * _GAMMA0
    for component, gamma in zip(np.moveaxis(vector, -1, 0), _GAMMA, strict=True):
        out = out - component[..., None, None] * gamma
    return out


def _spinors(energy, vector):
    """Both spin states u(p), normalised to ubar u = 2m, as columns: shape (..., 4, 2)."""
    upper = np.broadcast_to(np.eye(2, dtype=complex), (*vector.shape[:-1], 2, 2))
    sigma_p = sum(vector[..., i, None, None] * _SIGMA[i] for i in range(3))
    energy = np.asarray(energy)[..., None, None]
    return np.sqrt(energy + MUON) * np.concatenate([upper, sigma_p / (energy + MUON) @ upper], axis=-2)


def polarisations(direction, energy, mass):
    """Three polarisations (time, space); of the longitudinal one k/M is taken off, which a conserved current ignores.

    What is left, -M/(E + |k|) (1, -k/|k|), is small: nothing cancels.
    """
    across = np.cross(direction, np.array([0.0, 1.0, 0.0]))
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    along = np.cross(direction, across)
    zero = np.zeros(direction.shape[:-1])
    size = -mass / (energy + np.sqrt(energy**2 - mass**2))
    return [(zero, across), (zero, along), (zero + size, -size * direction)]


def dsigma_dx(x, mass, beam_energy, form_factor, t_max, nodes=(24, 40, 16), states=polarisations):
    """(dsigma/dx)/g^2 [MeV^-2]; `form_factor(t)` is G_2, Z^2 included; nodes in (ln U, ln t, phi)."""
    p0 = np.sqrt(beam_energy**2 - MUON**2)
    energy_k, energy_p = x * beam_energy, (1.0 - x) * beam_energy
    k, p1 = np.sqrt(energy_k**2 - mass**2), np.sqrt(energy_p**2 - MUON**2)
    u, u_weight = _unit_gauss(nodes[0])
    v, v_weight = _unit_gauss(nodes[1])
    phi = np.pi * (np.arange(nodes[2]) + 0.5) / nodes[2]  # symmetric about the plane of p and k

    # 1 - cos(theta_k), spread so that ln(theta^2 + theta_0^2) is flat between 0 and the last open angle.
    theta0_2 = (mass**2 * (1.0 - x) / x + MUON**2 * x) / (beam_energy**2 * x)

    def recoil(one_minus_cos):  # |p - k|
        return np.sqrt((p0 - k) ** 2 + 2.0 * p0 * k * one_minus_cos)

    # Smallest t at an angle: (|p - k| - p')^2; open while it is below t_max.
    last = ((p1 + np.sqrt(t_max)) ** 2 - (p0 - k) ** 2) / (2.0 * p0 * k)
    last = min(last, 2.0)
    log_range = np.log1p(2.0 * last / theta0_2)
    one_minus_cos = 0.5 * theta0_2 * np.expm1(u * log_range)
    angle_weight = u_weight * log_range * (one_minus_cos + 0.5 * theta0_2)

    cos, sin = 1.0 - one_minus_cos, np.sqrt(one_minus_cos * (2.0 - one_minus_cos))
    k_direction = np.stack([sin, 0.0 * sin, cos], axis=-1)
    difference = np.array([0.0, 0.0, p0]) - k * k_direction
    length = recoil(one_minus_cos)
    # |p - k| - p' without cancellation: squares differ by 2 p.k - M^2, evaluated with energies equal.
    two_pk = 2.0 * (beam_energy * energy_k - p0 * k) + 2.0 * p0 * k * one_minus_cos
    t_low = ((two_pk - mass**2) / (length + p1)) ** 2
    t_high = np.minimum(t_max, (length + p1) ** 2)  # the muon backwards
    log_t_range = np.log(t_high / t_low)[:, None]
    t = t_low[:, None] * np.exp(log_t_range * v)
    t_weight = v_weight * log_t_range * t

    # p' at angle psi to p - k, from t = (|p-k| - p')^2 + 2 p' |p-k| (1 - cos psi).
    one_minus_psi = (t - t_low[:, None]) / (2.0 * p1 * length[:, None])
    sin_psi = np.sqrt(one_minus_psi * (2.0 - one_minus_psi))
    axis = difference / length[:, None]
    e1 = np.cross(np.array([0.0, 1.0, 0.0]), axis)
    e2 = np.array([0.0, 1.0, 0.0])
    p1_vector = p1 * (
        (1.0 - one_minus_psi)[:, :, None, None] * axis[:, None, None, :]
        + sin_psi[:, :, None, None] * (np.cos(phi)[:, None] * e1[:, None, None, :] + np.sin(phi)[:, None] * e2)
    )

    k_vector = np.broadcast_to((k * k_direction)[:, None, None, :], p1_vector.shape)
    direction = np.broadcast_to(k_direction[:, None, None, :], p1_vector.shape)
    shape = p1_vector.shape[:-1]
    p0_vector = np.broadcast_to(np.array([0.0, 0.0, p0]), p1_vector.shape)

    u_in = _spinors(np.full(shape, beam_energy), p0_vector)
    u_out = _spinors(np.full(shape, energy_p), p1_vector)
    ubar_out = np.conj(np.swapaxes(u_out, -1, -2)) @ _GAMMA0
    # Propagators (q.gamma + m)/(q^2 - m^2): q = p' + k after the Coulomb kick, p - k before it.
    one_minus_pk = 2.0 * (beam_energy * energy_k - p0 * k) + 2.0 * p0 * k * one_minus_cos
    before = mass**2 - one_minus_pk[:, None, None]
    after = mass**2 + 2.0 * (energy_p * energy_k - np.sum(p1_vector * k_vector, axis=-1))
    unit = MUON * np.eye(4)
    s_after = (_slash(np.full(shape, beam_energy), p1_vector + k_vector) + unit) / after[..., None, None]
    s_before = (_slash(np.full(shape, energy_p), p0_vector - k_vector) + unit) / before[..., None, None]

    squared = np.zeros(shape)
    for time, space in states(direction, energy_k, mass):
        eps = _slash(time, space)
        amplitude = ubar_out @ (eps @ s_after @ _GAMMA0 + _GAMMA0 @ s_before @ eps) @ u_in
        squared += np.sum(np.abs(amplitude) ** 2, axis=(-1, -2))
    squared *= 0.5 * (4.0 * np.pi * ALPHA) ** 2 * (form_factor(t) / t**2)[..., None]

    over_phi = 2.0 * np.pi * np.mean(squared, axis=-1)
    over_muon = np.sum(t_weight * over_phi, axis=-1) / (2.0 * length)
    over_angle = 2.0 * np.pi * np.sum(angle_weight * k * over_muon)
    return beam_energy / (2.0 * p0) * (2.0 * np.pi) ** -5 / 4.0 * over_angle


def _unit_gauss(n):
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return 0.5 * (nodes + 1.0), 0.5 * weights
