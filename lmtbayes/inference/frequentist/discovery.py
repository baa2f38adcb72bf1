"""When would an experiment discover a boson? Exposure against threshold, Eq. 38 of arXiv:2104.03297 and with nuisances.

Eq. 38 asks for the exposure X at which the Standard Model's b X events fluctuate to the s X that the boson predicts, or
more, with the probability of sigma standard deviations: P(s X, b X) = 1 - Phi(sigma), with P the regularised lower
incomplete gamma function, which needs no integers.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.optimize.elementwise import find_root
from scipy.special import erfc, gammainc, ndtr

from lmtbayes import _checks
from lmtbayes._left_out import one_call, warn_left_out
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment, active_names
from lmtbayes.experiments.registry import experiment, experiment_options
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing, check_model
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference.devices import Mapped, resolve_devices
from lmtbayes.inference.frequentist.few_events import warn_of_few_at_discovery
from lmtbayes.inference.frequentist.traced_threshold import discovery_statistic, in_groups, stacked, total_rates

PROFILED = "profiled"
_LOG_EXPOSURE = (np.log(1e-6), np.log(1e12))
"""Exposures [t yr] between which a discovery is looked for."""
_PROFILED_LOG_EXPOSURE = (np.log(1e-6), np.log(1e9))
"""The same with nuisances: beyond, a log-likelihood of 1e13 events is rounded by more than sigma^2 can tell."""
_LARGE_COUNT = 1e4
_BATCH = 16
"""Fits that run side by side."""


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
        Asimov data, with the experiment's own term bin by bin and its constraints, as in a JointLikelihood. Flux and
        oscillation uncertainties do not shrink with exposure, so that this significance saturates (a 9.5 % excess of a
        rate that is known to 12 % never exceeds 0.8 sigma) and the answer is often inf.
    overrides
        Of the experiment, for example convention="paper".

    Returns
    -------
    exposure
        [t yr], shape of `threshold_kev` followed by that of `photon`. inf where the boson lowers the total rate, in
        either treatment, and where 1e12 t yr would not do (1e9 with nuisances).

    Raises
    ------
    UnknownName, InvalidArgument
        As `experiment`; `sigma` not positive; `exposure_tyr` among the overrides; photons whose eps_x is not what the
        model's mixing rule gives; Eq. 38 for an experiment that does not count.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events, signal and background together, are expected at an exposure that is returned.
    LeftOutWarning
        The experiment's rate leaves something of the model out.
    UnitsWarning
        Masses below 1 MeV, which look like GeV, or so high that they look like keV.

    References
    ----------
    arXiv:2104.03297, Eq. 38; Asimov significance: G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727.
    """
    check_model(model)
    check_photon(photon)
    check_mixing(model, photon)
    _checks.masses("photon.mass", photon.mass, ())
    _checks.scalar("sigma", sigma)
    _checks.positive("sigma", sigma)
    if "exposure_tyr" in overrides:
        raise _checks.invalid("exposure_tyr", overrides["exposure_tyr"], "left out: it is what is asked for")
    if isinstance(nuisances, str) and nuisances != PROFILED:
        raise _checks.invalid("nuisances", nuisances, f"(), {PROFILED!r} or a tuple of names")
    experiments, shape = _at_thresholds(name, threshold_kev, nuisances == (), overrides)
    photons = jax.tree.map(jnp.ravel, photon.broadcast())
    if nuisances == ():
        term = experiments[0].term
        if not term.is_poisson:
            raise InvalidArgument(
                f"Eq. 38 counts events, and {name!r} compares its bins by {type(term).__name__}: `nuisances` must be "
                f"{PROFILED!r} or names of nuisances, which take the experiment's own likelihood; got ()"
            )
    with one_call():
        warn_left_out(model.name, [(f"experiment {name!r}", experiments[0].left_out(model))])
        rates = np.stack(in_groups(experiments, lambda e: total_rates(e, model, photons)))
        if nuisances == ():
            exposures = counting_exposure(rates[..., 0], rates[..., 1], sigma)
        else:
            active = active_names(experiments[0].declared, None if nuisances == PROFILED else tuple(nuisances))
            profiled = partial(_profiled_exposures, model=model, photons=photons, active=active, sigma=sigma)
            exposures = np.stack(in_groups(experiments, profiled))
    if experiments[0].term.is_poisson:
        warn_of_few_at_discovery(sigma, exposures * rates[..., 0])
    return exposures.reshape((*shape, *photon.shape))


def _at_thresholds(
    name: str, threshold_kev: ArrayLike | None, only_total: bool, overrides: Mapping[str, Any]
) -> tuple[list[Experiment], tuple[int, ...]]:
    """Experiments of unit exposure, one a threshold, and the thresholds' shape."""
    if threshold_kev is None:
        return [experiment(name, exposure_tyr=1.0, **overrides)], ()
    _checks.positive("threshold_kev", threshold_kev, "keV")
    thresholds = np.asarray(threshold_kev, dtype=float)
    options = [{"threshold_kev": float(t), "exposure_tyr": 1.0, **overrides} for t in thresholds.ravel()]
    if only_total and {"bin_edges"} <= experiment_options(name).keys() - overrides.keys():
        # One bin gives all experiments the same shape, compiled once.
        top = float(experiment(name, **overrides).bin_edges[-1])
        options = [{"bin_edges": np.array([o["threshold_kev"], top]), **o} for o in options]
    return [experiment(name, **o) for o in options], thresholds.shape


def counting_exposure(expected: ArrayLike, reference: ArrayLike, sigma: float = 5.0) -> Float[np.ndarray, "..."]:
    """Solve Eq. 38, P(s X, b X) = 1 - Phi(sigma), for the exposure X.

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

    def gap(log_exposure: np.ndarray, expected: np.ndarray, reference: np.ndarray) -> np.ndarray:
        exposure = np.exp(log_exposure)
        return np.asarray(poisson_tail(expected * exposure, reference * exposure) / target - 1.0)

    low, high = (np.full(expected.shape, bound) for bound in _LOG_EXPOSURE)
    reached = (expected > reference) & (gap(high, expected, reference) <= 0.0)
    found = np.where(reached, low, np.inf)
    inside = reached & (gap(low, expected, reference) > 0.0)
    if inside.any():
        rates, precision = (expected[inside], reference[inside]), {"xatol": 1e-15}
        found[inside] = find_root(gap, (low[inside], high[inside]), args=rates, tolerances=precision).x
    return np.asarray(np.exp(found))


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


def _profiled_exposures(
    members: Sequence[Experiment], model: GaugeModel, photons: HiddenPhoton, active: tuple[str, ...], sigma: float
) -> np.ndarray:
    """Smallest exposures at which the profile likelihood ratio reaches sigma^2, (members, photons)."""
    structure, arrays = stacked(members)

    def one(item: tuple[Array, HiddenPhoton, Array], leaves: list[Array]) -> tuple[Array, Array]:
        which, photon, log_exposure = item
        unit = jax.tree.unflatten(structure, [leaf[which] for leaf in leaves])
        return discovery_statistic(unit, model, photon, active, jnp.exp(log_exposure))

    shape = len(members), photons.g_x.size
    run = Mapped(one, resolve_devices(None)[:1], min(shape[0] * shape[1], _BATCH))
    truths = np.repeat(np.arange(shape[0]), shape[1]), jax.tree.map(lambda x: np.tile(x, shape[0]), photons)

    def evaluate(log_exposure: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        which, photon = jax.tree.map(lambda x: x[chosen], truths)
        statistic, more = run((which, photon, log_exposure), arrays)
        return statistic - sigma**2, more

    every, (low, high) = np.arange(shape[0] * shape[1]), _PROFILED_LOG_EXPOSURE
    (at_low, more), (at_high, _) = (evaluate(np.full(every.size, bound), every) for bound in (low, high))
    reached = more & (at_high > 0.0)
    found = np.where(reached, low, np.inf)
    inside = np.flatnonzero(reached & (at_low < 0.0))
    if inside.size:
        bracket = np.full(inside.size, low), np.full(inside.size, high)
        gap = lambda x, chosen: evaluate(x, chosen)[0]  # noqa: E731
        found[inside] = find_root(gap, bracket, args=(inside,), tolerances={"xatol": 1e-7, "xrtol": 0.0}).x
    return np.exp(found).reshape(shape)
