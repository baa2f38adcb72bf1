"""What `Auto` takes: correlations of independence chains as predicted, and NUTS where they would stand still."""

import numpy as np
import pytest
from posterior_toys import TWO, two_modes

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.integration import refine
from lmtbayes.inference.posterior import choice, sample
from lmtbayes.inference.posterior.choice import correlation
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.methods import Auto, Independence

LAGS = (1, 2, 5)


@pytest.fixture(scope="module")
def like():
    return two_modes()


def sampled(like, **settings):
    return lmt.sample_posterior(like, TWO, seed=1, progress=False, **settings)


def test_correlation_is_that_of_a_chain():
    """Proposals of the standard normal, weights of a density 1.3 times as narrow; the sign of x knows nothing of w."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400_000)
    log_weight = -0.5 * x**2 * (1.3**2 - 1.0)
    log_uniform = np.log(rng.random(x.size))
    at, chain = 0, np.empty(x.size)
    for k in range(x.size):
        if log_uniform[k] < log_weight[k] - log_weight[at]:
            at = k
        chain[k] = x[at] > 0.0
    chain -= chain.mean()
    found = [np.mean(chain[lag:] * chain[:-lag]) / np.mean(chain**2) for lag in LAGS]
    # Sign and size of x are independent, so that f is correlated where the chain has not moved and nowhere else. The
    # chain's own error is sqrt(1/400,000 times some correlation time) = 0.003.
    np.testing.assert_allclose(correlation(log_weight[:4096], LAGS), found, atol=0.012)


def test_equal_weights_forget_at_once_and_one_weight_never():
    np.testing.assert_array_equal(correlation(np.zeros(100), LAGS), 0.0)
    one = np.where(np.arange(100) == 7, 0.0, -50.0)
    np.testing.assert_allclose(correlation(one, LAGS), 0.99 ** np.array(LAGS), rtol=1e-9)
    nothing = np.where(np.arange(100) < 50, 0.0, -np.inf)
    np.testing.assert_allclose(correlation(nothing, LAGS), 0.5 ** np.array(LAGS), rtol=1e-12)


def test_good_proposals_make_the_chains(like):
    found = sampled(like, chains=4, draws=200)
    statistics = found["sample_stats"]
    assert statistics.attrs["method"] == "independence"
    assert statistics.attrs["thin"] in choice.THIN
    assert found.attrs["method"] == "auto"
    assert found["posterior"].sizes == {"chain": 4, "draw": 200}
    g = np.log(found["posterior"]["g_x"].values)
    g = (g - g.mean()) / g.std()
    # 0.1 is asked for; 800 draws tell it to 0.035.
    assert np.mean(g[:, 1:] * g[:, :-1]) < choice.CORRELATION + 3 * 0.035


@pytest.mark.parametrize("reason", ["correlation", "tail"])
def test_where_they_are_not_good_it_is_nuts(like, monkeypatch, reason):
    patch = {"correlation": (choice, "CORRELATION", -1.0), "tail": (sample, "HEAVY", np.nan)}
    monkeypatch.setattr(*patch[reason])
    found = sampled(like, chains=2, warmup=30, draws=30)
    assert found["sample_stats"].attrs["method"] == "nuts"
    nuts = sampled(like, chains=2, warmup=30, draws=30, jumps=True)
    np.testing.assert_array_equal(found["posterior"]["g_x"], nuts["posterior"]["g_x"])


def test_a_grid_that_ran_out_of_cells_makes_no_chains_and_no_verdict_trusts_them(like, monkeypatch):
    """Weights do not show the tails that it does not propose: a ridge of the verdict study was too narrow."""
    monkeypatch.setitem(refine.TOLERANCE, 2, 1e-12)
    assert sampled(like, chains=2, warmup=30, draws=30)["sample_stats"].attrs["method"] == "nuts"
    found = lmt.sample_posterior(like, TWO, seed=1, method=Independence(chains=4, draws=50), progress=False)
    check = diagnose(found)["proposals"]
    assert check.value <= 0.7
    assert not check.passed
    assert "their grid ran out of cells" in check.text
    evidence = lmt.evidence(like, TWO, lmt.methods.Importance(rtol=0.05))
    assert not evidence.converged
    assert "the grid ran out of cells" in evidence.status


@pytest.mark.parametrize("given", [{"jumps": True}, {"init": "grid"}, {"max_tree_depth": 4}, {"target_accept": 0.9}])
def test_a_setting_of_nuts_is_a_wish_for_nuts(like, given):
    assert "step_size" in sampled(like, chains=2, warmup=20, draws=10, **given)["sample_stats"]


@pytest.mark.parametrize("thrown", ["independence", "nuts"])
def test_a_run_goes_on_with_what_it_chose(like, tmp_path, monkeypatch, thrown):
    settings = {"chains": 2, "warmup": 20, "draws": 40, "chunk": 10}
    if thrown == "nuts":
        monkeypatch.setattr(choice, "CORRELATION", -1.0)
    whole = sampled(like, **settings)

    class Stopping(sample.Bar):
        def advance(self, steps):
            super().advance(steps)
            if self.done == 40:
                raise KeyboardInterrupt

    path = tmp_path / "run.npz"
    with monkeypatch.context() as patch:
        patch.setattr(sample, "Bar", Stopping)
        with pytest.raises(KeyboardInterrupt):
            sampled(like, checkpoint=path, **settings)
    # Not chosen anew: another version might choose otherwise.
    monkeypatch.setattr(choice, "CORRELATION", {"nuts": 0.1, "independence": -1.0}[thrown])
    again = sampled(like, checkpoint=path, **settings)
    np.testing.assert_array_equal(whole["posterior"]["g_x"], again["posterior"]["g_x"])
    assert again["sample_stats"].attrs["method"] == thrown


@pytest.mark.parametrize("name", ["chains", "warmup", "draws"])
def test_settings_are_checked(name):
    with pytest.raises(InvalidArgument, match=f"`{name}` must be a whole number of at least"):
        Auto(**{name: 0})
