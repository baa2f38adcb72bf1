"""The density that the plane's posterior regions are cut from."""

import numpy as np
from scipy.ndimage import gaussian_filter

from lmtbayes.jobs.draw import smoothed


def test_a_flat_tail_is_flat_and_a_narrow_mode_stays_where_it_is():
    rng = np.random.default_rng(0)
    counts = np.zeros((60, 60))
    counts[:40] = rng.poisson(0.3, (40, 60))
    counts[50:52, 30:32] = 800.0
    density = smoothed(counts)
    tail, single = density[5:35, 5:55], gaussian_filter(counts, 1.2, mode="constant")[5:35, 5:55]
    np.testing.assert_allclose(tail.mean(), 0.3, rtol=0.05)
    assert tail.std() < 0.6 * single.std()
    # The mode has not leaked: six bins from it nothing but what is left of the tail.
    assert density[50:52, 30:32].min() > 100.0
    assert density[58:, :20].max() < 0.3
    assert density[50:52, 39:].max() < 1e-3 * density.max()
