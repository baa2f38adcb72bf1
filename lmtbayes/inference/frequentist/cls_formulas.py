"""CLs = p_mu/(1 - p_b): its asymptotic form, its expected bands, and where it falls below 1 - CL.

With p_mu the probability, where the tested coupling is true, of a statistic as large as the observed one or larger, and
1 - p_b the same where there is no boson (A. L. Read, J. Phys. G 28 (2002) 2693; T. Junk, Nucl. Instrum. Meth. A 434
(1999) 435, arXiv:hep-ex/9902006). A coupling is excluded at CL where CLs <= 1 - CL. It is never larger than p_mu asks
for: the limit covers with CL or more, and a search that sees fewer events than its background cannot exclude what it is
not sensitive to.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import log_ndtr, ndtr

from lmtbayes.inference.frequentist.crossings import falls_below

N_SIGMA = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
"""Of the bands: how far the data fluctuate, in standard deviations, where there is no boson."""
_TINY = 1e-12


def asymptotic_cls(q: Float[np.ndarray, "..."], asimov: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return CLs of an observed q~, where many events are expected.

    Parameters
    ----------
    q
        The statistic of `one_sided` in the data.
    asimov
        The same in the data that no boson predicts: (mu/sigma)^2, for its sigma.

    References
    ----------
    G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727, Sec. 3.7: the distribution of q~_mu where mu is
    true and where nothing is. With sqrt(q~) <= mu/sigma, CLs = Phi(-sqrt(q~))/Phi(mu/sigma - sqrt(q~)); above, where no
    boson is the best, sqrt(q~) is replaced by (q~ + mu^2/sigma^2)/(2 mu/sigma).
    """
    root, reach = np.sqrt(q), np.sqrt(asimov)
    beyond = (q > asimov) & (asimov > _TINY)
    root = np.where(beyond, (q + asimov) / (2.0 * np.where(beyond, reach, 1.0)), root)
    return np.exp(log_ndtr(-root) - log_ndtr(reach - root))


def expected_cls(
    asimov: Float[np.ndarray, "*others"], n_sigma: Float[np.ndarray, " bands"] = N_SIGMA
) -> Float[np.ndarray, "*others bands"]:
    """Return CLs at the quantiles of what no boson gives: Phi(N - mu/sigma)/Phi(N); arXiv:1007.1727, Sec. 4."""
    return np.exp(log_ndtr(n_sigma - np.sqrt(asimov)[..., None]) - log_ndtr(n_sigma))


def toy_cls(
    q: Float[np.ndarray, "*others"],
    signal: Float[np.ndarray, "*others toys"],
    none: Float[np.ndarray, "*others toys"],
    tie: float,
) -> tuple[Float[np.ndarray, "*others"], Float[np.ndarray, "*others"]]:
    """Return p_mu and 1 - p_b: the parts of the toys, with the tested coupling and without a boson, at q or above."""
    at_least = np.asarray(q)[..., None] - tie
    return (signal >= at_least).mean(axis=-1), (none >= at_least).mean(axis=-1)


def band_of_toys(
    none: Float[np.ndarray, "*others toys"], n_sigma: Float[np.ndarray, " bands"] = N_SIGMA
) -> Float[np.ndarray, "bands ..."]:
    """Return the quantiles of the statistic without a boson: +N sigma is a low q, a high limit."""
    return np.quantile(none, ndtr(-n_sigma), axis=-1, method="inverted_cdf")


def ratio(p_mu: Float[np.ndarray, "..."], not_p_b: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return CLs of the two parts; 1 where no toy of either kind is so extreme, as nothing is known there."""
    return np.where(not_p_b > 0.0, np.minimum(p_mu / np.where(not_p_b > 0.0, not_p_b, 1.0), 1.0), 1.0)


def first_crossing(x: Float[np.ndarray, " points"], cls: Float[np.ndarray, " points"], level: float) -> float:
    """Where CLs falls to a level for the first time; inf where it does not, -inf where it is below from the start.

    Between the points, ln(-ln CLs) is interpolated in the logarithm of the coupling: a straight line of counts without
    background.
    """
    above = cls > level
    if above.all() or not above[0]:
        return np.inf if above[0] else -np.inf
    first = int(np.argmin(above))
    again = np.flatnonzero(above[first:])
    end = first + int(again[0]) if again.size else len(x)
    return falls_below(x[:end], cls[:end], level)
