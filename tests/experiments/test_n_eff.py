"""N_eff: the equations against kinetic integrals of their own, limits and the literature; the table against them."""

import importlib.util
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.constants import ELECTRIC_CHARGE, ELECTRON_MASS, SIN2_THETA_W
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.n_eff import COMPUTED_STANDARD, STANDARD, effective_neutrinos, table

_spec = importlib.util.spec_from_file_location(
    "n_eff_equations", tables.data_folder() / "cosmology" / "n_eff_equations.py"
)
equations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(equations)


def n_eff(g_x, mass, eps_x, model=lmt.LMU_LTAU):
    return np.asarray(effective_neutrinos(model, lmt.HiddenPhoton(g_x, mass, eps_x)))


# -- the equations ----------------------------------------------------------------------------------------------------


def test_massless_electrons_give_the_coefficients_of_the_literature():
    # 32 and 56 (1 + 4s + 8s^2) G_F^2 T^9/pi^5 for nu_e, where g_L^2 + g_R^2 = (1 + 4s + 8s^2)/4; m_e/T = 5e-5.
    t = np.array([1e4])
    assert float(equations.annihilation(t, 0.25, 0.0)[0] / t[0] ** 9) == pytest.approx(32 / np.pi**5, rel=2e-4)
    assert float(equations.scattering(t, 0.25, 0.0)[0] / t[0] ** 8) == pytest.approx(56 / np.pi**5, rel=2e-4)


def invariant(kind, g_l, g_r, s, cosine):
    """Sum over spins of |M|^2/G_F^2 for e- e+ -> nu nubar, or over e-, e+, nu, nubar for nu e -> nu e."""
    m2 = ELECTRON_MASS**2
    if kind == "annihilation":
        beta = np.sqrt(1 - 4 * m2 / s)
        near, far = s / 4 * (1 - beta * cosine), s / 4 * (1 + beta * cosine)
        return 128 * (g_l**2 * far**2 + g_r**2 * near**2 + g_l * g_r * m2 * s / 2)
    k2 = (s - m2) ** 2 / (4 * s)
    pk = (s - m2) / 2
    kk = k2 * (1 - cosine)
    pkp = pk - kk
    one = g_l**2 * pk**2 + g_r**2 * pkp**2 - g_l * g_r * m2 * kk
    other = g_r**2 * pk**2 + g_l**2 * pkp**2 - g_l * g_r * m2 * kk
    return 128 * 2 * (one + other)


@pytest.mark.parametrize("temperature", [0.08, 0.5, 3.0])
def test_collisions_agree_with_sampled_particles(temperature):
    # Particles drawn from Maxwell-Boltzmann spectra, one collision each in the frame of its centre of mass: less than
    # 2 % of noise for 4e5 draws, against the reduction to one integral over s.
    rng, size, t, m = np.random.default_rng(5), 400_000, temperature, ELECTRON_MASS
    g_l, g_r = 0.5 + SIN2_THETA_W, SIN2_THETA_W

    def momenta(mass):
        # p^2 exp(-E/T) dp by inverting its integral.
        p = np.linspace(0, 40 * t + 12 * math.sqrt(mass * t), 20001)
        density = p**2 * np.exp(-(np.hypot(p, mass) - mass) / t)
        total = integrate.cumulative_simpson(density, x=p, initial=0)
        size_p = np.interp(rng.random(size) * total[-1], total, p)
        return size_p, total[-1] * math.exp(-mass / t) / (2 * np.pi**2)

    for kind, second in (("annihilation", m), ("scattering", 0.0)):
        p, n_1 = momenta(m)
        k, n_2 = momenta(second)
        e_1, e_2 = np.hypot(p, m), np.hypot(k, second)
        angle = rng.uniform(-1, 1, size)
        s = m**2 + second**2 + 2 * (e_1 * e_2 - p * k * angle)
        cosine = rng.uniform(-1, 1, size)
        matrix = invariant(kind, g_l, g_r, s, cosine)
        if kind == "annihilation":
            # |M|^2 Phi/(4 E_1 E_2) is the rate of one pair, Phi = 1/8 pi; it brings E_1 + E_2.
            rate = matrix / (8 * np.pi) / (4 * e_1 * e_2) * (e_1 + e_2)
            found = float(equations.annihilation(np.array([t]), g_l**2 + g_r**2, g_l * g_r)[0]) * math.exp(-2 * m / t)
        else:
            # Change of the neutrino's energy: boost it with the pair's velocity, along and across.
            total_p = np.sqrt(p**2 + k**2 + 2 * p * k * angle)
            root = np.sqrt(s)
            k_star = (s - m**2) / (2 * root)
            gamma_beta = total_p / root
            along = (k - (e_1 + e_2) / root * k_star) / (gamma_beta * k_star)
            turn = rng.uniform(0, 2 * np.pi, size)
            across = np.sqrt(np.clip(1 - along**2, 0, None)) * np.sqrt(1 - cosine**2) * np.cos(turn)
            change = gamma_beta * k_star * (along * cosine + across - along)
            rate = matrix * (2 * k_star / root) / (8 * np.pi) / (4 * e_1 * e_2) * change**2 / (2 * t**2)
            found = float(equations.scattering(np.array([t]), g_l**2 + g_r**2, g_l * g_r)[0]) * math.exp(-m / t)
        assert found == pytest.approx(float(np.mean(rate)) * n_1 * n_2, rel=0.02)


@pytest.mark.parametrize(("mass", "temperature"), [(5.0, 0.4), (12.0, 2.0), (40.0, 1.5)])
def test_resonance_and_the_rest_add_up_to_a_breit_wigner(mass, temperature):
    # With Gamma/M = 1e-3 the whole s-channel is what decays bring, M Gamma_e Gamma_nu/Gamma n, plus the finite part.
    t, m, relative = temperature, ELECTRON_MASS, 1e-3
    contact = 1 / (8 * mass**4)

    def integrand(root):
        s = root**2
        beta = np.sqrt(1 - 4 * m**2 / s)
        squared = 128 * (2 * contact * s**2 / 16 * (1 + beta**2 / 3) + contact * m**2 * s / 2)
        from_s = (s / mass**2 - 1) ** 2 + relative**2
        gas = integrate.quad(
            lambda p: p**2 * np.exp(-(np.hypot(p, root) - root) / t), 0, 60 * t + 12 * np.sqrt(root * t)
        )
        return 2 * root * gas[0] * np.exp(-root / t) * beta / (8 * np.pi) ** 2 * squared / from_s / (2 * np.pi) ** 3

    near = [mass * (1 + n * relative) for n in (-30, -3, 0, 3, 30)]
    edges = [2 * m, *(x for x in near), max(60 * t, 2 * mass)]
    whole = sum(integrate.quad(integrand, *pair, epsrel=1e-6, limit=200)[0] for pair in itertools.pairwise(edges))
    widths = mass / (12 * np.pi) * (1 + 2 * (m / mass) ** 2) * np.sqrt(1 - 4 * (m / mass) ** 2), mass / (24 * np.pi)
    number = 3 / (2 * np.pi**2) * integrate.quad(lambda p: p**2 * np.exp(-np.hypot(p, mass) / t), 0, 60 * t + 60)[0]
    decays = mass * widths[0] * widths[1] / (relative * mass) * number
    rest = float(equations.annihilation(np.array([t]), 2 * contact, contact, mass)[0]) * math.exp(-2 * m / t)
    # What is left is of second order in Gamma/M beside the peak.
    assert whole - decays == pytest.approx(rest, abs=3e-5 * decays, rel=0.02)


def test_plasma_pressure_at_high_temperature():
    e, t = ELECTRIC_CHARGE, np.array([3e3])
    exact = np.pi**2 / 45 * (1 + 7 / 4) - 5 * e**2 / 288 + e**3 / (36 * math.sqrt(3) * np.pi)
    assert float(equations.plasma_pressure(t)[0] / t[0] ** 4) == pytest.approx(exact, rel=1e-6)


def test_standard_model_and_the_number_in_its_place():
    nothing = np.zeros(1)
    found = float(equations.solve(np.inf, nothing, nothing, own_population=False)[0])
    # arXiv:2001.04466: 3.045 for one temperature of all neutrinos; arXiv:2012.02726: 3.0440 +- 0.0002.
    assert found == pytest.approx(COMPUTED_STANDARD, abs=2e-5)
    assert found == pytest.approx(3.045, abs=6e-4)
    assert STANDARD == 3.0440
    # Weak interactions switched on for ever: neutrinos keep the temperature of photons, 3 (11/4)^(4/3).
    assert n_eff(1e-2, 2.0, 3e-2) == pytest.approx(3 * (11 / 4) ** (4 / 3), rel=1e-3)


# -- the table --------------------------------------------------------------------------------------------------------


def fresh(mass, g_x, kappa):
    """Solutions of the equations for Lmu-Ltau."""
    found = equations.effective_neutrinos(mass, g_x * math.sqrt(2), g_x * kappa * ELECTRIC_CHARGE)
    return found - COMPUTED_STANDARD + STANDARD


def check_against_fresh_solutions(rng, masses, points):
    for mass in masses:
        g_x, kappa = 10 ** rng.uniform(-5, -2, points), 10 ** rng.uniform(-3, 0, points)
        exact = fresh(mass, g_x, kappa)
        error = np.abs(n_eff(g_x, mass, -kappa * g_x) - exact)
        # The bounds of the module: 0.015 below 3.6, 1.5 % above.
        assert np.all(error < np.where(exact < 3.6, 0.015, 0.015 * exact)), (mass, error.max())


def test_interpolation_against_fresh_solutions():
    check_against_fresh_solutions(np.random.default_rng(11), (4.0, 13.3, 47.0), 4)


@pytest.mark.slow
def test_interpolation_over_the_default_prior():
    rng = np.random.default_rng(12)
    check_against_fresh_solutions(rng, 10 ** rng.uniform(np.log10(1.1), 3, 14), 8)


def test_the_band_of_the_literature(monkeypatch):
    # arXiv:1901.02010, eps = -g/70: 0.2 < Delta N_eff < 0.5, drawn at N_eff = 3.2 and 3.5. The formula that stood here
    # gave 3.88 to 3.17 on the left edge and 3.22 to 3.02 on the right one.
    band = tables.read("constraints/h0_band")
    found = n_eff(band["g_x"], band["mass_mev"], -band["g_x"] / 70)
    left = np.arange(found.size) < np.argmax(band["mass_mev"])
    np.testing.assert_allclose(found[~left], 3.2, atol=0.015)
    np.testing.assert_allclose(found[left][:-1], 3.5, atol=0.025)
    # The tip, g = 1.9e-3 at 13.2 MeV, has 3.557: there the boson's exchange off its shell adds to its decays, which are
    # all that the reference has.
    assert found[left][-1] == pytest.approx(3.557, abs=0.015)
    every = equations.Bath.at
    monkeypatch.setattr(
        equations.Bath,
        "at",
        lambda bath, log_t: every(bath, log_t) | {"off_shell": 0.0 * log_t, "exchange": 0.0 * log_t},
    )
    g_x, mass = band["g_x"][left][-1], band["mass_mev"][left][-1]
    assert fresh(mass, np.array([g_x]), 1 / 70)[0] == pytest.approx(3.5, abs=0.035)


def test_contours_that_are_power_laws():
    # The tables of arXiv:2307.03143 are straight lines in ln M and ln g, and the numbers for g = 5e-4 at 10, 13, 15 and
    # 17 MeV that were taken from between them (3.50, 3.34, 3.25, 3.18) are 0.05 to 0.19 below the equations.
    contours = tables.read("constraints/n_eff_contours")
    for column, power in (("g_x_3p2", 10.7463), ("g_x_3p5", 10.6573)):
        known = np.isfinite(contours[column])
        x, y = np.log(contours["mass_mev"][known]), np.log(contours[column][known])
        slope, start = np.polyfit(x, y, 1)
        assert slope == pytest.approx(power, abs=1e-3)
        np.testing.assert_allclose(y, start + slope * x, atol=5e-5)
    masses = np.array([10.0, 13.0, 15.0, 17.0])
    found = n_eff(5e-4, masses, -5e-4 / 69.285)
    np.testing.assert_allclose(found, [3.688, 3.401, 3.301, 3.235], atol=0.005)
    assert np.all((found - [3.50, 3.34, 3.25, 3.18] > 0.03) & (found - [3.50, 3.34, 3.25, 3.18] < 0.2))


def shared_entropy(mass, temperature):
    """3.044 (1 + F/2)^(4/3), F/2 the boson's entropy at `temperature` over that of three neutrinos."""
    x = mass / temperature
    function = integrate.quad(
        lambda u: 2 * u**2 * (4 * (x + u * u) ** 2 - x * x) * math.sqrt(2 * x + u * u) / math.expm1(x + u * u), 0, 7
    )[0]
    return STANDARD * (1 + 15 / (7 * np.pi**4) * function) ** (4 / 3)


@pytest.mark.parametrize(
    ("mass", "coolest", "hottest"), [(1.1, 1.5, 1.7), (4.0, 1.6, 2.0), (10.0, 1.8, 2.3), (25.0, 2.0, 4.0)]
)
def test_without_mixing_the_entropy_goes_to_neutrinos(mass, coolest, hottest):
    # Decoupling is no instant: the lighter the boson, the later it leaves its entropy, and the lower the temperature
    # that the formula wants, between the decoupling of nu_e (1.5 MeV) and that of nu_mu and nu_tau (2.3 MeV).
    found = n_eff(1e-3, mass, 0.0)
    assert shared_entropy(mass, coolest) - 1e-3 < found < shared_entropy(mass, hottest)


def test_without_mixing_neither_coupling_nor_species_matter():
    for mass in (1.0, 10.0, 100.0):
        values = n_eff(np.geomspace(1e-5, 1e-2, 7), mass, 0.0)
        np.testing.assert_allclose(values, values[-1], atol=2e-3)
        assert n_eff(1e-3, mass, 0.0, lmt.LMU) == pytest.approx(values[-1], abs=2e-3)


def test_no_boson_and_a_heavy_one_leave_the_standard_model():
    masses = np.array([1e-3, 1.0, 10.0, 1e3, 1e7])
    np.testing.assert_array_equal(n_eff(0.0, masses, 0.0), STANDARD)
    assert n_eff(1e-12, 10.0, 1e-14) == pytest.approx(STANDARD, abs=1e-3)
    assert n_eff(1e-2, 1e5, -1e-2) == pytest.approx(STANDARD, abs=1e-4)
    # Above the table, contact interactions: the product of the couplings over M^2.
    np.testing.assert_allclose(n_eff(2e-2, 2000.0, -2e-2), n_eff(1e-2, 1000.0, -1e-2), rtol=1e-9)


def test_a_boson_of_electrons_alone_heats_the_photons():
    # Light, of three states, in equilibrium with electrons: T_nu/T_gamma = (2/8.5)^(1/3), 1.68; at 1.1 MeV some left.
    dark = lmt.GaugeModel("dark photon", {})
    assert 1.68 < n_eff(1e-3, 1.1, 1e-3, dark) < 1.80
    assert n_eff(1e-3, 60.0, 1e-3, dark) == pytest.approx(STANDARD, abs=2e-3)


@pytest.mark.slow
def test_own_population_tends_to_equilibrium():
    nu, e = np.array([5e-9, 1e-8, 1e-10]), np.array([1e-10, 3e-9, 5e-9])
    for mass, tolerance in ((3.0, 0.007), (10.0, 1e-3), (30.0, 1e-4)):
        own, thermal = (equations.solve(mass, nu, e, own_population=own) for own in (True, False))
        np.testing.assert_allclose(own, thermal, rtol=tolerance)


def test_finite_with_finite_gradients_everywhere():
    # 300 points far beyond the table on all sides; the last nine are three points well inside, to differentiate at.
    rng = np.random.default_rng(3)
    inside = np.array([(1e-4, 8.0, -2e-6), (2e-3, 40.0, -1e-3), (5e-4, 15.0, -5e-4 / 70)])
    steps = 1e-5 * np.abs(inside)[:, None, :] * np.eye(3)
    shifted = [(inside[:, None, :] + sign * steps).reshape(9, 3) for sign in (1, -1)]
    wide = np.stack(
        [
            np.r_[0.0, 0.0, 1e-30, 10 ** rng.uniform(-14, 1, 300)],
            np.r_[10.0, 1.1, 5.0, 10 ** rng.uniform(-4, 7, 300)],
            np.r_[0.0, 1e-4, 0.0, rng.choice([-1, 1], 300) * 10 ** rng.uniform(-16, 0, 300)],
        ],
        axis=1,
    )

    def value(point):
        return effective_neutrinos(lmt.LMU_LTAU, lmt.HiddenPhoton(*point))

    found, slopes = jax.jit(jax.vmap(jax.value_and_grad(value)))(jnp.asarray(np.concatenate([wide, inside, *shifted])))
    assert np.all(np.isfinite(found))
    assert np.all(np.isfinite(slopes))
    assert np.all((found > 1.5) & (found < 11.7))
    finite = np.asarray((found[-18:-9] - found[-9:]).reshape(3, 3)) / (2 * np.einsum("ijj->ij", steps))
    # Logarithmic slopes, to the rounding of the differences.
    np.testing.assert_allclose(slopes[303:306] * np.abs(inside), finite * np.abs(inside), rtol=1e-4, atol=1e-6)


def test_table_is_what_its_script_says():
    columns = tables.read("cosmology/n_eff")
    assert np.unique(columns["mass_mev"])[[0, -1]] == pytest.approx([1.1, 1000.0])
    assert table().ends == ((-12.0, -1.5), (-12.0, -1.5))
    # One node, solved afresh.
    row = 22 * 22 + 16
    mass, nu = columns["mass_mev"][row], 10 ** columns["log10_nu"][row]
    assert float(equations.effective_neutrinos(mass, nu, 1e-6)) == pytest.approx(columns["-6"][row], abs=2e-4)


# -- the measurements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "sigma", "epoch", "source"),
    [
        ("n-eff", 2.99, 0.17, "cmb", "1807.06209"),
        ("n-eff-act", 2.86, 0.13, "cmb", "2503.14454"),
        ("n-eff-cmb-bbn", 2.990, 0.070, "cmb+bbn", "2603.13226"),
    ],
)
def test_measurements(name, value, sigma, epoch, source):
    exp = lmt.experiment(name)
    np.testing.assert_allclose([exp.observed[0], exp.term.sigma[0]], [value, sigma])
    assert exp.epoch == epoch
    assert source in exp.citation
    # docs/real_data.md: BP1-BP4.
    found = [float(exp.expected(lmt.LMU_LTAU, photon)[0]) for photon in lmt.BENCHMARKS.values()]
    np.testing.assert_allclose(found, [3.300, 3.118, 3.050, 3.044], atol=6e-4)


def test_overrides():
    other = lmt.experiment("n-eff", measured=(3.1, 0.2))
    np.testing.assert_allclose([other.observed[0], other.term.sigma[0]], [3.1, 0.2])
    with pytest.raises(InvalidArgument, match=r"`measured\[1\]` must be finite and positive"):
        lmt.experiment("n-eff", measured=(3.0, 0.0))
    with pytest.raises(UnknownName, match="nuisance of experiment 'n-eff-act'"):
        lmt.experiment("n-eff-act", nuisances=("anything",))
