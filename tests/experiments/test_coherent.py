"""COHERENT's data: counts against adaptive quadrature, published fits, limits on the coupling, interface."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from lmtbayes import tables
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments import experiment, experiment_options
from lmtbayes.experiments.coherent_csi import EXPECTED as CSI_EXPECTED
from lmtbayes.experiments.coherent_csi import SIGNAL_UNCERTAINTY as CSI_UNCERTAINTY
from lmtbayes.experiments.coherent_lar import EXPECTED as LAR_EXPECTED
from lmtbayes.experiments.coherent_lar import SIGNAL_UNCERTAINTY as LAR_UNCERTAINTY
from lmtbayes.experiments.coherent_lar import in_energy_and_time
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.inference.likelihood.data import asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.nuisances.conditional import conditional
from lmtbayes.validation.independent.coherent import csi_counts, in_time, lar_counts

NAMES = ("coherent-csi-2021", "coherent-lar-2020")
KEYS = {"coherent-csi-2021": "csi", "coherent-lar-2020": "lar"}
SM = HiddenPhoton.none()
PAPER = LMU_LTAU.with_mixing("paper")
PHOTONS = {"SM": (0.0, 10.0, 0.0), "BP1": (5e-4, 15.0, -5e-4 / 70), "light": (1e-3, 1.0, -1e-4)}


@pytest.fixture(scope="module")
def built():
    return {name: experiment(name) for name in NAMES}


# -- counts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", [pytest.param(p, marks=[] if p == "SM" else pytest.mark.slow) for p in PHOTONS])
def test_csi_against_adaptive_quadrature(built, label):
    """Bins with the rise of the efficiency, the bulk and the tail; each component; times all."""
    exp, photon = built["coherent-csi-2021"], PHOTONS[label]
    found = exp.component_counts(LMU_LTAU, HiddenPhoton(*photon))
    pe, time = exp.axes[0].edges, exp.axes[1].edges
    for component in ("prompt", "delayed"):
        fractions = in_time(component, time, 0.553, 0.15, 0.52, 0.0494)
        for b in (0, 1, 3, 8):
            expected = csi_counts(component, pe[b], pe[b + 1], photon) * fractions
            counts = np.asarray(found[component]).reshape(exp.shape)[b]
            # Both agree to 1e-8, what the nested quad was asked for; the margin is for other versions of scipy.
            np.testing.assert_allclose(counts, expected, rtol=1e-7, atol=1e-11, err_msg=f"{component}, bin {b}")


@pytest.mark.parametrize(
    "label", [pytest.param("BP1", marks=pytest.mark.slow), pytest.param("light", marks=pytest.mark.nightly)]
)
def test_lar_is_template_times_ratio(built, label):
    """In each bin of energy and time the released counts times model over Standard Model, both by quadrature."""
    exp, photon = built["coherent-lar-2020"], PHOTONS[label]
    efficiency, released = tables.read("coherent/lar_efficiency"), tables.read("coherent/lar_counts")["cevns_sm"]
    energy, time = exp.axes[0].edges, exp.axes[2].edges
    own = {}
    for which in (photon, PHOTONS["SM"]):
        own[which] = sum(
            np.array(
                [
                    lar_counts(c, a, b, which, efficiency["energy_kevee"], efficiency["efficiency"])
                    for a, b in itertools.pairwise(energy)
                ]
            )[:, None]
            * in_time(c, time, 0.45, 0.15)
            for c in ("prompt", "delayed")
        )
    ratio = own[photon] / own[PHOTONS["SM"]]
    expected = released.reshape(exp.shape) * ratio[:, None, :]
    found = np.asarray(exp.signal_counts(LMU_LTAU, HiddenPhoton(*photon))).reshape(exp.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.ptp(ratio) > 0.005


def test_lar_time_shape_of_the_release(built):
    """The mean arrival of 0.45 us is inferred: with it Eq. 33 has the released template's fractions to 1e-3."""
    exp = built["coherent-lar-2020"]
    recoils = exp.neutrinos(LMU_LTAU, SM, exp.nuisance_values())
    own = np.asarray(in_energy_and_time(recoils, exp.fractions)).sum(axis=(0, 1))
    released = exp.project(tables.read("coherent/lar_counts")["cevns_sm"], "time")
    np.testing.assert_allclose(own / own.sum(), released / released.sum(), atol=1.5e-3)
    # The model's own counts know nothing of F90; the release's 128 events are reproduced to its own uncertainty.
    assert abs(own.sum() / 128.0 - 1.0) < LAR_UNCERTAINTY


def test_published_totals(built):
    csi, lar = (built[name] for name in NAMES)
    assert csi.observed.sum() == 1578
    assert lar.observed.sum() == 3752
    # 341 +- 11: the theory's uncertainty alone.
    assert abs(float(csi.signal_counts(LMU_LTAU, SM).sum()) - 341.0) < 11.0
    released = tables.read("coherent/lar_counts")["cevns_sm"]
    np.testing.assert_allclose(lar.signal_counts(LMU_LTAU, SM), released, rtol=1e-12)
    for exp, expected in ((csi, CSI_EXPECTED), (lar, LAR_EXPECTED)):
        for name, (events, _) in expected.items():
            # Released template sums are rounded to four digits.
            assert exp.backgrounds[name].sum() == pytest.approx(events, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "total", "parts"),
    [
        (NAMES[0], CSI_UNCERTAINTY, ("flux_sns", "yield_csi", "quenching_csi_0", "quenching_csi_1", "efficiency_csi")),
        (NAMES[1], LAR_UNCERTAINTY, ("flux_sns", "yield_lar", "radius_argon")),
    ],
)
def test_signal_uncertainty_adds_up_to_the_published_one(built, name, total, parts):
    exp = built[name]
    constraints = {n.name: n.constraint for n in exp.declared}
    counts = [
        [float(exp.signal_counts(LMU_LTAU, SM, {p: constraints[p].value(s)}).sum()) for s in (1.0, -1.0)] for p in parts
    ]
    effects = 0.5 * np.diff(counts, axis=1)[:, 0] / float(exp.signal_counts(LMU_LTAU, SM).sum())
    assert np.sqrt(np.sum(effects**2)) == pytest.approx(total, rel=3e-3)


def test_nuisances_move_what_they_say(built):
    csi = built["coherent-csi-2021"]
    central = np.asarray(csi.signal_counts(LMU_LTAU, SM))

    def moved(**nuisances):
        return np.asarray(csi.signal_counts(LMU_LTAU, SM, nuisances))

    for name in ("flux_sns", "yield_csi", "strength_csi"):
        np.testing.assert_allclose(moved(**{name: 1.2}), 1.2 * central, rtol=1e-12)
    np.testing.assert_allclose(moved(efficiency_csi=1.0).sum(), central.sum(), rtol=1e-12)
    assert csi.project(moved(efficiency_csi=1.0), "photoelectrons")[1] > 1.1 * csi.project(central, "photoelectrons")[1]
    later = csi.project(moved(onset_csi_us=0.16), "time")
    assert later[3] < 0.8 * csi.project(central, "time")[3]
    assert later[6] > 1.1 * csi.project(central, "time")[6]
    # A negative factor on a background means none.
    lar = built["coherent-lar-2020"]
    none, negative = (lar.expected_counts(LMU_LTAU, SM, {"brn_delayed_lar": x}) for x in (0.0, -1.0))
    np.testing.assert_allclose(none, negative)


@pytest.mark.parametrize("name", [pytest.param(NAMES[0], marks=pytest.mark.slow), *NAMES[1:]])
def test_gradients_against_finite_differences(built, name):
    exp = built[name]
    names = [n.name for n in exp.declared]
    pulls = {n.name: 0.3 if "strength" not in n.name else 0.0 for n in exp.declared}
    values = {n.name: float(n.constraint.value(pulls[n.name])) for n in exp.declared}
    weights = np.linspace(0.5, 1.5, exp.n_bins)
    x = np.array([6e-4, 30.0, -3e-5, *values.values()])

    @jax.jit
    def total(x):
        photon = HiddenPhoton(x[0], x[1], x[2])
        return jnp.sum(weights * exp.expected_counts(LMU_LTAU, photon, dict(zip(names, x[3:], strict=True))))

    slopes = jax.jit(jax.grad(total))(x)
    for i in range(x.size):
        step = 1e-4 * max(abs(x[i]), 1e-2 if i > 2 else 0.0)
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        # Second differences of a smooth function: 1e-6; cancellation of 1e3 counts: 1e-12/1e-4.
        difference = float(total(up) - total(down)) / (2 * step)
        assert float(slopes[i]) == pytest.approx(difference, rel=2e-5, abs=1e-6), (["g", "M", "eps", *names])[i]


@pytest.mark.parametrize("name", [pytest.param("coherent-csi-2021", marks=pytest.mark.slow), "coherent-lar-2020"])
def test_batches_jit_and_extremes(built, name):
    exp = built[name]
    batch = HiddenPhoton(
        np.array([0.0, 1e-8, 1e-3, 3e-2]), np.array([1e-3, 1.0, 50.0, 5e3]), np.array([0.0, -1e-9, -1e-4, 3e-2])
    )
    together = exp.expected_counts(LMU_LTAU, batch)
    single = jax.jit(lambda p: exp.expected_counts(LMU_LTAU, p))
    one_by_one = [single(HiddenPhoton(*x)) for x in zip(batch.g_x, batch.mass, batch.eps_x, strict=True)]
    np.testing.assert_allclose(together, np.stack(one_by_one), rtol=1e-12)
    # The experiment itself may be an argument of a compiled function.
    jitted = eqx.filter_jit(lambda e, p: e.expected_counts(LMU_LTAU, p))(exp, batch)
    np.testing.assert_allclose(jitted, together, rtol=1e-12)
    slopes = jax.jit(jax.vmap(jax.grad(lambda p: exp.expected_counts(LMU_LTAU, p).sum())))(batch)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves((together, slopes)))
    # Lmu and Lmu-Ltau differ in the tau only, and no tau neutrino is made.
    np.testing.assert_array_equal(exp.signal_counts(LMU, batch), exp.signal_counts(LMU_LTAU, batch))
    loop = LMU_LTAU.with_mixing("loop")
    assert np.all(np.isfinite(exp.expected_counts(loop, loop.hidden_photon(np.array([1e-4, 1e-3]), 20.0))))


# -- fits -------------------------------------------------------------------------------------------------------------


def free_fit(name, shapes=(), **overrides):
    """Events, their uncertainty and 2 Delta ln L against none, with the strength and the backgrounds free."""
    key = KEYS[name]
    strength = f"strength_{key}"
    backgrounds = experiment(name, **overrides).backgrounds
    exp = experiment(name, nuisances=(strength, *backgrounds, *shapes), **overrides)
    like = JointLikelihood([exp], LMU_LTAU, "observed", check=False)
    which = like.nuisance_names.index(strength)
    function = jax.jit(jax.value_and_grad(lambda pulls: -like.log_density(SM, pulls)))
    hessian = jax.jit(jax.hessian(lambda pulls: -like.log_density(SM, pulls)))

    def fit(free):
        start = np.array(like.central_pulls)
        start[which] = 0.0 if which in free else -0.1  # strength 1, or 0

        def reduced(x):
            pulls = start.copy()
            pulls[free] = x
            value, slope = function(pulls)
            return float(value), np.asarray(slope)[free]

        result = minimize(reduced, start[free], jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-8})
        start[free] = result.x
        return result.fun, start

    everything = list(range(len(like.nuisances)))
    best, pulls = fit(everything)
    none, _ = fit([i for i in everything if i != which])
    values = {k: float(v) for k, v in like.joint.nuisance_values(jnp.array(pulls)).items()}
    events = float(exp.signal_counts(LMU_LTAU, SM, values).sum())
    sigma = events / values[strength] * 10.0 * float(np.sqrt(np.linalg.inv(hessian(pulls))[which, which]))
    return events, sigma, 2.0 * (none - best)


def test_csi_fit():
    """Published: 306 +- 20 and 11.6 sigma; an independent refit of the same numbers: 315 +- 32 and 11.6 sigma."""
    events, sigma, q = free_fit("coherent-csi-2021")
    print(f"CsI: {events:.1f} +- {sigma:.1f} events, {np.sqrt(q):.2f} sigma against none")
    assert 305.0 < events < 320.0
    assert sigma == pytest.approx(32.0, abs=1.0)
    assert np.sqrt(q) == pytest.approx(11.6, abs=0.1)


@pytest.mark.slow
def test_csi_fit_does_not_hang_on_the_steady_state():
    """Anti-coincident events bin by bin with all their noise; shapes of the signal free: within a sixth of sigma."""
    reference, sigma, _ = free_fit("coherent-csi-2021")
    noisy, _, q = free_fit("coherent-csi-2021", steady_state="anti-coincident")
    shapes = ("quenching_csi_0", "quenching_csi_1", "efficiency_csi", "onset_csi_us")
    shaped, _, _ = free_fit("coherent-csi-2021", shapes)
    print(f"CsI: {reference:.1f}; raw steady state {noisy:.1f} ({np.sqrt(q):.2f} sigma); with shapes {shaped:.1f}")
    assert abs(noisy - reference) < sigma / 6
    assert abs(shaped - reference) < sigma / 6
    # The counting error of the anti-coincident events, which COHERENT's single factor leaves out.
    floating, wider, q = free_fit("coherent-csi-2021", steady_state="floating")
    print(f"steady state floating in photoelectrons: {floating:.1f} +- {wider:.1f}, {np.sqrt(q):.2f} sigma")
    assert abs(floating - reference) < sigma / 6
    assert wider > sigma


def test_steady_state_factorises(built):
    """Anti-coincident events against photoelectrons x time: a chi^2 of bins that expect at least five."""
    exp = built["coherent-csi-2021"]
    seen = tables.read("coherent/csi_counts")["anti_coincident"].reshape(exp.shape)
    shape = exp.backgrounds["steady_state_csi"].reshape(exp.shape)
    expected = shape * seen.sum() / shape.sum()
    early = slice(0, 8)  # the eighths of a microsecond together
    pairs = [
        np.concatenate([x[:, early].sum(axis=1, keepdims=True), x[:, 8:]], axis=1).ravel() for x in (seen, expected)
    ]
    enough = pairs[1] > 5
    statistic = np.sum((pairs[0] - pairs[1])[enough] ** 2 / pairs[1][enough])
    # Photoelectrons are taken from the same events: nine degrees of freedom fewer.
    assert chi2.sf(statistic, enough.sum() - 9) > 0.01


def test_lar_fit():
    """Refit of the same 64 bins: 162 +- 46 and 2 Delta ln L = 13.2; the release's 960 bins give 160, published 159."""
    events, sigma, q = free_fit("coherent-lar-2020")
    print(f"LAr: {events:.1f} +- {sigma:.1f} events, 2 Delta ln L = {q:.2f}")
    assert events == pytest.approx(162.0, abs=1.0)
    assert sigma == pytest.approx(46.0, abs=1.0)
    assert q == pytest.approx(13.2, abs=0.1)


def profile(like):
    """(mass, couplings) -> profiled ln L, compiled once for as many couplings."""
    run = jax.jit(
        lambda photons: jax.lax.map(
            lambda p: conditional(like.joint, p, like.data).value, photons, batch_size=photons.g_x.size
        )
    )
    return lambda mass, couplings: np.asarray(run(PAPER.hidden_photon(couplings, mass).broadcast()))


def crossings(couplings, excess):
    """Where a sampled function crosses zero, linear in ln g."""
    i = np.nonzero(excess[1:] * excess[:-1] < 0)[0]
    x = np.log(couplings)
    return np.exp(x[i] - excess[i] * (x[i + 1] - x[i]) / (excess[i + 1] - excess[i]))


@pytest.mark.slow
def test_limits_and_island():
    """90 % limits of both together at eps = -g/70: 8.9e-4, 1.3e-3, 2.15e-3 of an independent refit, to 10 %."""
    like = JointLikelihood(list(NAMES), PAPER, "observed", check=False)
    height_at, expected = profile(like), {15.0: 8.9e-4, 50.0: 1.3e-3, 100.0: 2.15e-3}
    for mass, limit in expected.items():
        # Steps of 5 % about the limit, of 7 % above, between which ln L is interpolated.
        couplings = np.concatenate([[1e-6], limit * np.geomspace(0.85, 1.25, 8), np.geomspace(2, 7, 20) * limit])
        height = height_at(mass, couplings)
        edges = crossings(couplings, 2.0 * (height.max() - height) - 2.706)
        print(f"{mass:g} MeV: g_x < {edges[0]:.3g} (90 %), then {edges[1:]}")
        assert edges[0] == pytest.approx(limit, rel=0.10)
        if mass == 100.0:
            # chi = -Q_nuN again: the rate is the Standard Model's, in an island that the data allow.
            assert edges.size == 3
            assert 7e-3 < edges[1] < edges[2] < 9e-3
            assert 0.9 < (edges[1] * edges[2]) ** 0.5 / 7.9e-3 < 1.1


# -- interface --------------------------------------------------------------------------------------------------------


def test_what_they_are(built):
    for exp in built.values():
        assert exp.status == "data"
        assert "COHERENT" in exp.citation
        assert exp.n_bins == np.prod(exp.shape) == exp.observed.size
        np.testing.assert_array_equal(exp.bin_edges, np.arange(exp.n_bins + 1))
        assert exp.bin_unit == ""
        key = KEYS[exp.name]
        assert f"strength_{key}" not in [n.name for n in exp.nuisances]
        assert all(n.source and n.effect for n in exp.declared)
    csi, lar = built.values()
    assert [a.quantity for a in csi.axes] == ["photoelectrons", "time"]
    assert [a.quantity for a in lar.axes] == ["energy", "F90", "time"]
    assert csi.shape == (9, 11)
    assert lar.shape == (4, 4, 4)
    assert csi.project(csi.observed, "time").sum() == 1578
    np.testing.assert_array_equal(csi.project(np.ones((2, 99)), "photoelectrons"), np.full((2, 9), 11.0))
    assert {"flux_sns", "sin2_theta_w"} == {n.name for n in csi.nuisances} & {n.name for n in lar.nuisances}


def test_both_fit_beside_a_projection_at_the_same_source():
    """flux_sns is COHERENT's alone: the projection's total systematic has a name of its own."""
    like = JointLikelihood([*NAMES, "cenns610"], PAPER, asimov(PAPER, BENCHMARKS["BP1"]), check=False)
    assert {"flux_sns", "systematic_sns"} <= set(like.nuisance_names)


def test_overrides():
    assert experiment("coherent-csi-2021", nuisances=()).nuisances == ()
    assert [n.name for n in experiment("coherent-lar-2020", nuisances=("strength_lar",)).nuisances] == ["strength_lar"]
    assert experiment("coherent-lar-2020", name="mine").name == "mine"
    floating = experiment("coherent-csi-2021", steady_state="floating")
    np.testing.assert_allclose(floating.background_counts, experiment(NAMES[0]).background_counts, rtol=1e-12)
    assert [n.name for n in floating.nuisances if "steady" in n.name] == [f"steady_state_csi_{i}" for i in range(9)]
    changed = experiment("coherent-csi-2021", sin2_theta_w=0.23122, form_factor="klein-nystrand")
    ratio = float(changed.signal_counts(LMU_LTAU, SM).sum() / experiment(NAMES[0]).signal_counts(LMU_LTAU, SM).sum())
    # Q_nuN of CsI moves by 2.1 %, its square by 4.2 %; Klein-Nystrand against Lewin-Smith: below 3 %.
    assert 0.92 < ratio / (1 - 0.042) < 1.08
    assert set(experiment_options(NAMES[0])) == {
        *("sin2_theta_w", "form_factor", "steady_state", "nuisances", "name", "title")
    }


@pytest.mark.parametrize(
    ("name", "override", "error", "words"),
    [
        (NAMES[0], {"steady_state": "flat"}, InvalidArgument, "anti-coincident"),
        (NAMES[0], {"sin2_theta_w": 2.0}, InvalidArgument, "sin2_theta_w"),
        (NAMES[1], {"form_factor": "gauss"}, InvalidArgument, "helm"),
        (NAMES[1], {"nuisances": ("flux",)}, UnknownName, "flux_sns"),
        (NAMES[1], {"steady_state": "product"}, UnknownName, "nuisances"),
    ],
)
def test_bad_overrides(name, override, error, words):
    with pytest.raises(error, match=words):
        experiment(name, **override)


def test_project_names_the_axes(built):
    with pytest.raises(InvalidArgument, match="photoelectrons"):
        built[NAMES[0]].project(built[NAMES[0]].observed, "energy")
