"""Likelihood and gradient are finite over the prior's whole box, at pulls of +-8, and where there is no boson."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt

FAR = 8.0
"""No draw of 1e15 is as far."""
ONE_OF_A_KIND = {
    "muon-g2-2025": None,
    "na64mu-2022": None,
    "babar-4mu": None,
    "ccfr-trident": None,
    "borexino-7be": None,
    "n-eff": None,
    "white-dwarfs": None,
    "cenns610": None,
    "coherent-csi-2021": ("efficiency_csi", "onset_csi_us"),
    "lz-8b": ("flux_8b", "shape_8b"),
}
"""One entry a class, with few nuisances: compiled in a second each. The rest, and all nuisances, is for the night."""


def photons(model, draws):
    """Corners and a lattice of the default prior's box, draws from it, no boson, no mixing, mixing without coupling."""
    prior = lmt.priors.default(model)
    rng = np.random.default_rng(0)
    unit = np.array([*itertools.product((0.0, 0.5, 1.0), repeat=3), *rng.random((draws, 3))])
    photon = prior.photon(prior.from_unit_cube(jnp.asarray(unit)))
    rows = np.stack([np.asarray(x) for x in (photon.g_x, photon.mass, photon.eps_x)], axis=-1)
    couplings = ((0.0, 0.0), (1e-3, 0.0), (0.0, -1e-5), (1e-3, 1e-3), (1.0, -1.0))
    special = [(g_x, mass, eps_x) for g_x, eps_x in couplings for mass in (1e-3, 1.0, 2 * 0.51099895, 15.0, 1e3, 1e5)]
    return np.concatenate([rows, special])


def check(exp, model=lmt.LMU_LTAU, draws=40):
    data = "observed" if exp.observed is not None else lmt.asimov(model, lmt.HiddenPhoton(0.0, 15.0, 0.0))
    like = lmt.JointLikelihood([exp], model, data, check=False)
    rng = np.random.default_rng(1)
    rows, number = photons(model, draws), len(like.nuisances)
    single = np.concatenate(
        [np.zeros((1, number)), *(far * np.eye(number) for far in (-FAR, -0.6 * FAR, 0.6 * FAR, FAR))]
    )
    pulls = np.concatenate(
        [single[rng.permutation(np.arange(len(rows)) % len(single))], rng.choice([-FAR, 0, FAR], (len(rows), number))]
    )
    rows = np.tile(rows, (2, 1))
    run = jax.jit(jax.vmap(jax.value_and_grad(lambda x, p: like.log_density(lmt.HiddenPhoton(*x), p), (0, 1))))
    value, (by_photon, by_pulls) = run(rows, pulls)
    finite = np.isfinite(value) & np.isfinite(by_photon).all(axis=1) & np.isfinite(by_pulls).all(axis=1)
    worst = int(np.argmin(finite))
    assert finite.all(), f"{np.sum(~finite)} of {finite.size}, one at {rows[worst]} and pulls {pulls[worst]}"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n.startswith("coherent") else []) for n in ONE_OF_A_KIND]
)
def test_one_entry_of_a_kind(name):
    chosen = ONE_OF_A_KIND[name]
    check(lmt.experiment(name) if chosen is None else lmt.experiment(name, nuisances=chosen))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["coherent-csi-2021", "coherent-lar-2020", "ess"])
def test_all_nuisances(name):
    check(lmt.experiment(name), draws=300)


@pytest.mark.nightly
@pytest.mark.parametrize("name", lmt.experiment_names())
def test_every_entry(name):
    for model in (lmt.LMU_LTAU, lmt.LMU):
        check(lmt.experiment(name), model, draws=300)
