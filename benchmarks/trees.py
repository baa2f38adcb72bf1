"""One tree or two: the grid's and the cubature's cells on the same integrands; `python -m benchmarks.trees`.

Prints two tables. In the first the cubature of the tests' targets as it is, and on cells that are halved along all
edges at once, as the grid's are. In the second how many evaluations a tree needs before 80 % of draws from it are
effective, which is what a posterior's grid is for: the grid's own cells, and cells of the cubature with rules of 2 and
3 nodes, a draw being even over the part of the cell that its node stands for.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from scipy.special import logsumexp

from lmtbayes.inference.integration import cell_worker, cubature, faces, gauss_cells, gauss_legendre, refine
from lmtbayes.inference.integration.modes import Peaks, boxes_around
from lmtbayes.inference.integration.morton_cells import MortonCells
from lmtbayes.inference.integration.working_measure import ROOT_LEVEL

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "inference"))
type Integrand = Callable[[np.ndarray], np.ndarray]

LIMIT, EFFECTIVE, DRAWS = 200_000, 0.8, 50_000
START = {2: 32, 3: 8}
"""Cells of the cubature along each edge that have as many nodes of the rule of 2 as the grid has cells at its root."""


class Target(NamedTuple):
    """An integrand on the unit cube, peaks that are narrower than the coarsest cells, and ln Z."""

    name: str
    f: Integrand
    dimensions: int
    peaks: tuple[tuple[tuple[float, ...], float], ...]
    log_z: float


class Run(NamedTuple):
    """What a tree gave: boxes with a density each, and the integral."""

    evaluations: int
    log_z: float
    claimed: float
    seconds: float
    low: np.ndarray
    width: np.ndarray
    log_density: np.ndarray


def targets() -> list[Target]:
    """Six of the tests, and a likelihood with two modes and a nuisance."""
    from evidence_targets import TARGETS, log_z
    from posterior_toys import TWO, two_modes

    from lmtbayes.inference.coordinates import Space
    from lmtbayes.inference.devices import resolve_devices
    from lmtbayes.inference.integration.working_measure import evaluate

    peaks = {
        "bimodal": (((0.375,) * 3, 0.5 / 40.0), ((0.625,) * 3, 0.1 / 40.0)),
        "signal": (((0.6, 0.575, 0.6), 0.004),),
    }
    found = [Target(k, lambda u, f=f: f(u, np), 3, peaks.get(k, ()), log_z(k)) for k, f in TARGETS.items()]
    like, devices = two_modes(), resolve_devices(None)
    space = Space(like.joint, TWO)

    def density(u: np.ndarray) -> np.ndarray:
        return evaluate(space, u, like.data, devices)[0]

    exact = cubature.integrate(density, 2, rtol=1e-6, batch=512).log_z
    return [*found, Target("two modes", density, 2, (), exact)]


def _peaks(target: Target) -> Peaks:
    unit = np.array([at for at, _ in target.peaks]).reshape(-1, target.dimensions)
    finest = np.array([width for _, width in target.peaks])
    return Peaks(unit, target.f(unit) if len(unit) else np.zeros(0), finest, np.tile(finest, (target.dimensions, 1)).T)


def of_cubature(target: Target, rtol: float, start_cells: int | None = None) -> Run:
    """Cells of the cubature; each node's part of its cell is a box."""
    peaks, begin = _peaks(target), time.perf_counter()
    found = cubature.integrate(
        target.f,
        target.dimensions,
        rtol=rtol,
        start_cells=start_cells,
        find_modes=lambda _: boxes_around(peaks.unit, peaks.finest, peaks.log_likelihood),
        batch=512,
    )
    seconds = time.perf_counter() - begin
    centre, half = found.cells.node_shares()
    log_density = found.nodes[1] - np.log(2.0 * half).sum(1)
    return Run(
        found.evaluations, found.log_z, found.log_z_error, seconds, centre - half, 2.0 * half, log_density + found.log_z
    )


def of_grid(target: Target, tolerance: float) -> Run:
    """Cells of the posterior's grid."""
    count = 0

    def evaluated(units: np.ndarray) -> refine.Values:
        nonlocal count
        count += len(units)
        return (target.f(units),)

    begin = time.perf_counter()
    cells = MortonCells.uniform(target.dimensions, ROOT_LEVEL[target.dimensions])
    values = evaluated(cells.centre)
    if target.peaks:
        cells, values = refine.resolve_peaks(cells, values, _peaks(target), evaluated)
    cells, values, error = refine.split_until(cells, values, evaluated, tolerance, LIMIT)
    seconds = time.perf_counter() - begin
    width = np.repeat(cells.width[:, None], target.dimensions, axis=1)
    log_z = float(logsumexp(values[0] + cells.log_volume))
    return Run(count, log_z, error, seconds, cells.low, width, values[0])


def effective(run: Run, f: Integrand) -> float:
    """Effective part of draws that are even in each box: median of three sets of draws."""
    log_mass = run.log_density + np.log(run.width).sum(1)
    mass = np.exp(log_mass - logsumexp(log_mass))
    parts = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        box = rng.choice(len(mass), DRAWS, p=mass)
        log_weight = f(run.low[box] + rng.random((DRAWS, run.low.shape[1])) * run.width[box]) - run.log_density[box]
        parts.append(np.exp(2.0 * logsumexp(log_weight) - logsumexp(2.0 * log_weight)) / DRAWS)
    return float(np.median(parts))


def _split_all(low: np.ndarray, width: np.ndarray, halve: np.ndarray) -> Any:
    return gauss_legendre.split(low, width, np.repeat(halve.any(1, keepdims=True), low.shape[1], axis=1))


@contextlib.contextmanager
def _orders(low: int, high: int) -> Iterator[None]:
    """Rules of other orders in every module that has taken them."""
    with contextlib.ExitStack() as stack:
        for module in (gauss_legendre, gauss_cells, cell_worker, faces, cubature):
            for name, order in (("LOW", low), ("HIGH", high)):
                if hasattr(module, name):
                    stack.enter_context(mock.patch.object(module, name, order))
        yield


def _row(target: Target, label: str, run: Run, *more: str) -> None:
    numbers = f"{run.evaluations} | {abs(run.log_z - target.log_z):.0e} | {run.claimed:.0e} | {run.seconds:.1f}"
    print("| " + " | ".join([target.name, label, numbers, *more]) + " |", flush=True)


def main() -> None:
    """Print the two tables."""
    found = targets()
    head = "| target | cells | evaluations | error of ln Z | claimed | seconds |"
    print(head + "\n|" + " --- |" * 6)
    for target in found:
        of_cubature(target, 1.0)  # whatever is done once
        _row(target, "halved where rough", of_cubature(target, 1e-3))
        with mock.patch.object(cell_worker, "split", _split_all):
            _row(target, "halved along all", of_cubature(target, 1e-3))
    print("\n" + head + " effective |\n|" + " --- |" * 7)
    for target in found:
        sweeps = {
            "grid": (of_grid, (0.6, 0.3, 0.15, 0.08, 0.04)),
            "cubature's, 2 and 3 nodes": (
                lambda target, rtol: of_cubature(target, rtol, START[target.dimensions]),
                (1.0, 0.3, 0.15, 0.08, 0.04, 0.02),
            ),
        }
        for label, (make, tolerances) in sweeps.items():
            with _orders(2, 3):
                for tolerance in tolerances:
                    run = make(target, tolerance)
                    part = effective(run, target.f)
                    if part >= EFFECTIVE:
                        break
            _row(target, label, run, f"{part:.2f}")


if __name__ == "__main__":
    main()
