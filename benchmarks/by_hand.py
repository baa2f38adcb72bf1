"""What a user would write instead, in the same run: NumPy and scipy.integrate.quad; emcee, iminuit and dynesty.

They are given the package's compiled likelihood of the combined fit, a batch at a time: ratios are of methods alone.
With rates by quadrature every one of their evaluations would cost more than what "ess10 by quad" does.
"""

from typing import Any

from benchmarks.fits import evidence_of, posterior_by
from benchmarks.setup import COMBINED, batched, likelihood
from benchmarks.timing import CACHED, Call, Case

_BP1 = (5e-4, 15.0, -5e-4 / 70)


def _quad() -> Call:
    """The counts of one detector, by the second derivation of the tests, at the accuracy a user would ask for."""
    from scipy.integrate import quad

    from lmtbayes.validation.independent import spallation

    spallation.quad = lambda f, a, b, **_: quad(f, a, b)

    def call() -> dict[str, Any]:
        return {"counts": float(spallation.counts("ess10", _BP1, {"mu": 1.0, "tau": -1.0}).sum())}

    return call


def _same_rate() -> Call:
    import jax
    import numpy as np

    import lmtbayes as lmt

    exp = lmt.experiment("ess10")
    counts = jax.jit(lambda photon: exp.signal_counts(lmt.LMU_LTAU, photon))
    photon = lmt.BENCHMARKS["BP1"]

    def call() -> dict[str, Any]:
        return {"counts": float(np.asarray(counts(photon)).sum())}

    return call


def _posterior(like: Any) -> Any:
    """ln posterior of many points in (unit cube, pulls): what emcee and iminuit are given."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    import lmtbayes as lmt

    prior = lmt.priors.default(like.model)
    log_density = batched(like, False, None)
    dim = len(prior.names)

    @jax.jit
    def evaluate(z: Any) -> Any:
        inside = jnp.all((z[:, :dim] > 0.0) & (z[:, :dim] < 1.0), axis=1)
        photons = prior.photon(prior.from_unit_cube(jnp.clip(z[:, :dim], 1e-12, 1.0 - 1e-12))).broadcast()
        return jnp.where(inside, log_density(photons, z[:, dim:], like.data), -jnp.inf)

    return lambda z: np.asarray(evaluate(jnp.asarray(z))), dim, dim + len(like.nuisances)


def _emcee() -> Call:
    import emcee
    import numpy as np

    evaluate, dim, size = _posterior(likelihood(COMBINED))
    walkers, steps = 64, 3000
    rng = np.random.default_rng(3)

    def call() -> dict[str, Any]:
        start = np.concatenate([rng.random((walkers, dim)), 0.5 * rng.standard_normal((walkers, size - dim))], axis=1)
        sampler = emcee.EnsembleSampler(walkers, size, evaluate, vectorize=True)
        sampler.run_mcmc(start, steps)
        autocorrelation = sampler.get_autocorr_time(discard=steps // 3, quiet=True)
        return {
            "ess_min": walkers * (steps - steps // 3) / float(np.max(autocorrelation)),
            "evaluations": walkers * steps,
        }

    return call


def _iminuit() -> Call:
    """MIGRAD from eight starts: a likelihood with islands needs several."""
    import iminuit
    import numpy as np

    evaluate, dim, size = _posterior(likelihood(COMBINED))
    rng = np.random.default_rng(4)
    starts = np.concatenate([rng.uniform(0.1, 0.9, (8, dim)), np.zeros((8, size - dim))], axis=1)

    def call() -> dict[str, Any]:
        best, calls = np.inf, 0
        for start in starts:
            fit = iminuit.Minuit(lambda z: -float(evaluate(z[None])[0]), start)
            fit.errordef = iminuit.Minuit.LIKELIHOOD
            fit.limits = [(1e-6, 1.0 - 1e-6)] * dim + [(None, None)] * (size - dim)
            fit.migrad()
            best, calls = min(best, float(fit.fval)), calls + fit.nfcn
        return {"log_likelihood": -best, "evaluations": calls}

    return call


def _best_fit() -> Call:
    from lmtbayes.inference.frequentist.best_fit import best_fit

    like = likelihood(COMBINED)

    def call() -> dict[str, Any]:
        return {"log_likelihood": best_fit(like).log_likelihood}

    return call


CASES = (
    Case("instead/counts of ess10: scipy.integrate.quad", _quad, repeats=3, environment=CACHED),
    Case("instead/counts of ess10: lmtbayes, one photon", _same_rate),
    Case("instead/posterior of four experiments: emcee, 64 walkers of 3000", _emcee, repeats=1, quick=False),
    Case(
        "instead/posterior of four experiments: lmtbayes",
        posterior_by("Auto", chains=4, draws=1000),
        repeats=1,
        quick=False,
    ),
    Case("instead/evidence of four experiments: dynesty", evidence_of("Nested"), repeats=0, quick=False),
    Case("instead/evidence of four experiments: blackjax's nested slices", evidence_of("Nss"), repeats=1, quick=False),
    Case("instead/evidence of four experiments: lmtbayes", evidence_of("Importance"), repeats=1, quick=False),
    Case("instead/best fit of four experiments: iminuit, 8 starts", _iminuit, repeats=2, quick=False),
    Case("instead/best fit of four experiments: lmtbayes", _best_fit, repeats=3, quick=False),
)
