"""`evidence`: the integral of L over the prior, by a method's object or its shorthand."""

import dataclasses
import time

from lmtbayes import _checks
from lmtbayes.inference.coordinates import check_prior
from lmtbayes.inference.evidence.importance import Importance
from lmtbayes.inference.evidence.keywords import former_keywords
from lmtbayes.inference.evidence.laplace_cubature import Cubature
from lmtbayes.inference.evidence.nested import Nested
from lmtbayes.inference.evidence.nss import Nss
from lmtbayes.inference.evidence.result import Evidence, EvidenceMethod
from lmtbayes.inference.evidence.smc import Smc
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

SHORTHAND: dict[str, type[Cubature] | type[Importance] | type[Smc] | type[Nested] | type[Nss]] = {
    kind.__name__.lower(): kind for kind in (Cubature, Importance, Smc, Nested, Nss)
}
"""Word for a method with its default settings."""


@former_keywords(SHORTHAND)
def evidence(
    like: JointLikelihood, prior: Prior, method: str | EvidenceMethod = "cubature", *, seed: int = 0
) -> Evidence:
    """Integrate the likelihood over the prior and over the constraints of the nuisances.

    Parameters
    ----------
    like, prior
        Of one model.
    method
        An object of `lmtbayes.methods` with its settings, the word for one with its default settings, or your own
        `EvidenceMethod`. `Cubature` ("cubature"): adaptive Gauss-Legendre over the 2 or 3 parameters of the boson, the
        nuisances integrated at every point (exactly where ln L is quadratic in them, else by Laplace, checked and
        corrected by importance sampling). `Importance` ("importance"): draws from the posterior's grid, weighted;
        nearly free where `sample_posterior` has made the grid, and with dozens of nuisances far cheaper than cubature.
        `Smc` ("smc"): tempered sequential Monte Carlo over parameters and nuisances together. `Nested` ("nested"):
        nested sampling over the same space, by dynesty (optional extra). `Nss` ("nss"): nested slice sampling over it,
        by blackjax, many points at a time on the device.
    seed
        Equal seeds give equal results.

    Returns
    -------
    evidence
        Printed, it shows ln Z with the prior in the same line.

    Raises
    ------
    InvalidArgument
        No such method, a prior of another model; a method of your own that returns something else than the evidence of
        that prior.
    NotFinite
        The likelihood is NaN somewhere in the prior.
    MissingDependency
        `Nested` without dynesty.

    Warns
    -----
    DeprecationWarning
        Settings as keywords, which this release still takes: `evidence(like, prior, rtol=0.01)` is now
        `evidence(like, prior, methods.Cubature(rtol=0.01))`.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2021"], model, "observed")
    >>> found = lmt.evidence(like, lmt.priors.default(model))
    >>> print(f"{found.log_z:.2f}", found.error_kind, found.converged)
    -8.08 bound True
    """
    chosen = resolve_method(method)
    check_prior(like, prior)
    _checks.whole("seed", seed, 0)
    begin = time.perf_counter()
    found = chosen.run(like, prior, int(seed))
    if not isinstance(found, Evidence):
        raise _checks.invalid("method", type(chosen).__name__, f"one whose `run` returns an Evidence, not {found!r}")
    if found.prior != prior:
        expected = (
            f"one whose `run` returns an Evidence of the prior that it is given, {prior!r}, not of {found.prior!r}"
        )
        raise _checks.invalid("method", type(chosen).__name__, expected)
    return dataclasses.replace(
        found,
        method=type(chosen).__name__.lower(),
        settings=chosen,
        seed=int(seed),
        seconds=time.perf_counter() - begin,
    )


def resolve_method(method: str | EvidenceMethod) -> EvidenceMethod:
    """Object of a method: a word's, with its default settings, or the one that is given.

    Raises
    ------
    InvalidArgument
        No such word; something that is no method, a class among them.
    """
    if isinstance(method, str):
        _checks.one_of("method", method, SHORTHAND)
        return SHORTHAND[method]()
    if isinstance(method, type) or not isinstance(method, EvidenceMethod):
        words = ", ".join(map(repr, SHORTHAND))
        raise _checks.invalid("method", method, f"one of {words}, or an object with `run(like, prior, seed)`")
    return method
