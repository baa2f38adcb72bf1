"""Simulation-based calibration: the grid and NUTS with jumps pass; NUTS alone from prior starts is condemned."""

import pytest
from posterior_toys import TWO, two_modes

from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.posterior.method import Independence, Nuts
from lmtbayes.inference.posterior.sbc import QUANTITIES, quantities, sbc


@pytest.fixture(scope="module")
def like():
    return two_modes()


@pytest.mark.slow
def test_shape_and_reproducibility(like):
    found = sbc(like, TWO, n=6, seed=1)
    assert found["rank"].shape == (6, len(quantities(like)))
    assert tuple(found["quantity"].values) == (*QUANTITIES, *like.joint.nuisance_names)
    assert (found["rank"] >= 0).all()
    assert (found["rank"] <= 99).all()
    assert float(found["effective"].min()) > 99
    fewer = sbc(like, TWO, n=3, seed=1)
    assert (fewer["rank"] == found["rank"].isel(simulation=slice(3))).all()


@pytest.mark.nightly
def test_grid_is_calibrated(like):
    """Six p-values, uniform if calibrated: the smallest of six is below 0.002 once in a hundred seeds."""
    found = sbc(like, TWO, n=200, seed=2)
    assert float(found["p_value"].min()) > 0.002


@pytest.mark.nightly
def test_nuts_is_calibrated_and_without_the_grid_is_not(like):
    good = sbc(like, TWO, n=60, seed=3, method="nuts")
    assert float(good["p_value"].min()) > 0.002
    bad = sbc(like, TWO, n=60, seed=3, method=Nuts(init="prior", jumps=False, chains=1, warmup=20, draws=200))
    assert float(bad["p_value"].min()) < 0.002


@pytest.mark.nightly
def test_independent_chains_are_calibrated(like):
    found = sbc(like, TWO, n=100, seed=5, method=Independence(chains=16, draws=100))
    assert found.attrs["method"] == "independence"
    assert float(found["p_value"].min()) > 0.002


def test_bad_input(like):
    with pytest.raises(InvalidArgument, match="did you mean 'grid'"):
        sbc(like, TWO, method="gird")
    with pytest.raises(InvalidArgument, match="`n` must be a whole number"):
        sbc(like, TWO, n=0)
