"""Likelihood terms: how expected and observed numbers of one experiment are compared.

A term is a rule that gives a numpyro distribution of the data. Log-likelihood, numpyro model, toys and
posterior-predictive draws all use that one distribution.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument

_SMALLEST_RATE = 1e-30
"""Keeps log(rate) finite where a bin expects nothing; observed 0 then still has probability 1."""


class Term(eqx.Module):
    """Abstract: a distribution of the data of one experiment, given what is expected.

    A subclass gives `distribution`, and says below what holds of it; statistical methods ask for nothing else. What is
    said of a distribution goes with it: a subclass that gives another one says it again, or it does not hold.
    """

    counts_events: ClassVar[bool] = False
    """Whether the data are numbers of events, whose distribution is skew where few are expected."""
    is_poisson: ClassVar[bool] = False
    """Whether `distribution` is Poisson in every bin: sums of bins then are, and limits of few events are exact."""
    draws_poisson: ClassVar[bool] = False
    """Whether `sample` draws Poisson counts of what is expected (none where that is negative)."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = cls.__dict__
        if "distribution" in own and "is_poisson" not in own:
            cls.is_poisson = False
        if {"distribution", "sample"} & own.keys() and "draws_poisson" not in own:
            cls.draws_poisson = False

    def distribution(
        self, expected: Float[Array, "*batch bins"], data: Float[Array, "*batch bins"] | None = None
    ) -> dist.Distribution:
        """Distribution of the data, one independent entry a bin.

        `data` are needed only by a term whose width is taken from them; None stands for `expected` (toys).
        """
        raise NotImplementedError

    def log_prob(
        self, expected: Float[Array, "*batch bins"], data: Float[Array, "*batch bins"]
    ) -> Float[Array, "*batch bins"]:
        """Log-likelihood of each bin."""
        return self.distribution(expected, data).log_prob(data)

    def sample(self, key: Array, expected: Float[Array, "*batch bins"]) -> Float[Array, "*batch bins"]:
        """Draw toy data."""
        return jnp.asarray(self.distribution(expected).sample(key), dtype=float)

    def saturated_log_prob(self, data: Float[Array, "*batch bins"]) -> Float[Array, "*batch bins"]:
        """Log-likelihood of each bin where the expectation equals the data: the reference of a goodness of fit."""
        return self.log_prob(data, data)


class Poisson(Term):
    """Counts. Asimov data may be no integers: the factorial is a gamma function."""

    counts_events = True
    is_poisson = True
    draws_poisson = True

    def distribution(
        self,
        expected: Float[Array, "*batch bins"],
        data: Float[Array, "*batch bins"] | None = None,  # noqa: ARG002 - the width is the expectation's own
    ) -> dist.Distribution:
        """Poisson of each bin."""
        # Unvalidated: numpyro would warn of Asimov counts that are no integers.
        return dist.Poisson(jnp.maximum(expected, _SMALLEST_RATE), validate_args=False)


class Gaussian(Term):
    """A measurement with a fixed standard deviation in each bin."""

    sigma: np.ndarray

    def __init__(self, sigma: object):
        _checks.positive("sigma", sigma)
        self.sigma = np.atleast_1d(np.asarray(sigma, dtype=float))

    def distribution(
        self,
        expected: Float[Array, "*batch bins"],
        data: Float[Array, "*batch bins"] | None = None,  # noqa: ARG002
    ) -> dist.Distribution:
        """Normal of each bin."""
        return dist.Normal(expected, self.sigma, validate_args=False)


class GaussianCounts(Term):
    """Counts, background included, as Gaussians whose variance is the data's own count (Neyman's chi^2).

    This is Eq. 34 of arXiv:2104.03297: what it compares is N_obs = data - background with N_th = expected - background,
    with variance N_obs + N_bkg, which is the data. The variance is fixed to the data, so that the chi^2 is quadratic in
    the expectation and a pull on it is analytic. A bin without counts has variance 1. Toys are Poisson counts.
    """

    counts_events = True
    draws_poisson = True

    def distribution(
        self, expected: Float[Array, "*batch bins"], data: Float[Array, "*batch bins"] | None = None
    ) -> dist.Distribution:
        """Normal of each bin, sigma^2 = data."""
        variance = jnp.asarray(expected if data is None else data)
        return dist.Normal(expected, jnp.sqrt(jnp.where(variance > 0.0, variance, 1.0)))

    def sample(self, key: Array, expected: Float[Array, "*batch bins"]) -> Float[Array, "*batch bins"]:
        """Poisson(expected)."""
        return jnp.asarray(jax.random.poisson(key, jnp.maximum(expected, 0.0)), dtype=float)


def check_term(term: Term, n_bins: int, name: str) -> None:
    """Require a term that gives one log-likelihood a bin; its arrays (widths, say) are then of the bins' number.

    Raises
    ------
    InvalidArgument
        No Term, or one of another number of bins; the message names the experiment.
    """
    if not isinstance(term, Term):
        raise _checks.invalid("term", term, "a likelihood term, such as Poisson() or Gaussian(sigma)")
    bins = jax.ShapeDtypeStruct((n_bins,), jnp.result_type(float))
    expected = f"of one log-likelihood a bin, shape ({n_bins},)"
    try:
        found = jax.eval_shape(term.log_prob, bins, bins).shape
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            f"`term` of experiment {name!r} must be {expected}; {type(term).__name__} fails with: "
            f"{str(error).splitlines()[0]}"
        ) from error
    if found != (n_bins,):
        raise InvalidArgument(f"`term` of experiment {name!r} must be {expected}; got shape {found}")
