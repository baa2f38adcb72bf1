"""Evidence by static nested sampling (dynesty, the optional extra `nested`)."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from lmtbayes import _checks
from lmtbayes.errors import MissingDependency
from lmtbayes.inference.coordinates import tables_of
from lmtbayes.inference.evidence import samplers
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.evidence.samplers import Sampled
from lmtbayes.inference.evidence.settings import set_positive, set_whole
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.priors import Prior

_EDGE = 1e-15
_INSTALL = "method 'nested' needs dynesty: pip install 'lmtbayes[nested]'"


@dataclass(frozen=True, kw_only=True)
class Nested:
    """The evidence by static nested sampling, of dynesty.

    Parameters
    ----------
    live
        Live points.
    dlogz
        Stop when the live points can add no more than this to ln Z.
    sample
        dynesty's way of drawing a new point: "rwalk", whose cost is bounded; "auto", "unif", "slice" or "rslice".
        What dynesty chooses below ten dimensions, "unif", finds one point in thousands where the posterior is curved:
        half an hour in place of a quarter of a minute for one CEvNS detector.
    max_evaluations
        Of the likelihood; give up there.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    """

    live: int = 500
    dlogz: float = 0.01
    sample: str = "rwalk"
    max_evaluations: int = 2_000_000

    def __post_init__(self) -> None:
        set_whole(self, live=50, max_evaluations=1)
        set_positive(self, "dlogz")
        _checks.one_of("sample", self.sample, ("auto", "unif", "rwalk", "slice", "rslice"))

    def run(self, like: JointLikelihood, prior: Prior, seed: int) -> Evidence:
        """Integrate; see `evidence`."""
        measure = samplers.working_measure(like, prior)
        log_likelihood, tables = like.compiled(samplers.log_likelihood, prior), tables_of(prior, measure)
        dim = len(prior.names) + len(like.nuisances)
        found = sample(lambda z: float(log_likelihood(z, like.data, tables)), dim, seed, self)
        return samplers.to_evidence(like, prior, measure, found)


def sample(log_likelihood: Callable[[np.ndarray], float], dim: int, seed: int, settings: Nested) -> Sampled:
    """Sample ln L over coordinates whose prior is a standard normal.

    Parameters
    ----------
    log_likelihood
        (dim,) -> ln L, finite.
    dim, seed, settings
        Coordinates; of numpy's generator; of the method.

    Raises
    ------
    MissingDependency
        dynesty is not installed.
    """
    try:
        import dynesty
    except ImportError:
        raise MissingDependency(_INSTALL) from None

    with warnings.catch_warnings():
        # What dynesty has to say about its own run is in the status.
        warnings.simplefilter("ignore")
        sampler = dynesty.NestedSampler(
            log_likelihood,
            lambda unit: ndtri(np.clip(unit, _EDGE, 1.0 - _EDGE)),
            dim,
            nlive=settings.live,
            sample=settings.sample,
            rstate=np.random.default_rng(seed),
        )
        sampler.run_nested(dlogz=settings.dlogz, maxcall=settings.max_evaluations, print_progress=False)
        results = sampler.results
    evaluations = int(np.sum(results.ncall))
    # dynesty stops at whichever comes first and does not say which.
    converged = evaluations < settings.max_evaluations
    description = f"{settings.live} live points, {results.niter} iterations, stopped at dlogz = {settings.dlogz:g}"
    if not converged:
        description = (
            f"stopped at the limit of {settings.max_evaluations} evaluations before dlogz = {settings.dlogz:g}"
        )
    return Sampled(
        log_z=float(results.logz[-1]),
        log_z_error=float(results.logzerr[-1]),
        converged=converged,
        status=f"{'converged' if converged else 'not converged'}: {description}",
        evaluations=evaluations,
        positions=np.asarray(results.samples),
        log_weights=np.asarray(results.logwt - results.logz[-1]),
    )
