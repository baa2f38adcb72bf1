"""Masses in GeV, or where nothing is known, are told apart from those that are meant."""

import warnings

import numpy as np
import pytest
from profile_toys import FIXED, counts, toy

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnitsWarning
from lmtbayes.experiments.limits import published_limit
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.frequentist.best_fit import best_fit
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.profile import check_grid
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.nuisances.at_points import log_likelihood_at

LIKE = lmt.JointLikelihood([toy(counts, Poisson(), 3)], FIXED, lmt.asimov(FIXED, lmt.BENCHMARKS["BP1"]), check=False)
GEV = np.geomspace(0.001, 1.0, 7)
REFUSED = (
    r"must be between 0\.01 and 1e\+06 MeV; got 0\.001 to 1: masses are in MeV, and 0\.001 looks like GeV \(1 MeV\)"
)


@pytest.mark.parametrize(
    "call",
    [
        lambda: lmt.profile_likelihood(LIKE, {"g_x": [1e-4, 1e-3, 1e-2], "mass": GEV}),
        lambda: lmt.profile_likelihood(LIKE, {"g_x": [1e-4, 1e-3, 1e-2]}, bounds={"mass": (0.001, 1.0)}),
        lambda: best_fit(LIKE, {"mass": (0.001, 1.0)}),
        lambda: log_likelihood_at(LIKE, FIXED.hidden_photon(1e-4, GEV)),
        lambda: lmt.priors.default(FIXED, mass=(0.001, 1.0)),
        lambda: lmt.discovery_exposure("darwin-nr", FIXED, FIXED.hidden_photon(1e-4, GEV)),
    ],
)
def test_masses_of_0_001_to_1_are_refused(call):
    with pytest.raises(InvalidArgument, match=REFUSED):
        call()


def test_masses_that_may_be_meant_are_warned_of():
    with pytest.warns(UnitsWarning, match=r"down to 0\.015 MeV: .* 0\.015 looks like GeV \(15 MeV\)"):
        check_grid(LIKE, {"mass": [0.015, 0.1]})
    with pytest.raises(InvalidArgument, match="looks like keV or eV"):
        check_grid(LIKE, {"mass": [1e6, 1e9]})
    check_grid(LIKE, {"mass": [1.0, 1e3]})


KEV = np.geomspace(1e3, 1e6, 7)


@pytest.mark.parametrize(
    "call",
    [
        lambda: check_grid(LIKE, {"mass": KEV}),
        lambda: Box.of(FIXED, {"mass": (1e3, 1e6)}),
        lambda: log_likelihood_at(LIKE, FIXED.hidden_photon(1e-4, KEV)),
        lambda: lmt.priors.default(FIXED, mass=(1e3, 1e6)),
        lambda: lmt.discovery_exposure("darwin-nr", FIXED, FIXED.hidden_photon(1e-4, KEV)),
    ],
)
def test_a_grid_in_kev_is_warned_of(call):
    """The fresh user's grid of 1 to 1000 MeV: as MeV it constrains nothing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    said = [w for w in caught if w.category is UnitsWarning]
    assert len(said) == 1
    assert "goes up to 1e+06 MeV: masses are in MeV, and 1e+06 looks like keV (1000 MeV)" in str(said[0].message)


@pytest.mark.parametrize("masses", [(1e3, 1e4), (1e4, 1e5), (1.5e4, 1.5e4)])
def test_a_grid_in_kev_below_the_last_curve(masses):
    """5 to 60 GeV is what CMS searched, and 5 to 60 MeV in keV where nothing but the paper's experiments is fitted."""
    grid = {"mass": np.unique(masses)}
    with pytest.warns(UnitsWarning, match="looks like keV"):
        check_grid(LIKE, grid)
    curve = published_limit("mine", ([5e3, 6e4], [1e-3, 1e-3]))
    check_grid(lmt.JointLikelihood([curve], FIXED, "observed", check=False), grid)


def test_a_prior_in_kev():
    """Said where it meets the experiments, once."""
    prior = lmt.priors.default(FIXED, mass=(1e3, 5e4))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        posterior_grid(LIKE, prior)
        lmt.evidence(LIKE, prior)
    assert [w.category for w in caught].count(UnitsWarning) == 1


def test_heavy_masses_that_are_meant():
    for masses in ([1.0, 1e4], [1.0, 1e5], [200.0, 9e3], [1e3, 9e3]):
        check_grid(LIKE, {"mass": masses})


def test_masses_beyond_every_experiment_are_refused():
    limit = published_limit("mine", ([200.0, 5000.0], [1e-3, 1e-3]))
    like = lmt.JointLikelihood([limit], FIXED, "observed", check=False)
    with pytest.raises(
        InvalidArgument, match=r"in reach of an experiment, 190\.2 to 5256 MeV: elsewhere all are silent"
    ):
        check_grid(like, {"mass": [1.0, 100.0]})
    check_grid(like, {"mass": [1.0, 300.0]})
