"""Variables, gradients, the optimiser, maps and rankings, on a counter; brute force; Eq. 38."""

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from counting import MODEL, PHOTON, counting, plan, registered
from scipy.stats import poisson

import lmtbayes as lmt
from lmtbayes import design
from lmtbayes.design.gradients import smoothed
from lmtbayes.errors import InvalidArgument, UnknownName

EXPOSURE = "counting.exposure"


@pytest.fixture(scope="module", autouse=True)
def _registered():
    with registered():
        yield


@pytest.fixture(scope="module")
def engine(_registered):
    return design.Engine(plan(), size=100, seed=1, nodes=300, pilots=[{}, {EXPOSURE: 3.0}])


def test_what_a_variable_does_is_found_by_trying(engine):
    own = engine.plan
    assert own.kind(EXPOSURE) == "scales the counts"
    assert own.kind("counting.background") == own.kind("counting.flux_error") == "built anew"
    assert own.variables[EXPOSURE] == 1.0
    assert own.variables["known.flux"] == 0.1


def test_an_exposure_scales_as_if_it_were_built(engine):
    built = design.Engine(plan(exposure=2.0), size=engine.size, seed=1, nodes=300)
    scaled = engine.setting({EXPOSURE: 2.0})
    for truth in engine.drawn:
        ours, theirs = engine.data(scaled, engine.drawn[truth]), built.data(built.setting(), built.drawn[truth])
        np.testing.assert_array_equal(ours, theirs)
    row = engine.data(scaled, engine.drawn["boson"])
    ours, theirs = (e.log_evidences(s, "boson", row) for e, s in ((engine, scaled), (built, built.setting())))
    assert np.all(np.abs(ours[0] - theirs[0]) < 5.0 * np.hypot(ours[1], theirs[1]))


def test_a_width_that_is_built_is_one_that_is_known(engine):
    ours, theirs = (
        design.expect(engine, v).log_z["boson"] for v in ({"known.flux": 0.02}, {"counting.flux_error": 0.02})
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-8)


@pytest.mark.parametrize("quantity", ["assurance", "log_bayes_factor", "information"])
def test_gradients_are_finite_differences(engine, quantity):
    goal = design.Goal("boson", quantity)
    variables, at = [EXPOSURE, "known.flux"], {EXPOSURE: 1.5, "known.flux": 0.1}
    found = design.gradient(engine, variables, goal, at)
    for name in variables:
        up, down = (
            np.mean(smoothed(engine, variables, goal, {**at, name: at[name] * (1.0 + h)})[0]) for h in (1e-5, -1e-5)
        )
        assert found.slopes[name].value == pytest.approx((up - down) / (2e-5 * at[name]), rel=2e-3)
    # Whole counts give the same to Monte Carlo errors: some ten are counted here.
    assert abs(found.value.value - found.sharp.value) < 4.0 * np.hypot(found.value.error, found.sharp.error)


def test_the_best_design_spends_the_budget(engine):
    best = design.optimise(
        engine, {EXPOSURE: (0.5, 5.0)}, design.Goal("boson", "log_bayes_factor"), lambda x: 10.0 * x[EXPOSURE], 20.0
    )
    assert best.converged
    assert best.values[EXPOSURE] == pytest.approx(2.0, rel=1e-4)
    assert best.cost == pytest.approx(20.0, rel=1e-4)
    assert best.value.value > best.start.value


def test_a_map_and_a_ranking_are_what_single_designs_expect(engine):
    found = design.design_map(plan(), {EXPOSURE: [1.0, 2.0], "counting.background": [1.0, 3.0]}, size=40, nodes=200)
    assert found["assurance"].dims == (EXPOSURE, "counting.background", "truth")
    assert float(found["assurance"].sel({EXPOSURE: 2.0, "counting.background": 1.0}, "nearest")[0]) >= float(
        found["assurance"].sel({EXPOSURE: 1.0, "counting.background": 3.0}, "nearest")[0]
    )
    ranking = design.rank(engine, {"nothing": {}, "more": {EXPOSURE: 3.0}, "known": {"known.flux": 0.01}}, "boson")
    assert str(ranking["alternative"].values[0]) == "more"
    expected = design.expect(engine, {EXPOSURE: 3.0}).assurance("boson")
    assert float(ranking["assurance"][0]) == expected.value
    nothing = ranking.sel(alternative="nothing")
    assert float(nothing["assurance_gain"]) == float(nothing["log_bayes_factor_gain"]) == 0.0


def test_bad_input_is_one_sentence(engine):
    with pytest.raises(UnknownName, match=r"unknown design variable of 'counting' 'exposur' \(did you mean 'exposure'"):
        design.expect(engine, {"counting.exposur": 2.0})
    with pytest.raises(InvalidArgument, match=r"to be differentiated; counting is built anew at each of its values"):
        design.gradient(engine, ["counting.background"], design.Goal("boson"))
    goal, bounds = design.Goal("boson", "log_bayes_factor"), {EXPOSURE: (0.5, 5.0)}
    for cost in (lambda x: jnp.ceil(x[EXPOSURE]), lambda x: float(x[EXPOSURE]), lambda x: "dear"):
        with pytest.raises(InvalidArgument, match="`cost` must be"):
            design.optimise(engine, bounds, goal, cost, 3.0)
    with pytest.raises(InvalidArgument, match=r"it is a prior of another model, 'Lmu'"):
        design.Plan(
            ["counting"],
            {"boson": lmt.priors.default(lmt.LMU)},
            {"BP1": design.Truth(MODEL, PHOTON, "boson")},
        )
    with pytest.raises(InvalidArgument, match=r"`boson` must be of the truth's model"):
        design.Truth(MODEL, lmt.priors.default(lmt.LMU))
    with pytest.raises(InvalidArgument, match=r"`counting.exposure` must be finite and positive"):
        design.expect(engine, {EXPOSURE: -1.0})
    with pytest.raises(UnknownName, match="unknown truth 'bosn'"):
        design.rank(engine, {"more": {EXPOSURE: 2.0}}, "bosn")
    with pytest.raises(UnknownName, match="unknown truth 'bosn'"):
        design.expect(engine).assurance("bosn")
    with pytest.raises(InvalidArgument, match="`variables` must be a sequence of at least one design variable"):
        design.gradient(engine, [], goal)
    with pytest.raises(InvalidArgument, match=r"`start\['counting.exposure'\]` must be finite and positive; got nan"):
        design.optimise(engine, bounds, goal, lambda x: x[EXPOSURE], 3.0, {EXPOSURE: np.nan})
    with pytest.raises(InvalidArgument, match=r"`efficiency` must be a number in \(0, 1\]"):
        design.Option("na64mu").split({"efficiency": 1.5})


def of_one(photon):
    """A posterior that knows the boson."""
    fields = {name: (("chain", "draw"), np.full((1, 4), float(getattr(photon, name)))) for name in design_parameters()}
    return design.Posterior(xr.DataTree.from_dict({"posterior": xr.Dataset(fields)}), MODEL)


def design_parameters():
    return ("g_x", "mass", "eps_x")


def test_without_nuisances_and_with_a_known_boson_it_is_the_counting_of_eq_38():
    """ln B of two known hypotheses rises with the count: P(ln B > ln B at s X | b X) is P(n >= s X | b X)."""
    e = counting(nuisances=())
    own = design.Plan(
        [e],
        {"boson": of_one(PHOTON), "none": lmt.priors.no_boson(MODEL)},
        {"nothing": design.Truth(MODEL, lmt.HiddenPhoton.none(), "none")},
    )
    engine = design.Engine(own, size=4000, seed=0)
    s, b = (np.asarray(e.expected_counts(MODEL, p)) for p in (PHOTON, lmt.HiddenPhoton.none()))
    data = engine.data(engine.setting(), engine.drawn["nothing"])
    found = design.expect(engine, threshold=0.0)
    np.testing.assert_allclose(
        found.log_z["nothing"][0] - found.log_z["nothing"][1], data @ np.log(s / b) - (s - b).sum(), rtol=1e-9
    )
    # The probability to be misled, summed over all counts of both bins.
    n = np.arange(60)
    log_b = n[:, None] * np.log(s[0] / b[0]) + n * np.log(s[1] / b[1]) - (s - b).sum()
    exact = np.sum(np.outer(poisson.pmf(n, b[0]), poisson.pmf(n, b[1]))[log_b > 0.0])
    value, error = found.misleads("nothing")
    assert abs(value - exact) < 4.0 * error


@pytest.mark.slow
def test_against_discovery_exposure():
    """At Eq. 38's exposure for one sigma the Standard Model's count reaches s X with probability 0.159."""
    sigma = 1.0
    exposure = float(
        lmt.discovery_exposure("darwin-nr", MODEL, PHOTON_BP1, threshold_kev=1.0, sigma=sigma, convention="paper")
    )
    option = design.Option("darwin-nr", convention="paper", threshold_kev=1.0, exposure_tyr=exposure)
    s, b = (float(option.base.expected_counts(MODEL, p)[0]) for p in (PHOTON_BP1, lmt.HiddenPhoton.none()))
    own = design.Plan(
        [option],
        {"boson": of_one(PHOTON_BP1), "none": lmt.priors.no_boson(MODEL)},
        {"nothing": design.Truth(MODEL, lmt.HiddenPhoton.none(), "none")},
    )
    asimov = s * np.log(s / b) - (s - b)
    found = design.expect(own, threshold=asimov, size=4000)
    value, error = found.misleads("nothing")
    # P(n >= s X) of Eq. 38 is of no whole number; the next ones below and above bracket it.
    low, high = poisson.sf(np.ceil(s) - 1 + 1, b), poisson.sf(np.floor(s) - 1, b)
    assert low - 4.0 * error < value < high + 4.0 * error
    assert low < 0.1587 < high


PHOTON_BP1 = lmt.BENCHMARKS["BP1"]


@pytest.mark.slow
def test_brute_force_at_two_designs(engine):
    """Simulate, integrate by `lmt.evidence`, count."""
    size = 12
    joint = {name: lmt.JointModel([counting(exposure=x)], MODEL) for name, x in (("one", 1.0), ("three", 3.0))}
    for name, x in (("one", 1.0), ("three", 3.0)):
        setting = engine.setting({EXPOSURE: x})
        rows = engine.data(setting, engine.drawn["boson"])[:size]
        ours = [engine.log_evidences(setting, model, rows) for model in ("boson", "none")]
        theirs = np.array(
            [
                [
                    lmt.evidence(lmt.JointLikelihood(joint[name], MODEL, {"counting": row}, check=False), prior).log_z
                    for row in rows
                ]
                for prior in engine.plan.models.values()
            ]
        )
        for k in range(2):
            assert np.all(np.abs(ours[k][0] - theirs[k]) < 5.0 * ours[k][1] + 0.02)
        log_b, reference = ours[0][0] - ours[1][0], theirs[0] - theirs[1]
        # The same data sets pass, but for those that are within the error of the threshold.
        sure = np.abs(reference - 5.0) > 0.15
        np.testing.assert_array_equal((log_b > 5.0)[sure], (reference > 5.0)[sure])


@pytest.mark.slow
def test_a_xenon_threshold_is_differentiated():
    own = design.Plan(
        [design.Option("darwin-nr", bins=2, convention="paper", threshold_kev=1.0)],
        {"boson": of_one(PHOTON_BP1), "none": lmt.priors.no_boson(MODEL)},
        {"BP1": design.Truth(MODEL, PHOTON_BP1, "boson")},
    )
    engine = design.Engine(own, size=32)
    name, goal = "darwin-nr.threshold_kev", design.Goal("BP1", "log_bayes_factor")
    found = design.gradient(engine, [name], goal)
    up, down = (np.mean(smoothed(engine, [name], goal, {name: 1.0 + h})[0]) for h in (1e-3, -1e-3))
    assert found.slopes[name].value == pytest.approx((up - down) / 2e-3, rel=0.01)
    # What is traced is what is built, with other nodes: the same data to 1e-5 of the counts, some thousand.
    assert found.value.value == pytest.approx(found.sharp.value, abs=0.5)


@pytest.mark.nightly
def test_errors_are_the_scatter_over_seeds():
    own, found = plan(), {}
    for seed in range(40):
        here = design.expect(design.Engine(own, size=60, seed=seed, nodes=1000), threshold=3.0)
        for name, pair in {
            "ln B": here.log_bayes_factor("boson", "boson", "none"),
            "assurance": here.assurance("boson"),
            "information": here.information["boson"]["boson"],
            "width": here.widths["boson"]["boson"]["log10_g_x"],
        }.items():
            found.setdefault(name, []).append(pair)
    for name, pairs in found.items():
        value, error = np.array(pairs).T
        # Of 40 seeds the scatter itself is known to 11 %.
        assert 0.7 < value.std(ddof=1) / np.sqrt(np.mean(error**2)) < 1.4, name
