"""Published curves as approximate terms: on the curve, in another model, beyond their ends; a user's own."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import InvalidArgument, UnitsWarning, UnknownName
from lmtbayes.experiments import registry
from lmtbayes.experiments.limits import FADE, published_limit
from lmtbayes.experiments.measurement import measurement
from lmtbayes.jobs.settings import FitSettings, masses_of

CURVE = (np.array([10.0, 100.0, 1000.0]), np.array([1e-3, 2e-3, 1e-2]))


@pytest.mark.parametrize(
    ("name", "table", "z", "mass"),
    [
        ("babar-4mu", "babar_4mu", 1.2815515655, 598.51),
        ("cms-4mu", "cms_4mu", 1.6448536270, 11995.0),
        ("belle2-invisible", "belle2_invisible", 1.2815515655, 3212.1),
    ],
)
def test_registered_limits_are_their_curves(name, table, z, mass):
    exp = lmt.experiment(name)
    assert exp.status == "approximate"
    curve = tables.read(f"constraints/{table}")
    limit = float(curve["g_x"][curve["mass_mev"] == mass][0])
    like = lmt.JointLikelihood([exp], lmt.LMU_LTAU, "observed", check=False)
    null = like.log_likelihood(lmt.HiddenPhoton(0.0, mass, 0.0))
    for fraction in (0.5, 1.0, 2.0):
        found = like.log_likelihood(lmt.HiddenPhoton(fraction * limit, mass, 0.0)) - null
        assert float(found) == pytest.approx(-0.5 * z**2 * fraction**4, rel=1e-9)


@given(log_g=st.floats(-5, -1), mass=st.floats(250.0, 7000.0))
def test_lmu_from_lmu_ltau_by_branching_ratio(log_g, mass):
    visible, invisible = _babar(), _belle()
    photon = lmt.HiddenPhoton(10.0**log_g, mass, 0.0)
    for exp, channel in ((visible, "mu"), (invisible, "invisible")):
        ratio = exp.expected(lmt.LMU, photon)[0] / exp.expected(lmt.LMU_LTAU, photon)[0]
        expected = lmt.branching_ratio(lmt.LMU, photon, channel) / lmt.branching_ratio(lmt.LMU_LTAU, photon, channel)
        low, high = np.exp(exp.log_mass_range)
        if low < mass < high:
            assert float(ratio) == pytest.approx(float(expected), rel=1e-9)


@functools.cache
def _babar():
    return lmt.experiment("babar-4mu")


@functools.cache
def _belle():
    return lmt.experiment("belle2-invisible")


def test_production_goes_with_the_muons_coupling():
    # Belle II at 1 GeV, Lmu-Ltau, eps = -g: (1 - e)^2 of the bosons, and BR_inv = 2/(2 + 2 (1 - e)^2 + 2 e^2) up to
    # thresholds (m_mu/M)^4 6: 7e-4. The published curve is one without mixing, BR_inv = 1/2.
    charge = np.sqrt(4 * np.pi / 137.035999177)
    mixed, plain = (_belle().expected(lmt.LMU_LTAU, lmt.HiddenPhoton(1e-2, 1000.0, eps))[0] for eps in (-1e-2, 0.0))
    muon = (1.0 - charge) ** 2
    assert float(mixed / plain) == pytest.approx(muon * 2.0 / (1.0 + muon + charge**2), rel=1e-3)


def test_a_limit_on_decays_through_mixing_names_the_mixing():
    photon = lmt.HiddenPhoton(2e-3, 100.0, 2e-3 / -70.0)
    exp = published_limit("mine", CURVE, channel="e", reference=lmt.LMU_LTAU.with_mixing("paper"))
    assert float(exp.expected(lmt.LMU_LTAU, photon)[0]) == pytest.approx(1.0, rel=1e-9)
    with pytest.raises(
        InvalidArgument, match=r"`reference` must decay into 'e'; 'Lmu-Ltau' with mixing 'free' does not"
    ):
        published_limit("mine", CURVE, channel="e")


def test_high_mass_limits_of_the_scaling():
    # BR(mu mu): 1/3 -> 1/2 between the tau threshold's two sides: g_lim(Lmu) = g_lim sqrt(BR/BR'), 0.71 above 2 m_tau
    # (BR 1/3 against 2/3), 0.866 below it (1/2 against 2/3), as the table of the curves says.
    exp = _babar()
    for mass, factor, tolerance in ((7000.0, 0.71, 0.01), (1500.0, 0.866, 0.01)):
        photon = lmt.HiddenPhoton(1e-3, mass, 0.0)
        ratio = exp.expected(lmt.LMU_LTAU, photon)[0] / exp.expected(lmt.LMU, photon)[0]
        assert float(jnp.sqrt(ratio)) == pytest.approx(factor, abs=tolerance)


@pytest.mark.parametrize(
    "model",
    [lmt.LMU_LTAU, *(pytest.param(m, marks=pytest.mark.slow) for m in (lmt.LMU, lmt.GaugeModel("e only", {"e": 1})))],
)
@pytest.mark.parametrize("mass", [1.0, 2 * 105.6583755, 213.0, 3553.86, 6000.0, 7700.0, 1e6])
@pytest.mark.parametrize("g_x", [0.0, 1e-3])
def test_values_and_gradients_are_finite_everywhere(model, mass, g_x):
    for exp in (_babar(), _belle()):

        def strength(g, m, eps, exp=exp):
            return exp.expected(model, lmt.HiddenPhoton(g, m, eps))[0]

        for eps in (0.0, -1e-5):
            value, slope = jax.value_and_grad(strength, (0, 1, 2))(g_x, mass, eps)
            assert np.isfinite([value, *slope]).all()


def test_beyond_its_ends_a_limit_fades_to_nothing_and_says_so_smoothly():
    exp = published_limit("mine", CURVE)
    inside = exp.expected(lmt.LMU, lmt.HiddenPhoton(1e-3, jnp.array([10.0, 1000.0]), 0.0))[:, 0]
    np.testing.assert_allclose(inside, [1.0, 0.01], rtol=1e-12)
    outside = lmt.HiddenPhoton(1e-3, jnp.array([1.0, 10.0 * np.exp(-FADE), 1000.0 * np.exp(FADE), 1e5]), 0.0)
    np.testing.assert_allclose(exp.expected(lmt.LMU, outside)[:, 0], 0.0, atol=1e-12)
    slope = jax.vmap(jax.grad(lambda m: exp.expected(lmt.LMU, lmt.HiddenPhoton(1e-3, m, 0.0))[0]))
    edges = 10.0 * np.exp(-FADE * np.array([0.0, 0.3, 0.7, 1.0, 1.3]))
    assert np.isfinite(slope(edges)).all()
    np.testing.assert_allclose(slope(edges)[-1], 0.0, atol=1e-12)


def test_a_users_curve_from_a_file_or_from_arrays(tmp_path):
    path = tmp_path / "curve.csv"
    rows = "\n".join(f"{m},{g}" for m, g in zip(*CURVE, strict=True))
    path.write_text(f"# Somebody, arXiv:0000.00000\nmass_mev,g_x\n{rows}\n")
    from_file = published_limit("mine", path, cl=0.95, channel=None, citation="Somebody, arXiv:0000.00000")
    from_arrays = published_limit("mine", CURVE, cl=0.95)
    photon = lmt.HiddenPhoton(1.5e-3, jnp.geomspace(5.0, 2000.0, 30), 0.0)
    np.testing.assert_array_equal(from_file.expected(lmt.LMU, photon), from_arrays.expected(lmt.LMU, photon))
    np.testing.assert_array_equal(from_file.expected(lmt.LMU, photon), from_file.expected(lmt.LMU_LTAU, photon))
    assert from_file.citation == "Somebody, arXiv:0000.00000"
    # Between the points a digitised curve does not overshoot.
    between = np.asarray(from_file.limit(jnp.geomspace(10.0, 1000.0, 200)))
    assert np.all(np.diff(between) > 0)
    lmt.JointLikelihood([from_file, "muon-g2-2025"], lmt.LMU, "observed")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: published_limit("x", "nowhere.csv"), "`curve` must be the path of a CSV file that exists"),
        (lambda: published_limit("x", 3.0), r"`curve` must be the path of a CSV file, or two arrays"),
        (lambda: published_limit("x", ([1.0, 1.0], [1.0, 1.0])), "`curve masses` must be a strictly increasing"),
        (lambda: published_limit("x", ([1.0, 2.0], [1.0, -1.0])), "`curve limits` must be finite and positive"),
        (lambda: published_limit("x", ([1.0, 2.0], [1.0])), r"`curve limits` must be an array of shape \(2,\)"),
        (lambda: published_limit("x", CURVE, cl=90), "`cl` must be a confidence level between 0.5 and 1"),
        (lambda: published_limit("x", CURVE, channel="nu"), "`channel` must be one of"),
        (
            lambda: published_limit("x", CURVE, channel="e", reference=lmt.GaugeModel("dark", {})),
            "`reference` must be a model in which the muon",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_a_file_without_the_columns(tmp_path):
    path = tmp_path / "curve.csv"
    path.write_text("m,g\n1,2\n")
    with pytest.raises(InvalidArgument, match=r"must have columns mass_mev and g_x; curve.csv lacks mass_mev, g_x"):
        published_limit("x", path)
    with pytest.raises(UnknownName, match="nuisance of experiment"):
        lmt.experiment("babar-4mu", nuisances=("flux",))


def test_a_users_measurement():
    def shift(model, photon):
        return 1e11 * lmt.delta_a_mu(photon, model)

    mine = measurement("mine", 251.0, 59.0, shift, citation="Somebody")
    preset = lmt.muon_g2((251.0, 59.0), (0.0, 1e-9))
    photon = lmt.HiddenPhoton(jnp.array([0.0, 5e-4, 1e-3]), 15.0, 0.0)
    np.testing.assert_allclose(mine.expected(lmt.LMU, photon), preset.expected(lmt.LMU, photon), rtol=1e-12)
    like = [lmt.JointLikelihood([e], lmt.LMU, "observed") for e in (mine, preset)]
    np.testing.assert_allclose(like[0].log_likelihood(photon), like[1].log_likelihood(photon), rtol=1e-12)
    split = measurement("split", 1.0, (2.0, 0.5), lambda model, photon: 1.0 + photon.g_x)
    assert float(split.term.sigma_plus[0]) == 2.0
    for call, message in (
        (lambda: measurement("x", np.nan, 1.0, shift), "`value` must be finite"),
        (lambda: measurement("x", 1.0, (1.0, -1.0), shift), "`sigma` must be finite and positive"),
        (lambda: measurement("x", 1.0, (1.0, 1.0, 1.0), shift), r"`sigma` must be a number, or \(upper, lower\)"),
        # Two numbers would count ln L twice.
        (
            lambda: measurement("x", 1.0, 1.0, lambda m, p: jnp.ones(2)),
            r"one finite number; got an array of shape \(2,\)",
        ),
        (
            lambda: measurement("x", 1.0, 1.0, lambda m, p: [1.0, 2.0]),
            r"one finite number; got an array of shape \(2,\)",
        ),
        (lambda: measurement("x", 1.0, 1.0, lambda m, p: jnp.log(-p.g_x)), r"`function` must .* got nan at g_x = 5e-4"),
        (lambda: measurement("x", 1.0, 1.0, lambda m, p: np.log10(p.g_x)), r"`function` must .* jax cannot trace"),
        (lambda: measurement("x", 1.0, 1.0, lambda m, p: 1.0 if p.mass > 10 else 2.0), r"`function` .* cannot trace"),
        (lambda: measurement("x", 1.0, 1.0, lambda m, p: math.sqrt(p.mass)), r"`function` must .* jax cannot trace"),
        (lambda: measurement("x", 1.0, 1.0, lambda m, p: None), r"`function` must .* one finite number; got"),
        (lambda: measurement("x", 1.0, 1.0, lambda m, p: 1j * p.g_x), r"`function` must .* one finite number; got"),
    ):
        with pytest.raises(InvalidArgument, match=message):
            call()


def test_names_of_data_are_a_list_not_one_word():
    curve = ([2.0, 6000.0], [3e-3, 1.0])
    for make in (
        lambda: published_limit("b2", curve, channel="invisible", data_sets="belle2-invisible"),
        lambda: measurement("b2", 1.0, 0.1, lambda model, photon: 1.0 + 0.0 * photon.g_x, data_sets="belle2-invisible"),
    ):
        with pytest.raises(InvalidArgument, match="`data_sets` must be a tuple of non-empty strings"):
            make()
    b2 = published_limit("b2", curve, channel="invisible", data_sets=("belle2-invisible",))
    with pytest.raises(InvalidArgument, match="must not count data twice"):
        lmt.JointLikelihood([b2, "belle2-invisible"], lmt.LMU_LTAU, "observed", check=False)


def test_units_that_slipped():
    with pytest.raises(InvalidArgument, match="couplings, at most 1 somewhere; is a power of ten missing"):
        published_limit("x", ([10.0, 100.0], [3.0, 4.0]))
    with pytest.warns(UnitsWarning, match=r"end at 0.1 MeV, .*: they look like GeV"):
        published_limit("x", ([0.01, 0.1], [1e-3, 1e-3]))


def test_a_users_registered_limit_widens_the_settings_range(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))

    def build(*, name="my-search"):
        return published_limit(name, ([5e3, 8e4], [3e-3, 0.2]), cl=0.95, channel="mu")

    lmt.register("my-search", build)
    assert masses_of(["my-search", "muon-g2-2025"]) == (1.0, 1e5)
    assert FitSettings(experiments=("my-search", "muon-g2-2025"), data="observed").mass == (1.0, 1e5)
