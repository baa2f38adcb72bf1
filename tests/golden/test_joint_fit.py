"""Evidence, profile and limit of a joint fit against those of iminuit and dynesty on a likelihood by hand.

The numbers are in joint_fit.json, and come from joint_fit.py beside it, which uses nothing of lmtbayes but its
derivations by hand.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import lmtbayes as lmt

pytestmark = pytest.mark.slow
GOLDEN = json.loads(Path(__file__).with_name("joint_fit.json").read_text())
MODEL = lmt.LMU_LTAU.with_mixing(-1 / 70)


@pytest.fixture(scope="module")
def like():
    data = {name: np.array(counts) for name, counts in GOLDEN["data"].items()}
    return lmt.JointLikelihood(list(data), MODEL, data)


def test_likelihood_at_the_best_fit(like):
    # One point with all five pulls off centre. The yield's table is good to 1e-5 of 2 events, the rest to 1e-9.
    best = GOLDEN["best_fit"]
    values = {n.name: float(n.constraint.value(best["pulls"][n.name])) for n in like.nuisances}
    found = float(like.log_likelihood(MODEL.hidden_photon(best["g_x"], best["mass"]), values))
    assert found == pytest.approx(best["ln_l"], abs=1e-4)


def test_evidence(like):
    found = lmt.evidence(like, lmt.priors.default(MODEL))
    assert found.converged
    *_, coarse, fine = (row["ln_z"] for row in GOLDEN["ln_z_on_a_grid"])
    assert abs(fine - coarse) < 1e-4  # the reference has converged in the pulls
    assert found.log_z == pytest.approx(fine, abs=found.log_z_error + 1e-3)
    assert found.log_z_error < 0.01
    for run in GOLDEN["dynesty"]:
        assert found.log_z == pytest.approx(run["ln_z"], abs=3.0 * run["error"])


def test_profile(like):
    best, rows = GOLDEN["best_fit"], GOLDEN["q"]
    grid = {name: sorted(row[name] for row in rows) for name in ("mass", "g_x")}
    profile = lmt.profile_likelihood(like, grid)
    for row in rows:
        at = profile.sel(mass=row["mass"], g_x=row["g_x"])
        assert int(at["status"]) == 0
        assert float(at["q"]) == pytest.approx(row["q"], rel=1e-3, abs=1e-3)
    assert profile.attrs["best_log_likelihood"] == pytest.approx(best["ln_l"], abs=1e-3)
    assert profile.attrs["best_g_x"] == pytest.approx(best["g_x"], rel=1e-2)
    assert profile.attrs["best_mass"] == pytest.approx(best["mass"], rel=1e-2)


def test_upper_limit(like):
    # 40 couplings a decade; the limit is interpolated between two of them.
    masses = [row["mass"] for row in GOLDEN["upper_limits"]]
    profile = lmt.profile_likelihood(like, {"mass": masses, "g_x": np.geomspace(1e-4, 1.5e-3, 48)})
    limits = lmt.upper_limit(profile, "g_x", cl=0.90)
    for row, limit in zip(GOLDEN["upper_limits"], limits["limit"].values, strict=True):
        assert limit == pytest.approx(row["g_x"], rel=2e-3)
