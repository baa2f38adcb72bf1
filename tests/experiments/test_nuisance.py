"""Constraints: value and pull are inverses, densities are normalised, names are shared or conflict."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lmtbayes.errors import InvalidArgument, NuisanceConflict
from lmtbayes.experiments.base import active_names
from lmtbayes.experiments.nuisance import (
    Constraint,
    Gaussian,
    GaussianMixture,
    LogNormal,
    Nuisance,
    TruncatedGaussian,
    central_values,
    merge,
)
from lmtbayes.inference.likelihood.constraints import Constraints

CONSTRAINTS = [
    Gaussian(5.0, 0.3),
    LogNormal(0.1, 2.0),
    TruncatedGaussian(0.3, 0.2, 0.0, 1.0),
    GaussianMixture((43.3, 48.5), (1.0, 0.8), (0.4, 0.6)),
]
IDS = [type(c).__name__ for c in CONSTRAINTS]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=IDS)
@given(pull=st.floats(-4, 4))
def test_value_and_pull_are_inverses(constraint, pull):
    # 1e-8: the truncated Gaussian goes through Phi and its inverse, whose tails lose digits.
    assert float(constraint.pull(constraint.value(pull))) == pytest.approx(pull, abs=1e-8)
    assert float(jax.grad(constraint.value)(pull)) > 0


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=IDS)
def test_density_of_the_pull_is_normalised(constraint):
    density = jax.jit(lambda z: jax.numpy.exp(constraint.distribution().log_prob(z)))
    integral, _ = scipy.integrate.quad(lambda z: float(density(z)), -30, 30, points=[-7, -1, 0, 1], limit=200)
    assert integral == pytest.approx(1.0, abs=1e-7)


def test_values_follow_the_stated_distribution():
    truncated = CONSTRAINTS[2]
    reference = scipy.stats.truncnorm((0 - 0.3) / 0.2, (1 - 0.3) / 0.2, 0.3, 0.2)
    for pull in (-2.0, 0.0, 1.5):
        quantile = scipy.stats.norm.cdf(pull)
        assert float(truncated.value(pull)) == pytest.approx(reference.ppf(quantile), rel=1e-9)
    assert float(CONSTRAINTS[1].value(1.0)) == pytest.approx(0.2)
    assert truncated.central == pytest.approx(0.3, rel=1e-12)


def test_octants_keep_their_weights():
    mixture = CONSTRAINTS[3]
    z = np.linspace(-14, 9, 20001)
    density = np.exp(np.asarray(mixture.distribution().log_prob(z)))
    theta = np.asarray(mixture.value(z))
    mean = np.trapezoid(theta * density, z)
    assert mean == pytest.approx(0.4 * 43.3 + 0.6 * 48.5, rel=1e-6)
    assert mixture.central == 48.5


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Gaussian(1.0, 0.0), "`sigma` must be finite and positive"),
        (lambda: LogNormal(-1.0, 2.0), "`median` must be finite and positive"),
        (lambda: LogNormal(1.0, 1.0), "`factor` must be above 1"),
        (lambda: TruncatedGaussian(2.0, 1.0, 0.0, 1.0), r"`mean` must be inside \(low, high\)"),
        (lambda: TruncatedGaussian(0.0, 1.0, 0.0, np.inf), r"`mean` must be inside \(low, high\)"),
        (lambda: TruncatedGaussian(60.0, 1.0, 0.0, 1.0), r"`mean` must be inside \(low, high\)"),
        (lambda: LogNormal(1.0, np.inf), "`factor` must be above 1"),
        (lambda: GaussianMixture((1.0,), (1.0, 2.0), (1.0,)), "`means` must be as many"),
    ],
)
def test_bad_input(build, message):
    with pytest.raises(InvalidArgument, match=message):
        build()


def test_one_name_is_one_thing():
    flux = Nuisance("flux", Gaussian(1.0, 0.1), "scales")
    same = Nuisance("flux", Gaussian(1.0, 0.1), "scales another detector")
    other = Nuisance("flux", Gaussian(1.0, 0.2), "scales")
    assert merge((flux, same), ("a", "b")) == (flux,)
    with pytest.raises(NuisanceConflict, match=r"'flux'.*'a'.*sigma=0.1.*'b'.*sigma=0.2"):
        merge((flux, other), ("a", "b"))


@dataclass(frozen=True)
class Own(Constraint):
    """A user's constraint, right unless told otherwise."""

    to_value: Callable
    to_pull: Callable

    def value(self, pull):
        return self.to_value(pull)

    def pull(self, value):
        return self.to_pull(value)


@pytest.mark.parametrize(
    ("forth", "back", "message"),
    [
        (lambda p: -p, lambda v: -v, "`value` that increases with the pull"),
        (lambda p: 2.0 * p, lambda v: v, "`pull` as inverse"),
        (lambda p: jnp.log(p), lambda v: jnp.exp(v), "got value = "),
        (lambda p: jnp.stack([p, p]), lambda v: v[0], r"numbers at a number; got shapes \[\(2,\)"),
        (lambda p: np.exp(p), lambda v: np.log(v), "must be written with jax.numpy"),
    ],
)
def test_a_user_s_own_constraint_is_tried(forth, back, message):
    with pytest.raises(InvalidArgument, match=message):
        Nuisance("flux", Own(forth, back), "scales")
    assert Nuisance("flux", Own(jnp.sinh, jnp.arcsinh), "scales").constraint.central == 0.0


def test_a_nuisance_says_itself_whether_a_fit_has_it_free():
    flux = Nuisance("flux", Gaussian(1.0, 0.1), "scales the signal")
    strength = Nuisance("strength", Gaussian(2.0, 10.0), "scales the signal", free_by_default=False)
    assert active_names((flux, strength), None) == ("flux",)
    assert active_names((flux, strength), ("strength", "flux")) == ("flux", "strength")
    assert active_names((flux, strength), ()) == ()
    assert {name: float(x) for name, x in central_values((flux, strength)).items()} == {"flux": 1.0, "strength": 2.0}


def test_a_constraint_knows_whether_its_pull_is_a_standard_normal():
    assert [constraint.is_standard for constraint in CONSTRAINTS] == [True, True, True, False]


def test_values_of_several_of_one_kind_are_those_of_each():
    nuisances = [Nuisance(f"n{i}", c, "is tried") for i, c in enumerate([*CONSTRAINTS, *CONSTRAINTS[::-1]])]
    pulls = jnp.linspace(-2.0, 3.0, len(nuisances))
    each = [n.constraint.value(pull) for n, pull in zip(nuisances, pulls, strict=True)]
    np.testing.assert_allclose(Constraints(nuisances).values(pulls), each, rtol=1e-14)
    assert Constraints([]).values(jnp.zeros(0)).shape == (0,)
