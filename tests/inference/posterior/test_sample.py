"""sample_posterior: known posteriors, modes, restarts, compilations, and what the DataTree holds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from compilations import compilations
from posterior_toys import SHORT, THREE, TWO, check_conjugate, gaussian, interference, two_modes
from profile_toys import FIXED, toy

import lmtbayes as lmt
from lmtbayes.errors import CheckpointError, InvalidArgument
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.likelihood.toys import _many as _toys
from lmtbayes.inference.posterior.checkpoint import Checkpoint
from lmtbayes.inference.posterior.datatree import _whole
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.methods import Nuts

HERE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def like():
    return two_modes()


@pytest.fixture(scope="module")
def tree(like):
    return sample_posterior(like, TWO, seed=1, chains=8, warmup=200, draws=500, progress=False)


# -- is it the posterior? ---------------------------------------------------------------------------------------------


def test_conjugate_gaussian():
    means, sigmas = (-3.2, 1.4), (0.05, 0.2)
    found = sample_posterior(gaussian(means, sigmas), TWO, chains=8, warmup=200, draws=500, progress=False)
    assert found.attrs["passed"], found.attrs["verdict"]
    check_conjugate(found, means, sigmas)


def test_two_modes_are_visited_with_their_weights(tree):
    assert tree.attrs["passed"], tree.attrs["verdict"]
    grid = tree["grid"]
    assert grid.sizes["mode"] == 2
    np.testing.assert_allclose(grid["mode_occupancy"], grid["mode_weight"], atol=0.03)
    assert "2 separate modes" in tree.attrs["verdict"]
    # Every chain has been in both.
    above = tree["posterior"]["g_x"].values > 3e-4
    assert (above.any(axis=1) & ~above.all(axis=1)).all()


@pytest.mark.slow
def test_nuts_alone_gets_modes_wrong_and_the_verdict_says_so(like):
    # Eight chains that stay where they began are in the second mode in eighths: with two of them by luck as often as
    # they should be, which R-hat is not taken in by.
    found = [sample_posterior(like, TWO, seed=seed, init="prior", jumps=False, **SHORT) for seed in (3, 4)]
    verdicts = [diagnose(each) for each in found]
    assert not any(verdict.passed or verdict["R-hat"].passed for verdict in verdicts)
    assert not all(verdict["mode weights"].passed for verdict in verdicts)
    assert all("What to do" in each.attrs["verdict"] for each in found)


# -- compiled once, resumed bit for bit -------------------------------------------------------------------------------


def test_new_data_and_seed_do_not_recompile(like, tree):
    settings = {"chains": 8, "warmup": 200, "draws": 500, "progress": False}
    other = like.with_data(lmt.asimov(FIXED, FIXED.hidden_photon(2e-4, 100.0)))
    with compilations() as compiled:
        found = sample_posterior(other, TWO, seed=2, **settings)
    assert compiled == []
    assert not np.allclose(found["observed_data"]["toy"], tree["observed_data"]["toy"])


def identical(first, second):
    for group in ("posterior", "unconstrained_posterior", "sample_stats", "log_likelihood", "posterior_predictive"):
        for name in first[group].data_vars:
            np.testing.assert_array_equal(
                first[group][name].values, second[group][name].values, err_msg=f"{group} {name}"
            )


SCRIPT = """
import sys
from posterior_toys import SHORT, TWO, two_modes
from lmtbayes.inference.posterior.sample import sample_posterior
sample_posterior(two_modes(), TWO, seed=5, checkpoint=sys.argv[1], **(SHORT | {"draws": 1000000}))
"""


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A checkpoint of a process that was killed with SIGKILL after a few chunks."""
    path = tmp_path_factory.mktemp("killed") / "run.npz"
    script = SCRIPT.replace("1000000", "2000")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1]), *sys.path])}
    process = subprocess.Popen([sys.executable, "-c", script, str(path)], env=environment)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it was killed"
        if path.exists():
            with np.load(path) as file:
                done = int(file["done"])
            if done >= 100:
                break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with np.load(path) as file:
        assert 100 <= int(file["done"]) < 2060
    return path


@pytest.mark.slow
def test_a_killed_run_goes_on_and_equals_the_uninterrupted_one(killed, like):
    settings = SHORT | {"draws": 2000}
    resumed = sample_posterior(like, TWO, seed=5, checkpoint=killed, **settings)
    straight = sample_posterior(like, TWO, seed=5, **settings)
    identical(resumed, straight)
    # Finished: the same call again only reads.
    identical(sample_posterior(like, TWO, seed=5, checkpoint=killed, **settings), straight)
    leftovers = [p for p in killed.parent.iterdir() if p != killed and not p.name.endswith(".tmp")]
    assert leftovers == []


def test_checkpoint_of_another_run_is_refused(killed, like, tmp_path):
    settings = SHORT | {"draws": 2000}
    with pytest.raises(CheckpointError, match="seed: 5 there, 6 here"):
        sample_posterior(like, TWO, seed=6, checkpoint=killed, **settings)
    with pytest.raises(CheckpointError, match="chains: 4 there, 8 here"):
        sample_posterior(like, TWO, seed=5, checkpoint=killed, **(settings | {"chains": 8}))
    other = like.with_data(lmt.asimov(FIXED, FIXED.hidden_photon(2e-4, 100.0)))
    with pytest.raises(CheckpointError, match="the data, an experiment or the prior"):
        sample_posterior(other, TWO, seed=5, checkpoint=killed, **settings)
    nonsense = tmp_path / "nonsense.npz"
    nonsense.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        sample_posterior(like, TWO, checkpoint=nonsense, **SHORT)


def test_keyboard_interrupt_keeps_the_checkpoint(like, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    calls = []

    save = Checkpoint.save

    def save_then_stop(self, arrays):
        save(self, arrays)
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_then_stop)
    with pytest.raises(KeyboardInterrupt) as caught:
        sample_posterior(like, TWO, seed=7, checkpoint=path, **SHORT)
    assert "goes on from" in caught.value.__notes__[0]
    monkeypatch.undo()
    identical(
        sample_posterior(like, TWO, seed=7, checkpoint=path, **SHORT), sample_posterior(like, TWO, seed=7, **SHORT)
    )


# -- what the tree holds ----------------------------------------------------------------------------------------------


def test_groups_variables_and_units(tree):
    assert set(tree.children) == {
        "posterior", "unconstrained_posterior", "sample_stats", "log_likelihood", "log_prior", "posterior_predictive",
        "prior", "prior_predictive", "observed_data", "constant_data", "grid",
    }  # fmt: skip
    posterior = tree["posterior"]
    assert set(posterior.data_vars) == {"g_x", "mass", "eps_x", "log10_g_x", "log10_mass", "scale"}
    assert posterior["mass"].attrs["units"] == "MeV"
    assert dict(posterior.sizes) == {"chain": 8, "draw": 500}
    np.testing.assert_allclose(posterior["g_x"], 10 ** posterior["log10_g_x"])
    np.testing.assert_allclose(posterior["eps_x"], posterior["g_x"] * FIXED.mixing_ratio)
    np.testing.assert_allclose(posterior["scale"], 1.0 + 0.05 * tree["unconstrained_posterior"]["scale_pull"])
    assert {"lp", "log_weight", "acceptance_rate", "jumped"} <= set(tree["sample_stats"].data_vars)
    for dataset in tree.subtree:
        for value in [*dataset.attrs.values(), *(v for x in dataset.variables.values() for v in x.attrs.values())]:
            assert isinstance(value, str | int | float), value


def test_pointwise_likelihood_has_named_bins(tree, like):
    pointwise = tree["log_likelihood"]["toy"]
    assert pointwise.dims == ("chain", "draw", "toy_bin")
    np.testing.assert_array_equal(pointwise["toy_bin"], [0.5, 1.5])
    np.testing.assert_array_equal(pointwise["toy_low"], [0.0, 1.0])
    np.testing.assert_array_equal(pointwise["toy_high"], [1.0, 2.0])
    chain, draw = 3, 17
    one = tree["posterior"].isel(chain=chain, draw=draw)
    photon = lmt.HiddenPhoton(*(float(one[name]) for name in ("g_x", "mass", "eps_x")))
    total = float(like.log_likelihood(photon, {"scale": float(one["scale"])}))
    assert float(tree["sample_stats"]["log_likelihood"][chain, draw]) == pytest.approx(total, rel=1e-9)
    pull = (float(one["scale"]) - 1.0) / 0.05
    bins = float(pointwise[chain, draw].sum())
    assert bins - 0.5 * pull**2 - 0.5 * np.log(2.0 * np.pi) == pytest.approx(total, rel=1e-9)
    # lp is normalised over the prior's box: 3 by 3.
    assert float(tree["sample_stats"]["lp"][chain, draw]) == pytest.approx(total - 2.0 * np.log(3.0), rel=1e-9)


def test_toys_of_a_draw_are_those_of_its_term():
    counts = np.tile([[0.5, 4.0, np.nan]], (20000, 1))
    experiment = toy(interference, Poisson(), 3)
    drawn = _toys(experiment, counts, np.random.default_rng(0))
    # Mean and variance of 20000 draws: within four of their standard deviations.
    np.testing.assert_allclose(drawn[:, :2].mean(0), [0.5, 4.0], atol=4.0 * np.sqrt(4.0 / 20000))
    np.testing.assert_allclose(drawn[:, :2].var(0), [0.5, 4.0], atol=4.0 * np.sqrt((4.0 + 2.0 * 16.0) / 20000))
    assert np.isnan(drawn[:, 2]).all()

    class Twice(Poisson):
        def sample(self, key, expected):
            return 2.0 * expected

    np.testing.assert_array_equal(
        _toys(toy(interference, Twice(), 3), counts[:2500, :2], np.random.default_rng(0)), 2.0 * counts[:2500, :2]
    )


def test_log_prior_is_what_psense_scales(tree):
    import arviz_stats

    group, posterior = tree["log_prior"], tree["posterior"]
    # Uniform over 3 in both coordinates, and the pull's standard normal.
    np.testing.assert_allclose(group["log10_g_x"], -np.log(3.0), rtol=1e-12)
    np.testing.assert_allclose(group["log10_mass"], -np.log(3.0), rtol=1e-12)
    pull = (posterior["scale"].values - 1.0) / 0.05
    np.testing.assert_allclose(group["scale"], -0.5 * pull**2 - 0.5 * np.log(2.0 * np.pi), rtol=1e-9, atol=1e-9)
    bins = sum(tree["log_likelihood"][name].sum(f"{name}_bin") for name in tree["log_likelihood"].data_vars)
    lp = bins + group["log10_g_x"] + group["log10_mass"] + group["scale"]
    np.testing.assert_allclose(tree["sample_stats"]["lp"], lp, rtol=1e-9, atol=1e-9)
    found = arviz_stats.psense_summary(tree, var_names=["log10_g_x"])
    assert {"prior", "likelihood"} <= set(found.columns)


def test_whole_counts_are_integers():
    counts = np.array([[3.0, 0.0], [2.0, 7.0]])
    assert _whole(toy(interference, Poisson(), 2), counts).dtype == np.int64
    for other in (counts + 0.5, np.array([[np.nan, 1.0]]), np.array([[np.inf, 1.0]])):
        assert _whole(toy(interference, Poisson(), 2), other) is other
    assert _whole(toy(interference, Gaussian(1.0), 2), counts) is counts


def test_numbers_that_are_lost_fail_the_verdict(tree):
    """A prior that reaches below zero leaves log10 g_x NaN in half of the draws: the verdict was "trust it"."""
    for lost in (tree["posterior"]["log10_g_x"].values < np.inf, np.s_[0, 0]):
        broken = tree.copy(deep=True)
        broken["posterior"]["log10_g_x"].values[lost] = np.nan
        verdict = diagnose(broken)
        assert not verdict.passed
        assert not verdict["finite"].passed
        assert "log10_g_x" in verdict["finite"].text
    assert diagnose(tree)["finite"].passed


@pytest.mark.parametrize("name", ["g_x", "eps_x", "log10_mass"])
def test_a_parameter_that_is_fixed_is_no_error(tree, name):
    """Without mixing eps_x is 0 in every draw: the run used to end in KeyError('eps_x')."""
    fixed = tree.copy(deep=True)
    first = fixed["posterior"].to_dataset()
    first[name].values[:] = 0.0
    fixed["posterior"] = first[[name, *(str(other) for other in first.data_vars if other != name)]]
    assert diagnose(fixed)["finite"].passed


def test_predictive_draws(tree, like):
    observed = np.asarray(like.data["toy"])
    mean = tree["posterior_predictive"]["toy"].mean(("chain", "draw"))
    np.testing.assert_allclose(mean, observed, rtol=0.1)
    assert tree["prior_predictive"].sizes["draw"] == 1000
    assert float(tree["prior"]["log10_g_x"].min()) > -5.0
    assert float(tree["prior_predictive"]["toy"].std()) > 10 * float(tree["posterior_predictive"]["toy"].std())


def test_netcdf_round_trip(tree, tmp_path):
    import arviz
    import xarray as xr

    path = tmp_path / "posterior.nc"
    tree.to_netcdf(path, engine="h5netcdf")
    with xr.open_datatree(path, engine="h5netcdf") as read:
        xr.testing.assert_identical(tree, read.load())
        assert str(diagnose(read)) == tree.attrs["verdict"]
    again = arviz.from_netcdf(path)
    assert float(arviz.summary(again, var_names=["log10_g_x"], round_to="none")["r_hat"].iloc[0]) < 1.02


def test_same_seed_same_draws_other_seed_other_draws(like):
    first, other = (sample_posterior(like, TWO, seed=seed, jumps=True, **SHORT) for seed in (1, 2))
    # The same said the other way.
    again = sample_posterior(like, TWO, seed=1, method=Nuts(chains=4, warmup=60, draws=60), chunk=20, progress=False)
    identical(first, again)
    assert first.attrs["fingerprint"] == again.attrs["fingerprint"]
    assert not np.array_equal(first["posterior"]["g_x"], other["posterior"]["g_x"])


def test_a_short_run_is_not_trusted(like):
    found = sample_posterior(like, TWO, **(SHORT | {"draws": 10}))
    assert not diagnose(found).passed


def test_without_the_grid_check_the_verdict_says_so(like):
    found = sample_posterior(like, TWO, grid_check=False, **SHORT)
    assert "grid" not in found.children
    assert "no grid check" in found.attrs["verdict"]


@pytest.mark.slow
@pytest.mark.parametrize("jumps", [True, False])
def test_cut_trees_are_excused_where_jumps_carry_the_chains(like, jumps):
    found = sample_posterior(
        like, TWO, 1, chains=8, warmup=200, draws=500, grid_check=False, jumps=jumps, max_tree_depth=1, progress=False
    )
    (check,) = (c for c in diagnose(found).checks if c.name == "tree depth")
    assert check.value > 0.9
    assert check.passed == jumps


# -- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chains": 0}, "`chains` must be a whole number of at least 1; got 0"),
        ({"draws": 2}, "`draws` must be a whole number of at least 4"),
        ({"warmup": 0}, "`warmup` must be a whole number of at least 10"),
        ({"target_accept": 1.0}, "`target_accept` must be between 0 and 1"),
        ({"init": "gird"}, "did you mean 'grid'"),
        ({"chunk": 0}, "`chunk`"),
        ({"method": Nuts(draws=7)}, r"`chains` is a setting of `method`, Nuts\(chains=16, .*draws=7.*: give it there"),
        ({"seed": -1}, "`seed`"),
        ({"devices": []}, "`devices`"),
        ({"checkpoint": "no/such/folder/run.npz"}, "`checkpoint` must be a file in a folder that exists"),
        ({"checkpoint": "."}, "`checkpoint` must be a file; that is a folder"),
    ],
)
def test_bad_settings(like, settings, message):
    with pytest.raises(InvalidArgument, match=message):
        sample_posterior(like, TWO, **(SHORT | settings))


def test_prior_of_another_model(like):
    with pytest.raises(InvalidArgument, match="`prior` must be of the likelihood's model"):
        sample_posterior(like, THREE, **SHORT)


def test_diagnose_wants_a_posterior():
    import xarray as xr

    with pytest.raises(InvalidArgument, match="no group 'posterior'"):
        diagnose(xr.DataTree())
