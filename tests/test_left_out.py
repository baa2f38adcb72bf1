"""What a rate leaves out of a model is said, once, where a user calls; and nothing is said of the paper's models."""

import warnings

import jax
import jax.numpy as jnp
import pytest

import lmtbayes as lmt
from lmtbayes.errors import LeftOutWarning

B_MINUS_L = lmt.GaugeModel("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3}, mixing=0.0)
LE_LMU = lmt.GaugeModel("Le-Lmu", {"e": 1, "mu": -1})
PHOTON = lmt.HiddenPhoton(1e-4, 500.0, 0.0)


@pytest.mark.parametrize(
    ("name", "model", "what"),
    [
        ("na64mu", B_MINUS_L, "decays to hadrons"),
        ("babar-4mu", LE_LMU, "production off 'e'"),
        ("belle2-invisible", B_MINUS_L, "production off 'e', 'u', 'd'"),
        ("cms-4mu", B_MINUS_L, "decays to hadrons"),
        ("borexino-7be", LE_LMU, "its potential in the Sun's matter"),
        ("xenonnt-8b", LE_LMU, "its potential in the Sun's matter"),
        ("n-eff", LE_LMU, "the entropy that the boson gives to electrons"),
    ],
)
def test_entries_say_it_in_a_likelihood(name, model, what):
    exp = lmt.experiment(name)
    assert any(what in sentence for sentence in exp.left_out(model))
    assert exp.left_out(lmt.LMU) == exp.left_out(lmt.LMU_LTAU) == ()
    data = {name: exp.expected_counts(lmt.LMU, PHOTON)}
    with pytest.warns(LeftOutWarning) as caught:
        lmt.JointLikelihood([exp], model, data, check=False)
    said = [str(w.message) for w in caught]
    assert said == [f"experiment {name!r} leaves out of model {model.name!r} {s}" for s in exp.left_out(model)]


def test_nothing_is_left_out_where_the_equations_hold_for_any_charge():
    for name in ("ess", "muon-g2-2021", "ccfr-trident", "coherent-csi-2021"):
        for model in (B_MINUS_L, LE_LMU):
            assert lmt.experiment(name).left_out(model) == ()
    # The same potential for every flavour changes no oscillation.
    assert lmt.experiment("borexino-7be").left_out(B_MINUS_L) == ()


def test_once_a_model_and_entry_and_not_inside_jit():
    exp = lmt.experiment("n-eff")
    other = lmt.GaugeModel("Le-Ltau", {"e": 1, "tau": -1})
    # Both are traced before: where tests check annotations that changes filters, and Python forgets what it has shown.
    for model in (LE_LMU, other):
        said(lambda model=model: exp.expected(model, PHOTON))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            exp.expected(LE_LMU, PHOTON)
        assert len(caught) == 1
        exp.expected(other, PHOTON)
        assert len(caught) == 2
    # Would be an error in this suite.
    jax.jit(lambda photon: exp.expected(LE_LMU, photon))(PHOTON)


def test_widths_say_it_above_two_pions():
    with pytest.warns(LeftOutWarning, match="width 'total' leaves out of model 'B-L' decays to hadrons"):
        lmt.branching_ratio(B_MINUS_L, PHOTON, "nu")
    lmt.branching_ratio(B_MINUS_L, lmt.HiddenPhoton(1e-4, 200.0, 0.0), "nu")
    lmt.branching_ratio(LE_LMU, PHOTON, "nu")
    lmt.decay_width(B_MINUS_L, PHOTON, "nu")


def said(call):
    """Sentences of all warnings of a call, none of them held back."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(w.category is LeftOutWarning for w in caught)
    return [str(w.message) for w in caught]


MANY = lmt.HiddenPhoton(jnp.array([1e-4, 2e-4]), 500.0, 0.0)
FIXED = LE_LMU.with_mixing(0.0)


@pytest.mark.parametrize(
    ("call", "count"),
    [
        (lambda: lmt.decay_width(B_MINUS_L, PHOTON, "total"), 1),
        (lambda: lmt.decay_length_cm(B_MINUS_L, PHOTON, 1e5), 1),
        (lambda: lmt.branching_ratio(B_MINUS_L, PHOTON, "total"), 1),
        (lambda: lmt.branching_ratio(B_MINUS_L, MANY, "mu"), 1),
        # The width inside says the same as the experiment, in other words.
        (lambda: lmt.experiment("na64mu").expected_counts(B_MINUS_L, PHOTON), 1),
        (lambda: lmt.experiment("na64mu").signal_counts(B_MINUS_L, MANY), 1),
        (lambda: lmt.experiment("babar-4mu").expected(B_MINUS_L, PHOTON), 2),
        (lambda: lmt.experiment("darwin-nr").differential_rate(LE_LMU, PHOTON, 2.0), 1),
        (lambda: lmt.discovery_exposure("darwin-nr", FIXED, PHOTON), 1),
        (lambda: lmt.discovery_exposure("darwin-nr", FIXED, MANY, threshold_kev=jnp.array([1.0, 3.9])), 1),
    ],
)
def test_each_fact_once_in_a_call(call, count):
    found = said(call)
    assert len(found) == count
    # What a likelihood or a rate said stays said for that call alone.
    assert said(call) == found


def test_each_fact_once_in_a_likelihood():
    """Of every experiment, and not again by the rates and widths inside; of the truth what is true of it alone."""
    names = ["na64mu", "babar-4mu"]
    truth = lmt.asimov(B_MINUS_L, PHOTON)
    found = said(lambda: lmt.JointLikelihood(names, B_MINUS_L, truth, check=False))
    assert [text.partition(" leaves")[0] for text in found] == ["experiment 'na64mu'"] + 2 * ["experiment 'babar-4mu'"]
    data = {"na64mu": jnp.ones(lmt.experiment("na64mu").n_bins), "babar-4mu": jnp.zeros(1)}
    like = lmt.JointLikelihood(names, lmt.LMU_LTAU, data, check=False)
    assert len(said(lambda: like.with_data(truth))) == 1  # published data stay what they are
    assert len(said(lambda: lmt.JointLikelihood(names, lmt.LMU_LTAU, truth, check=False))) == 1
    # A fact about the truth's model, not the likelihood's.
    found = said(lambda: lmt.JointLikelihood(["xenonnt-nr"], B_MINUS_L, lmt.asimov(FIXED, PHOTON), check=False))
    assert len(found) == 1
    assert "'Le-Lmu'" in found[0]
