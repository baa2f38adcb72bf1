"""What a user calls is compiled once for an experiment and a shape, where nothing that it reads can change."""

import gc
import warnings

import jax
import numpy as np
import pytest
from compilations import compilations

import lmtbayes as lmt
from lmtbayes.experiments.called import _PROGRAMS
from lmtbayes.gauge.models import LMU, LMU_LTAU, GaugeModel, HiddenPhoton

PHOTON = HiddenPhoton(3e-4, 20.0, -1e-5)
ARRAY = HiddenPhoton(np.geomspace(1e-5, 1e-2, 7), 20.0, -1e-5)


@pytest.fixture(autouse=True)
def nothing_called_before():
    """Other tests of the process have called the same entries, and their programs are kept."""
    _PROGRAMS.clear()


@pytest.mark.parametrize("name", ["ess", "darwin-nr"])
def test_the_first_call_compiles_a_few_programs_and_the_next_none(name):
    exp = lmt.experiment(name)
    exp.expected_counts(LMU_LTAU, PHOTON)  # whatever nuisances and their centres need
    with compilations() as seen:
        exp.signal_counts(LMU_LTAU, PHOTON)
    assert 1 <= len(seen) <= 5  # 100 and more operation by operation
    with compilations() as seen:
        exp.signal_counts(LMU_LTAU, HiddenPhoton(1e-3, 50.0, -2e-5))
    assert not seen


@pytest.mark.parametrize("name", ["ess", "na64mu", "muon-g2-2025"])
@pytest.mark.parametrize("photon", [PHOTON, ARRAY], ids=["one", "array"])
def test_counts_are_those_of_each_operation_by_itself(name, photon):
    exp = lmt.experiment(name)
    by_operation = jax.tree.map(lambda leaf: leaf, exp)  # an object that nobody knows
    values = {n.name: n.constraint.value(0.7) for n in exp.nuisances}
    for call in ("expected_counts", "signal_counts"):
        found, expected = (np.asarray(getattr(e, call)(LMU_LTAU, photon, values)) for e in (exp, by_operation))
        # Rounding alone: XLA adds in another order.
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-300)


def test_models_of_other_charges_share_a_program_and_have_their_own_counts():
    exp = lmt.experiment("darwin-nr")
    models = LMU_LTAU, LMU, GaugeModel("own", {"mu": 0.5, "tau": 2.0}, -0.1), LMU_LTAU
    exp.expected_counts(LMU_LTAU, PHOTON)
    with compilations() as seen:
        found = [np.asarray(exp.expected_counts(model, PHOTON)) for model in models]
    assert not seen
    by_operation = jax.tree.map(lambda leaf: leaf, exp)
    for model, counts in zip(models, found, strict=True):
        np.testing.assert_allclose(counts, by_operation.expected_counts(model, PHOTON), rtol=1e-11)
    assert len({counts.tobytes() for counts in found}) == 3
    with compilations() as seen:
        exp.expected_counts(LMU_LTAU.with_mixing("loop"), PHOTON)
    assert seen


def test_a_call_inside_a_trace_is_the_traces():
    exp = lmt.experiment("ess")
    expected = np.asarray(exp.expected_counts(LMU_LTAU, PHOTON))
    there = jax.jit(lambda scale: scale * exp.expected_counts(LMU_LTAU, PHOTON))(2.0)
    np.testing.assert_allclose(there, 2.0 * expected, rtol=1e-13)
    slope = jax.jit(jax.jacfwd(lambda g: exp.expected_counts(LMU_LTAU, HiddenPhoton(g, 20.0, -1e-5))))(3e-4)
    step = 1e-9
    up, down = (np.asarray(exp.expected_counts(LMU_LTAU, HiddenPhoton(3e-4 + s, 20.0, -1e-5))) for s in (step, -step))
    np.testing.assert_allclose(slope, (up - down) / (2.0 * step), rtol=1e-5)


@pytest.mark.parametrize("name", ["ess", "darwin-nr"])
@pytest.mark.parametrize(
    "derivative",
    [
        lambda f, x: jax.jacfwd(f)(x),
        lambda f, x: jax.jacrev(f)(x),
        lambda f, x: jax.hessian(lambda y: f(y).sum())(x),
        lambda f, x: jax.vmap(f)(np.array([x, 2.0 * x])),
        lambda f, x: jax.vmap(jax.jacfwd(f))(np.array([x, 2.0 * x])),
        lambda f, x: jax.linearize(f, x)[1](np.ones(3)),
    ],
    ids=["forward", "reverse", "second", "batch", "batch of derivatives", "linearised"],
)
def test_derivatives_are_compiled_as_one_and_are_those_of_each_operation(name, derivative):
    exp = lmt.experiment(name)
    by_operation = jax.tree.map(lambda leaf: leaf, exp)  # an object that nobody knows
    x = np.array([3e-4, 20.0, -1e-5])

    def of(experiment):
        return lambda x: experiment.signal_counts(LMU_LTAU, HiddenPhoton(x[0], x[1], x[2]))

    derivative(lambda x: x**2, x)  # operations of the derivative by itself
    exp.signal_counts(LMU_LTAU, PHOTON)
    with compilations("program") as programs:
        found = derivative(of(exp), x)
    assert programs
    with compilations("program") as programs:
        derivative(of(exp), 1.1 * x)
    assert not programs
    expected = derivative(of(by_operation), x)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["ess", "darwin-nr", "na64mu"])
def test_derivatives_of_calls_are_those_of_differences(name):
    exp = lmt.experiment(name)
    x = np.array([3e-4, 20.0, -1e-5])

    def counts(x):
        return exp.signal_counts(LMU_LTAU, HiddenPhoton(x[0], x[1], x[2]))

    steps = np.diag(1e-5 * x)
    differences = [(np.asarray(counts(x + s)) - np.asarray(counts(x - s))) / (2e-5 * x[i]) for i, s in enumerate(steps)]
    # In relative changes of what is varied: rounding of 1e-16 over steps of 1e-5, and their squares.
    scale = np.abs(counts(x)).max()
    np.testing.assert_allclose(jax.jacfwd(counts)(x) * x, np.transpose(differences) * x, rtol=1e-7, atol=1e-9 * scale)
    np.testing.assert_allclose(jax.jacrev(counts)(x) * x, np.transpose(differences) * x, rtol=1e-7, atol=1e-9 * scale)


def test_numbers_of_a_compile_time_are_numbers():
    exp = lmt.experiment("ess")

    @jax.jit
    def scaled(scale):
        with jax.ensure_compile_time_eval():
            counts = np.asarray(exp.signal_counts(LMU_LTAU, PHOTON))
        return scale * counts

    np.testing.assert_allclose(scaled(2.0), 2.0 * np.asarray(exp.signal_counts(LMU_LTAU, PHOTON)), rtol=1e-13)


def test_what_a_users_rate_reads_may_change():
    factor = [1.0]
    own = lmt.measurement("own", 0.5, 0.1, lambda model, photon: factor[0] * photon.g_x)
    assert float(own.expected_counts(LMU_LTAU, PHOTON)[0]) == pytest.approx(3e-4)
    factor[0] = 2.0
    assert float(own.expected_counts(LMU_LTAU, PHOTON)[0]) == pytest.approx(6e-4)


@pytest.mark.parametrize("name", ["na64mu", "ess", "coherent-lar-2020"])
def test_a_model_with_code_of_a_users_is_not_compiled(name):
    """A coupling twice as large, of muon and neutrinos alike: four times the signal, or twice the interference."""

    class Scaled(GaugeModel):
        scale = 2.0

        def coupling(self, photon, *given, **kwargs):
            return self.scale * super().coupling(photon, *given, **kwargs)

    model = Scaled("scaled", {"mu": 1, "tau": -1})
    exp = lmt.experiment(name)
    none, once = (np.asarray(exp.signal_counts(LMU_LTAU, p)) for p in (HiddenPhoton.none(20.0), PHOTON))
    found = {}
    for scale in (2.0, 1.0, 3.0):
        Scaled.scale = scale
        found[scale] = np.asarray(exp.signal_counts(model, PHOTON)) - none
    np.testing.assert_allclose(found[1.0], once - none, rtol=1e-9, atol=1e-12 * np.abs(none).max())
    if name == "na64mu":
        np.testing.assert_allclose(found[2.0], 4.0 * found[1.0], rtol=1e-12)
        np.testing.assert_allclose(found[3.0], 9.0 * found[1.0], rtol=1e-12)
    else:  # linear and quadratic in the neutrinos' couplings
        parabola = [3.0 * found[2.0] - 3.0 * found[1.0], found[3.0]]
        np.testing.assert_allclose(*parabola, rtol=1e-6, atol=1e-9 * np.abs(none).max())
        assert np.abs(found[2.0] - found[1.0]).sum() > 1e-5 * none.sum()


def test_without_compilation_warnings_name_the_model():
    quarks = GaugeModel("baryons", {"mu": -3, "u": 1 / 3, "d": 1 / 3})
    photon = HiddenPhoton(1e-3, 800.0, -1e-5)
    with jax.disable_jit(), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        like = lmt.JointLikelihood(["babar-4mu"], quarks, {"babar-4mu": np.zeros(1)}, check=False)
        lmt.experiment("babar-4mu").expected_counts(quarks, photon)
        like.log_density(photon, like.joint.central_pulls)
    told = [str(one.message) for one in said if issubclass(one.category, lmt.errors.LeftOutWarning)]
    assert told
    assert all("'baryons'" in one for one in told)


def test_an_experiment_that_nobody_holds_is_compiled_once():
    photons = [HiddenPhoton(g, 20.0, -1e-5) for g in (1e-4, 2e-4)]
    first = lmt.experiment("ess").expected_counts(LMU_LTAU, photons[0])
    gc.collect()
    with compilations() as seen:
        second = lmt.experiment("ess").expected_counts(LMU_LTAU, photons[1])
    assert not seen
    assert not np.array_equal(first, second)


def test_the_last_used_programs_are_kept(monkeypatch):
    monkeypatch.setattr("lmtbayes.experiments.called._RECENT", 2)
    names = ["muon-g2-2025", "ccfr-trident", "muon-g2-2021"]
    kept = [lmt.experiment(name) for name in names]
    for exp in (kept[0], kept[1], kept[0], kept[2]):
        exp.expected_counts(LMU_LTAU, PHOTON)
    assert [number for number, *_ in _PROGRAMS] == [id(kept[0]), id(kept[2])]
