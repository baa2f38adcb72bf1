"""The shape of the tail of weights, against draws of a generalised Pareto distribution of known shape."""

import numpy as np
import pytest
from scipy import stats

from lmtbayes.inference.integration.pareto import pareto_shape, tail_of_weights


@pytest.mark.parametrize("k", [-0.5, 0.2, 1.0])
def test_shape_of_the_tail_of_the_weights(k):
    # Beside as many that weigh next to nothing, so that a bounded tail stands out as well.
    weights = np.append(stats.genpareto.rvs(k, size=20_000, random_state=3), np.full(180_000, 1e-6))
    # The fit is drawn towards 0.5 and scatters by (1 + k)/sqrt(1341 draws of the tail).
    assert pareto_shape(np.log(weights)) == pytest.approx(k, abs=0.2)


def test_weights_of_which_none_stands_out_have_no_tail_whatever_its_shape():
    """All but equal, and a few up to two and a half times as large, by a law of k = 1; ten times, it is told."""
    tail = stats.genpareto.rvs(1.0, scale=0.01, size=20_000, random_state=4)
    weights = 1.0 + np.minimum(tail, 1.5)
    assert weights.max() == 2.5
    assert pareto_shape(np.log(weights)) == -np.inf
    assert "no weight is 10 times the mean" in tail_of_weights(-np.inf)
    far = 1.0 + tail
    assert far.max() > 10.0 * far.mean()
    assert pareto_shape(np.log(far)) > 0.7
    assert tail_of_weights(0.314) == "Pareto k of their weights 0.31"


def test_of_few_draws_one_may_be_too_much_without_standing_out():
    """A hundred, of which one is nine times the mean: a tenth of all."""
    weights = np.append(np.ones(99), 9.9)
    assert weights.max() < 10.0 * weights.mean()
    assert pareto_shape(np.log(weights)) == np.inf
    # As many as the study of a chain: the same share of the mean is nothing.
    assert pareto_shape(np.log(np.append(np.ones(9999), 9.9))) == -np.inf


def test_shape_where_there_is_no_tail_to_fit():
    assert pareto_shape(np.zeros(5000)) == -np.inf
    plateau = np.repeat([-3.0, 0.0], 2500)
    assert pareto_shape(plateau) == -np.inf
    assert pareto_shape(np.append(plateau, 20.0)) > 0.7
