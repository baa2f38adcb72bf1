"""g-2 measurements: the published differences, the pairs by name, a user's own."""

import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName


@pytest.mark.parametrize(
    ("name", "difference", "sigma"),
    [
        ("muon-g2-2021", 251.0, 59.4),
        ("muon-g2-2023", 249.0, 48.3),
        ("muon-g2-2025", 38.5, 63.7),
        ("muon-g2-2025-wp20", 261.5, 45.4),
    ],
)
def test_presets_are_the_published_differences(name, difference, sigma):
    exp = lmt.experiment(name)
    np.testing.assert_allclose(exp.observed, [difference])
    np.testing.assert_allclose(exp.term.sigma, [sigma], atol=0.05)
    assert exp.status == "data"


@pytest.mark.parametrize(("point", "tension"), [("BP1", 2.9), ("BP2", 3.6), ("BP3", 2.25), ("BP4", 3.8)])
def test_the_2025_pair_disfavours_the_benchmarks(point, tension):
    # (Eq. 13 - 38.5)/63.7 with Eq. 13 from mpmath; published rounded to 2.9, 3.6, 2.3, 3.8.
    exp = lmt.experiment("muon-g2-2025")
    pull = (exp.expected(lmt.LMU_LTAU, lmt.BENCHMARKS[point]) - exp.observed) / exp.term.sigma
    assert float(pull[0]) == pytest.approx(tension, abs=0.05)


def test_a_users_own_pair():
    exp = lmt.muon_g2((250.0, 30.0), (0.0, 40.0), name="mine")
    assert exp.name == "mine"
    np.testing.assert_allclose(exp.term.sigma, [50.0])
    mixed = lmt.muon_g2("experiment-2025", "bmw-2020")
    np.testing.assert_allclose(mixed.observed, [117.5])
    assert "2002.12347" in mixed.citation


def test_bad_input():
    with pytest.raises(UnknownName, match=r"a_mu \(prediction\) 'white-paper-2022' \(did you mean"):
        lmt.experiment("muon-g2-2021", prediction="white-paper-2022")
    with pytest.raises(InvalidArgument, match=r"`prediction\[1\]` must be finite and positive"):
        lmt.muon_g2("experiment-2025", (1.0, -2.0))
    with pytest.raises(InvalidArgument, match=r"`measurement` must be .* in units of 1e-11.*look absolute"):
        lmt.muon_g2((116592071.5e-11, 14.5e-11), (116592033e-11, 62e-11))
    for pair in (
        ((1165.92061, 4e-4), (1165.91810, 4e-4)),  # ppm
        ((11659206.1, 4.1), (11659181.0, 4.3)),  # 1e-10
        ((116592061.0, 41.0), (11659181.0, 4.3)),  # one of each
        ((41.0, 116592061.0), (43.0, 116591810.0)),  # exchanged
        ((116592061.0, 41.0), (0.0, 43.0)),  # a moment less a difference
    ):
        with pytest.raises(InvalidArgument, match=r"`(measurement|prediction)` must be"):
            lmt.muon_g2(*pair)
    with pytest.raises(UnknownName, match="nuisance of experiment"):
        lmt.experiment("muon-g2-2021", nuisances=("flux",))
