"""Climbs of ln L against scipy's on `log_density` itself, in all the corners that a cell can be in."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, scale, toy
from scipy import optimize

import lmtbayes as lmt
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.best_fit import best_fit
from lmtbayes.inference.frequentist.box import photon_at
from lmtbayes.inference.frequentist.climb import _climbed, climb_cells
from lmtbayes.inference.frequentist.steps import Place, Steps, Trials

FREE = lmt.LMU_LTAU
ORDER = ("g_x", "mass", "kappa")


def logs(low, high):
    return float(np.log(low)), float(np.log(high))


LIMITS = {"g_x": logs(1e-5, 1e-2), "mass": logs(1.0, 1000.0), "kappa": logs(1e-3, 1.0)}
# A climb ends where 1e-9 in ln L is left to gain; scipy's ends nearer.
TOLERANCE = 2e-9


def rates(g_x, mass, eps_x, values):
    """A beam that says the coupling, recoils that say mass and mixing, one nuisance of each kind."""
    beam = 40.0 * (g_x / 5e-4) ** 2 * jnp.array([1.0, 0.5]) / (1.0 + (mass / 60.0) ** 2) * values.get("beam", 1.0)
    chi = 4.0e8 * (-eps_x * g_x) / (mass**2 + jnp.array([20.0, 35.0, 60.0]) ** 2)
    tilt = 1.0 + 0.1 * values.get("tilt", 0.0) * jnp.array([1.0, 0.0, -1.0])
    return jnp.concatenate([beam, jnp.array([900.0, 600.0, 300.0]) * (1.0 - chi) ** 2 * values.get("flux", 1.0) * tilt])


NUISANCES = (
    Nuisance("beam", lmt.LogNormal(1.0, 1.2), "beam rate"),
    Nuisance("flux", lmt.Gaussian(1.0, 0.05), "recoil rate"),
    Nuisance("tilt", lmt.TruncatedGaussian(0.0, 1.0, -2.5, 2.5), "slope"),
)


def likelihood(rate, term, data, nuisances=(), model=FREE):
    data = jnp.asarray(data)
    return lmt.JointLikelihood([toy(rate, term, data.size, nuisances)], model, {"toy": data}, check=False)


class Slow(Steps):
    """Steps of a function that rises by `pace` a step; the first climb is at its maximum, 0."""

    def __init__(self, pace):
        self.pace, self.steps = pace, []  # compiles nothing

    def place(self, z, data):
        value = z[:, 0].copy()
        return Place(value, np.zeros((len(z), 3)), np.zeros((len(z), 0)))

    def trials(self, z, low, high, here, free, data, bar=None):
        self.steps.append(len(z))
        there = z + np.where(z == 0.0, 0.0, self.pace)
        gain = np.where(z[:, 0] == 0.0, 0.0, self.pace)
        points = np.repeat(there[:, None], 11, axis=1)
        whole = self.place(there, data)
        return Trials(points, gain, gain, np.full(len(z), True), whole, np.full(len(z), np.inf))


@pytest.mark.parametrize(
    ("pace", "groups", "steps", "arrives"),
    [
        (15.0, [[0], [0]], 4, False),
        (200.0, [[0], [0]], 51, True),
        (15.0, [[0, 0], [0, 1]], 64, False),  # the best of its own slice
        (15.0, None, 64, False),
    ],
)
def test_a_climb_that_would_not_come_near_is_given_up(pace, groups, steps, arrives):
    """From 1e4 below: 60 more steps of 15 end 9000 below, of 200 they come up. Left where it is, and not converged."""
    slow, z = Slow(pace), np.array([[0.0], [-1e4]])
    box = np.full((2, 1), -np.inf), np.full((2, 1), np.inf)
    groups = None if groups is None else np.array(groups)
    value, converged = _climbed(slow, z, *box, np.array([0, 1]), [0], {}, None, groups)
    assert list(converged) == [True, arrives]
    assert len(slow.steps) == steps
    assert value[1] == pytest.approx(0.0 if arrives else -1e4 + pace * steps)


@functools.cache
def recoils():
    truth = rates(5e-4, 20.0, -5e-4 / 30.0, {})
    return likelihood(rates, Poisson(), jnp.round(truth * jnp.array([1.1, 0.8, 1.02, 0.97, 1.0])), NUISANCES)


@functools.cache
def without_nuisances():
    return likelihood(rates, Poisson(), rates(5e-4, 20.0, -5e-4 / 30.0, {}))


def climbed(like, fixed, free, starts, cell=None, limits=LIMITS):
    number = len(starts)
    held = {name: np.full(number, value) for name, value in fixed.items()}
    cell = np.arange(number) if cell is None else np.asarray(cell)
    return climb_cells(like, held, free, np.array(starts, dtype=float), cell, limits, None, resolve_devices(None))


@functools.cache
def minus(like, free):
    """-ln L and its gradient, compiled."""

    def value(z, fixed):
        photon = photon_at(like.model, {**fixed, **dict(zip(free, z[: len(free)], strict=True))})
        return -like.joint.log_density(photon, z[len(free) :], like.data)

    return jax.jit(jax.value_and_grad(value))


def scipys(like, fixed, free, start, limits=LIMITS):
    """The maximum of ln L that scipy finds from a start, with gradients of `log_density`."""

    def both(z):
        value, slope = minus(like, free)(jnp.asarray(z), fixed)
        return float(value), np.asarray(slope)

    edges = [tuple(limits[name]) for name in free] + [(None, None)] * len(like.nuisances)
    found = np.asarray(start, dtype=float)
    if not found.size:
        return -both(found)[0]
    for _ in range(2):  # begun anew, since it ends where its memory of the curvature is bad
        found = optimize.minimize(
            both, found, jac=True, method="L-BFGS-B", bounds=edges, options={"ftol": 1e-15, "gtol": 1e-8}
        ).x
    return -both(found)[0]


BP = {"g_x": np.log(6e-4), "mass": np.log(25.0), "kappa": np.log(0.03)}


@pytest.mark.parametrize(
    ("like", "free"),
    [
        (recoils, ()),
        (recoils, ("kappa",)),
        (recoils, ("mass", "kappa")),
        (recoils, ORDER),
        (without_nuisances, ()),
        (without_nuisances, ORDER),
    ],
)
def test_ends_are_those_of_scipy(like, free):
    like = like()
    fixed = {name: BP[name] for name in ORDER if name not in free}
    starts = [[*(BP[name] + shift for name in free), *np.zeros(len(like.nuisances))] for shift in (-0.1, 0.2)]
    z, value, converged = climbed(like, fixed, free, starts)
    assert converged.all()
    # From the start and from the end, of which the higher counts: neither may find more than the climb.
    oracle = [max(scipys(like, fixed, free, a), scipys(like, fixed, free, b)) for a, b in zip(starts, z, strict=True)]
    np.testing.assert_allclose(value, oracle, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("side", [0, 1])
def test_a_climb_ends_on_an_edge(side):
    like = recoils()
    limits = LIMITS | {"g_x": [logs(8e-4, 2e-3), logs(1e-4, 3e-4)][side]}
    fixed = {"mass": BP["mass"], "kappa": BP["kappa"]}
    starts = [[limits["g_x"][k], 0.0, 0.0, 0.0] for k in (0, 1)] + [[np.mean(limits["g_x"]), 0.0, 0.0, 0.0]]
    z, value, converged = climbed(like, fixed, ("g_x",), starts, limits=limits)
    assert converged.all()
    np.testing.assert_array_equal(z[:, 0], limits["g_x"][side])
    np.testing.assert_allclose(value, scipys(like, fixed, ("g_x",), starts[2], limits), atol=TOLERANCE, rtol=0)


def test_what_the_data_do_not_know_stays_where_it_is():
    """A mixing where nothing couples: the pulls and the mass are at their maximum all the same."""
    like = recoils()
    fixed = {"g_x": np.log(1e-20), "mass": BP["mass"]}
    z, value, converged = climbed(like, fixed, ("kappa",), [[-3.0, 0.0, 0.0, 0.0], [-1.0, 2.0, 1.0, -1.0]])
    assert converged.all()
    np.testing.assert_allclose(z[:, 0], [-3.0, -1.0], atol=1e-6)
    np.testing.assert_allclose(value, scipys(like, fixed, ("kappa",), z[0]), atol=TOLERANCE, rtol=0)


def test_regions_without_a_likelihood():
    """Rates that are no numbers on one side: climbs stay on the other, and what begins there is told apart."""

    def half(g_x, mass, eps_x, values):
        return jnp.stack([20.0 * (g_x / 5e-4) ** 2 * values["scale"], 3.0 + jnp.sqrt(6e-4 - g_x)])

    like = likelihood(half, Poisson(), [24.0, 3.0], (scale(),), FIXED)
    inside, edge, outside = (np.log(g) for g in (3e-4, 5.9999e-4, 9e-4))
    z, value, converged = climbed(like, {"mass": np.log(20.0)}, ("g_x",), [[x, 0.0] for x in (inside, edge, outside)])
    fixed = {"mass": np.log(20.0)}
    known = LIMITS | {"g_x": logs(1e-5, 5.99e-4)}
    np.testing.assert_allclose(value[:2], scipys(like, fixed, ("g_x",), [inside, 0.0], known), atol=TOLERANCE, rtol=0)
    assert converged.tolist() == [True, True, False]
    assert value[2] == -np.inf
    np.testing.assert_array_equal(z[2], [outside, 0.0])


def test_a_climb_from_a_shoulder_goes_up():
    """ln L bent upwards at the start, and two maxima: each climb ends on the one of its side, the lower is given up."""

    def two(g_x, mass, eps_x, values):
        return jnp.stack([(jnp.log(g_x / 5e-4)) ** 2 + 0.2 * jnp.log(g_x / 5e-4) + values["shift"]])

    like = likelihood(two, Gaussian([0.1]), [1.0], (Nuisance("shift", lmt.Gaussian(0.0, 0.01), "shifts"),), FIXED)
    fixed, zero = {"mass": np.log(20.0)}, np.log(5e-4)
    # At -0.1 is the lowest point between the two.
    starts = [[zero + x, 0.0] for x in (-0.12, -0.08, 0.7)]
    z, value, converged = climbed(like, fixed, ("g_x",), starts)
    roots = (-0.2 + np.array([-1.0, 1.0, 1.0]) * np.sqrt(0.04 + 4.0)) / 2.0
    np.testing.assert_allclose(z[:, 0], zero + roots, atol=1e-5)
    np.testing.assert_allclose(value, scipys(like, fixed, ("g_x",), starts[2]), atol=TOLERANCE, rtol=0)
    assert converged.all()


def test_what_cannot_win_in_its_cell_is_given_up():
    like = recoils()
    # Recoils of about their own size with a boson's part that is twice as large and of the other sign, at kappa 0.8.
    fixed = {"g_x": np.log(2e-3), "mass": np.log(15.0)}
    low, high = [-5.0, 0.0, 0.0, 0.0], [np.log(0.8), 0.0, 0.0, 0.0]
    _, alone, converged = climbed(like, fixed, ("kappa",), [low, high])
    assert converged.all()
    assert abs(alone[0] - alone[1]) > 1.0  # two maxima
    best = int(np.argmax(alone))
    _, value, converged = climbed(like, fixed, ("kappa",), [low, high], cell=[0, 0])
    np.testing.assert_allclose(value[best], alone[best], atol=TOLERANCE, rtol=0)
    assert converged[best]
    assert value[1 - best] <= alone[1 - best] + TOLERANCE


@pytest.mark.parametrize(("away", "most"), [(1e-4, 1), (3e-3, 2)])
def test_near_a_maximum_one_curvature_is_enough(monkeypatch, away, most):
    """What is left to gain at a step's end is known from the slope there."""
    like, asked = recoils(), []
    fixed = {"g_x": BP["g_x"], "mass": BP["mass"]}
    there, expected, _ = climbed(like, fixed, ("kappa",), [[BP["kappa"], 0.0, 0.0, 0.0]])
    real = Steps.trials
    monkeypatch.setattr(Steps, "trials", lambda *given: asked.append(len(given[1])) or real(*given))
    starts = there + away * np.array([[1.0, -1.0, 1.0, 1.0], [-1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, 1.0]])
    _, value, converged = climbed(like, fixed, ("kappa",), starts)
    assert len(asked) <= most
    assert converged.all()
    np.testing.assert_allclose(value, expected[0], atol=TOLERANCE, rtol=0)


def test_ends_far_below_the_best_are_less_exact():
    """Couplings from the best to what data forbid by hundreds in ln L."""
    like = recoils()
    g_x = np.log(np.geomspace(5e-4, 9e-3, 12))
    held = {"g_x": g_x, "mass": np.full(12, BP["mass"])}
    starts = np.tile([BP["kappa"], 0.0, 0.0, 0.0], (12, 1))
    z, value, converged = climb_cells(
        like, held, ("kappa",), starts, np.arange(12), LIMITS, None, resolve_devices(None)
    )
    assert converged.all()
    depth = value.max() - value
    assert depth.max() > 300.0
    fixed = [{"g_x": x, "mass": BP["mass"]} for x in g_x]
    oracle = np.array([scipys(like, known, ("kappa",), end) for known, end in zip(fixed, z, strict=True)])
    assert (oracle - value < 2.0 * TOLERANCE * np.maximum(1.0, depth / 20.0)).all()
    assert (value - oracle < 1e-9 * np.maximum(1.0, depth)).all()


@pytest.mark.slow
def test_batches_do_not_change_the_ends():
    like = recoils()
    rng = np.random.default_rng(0)
    fixed = {"g_x": BP["g_x"], "mass": BP["mass"]}
    starts = np.column_stack([rng.uniform(*LIMITS["kappa"], 9), rng.normal(size=(9, 3))])
    held = {name: np.full(9, value) for name, value in fixed.items()}
    settings = (like, held, ("kappa",), starts, np.arange(9), LIMITS)
    one, other = (climb_cells(*settings, size, resolve_devices(None)) for size in (None, 2))
    np.testing.assert_allclose(one[1], other[1], atol=TOLERANCE, rtol=0)
    np.testing.assert_array_equal(one[2], other[2])


@pytest.mark.slow
def test_the_best_fit_is_scipys():
    like = recoils()
    fit = best_fit(like)
    start = [*np.log([fit.g_x, fit.mass, -fit.eps_x / fit.g_x]), *fit.pulls.values()]
    other = [BP[name] + 0.1 for name in ORDER] + [0.0] * 3
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(max(scipys(like, {}, ORDER, x) for x in (start, other)), abs=TOLERANCE)
