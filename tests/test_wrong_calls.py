"""Arguments of a wrong kind: each answered with one sentence, before anything compiles.

In a process of its own: in the others the annotations are checked before the package sees an argument.
"""

import subprocess
import sys
from pathlib import Path

from lmtbayes.validation import rows

TABLES = Path(__file__).parents[1] / "docs" / "validation"

CALLS = """
import tempfile
import jax, jax.numpy as jnp, numpy as np, xarray as xr
import lmtbayes as lmt
from numpyro.distributions import Uniform as U
from lmtbayes.jobs.settings import FitSettings

from lmtbayes.experiments.reactor import reactor

SIZE = {"mass_kg": 1.0, "baseline_m": 20.0, "thermal_power_gw": 3.0, "exposure_days": 100.0}
FIXED = lmt.LMU_LTAU.with_mixing("paper")
BP1 = lmt.BENCHMARKS["BP1"]
FLAT = xr.Dataset({"q": (("g_x", "mass"), np.ones((2, 2)))}, {"g_x": [1e-4, 2e-4], "mass": [1.0, 2.0]})
like = lmt.JointLikelihood(["na64mu"], FIXED, {"na64mu": np.ones(9)}, check=False)
prior = lmt.priors.default(FIXED)
sample = lambda **settings: lmt.sample_posterior(like, prior, progress=False, **settings)

CALLS = [
    (
        lambda: jax.grad(lambda q: lmt.GaugeModel("x", {"mu": q}).coupling(BP1, "mu"))(1.0),
        "`charges['mu']` must be a known number: a model is no function of it",
    ),
    (lambda: FitSettings(chains=2.5), "`chains` must be a whole number of at least 1; got 2.5"),
    (lambda: FitSettings(chains=True), "`chains` must be a whole number of at least 1; got True"),
    (lambda: FitSettings(grid=1.5), "`grid` must be a whole number of at least 0; got 1.5"),
    (lambda: FitSettings(mixing=True), "`mixing` must be text; got True"),
    (lambda: FitSettings(experiments="na64mu"), "`experiments` must be a list of names; got 'na64mu'"),
    (lambda: FitSettings(experiments=(1,)), "`experiments` must be a list of names; got (1,)"),
    (lambda: FitSettings(mass=3.0), "`mass` must be a strictly increasing sequence"),
    (lambda: FitSettings(mass=("1", "2")), "`mass` must be a strictly increasing sequence"),
    (lambda: FitSettings.from_dict([]), "`settings` must be a mapping of name to value; got []"),
    (lambda: sample(jumps=1), "`jumps` must be True or False; got 1"),
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
    (lambda: lmt.feldman_cousins("na64mu", {}), "`like` must be a JointLikelihood"),
    (lambda: lmt.feldman_cousins(like, {"g_x": [1e-4]}, 1.5), "`size` must be a whole number of at least 1; got 1.5"),
    (lambda: lmt.feldman_cousins(like, {"g_x": [1e-4]}, checkpoint=3), "`checkpoint` must be the path of a file, or"),
    (
        lambda: lmt.contours(FLAT, calibration=3),
        "`calibration` must be a Calibration of feldman_cousins, or None; got 'int'",
    ),
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
    (lambda: lmt.credible_limit(like), "`posterior` must be a PosteriorGrid (posterior_grid), an Evidence with"),
    (lambda: lmt.credible_intervals(None), "`posterior` must be a PosteriorGrid (posterior_grid), an Evidence with"),
    (lambda: lmt.highest_density_region(prior), "`grid` must be a PosteriorGrid (posterior_grid); got 'Prior'"),
    (lambda: lmt.limits_table(None, None), "`profile` must be a Dataset of profile_likelihood; got 'NoneType'"),
    (lambda: lmt.prior_sensitivity(like, prior), "`priors` must be a mapping of at least one name to its Prior"),
    (lambda: lmt.prior_sensitivity(like, {"a": 1}), "`priors['a']` must be a Prior; got 1"),
    (lambda: lmt.prior_sensitivity(like, {"a": prior}, cl=True), "`cl` must be between 0 and 1"),
    (lambda: lmt.prior_sensitivity(like, {"a": prior}, at=3), "`at` must be a mapping of parameter to the values"),
]
# True and False are no numbers.
CHAINS = xr.DataTree.from_dict({
    "posterior": xr.Dataset({"g_x": (("chain", "draw"), np.ones((4, 50)))}),
    "sample_stats": xr.Dataset({"diverging": (("chain", "draw"), np.zeros((4, 50), bool))}),
})
profile = xr.Dataset({"q": (("g_x", "mass"), np.ones((3, 3)))}, {"g_x": [1, 2, 3], "mass": [1, 2, 3]})
many = np.array([True, False])
CALLS += [
    (lambda: lmt.HiddenPhoton(True, 10.0, 0.0), "`g_x` must be finite and not negative; got True"),
    (lambda: lmt.HiddenPhoton(1e-3, many, 0.0), "`mass` must be finite and positive [MeV]; got [ True False]"),
    (lambda: lmt.HiddenPhoton(1e-3, 10.0, jnp.array(False)), "`eps_x` must be a number; got False"),
    (lambda: FIXED.hidden_photon(np.True_, 10.0), "`g_x` must be finite and not negative; got True"),
    (lambda: lmt.LMU_LTAU.with_mixing(True), "`mixing` must be a number; got True"),
    (lambda: lmt.GaugeModel("x", {"mu": np.ones(2)}), "`charges['mu']` must be a single number; got [1. 1.]"),
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
    (lambda: lmt.methods.Cubature(rtol=True), "`rtol` must be a single number; got True"),
    (lambda: lmt.methods.Nuts(chains=2.5), "`chains` must be a whole number of at least 1; got 2.5"),
    (lambda: lmt.evidence(like, prior, lmt.methods.Smc), "`method` must be one of 'cubature', 'importance', 'smc'"),
    (lambda: lmt.evidence(like, prior, lmt.methods.Nuts()), "or an object with `run(like, prior, seed)`; got Nuts("),
    (lambda: sample(method="Nuts"), "`method` must be one of 'auto', 'nuts', 'independence'; got 'Nuts'"),
    (lambda: sample(method=lmt.methods.Smc()), "an Auto, Nuts or Independence of lmtbayes.methods, its word"),
    (lambda: sample(method="nuts", chains=16), "`chains` is a setting of `method`, 'nuts': give it there"),
    (lambda: lmt.methods.Cubature(rtol=[0.01]), "`rtol` must be a single number; got [0.01]"),
    (lambda: lmt.methods.Importance(rtol=[0.01]), "`rtol` must be a single number; got [0.01]"),
    (lambda: lmt.methods.Importance(rtol=None), "`rtol` must be a single number; got None"),
    (lambda: lmt.methods.Nested(dlogz=[1]), "`dlogz` must be a single number; got [1]"),
    (lambda: lmt.methods.Smc(ess=None), "`ess` must be a single number; got None"),
    (lambda: lmt.methods.Smc(ess=np.nan), "`ess` must be between 0 and 1, both excluded; got nan"),
    (lambda: lmt.methods.Nuts(target_accept=None), "`target_accept` must be a single number; got None"),
    (lambda: lmt.HiddenPhoton(None, 10.0, 0.0), "`g_x` must be finite and not negative; got None"),
    (lambda: sample(method=lmt.methods.Nuts(), chains=16), "`chains` is a setting of `method`, Nuts(chains=16"),
    (lambda: lmt.evidence(like, prior, lmt.methods.Smc(), steps=3), "has its own settings; got 'steps' as well"),
    (lambda: lmt.best_fit(like, box=3), "`box` must be a Box, or None; ranges by name are `bounds`; got 3"),
    (lambda: lmt.best_fit("like"), "`like` must be a JointLikelihood; got 'str'"),
    (lambda: lmt.diagnose(CHAINS), "its group 'sample_stats' has no log_likelihood, energy, tree_depth, jumped"),
    (lambda: lmt.diagnose(like), "must be a DataTree of sample_posterior; this JointLikelihood has no group"),
    (lambda: lmt.Evidence.from_netcdf("none.nc"), "`path` must be a file that Evidence.to_netcdf wrote; got 'none.nc'"),
    (lambda: lmt.Evidence.from_netcdf(lmt.__file__), "`path` must be a file that Evidence.to_netcdf wrote; "),
    (lambda: lmt.Evidence.from_dict({"log_z": 1.0}), "must be what Evidence.to_dict gives; its header has no format"),
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
print(len(CALLS))

# What NumPy counts with is a whole number, in a file too.
methods = lmt.methods.Importance(max_draws=np.int64(8192)), lmt.methods.Nuts(draws=np.int64(60))
assert type(methods[0].max_draws) is type(methods[1].draws) is int
for kind in (getattr(lmt.methods, name) for name in ("Cubature", "Importance", "Smc", "Nested", "Nss", "Auto", "Nuts")):
    try:
        kind(100)
    except TypeError:
        continue
    raise AssertionError(kind)
assert type(lmt.methods.Cubature(rtol=np.float64(0.01)).rtol) is type(lmt.methods.Nested(dlogz=1).dlogz) is float
assert methods[1] == lmt.methods.Nuts(draws=60) and hash(methods[0]) == hash(lmt.methods.Importance(max_draws=8192))
quick = dict(chains=2, warmup=10, draws=10, init="prior", jumps=False, grid_check=False)
one_bin = lmt.JointLikelihood(["muon-g2-2021"], FIXED, "observed", check=False)
with tempfile.TemporaryDirectory() as folder:
    quick |= dict(seed=np.int64(3), checkpoint=folder + "/run.npz", progress=False)
    run = [lmt.sample_posterior(one_bin, prior, **quick) for _ in range(2)]
assert run[0].attrs["fingerprint"] == run[1].attrs["fingerprint"] != ""
"""


def test_wrong_calls_are_answered_with_a_sentence():
    told = subprocess.run([sys.executable, "-c", CALLS], check=True, stdout=subprocess.PIPE, text=True).stdout
    recorded = rows.read(TABLES / "faults.csv")
    assert [row.size for row in recorded if row.name == "calls of the library"] == [int(told)]
    assert int(told) >= 80


FILES = """
import copy, json
import numpy as np, xarray as xr
import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.inference.integration.cubature import integrate

FIXED = lmt.LMU_LTAU.with_mixing("paper")
prior = lmt.priors.default(FIXED)
cells = integrate(lambda unit: -50.0 * ((unit - 0.4) ** 2).sum(-1), 2)
points, log_weights = cells.nodes
fields = dict(
    log_z=cells.log_z, error_kind="bound", prior=prior, cubature=cells, log_weights=log_weights, method="cubature",
    nodes={k: np.asarray(x) for k, x in prior.from_unit_cube(points).items()}, settings=lmt.methods.Cubature(),
)
found = lmt.Evidence(**fields)
good = json.loads(json.dumps(found.to_dict()))
assert lmt.Evidence.from_dict(good).to_dict() == found.to_dict()

def refused(label, call, *words):
    try:
        call()
    except (InvalidArgument, UnknownName) as error:
        assert all(word in str(error) for word in words), (label, str(error))
        return str(error)
    raise AssertionError(label)

def changed(*path, to=KeyError):
    broken = copy.deepcopy(good)
    place = broken
    for key in path[:-1]:
        place = place[key]
    if to is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return broken

WORDS = "`written` must be what Evidence.to_dict gives; "
for key in good:
    if key != "lmtbayes":
        refused(key, lambda: lmt.Evidence.from_dict(changed(key)), WORDS, f"has no {key}")
for key in set(good) - {"lmtbayes", "format", "status", "method"}:
    for value in ("x", []):
        refused((key, value), lambda: lmt.Evidence.from_dict(changed(key, to=value)), WORDS)
        if key == "prior":  # also where one is given
            refused((key, value), lambda: lmt.Evidence.from_dict(changed(key, to=value), prior), WORDS)
for key in ("prior", "arrays", "log_z", "seed", "converged", "evaluations", "status", "cubature"):
    refused(key, lambda: lmt.Evidence.from_dict(changed(key, to=None)), WORDS)
BROKEN = [
    (("prior", "distributions", "log10_g_x", "arguments", "low"), -4.0, "as the fingerprint tells"),
    (("prior", "model", "mixing"), "loop0", "as the fingerprint tells"),
    (("prior", "model", "mixing"), "nonsense", "its prior cannot be: "),
    (("prior", "model"), [], "its prior's model must be a mapping; got []"),
    (("prior", "fingerprint"), KeyError, "its prior has no fingerprint"),
    (("prior", "distributions", "log10_g_x", "arguments"), {"a": 1}, "is no number, array or distribution ("),
    (("prior", "distributions", "log10_g_x", "distribution"), "os", "this release cannot read"),
    (("method",), "smc", "unknown setting of method 'smc' 'rtol'"),
    (("method",), "x", "`method` must be one of 'cubature'"),
    (("settings", "foo"), 1.0, "unknown setting of method 'cubature' 'foo'"),
    (("settings", "rtol"), -1.0, "`rtol` must be finite and positive; got -1.0"),
    (("measure",), {"log10_kappa": 3.0}, "its measure cannot be: "),
    (("cubature",), None, "are not those of its header"),
    (("cubature", "log_z"), "x", "log_z of its cubature must be a number; got 'x'"),
    (("cubature", "status"), KeyError, "its cubature has no status"),
    (("arrays", "log_weights"), KeyError, "it has no array 'log_weights'"),
    (("arrays", "nodes/log10_mass"), KeyError, "`nodes` must be of the coordinates of the prior"),
    (("arrays", "other"), good["arrays"]["log_weights"], "are not those of its header"),
    (("arrays", "cubature/cells.low"), KeyError, "its cubature has no cells.low"),
    (("arrays", "cubature/cells.low", "shape"), [-1], "cells.low must have the shape"),
    (("arrays", "cubature/cells.width"), good["arrays"]["log_weights"], "cells.width must have the shape"),
    (("arrays", "log_weights", "array"), good["arrays"]["log_weights"]["array"][:-1], "cannot reshape array"),
    (("arrays", "log_weights", "dtype"), "O", "dtype 'O'"),
]
for path, value, words in BROKEN:
    refused(path, lambda: lmt.Evidence.from_dict(changed(*path, to=value)), WORDS, words)
refused("text", lambda: lmt.Evidence.from_dict(json.dumps(good)), "`written` must be what Evidence.to_dict gives; got")
for given in ("prior", prior.distributions, []):
    refused(given, lambda: lmt.Evidence.from_dict(good, given), "`prior` must be a Prior, or None; got")

# NetCDF.
found.to_netcdf("good.nc")
data = xr.load_dataset("good.nc", engine="h5netcdf")
header = json.loads(data.attrs["evidence"])

def read(dataset=data, **attributes):
    dataset.assign_attrs(attributes).to_netcdf("broken.nc", engine="h5netcdf")
    return lmt.Evidence.from_netcdf("broken.nc")

assert read().to_dict() == found.to_dict()
WORDS = "`path` must be a file that Evidence.to_netcdf wrote; 'broken.nc': "
for name in data.data_vars:
    refused(name, lambda: read(data.drop_vars(name)), WORDS, f"it has no variable '{name}'")
refused("short", lambda: read(data.isel(draw=slice(1))), WORDS, "must have the shape")
for text in ("garbage", "[]", "3", "{}", json.dumps({k: v for k, v in header.items() if k != "shapes"})):
    refused(text, lambda: read(evidence=text), WORDS)
refused("shapes", lambda: read(evidence=json.dumps(header | {"shapes": []})), WORDS, "its shapes must be a mapping")
for path in (None, 3):
    refused(path, lambda: lmt.Evidence.from_netcdf(path), f"`path` must be the path of a file; got {path}")
    refused(path, lambda: found.to_netcdf(path), f"`path` must be the path of a file; got {path}")
refused("folder", lambda: lmt.Evidence.from_netcdf("."), "`path` must be a file that Evidence.to_netcdf wrote; got '.'")
refused("folder", lambda: found.to_netcdf("."), "`path` must be a file in a folder that exists; got '.'")

# An evidence of one's own.
NUMBERS = ("log_z", "bound", "sigma", "log_correction", "seconds", "evaluations", "seed")
for name in NUMBERS:
    for value in ("a", np.nan, None, [1.0], True):
        refused((name, value), lambda: lmt.Evidence(**fields | {name: value}), f"`{name}` must be ", "; got ")
for name in ("status", "method"):
    refused(name, lambda: lmt.Evidence(**fields | {name: None}), f"`{name}` must be text; got None")
for name in ("prior", "measure", "cubature", "nodes", "converged"):
    refused(name, lambda: lmt.Evidence(**fields | {name: "x"}), f"`{name}` must be ", "; got 'x'")
refused("weights", lambda: lmt.Evidence(**fields | {"log_weights": None}), "`log_weights` must be an array of numbers")
refused("weights", lambda: lmt.Evidence(**fields | {"nodes": {}}), "`nodes` must be of the coordinates of the prior")
own = lmt.Evidence(**fields | {"log_z": np.float64(1.0), "converged": np.True_, "seed": np.int64(3)})
assert (type(own.log_z), type(own.converged), type(own.seed)) == (float, bool, int)
refused("prior", lambda: found.with_prior(None), "`prior` must be a Prior; got None")

# A comparison.
two = {"a": found, "b": found}
SHARES = [
    ({"a": 0.5, "b": 0.6}, "1 in all"), ({"a": 1.5, "b": -0.5}, "['b']` must be finite and positive"),
    ({"a": 1.0}, "missing: b"), ({"a": 0.5, "b": 0.3, "c": 0.2}, "unknown model"), ({"a": "x", "b": 0.5}, "number"),
]
for shares, words in SHARES:
    refused(shares, lambda: lmt.Comparison(two, shares), words)
    both = {"evidences": {"a": good, "b": good}, "prior_probabilities": shares}
    refused(shares, lambda: lmt.Comparison.from_dict(both), words)
for nothing in ({}, None, [found]):
    refused(nothing, lambda: lmt.Comparison(nothing, {}), "`evidences` must be a mapping of at least one model")
refused("empty", lambda: lmt.Comparison.from_dict({"evidences": {}, "prior_probabilities": {}}), "`evidences`")
refused("kind", lambda: lmt.Comparison({"a": 1.0}, {"a": 1.0}), "`evidences['a']` must be an Evidence; got 1.0")
whole = lmt.Comparison(two, {"a": 0.5, "b": 0.5}).to_dict()
refused("priors", lambda: lmt.Comparison.from_dict(whole, [prior]), "`priors` must be a mapping of model to its Prior")
refused("priors", lambda: lmt.Comparison.from_dict(whole, {"c": prior}), "unknown model in `priors` 'c'")
like = lmt.JointLikelihood(["muon-g2-2021"], FIXED, "observed", check=False)
for shares in ([0.5, 0.5], 0.5):
    call = lambda: lmt.compare_models({"a": (like, prior), "b": (like, prior)}, shares)
    refused(shares, call, "`prior_probabilities` must be a mapping of model to its probability; got ")

# A method that integrates something else than it is given.
class Other:
    def run(self, like, prior, seed):
        return lmt.Evidence(log_z=0.0, error_kind="bound", prior=lmt.priors.default(lmt.LMU.with_mixing("paper")))

refused("other", lambda: lmt.evidence(like, prior, Other()), "`method` must be one whose `run` returns an Evidence of")
"""


def test_files_and_evidences_that_are_broken_are_answered_with_a_sentence(tmp_path):
    subprocess.run([sys.executable, "-c", FILES], check=True, cwd=tmp_path)
