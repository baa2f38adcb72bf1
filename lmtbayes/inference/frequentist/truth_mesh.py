"""Scattered points of a line or a plane: their triangles, neighbours, and values between them, linearly.

Coordinates are logarithms (`contours.axis_of`), each scaled to its own extent. A coordinate that all points share is
none: a plane of one mass is a line.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay

_SAME = 1e-9
"""Of a logarithm: what rounding may do."""


class Mesh:
    """Points whose hull is a box, as those of a product of lines and any between them.

    Parameters
    ----------
    points
        (number, dimensions), no two the same.
    """

    def __init__(self, points: Float[np.ndarray, "points dimensions"]):
        self.low, self.high = points.min(axis=0), points.max(axis=0)
        self._varies = self.high - self.low > _SAME
        self._unit = self._scaled(points)
        self._triangles = Delaunay(self._unit) if self._unit.shape[1] > 1 else None

    def edges(self) -> Int[np.ndarray, "edges 2"]:
        """Pairs of neighbours: the sides of all triangles, or what lies side by side on a line."""
        if self._triangles is not None:
            sides = self._triangles.simplices[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)
            return np.unique(np.sort(sides, axis=1), axis=0)
        order = np.argsort(self._unit[:, 0]) if self._unit.shape[1] else np.zeros(1, dtype=int)
        return np.sort(np.column_stack([order[:-1], order[1:]]), axis=1)

    def holds(self, points: Float[np.ndarray, "... dimensions"]) -> bool:
        """Whether all points lie between those of the mesh."""
        return bool(np.all((points >= self.low - _SAME) & (points <= self.high + _SAME)))

    def at(
        self, points: Float[np.ndarray, "wanted dimensions"], values: Float[np.ndarray, "points several"]
    ) -> Float[np.ndarray, "wanted several"]:
        """Values at other points, which the mesh must hold."""
        unit = np.clip(self._scaled(points), 0.0, 1.0)
        if unit.shape[1] == 0:
            return np.repeat(values[:1], len(unit), axis=0)
        if self._triangles is None:
            order = np.argsort(self._unit[:, 0])
            line = self._unit[order, 0]
            return np.column_stack([np.interp(unit[:, 0], line, column[order]) for column in values.T])
        return np.asarray(LinearNDInterpolator(self._triangles, values)(unit))

    def _scaled(self, points: np.ndarray) -> np.ndarray:
        varies = self._varies
        return (points[:, varies] - self.low[varies]) / (self.high - self.low)[varies]
