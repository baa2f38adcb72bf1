"""Density of draws in a plane, and the regions of highest density that hold given fractions of them.

A kernel estimate on a raster that ends where the parameters' ranges end (the kernels are reflected there: a discrete
cosine transform does both). Widths are chosen by the likelihood of each draw under all others, and vary as the inverse
root of the density (I. S. Abramson, Ann. Statist. 10 (1982) 1217): wide in a flat tail, whose noise would be islands,
narrow in a sharp mode. A plateau that ends at a sharp edge asks for narrow kernels at the edge alone: everywhere the
widest is taken that agrees with all narrower ones within their noise (O. V. Lepskii, Theory Probab. Appl. 35 (1991)
454), or the plateau's noise would be holes. Levels come from the density at the draws, each without its own kernel, so
that a region holds what it says of the draws, and of others of the same distribution, whatever the kernel does to its
shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from jaxtyping import Float
from scipy.interpolate import RegularGridInterpolator

from lmtbayes import _checks, _level_sets

type Range = tuple[float, float]


LEAST_DRAWS = 100
"""Of which a density can be estimated."""
_CELLS = 400
"""Of the raster, a side."""
_CLASSES = 10
"""Of kernel widths."""
_NARROWEST, _WIDEST = 0.25, 4.0
"""Factors by which a kernel may differ from the typical one."""
_SCALES = (0.6, 0.8, 1.0, 1.25, 1.6, 2.0)
"""Of all kernels, tried one after the other."""
_WIDER = (1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
"""Of the best of them, where the draws allow it."""
_NOISE = 3.0
"""Standard deviations within which two estimates agree."""
_TAIL, _PAD = 0.001, 0.1
"""Draws beyond the raster in each direction; its margin, over the range of the others."""
_FLOOR = 1e-12
"""Of a density, over its highest."""


@dataclass(frozen=True, eq=False)
class PlaneDensity:
    """A density on nodes, and how high it is where regions end; made by `density_of_draws`.

    Parameters
    ----------
    x, y
        Nodes; the first and the last lie on the raster's edges.
    depth
        2 ln(highest density / density), dimensions (y, x): chi^2 of a Gaussian.
    levels, thresholds
        Probability contents, and the depths at which the regions end that hold them.
    """

    x: Float[np.ndarray, " x"]
    y: Float[np.ndarray, " y"]
    depth: Float[np.ndarray, "y x"]
    levels: tuple[float, ...]
    thresholds: tuple[float, ...]


def outlines(density: PlaneDensity) -> tuple[_level_sets.Outline, ...]:
    """Outline the regions of a density, one a level."""
    root = np.sqrt(density.depth)
    return tuple(
        _level_sets.straight(density.x, density.y, root, float(np.sqrt(depth))) for depth in density.thresholds
    )


def density_of_draws(
    x: Float[np.ndarray, " *draws"],
    y: Float[np.ndarray, " *draws"],
    levels: Sequence[float],
    x_bounds: Range | None = None,
    y_bounds: Range | None = None,
    cells: int = _CELLS,
) -> PlaneDensity:
    """Estimate a density from draws, in coordinates in which a volume is to be small (logarithms for a log axis).

    Parameters
    ----------
    x, y
        Draws, equally probable.
    levels
        Probability contents, increasing, between 0 and 1.
    x_bounds, y_bounds
        Where the parameters' ranges end. Without them no region goes beyond the outermost draw.
    cells
        Of the raster, a side: a small panel needs fewer.

    Raises
    ------
    InvalidArgument
        Fewer than 100 draws, draws that are not finite or that do not vary, bounds that cut them.
    """
    points = np.stack([np.asarray(x, dtype=float).ravel(), np.asarray(y, dtype=float).ravel()])
    if points.shape[1] < LEAST_DRAWS:
        raise _checks.invalid("draws", points.shape[1], f"at least {LEAST_DRAWS}")
    _checks.finite("draws", points)
    _checks.in_interval("levels", _checks.increasing("levels", levels, 1), 0.0, 1.0)
    edges = [_window(values, bounds, max(levels)) for values, bounds in zip(points, (x_bounds, y_bounds), strict=True)]
    cell = np.array([(high - low) / cells for low, high in edges])
    position = (points - np.array(edges)[:, :1]) / cell[:, None]  # in cells
    seen = ((position >= 0.0) & (position <= cells)).all(axis=0)
    # A chain that stays where it is repeats a draw: one kernel, several times as heavy.
    kept, weight = np.unique(position[:, seen].T, axis=0, return_counts=True)
    kernels = _Kernels(kept.T, weight.astype(float), cells)
    typical = kernels.typical()
    density, height = kernels.adaptive(typical)
    top = float(density.max())
    nodes = [low + kernels.nodes * (high - low) / cells for low, high in edges]
    depth = -2.0 * np.log(np.maximum(np.pad(density, 1, mode="edge") / top, _FLOOR))
    own = np.full(points.shape[1], np.inf)
    at_draws = -2.0 * np.log(np.maximum(height / top, _FLOOR))
    own[: int(weight.sum())] = np.repeat(at_draws, weight)
    thresholds = np.quantile(own, levels, method="inverted_cdf")
    return PlaneDensity(nodes[0], nodes[1], depth.T, tuple(map(float, levels)), tuple(map(float, thresholds)))


def _window(values: np.ndarray, bounds: Range | None, level: float) -> Range:
    """Range of a raster: almost all draws and a margin, not beyond the bounds."""
    lowest, highest = float(values.min()), float(values.max())
    if lowest == highest:
        raise _checks.invalid("draws", lowest, "different from each other")
    tail = min(_TAIL, (1.0 - level) / 20.0)
    low, high = np.quantile(values, [tail, 1.0 - tail])
    pad = _PAD * (high - low)
    if bounds is None:
        return max(float(low - pad), lowest), min(float(high + pad), highest)
    slack = 1e-9 * (bounds[1] - bounds[0])
    if lowest < bounds[0] - slack or highest > bounds[1] + slack:
        raise _checks.invalid("bounds", bounds, f"a range that holds the draws, {lowest:g} to {highest:g}")
    return max(float(low - pad), bounds[0]), min(float(high + pad), bounds[1])


class _Kernels:
    """Sums of Gaussian kernels at draws, reflected at the raster's edges; lengths in cells.

    Parameters
    ----------
    position
        Shape (2, draws).
    weight
        Of every draw.
    cells
        Of the raster, a side.
    """

    def __init__(self, position: np.ndarray, weight: np.ndarray, cells: int):
        self.cells = cells
        self.position = position
        self.weight = weight
        self.frequency = np.pi * np.arange(cells) / cells
        centre = np.arange(cells) + 0.5
        self.nodes = np.concatenate([[0.0], centre, [float(cells)]])

    def transform(self, chosen: np.ndarray, power: int = 1) -> np.ndarray:
        """Cosine transform of the histogram of chosen draws, of their weights to a power."""
        index = np.minimum(self.position[:, chosen].astype(int), self.cells - 1)
        counts = np.zeros((self.cells, self.cells))
        np.add.at(counts, tuple(index), self.weight[chosen] ** power)
        return np.asarray(scipy.fft.dctn(counts, type=2))

    def smooth(self, transform: np.ndarray, width: np.ndarray) -> np.ndarray:
        """Transform times that of a Gaussian of a width in each direction."""
        across = [np.exp(-0.5 * (self.frequency * w) ** 2) for w in width]
        return transform * across[0][:, None] * across[1]

    def own(self, width: np.ndarray) -> np.ndarray:
        """What each draw adds to the density at its own place, images beyond the edges included; width (2, draws)."""
        result = self.weight.copy()
        for at, w in zip(self.position, np.broadcast_to(width, self.position.shape), strict=True):
            images = 1.0 + np.exp(-2.0 * (at / w) ** 2) + np.exp(-2.0 * ((self.cells - at) / w) ** 2)
            # A cell is as wide as it is: the histogram smears the kernel by its own width.
            result *= images / np.sqrt(2.0 * np.pi * (w**2 + 1.0 / 12.0))
        return result

    def at_draws(self, density: np.ndarray) -> np.ndarray:
        """Density at the draws, linear in its logarithm between cells, as its contours are drawn."""
        padded = np.log(np.maximum(np.pad(density, 1, mode="edge"), 1e-300))
        return np.exp(RegularGridInterpolator((self.nodes, self.nodes), padded)(self.position.T))

    def score(self, density: np.ndarray, width: np.ndarray) -> tuple[float, float]:
        """Mean ln density of each draw under the others, and its standard error."""
        others = np.maximum(self.at_draws(density) - self.own(width), 1e-12 * density.max())
        logarithms = np.log(others / self.weight.sum())
        mean = np.average(logarithms, weights=self.weight)
        return float(mean), float(logarithms.std() / np.sqrt(logarithms.size))

    def typical(self) -> np.ndarray:
        """Width in each direction that makes the draws most probable: of one length first, then of two."""
        whole = self.transform(np.ones(self.weight.size, dtype=bool))

        def best(candidates: list[np.ndarray]) -> np.ndarray:
            scores = [self.score(_back(self.smooth(whole, w)), w[:, None])[0] for w in candidates]
            return candidates[int(np.argmax(scores))]

        width = best([np.full(2, w) for w in np.geomspace(0.7, self.cells / 5.0, 14)])
        for ratio in (2.0, 1.4):
            width = best([width * np.array([ratio**k, ratio**-k]) for k in (-2, -1, 0, 1, 2)])
        return width

    def adaptive(self, typical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Density with widths that follow it, and its height at the draws without their own kernels."""
        whole = self.transform(np.ones(self.weight.size, dtype=bool))
        pilot = self.at_draws(_back(self.smooth(whole, typical)))
        middle = np.exp(np.average(np.log(pilot), weights=self.weight))
        factor = np.clip(np.sqrt(middle / pilot), _NARROWEST, _WIDEST)
        number = np.rint((_CLASSES - 1) * np.log(factor / _NARROWEST) / np.log(_WIDEST / _NARROWEST)).astype(int)
        steps = _NARROWEST * (_WIDEST / _NARROWEST) ** (np.arange(_CLASSES) / (_CLASSES - 1))
        chosen = {k: number == k for k in np.unique(number)}
        parts = {k: (self.transform(on), self.transform(on, 2)) for k, on in chosen.items()}

        def estimate(scale: float) -> _Layer:
            total, square = np.zeros((2, self.cells, self.cells))
            for k, (part, squares) in parts.items():
                width = np.maximum(scale * steps[k] * typical, 0.7)
                total += self.smooth(part, width)
                square += self.smooth(squares, width / np.sqrt(2.0)) / (4.0 * np.pi * width.prod())
            return _Layer(
                _back(total), np.sqrt(_back(square)), np.maximum(scale * steps[number] * typical[:, None], 0.7)
            )

        layers = [estimate(scale) for scale in _SCALES]
        scores = [self.score(layer.density, layer.width) for layer in layers]
        highest = max(scores)
        # The smoothest that is as good as the best within its error: less noise, no worse a description.
        first = max(k for k, (mean, _) in enumerate(scores) if mean >= highest[0] - highest[1])
        wider = [estimate(_SCALES[first] * factor) for factor in _WIDER]
        return self.agreeing([layers[first], *wider], typical)

    def agreeing(self, layers: "list[_Layer]", typical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """At each place the widest of estimates that agrees with all narrower ones; and that without own kernels."""
        agrees = np.ones_like(layers[0].density, dtype=bool)
        number = np.zeros_like(layers[0].density)
        for k, layer in enumerate(layers[1:], 1):
            for narrower in layers[:k]:
                agrees &= np.abs(layer.density - narrower.density) <= _NOISE * narrower.noise
            number[agrees] = k
        # Whole numbers of layers would be steps in the density.
        number = scipy.fft.idctn(self.smooth(np.asarray(scipy.fft.dctn(number, type=2)), typical), type=2)
        number = np.clip(number, 0.0, len(layers) - 1.0)
        at_draws = RegularGridInterpolator((self.nodes, self.nodes), np.pad(number, 1, mode="edge"))(self.position.T)
        highest = float(layers[0].density.max())
        logarithm, height = np.zeros_like(number), np.zeros_like(at_draws)
        for k, layer in enumerate(layers):
            others = self.at_draws(layer.density) - self.own(layer.width)
            logarithm += _share(number, k) * np.log(np.maximum(layer.density, _FLOOR * highest))
            height += _share(at_draws, k) * np.log(np.maximum(others, _FLOOR * highest))
        return np.exp(logarithm), np.exp(height)


@dataclass(frozen=True, eq=False)
class _Layer:
    """A density, its standard deviation, and the widths of the draws' kernels."""

    density: np.ndarray
    noise: np.ndarray
    width: np.ndarray


def _share(number: np.ndarray, layer: int) -> np.ndarray:
    """Weight of a layer where a place lies between two."""
    return np.maximum(1.0 - np.abs(number - layer), 0.0)


def _back(transform: np.ndarray) -> np.ndarray:
    return np.maximum(scipy.fft.idctn(transform, type=2), 0.0)
