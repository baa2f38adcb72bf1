"""Simulation-based calibration: truths from the prior, toy data, posteriors; the truths' ranks must be uniform.

Talts and others, arXiv:1804.06788; with test quantities beyond the parameters (g_x eps_x, ln L) as in Modrak and
others, arXiv:2211.02383: a posterior that forgets the data passes in the parameters and fails in ln L.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.inference.likelihood import Data, JointLikelihood
from lmtbayes.inference.posterior import sample_posterior
from lmtbayes.inference.priors import Prior
from lmtbayes.inference.proposal import Proposal
from lmtbayes.inference.refinement import posterior_grid
from lmtbayes.inference.space import Space, fingerprint

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = ("g_x", "mass", "eps_x", "g_x*eps_x", "log_likelihood")
METHODS = ("grid", "nuts")
DRAWS = 99
"""Posterior draws a rank is taken among: ranks 0 to 99."""
_CANDIDATES = 2000
_NUTS = {"chains": 4, "warmup": 200, "draws": 200, "chunk": 400}


def sbc(
    like: JointLikelihood, prior: Prior, n: int = 200, seed: int = 0, method: str = "grid", **settings: Any
) -> "xr.Dataset":
    """Calibrate a posterior method against its own prior.

    Parameters
    ----------
    like
        Its data do not matter.
    prior
        Truths of the boson are drawn from it, truths of the nuisances from their constraints.
    n
        Simulations.
    seed
        Equal seeds give equal results; a simulation does not depend on how many there are.
    method
        "grid": draws of the posterior grid, weighted with the exact posterior and resampled. "nuts": what
        `sample_posterior` gives.
    settings
        Of `sample_posterior`, for "nuts".

    Returns
    -------
    calibration
        `rank` (simulation, quantity) of the truth among 99 draws; `truth`; `p_value` (quantity) of uniform ranks
        (Kolmogorov-Smirnov, ranks jittered); `effective` size of the weighted sample (grid) or 99.

    Raises
    ------
    InvalidArgument
        Unknown method, `n` below 1, settings with "grid".
    """
    import xarray as xr
    from scipy.stats import kstest

    _checks.one_of("method", method, METHODS)
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise _checks.invalid("n", n, "a whole number, at least 1")
    if settings and method == "grid":
        raise _checks.invalid("settings", settings, "empty for method 'grid'")
    space = Space(like, prior)
    simulate, weigh = like.compiled(("sbc", fingerprint(prior)), lambda: _functions(space))
    ranks, truths, effective = np.zeros((n, len(QUANTITIES)), int), np.zeros((n, len(QUANTITIES))), np.zeros(n)
    for k in range(n):
        truth_key, draw_key, pick_key = jax.random.split(jax.random.fold_in(jax.random.key(seed), k), 3)
        unit, pulls, toys = simulate(truth_key)
        toy = like.with_data(toys)
        rng = np.random.default_rng(np.asarray(jax.random.key_data(pick_key)))
        if method == "grid":
            proposal = posterior_grid(toy, prior).proposal(toy)
            values, log_weights, truth = (np.asarray(x) for x in weigh(draw_key, unit, pulls, proposal, toys))
            weights = np.exp(log_weights - log_weights.max())
            weights /= weights.sum()
            effective[k] = 1.0 / np.sum(weights**2)
            draws = values[rng.choice(len(values), DRAWS, p=weights)]
        else:
            truth = np.asarray(weigh(draw_key, unit, pulls, None, toys)[2])
            draws = _nuts_draws(toy, prior, rng, seed=int(rng.integers(2**31)), **{**_NUTS, **settings})
            effective[k] = DRAWS
        truths[k] = truth
        ranks[k] = np.sum(draws < truth, axis=0)
    jitter = np.random.default_rng(seed).random(ranks.shape)
    p_values = [kstest((ranks + jitter)[:, q] / (DRAWS + 1), "uniform").pvalue for q in range(len(QUANTITIES))]
    return xr.Dataset(
        {
            "rank": (("simulation", "quantity"), ranks, {"long_name": f"rank of the truth among {DRAWS} draws"}),
            "truth": (("simulation", "quantity"), truths, {"units": "mass in MeV"}),
            "p_value": ("quantity", np.array(p_values), {"long_name": "Kolmogorov-Smirnov p-value of uniform ranks"}),
            "effective": ("simulation", effective, {"long_name": "effective size of the weighted sample"}),
        },
        coords={"simulation": np.arange(n), "quantity": list(QUANTITIES)},
        attrs={"method": method, "seed": seed, "prior": repr(prior), "model": repr(like.model)},
    )


def _functions(space: Space) -> tuple[Callable[..., Any], Callable[..., Any]]:
    like = space.like

    @jax.jit
    def simulate(key: Array) -> tuple[Array, Array, Data]:
        truth_key, *keys = jax.random.split(key, 1 + len(like.experiments))
        unit, pulls = (x[0] for x in space.draw_prior(truth_key, 1))
        expected = like.expected_counts(space.photon(unit), like.nuisance_values(pulls))
        return (
            unit,
            pulls,
            {e.name: e.term.sample(k, expected[e.name]) for e, k in zip(like.experiments, keys, strict=True)},
        )

    def quantities(unit: Array, pulls: Array, data: Data) -> Float[Array, " quantities"]:
        photon = space.photon(unit)
        value = space.log_likelihood(unit, pulls, data)
        return jnp.stack([photon.g_x, photon.mass, photon.eps_x, photon.g_x * photon.eps_x, value])

    @jax.jit
    def weigh(
        key: Array, unit: Array, pulls: Array, proposal: Proposal | None, data: Data
    ) -> tuple[Array, Array, Array]:
        truth = quantities(unit, pulls, data)
        if proposal is None:
            return truth, truth, truth

        def one(own: Array) -> tuple[Array, Array]:
            drawn = proposal.sample(own)
            values = quantities(*drawn, data)
            return values, values[-1] - proposal.log_prob(*drawn)

        return *jax.lax.map(one, jax.random.split(key, _CANDIDATES), batch_size=200), truth

    return simulate, weigh


def _nuts_draws(like: JointLikelihood, prior: Prior, rng: np.random.Generator, **settings: Any) -> np.ndarray:
    tree = sample_posterior(like, prior, grid_check=False, progress=False, **settings)
    posterior, statistics = tree["posterior"], tree["sample_stats"]
    g_x, mass, eps_x = (np.asarray(posterior[name]).ravel() for name in ("g_x", "mass", "eps_x"))
    values = np.stack([g_x, mass, eps_x, g_x * eps_x, np.asarray(statistics["log_likelihood"]).ravel()], axis=-1)
    return values[rng.choice(len(values), DRAWS, replace=len(values) < DRAWS)]
