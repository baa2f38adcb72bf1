"""Many items in blocks over devices: order, padding and memory in this process; one device against two in another."""

import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compilations import compilations
from posterior_toys import TWO, two_modes
from profile_toys import FIXED, scale, toy

import lmtbayes as lmt
from lmtbayes.errors import ConvergenceWarning, InvalidArgument
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.devices import Mapped, resolve_batch_size, resolve_devices, side_by_side
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.inference.posterior.sample import sample_posterior

HERE = jax.local_devices()[0]


@pytest.mark.parametrize("count", [1, 5, 6, 12, 13])
def test_items_keep_their_order_whatever_is_filled_up(count):
    run = Mapped(lambda x, scale: (x["a"] * scale, x["b"][:0]), (HERE,), 3, 2)
    items = {"a": np.arange(count, dtype=float), "b": np.zeros((count, 4))}
    doubled, empty = run(items, 2.0)
    np.testing.assert_array_equal(doubled, 2.0 * np.arange(count))
    assert empty.shape == (count, 0)


def test_what_is_not_wanted_of_a_block_is_not_evaluated():
    """Few at a time: 40 wanted of 128 are two times 32, and the rest stays zero."""
    run = Mapped(lambda x, scale: (x + scale, jnp.full(0, scale)), (HERE,), 128)
    found, empty = run.run(run.dealt_out(np.arange(128.0)), run.on_all((1.0,)), run.dealt_out(np.array([40])))
    np.testing.assert_array_equal(found, np.where(np.arange(128) < 64, np.arange(128.0) + 1.0, 0.0))
    assert empty.shape == (128, 0)
    for count in (1, 31, 32, 33, 128, 129, 200):
        np.testing.assert_array_equal(run(np.arange(float(count)), 1.0)[0], np.arange(float(count)) + 1.0)
    assert run._cache_size() == 1


def test_any_number_of_items_compiles_once():
    run = Mapped(lambda x: x + 1.0, (HERE,), 4)
    for count in (1, 4, 30):
        run(np.zeros(count))
    assert run._cache_size() == 1


def test_own_arrays_and_those_of_other_programs_are_compiled_for_once():
    """Results of a block go on to the next function as they are; shared ones may be large, and are kept."""
    first, second = (Mapped(lambda x, table: x + table[-1], (HERE,), 4) for _ in range(2))
    table, count = np.arange(10_000.0), np.array([4])
    with compilations("own") as blocks:
        found = second.run(first.run(np.arange(4.0), (table,), count), (jnp.asarray(table),), count)
        np.testing.assert_array_equal(second(np.arange(6.0), table), np.arange(6.0) + 9999.0)
    np.testing.assert_array_equal(found, np.arange(4.0) + 2.0 * 9999.0)
    assert len(blocks) == 2, "one for each function"


def test_blocks_are_made_when_they_are_needed_and_no_sooner():
    run = Mapped(lambda x: x + 1.0, (HERE,), 2)
    asked = []

    def take(indices):
        asked.append(indices.tolist())
        return indices.astype(float)

    blocks = run.blocks(7, take)
    where, found = next(blocks)
    assert (where, found.tolist()) == (slice(0, 2), [1.0, 2.0])
    assert asked == [[0, 1], [2, 3]], "one is fetched while one is computed; the third does not exist yet"
    assert [w for w, _ in blocks] == [slice(2, 4), slice(4, 6), slice(6, 7)]


@pytest.mark.parametrize("devices", [(), ("gpu",), (HERE, HERE)])
def test_devices_are_devices(devices):
    with pytest.raises(InvalidArgument, match="`devices` must be different devices of this process"):
        resolve_devices(devices)
    assert resolve_devices(None) == tuple(jax.local_devices())
    assert resolve_devices([HERE]) == (HERE,)


# -- very many points -------------------------------------------------------------------------------------------------


def rate(g_x, mass, eps_x, values):
    return values["scale"] * jnp.stack([20.0 * (g_x / 5e-4) ** 2, 30.0 * (1.0 + eps_x / 1e-4) + 0.1 * mass])


def likelihood():
    return lmt.JointLikelihood([toy(rate, Poisson(), 2, (scale(),))], FIXED, {"toy": jnp.array([25.0, 30.0])})


@pytest.mark.slow
def test_points_are_those_of_the_likelihood_and_broadcast():
    like = likelihood()
    g_x, mass = np.geomspace(1e-4, 1e-3, 5)[:, None], np.geomspace(3.0, 30.0, 7)
    photon = FIXED.hidden_photon(g_x, mass)
    # One photon at a time and many at a time may add up in another order.
    np.testing.assert_allclose(
        lmt.log_likelihood_at(like, photon, batch_size=2), like.log_likelihood(photon), rtol=1e-14
    )
    found = {
        how: lmt.log_likelihood_at(like, photon, nuisances=how, batch_size=8) for how in ("profiled", "marginalised")
    }
    one = conditional(like.joint, FIXED.hidden_photon(g_x[3, 0], mass[2]), like.data)
    np.testing.assert_allclose(found["profiled"][3, 2], one.value, rtol=1e-13)
    assert lmt.log_likelihood_at(like, lmt.BENCHMARKS["BP1"]).shape == ()


@pytest.mark.parametrize(
    ("g_x", "mass"),
    [(5e-4, 15.0), (np.array([2e-4, 5e-4])[:, None, None], np.geomspace(5.0, 50.0, 3)), (np.full((3, 1), 5e-4), 15.0)],
    ids=["scalars", "axes that neither has", "a mass for all"],
)
def test_points_are_numbered_as_an_array_is(g_x, mass):
    like, photon = likelihood(), FIXED.hidden_photon(g_x, mass)
    found = lmt.log_likelihood_at(like, photon, batch_size=1)
    assert found.shape == photon.shape
    for at in np.ndindex(photon.shape):
        one = lmt.HiddenPhoton(*(float(np.broadcast_to(x, photon.shape)[at]) for x in jax.tree.leaves(photon)))
        np.testing.assert_allclose(found[at], like.log_likelihood(one), rtol=1e-14)


def test_an_accelerator_is_given_more_at_a_time_and_a_user_s_number_holds():
    core, accelerator = Mock(spec=jax.Device, platform="cpu"), Mock(spec=jax.Device, platform="gpu")
    assert side_by_side((core, core), 128) == 128
    assert side_by_side((accelerator,), 128) == 8192
    assert resolve_batch_size(None, (accelerator,), 16, 8) == 128
    assert resolve_batch_size(3, (accelerator,), 16) == 3
    for wrong in (0, -3, True):
        with pytest.raises(InvalidArgument, match="`batch_size` must be a whole number of at least 1"):
            resolve_batch_size(wrong, (core,), 16)
        with pytest.raises(InvalidArgument, match="`batch_size` must be a whole number of at least 1"):
            lmt.log_likelihood_at(likelihood(), lmt.BENCHMARKS["BP1"], batch_size=wrong)


def test_points_can_go_to_disk(tmp_path):
    like, mass = likelihood(), np.geomspace(3.0, 30.0, 11)
    photon = FIXED.hidden_photon(5e-4, mass)
    out = np.memmap(tmp_path / "points", dtype=np.float64, shape=(11,), mode="w+")
    assert lmt.log_likelihood_at(like, photon, out=out) is out
    np.testing.assert_array_equal(out, lmt.log_likelihood_at(like, photon))
    for wrong in (np.zeros(10), np.zeros(11, dtype=np.float32), np.zeros((11, 2))[:, 0]):
        with pytest.raises(InvalidArgument, match="`out` must be a C-ordered array of float64"):
            lmt.log_likelihood_at(like, photon, out=wrong)
    with pytest.raises(InvalidArgument, match="`converged` must be a C-ordered array of bool"):
        lmt.log_likelihood_at(like, photon, nuisances="profiled", converged=np.zeros(11))
    with pytest.raises(InvalidArgument, match="did you mean 'profiled'"):
        lmt.log_likelihood_at(like, photon, nuisances="profile")


def test_what_is_no_optimum_is_a_lower_bound_with_a_warning():
    like = lmt.JointLikelihood(
        [toy(lambda g, m, e, values: jnp.sqrt(values["scale"] - 2.0)[None] + g, Poisson(), 1, (scale(),))],
        FIXED,
        {"toy": jnp.ones(1)},
        check=False,
    )
    with pytest.warns(ConvergenceWarning, match="at 1 of 1 photons the optimum of the nuisances was not found"):
        lmt.log_likelihood_at(like, lmt.BENCHMARKS["BP1"], nuisances="profiled", batch_size=1)
    converged = np.ones((), dtype=bool)
    lmt.log_likelihood_at(like, lmt.BENCHMARKS["BP1"], nuisances="profiled", batch_size=1, converged=converged)
    assert not converged


# -- two devices ------------------------------------------------------------------------------------------------------


def test_chains_must_divide():
    with pytest.raises(InvalidArgument, match="`devices` must be different"):
        sample_posterior(two_modes(), TWO, devices=[HERE, HERE], chains=4)


@pytest.mark.slow
def test_two_devices_give_what_one_gives(tmp_path):
    """Grids, toys, SBC, chains; 120 steps of a chain, in which rounding has not yet grown into another draw."""
    file = tmp_path / "both.npz"
    script = Path(__file__).with_name("on_two_devices.py")
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    path = os.pathsep.join(p for p in sys.path if p)
    environment = {**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": path}
    subprocess.run([sys.executable, script, file], check=True, env=environment)
    with np.load(file) as arrays:
        both = dict(arrays)
    assert both.pop("devices") == 2
    one = {name.removeprefix("one_"): value for name, value in both.items() if name.startswith("one_")}
    assert len(one) == 14
    for name, value in one.items():
        # Rounding: 1e-13 in a ln L of order 10 (1e-15 is its last bit); a chain multiplies it by some 1e4 in 120 steps.
        tolerance = {"rtol": 1e-6} if name.startswith("chains") else {"rtol": 1e-12, "atol": 1e-11}
        np.testing.assert_allclose(both[f"two_{name}"], value, err_msg=name, **tolerance)
