"""The box of boson parameters that a fit searches, in natural logarithms: coordinates, scans over it and its peaks."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.parameters import PARAMETERS, default_masses, default_range

_SCAN_ORDER = ("mass", "g_x", "kappa", "eps_x")
"""Outermost first: what depends on the mass alone is then computed once for a whole plane of couplings."""


@dataclass(frozen=True, eq=False)
class Box:
    """Names and ranges of the boson's free parameters; `Box.of` makes one.

    Coordinates are x = ln(g_x), ln(M_A'/MeV) and, where mixing is free, ln(kappa) or ln(|eps_x|).
    """

    model: GaugeModel
    names: tuple[str, ...]
    low: Float[np.ndarray, " parameters"]
    high: Float[np.ndarray, " parameters"]

    @classmethod
    def of(
        cls,
        model: GaugeModel,
        bounds: Mapping[str, Sequence[float]] | None = None,
        grid: Mapping[str, np.ndarray] | None = None,
        experiments: Iterable[Experiment] = (),
    ) -> "Box":
        """Return the box of a model: given ranges, default ones elsewhere, widened to hold a grid.

        Parameters
        ----------
        model
            Mixing "free" makes the third parameter: eps_x if that is on the grid, else kappa.
        bounds
            Parameter to (low, high), in its own unit; eps_x has the sign of the model's loop.
        grid
            Parameter to checked grid.
        experiments
            Of the fit: the default range of the mass ends at 10 or 100 GeV where one of them reaches so far.

        Raises
        ------
        InvalidArgument
            An unknown parameter; a range that is not two increasing numbers of the right sign, or that cuts the grid.
        """
        grid = grid or {}
        names: tuple[str, ...] = ("g_x", "mass")
        if model.mixing == "free":
            names += ("eps_x",) if "eps_x" in grid else ("kappa",)
        given = dict(bounds or {})
        for name in given:
            _checks.one_of("bounds", name, names)
        low, high = [], []
        for name in names:
            on_grid = np.sort(logarithm(name, grid[name])) if name in grid else None
            if name in given:
                edges = _checks.shape(f"bounds[{name!r}]", _checks.increasing(f"bounds[{name!r}]", given[name]), (2,))
                signed = model.mixing_sign * edges if name == "eps_x" else edges
                _checks.positive(f"bounds[{name!r}]", signed, PARAMETERS[name].unit)
                if name in ("g_x", "eps_x"):
                    _checks.coupling(f"bounds[{name!r}]", edges)
                if name == "mass":
                    _checks.masses("bounds['mass']", edges)
                edges = np.sort(logarithm(name, edges))
                if on_grid is not None and (on_grid[0] < edges[0] - 1e-9 or on_grid[-1] > edges[1] + 1e-9):
                    raise _checks.invalid(f"bounds[{name!r}]", given[name], "a range that holds the grid")
            elif PARAMETERS[name].range is not None:
                own = default_masses(e.mass_range for e in experiments) if name == "mass" else default_range(name)
                edges = np.log(own)
            elif on_grid is not None and on_grid.size > 1:
                edges = on_grid[[0, -1]]
            else:
                raise InvalidArgument(f"`bounds` must give a range of {name!r}")
            inside = edges if on_grid is None else np.concatenate([edges, on_grid])
            low.append(inside.min())
            high.append(inside.max())
        return cls(model, names, np.array(low), np.array(high))

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Range of each coordinate, by name."""
        return {name: (self.low[i], self.high[i]) for i, name in enumerate(self.names)}

    def scan_points(self, name: str, points: int) -> Float[np.ndarray, " points"]:
        """Coordinates of a scan along one parameter, edges included."""
        low, high = self.limits[name]
        return np.linspace(low, high, scan_size(name, points, low, high))

    def describe(self) -> str:
        """Say the ranges in one line."""
        parts = []
        for name, low, high in zip(self.names, self.low, self.high, strict=True):
            symbol, unit = ("|eps_x|", "") if name == "eps_x" else (name, " MeV" if name == "mass" else "")
            parts.append(f"{symbol} {np.exp(low):.4g} to {np.exp(high):.4g}{unit}")
        return "; ".join(parts)


def scan_size(name: str, points: int, low: float, high: float) -> int:
    """Points of a scan from low to high: `points`, and of a mass beyond 1 GeV as many more as are as dense."""
    if name != "mass":
        return points
    return max(points, math.ceil(points * (high - low) / float(np.diff(np.log(default_range(name)))[0]) - 1e-9))


def logarithm(name: str, values: object) -> np.ndarray:
    """Coordinate of physical values: ln, of |eps_x| for the mixing."""
    array = np.asarray(values, dtype=float)
    return np.log(np.abs(array) if name == "eps_x" else array)


def photon_at(model: GaugeModel, x: Mapping[str, ArrayLike]) -> HiddenPhoton:
    """Return the photon at coordinates by name (scalars, traceable)."""
    g_x, mass = jnp.exp(x["g_x"]), jnp.exp(x["mass"])
    if "kappa" in x:
        return HiddenPhoton(g_x, mass, model.mixing_sign * jnp.exp(x["kappa"]) * g_x)
    if "eps_x" in x:
        return HiddenPhoton(g_x, mass, model.mixing_sign * jnp.exp(x["eps_x"]))
    return model.hidden_photon(g_x, mass)


def physical(model: GaugeModel, g_x: Any, mass: Any, eps_x: Any) -> dict[str, Any]:
    """Return the parameters of photon(s) by name, kappa among them: what `photon_at` takes the logarithms of."""
    return {"g_x": g_x, "mass": mass, "eps_x": eps_x, "kappa": model.mixing_sign * eps_x / g_x}


def scan(
    function: Callable[[dict[str, Array]], tuple[Array, Array]], axes: Mapping[str, Float[Array, " points"]]
) -> tuple[Float[Array, "*axes"], Float[Array, "*axes nuisances"]]:
    """Evaluate (value, pulls) on the outer product of axes; the result's axes are those of `axes`."""
    order = [name for name in _SCAN_ORDER if name in axes]

    def nested(x: dict[str, Array], left: list[str]) -> tuple[Array, Array]:
        if not left:
            return function(x)
        return jax.vmap(lambda value: nested({**x, left[0]: value}, left[1:]))(axes[left[0]])

    values, pulls = nested({}, order)
    position = [order.index(name) for name in axes]
    return jnp.transpose(values, position), jnp.transpose(pulls, [*position, len(position)])


@functools.partial(jax.jit, static_argnums=1)
def peaks(
    values: Float[Array, "*axes"], count: int
) -> tuple[Int[Array, "count axes"], Float[Array, " count"], Bool[Array, " count"]]:
    """Find the `count` highest local maxima of a tensor.

    Returns
    -------
    index, value
        Of each, the highest first.
    is_promising
        False where there are fewer, and for a peak that cannot rise above the highest between its points: its value
        and the drop to its lowest neighbour, the most that a parabola could hide, are together more than 2 below.
    """
    values = jnp.where(jnp.isnan(values), -jnp.inf, values)
    window, stride = (3,) * values.ndim, (1,) * values.ndim
    highest = jax.lax.reduce_window(values, -jnp.inf, jax.lax.max, window, stride, "SAME")
    lowest = jax.lax.reduce_window(values, jnp.inf, jax.lax.min, window, stride, "SAME")
    is_peak = (values >= highest) & (values > -jnp.inf)
    value, flat = jax.lax.top_k(jnp.where(is_peak, values, -jnp.inf).ravel(), min(count, values.size))
    possible = 2.0 * value - lowest.ravel()[flat]
    index = jnp.stack(jnp.unravel_index(flat, values.shape), axis=-1)
    return index, value, (value > -jnp.inf) & (possible + 2.0 >= value[0])
