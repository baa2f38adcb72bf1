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
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.export.linearised import TOLERANCE, probes

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
