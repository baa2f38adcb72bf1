"""The template of error messages: argument, what it must be, what it is, what was probably meant."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, LmtbayesError, UnknownName


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: _checks.finite("x", [1.0, np.inf]), "`x` must be finite"),
        (lambda: _checks.positive("x", 0.0, "MeV"), r"`x` must be finite and positive \[MeV\]; got 0.0"),
        (lambda: _checks.positive("x", "ten"), "`x` must be finite and positive; got 'ten'"),
        (lambda: _checks.positive("x", "10"), "`x` must be finite and positive; got '10'"),
        (lambda: _checks.finite("x", np.array([1.0j])), "`x` must be a number"),
        (lambda: _checks.non_negative("x", -1e-30), "not negative; got -1e-30"),
        (lambda: _checks.in_interval("efficiency", 1.1, 0, 1), "`efficiency` must be between 0 and 1; got 1.1"),
        (lambda: _checks.in_interval("efficiency", np.nan, 0, 1), "got nan"),
        (lambda: _checks.increasing("edges", [1.0, 3.0, 2.0]), "strictly increasing sequence"),
        (lambda: _checks.increasing("edges", [1.0]), "at least 2"),
        (lambda: _checks.shape("x", np.ones((2, 2)), (2,)), r"shape \(2,\); got shape \(2, 2\)"),
        (lambda: _checks.scalar("x", [1.0, 2.0]), r"`x` must be a single number; got \[1.0, 2.0\]"),
        (lambda: _checks.shape("x", "ten", ()), "`x` must be a single number; got 'ten'"),
        (lambda: _checks.positive("x", np.float64(-2.0)), "got -2.0"),
        (lambda: jax.jit(lambda x: _checks.scalar("x", x))(np.ones(2)), "a single number"),
        (lambda: _checks.one_of("mode", "Paper", ("paper", "default")), r"did you mean 'paper'"),
        (lambda: _checks.one_of("mode", "pape", ("paper", "default")), r"got 'pape' \(did you mean 'paper'\?\)"),
    ],
)
def test_messages(call, message):
    with pytest.raises(InvalidArgument, match=message) as caught:
        call()
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, LmtbayesError)


TRUTHS = [
    True,
    False,
    np.True_,
    np.array([True]),
    np.array([True, 2.0], dtype=object),
    [1.0, True],
    ((0.5, 1.0), (False, 1.0)),
]


@pytest.mark.parametrize("value", [*TRUTHS, jnp.array([True]), np.array("2026-01-01", dtype="datetime64[D]")], ids=str)
@pytest.mark.parametrize(
    "check",
    [
        _checks.number,
        _checks.scalar,
        _checks.finite,
        _checks.positive,
        _checks.non_negative,
        _checks.coupling,
        _checks.fraction,
        _checks.masses,
        _checks.increasing,
        lambda name, value: _checks.in_interval(name, value, 0.0, 1.0),
        lambda name, value: _checks.shape(name, value, np.asarray(value).shape),
    ],
)
def test_true_and_false_are_no_numbers(check, value):
    with pytest.raises(InvalidArgument, match=r"`x` must be .*; got "):
        check("x", value)


def test_true_and_false_are_no_traced_numbers_either():
    with pytest.raises(InvalidArgument, match="`x` must be finite and positive; got"):
        jax.jit(lambda x: _checks.positive("x", x > 0.0))(1.0)


def test_one_of_tells_true_from_one():
    _checks.one_of("x", True, (True, False))
    _checks.one_of("x", 1.0, (1, 2))
    for value in (True, np.True_, np.array([1, 2]), [1]):
        with pytest.raises(InvalidArgument, match="`x` must be one of 1, 2; got"):
            _checks.one_of("x", value, (1, 2))


def test_unknown_names_list_what_exists():
    error = _checks.unknown("experiment", "es", ("ess", "ess10"))
    assert isinstance(error, UnknownName)
    assert isinstance(error, LookupError)
    assert "accepted: ess, ess10" in str(error)


def test_traced_values_pass():
    def function(x):
        _checks.positive("x", x)
        _checks.finite("x", x)
        return x

    assert float(jax.jit(function)(-1.0)) == -1.0
