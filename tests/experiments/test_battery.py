"""What holds of every experiment, whatever it counts: one compiled function of each serves all of the checks.

The function gives counts and their slope along a direction, for many photons at once. Draws are from the box of the
default prior. Tolerances, relative to the largest count or slope of the experiment at that photon:

- slopes 1e-6: differences of the fourth order in steps of 1e-3 (in ln g_x, ln M and ln kappa) are off by 1e-12 f^(5)
  where a rate is smooth, by 1e-7 where a knot of a table (C2) lies between, and by 1e-13 of the counts by rounding;
  at a point of a digitised limit (C1, round numbers) they would be off by 1e-3, and no draw is at one;
- jit and vmap against one photon after the other, uncompiled: 1e-11, the order in which some 1e3 terms are added;
- symmetry 1e-12: every operation is the same but for a sign;
- no boson: 1e-13 where g_x = 0; 1e-7 at g_x = 1e-15, where N_eff, the keenest of them, has a last 1e-8 of its boson.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt

KINDS = ("muon-g2-2025", "na64mu-2022", "babar-4mu", "ccfr-trident", "borexino-7be", "n-eff", "ess10", "lz-8b")
KINDS += ("white-dwarfs",)
"""One of a kind, as far as they compile quickly; the others are slow tests."""
SEES_A_BOSON_WITHOUT_NEUTRINOS = ("muon-g2", "na64mu", "m3", "babar", "belle2", "cms", "n-eff")
"""Their bosons couple to muons or electrons by mixing alone; all others need a neutrino's g_x."""
HARDLY = 1e-15
STEP = 1e-3
STENCIL = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
MASSES = (1.0, 30.0, 1e3)
NOTHING = np.zeros(3)


def everything():
    return [pytest.param(n, marks=[] if n in KINDS else pytest.mark.slow) for n in lmt.experiment_names()]


def draws_for(exp):
    """(g_x, M, eps_x): three out of the default prior, and one at a mass that the experiment is sure to see."""
    prior = lmt.priors.default(lmt.LMU_LTAU)
    photon = prior.photon(prior.from_unit_cube(jnp.asarray(np.random.default_rng(14).random((3, 3)))))
    low, high = exp.mass_range
    seen = np.sqrt(low * high) if 0.0 < low < high < np.inf else 317.3
    return np.stack([*np.stack([photon.g_x, photon.mass, photon.eps_x], axis=-1), [2e-3, seen, -2e-4]])


def moved(point, direction, steps):
    """The photon after steps in ln g_x (at fixed eps_x/g_x), ln M or ln kappa."""
    logs = {0: (1, 0, 1), 1: (0, 1, 0), 2: (0, 0, 1)}[direction]
    return point * np.exp(STEP * steps * np.array(logs))


def rows_of(draws):
    """Photons and directions of the one call, by what they are for."""
    tangents = [np.array(logs) for logs in ((1, 0, 1), (0, 1, 0), (0, 0, 1))]
    no_boson = [(0.0, mass, 0.0) for mass in MASSES]
    return {
        "slope": [(x, x * tangent) for x in draws for tangent in tangents],
        "difference": [(moved(x, d, s), NOTHING) for x in draws for d in range(3) for s in STENCIL],
        "flipped": [(x * np.array([-1.0, 1.0, -1.0]), NOTHING) for x in draws],
        "no boson": [(np.array(x), NOTHING) for x in no_boson],
        "hardly": [(np.array([HARDLY, m, -HARDLY * k]), NOTHING) for m, k in itertools.product(MASSES, (1e-3, 1.0))],
        "mixing alone": [(np.array([0.0, mass, eps_x]), NOTHING) for mass in MASSES for eps_x in (-1e-5, 1e-4)],
    }


@pytest.mark.parametrize("name", everything())
def test_what_holds_of_every_experiment(name):
    exp, model = lmt.experiment(name), lmt.LMU_LTAU
    draws = draws_for(exp)

    def counts(x):
        return exp.expected_counts(model, lmt.HiddenPhoton.unchecked(*x))

    rows = rows_of(draws)
    points, directions = (np.array(column) for column in zip(*itertools.chain(*rows.values()), strict=True))
    run = jax.jit(jax.vmap(lambda x, dx: jax.jvp(counts, (x,), (dx,))))
    found = [np.asarray(x) for x in run(points, directions)]
    ends = np.cumsum([len(part) for part in rows.values()])[:-1]
    value, slope = (dict(zip(rows, np.split(x, ends), strict=True)) for x in found)

    at, along = value["slope"][::3], slope["slope"].reshape(len(draws), 3, -1)
    by_steps = value["difference"].reshape(len(draws), 3, len(STENCIL), -1)
    differences = np.einsum("dasb,s->dab", by_steps, np.array(list(STENCIL.values()))) / STEP
    scale = np.abs(differences).max(axis=(1, 2), keepdims=True) + 1e-6 * np.abs(at).max(axis=1)[:, None, None]
    assert np.abs(along).max() > 0.0
    assert np.all(np.abs(along - differences) <= 1e-6 * scale), "gradient"

    largest = np.abs(at).max(axis=1, keepdims=True)
    one_by_one = np.stack([np.asarray(counts(x)) for x in draws[:2]])
    assert np.all(np.abs(one_by_one - at[:2]) <= 1e-11 * largest[:2]), "jit and vmap"
    assert np.all(np.abs(value["flipped"] - at) <= 1e-12 * largest), "symmetry"

    standard_model = np.asarray(exp.expected_counts(model, lmt.HiddenPhoton.none()))
    size = np.abs(standard_model).max() or 1.0
    assert np.all(np.abs(value["no boson"] - standard_model) <= 1e-13 * size), "no boson"
    assert np.all(np.abs(value["hardly"] - standard_model) <= 1e-7 * size), "hardly a boson"
    if not name.startswith(SEES_A_BOSON_WITHOUT_NEUTRINOS):
        assert np.all(np.abs(value["mixing alone"] - standard_model) <= 1e-12 * size), "mixing alone"
