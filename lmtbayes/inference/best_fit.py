"""The global best fit of boson and nuisances: a coarse scan of the whole box, then every peak climbed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.special import gammaincc

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.box import Box, peaks, photon_at, scan
from lmtbayes.inference.likelihood import Data, JointLikelihood
from lmtbayes.inference.scoring import linearised_conditional, maximise_joint, steadied

SCAN_STEPS = 4
"""Newton steps on the nuisances at each point of a scan: enough to rank the points."""
POLISH_STEPS = 40
_POINTS = {"g_x": 32, "mass": 24, "kappa": 16, "eps_x": 16}
_STARTS = 12
EXTRA_STARTS = 4
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
    """2 (ln L saturated - ln L): Poisson or Gaussian deviance of the bins, plus the squared pulls."""
    bins: int
    free_parameters: int
    """Of the boson; each nuisance brings one parameter and one constraint."""

    @property
    def photon(self) -> HiddenPhoton:
        """The boson at the best fit."""
        return HiddenPhoton(self.g_x, self.mass, self.eps_x)

    @property
    def p_value(self) -> float:
        """Of the deviance under its asymptotic chi^2; NaN without degrees of freedom. For small counts use toys."""
        degrees = self.bins - self.free_parameters
        return float(gammaincc(degrees / 2.0, max(self.deviance, 0.0) / 2.0)) if degrees > 0 else float("nan")

    def __str__(self) -> str:
        """Readable summary."""
        edge = f" (at the edge of its range: {', '.join(self.at_edge)})" if self.at_edge else ""
        lines = [
            f"best fit: g_x = {self.g_x:.4g}, M_A' = {self.mass:.4g} MeV, eps_x = {self.eps_x:.4g}{edge}",
            f"  ln L = {self.log_likelihood:.4f}, deviance {self.deviance:.2f} in {self.bins} bins with "
            f"{self.free_parameters} free parameters, p = {self.p_value:.3g}",
        ]
        lines += [f"  pull {name}: {pull:+.3f}" for name, pull in self.pulls.items()]
        if not self.converged:
            lines.append("  NOT CONVERGED: trust neither the point nor what is relative to it")
        return "\n".join(lines)


def best_fit(
    like: JointLikelihood, bounds: Mapping[str, Sequence[float]] | None = None, box: Box | None = None
) -> BestFit:
    """Fit boson and nuisances: scan the box in every parameter, then climb from each of the best peaks.

    Parameters
    ----------
    like
        The likelihood and its data.
    bounds
        Parameter to range: "g_x", "mass" [MeV] and, where mixing is free, "kappa" (-eps_x/g_x). By default those of the
        default prior.
    box
        A box made before, instead of `bounds`.

    Raises
    ------
    InvalidArgument
        A bad range.
    """
    box = Box.of(like.model, bounds) if box is None else box
    middle = np.tile(0.5 * (box.low + box.high), (EXTRA_STARTS, 1))
    x, pulls, value, converged = climb_all(like, box, middle, np.tile(like.central_pulls, (EXTRA_STARTS, 1)))
    return describe(like, box, np.asarray(x), np.asarray(pulls), float(value), bool(converged))


def climb_all(like: JointLikelihood, box: Box, extra_x: np.ndarray, extra_pulls: np.ndarray) -> "Climbed":
    """Best end of all climbs: from the peaks of the scan, and from EXTRA_STARTS points of the caller's own."""
    run = like.compiled(("best fit", box.names), lambda: jax.jit(climb(like, box.names)))
    low, high = jnp.asarray(box.low), jnp.asarray(box.high)
    return run(low, high, jnp.asarray(extra_x), jnp.asarray(extra_pulls), like.data)


def describe(like: JointLikelihood, box: Box, x: np.ndarray, pulls: np.ndarray, value: float, done: bool) -> BestFit:
    """Put a maximum found at coordinates `x` into words."""
    photon = photon_at(like.model, dict(zip(box.names, x, strict=True)))
    edges = zip(box.names, x - box.low, box.high - x, strict=True)
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
    )


type Climbed = tuple[Float[Array, " parameters"], Float[Array, " nuisances"], Float[Array, ""], Bool[Array, ""]]


def climb(
    like: JointLikelihood, names: tuple[str, ...], points: Mapping[str, int] | None = None, starts: int = _STARTS
) -> Callable[[Array, Array, Array, Array, Data], Climbed]:
    """Return the traceable (low, high, extra starts, their pulls, data) -> coordinates, pulls, ln L, converged."""
    sizes = {name: (points or _POINTS)[name] for name in names}

    def run(low: Array, high: Array, extra_x: Array, extra_pulls: Array, data: Data) -> Climbed:
        axes = {name: jnp.linspace(low[i], high[i], sizes[name]) for i, name in enumerate(names)}

        def at(x: dict[str, Array]) -> tuple[Array, Array]:
            return linearised_conditional(like, photon_at(like.model, x), data, SCAN_STEPS)

        values, pulls = scan(at, axes)
        index, _, _ = peaks(values, starts)
        x = jnp.stack([axis[index[:, i]] for i, axis in enumerate(axes.values())], axis=-1)
        begin_x = jnp.concatenate([x, extra_x])
        begin_pulls = jax.vmap(
            lambda b, p: steadied(like, photon_at(like.model, dict(zip(names, b, strict=True))), p, data)
        )(begin_x, jnp.concatenate([pulls[tuple(index.T)], extra_pulls]))

        edges = jnp.full(begin_pulls.shape[-1], jnp.inf)
        box = (jnp.concatenate([low, -edges]), jnp.concatenate([high, edges]))

        def photon(x: Sequence[Array]) -> HiddenPhoton:
            return photon_at(like.model, dict(zip(names, x, strict=True)))

        ends, heights = jax.vmap(lambda z: maximise_joint(like, photon, z, len(names), data, POLISH_STEPS, box))(
            jnp.concatenate([begin_x, begin_pulls], axis=-1)
        )
        best = jnp.argmax(jnp.where(jnp.isnan(heights), -jnp.inf, heights))
        point = ends.point[best]
        return point[: len(names)], point[len(names) :], heights[best], ends.converged[best]

    return run
