"""Names that stand for something else are refused, and so are true values of what nothing has."""

import numpy as np
import pytest
from toys import counter

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, NuisanceConflict, UnknownName
from lmtbayes.inference.likelihood.names import check_names

TRUTH = lmt.HiddenPhoton(1e-3, 15.0, 0.0)


@pytest.mark.parametrize(
    "name", ["mass", "g_x", "eps_x", "kappa", "log10_g_x", "log10_anything", "chain", "draw", "flux_pull", "counter"]
)
def test_a_nuisance_of_a_name_that_is_taken(name):
    flux = lmt.Nuisance(name, lmt.Gaussian(1.0, 0.1), "scales", "made up")
    with pytest.raises(NuisanceConflict, match=f"a nuisance must have a name that nothing else has; .*{name!r}"):
        lmt.JointLikelihood([counter(flux=flux)], lmt.LMU, {"counter": np.ones(3)})


@pytest.mark.parametrize("name", ["mass", "g_x", "log10_mass", "chain", "a_pull", "other_bin", "other_low"])
def test_an_experiment_of_a_name_that_is_taken(name):
    with pytest.raises(InvalidArgument, match="`experiments` must have names that nothing else has"):
        lmt.JointLikelihood([counter("other"), counter(name)], lmt.LMU, "observed")


def test_every_registered_name_is_free():
    nuisances = {n.name for name in ("coherent-csi-2021", "darwin-nr+er") for n in lmt.experiment(name).declared}
    check_names(lmt.experiment_names(), nuisances)


def test_a_true_value_of_what_nothing_has():
    like = lmt.JointLikelihood([counter(nuisances=("flux",))], lmt.LMU, lmt.asimov(lmt.LMU, TRUTH, {"flux": 1.2}))
    central = like.with_data(lmt.asimov(lmt.LMU, TRUTH))
    # Signal 10 (1, 2, 3), background 4 in each bin, on paper.
    np.testing.assert_allclose(like.data["counter"], 12.0 * np.arange(1.0, 4.0) + 4.0)
    np.testing.assert_allclose(central.data["counter"], 10.0 * np.arange(1.0, 4.0) + 4.0)
    # A nuisance that is declared and switched off has a true value all the same.
    other = like.with_data(lmt.asimov(lmt.LMU, TRUTH, {"background": 2.0}))
    np.testing.assert_allclose(other.data["counter"], 10.0 * np.arange(1.0, 4.0) + 8.0)
    for use in (
        lambda given: like.with_data(lmt.asimov(lmt.LMU, TRUTH, given)),
        lambda given: lmt.simulate(like, TRUTH, 1, nuisances=given),
        lambda given: like.log_likelihood(TRUTH, given),
        lambda given: like.expected_counts(TRUTH, given),
        lambda given: like.experiments[0].expected_counts(lmt.LMU, TRUTH, given),
    ):
        with pytest.raises(UnknownName, match=r"'flxu' \(did you mean 'flux'\?\)"):
            use({"flxu": 1.2})
    with pytest.raises(InvalidArgument, match=r"flux.*single number"):
        like.with_data(lmt.asimov(lmt.LMU, TRUTH, {"flux": np.ones(3)}))


def test_the_input_of_the_audit():
    truth = lmt.asimov(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"], {"sin2_theta": 0.3})
    with pytest.raises(UnknownName, match="sin2_theta_w"):
        lmt.JointLikelihood(["ess10"], lmt.LMU_LTAU, truth, check=False)


@pytest.mark.parametrize("name", ["../../evil", "/etc/passwd", "a b", "a:b", ".hidden", "", "nul\x00", "line\n", "-rf"])
def test_names_of_experiments_are_names_of_files(name):
    with pytest.raises(InvalidArgument, match="must have names of letters, digits"):
        check_names([name], [])


@pytest.mark.parametrize("name", ["ess", "lz-nr+er", "na64mu_2022", "v1.2", "µ-beam", "x"])
def test_usual_names_pass(name):
    check_names([name], [])
