"""CLs limits on g_x with the expected limit and its +-1 and 2 sigma bands: asymptotic, or by toys."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jaxtyping import ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.inference.devices import resolve_batch_size, resolve_devices
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.cls_fits import Fits
from lmtbayes.inference.frequentist.cls_formulas import asymptotic_cls, expected_cls, first_crossing
from lmtbayes.inference.frequentist.cls_table import Found, cls_dataset
from lmtbayes.inference.frequentist.cls_toys import between, sampled
from lmtbayes.inference.frequentist.counting import counting_variables
from lmtbayes.inference.frequentist.few_events import warn_of_few_at_cls
from lmtbayes.inference.frequentist.profile import check_covered
from lmtbayes.inference.frequentist.toy_fits import NUISANCES
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood
from lmtbayes.inference.likelihood.remeasured import measurable

if TYPE_CHECKING:
    import xarray

METHODS = ("asymptotic", "toys")
_FITS, _FITS_ACCELERATED = 64, 8
"""Fits side by side on a core, and how many times as many on an accelerator."""
_SCAN = 64
"""Couplings of the asymptotic scan: the limits in between are good to 1e-3 (tests)."""
_BELOW, _ABOVE = 0.8, 0.5
"""Of ln g_x: how far beyond the asymptotic bands toys are made, whose limits are higher where few events are expected
(2.30 events in place of 1.35)."""
_LEAST = 5.0
"""Toys as extreme as the level asks for, of all."""


def cls_limit(
    like: JointLikelihood,
    mass: ArrayLike | Sequence[float],
    cl: float = 0.90,
    *,
    method: str = "asymptotic",
    size: int = 1000,
    seed: int = 0,
    nuisances: str = "profiled",
    g_x: ArrayLike | Sequence[float] | None = None,
    points: int = 10,
    bounds: Mapping[str, Sequence[float]] | None = None,
    batch_size: int | None = None,
    devices: Sequence[Any] | None = None,
    progress: bool = False,
) -> "xarray.Dataset":
    """Find the CLs upper limit on g_x at each mass, and the limits that no boson would lead one to expect.

    Parameters
    ----------
    like
        The likelihood and its data.
    mass
        One mass or several [MeV], increasing.
    cl
        Confidence level; a coupling is excluded where CLs <= 1 - cl.
    method
        "asymptotic": formulas of many events. "toys": toy data at each tested coupling and without a boson.
    size
        Toys of each kind, at each mass and coupling. At 90 % a thousand give the limit to 2 or 3 %, and the band at -2
        sigma badly: CLs is there a ratio of 2 toys to 23.
    seed
        Equal seeds give equal toys, those of `significance` among them.
    nuisances
        What the true nuisances of toys are, as in `toy_test_statistics`. "profiled": those that fit the data best at
        the tested coupling, or without a boson, and the measurements behind their constraints are repeated in every
        toy; Asimov data are those of no boson and such nuisances. "drawn": drawn from their constraints, toy by toy;
        Asimov data have central ones. "central": always. A free mixing is at its best for the tested coupling in all of
        them, and both are profiled in every fit.
    g_x
        Couplings tested by toys, increasing; left out for "asymptotic". By default `points` of them about the
        asymptotic limit and its bands, at each mass, and `points` more where CLs is then seen to cross 1 - `cl`.
    points
        Their number.
    bounds
        Parameter to (low, high): where g_x is searched, and a free mixing profiled; as `profile_likelihood`.
    batch_size
        Fits at a time on each device; by default 64 on a CPU, 512 on an accelerator.
    devices
        Devices of jax over which fits are dealt out; by default all of this machine.
    progress
        Show a bar.

    Returns
    -------
    limits
        Over the masses `limit` and its `status`: 0 a limit; 1 not excluded up to the largest coupling tested (NaN); 2
        excluded from the smallest one (NaN). `expected`, the median limit without a boson, and `band`, with a dimension
        `n_sigma`: the limits where the data fluctuate by -2 to +2 sigma. `limit_error`, `expected_error`, `band_error`
        (toys): standard deviations of the Monte Carlo, by resampling the toys, and the width of the step where all or
        none of the toys beside a limit are as extreme as the data. `expected_events` at the limit. With a
        dimension `point` the couplings that were tested, `g_x`: the observed `q`, `cls`, and either `q_asimov` or
        `p_signal`, `p_background` (p_mu and 1 - p_b), `cls_error` and `converged`, the part of the fits that did.

    Raises
    ------
    InvalidArgument
        Bad masses or ranges; an unknown option; so few toys that none of a hundred would tell 1 - `cl`.

    Warns
    -----
    AsymptoticWarning
        Fewer than 5 events are expected at an asymptotic limit.
    UnitsWarning
        As `profile_likelihood`.

    References
    ----------
    A. L. Read, J. Phys. G 28 (2002) 2693; T. Junk, arXiv:hep-ex/9902006; the statistic q~_mu (`one_sided`), its
    asymptotic distributions, Asimov data and bands: G. Cowan et al., Eur. Phys. J. C 71 (2011) 1554, arXiv:1007.1727,
    Eq. 16, Secs. 3.7 and 4; toys with nuisances: ATL-PHYS-PUB-2011-11, CMS-NOTE-2011-005; the errors: B. Efron, Ann.
    Stat. 7 (1979) 1.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> model = lmt.LMU_LTAU.with_mixing("paper")
    >>> like = lmt.JointLikelihood(["muon-g2-2025"], model, "observed")
    >>> limits = lmt.cls_limit(like, [5.0, 20.0], cl=0.95)
    >>> limits.band.dims
    ('mass', 'n_sigma')
    """
    check_likelihood(like)
    masses = _masses(like, mass)
    _checks.in_interval("cl", cl, 0.5, 1.0)
    _checks.one_of("method", method, METHODS)
    _checks.one_of("nuisances", nuisances, NUISANCES)
    for name, value, least in (
        ("size", size, 1),
        ("seed", seed, 0),
        ("points", points, 2),
    ):
        _checks.whole(name, value, least)
    least = math.ceil(_LEAST / (1.0 - cl) - 1e-9)
    if method == "toys" and size < least:
        raise _checks.invalid("size", size, f"at least {least} toys for a level of {cl:g}")
    if method != "toys" and g_x is not None:
        raise _checks.invalid("g_x", g_x, "left out for method 'asymptotic', which scans the whole range")
    grid = {"mass": masses} | ({} if g_x is None else {"g_x": _couplings(g_x)})
    box = Box.of(like.model, bounds, grid, like.experiments)
    used = resolve_devices(devices)
    side_by_side = resolve_batch_size(batch_size, used, _FITS, _FITS_ACCELERATED)
    fits = Fits(like, box, np.log(masses), nuisances, used, side_by_side)
    bar = "CLs" if progress else None
    found = _asymptotic(fits, cl, bar)
    if method == "toys":
        tested = _tested(found, box, points) if g_x is None else np.tile(np.log(grid["g_x"]), (masses.size, 1))
        samples = sampled(fits, tested, size, seed, bar)
        if g_x is None:
            more = between(samples, 1.0 - cl, points)
            samples = samples.joined(sampled(fits, more, size, seed, bar and f"{bar}, near the limits"))
        found = samples.found(1.0 - cl, seed)
    events = _expected_events(like, fits, found)
    options = {"method": method, "nuisances": nuisances} | ({"size": size, "seed": seed} if method == "toys" else {})
    result = cls_dataset(like, box, masses, found, events, cl, options)
    if method == "asymptotic":
        warn_of_few_at_cls("cls_limit", cl, result["expected_events"])
    return result


def _masses(like: JointLikelihood, mass: ArrayLike | Sequence[float]) -> np.ndarray:
    masses = _checks.increasing("mass", np.atleast_1d(np.asarray(mass)), 1)
    _checks.masses("mass", masses, [e.mass_range for e in like.experiments])
    check_covered("mass", masses, like.experiments)
    return masses


def _couplings(g_x: ArrayLike | Sequence[float]) -> np.ndarray:
    couplings = _checks.increasing("g_x", g_x, 2)
    _checks.positive("g_x", couplings)
    _checks.coupling("g_x", couplings)
    return couplings


def _asymptotic(fits: Fits, cl: float, bar: str | None) -> Found:
    low, high = fits.box.limits["g_x"]
    x = np.tile(np.linspace(low, high, _SCAN), (fits.x_mass.size, 1))
    observed = fits.at(x, fits.like.data, np.zeros(len(fits.like.nuisances)), bar and f"{bar}, observed")
    pulls, of_none = fits.pulls(observed)
    anew = measurable(fits.like.joint) & (fits.nuisances == "profiled")
    counts = fits.counts_of_none(np.where(anew, of_none, fits.like.central_pulls))
    asimov = fits.at(x, counts, np.where(anew, of_none, 0.0), bar and f"{bar}, Asimov")
    cls, bands = asymptotic_cls(observed.q, asimov.q), np.moveaxis(expected_cls(asimov.q), -1, 0)
    level = 1.0 - cl
    limit, band = _limits(x, cls, level), np.stack([_limits(x, of_band, level) for of_band in bands], axis=-1)
    return Found(x, limit, band, observed, pulls, {"q": observed.q, "q_asimov": asimov.q, "cls": cls})


def _limits(
    x: Float[np.ndarray, "masses points"], cls: Float[np.ndarray, "masses points"], level: float
) -> Float[np.ndarray, " masses"]:
    return np.array([first_crossing(*row, level) for row in zip(x, cls, strict=True)])


def _tested(found: Found, box: Box, points: int) -> Float[np.ndarray, "masses points"]:
    """Logarithms of couplings about the asymptotic limit and its bands, inside the box."""
    every = np.clip(np.column_stack([found.limit, found.band]), *box.limits["g_x"])
    low = np.clip(every.min(axis=-1) - _BELOW, *box.limits["g_x"])
    high = np.clip(every.max(axis=-1) + _ABOVE, *box.limits["g_x"])
    return np.linspace(low, high, points, axis=-1)


def _expected_events(like: JointLikelihood, fits: Fits, found: Found) -> Float[np.ndarray, " masses"]:
    """Events expected at the tested couplings next to the limits; see `counting`."""
    at = np.where(np.isfinite(found.limit), found.limit, found.x[:, -1])
    nearest = np.argmin(np.abs(found.x - at[:, None]), axis=-1)
    where = np.arange(len(nearest)) * found.x.shape[1] + nearest
    photons = jax.tree.map(lambda field: field[where], fits.photons(found.observed))
    return np.asarray(counting_variables(like, photons, found.pulls[where], fits.devices)["expected_events"][0])
