"""Workspaces of pyhf and HS3 against pyhf's and pyhs3's own densities: ln L of bosons and of shifted nuisances."""

import copy
import json

import jax.numpy as jnp
import numpy as np
import pyhf
import pyhs3
import pytensor
import pytest
from pytensor.graph.traversal import explicit_graph_inputs
from three_bins import FLUX, ThreeBins, registered

import lmtbayes as lmt
from lmtbayes import export
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.export.linearised import TOLERANCE, probes

# pyhf asks jsonschema for what that has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
MODEL = lmt.LMU_LTAU.with_mixing("paper")
BP1, BP4 = lmt.BENCHMARKS["BP1"], lmt.BENCHMARKS["BP4"]
BOSONS = {"BP1": BP1, "BP4": BP4, "light": lmt.HiddenPhoton(3e-4, 5.0, 0.0)}
SLOPE = lmt.Nuisance("slope", lmt.Gaussian(0.0, 0.2), "tilts the background", "made up")
YIELD = lmt.Nuisance("light_yield", lmt.LogNormal(1.0, 1.2), "scales the signal", "made up")


@pytest.fixture(scope="module", autouse=True)
def _registered():
    with registered():
        yield


class Tilted(ThreeBins):
    """Shape of the background, a log-normal and a Gaussian factor on the signal: all of it exact in HistFactory."""

    def _signal(self, model, photon, values):
        return values["light_yield"] * super()._signal(model, photon, values)

    def _background(self, values):
        return self.background * (1.0 + values["slope"] * jnp.array([-1.0, 0.0, 1.0]))


def tilted(nuisances=(FLUX, YIELD, SLOPE), term=None, observed=(30.0, 17.0, 9.0)):
    return Tilted(
        description=Description("tilted", "Tilted", "nobody, never", "data"),
        binning=Binning(np.array([0.0, 1.0, 2.0, 4.0]), "keV", "recoil energy"),
        term=term or lmt.terms.Poisson(),
        declared=(FLUX, YIELD, SLOPE),
        active=tuple(n.name for n in nuisances),
        observed=np.array(observed),
        strength=4.0,
        background=6.0,
    )


@pytest.fixture(scope="module")
def like():
    """Two experiments that count and share the flux, one of them seen through an Asimov boson."""
    data = lmt.asimov(MODEL, BP1)
    return lmt.JointLikelihood(["three-bins-flux", tilted()], MODEL, data, check=False)


def shifts(like):
    """Pulls within two sigma: none, each alone, all together."""
    return probes(len(like.joint.nuisances))[::5]


def log_likelihood(like, photon, pulls):
    return float(like.log_density(photon, jnp.asarray(pulls)))


def of_pyhf(found, name):
    """ln L by pulls, of pyhf's own model of the patched workspace."""
    workspace = pyhf.Workspace(found["workspace.json"])
    patches = pyhf.PatchSet(found["patchset.json"])
    patches.verify(workspace)
    if name != "no_boson":
        workspace = pyhf.Workspace(patches.apply(workspace, name))
    model = workspace.model()

    def log_density(pulls):
        parameters = [pulls[parameter] for parameter in model.config.par_order]
        return float(model.logpdf(np.array(parameters), workspace.data(model))[0])

    return log_density


def of_pyhs3(document, name):
    workspace = pyhs3.Workspace(**copy.deepcopy(document))
    model = workspace.model(workspace.analyses[name], progress=False, mode="FAST_COMPILE")
    inputs = list(explicit_graph_inputs([model.log_prob]))
    function = pytensor.function(inputs, model.log_prob, mode="FAST_COMPILE", on_unused_input="ignore")
    return lambda pulls: float(np.sum(function(*(pulls[x.name] for x in inputs))))


def test_pyhf_has_ln_l_of_bosons_and_of_shifted_nuisances(like):
    found = export.pyhf_workspace(like, BOSONS)
    assert max(found.misses.values()) < TOLERANCE
    for name, photon in {"no_boson": lmt.HiddenPhoton.none(), **BOSONS}.items():
        theirs = of_pyhf(found, name)
        for pulls in shifts(like):
            named = dict(zip(like.joint.nuisance_names, pulls, strict=True))
            # The constants agree as well: the factorials, and the norms of the constraints.
            assert theirs(named) == pytest.approx(log_likelihood(like, photon, pulls), abs=TOLERANCE)


def test_hs3_has_ln_l_of_bosons_and_of_shifted_nuisances(like):
    found = export.hs3_workspace(like, {"BP4": BP4})
    document = json.loads(json.dumps(found["hs3.json"]))
    for name, photon in {"no_boson": lmt.HiddenPhoton.none(), "BP4": BP4}.items():
        theirs = of_pyhs3(document, name)
        for pulls in shifts(like):
            named = dict(zip(like.joint.nuisance_names, pulls, strict=True))
            assert theirs(named) == pytest.approx(log_likelihood(like, photon, pulls), abs=TOLERANCE)


def test_hs3_has_gaussian_measurements():
    """g-2 without nuisances, and counts with Neyman's chi^2 whose nuisances no histogram constrains."""
    counts = tilted((FLUX, SLOPE), lmt.terms.GaussianCounts())
    like = lmt.JointLikelihood(["muon-g2-2025", counts], MODEL, "observed", check=False)
    document = export.hs3_workspace(like, {"BP1": BP1})["hs3.json"]
    theirs = of_pyhs3(document, "BP1")
    for pulls in shifts(like):
        named = dict(zip(like.joint.nuisance_names, pulls, strict=True))
        assert theirs(named) == pytest.approx(log_likelihood(like, BP1, pulls), abs=TOLERANCE)


def test_what_cannot_be_expressed_is_refused_by_name():
    octants = lmt.Nuisance("slope", lmt.GaussianMixture((0.0, 1.0), (0.2, 0.2), (0.6, 0.4)), "made up")
    mixed = tilted()
    like = lmt.JointLikelihood(["muon-g2-2025", "three-bins-seen"], MODEL, "observed", check=False)
    with pytest.raises(InvalidArgument, match=r"muon-g2-2025 \(the term Gaussian\): leave them out by `leave_out`"):
        export.pyhf_workspace(like, {"BP1": BP1})
    found = export.pyhf_workspace(like, {"BP1": BP1}, leave_out=["muon-g2-2025"])
    assert [c["name"] for c in found["workspace.json"]["channels"]] == ["three-bins-seen"]
    two = Tilted(
        mixed.description, mixed.binning, mixed.term, (FLUX, YIELD, octants), ("slope",), mixed.observed, 4.0, 6.0
    )
    like = lmt.JointLikelihood([two], MODEL, "observed", check=False)
    with pytest.raises(InvalidArgument, match=r"slope \(the constraint GaussianMixture\): hold them at their central"):
        export.hs3_workspace(like, {"BP1": BP1})
    assert export.pyhf_workspace(like, {"BP1": BP1}, hold=["slope"]).misses["BP1"] < TOLERANCE
    for options, message in (
        ({"leave_out": ["tilt"]}, "unknown name in `leave_out` 'tilt'"),
        ({"hold": ["tilt"]}, "unknown name in `hold` 'tilt'"),
    ):
        with pytest.raises(UnknownName, match=message):
            export.pyhf_workspace(like, {"BP1": BP1}, **options)
    for bosons in ({}, {"a b": BP1}, {"no_boson": BP1}, {"many": lmt.HiddenPhoton(np.array([1e-4, 2e-4]), 10.0, 0.0)}):
        with pytest.raises(InvalidArgument, match="`bosons"):
            export.pyhf_workspace(like, bosons)
    with pytest.raises(InvalidArgument, match="`inspire` must be 'ins' and seven digits"):
        export.pyhf_workspace(like, {"BP1": BP1}, inspire="arXiv:1234.56789")


class Squared(ThreeBins):
    """A signal that goes with the square of a flux: no line and no exponential."""

    def _signal(self, model, photon, values):
        return values["flux"] ** 2 * super()._signal(model, photon, values | {"flux": 1.0})


def test_a_response_that_is_not_linear_is_refused_with_its_error():
    bent = Squared(
        Description("bent", "Bent", "nobody, never", "data"),
        Binning(np.array([0.0, 1.0, 2.0, 4.0]), "keV", "recoil energy"),
        lmt.terms.Poisson(),
        (FLUX,),
        ("flux",),
        np.array([40.0, 20.0, 9.0]),
        4.0,
        2.0,
    )
    like = lmt.JointLikelihood([bent], MODEL, "observed", check=False)
    with pytest.raises(InvalidArgument, match=r"`tolerance` = 0.001 is not reached .* \(BP1, flux at [+-]2 sigma\)"):
        export.pyhf_workspace(like, {"BP1": BP1})
    found = export.pyhf_workspace(like, {"BP1": BP1}, tolerance=10.0)
    # The error that is stated is the one that pyhf has.
    theirs = of_pyhf(found, "BP1")
    misses = [abs(theirs({"flux": x}) - log_likelihood(like, BP1, np.array([x]))) for x in (-2.0, -1.0, 1.0, 2.0)]
    assert found.misses["BP1"] == pytest.approx(max(misses), rel=1e-6)
    assert found.misses["BP1"] > TOLERANCE
    assert f"{found.misses['BP1']:.2g}" in found["patchset.json"]["metadata"]["description"]


def test_documents_are_written_and_bosons_named(like, tmp_path):
    bosons = export.grid_of_bosons(lmt.HiddenPhoton(np.array([[5e-4], [1e-3]]), np.array([15.0, 100.0]), -1e-6))
    assert list(bosons)[:2] == ["mass_15_g_x_0p0005", "mass_100_g_x_0p0005"]
    assert float(bosons["mass_100_g_x_0p001"].eps_x) == -1e-6
    assert len(export.grid_of_bosons(lmt.HiddenPhoton(5e-4, 15.0, np.array([0.0, -1e-6])))) == 2
    found = export.pyhf_workspace(like, bosons)
    paths = found.write(tmp_path / "pyhf")
    assert [path.name for path in paths] == ["workspace.json", "patchset.json"]
    patches = pyhf.PatchSet(json.loads(paths[1].read_text()))
    patches.verify(json.loads(paths[0].read_text()))
    assert patches[(15.0, 1e-3, -1e-6)].name == "mass_15_g_x_0p001"
    with pytest.raises(UnknownName, match=r"unknown document 'hs3.json'"):
        found["hs3.json"]
