"""What data sets say of a design, from their evidences: plain functions of arrays, each a mean with its error.

An error is one standard deviation of the mean over data sets; that of a probability is Bayes's with a flat prior, which
is not zero where none or all of the data sets pass. The error of the evidences themselves is given apart.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

CENTRAL = 0.6827


class Estimate(NamedTuple):
    """A mean over data sets, and its standard deviation."""

    value: float
    error: float


def mean(values: Float[np.ndarray, " sets"]) -> Estimate:
    """Mean and standard deviation of the mean."""
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))


def probability(passed: np.ndarray) -> Estimate:
    """Part of the data sets that pass; the error is that of the Beta posterior under a flat prior."""
    number, size = float(passed.sum()), float(passed.size)
    a, b = number + 1.0, size - number + 1.0
    return Estimate(number / size, float(np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1.0)))))


def changed(before: np.ndarray, after: np.ndarray) -> Estimate:
    """Change of the part of the data sets that pass; one more change than was seen keeps the error from zero."""
    gained = after.astype(float) - before
    return Estimate(float(gained.mean()), float(np.sqrt(np.count_nonzero(gained) + 1.0) / gained.size))


def assurance(log_z: Float[np.ndarray, "models sets"], right: int, threshold: float) -> Estimate:
    """Probability that ln B of the right model exceeds the threshold against every other."""
    others = np.delete(log_z, right, axis=0)
    return probability(np.all(log_z[right] - others > threshold, axis=0))


def misleading(log_z: Float[np.ndarray, "models sets"], right: int, threshold: float) -> Estimate:
    """Probability that ln B of some wrong model against the right one exceeds the threshold."""
    others = np.delete(log_z, right, axis=0)
    return probability(np.any(others - log_z[right] > threshold, axis=0))


def information(
    log_weights: Float[np.ndarray, " nodes"], log_likelihoods: Float[np.ndarray, "nodes sets"]
) -> Float[np.ndarray, " sets"]:
    """Kullback-Leibler divergence [nat] of the posterior of each data set from the prior."""
    shares, log_z = shares_of(log_weights, log_likelihoods)
    return np.sum(shares * (log_likelihoods - log_z), axis=0)


def shares_of(
    log_weights: Float[np.ndarray, " nodes"], log_likelihoods: Float[np.ndarray, "nodes sets"]
) -> tuple[Float[np.ndarray, "nodes sets"], Float[np.ndarray, " sets"]]:
    """Posterior probability of every node, and ln Z."""
    terms = log_weights[:, None] + log_likelihoods
    top = terms.max(axis=0)
    weights = np.exp(terms - top)
    total = weights.sum(axis=0)
    return weights / total, top + np.log(total)


def widths(
    values: Float[np.ndarray, " nodes"], shares: Float[np.ndarray, "nodes sets"], level: float = CENTRAL
) -> Float[np.ndarray, " sets"]:
    """Width of the central interval of a coordinate that holds `level` of the posterior, for each data set."""
    order = np.argsort(values, kind="stable")
    at, own = values[order], shares[order]
    upper = np.cumsum(own, axis=0)
    middle = upper - 0.5 * own
    ends = (0.5 * (1.0 - level), 0.5 * (1.0 + level))
    return np.array([np.ptp(np.interp(ends, middle[:, k], at)) for k in range(own.shape[1])])


def nested_information(own: Float[np.ndarray, " sets"], log_z: Float[np.ndarray, " sets"]) -> Estimate:
    """Expected information gain [nat] by nested Monte Carlo: ln L at the true boson over the evidence."""
    return mean(own - log_z)


def laplace_information(
    fisher: Float[np.ndarray, "sets coordinates coordinates"], covariance: Float[np.ndarray, "coordinates coordinates"]
) -> Estimate:
    """Expected information gain [nat] of a prior and a posterior that are Gaussian: ln det(1 + covariance F)/2.

    Parameters
    ----------
    fisher
        Information on the coordinates at true bosons, the nuisances integrated.
    covariance
        Of the prior.
    """
    size = covariance.shape[-1]
    _, log_det = np.linalg.slogdet(np.eye(size) + covariance @ fisher)
    return mean(0.5 * log_det)
