"""The shape of the tail of weights, against draws of a generalised Pareto distribution of known shape."""

import numpy as np
import pytest
from scipy import stats

from lmtbayes.inference.integration.pareto import pareto_shape


@pytest.mark.parametrize("k", [-0.5, 0.2, 1.0])
def test_shape_of_the_tail_of_the_weights(k):
    weights = stats.genpareto.rvs(k, size=20_000, random_state=3)
    # The fit is drawn towards 0.5 and scatters by (1 + k)/sqrt(424 draws of the tail).
    assert pareto_shape(np.log(weights)) == pytest.approx(k, abs=0.2)


def test_shape_where_there_is_no_tail_to_fit():
    assert pareto_shape(np.zeros(5000)) == -np.inf
    plateau = np.repeat([-3.0, 0.0], 2500)
    assert pareto_shape(plateau) == -np.inf
    assert pareto_shape(np.append(plateau, 20.0)) > 0.7
