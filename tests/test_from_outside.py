"""One of each thing that a user may add, from outside the package and through its public names only."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import lmtbayes as lmt


@dataclass(frozen=True)
class PlainMonteCarlo:
    """The mean of the likelihood over draws of the prior."""

    draws: int = 4000

    def run(self, like: lmt.JointLikelihood, prior: lmt.Prior, seed: int) -> lmt.Evidence:
        values = prior.sample(seed, self.draws)
        log_l = np.asarray(like.log_likelihood(prior.photon(values)))
        weights = np.exp(log_l - log_l.max())
        return lmt.Evidence(
            log_z=float(np.log(weights.mean()) + log_l.max()),
            sigma=float(weights.std() / weights.mean() / np.sqrt(self.draws)),
            error_kind="one sigma",
            prior=prior,
            status="as many draws as were asked for",
            evaluations=self.draws,
            nodes={name: np.asarray(x) for name, x in values.items()},
            log_weights=np.log(weights / weights.sum()),
        )


def test_a_method_for_the_evidence():
    model = lmt.LMU_LTAU.with_mixing("paper")
    measured = lmt.measurement("coupling", -3.5, 0.2, lambda model, photon: jnp.log10(photon.g_x))
    like, prior = lmt.JointLikelihood([measured], model, "observed"), lmt.priors.default(model)
    found = lmt.evidence(like, prior, PlainMonteCarlo(), seed=2)
    assert (found.method, found.settings, found.seed) == ("plainmontecarlo", PlainMonteCarlo(), 2)
    assert isinstance(found.settings, lmt.methods.EvidenceMethod)
    # Three decades, of which the Gaussian fills its width.
    exact = np.log(stats.norm(-3.5, 0.2).cdf(-2.0) / 3.0)
    assert abs(found.log_z - exact) < 4.0 * found.log_z_error < 0.2
    assert found.mean("log10_g_x") == pytest.approx(-3.5, abs=0.03)
    assert "plainmontecarlo" in repr(found)
    # What has no place in a file is left out of it; the rest comes back.
    read = lmt.Evidence.from_dict(found.to_dict())
    assert (read.log_z, read.method, read.settings) == (found.log_z, found.method, None)
    compared = lmt.compare_models({"a": (like, prior), "b": (like, prior)}, method=PlainMonteCarlo(500))
    assert set(compared.table["method"].values) == {"plainmontecarlo"}
