"""Where a profile along one parameter crosses a threshold, a vanishing coupling included as a point of it.

The interpolation does not know where a grid begins: the reference of a slice is its highest ln L, be it between the
points, at zero, or between zero and the first point.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

_NOISE = 1e-10
"""Below it, q is rounding."""
_FLAT = 1e-6
"""Difference of q that no limit feels."""


class Slice(NamedTuple):
    """One parameter's q along its axis."""

    x: Float[np.ndarray, " points"]
    """Increasing: the logarithm of the parameter's size, or minus it for eps_x."""
    q: Float[np.ndarray, " points"]
    zero: float | None
    """q where the parameter is zero; None where it cannot be, or x does not run upwards from it."""


class Lowest(NamedTuple):
    """Where a slice's q is lowest."""

    x: float
    """-inf at zero."""
    q: float


def lowest(line: Slice) -> Lowest:
    """Lowest point of q: by parabolas through the lowest points, of the axis and, next to zero, of the square."""
    x, q, zero = line
    i = int(np.argmin(q))
    found = [Lowest(float(x[i]), float(q[i]))]
    if 0 < i < len(q) - 1:
        a, b, _ = np.polyfit(x[i - 1 : i + 2] - x[i], q[i - 1 : i + 2] - q[i], 2)
        if a > 0.0:
            found.append(Lowest(float(x[i] - b / (2.0 * a)), float(q[i] - b * b / (4.0 * a))))
    if zero is not None:
        # Rates go with the coupling's square u, and q is nearly a parabola in it; u in units of the first point's.
        u = np.exp(2.0 * (x[:2] - x[0]))
        a, b = np.linalg.solve(np.stack([u**2, u], axis=-1), q[:2] - zero)
        if i == 0 and a > 0.0 and 0.0 < -b / (2.0 * a) < 1.0:
            found.append(Lowest(float(x[0] + 0.5 * np.log(-b / (2.0 * a))), float(zero - b * b / (4.0 * a))))
        if zero < min(point.q for point in found) + _FLAT:  # a plateau: nothing on it is better than no coupling
            return Lowest(-np.inf, zero)
    return min(found, key=lambda point: point.q)


def allowed(
    line: Slice, bound: float | Float[np.ndarray, " points"], reference: Lowest | None
) -> list[tuple[float, float]]:
    """Intervals of x where q, above the reference's if there is one, is below `bound`; cut at the ends of x.

    A bound that changes along x is a number at each point: what is interpolated is q over it.
    """
    x, q = line.x, line.q
    q = np.maximum(q - (reference.q if reference else 0.0), 0.0)
    inside = q < bound
    at = reference.x if reference else lowest(line).x
    if at < x[0]:
        # Everything lies above the best point: a power law of the coupling is a straight line of logarithms.
        values, targets = np.log(np.maximum(q, _NOISE) / bound), [0.0]
    else:
        # The root is nearly linear, and with a sign it runs straight through the minimum, which becomes a node.
        values, targets = np.where(x < at, -1.0, 1.0) * np.sqrt(q / bound), [-1.0, 1.0]
        if reference and at not in x:
            where = np.searchsorted(x, at)
            x, values, inside = np.insert(x, where, at), np.insert(values, where, 0.0), np.insert(inside, where, True)
    if not inside.any():
        return []
    # Monotone between nodes, so that nothing overshoots.
    curve = PchipInterpolator(x, values)
    roots = np.concatenate([curve.solve(target, extrapolate=False) for target in targets])
    starts: list[float] = []
    ends: list[float] = []
    for i in np.flatnonzero(inside[1:] != inside[:-1]):
        between = roots[(roots >= x[i]) & (roots <= x[i + 1])]
        (ends if inside[i] else starts).append(float(between[0]) if between.size else float(x[i]))
    if inside[0]:
        starts.insert(0, float(x[0]))
    if inside[-1]:
        ends.append(float(x[-1]))
    return list(zip(starts, ends, strict=True))


def of_probability(p: Any) -> Any:
    """Return ln(-ln p), where nothing was seen the logarithm of the expected signal: linear in that of a coupling."""
    return np.log(-np.log(np.clip(p, 1e-300, 1.0 - 1e-15)))


def to_probability(y: Any) -> Any:
    """Inverse of `of_probability`."""
    return np.exp(-np.exp(y))


def falls_below(x: Float[np.ndarray, " points"], p: Float[np.ndarray, " points"], level: float) -> float:
    """Where a probability falls below a level.

    Returns
    -------
    x
        inf where it does not, -inf where it is below from the start, NaN where it rises above it again.
    """
    above = p > level
    if np.any(np.diff(above.astype(int)) > 0):
        return np.nan
    if above.all() or not above[0]:
        return np.inf if above[0] else -np.inf
    i = int(np.flatnonzero(~above)[0])
    roots = PchipInterpolator(x, of_probability(p)).solve(of_probability(level), extrapolate=False)
    between = roots[(roots >= x[i - 1]) & (roots <= x[i])]
    return float(between[0]) if between.size else float(x[i - 1])
