"""Which data a truth makes: projections as expected, published ones as observed unless asked; its mixing agrees."""

import numpy as np
import pytest
from profile_toys import FIXED, counts, toy

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.limits import published_limit
from lmtbayes.experiments.terms import Poisson
from lmtbayes.inference.frequentist.toys import toy_test_statistics
from lmtbayes.inference.nuisances.at_points import log_likelihood_at
from lmtbayes.jobs.settings import FitSettings

BP1 = lmt.BENCHMARKS["BP1"]
PROJECTION = toy(counts, Poisson(), 3)
LIMIT = published_limit("limit", ([1.0, 1000.0], [4e-4, 4e-4]))


def likelihood(data, experiments=(PROJECTION, LIMIT, "muon-g2-2025"), model=FIXED):
    return lmt.JointLikelihood(experiments, model, data, check=False)


@pytest.mark.parametrize("check", [False, True])
def test_published_data_are_as_observed(check):
    like = lmt.JointLikelihood([PROJECTION, LIMIT, "muon-g2-2025"], FIXED, lmt.asimov(FIXED, BP1), check=check)
    np.testing.assert_allclose(like.data["toy"], PROJECTION.expected_counts(FIXED, BP1), rtol=1e-12)
    assert like.data["limit"].tolist() == [0.0]
    np.testing.assert_array_equal(like.data["muon-g2-2025"], lmt.experiment("muon-g2-2025").observed)


def test_a_published_limit_disfavours_what_it_excludes():
    """A limit of 4e-4 under Asimov data of BP1 (5e-4): its own term falls with the coupling, and prefers none."""
    like = likelihood(lmt.asimov(FIXED, BP1), (PROJECTION, LIMIT))
    photons = [FIXED.hidden_photon(g, 15.0) for g in (0.0, 4e-4, 5e-4)]
    term = [float(like.joint.pointwise(photon, like.central_pulls, like.data)["limit"][0]) for photon in photons]
    assert term[0] > term[1] > term[2]
    assert term[0] - term[1] == pytest.approx(0.5 * 1.2815515655**2)


def test_all_can_be_replaced_where_it_is_asked_for():
    like = likelihood(lmt.asimov(FIXED, BP1, published="asimov"))
    for e in like.experiments:
        np.testing.assert_allclose(like.data[e.name], e.expected_counts(FIXED, BP1), rtol=1e-12)
    assert float(like.data["limit"][0]) == pytest.approx((5.0 / 4.0) ** 2)


def test_a_truth_that_would_be_ignored_is_refused():
    with pytest.raises(InvalidArgument, match=r"fills in projections, but limit, muon-g2-2025 have published data"):
        likelihood(lmt.asimov(FIXED, BP1), (LIMIT, "muon-g2-2025"))
    with pytest.raises(InvalidArgument, match="`published` must be one of"):
        lmt.asimov(FIXED, BP1, published="real")


def test_toys_repeat_every_experiment():
    like = likelihood(lmt.asimov(FIXED, BP1), (PROJECTION, LIMIT))
    toys = lmt.simulate(like, BP1, 1, size=400)
    assert float(toys["limit"].mean()) == pytest.approx(1.5625, abs=4 * float(LIMIT.term.sigma[0]) / 20)


def test_settings_keep_published_data_too():
    names = ("na64mu:nuisances=[]", "muon-g2-2025")
    settings = FitSettings(experiments=names, mixing="paper")
    observed = lmt.experiment("muon-g2-2025").observed
    np.testing.assert_array_equal(settings.likelihood().data["muon-g2-2025"], observed)
    replaced = FitSettings(experiments=names, mixing="paper", published="asimov").likelihood()
    expected = lmt.experiment("muon-g2-2025").expected(lmt.LMU_LTAU, BP1)
    np.testing.assert_allclose(replaced.data["muon-g2-2025"], expected, rtol=1e-9)
    assert FitSettings.from_dict(settings.to_dict()) == settings
    with pytest.raises(InvalidArgument, match="`published` must be one of"):
        FitSettings(published="none")


# -- a photon of another mixing ---------------------------------------------------------------------------------------


def test_a_photon_of_another_mixing_is_refused_and_both_are_named():
    wrong = lmt.HiddenPhoton(5e-4, 15.0, -5e-5)
    both = r"'Lmu-Ltau', eps_x/g_x = -0\.0142857 .*got eps_x = -5e-05, eps_x/g_x = -0\.1"
    like = likelihood(lmt.asimov(FIXED, BP1), (PROJECTION, LIMIT))
    for call in (
        lambda: lmt.asimov(FIXED, wrong),
        lambda: lmt.simulate(like, wrong, 0),
        lambda: like.log_likelihood(wrong),
        lambda: log_likelihood_at(like, wrong),
        lambda: toy_test_statistics(like, wrong, 2),
        lambda: lmt.discovery_exposure("darwin-nr", FIXED, wrong),
    ):
        with pytest.raises(InvalidArgument, match=both):
            call()
    with pytest.raises(InvalidArgument, match=r"got eps_x = -1e-06: use"):
        lmt.asimov(FIXED, lmt.HiddenPhoton(0.0, 15.0, -1e-6))
    # One of an array.
    with pytest.raises(InvalidArgument, match=both):
        like.log_likelihood(lmt.HiddenPhoton(5e-4, 15.0, np.array([-5e-4 / 70, -5e-5])))


def test_what_agrees_or_may_be_anything_passes():
    lmt.asimov(FIXED, lmt.HiddenPhoton(0.0, 15.0, 0.0))
    lmt.asimov(FIXED, lmt.HiddenPhoton(5e-4, 15.0, -7.142857e-6))  # typed in
    lmt.asimov(lmt.LMU_LTAU, lmt.HiddenPhoton(5e-4, 15.0, -5e-5))
    # An experiment reads any photon in the charges of any model.
    PROJECTION.expected_counts(FIXED, lmt.HiddenPhoton(5e-4, 15.0, -5e-5))
