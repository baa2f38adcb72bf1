"""Arguments of a wrong kind: each answered with one sentence, before anything compiles.

In a process of its own: in the others the annotations are checked before the package sees an argument.
"""

import subprocess
import sys

CALLS = """
import tempfile
import jax.numpy as jnp, numpy as np, xarray as xr
import lmtbayes as lmt
from numpyro.distributions import Uniform as U
from lmtbayes.jobs.settings import FitSettings

from lmtbayes.experiments.reactor import reactor

SIZE = {"mass_kg": 1.0, "baseline_m": 20.0, "thermal_power_gw": 3.0, "exposure_days": 100.0}
FIXED = lmt.LMU_LTAU.with_mixing("paper")
BP1 = lmt.BENCHMARKS["BP1"]
like = lmt.JointLikelihood(["na64mu"], FIXED, {"na64mu": np.ones(9)}, check=False)
prior = lmt.priors.default(FIXED)
sample = lambda **settings: lmt.sample_posterior(like, prior, progress=False, **settings)

CALLS = [
    (lambda: FitSettings(chains=2.5), "`chains` must be a whole number of at least 1; got 2.5"),
    (lambda: FitSettings(chains=True), "`chains` must be a whole number of at least 1; got True"),
    (lambda: FitSettings(grid=1.5), "`grid` must be a whole number of at least 0; got 1.5"),
    (lambda: FitSettings(mixing=True), "`mixing` must be text; got True"),
    (lambda: FitSettings(experiments="na64mu"), "`experiments` must be a list of names; got 'na64mu'"),
    (lambda: FitSettings(experiments=(1,)), "`experiments` must be a list of names; got (1,)"),
    (lambda: FitSettings(mass=3.0), "`mass` must be a strictly increasing sequence"),
    (lambda: FitSettings(mass=("1", "2")), "`mass` must be a strictly increasing sequence"),
    (lambda: FitSettings.from_dict([]), "`settings` must be a mapping of name to value; got []"),
    (lambda: sample(jumps=None), "`jumps` must be True or False; got None"),
    (lambda: sample(grid_check=1), "`grid_check` must be True or False; got 1"),
    (lambda: sample(target_accept="0.9"), "`target_accept` must be a single number; got '0.9'"),
    (lambda: sample(checkpoint=3), "`checkpoint` must be the path of a file, or None; got 3"),
    (lambda: sample(chains=2.5), "`chains` must be a whole number of at least 1; got 2.5"),
    (lambda: sample(seed=True), "`seed` must be a whole number of at least 0; got True"),
    (lambda: lmt.nuisance_pulls(like, xr.Dataset()), "`fit` must be a BestFit, or None to find it; got 'Dataset'"),
    (lambda: lmt.TruncatedGaussian("0", 1.0, 0.0, 1.0), "`mean` must be a single number; got '0'"),
    (
        lambda: lmt.Nuisance("a", lmt.Gaussian(1.0, 0.1), "b", free_by_default=1),
        "`free_by_default` must be True or False; got 1",
    ),
    (lambda: lmt.published_limit("x", hepdata=3), "`hepdata` must be the path of a file of one table"),
    (lambda: lmt.published_limit("x", hepdata="t.csv", table=3), "`table` must be the name of a table, or None; got 3"),
    (lambda: lmt.experiment("ess", efficiency={"a": 1}), "`efficiency` must be a number in (0, 1], a table"),
    (lambda: lmt.experiment("ess", efficiency=lambda: 1), "it fails with TypeError: "),
    (lambda: lmt.experiment("na64mu", efficiency="none"), "`efficiency` must be a CSV file that exists"),
    (lambda: lmt.experiment("ess", title=3), "`title` must be a non-empty string; got 3"),
    (lambda: reactor("a", "0.2", **SIZE), "`bin_edges` must be a strictly increasing sequence"),
    (lambda: reactor("a", [0.2, 1.0], **SIZE, ionisation=0.157), "`ionisation` must be an Ionisation, or None"),
    (lambda: reactor("a", [0.2, 1.0], **SIZE, fission_fractions=1.0), "`fractions` must be a mapping such as"),
    (lambda: reactor("a", [0.2, 1.0], **SIZE, background="none"), "`background` must be finite and not negative"),
    (lambda: lmt.register("x", None), "`build` must be a function that returns an Experiment; got None"),
    (lambda: lmt.experiment("ess", systematic="5 %"), "`systematic` must be a single number; got '5 %'"),
    (lambda: lmt.asimov("BP1", BP1), "`model` must be a GaugeModel, such as LMU_LTAU; got 'BP1'"),
    (lambda: lmt.asimov(FIXED, "BP1"), "`photon` must be a HiddenPhoton"),
    (lambda: lmt.asimov(FIXED, BP1, 3), "`nuisances` must be a mapping of name to value, or None; got 3"),
    (lambda: lmt.asimov(FIXED, lmt.HiddenPhoton(5e-4, 15.0, 0.0)), "`photon` must have the mixing of the model"),
    (lambda: lmt.contours(None), "`profile` must be a Dataset of profile_likelihood; got 'NoneType'"),
    (lambda: lmt.upper_limit({}, "g_x"), "`profile` must be a Dataset of profile_likelihood; got 'dict'"),
    (lambda: lmt.intervals(xr.Dataset(), "g_x"), "`profile` must be a Dataset of profile_likelihood; got 'Dataset'"),
    (lambda: lmt.simulate(like, BP1, seed=1, size=2.5), "`size` must be a whole number of at least 1; got 2.5"),
    (lambda: lmt.simulate(like, BP1, seed=0.5), "`seed` must be a whole number of at least 0; got 0.5"),
    (lambda: like.with_data({"na64mu": -np.ones(9)}), "`data['na64mu']` must be finite and not negative [counts]"),
    (lambda: like.with_data({"na64mu": "9"}), "`data['na64mu']` must be a number"),
    (lambda: lmt.evidence(prior, like), "`like` must be a JointLikelihood; got 'Prior'"),
    (lambda: lmt.evidence(like, like), "`prior` must be a Prior (lmtbayes.priors); got 'JointLikelihood'"),
    (lambda: lmt.nuisance_pulls(None), "`like` must be a JointLikelihood; got 'NoneType'"),
    (lambda: lmt.toy_test_statistics(like, "BP1", 3), "`photon` must be a HiddenPhoton"),
    (lambda: lmt.profile_likelihood(None, {}), "`like` must be a JointLikelihood; got 'NoneType'"),
    (lambda: lmt.measurement("m", 1.0, 1.0, lambda photon: photon.g_x), "`function` must be a function of"),
    (lambda: lmt.measurement("m", 1.0, 1.0, lambda m, p: {}["k"]), "it fails with KeyError: 'k'"),
    (lambda: lmt.Nuisance("a/b", lmt.Gaussian(0.0, 1.0), "x"), "`name` must be without '/'"),
    (lambda: sample(checkpoint="/proc/run.npz"), "`checkpoint` must be a file in a folder that exists and can be"),
    (lambda: lmt.Prior(FIXED, {"log10_g_x": U(-2, -5), "log10_mass": U(0, 2)}), "must have a lower edge"),
    (lambda: lmt.Prior(FIXED, {"log10_g_x": U(np.nan, -2), "log10_mass": U(0, 2)}), "must have a lower edge below"),
    (lambda: lmt.Prior(FIXED, {"log10_g_x": U(1e-5, 1e-2), "log10_mass": U(0, 2)}), "must be at most 1, as a coupling"),
    (lambda: lmt.Prior(FIXED, {"g_x": U(0, 5), "log10_mass": U(0, 2)}), "must be at most 1, as a coupling"),
    (lambda: lmt.Prior(FIXED, {"log10_g_x": U(-5, -2), "mass": U(0.001, 0.2)}), "looks like GeV"),
    (lambda: like.log_likelihood("BP1"), "`photon` must be a HiddenPhoton"),
]
# True and False are no numbers.
profile = xr.Dataset({"q": (("g_x", "mass"), np.ones((3, 3)))}, {"g_x": [1, 2, 3], "mass": [1, 2, 3]})
many = np.array([True, False])
CALLS += [
    (lambda: lmt.HiddenPhoton(True, 10.0, 0.0), "`g_x` must be finite and not negative; got True"),
    (lambda: lmt.HiddenPhoton(1e-3, many, 0.0), "`mass` must be finite and positive [MeV]; got [ True False]"),
    (lambda: lmt.HiddenPhoton(1e-3, 10.0, jnp.array(False)), "`eps_x` must be a number; got False"),
    (lambda: FIXED.hidden_photon(np.True_, 10.0), "`g_x` must be finite and not negative; got True"),
    (lambda: lmt.LMU_LTAU.with_mixing(True), "`mixing` must be a number; got True"),
    (lambda: lmt.GaugeModel("x", {"mu": True}), "`charges['mu']` must be a number; got True"),
    (lambda: lmt.priors.default(FIXED, experiments=["cms-4mu"]), "`experiments` must be experiments, as Joint"),
    (lambda: lmt.priors.default(FIXED, g_x=(1e-5, True)), "`g_x` must be a strictly increasing"),
    (lambda: lmt.priors.default(FIXED, mass=(True, 100.0)), "`mass` must be a strictly increasing"),
    (lambda: lmt.Prior(FIXED, {"g_x": U(False, True), "mass": U(1.0, 2.0)}), "whose parameters are numbers; got "),
    (lambda: lmt.profile_likelihood(like, {"g_x": many[::-1], "mass": [1.0]}), "`grid['g_x']` must be a strictly"),
    (lambda: lmt.experiment("darwin-nr", exposure_tyr=True), "`exposure_tyr` must be a single number; got True"),
    (lambda: lmt.experiment("darwin-nr", threshold_kev=True), "`threshold_kev` must be a single number; got True"),
    (lambda: lmt.experiment("na64mu", muons_on_target=True), "`muons_on_target` must be a single number; got True"),
    (lambda: lmt.experiment("ess", systematic=True), "`systematic` must be a single number; got True"),
    (lambda: lmt.discovery_exposure("darwin-nr", FIXED, BP1, sigma=True), "`sigma` must be a single number; got True"),
    (lambda: lmt.measurement("m", True, 0.1, lambda m, p: p.g_x), "`value` must be a number; got True"),
    (lambda: lmt.Gaussian(0.0, True), "`sigma` must be a single number; got True"),
    (lambda: lmt.GaussianMixture((0.0, True), (1.0, 1.0), (0.5, 0.5)), "`means` must be a number; got (0.0, True)"),
    (lambda: lmt.GaussianMixture(0.0, 1.0, 1.0), "`means` must be a tuple of numbers; got 0.0"),
    (lambda: like.with_data({"na64mu": np.ones(9, bool)}), "`data['na64mu']` must be a number; got [ True"),
    (lambda: lmt.asimov(FIXED, BP1, {"efficiency": True}) and like.with_data(
        lmt.asimov(FIXED, BP1, {like.experiments[0].declared[0].name: True})), "must be a single number; got True"),
    (lambda: lmt.upper_limit(profile, "g_x", cl=True), "`cl` must be between 0 and 1"),
    (lambda: lmt.contours(profile, (True,)), "`levels` must be numbers between 0 and 1"),
    (lambda: lmt.contours(profile, dof=True), "`dof` must be one of 1, 2; got True"),
    (lambda: lmt.methods.Cubature(rtol=True), "`rtol` must be finite and positive; got True"),
    (lambda: lmt.methods.Nuts(chains=2.5), "`chains` must be a whole number of at least 1; got 2.5"),
    (lambda: lmt.evidence(like, prior, lmt.methods.Smc), "`method` must be one of 'cubature', 'importance', 'smc'"),
    (lambda: lmt.evidence(like, prior, lmt.methods.Nuts()), "or an object with `run(like, prior, seed)`; got Nuts("),
    (lambda: sample(method="nuts"), "`method` must be a Nuts of lmtbayes.methods, or None; got 'nuts'"),
    (lambda: sample(method=lmt.methods.Nuts(), chains=16), "`chains` is a setting of `method`, Nuts(chains=16"),
    (lambda: lmt.evidence(like, prior, lmt.methods.Smc(), steps=3), "has its own settings; got 'steps' as well"),
    (lambda: lmt.best_fit(like, box=3), "`box` must be a Box, or None; ranges by name are `bounds`; got 3"),
    (lambda: lmt.best_fit("like"), "`like` must be a JointLikelihood; got 'str'"),
    (lambda: lmt.diagnose(like), "must be a DataTree of sample_posterior; this JointLikelihood has no group"),
    (lambda: lmt.Evidence.from_netcdf("none.nc"), "`path` must be a file that Evidence.to_netcdf wrote; 'none.nc': "),
    (lambda: lmt.Evidence.from_netcdf(lmt.__file__), "`path` must be a file that Evidence.to_netcdf wrote; "),
    (lambda: lmt.Evidence.from_dict({"log_z": 1.0}), "must be what Evidence.to_dict gives; it has no bound, "),
    (
        lambda: lmt.Evidence(log_z=0.0, error_kind="bound", prior=prior).to_netcdf("no/e.nc"),
        "`path` must be a file in a folder that exists; got 'no/e.nc'",
    ),
]
for number, (call, sentence) in enumerate(CALLS):
    try:
        call()
    except lmt.errors.LmtbayesError as error:
        assert sentence in str(error), (number, str(error))
    else:
        raise AssertionError((number, sentence))

# What NumPy counts with is a whole number, in a file too.
methods = lmt.methods.Importance(max_draws=np.int64(8192)), lmt.methods.Nuts(draws=np.int64(60))
assert type(methods[0].max_draws) is type(methods[1].draws) is int
assert methods[1] == lmt.methods.Nuts(draws=60) and hash(methods[0]) == hash(lmt.methods.Importance(max_draws=8192))
quick = dict(chains=2, warmup=10, draws=10, init="prior", jumps=False, grid_check=False)
with tempfile.TemporaryDirectory() as folder:
    run = [sample(seed=np.int64(3), checkpoint=folder + "/run.npz", **quick) for _ in range(2)]
assert run[0].attrs["fingerprint"] == run[1].attrs["fingerprint"] != ""
"""


def test_wrong_calls_are_answered_with_a_sentence():
    subprocess.run([sys.executable, "-c", CALLS], check=True)
