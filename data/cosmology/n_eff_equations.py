"""Temperatures of photons, neutrinos and a hidden photon through neutrino decoupling: the equations behind n_eff.csv.

Method of M. Escudero, JCAP 02 (2019) 007, arXiv:1812.05605 and JCAP 05 (2020) 048, arXiv:2001.04466, and of
M. Escudero, D. Hooper, G. Krnjaic, M. Pierre, JHEP 03 (2019) 071, arXiv:1901.02010: every species has a thermal
spectrum of its own temperature and no chemical potential, all three neutrinos one temperature, and

    d rho_i/d ln a = -3 (rho_i + P_i) + q_i/H,    H^2 = 8 pi rho/3 M_Planck^2.

The boson enters by two couplings alone: `nu`, g_x sqrt(sum_alpha Q_alpha^2), and `e`, |g_x Q_e + eps_x e|. They set
its widths, Gamma_nu = nu^2 M/24 pi and Gamma_e = e^2 M (1 + 2r) sqrt(1 - 4r)/12 pi, r = (m_e/M)^2, and by their
product the scattering between neutrinos and electrons that it mediates.

What is in it:

- e+ e- <-> nu nubar and nu e -> nu e with m_e, Maxwell-Boltzmann spectra, times the factors for Fermi-Dirac spectra of
  1812.05605 (0.884, 0.829). With s the squared energy in the centre of mass and f = exp(-P^0/T), the integral over the
  pair's momentum is a Bessel function: energy per time and volume that annihilation brings,

      eps(T) = (2 pi)^-3 int ds s T K_2(sqrt(s)/T) Phi_e Phi_nu <sum |M|^2>,    Phi = k*/(4 pi sqrt(s)),

  and that scattering brings per difference of temperature, from the mean square of the energy that one collision moves,

      S(T) = (1/2) (2 pi)^-3 int ds K_2(sqrt(s)/T) Phi_nu^2 <sum |M|^2 (-t)>.

  Massless electrons give 32 and 56 (1 + 4 s_W^2 + 8 s_W^4) G_F^2 T^9/pi^5, as in 1812.05605.
- Decays and inverse decays A' <-> nu nubar, e+ e- with the blocking of the final state. Where either coupling exceeds
  `THERMAL` the boson follows its baths within 1e-6 of an expansion time and its spectrum is their mean weighted with
  the widths; below, it has a temperature of its own and starts empty at 20 MeV.
- Exchange of the boson off its shell: t-channel, and the s-channel without the resonance that decays count already
  (the finite part of 1/(s - M^2)^2, on a contour that passes by the pole). Interference with the Standard Model is
  left out: for muon and tau neutrinos it goes with g_V = -0.02 and changes N_eff by less than 1e-3; for an electron
  neutrino with charge it can double or halve its coupling to electrons, which is worth 0.02 without a boson.
- No chemical potentials, as in 1901.02010. Were decays into neutrinos the only process that changes numbers, a light
  boson's N_eff would be 12 % higher (entropy and number conserved: 2.047 instead of (11/7)^(4/3) = 1.827 in energy);
  nu nubar <-> A'A' (g_x > 3e-5) and electrons undo that.
- Finite-temperature QED in the pressure of the plasma to order e^3, J. J. Bennett et al., JCAP 03 (2020) 003,
  arXiv:1911.04504.
"""

from dataclasses import dataclass

import numpy as np
from scipy import integrate, interpolate, sparse, special

from lmtbayes.constants import ALPHA, ELECTRIC_CHARGE, ELECTRON_MASS, FERMI_CONSTANT, SIN2_THETA_W

PLANCK_MASS = 1.220890e22
"""[MeV]; CODATA 2022."""
ANNIHILATION, SCATTERING = 0.884, 0.829
"""Fermi-Dirac over Maxwell-Boltzmann, arXiv:1812.05605."""
START, END = 20.0, 0.003
"""Temperatures [MeV]."""
THERMAL = 5e-9
"""Coupling above which the boson follows its baths."""
STIFFEST = 1e6
"""Exchange of energy per expansion time is cut here: temperatures that differ by 1e-6 are equal."""
_TEMPERATURES = np.geomspace(1e-3, 30.0, 400)
_X, _WX = np.polynomial.legendre.leggauss(120)
_X, _WX = 0.5 * (_X + 1.0), 0.5 * _WX
_C, _WC = np.polynomial.legendre.leggauss(32)
_WC = 0.5 * _WC


def plasma_pressure(temperature: np.ndarray) -> np.ndarray:
    """Photons, electrons and positrons with QED to e^3 [MeV^4]."""
    scale = np.maximum(temperature, 1e-300)[:, None]
    # p = 60 T v^2, which resolves p << T and the tail; non-relativistic electrons live at sqrt(2 m T).
    width = 60.0 * scale + 10.0 * np.sqrt(ELECTRON_MASS * scale)
    momentum, weight = width * _X**2, width * 2.0 * _X * _WX
    energy = np.hypot(momentum, ELECTRON_MASS)
    occupied = np.exp(-energy / scale)
    occupied = occupied / (1.0 + occupied)
    t = temperature
    free = np.pi**2 / 45.0 * t**4 + 2.0 / (3.0 * np.pi**2) * np.sum(weight * momentum**4 / energy * occupied, axis=1)
    first = np.sum(weight * momentum**2 / energy * occupied, axis=1)
    screening = 2.0 * np.sum(weight * (momentum**2 + energy**2) / energy * occupied, axis=1)
    e2 = 4.0 * np.pi * ALPHA
    second_order = -e2 * t**2 / (6.0 * np.pi**2) * first - e2 / (2.0 * np.pi**4) * first**2
    third_order = ELECTRIC_CHARGE**3 * t / (12.0 * np.pi**4) * screening**1.5
    return free + second_order + third_order


def annihilation(temperature: np.ndarray, left2: float, mixed: float, boson: float | None = None) -> np.ndarray:
    """eps(T) e^(2 m_e/T) [MeV^5] for sum g_L^2 + g_R^2 = `left2`, sum g_L g_R = `mixed`, both times G_F^2.

    With `boson`, the mass of a mediator [MeV], the couplings are divided by (s/M^2 - 1)^2 without the resonance.
    """
    t = temperature[:, None]
    # A ray into the complex plane of sqrt(s) passes the pole at M; without one it may stay on the real axis.
    ray = 1.0 if boson is None else 1.0 + 0.4j
    root = 2.0 * ELECTRON_MASS + 45.0 * t * _X**2 * ray
    weight = 45.0 * t * 2.0 * _X * _WX * ray
    s = root**2
    velocity2 = 1.0 - 4.0 * ELECTRON_MASS**2 / s
    phase_space = np.sqrt(velocity2) / (8.0 * np.pi) ** 2
    squared = 128.0 * (left2 * s**2 / 16.0 * (1.0 + velocity2 / 3.0) + mixed * ELECTRON_MASS**2 * s / 2.0)
    if boson is not None:
        squared = squared / (s / boson**2 - 1.0) ** 2
    bessel = special.kve(2, root / t) * np.exp(-(root - 2.0 * ELECTRON_MASS) / t)
    total = np.sum(weight * 2.0 * root * s * t * bessel * phase_space * squared, axis=1).real
    return total / (2.0 * np.pi) ** 3


def scattering(temperature: np.ndarray, left2: float, mixed: float, boson: float = np.inf) -> np.ndarray:
    """S(T) e^(m_e/T) [MeV^4] for the couplings of `annihilation`; `boson`: mass of a mediator [MeV], (1 - t/M^2)^-2."""
    t = temperature[:, None]
    root = ELECTRON_MASS + 45.0 * t * _X**2
    weight = 45.0 * t * 2.0 * _X * _WX
    s = root**2
    momentum2 = ((s - ELECTRON_MASS**2) / (2.0 * root)) ** 2
    transfer = -2.0 * momentum2[..., None] * (1.0 - _C)
    before = ((s - ELECTRON_MASS**2) / 2.0)[..., None]
    after = before + 0.5 * transfer
    squared = 128.0 * (2.0 * left2 * (before**2 + after**2) + 2.0 * mixed * ELECTRON_MASS**2 * transfer)
    mean = np.sum(_WC * squared * -transfer / (1.0 - transfer / boson**2) ** 2, axis=-1)
    bessel = special.kve(2, root / t) * np.exp(-(root - ELECTRON_MASS) / t)
    phase_space = momentum2 / s / (4.0 * np.pi) ** 2
    total = np.sum(weight * 2.0 * root * bessel * phase_space * mean, axis=1)
    return 0.5 * total / (2.0 * np.pi) ** 3


def boson_gas(temperature: np.ndarray, mass: float) -> tuple[np.ndarray, ...]:
    """Energy density, pressure, d rho/dT, and the densities that decay into neutrinos and electrons, times e^(M/T).

    The last two are n <1 - f_1 - f_2>, averaged over the directions of the decay: final states that are taken block,
    and inverse decays are stimulated by what is there.
    """
    t = temperature[:, None]
    width = 60.0 * t + 10.0 * np.sqrt(mass * t)
    momentum, weight = width * _X**2, width * 2.0 * _X * _WX
    energy = np.hypot(momentum, mass)
    excess = momentum**2 / (energy + mass)
    number = np.exp(-excess / t) / -np.expm1(-energy / t)
    measure = 3.0 / (2.0 * np.pi**2) * weight * momentum**2 * number
    blocked = []
    for lepton in (0.0, ELECTRON_MASS):
        spread = momentum * np.sqrt(max(1.0 - 4.0 * (lepton / mass) ** 2, 0.0))
        high, low = (energy + spread) / (4.0 * t), (energy - spread) / (4.0 * t)
        log_cosh = high - low + np.log1p(np.exp(-2.0 * high)) - np.log1p(np.exp(-2.0 * low))
        factor = np.where(spread > 1e-6 * t, 2.0 * t / np.maximum(spread, 1e-300) * log_cosh, np.tanh(energy / 4.0 / t))
        blocked.append(np.sum(measure * factor, axis=1))
    stimulated = 1.0 / -np.expm1(-energy / t)
    heat = np.sum(measure * energy**2 / t**2 * stimulated, axis=1)
    pressure = np.sum(measure * momentum**2 / (3.0 * energy), axis=1)
    return np.sum(measure * energy, axis=1), pressure, heat, blocked[0], blocked[1]


@dataclass(frozen=True)
class Bath:
    """Everything that depends on a temperature alone, on splines in ln T."""

    curves: interpolate.CubicSpline
    mass: float

    @classmethod
    def build(cls, mass: float) -> "Bath":
        """Tabulate for a boson of `mass` [MeV]; inf: no boson."""
        t = _TEMPERATURES
        log_t = np.log(t)
        # P/T^4 is smooth in ln T, so that derivatives of a spline of degree 7 are exact to 1e-7.
        scaled = interpolate.make_interp_spline(log_t, plasma_pressure(t) / t**4, k=7)
        p, p1, p2 = (scaled.derivative(n)(log_t) if n else scaled(log_t) for n in range(3))
        density, heat = 3.0 * p + p1, 12.0 * p + 7.0 * p1 + p2
        left = np.array([0.5, -0.5, -0.5]) + SIN2_THETA_W
        left2 = FERMI_CONSTANT**2 * float(np.sum(left**2 + SIN2_THETA_W**2))
        mixed = FERMI_CONSTANT**2 * float(np.sum(left * SIN2_THETA_W))
        columns = [density, p, heat]
        columns += [
            np.log(ANNIHILATION * annihilation(t, left2, mixed)),
            np.log(SCATTERING * scattering(t, left2, mixed)),
        ]
        if np.isfinite(mass):
            # G_F g_L, G_F g_R -> nu e/(sqrt8 M^2) for a vector of both couplings.
            contact = 1.0 / (8.0 * mass**4)
            gas = boson_gas(t, mass)
            columns += [
                ANNIHILATION * annihilation(t, 2.0 * contact, contact, mass) * mass**4 / t**9,
                np.log(SCATTERING * scattering(t, 2.0 * contact, contact, mass)),
            ]
            columns += [np.log(column) for column in gas]
        return cls(interpolate.CubicSpline(log_t, np.stack(columns, axis=1)), mass)

    def at(self, log_temperature: np.ndarray) -> dict[str, np.ndarray]:
        """Quantities at ln T, shape (points,) each."""
        c, t = self.curves(log_temperature).T, np.exp(log_temperature)
        suppressed = np.exp(-ELECTRON_MASS / t)
        found = {
            "t": t,
            "density": c[0] * t**4,
            "enthalpy": (c[0] + c[1]) * t**4,
            "heat": c[2] * t**3,
            "annihilation": np.exp(c[3]) * suppressed**2,
            "scattering": np.exp(c[4]) * suppressed,
        }
        if np.isfinite(self.mass):
            thermal = np.exp(-self.mass / t)
            found |= {
                "off_shell": c[5] * suppressed**2 * t**9 / self.mass**4,
                "exchange": np.exp(c[6]) * suppressed,
                "boson_density": np.exp(c[7]) * thermal,
                "boson_enthalpy": (np.exp(c[7]) + np.exp(c[8])) * thermal,
                "boson_heat": np.exp(c[9]) * thermal,
                "boson_stiffness": 1.0 + np.exp(c[8] - c[7]),
                "into_nu": self.mass * np.exp(c[10] - c[7]),
                "into_e": self.mass * np.exp(c[11] - c[7]),
            }
        return found


def neutrino_density(temperature: np.ndarray) -> np.ndarray:
    """Three species [MeV^4]."""
    return 3.0 * 7.0 / 8.0 * np.pi**2 / 15.0 * temperature**4


def hubble(density: np.ndarray) -> np.ndarray:
    """Expansion rate [MeV]."""
    return np.sqrt(8.0 * np.pi * density / 3.0) / PLANCK_MASS


def slopes(bath: Bath, log_a: float, state: np.ndarray, nu: np.ndarray, e: np.ndarray) -> np.ndarray:
    """d/d ln a of `state`, (2 or 3, points): ln T of plasma and neutrinos, and below `THERMAL` the boson's rho a^4."""
    hot, cold = bath.at(state[0]), bath.at(state[1])
    t, t_nu = hot["t"], cold["t"]
    neutrinos = neutrino_density(t_nu)
    heat_nu, enthalpy_nu = 4.0 * neutrinos / t_nu, 4.0 / 3.0 * neutrinos
    flow = hot["annihilation"] - cold["annihilation"]
    drag = hot["scattering"]
    density = hot["density"] + neutrinos
    if not np.isfinite(bath.mass):
        rate = hubble(density)
        flow = flow + drag * (t_nu / t) ** 4 * (t - t_nu)
        return np.stack(
            [
                (-3.0 * hot["enthalpy"] - flow / rate) / (hot["heat"] * t),
                (-3.0 * enthalpy_nu + flow / rate) / (heat_nu * t_nu),
            ]
        )
    product = (nu * e) ** 2
    flow = flow + product * (hot["off_shell"] - cold["off_shell"])
    drag = drag + product * hot["exchange"]
    flow = flow + drag * (t_nu / t) ** 4 * (t - t_nu)
    stiff = hot["annihilation"] + product * np.abs(hot["off_shell"]) + drag * t
    ratio = (ELECTRON_MASS / bath.mass) ** 2
    width_nu = nu**2 * bath.mass / (24.0 * np.pi) * cold["into_nu"]
    width_e = np.zeros_like(width_nu)
    if ratio < 0.25:
        opening = (1.0 + 2.0 * ratio) * np.sqrt(1.0 - 4.0 * ratio)
        width_e = e**2 * bath.mass / (12.0 * np.pi) * opening * hot["into_e"]
    # Energy per time: M Gamma n = width * rho, since each decay takes E at a rate Gamma M/E.
    if len(state) == 3:
        own = state[2] * (START * np.exp(-log_a)) ** 4
        rate = hubble(density + own)
        in_nu = width_nu / (1.0 + width_nu / (STIFFEST * rate)) * (cold["boson_density"] - own)
        in_e = width_e / (1.0 + width_e / (STIFFEST * rate)) * (hot["boson_density"] - own)
        enthalpy = cold["boson_stiffness"]
        return np.stack(
            [
                (-3.0 * hot["enthalpy"] - (flow + in_e) / rate) / (hot["heat"] * t),
                (-3.0 * enthalpy_nu + (flow - in_nu) / rate) / (heat_nu * t_nu),
                (4.0 - 3.0 * enthalpy) * state[2] + (in_nu + in_e) / rate / (START * np.exp(-log_a)) ** 4,
            ]
        )
    both = np.maximum(width_nu + width_e, 1e-300)
    share_nu, share_e = width_nu / both, width_e / both
    through = width_nu * share_e
    flow = flow + through * (hot["boson_density"] - cold["boson_density"])
    stiff = stiff + through * hot["boson_density"]
    boson = share_nu * cold["boson_density"] + share_e * hot["boson_density"]
    rate = hubble(density + boson)
    flow = flow / rate / (1.0 + stiff / (STIFFEST * rate * neutrinos))
    enthalpy = share_nu * cold["boson_enthalpy"] + share_e * hot["boson_enthalpy"]
    warm_nu, warm_e = share_nu * cold["boson_heat"], share_e * hot["boson_heat"]
    a, b = hot["heat"] + share_e * warm_e, share_e * warm_nu
    c, d = share_nu * warm_e, heat_nu + share_nu * warm_nu
    right = -3.0 * (hot["enthalpy"] + share_e * enthalpy) - flow, -3.0 * (enthalpy_nu + share_nu * enthalpy) + flow
    determinant = a * d - b * c
    return np.stack(
        [(d * right[0] - b * right[1]) / (determinant * t), (a * right[1] - c * right[0]) / (determinant * t_nu)]
    )


def solve(mass: float, nu: np.ndarray, e: np.ndarray, *, own_population: bool, rtol: float = 1e-7) -> np.ndarray:
    """N_eff of bosons of one mass [MeV] for couplings `nu`, `e` of shape (points,)."""
    bath = Bath.build(mass)
    rows = 3 if own_population else 2
    start = np.full((rows, len(nu)), np.log(START))
    start[2:] = 0.0

    def equations(log_a: float, flat: np.ndarray) -> np.ndarray:
        return slopes(bath, log_a, flat.reshape(-1, rows).T, nu, e).T.ravel()

    # A trial step may leave the tables; what overflows there is refused by the error estimate, and the step is cut.
    with np.errstate(over="ignore", invalid="ignore"):
        solution = integrate.solve_ivp(
            equations,
            (0.0, np.log(START / END)),
            start.T.ravel(),
            method="BDF",
            jac_sparsity=sparse.kron(sparse.eye_array(len(nu)), np.ones((rows, rows))),
            rtol=rtol,
            atol=rtol,
            t_eval=[np.log(START / END)],
        )
    if not solution.success:
        raise RuntimeError(f"no solution at M = {mass:g} MeV: {solution.message}")
    log_t, log_nu = solution.y[:, -1].reshape(-1, rows).T[:2]
    photons = np.pi**2 / 15.0 * np.exp(4.0 * log_t)
    return 8.0 / 7.0 * (11.0 / 4.0) ** (4.0 / 3.0) * neutrino_density(np.exp(log_nu)) / photons


def effective_neutrinos(mass: float, nu: np.ndarray, e: np.ndarray, rtol: float = 1e-7) -> np.ndarray:
    """N_eff, every point by the equations that hold at its couplings; shape of `nu` and `e`, broadcast."""
    nu, e = np.broadcast_arrays(np.asarray(nu, dtype=float), np.asarray(e, dtype=float))
    found = np.empty(nu.shape)
    thermal = np.maximum(nu, e) > THERMAL
    for chosen, own_population in ((thermal, False), (~thermal, True)):
        if np.any(chosen):
            found[chosen] = solve(mass, nu[chosen], e[chosen], own_population=own_population, rtol=rtol)
    return found
