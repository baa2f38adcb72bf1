"""A joint fit by other people's code: what the package's evidence, profile and limit are held to.

g-2 of 2021, NA64mu's run of 2022 and ESS10 in Lmu-Ltau with eps_x = -g_x/70, written down in NumPy and SciPy from the
papers' equations. Of lmtbayes nothing is used but lmtbayes.validation.independent, derivations by hand that know
nothing of the rest (import-linter holds it); the fit is iminuit's, ln Z dynesty's. As NA64mu's and ESS10's nuisances
are apart, ln Z is also a sum over a dense grid of two small integrals, which has hardly an error.

    pip install dynesty iminuit numpy scipy
    python tests/golden/joint_fit.py          # some minutes; writes joint_fit.json beside itself

- g-2: 251 +- sqrt(41^2 + 43^2) in 1e-11 (arXiv:2104.03281 and arXiv:2006.04822), Gaussian; Eq. 13 of arXiv:2104.03297.
- NA64mu: no event of 1.98e10 muons (arXiv:2401.01708), Poisson. The efficiency is the one with which 2.303 events are
  expected on the published curve, a monotonic cubic in the logarithms between its points. Two log-normal factors.
- ESS10: Table 2 and Eqs. 31-34 of arXiv:2104.03297; counts as they were rounded from the expectation at BP1 (15 MeV,
  5e-4), 10 % of the Standard Model's as background, Gaussian with the data as variance. Three Gaussian pulls:
  normalisation 5 %, radius of argon 3 %, sin^2 theta_W 1.1e-4.
- Prior: flat in log10 g_x from -5 to -2 and in log10 M/MeV from 0 to 3; pulls are standard normal.
"""

import csv
import datetime
import itertools
import json
import platform
from pathlib import Path

import numpy as np
import scipy
from scipy.integrate import quad
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from lmtbayes.validation.independent import bremsstrahlung
from lmtbayes.validation.independent import spallation as cevns

RATIO = -1 / 70
"""eps_x/g_x."""
E, MUON = cevns.E_CHARGE, cevns.M_MU
G_MU = 1.0 + RATIO * E
"""Coupling of the muon over g_x: Eq. 9."""
PULLS = (
    "form_factor_lead",
    "efficiency_na64mu-2022",
    "systematic_ess",
    "radius_argon",
    "sin2_theta_w",
)
LOG10_G, LOG10_M = (-5.0, -2.0), (0.0, 3.0)

# -- g-2 --------------------------------------------------------------------------------------------------------------

SHIFT, SHIFT_SIGMA = 251.0, float(np.hypot(41.0, 43.0))


def delta_a_mu(mass):
    """Eq. 13 in units of 1e-11, for g_mu = 1."""
    r2 = (mass / MUON) ** 2
    value = quad(lambda u: u**2 * (1 - u) / (u**2 + (1 - u) * r2), 0.0, 1.0, epsabs=0, epsrel=1e-11, limit=200)[0]
    return 1e11 * value / (4 * np.pi**2)


# -- NA64mu -----------------------------------------------------------------------------------------------------------


def produced(mass):
    """A' per g_mu^2 whose muon keeps between 0.5 and 80 of 160 GeV, behind 22.45 cm of lead."""
    atoms = 11.35 * 22.45 * cevns.N_A / 207.2
    cm2 = (cevns.HBAR_C_FM * 1e-13) ** 2
    x, w = np.polynomial.legendre.leggauss(8)
    total = 0.0
    for low, high in itertools.pairwise((0.5, 2.0, 8.0, 30.0, 80.0)):
        half, middle = 0.5 * (high - low), 0.5 * (high + low)
        total += half * sum(
            weight * bremsstrahlung.dsigma_dx(1.0 - (middle + half * node) / 160.0, mass, 160e3, 82.0, 207.2) / 160.0
            for node, weight in zip(x, w, strict=True)
        )
    return 1.98e10 * atoms * cm2 * total


def unseen(mass, ratio, g_x=0.0):
    """Part of the A' that leaves nothing: neutrinos, and e+e- that decay beyond target and 5 m behind it.

    With `ratio` = eps_x/g_x; in units of g_x^2 M/(12 pi) two neutrinos of half a unit each and muons.
    """
    r, r_e = (MUON / mass) ** 2, (cevns.MASSES["e"] / mass) ** 2
    muons = np.where(r < 0.25, (1 + ratio * E) ** 2 * (1 + 2 * r) * np.sqrt(np.maximum(1 - 4 * r, 0.0)), 0.0)
    electrons = np.where(r_e < 0.25, (ratio * E) ** 2 * (1 + 2 * r_e) * np.sqrt(np.maximum(1 - 4 * r_e, 0.0)), 0.0)
    invisible = 1.0 / (1.0 + muons + electrons)
    per_mev = g_x**2 * mass / (12 * np.pi) * (1.0 + muons + electrons)
    energy = 160e3 - 0.5 * (0.5e3 + 80e3)
    per_cm = per_mev * mass / np.sqrt(energy**2 - mass**2) / (cevns.HBAR_C_FM * 1e-13)
    return invisible + (1 - invisible) * np.exp(-per_cm * (22.45 + 500.0))


class Na64mu:
    """Expected events, per unit of both nuisances."""

    def __init__(self):
        masses = np.geomspace(1.0, 1000.0, 61)
        self.table = masses, np.array([produced(mass) for mass in masses])
        self.yields = CubicSpline(np.log(masses), np.log(self.table[1]))
        with (Path(__file__).resolve().parents[2] / "data" / "muon_beam" / "na64mu_2022_exclusion.csv").open() as lines:
            rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
        at = np.array([float(row["mass_mev"]) for row in rows])
        limit = np.array([float(row["g_x"]) for row in rows])
        kept = np.log(10.0) / (limit**2 * np.exp(self.yields(np.log(at))) * unseen(at, 0.0, limit))
        self.ends = np.log(at[[0, -1]])
        self.efficiency = PchipInterpolator(np.log(at), np.log(kept))

    def __call__(self, g_x, mass):
        x = np.log(mass)
        efficiency = np.exp(self.efficiency(np.clip(x, *self.ends)))
        return (g_x * G_MU) ** 2 * np.exp(self.yields(x)) * efficiency * unseen(mass, RATIO, g_x)


WIDTHS = np.log([1.04, 1.25])
"""Of the logarithms of form factor and efficiency."""

# -- ESS10 ------------------------------------------------------------------------------------------------------------


class Ess10:
    """Counts in the four bins from 0.1 to 100 keVnr of 10 kg of argon-40 in a year, by fixed Gauss-Legendre nodes."""

    Z, A = 18, 40
    M = 39.962383122 * cevns.U
    SKIN = 0.9

    def __init__(self):
        edges = np.linspace(0.1, 100.0, 5) / 1e3
        kink = 2 * cevns.E_LINE**2 / self.M
        x, w = np.polynomial.legendre.leggauss(40)
        nodes, weights, bins = [], [], []
        for number, (low, high) in enumerate(itertools.pairwise(edges)):
            cuts = sorted({low, high, *(c for c in (4 * low, 30 * low, kink) if low < c < high)})
            for a, b in itertools.pairwise(cuts):
                nodes.append(0.5 * (b - a) * x + 0.5 * (a + b))
                weights.append(0.5 * (b - a) * w)
                bins.append(np.full(x.size, number))
        self.energy, weight, number = (np.concatenate(part) for part in (nodes, weights, bins))
        fluence = 2.8e23 * 0.3 / (4 * np.pi * 2000.0**2)
        size = 0.01 * 1e6 / 39.962383122 * cevns.N_A * fluence * (cevns.HBAR_C_FM * 1e-13) ** 2
        self.to_bins = size * weight * (number == np.arange(4)[:, None])
        self.q = np.sqrt(2 * self.M * self.energy)
        self.muon, self.electron = np.array([self._kinematics(e) for e in self.energy]).T
        self.background = 0.1 * self(0.0, 10.0)

    def _kinematics(self, e_r):
        """Averages of 1 - M E_R/(2 E_nu^2) over the muon neutrinos (two) and the electron neutrino."""

        def shape(e_nu):
            return 1 - self.M * e_r / (2 * e_nu**2)

        low, high = np.sqrt(self.M * e_r / 2), MUON / 2
        e = 0.5 * (high - low) * (cevns.X8 + 1) + low
        w = 0.5 * (high - low) * cevns.W8
        muon = np.sum(w * 64 * e**2 / MUON**3 * (0.75 - e / MUON) * shape(e))
        muon += shape(cevns.E_LINE) if low < cevns.E_LINE else 0.0
        return muon, np.sum(w * 192 * e**2 / MUON**3 * (0.5 - e / MUON) * shape(e))

    def form2(self, radius):
        """Helm's form factor squared with its rms radius times a factor, the skin as it is."""
        c = 1.23 * self.A ** (1 / 3) - 0.60
        r_n2 = c**2 + 7 / 3 * np.pi**2 * 0.52**2 - 5 * self.SKIN**2
        r_n = np.sqrt(5 / 3 * (radius**2 * (0.6 * r_n2 + 3 * self.SKIN**2) - 3 * self.SKIN**2))
        k = self.q / cevns.HBAR_C_FM
        x = k * r_n
        return (3 * (np.sin(x) - x * np.cos(x)) / x**3 * np.exp(-((k * self.SKIN) ** 2) / 2)) ** 2

    def __call__(self, g_x, mass, factor=1.0, radius=1.0, s2=0.23857):
        weak = (self.A - self.Z) - (1 - 4 * s2) * self.Z
        boson = RATIO * g_x**2 * E * self.Z / (2 * self.M * self.energy + mass**2)
        # Eq. 33: sm + interference + square is one square for a neutrino that carries the charge.
        sm = cevns.G_F**2 * self.M / np.pi * weak**2 / 4
        charged = sm + boson * cevns.G_F * self.M * weak / (np.sqrt(2) * np.pi) + boson**2 * self.M / (2 * np.pi)
        return factor * (self.to_bins @ (self.form2(radius) * (self.muon * charged + self.electron * sm)))


# -- the likelihood ---------------------------------------------------------------------------------------------------


class Joint:
    """ln L of (log10 g_x, log10 M, five pulls), the pulls' standard normals included."""

    def __init__(self):
        masses = np.geomspace(1.0, 1000.0, 121)
        self.shift = CubicSpline(np.log(masses), np.log([delta_a_mu(mass) for mass in masses]))
        self.na64mu, self.ess10 = Na64mu(), Ess10()
        self.counts = np.round(self.ess10(5e-4, 15.0) + self.ess10.background)

    def of_shift(self, g_x, mass):
        expected = (g_x * G_MU) ** 2 * np.exp(self.shift(np.log(mass)))
        return norm.logpdf(SHIFT, expected, SHIFT_SIGMA)

    def of_run(self, g_x, mass, pulls):
        return poisson.logpmf(0, self.na64mu(g_x, mass) * np.exp(WIDTHS @ pulls))

    def of_ess10(self, g_x, mass, pulls):
        values = 1 + 0.05 * pulls[0], 1 + 0.03 * pulls[1], 0.23857 + 1.1e-4 * pulls[2]
        expected = self.ess10(g_x, mass, *values) + self.ess10.background
        return np.sum(norm.logpdf(self.counts, expected, np.sqrt(self.counts)))

    def data(self, x):
        """Without the pulls' own terms: what dynesty, whose prior they are, is given."""
        g_x, mass = 10.0 ** x[0], 10.0 ** x[1]
        return self.of_shift(g_x, mass) + self.of_run(g_x, mass, x[2:4]) + self.of_ess10(g_x, mass, x[4:])

    def __call__(self, x):
        return self.data(x) + np.sum(norm.logpdf(x[2:]))


def ln_z_on_a_grid(joint, n_g, n_m, n_pull=16):
    """ln Z by sums: midpoints of a grid in (log10 g_x, log10 M), Gauss-Hermite in the pulls."""
    g = 10.0 ** (LOG10_G[0] + (LOG10_G[1] - LOG10_G[0]) * (np.arange(n_g) + 0.5) / n_g)
    node, weight = np.polynomial.hermite_e.hermegauss(n_pull)
    weight = weight / np.sqrt(2 * np.pi)
    # Both log-normal factors of NA64mu multiply: one log-normal. Its integral ends where a double exponential does.
    z = np.linspace(-8.0, 8.0, 401)
    one = np.exp(np.hypot(*WIDTHS) * z), norm.pdf(z) * (z[1] - z[0])
    pulls = np.array(list(itertools.product(node, repeat=3)))
    three = np.prod(np.array(list(itertools.product(weight, repeat=3))), axis=1)
    ess10 = joint.ess10
    # The counts are a polynomial of second degree in the boson's amplitude: its coefficients at every node, exactly.
    total = 0.0
    for mass in 10.0 ** (LOG10_M[0] + (LOG10_M[1] - LOG10_M[0]) * (np.arange(n_m) + 0.5) / n_m):
        zero = np.array([ess10(0.0, mass, 1, 1 + 0.03 * p[1], 0.23857 + 1.1e-4 * p[2]) for p in pulls])
        a, b = (
            np.array([ess10(scale, mass, 1, 1 + 0.03 * p[1], 0.23857 + 1.1e-4 * p[2]) for p in pulls]) - zero
            for scale in (1.0, 2.0**0.5)
        )
        first, second = 2 * a - 0.5 * b, 0.5 * b - a
        g2 = g[:, None, None] ** 2
        expected = (1 + 0.05 * pulls[:, :1]) * (zero + first * g2 + second * g2**2) + ess10.background
        ess = np.exp(np.sum(norm.logpdf(joint.counts, expected, np.sqrt(joint.counts)), axis=-1)) @ three
        run = np.exp(-joint.na64mu(g, mass)[:, None] * one[0]) @ one[1]
        total += np.sum(np.exp(joint.of_shift(g, mass)) * run * ess)
    return float(np.log(total / (n_g * n_m)))


def by_dynesty(joint, seed, nlive):
    """ln Z, its error and the number of calls."""
    import dynesty

    def transform(u):
        x = norm.ppf(u)
        x[0] = LOG10_G[0] + (LOG10_G[1] - LOG10_G[0]) * u[0]
        x[1] = LOG10_M[0] + (LOG10_M[1] - LOG10_M[0]) * u[1]
        return x

    rng = np.random.default_rng(seed)
    sampler = dynesty.NestedSampler(joint.data, transform, 7, nlive=nlive, sample="rwalk", rstate=rng)
    sampler.run_nested(dlogz=0.005, print_progress=False)
    found = sampler.results
    return {"ln_z": float(found.logz[-1]), "error": float(found.logzerr[-1]), "calls": int(np.sum(found.ncall))}


def maximum(joint, start, fixed=()):
    """The largest ln L by iminuit, from one start, with some of the seven coordinates fixed."""
    from iminuit import Minuit

    found = Minuit(lambda x: -2.0 * joint(x), np.asarray(start, dtype=float))
    found.errordef = Minuit.LEAST_SQUARES
    found.strategy, found.tol = 2, 1e-4
    found.limits = [LOG10_G, LOG10_M, *[(-6.0, 6.0)] * 5]
    found.errors = [0.01, 0.05, *[0.5] * 5]
    for index in fixed:
        found.fixed[index] = True
    for _ in range(3):
        found.migrad()
    return float(-0.5 * found.fval), np.array(found.values), bool(found.valid)


def profiled(joint, g_x, mass):
    """ln L with the pulls at their best."""
    value, _, valid = maximum(joint, [np.log10(g_x), np.log10(mass), *[0.0] * 5], (0, 1))
    if not valid:
        raise RuntimeError(f"iminuit did not converge at {g_x:g}, {mass:g} MeV")
    return value


def upper_limit(joint, mass, cl=0.90):
    """Where 2 (ln L(best g_x at this mass) - ln L) = z^2, z the one-sided quantile, above the best."""
    starts = [[log_g, np.log10(mass), *[0.0] * 5] for log_g in (-4.0, -3.5, -3.2, -3.0, -2.7)]
    top, best, _ = max((maximum(joint, start, (1,)) for start in starts), key=lambda found: found[0])
    bound = norm.ppf(cl) ** 2

    def excess(log_g):
        return 2.0 * (top - profiled(joint, 10.0**log_g, mass)) - bound

    high = next(high for high in best[0] + np.arange(0.05, 3.0, 0.05) if excess(high) > 0)
    return 10.0 ** brentq(excess, best[0], high, xtol=1e-9), 10.0 ** best[0], top


POINTS = ((5e-4, 15.0), (4e-4, 5.0), (3e-4, 2.0), (6e-4, 60.0), (8e-4, 120.0), (2e-4, 30.0), (1e-3, 300.0))
LIMITS_AT = (10.0, 100.0)


def main():
    import dynesty
    import iminuit

    joint = Joint()
    print("tables are made", flush=True)
    # Against the derivation that integrates adaptively: the fixed nodes lose nothing.
    np.testing.assert_allclose(
        joint.ess10(5e-4, 15.0), cevns.counts("ess10", (5e-4, 15.0, 5e-4 * RATIO), {"mu": 1.0, "tau": -1.0}), rtol=1e-9
    )
    starts = itertools.product((-3.7, -3.4, -3.2), (0.3, 1.0, 1.5, 2.2))
    best = max((maximum(joint, [*start, *[0.0] * 5]) for start in starts), key=lambda found: found[0])
    assert best[2], "the global fit did not converge"
    q = [{"g_x": g, "mass": m, "q": 2.0 * (best[0] - profiled(joint, g, m))} for g, m in POINTS]
    limits = []
    for mass in LIMITS_AT:
        limit, at, top = upper_limit(joint, mass)
        limits.append({"mass": mass, "cl": 0.90, "g_x": limit, "best_g_x": at, "ln_l_at_best": top})
    print("fits are done", flush=True)
    result = {
        "what": "muon-g2-2021, na64mu-2022 and ess10 in Lmu-Ltau, eps_x = -g_x/70, by tests/golden/joint_fit.py",
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "iminuit": iminuit.__version__,
            "dynesty": dynesty.__version__,
        },
        "data": {"muon-g2-2021": [SHIFT], "na64mu-2022": [0.0], "ess10": joint.counts.tolist()},
        "prior": {"log10_g_x": LOG10_G, "log10_mass": LOG10_M},
        "ln_z_on_a_grid": [
            {"g_x": n_g, "mass": n_m, "pulls": n, "ln_z": ln_z_on_a_grid(joint, n_g, n_m, n)}
            for n_g, n_m, n in ((300, 60, 7), (600, 120, 7), (600, 120, 9))
        ],
        "dynesty": [{"seed": seed, "nlive": 2000, **by_dynesty(joint, seed, 2000)} for seed in (0, 1)],
        "best_fit": {
            "ln_l": best[0],
            "g_x": 10.0 ** best[1][0],
            "mass": 10.0 ** best[1][1],
            "pulls": dict(zip(PULLS, best[1][2:].tolist(), strict=True)),
        },
        "q": q,
        "upper_limits": limits,
        "produced_per_g2": dict(zip(("mass", "events"), (part.tolist() for part in joint.na64mu.table), strict=True)),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: value for key, value in result.items() if key != "produced_per_g2"}, indent=1))


if __name__ == "__main__":
    main()
