"""When would an experiment discover a boson? Exposure against threshold, Eq. 38 of arXiv:2104.03297 and with nuisances.

Eq. 38 asks for the exposure X at which the Standard Model's b X events fluctuate to the s X that the boson predicts, or
more, with the probability of sigma standard deviations: P(s X, b X) = 1 - Phi(sigma), with P the regularised lower
incomplete gamma function, which needs no integers.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.special import erfc, gammainc, ndtr

from lmtbayes import _checks
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.registry import experiment, experiment_options
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing, check_model, check_photon
from lmtbayes.inference.few_events import warn_of_few_at_discovery

PROFILED = "profiled"
_LOG_EXPOSURE = (np.log(1e-6), np.log(1e12))
"""Exposures [t yr] between which a discovery is looked for."""
_BISECTIONS = 56
_LARGE_COUNT = 1e4
_PROFILE_BISECTIONS, _NEWTON_STEPS = 40, 8
_STEP_LENGTHS = (1.0, 0.3, 0.05, 0.0)


def discovery_exposure(
    name: str,
    model: GaugeModel,
    photon: HiddenPhoton,
    *,
    threshold_kev: ArrayLike | None = None,
    sigma: float = 5.0,
    nuisances: str | tuple[str, ...] = (),
    **overrides: Any,
) -> Float[np.ndarray, "..."]:
    """Exposure at which a boson would be discovered as an excess of events.

    Parameters
    ----------
    name
        Of the registry; an experiment that takes `exposure_tyr` (and `threshold_kev`).
    model, photon
        The truth; an array of photons is answered at once. The hypothesis to reject is the Standard Model.
    threshold_kev
        One threshold or an array of them [keV, in the unit of the experiment's bins]; None for the experiment's own.
    sigma
        One-sided significance; 5 is a probability of 2.87e-7.
    nuisances
        () is Eq. 38: everything is known, all bins are added up. "profiled" takes all nuisances that the experiment
        declares into account, a tuple of names those: the median significance of the profile likelihood ratio on
        Asimov data, bin by bin. Flux and oscillation uncertainties do not shrink with exposure, so that this
        significance saturates (a 9.5 % excess of a rate that is known to 12 % never exceeds 0.8 sigma) and the answer
        is often inf.
    overrides
        Of the experiment, for example convention="paper".

    Returns
    -------
    exposure
        [t yr], shape of `threshold_kev` followed by that of `photon`. inf where the boson lowers the total rate, in
        either treatment, and where 1e12 t yr would not do.

    Raises
    ------
    UnknownName, InvalidArgument
        As `experiment`; `sigma` not positive; `exposure_tyr` among the overrides; photons whose eps_x is not what the
        model's mixing rule gives.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events, signal and background together, are expected at an exposure that is returned.
    UnitsWarning
        Masses below 1 MeV, which look like GeV.

    References
    ----------
    arXiv:2104.03297, Eq. 38; Asimov significance: G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727.
    """
    check_model(model)
    check_photon(photon)
    check_mixing(model, photon)
    _checks.masses("photon.mass", photon.mass)
    _checks.scalar("sigma", sigma)
    _checks.positive("sigma", sigma)
    if "exposure_tyr" in overrides:
        raise _checks.invalid("exposure_tyr", overrides["exposure_tyr"], "left out: it is what is asked for")
    if isinstance(nuisances, str) and nuisances != PROFILED:
        raise _checks.invalid("nuisances", nuisances, f"(), {PROFILED!r} or a tuple of names")
    if threshold_kev is None:
        experiments, shape = [experiment(name, exposure_tyr=1.0, **overrides)], ()
    else:
        _checks.positive("threshold_kev", threshold_kev, "keV")
        thresholds = np.asarray(threshold_kev, dtype=float)
        shape = thresholds.shape
        options = [{"threshold_kev": float(t), "exposure_tyr": 1.0, **overrides} for t in thresholds.ravel()]
        if nuisances == () and {"bin_edges"} <= experiment_options(name).keys() - overrides.keys():
            # Only the sum of the bins counts: one bin gives all experiments the same shape, compiled once.
            top = float(experiment(name, **overrides).bin_edges[-1])
            options = [{"bin_edges": np.array([o["threshold_kev"], top]), **o} for o in options]
        experiments = [experiment(name, **o) for o in options]
    photons = jax.tree.map(jnp.ravel, photon.broadcast())
    rates = np.stack(_in_groups(experiments, lambda e: _total_rates(e, model, photons)))
    if nuisances == ():
        exposures = counting_exposure(rates[..., 0], rates[..., 1], sigma)
    else:
        names = None if nuisances == PROFILED else tuple(nuisances)
        active_names(experiments[0].declared, names)
        solve = lambda e: jax.vmap(lambda p: _profiled_exposure(e, model, p, names, sigma))(photons)  # noqa: E731
        exposures = np.stack(_in_groups(experiments, solve))
    warn_of_few_at_discovery(sigma, exposures * rates[..., 0])
    return exposures.reshape((*shape, *photon.shape))


def counting_exposure(expected: ArrayLike, reference: ArrayLike, sigma: float = 5.0) -> Float[np.ndarray, "..."]:
    """Solve Eq. 38 for the exposure.

    Parameters
    ----------
    expected, reference
        All events for unit exposure, of the hypothesis that is true and of the one to reject; shapes broadcast.
    sigma
        One-sided significance.

    Returns
    -------
    exposure
        inf where `expected` does not exceed `reference`.
    """
    expected, reference = np.broadcast_arrays(np.asarray(expected, float), np.asarray(reference, float))
    target = ndtr(-sigma)

    def falls_short(log_exposure: ArrayLike) -> np.ndarray:
        exposure = np.exp(np.asarray(log_exposure))
        return np.asarray(poisson_tail(expected * exposure, reference * exposure) > target)

    low, high = (np.full(expected.shape, bound) for bound in _LOG_EXPOSURE)
    never = (expected <= reference) | falls_short(high)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        short = falls_short(middle)
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(never, np.inf, np.exp(0.5 * (low + high)))


def poisson_tail(at_least: ArrayLike, mean: ArrayLike) -> Float[np.ndarray, "..."]:
    """Probability to count `at_least` events or more where `mean` are expected, P(at_least, mean); no integers needed.

    scipy's series for the incomplete gamma function stops too early above 1e5 events (1 % off in an exposure). There
    Temme's uniform expansion is used, whose first correction leaves a relative error of 1e-6 at five sigma.

    References
    ----------
    N. M. Temme, SIAM J. Math. Anal. 10 (1979) 757; DLMF 8.12.
    """
    n, mean = np.broadcast_arrays(np.asarray(at_least, dtype=float), np.asarray(mean, dtype=float))
    large = n > _LARGE_COUNT
    safe = np.where(large, n, _LARGE_COUNT)
    excess = np.where(large, mean / safe - 1.0, 0.0)
    tiny = np.abs(excess) < 1e-3
    # excess - log(1 + excess), and 1/excess - 1/eta: their series where the two terms cancel.
    series = excess**2 * (0.5 - excess * (1 / 3 - excess * (0.25 - excess * (0.2 - excess / 6))))
    half_eta2 = np.where(tiny, series, excess - np.log1p(excess))
    eta = np.sign(excess) * np.sqrt(2.0 * half_eta2)
    by_eta = 1.0 / np.where(tiny, 1.0, excess) - 1.0 / np.where(tiny, 1.0, eta)
    correction = np.where(tiny, -1 / 3 + eta / 12 - 2 * eta**2 / 135, by_eta)
    gaussian = np.exp(-safe * half_eta2) / np.sqrt(2.0 * np.pi * safe)
    temme = 0.5 * erfc(-eta * np.sqrt(0.5 * safe)) - gaussian * correction
    return np.where(large, temme, gammainc(np.where(large, 1.0, n), np.where(large, 1.0, mean)))


def _in_groups(experiments: Sequence[Experiment], function: Callable[[Experiment], Array]) -> list[np.ndarray]:
    """Apply a function to every experiment: those with arrays of the same shapes at once, compiled once."""
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for index, exp in enumerate(experiments):
        groups.setdefault(tuple(np.shape(leaf) for leaf in jax.tree.leaves(exp)), []).append(index)
    results: dict[int, np.ndarray] = {}
    for members in groups.values():
        structure = jax.tree.structure(experiments[members[0]])
        stacked = [np.stack(leaves) for leaves in zip(*(jax.tree.leaves(experiments[i]) for i in members), strict=True)]
        answer = jax.jit(jax.vmap(lambda *leaves, s=structure: function(jax.tree.unflatten(s, leaves))))(*stacked)
        results.update(zip(members, np.asarray(answer), strict=True))
    return [results[index] for index in range(len(experiments))]


def _standard_model(photon: HiddenPhoton) -> HiddenPhoton:
    return HiddenPhoton(0.0 * photon.g_x, photon.mass, 0.0 * photon.eps_x)


def _total_rates(exp: Experiment, model: GaugeModel, photons: HiddenPhoton) -> Float[Array, "photons 2"]:
    """All events for unit exposure with the boson and without."""
    both = exp.expected_counts(model, photons), exp.expected_counts(model, _standard_model(photons))
    return jnp.stack([jnp.sum(counts, axis=-1) for counts in both], axis=-1)


def _profiled_exposure(
    exp: Experiment, model: GaugeModel, photon: HiddenPhoton, names: tuple[str, ...] | None, sigma: float
) -> Float[Array, ""]:
    """Smallest exposure at which the profile likelihood ratio of the SM on Asimov data reaches sigma^2."""
    free = [n for n in exp.declared if names is None or n.name in names]
    start = jnp.array([n.constraint.central_pull for n in free])
    truth, without = exp.expected_counts(model, photon), _standard_model(photon)

    def rates(pulls: Array) -> Array:
        values = {n.name: n.constraint.value(pull) for n, pull in zip(free, pulls, strict=True)}
        return jnp.maximum(exp.expected_counts(model, without, values), 1e-30)

    def log_prior(pulls: Array) -> Array:
        terms = [n.constraint.distribution().log_prob(pull) for n, pull in zip(free, pulls, strict=True)]
        return jnp.sum(jnp.stack(terms)) if terms else jnp.zeros(())

    def deviance(expected: Array, exposure: Array) -> Array:
        # Written so that nothing cancels where the two agree.
        ratio = (expected - truth) / truth
        return 2.0 * exposure * jnp.sum(truth * (ratio - jnp.log1p(ratio)))

    def statistic(pulls: Array, exposure: Array) -> Array:
        return deviance(rates(pulls), exposure) - 2.0 * (log_prior(pulls) - log_prior(start))

    def newton(_: ArrayLike, state: tuple[Array, Array]) -> tuple[Array, Array]:
        """One step of Fisher scoring, shortened where the statistic would rise."""
        pulls, exposure = state
        jacobian, expected = jax.jacfwd(lambda p: (rates(p),) * 2, has_aux=True)(pulls)
        slope = 2.0 * exposure * jacobian.T @ (1.0 - truth / expected) - 2.0 * jax.grad(log_prior)(pulls)
        curvature = 2.0 * (exposure * jacobian.T @ (jacobian / expected[:, None]) + jnp.eye(pulls.size))
        trials = pulls - jnp.array(_STEP_LENGTHS)[:, None] * jnp.linalg.solve(curvature, slope)
        return trials[jnp.nanargmin(jax.vmap(statistic, (0, None))(trials, exposure))], exposure

    def bisect(_: ArrayLike, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        pulls, low, high = state
        middle = 0.5 * (low + high)
        if free:
            pulls, _ = jax.lax.fori_loop(0, _NEWTON_STEPS, newton, (pulls, jnp.exp(middle)))
        short = statistic(pulls, jnp.exp(middle)) < sigma**2
        return pulls, jnp.where(short, middle, low), jnp.where(short, high, middle)

    bounds = [jnp.asarray(bound) for bound in _LOG_EXPOSURE]
    _, low, high = jax.lax.fori_loop(0, _PROFILE_BISECTIONS, bisect, (start, *bounds))
    never = (high >= bounds[1]) | (jnp.sum(truth) <= jnp.sum(rates(start)))
    return jnp.where(never, jnp.inf, jnp.exp(0.5 * (low + high)))
