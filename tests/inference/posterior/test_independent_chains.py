"""Chains of proposals alone: known posteriors, their verdicts, chunks, files and devices."""

import numpy as np
import pytest
from posterior_toys import TWO, check_conjugate, gaussian, two_modes
from profile_toys import FIXED, scale, toy

import lmtbayes as lmt
from lmtbayes.errors import CheckpointError, InvalidArgument
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.posterior import checkpoint
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.methods import Independence, Nuts

SHORT = Independence(chains=8, warmup=10, draws=20)


def sample(like, method, **options):
    return lmt.sample_posterior(like, TWO, method=method, progress=False, **options)


@pytest.fixture(scope="module")
def like():
    return two_modes()


def test_conjugate_gaussian():
    means, sigmas = (-3.2, 1.4), (0.05, 0.2)
    found = sample(gaussian(means, sigmas), Independence(chains=16, draws=250))
    assert found.attrs["passed"], found.attrs["verdict"]
    check_conjugate(found, means, sigmas)


@pytest.mark.slow
def test_two_modes_are_visited_with_their_weights_and_the_nuisance_is_that_of_nuts(like):
    found, nuts = sample(like, "independence"), sample(like, Nuts(chains=8, warmup=200, draws=500), seed=1)
    assert found.attrs["passed"], found.attrs["verdict"]
    assert found["posterior"].sizes == {"chain": 64, "draw": 250}
    np.testing.assert_allclose(found["grid"]["mode_occupancy"], found["grid"]["mode_weight"], atol=0.03)
    pulls = [tree["unconstrained_posterior"]["scale_pull"].values.ravel() for tree in (found, nuts)]
    # Some 2000 effective draws of NUTS and more of these: five standard errors.
    assert pulls[0].mean() == pytest.approx(pulls[1].mean(), abs=5 * pulls[1].std() / np.sqrt(2000))
    assert pulls[0].std() == pytest.approx(pulls[1].std(), rel=5 / np.sqrt(4000))


def test_draws_depend_on_neither_chunk_nor_interruption(like, tmp_path, monkeypatch):
    whole = sample(like, SHORT, seed=3)
    parts = sample(like, SHORT, seed=3, chunk=7)
    np.testing.assert_array_equal(whole["posterior"]["g_x"], parts["posterior"]["g_x"])
    assert not np.array_equal(whole["posterior"]["g_x"], sample(like, SHORT, seed=4)["posterior"]["g_x"])

    from lmtbayes.inference.posterior import run

    class Stopping(run.Bar):
        def advance(self, steps):
            super().advance(steps)
            if self.done == 14:
                raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lmtbayes.inference.posterior.sample.Bar", Stopping)
        with pytest.raises(KeyboardInterrupt) as stopped:
            sample(like, SHORT, seed=3, chunk=7, checkpoint=tmp_path / "run.npz")
    assert "stopped after 14 of 30 steps; the same call goes on from" in stopped.value.__notes__[0]
    again = sample(like, SHORT, seed=3, chunk=7, checkpoint=tmp_path / "run.npz")
    np.testing.assert_array_equal(whole["posterior"]["g_x"], again["posterior"]["g_x"])
    assert again["sample_stats"].attrs["pareto_k"] == whole["sample_stats"].attrs["pareto_k"]
    with pytest.raises(CheckpointError, match="belongs to another run"):
        sample(like, Independence(chains=8, warmup=10, draws=20, thin=2), seed=3, checkpoint=tmp_path / "run.npz")
    # Weights are those of proposals: a version that had others does not go on.
    monkeypatch.setattr(checkpoint, "_FORMAT", checkpoint._FORMAT + 1)
    with pytest.raises(CheckpointError, match="another version of lmtbayes began it"):
        sample(like, SHORT, seed=3, chunk=7, checkpoint=tmp_path / "run.npz")


@pytest.mark.slow
def test_a_pull_far_from_gaussian_fails_its_verdict_or_is_right():
    """An efficiency known to a factor of e^2 and no event: Laplace's Gaussian is far too narrow on one side."""
    experiment = toy(
        lambda g, m, e, values: values["scale"] * 4.0 * (g / 3e-4) ** 2 * np.ones(1), Poisson(), 1, (scale(sigma=0.9),)
    )
    like = lmt.JointLikelihood([experiment], FIXED, {"toy": np.zeros(1)}, check=False)
    found = sample(like, "independence")
    verdict = diagnose(found)
    nuts = sample(like, Nuts(chains=8, warmup=300, draws=1000), seed=2)
    quantiles = [np.quantile(tree["posterior"]["scale"].values, [0.05, 0.5, 0.95]) for tree in (found, nuts)]
    right = np.allclose(*quantiles, rtol=0.1)
    assert right or not verdict.passed
    assert verdict["proposals"].value == found["sample_stats"].attrs["pareto_k"]


def test_heavy_weights_are_no_posterior_to_trust(like):
    found = sample(like, SHORT)
    found["sample_stats"].attrs["pareto_k"] = 0.9
    found["sample_stats"]["acceptance_rate"][3] = 0.01
    verdict = diagnose(found)
    assert not verdict["proposals"].passed
    assert not verdict["acceptance"].passed
    assert "method 'nuts' goes there" in str(verdict)
    del found["sample_stats"].attrs["pareto_k"]
    with pytest.raises(InvalidArgument, match="has no pareto_k among its attributes"):
        diagnose(found)


@pytest.mark.parametrize("name", ["chains", "warmup", "draws", "thin"])
def test_settings_are_checked(name):
    with pytest.raises(InvalidArgument, match=f"`{name}` must be a whole number of at least"):
        Independence(**{name: 0})


def test_a_setting_beside_the_method_is_refused(like):
    with pytest.raises(InvalidArgument, match="`draws` is a setting of `method`"):
        sample(like, SHORT, draws=50)
    with pytest.raises(InvalidArgument, match="did you mean 'independence'"):
        sample(like, "independent")
