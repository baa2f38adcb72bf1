"""HiddenPhoton, GaugeModel and the benchmarks: values, pytree behaviour, bad input."""

import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lmtbayes as lmt
from lmtbayes.constants import ELECTRIC_CHARGE
from lmtbayes.errors import InvalidArgument, UnitsWarning, UnknownName


def test_benchmarks_are_table_1():
    table = {"BP1": (15.0, 5e-4), "BP2": (25.0, 6e-4), "BP3": (50.0, 6e-4), "BP4": (100.0, 1e-3)}
    assert set(lmt.BENCHMARKS) == set(table)
    for name, (mass, g_x) in table.items():
        photon = lmt.BENCHMARKS[name]
        assert (photon.mass, photon.g_x, photon.eps_x) == (mass, g_x, -g_x / 70)


def test_unknown_benchmark_is_told_what_exists():
    with pytest.raises(UnknownName, match=r"'BP5'.*accepted: BP1, BP2, BP3, BP4"):
        lmt.BENCHMARKS["BP5"]


def test_case_is_a_near_miss():
    with pytest.raises(UnknownName, match=r"did you mean 'BP1'"):
        lmt.BENCHMARKS["bp1"]


def test_photon_is_a_pytree_of_three_arrays_that_survives_transformations():
    photon = lmt.HiddenPhoton(jnp.array([1e-4, 2e-4]), 10.0, -1e-6)
    assert photon.shape == (2,)
    assert len(jax.tree.leaves(photon)) == 3
    doubled = jax.jit(lambda p: jax.tree.map(lambda x: 2 * x, p))(photon)
    assert isinstance(doubled, lmt.HiddenPhoton)
    np.testing.assert_array_equal(doubled.g_x, [2e-4, 4e-4])
    slope = jax.grad(lambda p: p.g_x * p.mass + p.eps_x)(lmt.HiddenPhoton(1e-4, 10.0, 0.0))
    assert (slope.g_x, slope.mass, slope.eps_x) == (10.0, 1e-4, 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1e-4, 10.0, 0.0), r"`g_x` must be finite and not negative; got -0.0001"),
        ((np.nan, 10.0, 0.0), r"`g_x`.*nan"),
        ((1e-4, 0.0, 0.0), r"`mass` must be finite and positive \[MeV\]; got 0.0"),
        ((1e-4, -3.0, 0.0), r"`mass`.*-3.0"),
        ((1e-4, np.inf, 0.0), r"`mass`.*inf"),
        ((1e-4, 10.0, np.nan), r"`eps_x` must be finite"),
        ((15.0, 5e-4, 0.0), r"`g_x` must be at most 1, as a coupling is .*exchanged\?\); got 15.0"),
        ((5e-4, 15.0, -7.0), r"`eps_x` must be at most 1"),
        ((np.full(2, 1e-4), np.full(3, 1.0), 0.0), r"broadcast; got \(2,\), \(3,\), \(\)"),
    ],
)
def test_a_photon_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        lmt.HiddenPhoton(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lmt.HiddenPhoton(0.5, 5e-4, 0.0), r"`g_x` = 0\.5 at `mass` = 0\.0005 MeV: .*were they exchanged\?"),
        (lambda: lmt.HiddenPhoton(5e-4, 7e-6, 0.5), r"`eps_x` = 0\.5 at `mass` = 7e-06 MeV"),
        (lambda: lmt.HiddenPhoton(5e-4, 7e-6, -0.5), r"`eps_x` = -0\.5 .* a mass of 0\.5 MeV with a coupling of 7e-06"),
        (
            lambda: lmt.HiddenPhoton(np.array([1e-4, 0.3]), np.full((3, 1), 1e-3), 0.0),
            r"`g_x` = 0\.3 .*\(3 of 6 photons\)",
        ),
        (lambda: lmt.LMU_LTAU.with_mixing("paper").hidden_photon(0.5, 5e-4), "`g_x` = 0.5"),
    ],
)
def test_mass_and_coupling_that_look_exchanged(make, message):
    """Once, and not again where the photon is used."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        photon = make()
        photon.broadcast()
        jax.tree.map(lambda x: 2.0 * x, photon)
        if photon.shape == ():
            lmt.experiment("babar-4mu").expected(lmt.LMU_LTAU, photon)
            lmt.experiment("na64mu").expected(lmt.LMU_LTAU, photon)
    assert [w.category for w in caught] == [UnitsWarning]
    assert re.search(message, str(caught[0].message))


def test_light_or_strongly_coupled_bosons_alone_are_not_exchanged():
    lmt.HiddenPhoton(1.0, np.geomspace(0.01, 1e5, 8), -1.0)
    lmt.HiddenPhoton(np.geomspace(1e-9, 9e-3, 8), 1e-9, -9e-3)
    # A grid with both, but not at one point.
    lmt.HiddenPhoton(np.array([1e-4, 0.5]), np.array([1e-4, 10.0]), 0.0)


def test_models_hash_and_compare_by_content():
    again = lmt.GaugeModel("Lmu-Ltau", {"tau": -1, "mu": 1})
    assert again == lmt.LMU_LTAU
    assert hash(again) == hash(lmt.LMU_LTAU)
    assert lmt.LMU != lmt.LMU_LTAU
    assert lmt.LMU_LTAU.with_mixing("paper") != lmt.LMU_LTAU


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", {"muon": 1}), r"`charges` must be one of .*'mu'.*got 'muon'"),
        (("x", {"mu": np.inf}), r"`charges\['mu'\]` must be finite"),
        (("x", {"mu": 1, "tau": -1}, "loops"), r"`mixing` must be one of.*did you mean 'loop'"),
        (("x", {"mu": 1, "tau": -1}, np.nan), r"`mixing` must be finite"),
        (("x", {"mu": 1}, "loop"), r"`new_physics_scale` must be given \[MeV\]"),
        (("x", {"mu": 1}, "loop", -1.0), r"`new_physics_scale` must be finite and positive"),
        (("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3}, "loop0", 1e5), r"quarks \(u, d\)"),
    ],
)
def test_a_model_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        lmt.GaugeModel(*arguments)


def test_mixing_rules_fill_in_eps():
    assert lmt.LMU_LTAU.with_mixing("paper").hidden_photon(7e-4, 20.0).eps_x == pytest.approx(-1e-5, rel=1e-15)
    assert lmt.LMU_LTAU.with_mixing(-1 / 10).hidden_photon(1e-3, 20.0).eps_x == pytest.approx(-1e-4, rel=1e-15)
    for rule in ("loop", "loop0"):
        assert lmt.LMU_LTAU.with_mixing(rule).mixing_ratio == pytest.approx(
            float(lmt.loop_mixing(lmt.LMU_LTAU)), rel=1e-14
        )
    with pytest.raises(InvalidArgument, match="'free'"):
        lmt.LMU_LTAU.hidden_photon(1e-3, 20.0)


def test_only_the_loop_rule_runs():
    q2 = -(np.array([10.0, 50.0, 100.0]) ** 2)
    np.testing.assert_array_equal(lmt.LMU_LTAU.with_mixing("loop0").running(q2), np.ones(3))
    # Eq. 10 integrated elsewhere, to three digits or more.
    np.testing.assert_allclose(lmt.LMU_LTAU.with_mixing("loop").running(q2), [0.9997, 0.992, 0.971], atol=5e-4)


@given(
    g_x=st.floats(1e-6, 1e-2), eps_x=st.floats(-1e-2, 1e-2), protons=st.integers(1, 90), neutrons=st.integers(1, 140)
)
def test_couplings_are_those_of_eq_9(g_x, eps_x, protons, neutrons):
    photon = lmt.HiddenPhoton(g_x, 10.0, eps_x)
    b_minus_l = lmt.GaugeModel("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3})
    assert float(lmt.LMU.electron_coupling(photon)) == pytest.approx(eps_x * ELECTRIC_CHARGE, rel=1e-14)
    assert float(lmt.LMU.nuclear_coupling(photon, protons, neutrons)) == pytest.approx(
        -eps_x * ELECTRIC_CHARGE * protons, rel=1e-14
    )
    assert float(b_minus_l.electron_coupling(photon)) == pytest.approx(-g_x + eps_x * ELECTRIC_CHARGE, rel=1e-12)
    assert float(b_minus_l.nuclear_coupling(photon, protons, neutrons)) == pytest.approx(
        g_x * (protons + neutrons) - eps_x * ELECTRIC_CHARGE * protons, rel=1e-9, abs=1e-15
    )


def test_photons_say_their_numbers():
    assert repr(lmt.HiddenPhoton(5e-4, 15, -5e-4 / 70)) == "HiddenPhoton(g_x=0.0005, mass=15, eps_x=-7.14286e-06)"
    many = lmt.HiddenPhoton(np.full((2, 1), 1e-4), np.array([1.0, 2.0, 3.0]), 0.0)
    assert repr(many) == "HiddenPhoton(g_x=array (2, 1), mass=array (3,), eps_x=0)"
    traced = []
    jax.jit(lambda photon: traced.append(repr(photon)) or photon.g_x)(many)
    assert traced == ["HiddenPhoton(g_x=traced (2, 1), mass=traced (3,), eps_x=traced ())"]
    # In jax's own machinery fields are whatever is mapped over.
    assert repr(jax.tree.map(lambda x: None, many)) == "HiddenPhoton(g_x=None, mass=None, eps_x=None)"
    assert "'BP1': HiddenPhoton(g_x=0.0005, mass=15, eps_x=-7.14286e-06), 'BP2'" in repr(lmt.BENCHMARKS)
    assert " at 0x" not in repr(lmt.BENCHMARKS)
