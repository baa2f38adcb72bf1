"""The figures' regions by toys: what the table says, and how far it is from chi^2 where no boson is seen."""

import numpy as np
import pytest

from lmtbayes.paper import feldman_cousins
from lmtbayes.paper.planes import BEAM
from lmtbayes.parameters import LEVELS


@pytest.mark.nightly  # forty regions in six calibrations; minutes on a core
def test_every_region_of_the_figures_is_in_the_table():
    text = feldman_cousins.markdown()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| Fig.")]
    assert len(rows) == 6 * 4 * len(LEVELS)
    ratios = np.array([float(row[6].split("±")[0]) for row in rows])
    assert np.all((ratios > 0.1) & (ratios < 2.0))
    assert "or did not converge" in text


@pytest.mark.nightly
def test_na64mu_s_regions_shrink_where_there_is_hardly_a_boson():
    found = feldman_cousins.calibration(BEAM)
    weak = found.truths[:, 0] < 2e-4
    for level, usual in zip(LEVELS, (2.296, 6.180), strict=True):
        c = found.critical(level)
        # A rate that can only grow, and a mass without a meaning: far fewer than two degrees of freedom.
        assert np.all(c.value[weak] + 3.0 * c.error[weak] < usual)
