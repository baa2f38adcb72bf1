"""The global best fit of boson and nuisances: a coarse scan of the whole box, then every peak climbed."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import gammaincc

from lmtbayes import _checks
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import resolve_devices
from lmtbayes.inference.frequentist.box import Box, peaks, photon_at
from lmtbayes.inference.frequentist.climb import climb_cells
from lmtbayes.inference.frequentist.few_events import FEW_EVENTS, few_in_bins, warn_of_few_in_bins
from lmtbayes.inference.frequentist.scan import Plan, scan_cells
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood, check_likelihood

POINTS = {"g_x": 32, "mass": 24, "kappa": 16, "eps_x": 16}
_STARTS = 12
_EDGE = 1e-6
"""Of a logarithm: how near an edge of the box counts as on it."""


@dataclass(frozen=True)
class BestFit:
    """The largest ln L in a box, and how good a fit it is; made by `best_fit`."""

    g_x: float
    mass: float
    """M_A' [MeV]."""
    eps_x: float
    pulls: Mapping[str, float]
    """Nuisance to pull."""
    log_likelihood: float
    converged: bool
    at_edge: tuple[str, ...]
    """Parameters that sit on an edge of their range: the data would have them go further, or do not care."""
    deviance: float
    """2 (ln L saturated - ln L): of the bins, and of the constraints, which are squared pulls where they are normal.

    Of Poisson bins 2 sum_i [mu_i - n_i + n_i ln(n_i/mu_i)]: S. Baker, R. D. Cousins, Nucl. Instrum. Meth. 221 (1984)
    437.
    """
    bins: int
    free_parameters: int
    """Of the boson; each nuisance brings one parameter and one constraint."""
    fewest_events: float
    """Expected in the emptiest bin of those that count events; inf where none does."""
    sparse_bins: int
    """Bins in which fewer than 5 events are expected."""

    @property
    def photon(self) -> HiddenPhoton:
        """The boson at the best fit."""
        return HiddenPhoton(self.g_x, self.mass, self.eps_x)

    @property
    def degrees_of_freedom(self) -> int:
        """Bins less the boson's parameters."""
        return self.bins - self.free_parameters

    @property
    def p_value(self) -> float:
        """P(chi^2 >= deviance) with `degrees_of_freedom`; NaN without any. For small counts use toys.

        Warns
        -----
        AsymptoticWarning
            Fewer than 5 events are expected in a bin.
        """
        value = self.asymptotic_p_value
        warn_of_few_in_bins(self.deviance, self.degrees_of_freedom, value, self.few_events)
        return value

    @property
    def asymptotic_p_value(self) -> float:
        """The same without a word, for those who say it themselves: `few_events`."""
        degrees = self.degrees_of_freedom
        return float(gammaincc(degrees / 2.0, max(self.deviance, 0.0) / 2.0)) if degrees > 0 else float("nan")

    @property
    def few_events(self) -> str:
        """What stands against the p-value, with the numbers; empty where nothing does."""
        return few_in_bins(self.fewest_events, self.sparse_bins, self.bins) if self.degrees_of_freedom > 0 else ""

    def __str__(self) -> str:
        """Readable summary."""
        edge = f" (at the edge of its range: {', '.join(self.at_edge)})" if self.at_edge else ""
        lines = [
            f"best fit: g_x = {self.g_x:.4g}, M_A' = {self.mass:.4g} MeV, eps_x = {self.eps_x:.4g}{edge}",
            f"  ln L = {self.log_likelihood:.4f}, deviance {self.deviance:.2f} in {self.bins} bins with "
            f"{self.free_parameters} free parameters, p = {self.asymptotic_p_value:.3g}"
            + (f" ({self.few_events})" if self.few_events else ""),
        ]
        lines += [f"  pull {name}: {pull:+.3f}" for name, pull in self.pulls.items()]
        if not self.converged:
            lines.append("  NOT CONVERGED: trust neither the point nor what is relative to it")
        return "\n".join(lines)


def best_fit(
    like: JointLikelihood, bounds: Mapping[str, Sequence[float]] | None = None, *, box: Box | None = None
) -> BestFit:
    """Fit boson and nuisances: scan the box in every parameter, then climb from each of the best peaks.

    Parameters
    ----------
    like
        The likelihood and its data.
    bounds
        Parameter to range: "g_x", "mass" [MeV] and, where mixing is free, "kappa". By default those of the
        default prior.
    box
        A box made before, instead of `bounds`.

    Raises
    ------
    InvalidArgument
        A bad range; no likelihood, or no Box.

    References
    ----------
    The deviance is 2 (ln L saturated - ln L): S. Baker, R. D. Cousins, Nucl. Instrum. Meth. 221 (1984) 437; its p-value
    that of chi^2: S. S. Wilks, Ann. Math. Stat. 9 (1938) 60.
    """
    check_likelihood(like)
    if box is not None and not isinstance(box, Box):
        raise _checks.invalid("box", box, "a Box, or None; ranges by name are `bounds`")
    box = Box.of(like.model, bounds, experiments=like.experiments) if box is None else box
    free = tuple(name for name in box.names if name not in ("mass", "g_x"))
    return search_box(like, box, Plan("mass", "g_x", free, POINTS["kappa"], 1, resolve_devices(None)))


def search_box(
    like: JointLikelihood, box: Box, plan: Plan, lines: Mapping[str, Float[np.ndarray, " _"]] | None = None
) -> BestFit:
    """Best end of all climbs from the peaks of a scan of the whole box, or of some `lines` of it by name."""
    outer_x, inner_x = (
        np.zeros(1) if name is None else (lines or {}).get(name, box.scan_points(name, POINTS[name]))
        for name in (plan.outer, plan.inner)
    )
    found = scan_cells(
        like,
        dataclasses.replace(plan, points=max((POINTS[name] for name in plan.free), default=1)),
        outer_x,
        inner_x,
        box.limits,
    )
    i, j = highest_peaks(found.log_likelihood[..., 0])
    begin = {plan.outer: outer_x[i]} | ({plan.inner: inner_x[j]} if plan.inner else {})
    begin |= {name: found.z[i, j, 0, k] for k, name in enumerate(plan.free)}
    z = np.column_stack([*(begin[name] for name in box.names), found.z[i, j, 0, len(plan.free) :]])
    return climb_box(like, box, plan, z)


def highest_peaks(values: Float[np.ndarray, "outer inner"]) -> tuple[np.ndarray, np.ndarray]:
    """Places of the peaks that are climbed."""
    index, _, _ = peaks(jnp.asarray(values), _STARTS)
    i, j = np.asarray(index).T
    return i, j


def climb_box(like: JointLikelihood, box: Box, plan: Plan, z: Float[np.ndarray, "starts parameters"]) -> BestFit:
    """Best end of all climbs from points, coordinates and pulls."""
    # Every start is a cell of its own, so that none that can come near the best is given up: in a long valley that may
    # rise slowly.
    cell, groups = np.arange(len(z)), np.zeros((len(z), 1), dtype=int)
    z, value, converged = climb_cells(
        like, {}, box.names, z, cell, box.limits, plan.batch_size, plan.devices, linearised=True, groups=groups
    )
    best = np.argmax(value)
    pulls = z[best, len(box.names) :]
    return describe(like, box, z[best, : len(box.names)], pulls, float(value[best]), bool(converged[best]))


def describe(like: JointLikelihood, box: Box, x: np.ndarray, pulls: np.ndarray, value: float, done: bool) -> BestFit:
    """Put a maximum found at coordinates `x` into words."""
    photon = photon_at(like.model, dict(zip(box.names, x, strict=True)))
    edges = zip(box.names, x - box.low, box.high - x, strict=True)
    one = jax.tree.map(lambda field: np.asarray(field)[None], (photon, pulls))
    counts = evaluation(like.joint)(one, like.data).counts
    expected = np.concatenate([counts[e.name][0] for e in like.experiments if e.term.counts_events] or [np.zeros(0)])
    return BestFit(
        g_x=float(photon.g_x),
        mass=float(photon.mass),
        eps_x=float(photon.eps_x),
        pulls=dict(zip(like.nuisance_names, pulls.tolist(), strict=True)),
        log_likelihood=value,
        converged=done,
        at_edge=tuple(name for name, below, above in edges if min(below, above) < _EDGE),
        deviance=2.0 * (float(like.saturated_log_likelihood()) - value),
        bins=sum(e.n_bins for e in like.experiments),
        free_parameters=len(box.names),
        fewest_events=float(expected.min(initial=np.inf)),
        sparse_bins=int(np.sum(expected < FEW_EVENTS)),
    )
