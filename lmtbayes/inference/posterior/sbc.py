"""Simulation-based calibration: truths from the prior, toy data, posteriors; the truths' ranks must be uniform.

Talts and others, arXiv:1804.06788; with test quantities beyond the parameters (g_x eps_x, ln L) as in Modrak and
others, arXiv:2211.02383: a posterior that forgets the data passes in the parameters and fails in ln L. A rank does not
change under a monotonic map: that of g_x is that of log10 g_x, that of a nuisance that of its pull.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from lmtbayes import _checks
from lmtbayes.inference import devices as local
from lmtbayes.inference.coordinates import Space, Tables, tables_of
from lmtbayes.inference.devices import Mapped, side_by_side
from lmtbayes.inference.integration.proposal import Proposal
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.toys import draw
from lmtbayes.inference.posterior.method import Auto, Independence, Nuts
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = ("g_x", "mass", "eps_x", "g_x*eps_x", "log_likelihood")
"""Of every model; "kappa" where the mixing is free, and every nuisance, follow."""
_LOG_LIKELIHOOD = QUANTITIES.index("log_likelihood")
METHODS = ("grid", "auto", "nuts")
DRAWS = 99
"""Posterior draws a rank is taken among: ranks 0 to 99."""
_CANDIDATES, _BATCH = 2000, 200
_CHAINS: dict[str, Auto | Nuts] = {
    "auto": Auto(chains=4, warmup=200, draws=200),
    "nuts": Nuts(chains=4, warmup=200, draws=200),
}
"""What the words stand for."""


def sbc(
    like: JointLikelihood,
    prior: Prior,
    n: int = 200,
    *,
    seed: int = 0,
    method: str | Auto | Nuts | Independence = "grid",
    first: int = 0,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
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
        "grid": draws of the posterior grid, weighted with the exact posterior and resampled. An `Auto`,
        `Nuts` or `Independence` of lmtbayes.methods: what `sample_posterior` gives with it; "auto" and "nuts" are those
        with 4 chains of 200 draws.
    first
        Number of the first simulation: 100 of them, and then 100 more with `first=100`, are the 200 of one call.
    devices
        Devices of jax over which each simulation's posterior is computed; by default all of this machine. The ranks
        are those of one device.
    progress
        Show a bar.

    Returns
    -------
    calibration
        `rank` (simulation, quantity) of the truth among 99 draws; `truth`, of nuisances their pull; `p_value`
        (quantity) of uniform ranks (Kolmogorov-Smirnov, ranks jittered); `effective` size of the weighted sample (grid)
        or 99. Quantities: g_x, mass, eps_x, g_x*eps_x, log_likelihood, kappa where the mixing is free, every nuisance.

    Raises
    ------
    InvalidArgument
        Unknown method, `n` below 1.

    References
    ----------
    Ranks of the truth among draws are uniform where the posterior is right: S. Talts et al., arXiv:1804.06788.
    """
    from tqdm.auto import tqdm

    if not isinstance(method, Auto | Nuts | Independence):
        _checks.one_of("method", method, METHODS)
    _checks.whole("n", n)
    _checks.whole("first", first, 0)
    simulate = like.compiled(_simulation, prior)
    sample = _Grid(prior, local.resolve_devices(devices)) if method == "grid" else _Chains(prior, method, devices)
    names = quantities(like)
    ranks, truths, effective = np.zeros((n, len(names)), int), np.zeros((n, len(names))), np.zeros(n)
    for k in tqdm(range(n), desc="simulations", disable=None if progress else True):
        truth_key, draw_key, pick_key = jax.random.split(jax.random.fold_in(jax.random.key(seed), first + k), 3)
        toys, truth = simulate(truth_key)
        rng = np.random.default_rng(np.asarray(jax.random.key_data(pick_key)))
        draws, effective[k] = sample(like.with_data(toys), draw_key, rng)
        truths[k] = np.asarray(truth)
        ranks[k] = np.sum(draws < truths[k], axis=0)
    method = method if isinstance(method, str) else type(method).__name__.lower()
    attrs = {"method": method, "seed": seed, "prior": repr(prior), "model": repr(like.model)}
    return calibration(ranks, truths, effective, first, attrs, names)


def quantities(like: JointLikelihood) -> tuple[str, ...]:
    """Names of what is ranked: of the boson, ln L, then the nuisances (their pulls)."""
    mixing = ("kappa",) if like.model.mixing == "free" else ()
    return QUANTITIES + mixing + tuple(like.joint.nuisance_names)


class _Grid:
    """Draws of the quantities from the posterior grid, resampled by their weights; and what they are worth."""

    def __init__(self, prior: Prior, devices: local.Devices):
        self.prior, self.devices = prior, devices

    def __call__(self, toy: JointLikelihood, key: Array, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        grid = posterior_grid(toy, self.prior, devices=self.devices)
        weigh, tables = toy.compiled(_weights, self.prior, self.devices), tables_of(self.prior, grid.measure)
        values, log_weights = weigh(np.arange(_CANDIDATES, dtype=np.uint32), key, grid.proposal, toy.data, tables)
        weights = np.exp(log_weights - log_weights.max())
        weights /= weights.sum()
        return values[rng.choice(len(values), DRAWS, p=weights)], float(1.0 / np.sum(weights**2))


class _Chains:
    """Draws of the quantities by `sample_posterior`."""

    def __init__(self, prior: Prior, method: str | Auto | Nuts | Independence, devices: Sequence[Any] | None):
        self.prior, self.devices = prior, devices
        self.method = _CHAINS[method] if isinstance(method, str) else method

    def __call__(self, toy: JointLikelihood, _key: Array, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        seed, chunk = int(rng.integers(2**31)), self.method.warmup + self.method.draws
        tree = sample_posterior(
            toy,
            self.prior,
            seed,
            method=self.method,
            grid_check=False,
            chunk=chunk,
            progress=False,
            devices=self.devices,
        )
        posterior, statistics = tree["posterior"], tree["sample_stats"]
        g_x, mass, eps_x = (np.asarray(posterior[name]).ravel() for name in ("g_x", "mass", "eps_x"))
        columns = [g_x, mass, eps_x, g_x * eps_x, np.asarray(statistics["log_likelihood"]).ravel()]
        if toy.model.mixing == "free":
            columns.append(np.abs(eps_x / g_x))
        if toy.joint.nuisance_names:
            pulls = tree["unconstrained_posterior"]
            columns += [np.asarray(pulls[f"{name}_pull"]).ravel() for name in toy.joint.nuisance_names]
        values = np.stack(columns, axis=-1)
        return values[rng.choice(len(values), DRAWS, replace=len(values) < DRAWS)], float(DRAWS)


def calibration(
    ranks: Int[np.ndarray, "simulations quantities"],
    truths: Float[np.ndarray, "simulations quantities"],
    effective: Float[np.ndarray, " simulations"],
    first: int,
    attrs: Mapping[str, Any],
    names: Sequence[str] = QUANTITIES,
) -> "xr.Dataset":
    """Return the data set of `sbc` from its arrays: those of one call, or of several, joined."""
    import xarray as xr
    from scipy.stats import kstest

    jitter = np.random.default_rng(attrs["seed"]).random(ranks.shape)
    p_values = [kstest((ranks + jitter)[:, q] / (DRAWS + 1), "uniform").pvalue for q in range(len(names))]
    return xr.Dataset(
        {
            "rank": (("simulation", "quantity"), ranks, {"long_name": f"rank of the truth among {DRAWS} draws"}),
            "truth": (("simulation", "quantity"), truths, {"units": "mass in MeV"}),
            "p_value": ("quantity", np.array(p_values), {"long_name": "Kolmogorov-Smirnov p-value of uniform ranks"}),
            "effective": ("simulation", effective, {"long_name": "effective size of the weighted sample"}),
        },
        coords={"simulation": first + np.arange(len(ranks)), "quantity": list(names)},
        attrs=dict(attrs),
    )


def _simulation(joint: JointModel, prior: Prior) -> Callable[..., Any]:
    space = Space(joint, prior)

    @jax.jit
    def simulate(key: Array) -> tuple[Data, Array]:
        truth_key, *keys = jax.random.split(key, 1 + len(joint.experiments))
        unit, pulls = (x[0] for x in space.draw_prior(truth_key, 1))
        data = draw(joint, keys, space.photon(unit), pulls)
        return data, _quantities(space, unit, pulls, data)

    return simulate


def _quantities(space: Space, unit: Array, pulls: Array, data: Data) -> Float[Array, " quantities"]:
    photon = space.photon(unit)
    value = space.joint.log_density(photon, pulls, data)
    columns = [photon.g_x, photon.mass, photon.eps_x, photon.g_x * photon.eps_x, value]
    if space.joint.model.mixing == "free":
        columns.append(jnp.abs(photon.eps_x / photon.g_x))
    return jnp.concatenate([jnp.stack(columns), pulls])


def _weights(joint: JointModel, prior: Prior, devices: local.Devices) -> Mapped:
    """(numbers, key, proposal, data, tables) to the quantities of draws from a grid and ln of their weights."""

    def weigh(number: Array, key: Array, proposal: Proposal, data: Data, tables: Tables) -> tuple[Array, Array]:
        space = Space(joint, prior, tables)
        drawn = proposal.sample(jax.random.fold_in(key, number))
        values = _quantities(space, *drawn, data)
        return values, values[_LOG_LIKELIHOOD] + space.log_ratio(drawn[0]) - proposal.log_prob(*drawn)

    return Mapped(weigh, devices, side_by_side(devices, _BATCH))
