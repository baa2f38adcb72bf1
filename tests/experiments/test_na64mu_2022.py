"""na64mu-2022: yield against adaptive quadrature of the equations, the likelihood of no event, the limit, overrides."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
from scipy.optimize import brentq, minimize_scalar

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.processes.bremsstrahlung import dsigma_dx

NO_EVENT_90 = math.log(10.0)
"""Events that a Poisson law excludes at 90 % when none is seen."""
EFFICIENCY = "efficiency_na64mu-2022"


@pytest.fixture(scope="module")
def run():
    return lmt.experiment("na64mu-2022")


def events(mass):
    """A' per g^2 with a muon between 0.5 and 80 GeV and efficiency 0.1, from numbers typed in afresh."""
    atoms = 11.35 * 22.45 * 6.02214076e23 / 207.2
    cm2 = (197.3269804e-13) ** 2
    cuts = [0.5, 2.0, 8.0, 30.0, 80.0]
    total = sum(
        scipy.integrate.quad(
            lambda e: float(dsigma_dx(1.0 - e / 160.0, mass, 160e3, 82.0, 207.2)) / 160.0, a, b, epsabs=0, epsrel=1e-9
        )[0]
        for a, b in itertools.pairwise(cuts)
    )
    return 1.98e10 * 0.1 * atoms * cm2 * total


def limit(exp, mass, threshold=NO_EVENT_90):
    """Coupling at which the expected events reach a threshold."""
    return brentq(lambda g: float(exp.signal_counts(LMU_LTAU, HiddenPhoton(g, mass, 0.0))[0]) - threshold, 1e-6, 1.0)


@pytest.mark.parametrize("mass", [0.1, 15.0, 400.0])
def test_yield_matches_adaptive_quadrature(run, mass):
    assert run.direct_counts(mass)[0] == pytest.approx(events(mass), rel=1e-6)
    if mass < 200.0:
        counts = run.signal_counts(LMU_LTAU, HiddenPhoton(1e-3, mass, 0.0))
        assert float(counts[0]) == pytest.approx(1e-6 * events(mass), rel=2e-5)


def test_it_is_data_and_says_that_it_is_a_reinterpretation(run):
    assert run.status == "data"
    assert run.observed.tolist() == [0.0]
    assert "reinterpretation" in run.title
    assert "reinterpreted" in run.citation
    assert run.bin_edges.tolist() == [0.5, 80.0]
    constraint = next(n for n in run.nuisances if n.name == EFFICIENCY).constraint
    assert (float(constraint.value(0.0)), float(constraint.value(1.0))) == pytest.approx((0.1, 0.2))


def test_no_event_gives_minus_the_expectation(run):
    for name, photon in BENCHMARKS.items():
        expected = run.expected_counts(LMU_LTAU, photon)
        print(f"\n{name}: {float(expected[0]):.2f} events")
        assert float(run.term.log_prob(expected, jnp.asarray(run.observed))[0]) == pytest.approx(-float(expected[0]))


def test_limit_lies_in_what_the_2021_moment_wanted(run):
    # The abstract of arXiv:2401.01708 says: new limits on part of the remaining space that could explain g-2.
    masses = (1.0, 10.0, 20.0, 50.0, 100.0, 200.0)
    curve = {mass: limit(run, mass) for mass in masses}
    moment = lmt.experiment("muon-g2-2021")
    wanted = {
        mass: [
            brentq(lambda g, m=mass, t=t: float(moment.expected(LMU_LTAU, HiddenPhoton(g, m, 0.0))[0]) - t, 1e-6, 1.0)
            for t in (251 - 2 * 59, 251 + 2 * 59)
        ]
        for mass in masses
    }
    for mass in masses:
        low, high = wanted[mass]
        print(f"\n{mass:5.0f} MeV: g_90 = {curve[mass]:.2e}; 2 sigma band of 2021: {low:.2e} to {high:.2e}")
    assert np.all(np.diff(list(curve.values())) > 0.0)
    assert wanted[10.0][0] < curve[10.0] < wanted[10.0][1]
    # Between efficiencies 0.1 and 0.5 the curve moves by sqrt(5).
    assert limit(lmt.experiment("na64mu-2022", efficiency=0.5), 10.0) == pytest.approx(curve[10.0] / math.sqrt(5.0))


def test_uncertain_efficiency_weakens_the_limit(run):
    # -2 ln of the profile at s0 expected events: min over z of 2 s0 2^z + z^2; 2.71 is one-sided 90 %.
    def profiled(g):
        s0 = float(run.signal_counts(LMU, HiddenPhoton(g, 10.0, 0.0))[0])
        return minimize_scalar(lambda z: 2.0 * s0 * 2.0**z + z * z).fun

    like = lmt.JointLikelihood([run], LMU, "observed")
    index = like.nuisance_names.index(EFFICIENCY)

    @jax.jit
    def log_density(g, pull):
        pulls = jnp.zeros(len(like.nuisances)).at[index].set(pull)
        return like.log_density(HiddenPhoton(g, 10.0, 0.0), pulls)

    best = minimize_scalar(lambda z: -2.0 * float(log_density(8e-4, z)))
    nothing = -2.0 * float(log_density(0.0, 0.0))
    assert best.fun - nothing == pytest.approx(profiled(8e-4), rel=1e-6)
    fixed = limit(run, 10.0, 2.71 / 2.0)
    free = brentq(lambda g: profiled(g) - 2.71, 1e-5, 1e-1)
    print(f"\n10 MeV: g = {fixed:.2e} at efficiency 0.1, {free:.2e} with a factor 2 on it")
    assert 1.1 < free / fixed < 2.0


def test_overrides():
    sure = lmt.experiment("na64mu-2022", efficiency=0.3, nuisances=("form_factor_lead",))
    assert [n.name for n in sure.nuisances] == ["form_factor_lead"]
    default = lmt.experiment("na64mu-2022")
    ratio = sure.signal_counts(LMU, BENCHMARKS["BP2"]) / default.signal_counts(LMU, BENCHMARKS["BP2"])
    assert float(ratio[0]) == pytest.approx(3.0)
    with pytest.raises(InvalidArgument, match="must stay those of the data"):
        lmt.experiment("na64mu-2022", bin_edges=(0.5, 40.0, 80.0))
