"""What an efficiency may be, in every experiment that takes one: a number, a table, a file or a function.

A number
    In (0, 1], the same everywhere.
A table
    (energies, efficiencies), two arrays of one length, or rows of (energy, efficiency): energies increase, efficiencies
    lie between 0 and 1. Straight lines between the points; nothing below the first one, and the last one above. (A muon
    beam's is against the boson's mass: a smooth monotonic curve between the points, flat beyond both ends.)
A file
    CSV, lines of # first, with a column `efficiency` and one of the energies whose name says their unit:
    `energy_kevnr`, `energy_kevee` or `mass_mev`. Read as a table.
A function
    Of an array of energies, to as many efficiencies between 0 and 1, written with numpy. It is called when the
    experiment is built, at 2000 energies even in the logarithm, and once more where it jumps: a step is known to 1e-4
    of its energy.

What an experiment keeps are numbers, whichever of them was given: so it can be told from another (checkpoints), sent
to another process and traced. The unit of the energies is that of the experiment that takes the efficiency.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks, tables
from lmtbayes.errors import InvalidArgument

_QUANTITIES = {
    "energy_kevnr": "recoil energies [keVnr]",
    "energy_kevee": "recoil energies [keVee]",
    "mass_mev": "masses [MeV]",
}
_FUNCTION = "a function of an array of {}, written with numpy, to as many efficiencies between 0 and 1"
_SAMPLES, _FINER = 2000, 100
"""Samples of a function, and in an interval in which it jumps."""
_JUMP = 0.02
"""Between neighbouring samples: a rise from 0 to 1 over less than half of its energy is still smooth."""
_SMOOTH = 0.08
"""Longest panel in the logarithm of the energy on which a sampled function is taken to be smooth."""


@dataclass(frozen=True)
class EfficiencyCurve:
    """An efficiency as numbers: straight lines between points, 0 below the first, constant above the last.

    Parameters
    ----------
    energies, values
        The points.
    bends
        Energies at which a quadrature must stop.
    smooth
        Longest panel between them, in the logarithm of the energy, on which it is smooth.
    """

    energies: tuple[float, ...]
    values: tuple[float, ...]
    bends: tuple[float, ...] = ()
    smooth: float = float("inf")

    @property
    def is_number(self) -> bool:
        """Whether it is the same everywhere."""
        return not self.bends and self.smooth == float("inf")

    def __call__(self, energy: ArrayLike) -> Float[Array | np.ndarray, "..."]:
        """Efficiency at energies of any shape, which may be traced."""
        xp = _checks.array_library(energy)
        points, values = np.array(self.energies), np.array(self.values)
        return xp.asarray(
            xp.interp(xp.asarray(energy, dtype=float), points, values, left=None if self.is_number else 0.0)
        )


def resolve(argument: str, given: Any, quantity: str, low: float, high: float) -> EfficiencyCurve:
    """Return what a user gave for an efficiency as a curve.

    Parameters
    ----------
    argument
        Its name, for messages.
    given
        A number, a table, a file or a function, see the module; a curve is returned as it is.
    quantity
        What it is against: "energy_kevnr", "energy_kevee" or "mass_mev".
    low, high
        Where it is needed, > 0: a number holds, and a function is sampled, between them.

    Raises
    ------
    InvalidArgument
        Anything else, or a value that is no efficiency; one sentence that says which.
    """
    if isinstance(given, EfficiencyCurve):
        return given
    of = _QUANTITIES[quantity]
    if callable(given):
        return _sampled(argument, given, of, np.geomspace(low, high, _SAMPLES))
    if isinstance(given, str | os.PathLike):
        return _of_file(argument, Path(given), quantity)
    expected = f"a number in (0, 1], a table ({of}, efficiencies), a file or a function of {of}"
    array = _as_array(argument, given, expected)
    if array.ndim:
        return _table(argument, given, array, of)
    if not 0.0 < array <= 1.0:
        raise _checks.invalid(argument, given, f"{expected} (5 % is 0.05)")
    return EfficiencyCurve((low, high), (float(array),) * 2)


def _as_array(argument: str, given: Any, expected: str) -> Float[np.ndarray, "..."]:
    array = _checks.number(argument, given, expected)
    if array is None:
        raise _checks.invalid(argument, given, f"{expected}; it cannot be traced")
    return array


def _table(argument: str, given: Any, array: Float[np.ndarray, "..."], of: str) -> EfficiencyCurve:
    """Two arrays, or rows of two numbers; what could be both is refused."""
    if array.ndim != 2 or 2 not in array.shape or min(array.shape) < 2:
        raise _checks.invalid(argument, given, f"a table of two or more points: ({of}, efficiencies), or rows of both")
    readings = [*([array] if len(array) == 2 else []), *([array.T] if array.shape[1] == 2 else [])]
    possible = [reading for reading in readings if _is_curve(*reading)]
    if len(possible) == 2:
        raise _checks.invalid(
            argument,
            given,
            f"a table that is read in one way, ({of}, efficiencies) or rows of both: give a third point",
        )
    energies, values = (possible or readings)[0]
    return _points(argument, energies, values, of)


def _is_curve(energies: np.ndarray, values: np.ndarray) -> bool:
    return bool(np.all(np.diff(energies) > 0) and energies[0] > 0 and np.all((values >= 0) & (values <= 1)))


def _points(argument: str, energies: Any, values: Any, of: str) -> EfficiencyCurve:
    found = _checks.increasing(f"{argument}, {of}", energies)
    _checks.positive(f"{argument}, {of}", found)
    heights = _checks.shape(argument, values, found.shape)
    _checks.in_interval(argument, heights, 0.0, 1.0)
    if not heights.any():
        raise _checks.invalid(argument, heights, "above 0 somewhere")
    points = tuple(found.tolist())
    return EfficiencyCurve(points, tuple(heights.tolist()), points)


def _of_file(argument: str, path: Path, quantity: str) -> EfficiencyCurve:
    if not path.is_file():
        raise _checks.invalid(argument, str(path), f"a CSV file that exists, with columns {quantity} and efficiency")
    columns = tables.read_csv(path, argument)
    if not {quantity, "efficiency"} <= columns.keys():
        raise InvalidArgument(
            f"`{argument}` must have columns {quantity} and efficiency; {path.name} has {', '.join(columns) or 'none'}"
        )
    return _points(argument, columns[quantity], columns["efficiency"], _QUANTITIES[quantity])


def _sampled(
    argument: str, function: Callable[[np.ndarray], Any], of: str, energies: Float[np.ndarray, " n"]
) -> EfficiencyCurve:
    values = _values(argument, function, of, energies)
    jumps = np.flatnonzero(np.abs(np.diff(values)) > _JUMP)
    if jumps.size:
        finer = [np.geomspace(energies[jump], energies[jump + 1], _FINER) for jump in jumps]
        energies = np.unique(np.concatenate([energies, *finer]))
        values = _values(argument, function, of, energies)
        jumps = np.flatnonzero(np.abs(np.diff(values)) > _JUMP)
    if not values.any():
        raise InvalidArgument(f"`{argument}` must be {_FUNCTION.format(of)}, above 0 somewhere; got 0 everywhere")
    bends = energies[np.union1d(jumps, jumps + 1)]
    return EfficiencyCurve(tuple(energies.tolist()), tuple(values.tolist()), tuple(bends.tolist()), _SMOOTH)


def _values(
    argument: str, function: Callable[[np.ndarray], Any], of: str, energies: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """What a user's function gives at known energies, checked."""
    expected = _FUNCTION.format(of)
    try:
        values = np.asarray(function(energies.copy()), dtype=float)
    except Exception as error:
        why = " ".join(str(error).split())
        raise InvalidArgument(
            f"`{argument}` must be {expected}; it fails with {type(error).__name__}: {why}"
        ) from error
    if values.shape not in ((), energies.shape):
        raise InvalidArgument(f"`{argument}` must be {expected}; for {energies.shape} it gives shape {values.shape}")
    values = np.broadcast_to(values, energies.shape)
    wrong = ~((values >= 0.0) & (values <= 1.0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise InvalidArgument(f"`{argument}` must be {expected}; got {values[at]:g} at {energies[at]:g}")
    return values
