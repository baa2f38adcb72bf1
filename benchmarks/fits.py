"""The four methods on the combined fit of BP1, as `lmtbayes fit` has it: 20 bins or so, three parameters, nuisances."""

import itertools
import time
from collections.abc import Callable
from typing import Any

from benchmarks.setup import COMBINED, likelihood
from benchmarks.timing import CACHED, Call, Case


def posterior_by(method: str, names: tuple[str, ...] = COMBINED, **options: Any) -> Callable[[], Call]:
    """A posterior by a method of `lmt.methods`, another seed at every call."""

    def prepare() -> Call:
        import arviz
        import jax

        import lmtbayes as lmt

        like = likelihood(names)
        prior = lmt.priors.default(like.model)
        seeds = itertools.count()
        # Of a core the time that it worked, as it may be shared; an accelerator works while the host waits.
        clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter

        def call() -> dict[str, Any]:
            chosen = getattr(lmt.methods, method)(**options)
            begin = clock()
            posterior = lmt.sample_posterior(like, prior, next(seeds), method=chosen, progress=False)
            seconds = clock() - begin
            ess = arviz.ess(posterior, group="posterior")
            ess = ess["posterior"] if "posterior" in getattr(ess, "children", {}) else ess
            statistics = posterior["sample_stats"]
            counted = {"divergences": "diverging", "gradients": "n_steps"}
            ess_min = min(float(value) for value in ess.data_vars.values())
            return {
                "sampler": statistics.attrs["method"],
                "ess_min": ess_min,
                "ess_per_s": ess_min / seconds,
                **{word: int(statistics[name].sum()) for word, name in counted.items() if name in statistics},
                "trusted": int(posterior.attrs["passed"]),
            }

        return call

    return prepare


def _profile() -> Call:
    import numpy as np

    import lmtbayes as lmt

    like = likelihood(COMBINED)
    grid = {"g_x": np.geomspace(1e-4, 3e-3, 100), "mass": np.geomspace(5.0, 60.0, 100)}

    def call() -> dict[str, Any]:
        profile = lmt.profile_likelihood(like, grid)
        return {"cells": profile["q"].size, "not_converged": int((profile["status"] == 2).sum())}

    return call


def evidence_of(method: str, **settings: Any) -> Callable[[], Call]:
    """Evidence to 0.01; at each call another coupling made the data, so that nothing is kept but what is compiled."""

    def prepare() -> Call:
        import lmtbayes as lmt

        like = likelihood(COMBINED)
        prior = lmt.priors.default(like.model)
        couplings = (5e-4 * 1.01**k for k in itertools.count())

        def call() -> dict[str, Any]:
            truth = lmt.HiddenPhoton(next(couplings), 15.0, -5e-4 / 70.0)
            found = lmt.evidence(
                like.with_data(lmt.asimov(like.model, truth)), prior, getattr(lmt.methods, method)(**settings)
            )
            return {"log_z": found.log_z, "error": found.log_z_error, "evaluations": found.evaluations}

        return call

    return prepare


def _toys(size: int) -> Call:
    import lmtbayes as lmt
    from lmtbayes.inference.frequentist.toys import toy_test_statistics

    like = likelihood(COMBINED)

    def call() -> dict[str, Any]:
        toys = toy_test_statistics(like, lmt.BENCHMARKS["BP1"], size)
        return {"converged": float(toys.converged.mean()), "q_median": toys.quantile(0.5)}

    return call


CASES = (
    Case(
        "fits/posterior, 4 chains of 1000",
        posterior_by("Auto", chains=4, draws=1000),
        target=5.0,
        target_first=30.0,
        repeats=1,
        alone=True,
        environment=CACHED,
    ),
    Case(
        "fits/the same in a new process, cache full",
        posterior_by("Auto", chains=4, draws=1000),
        target_first=30.0,
        repeats=0,
        alone=True,
        quick=False,
        environment=CACHED,
    ),
    Case("fits/posterior, 64 chains of 250", posterior_by("Auto", chains=64, draws=250), repeats=1, alone=True),
    Case(
        "fits/NUTS, 4 chains of 1000 + 1000",
        posterior_by("Nuts", chains=4, warmup=1000, draws=1000),
        target=5.0,
        repeats=1,
        alone=True,
        quick=False,
    ),
    Case("fits/profile 100 x 100", _profile, target=10.0, repeats=1, alone=True, quick=False),
    Case(
        "fits/evidence by cubature", evidence_of("Cubature", rtol=0.01), target=10.0, repeats=1, alone=True, quick=False
    ),
    Case("fits/evidence by importance", evidence_of("Importance"), target=10.0, repeats=1, alone=True, quick=False),
    Case("fits/1000 toys, each fitted", lambda: _toys(1000), points=1000, repeats=1, alone=True, quick=False),
)
