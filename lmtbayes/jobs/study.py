"""A study: many toys, simulations or grid rows from one set of settings, cut into chunks that do not know each other.

A chunk is made from the settings and its number alone, so that it is the same wherever, whenever and however often it
is made, and all chunks together are the study made in one go.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lmtbayes import _checks
from lmtbayes._version import versions
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.posterior.sbc import METHODS
from lmtbayes.jobs.settings import FitSettings

CHUNKS = {"toys": 1000, "coverage": 1000, "sbc": 20, "profile": 4, "likelihood": 4}
"""Every task and its default chunk: toys of one point, simulations, or rows of one mass: a minute or so of one core."""
_TRUE = ("drawn", "central")
_POINTS = ("profiled", "central", "marginalised")


@dataclass(frozen=True)
class Study:
    """Everything that determines a study.

    Parameters
    ----------
    task
        "toys": fits of toys at the settings' truth. "coverage": the same at every point of a (mass, g_x) grid of
        truths. "sbc": simulation-based calibration. "profile": profile likelihood on the (mass, g_x) plane.
        "likelihood": ln L on a grid in mass, g_x and, where mixing is free, kappa.
    fit
        Experiments, models, truth, ranges, seed; its `grid` is the number of points a side.
    size
        Toys (of every point) or simulations; grids do not have it.
    chunk
        Toys, simulations or rows of one mass in a chunk; None takes a usual number.
    nuisances
        "drawn" or "central" for toys, as `toy_test_statistics`; "profiled", "central" or "marginalised" for
        "likelihood".
    method
        Of "sbc": "grid" or "nuts".

    Raises
    ------
    InvalidArgument
        An unknown task or option; toys whose truth is of another model than the fit.
    """

    task: str
    fit: FitSettings = field(default_factory=FitSettings)
    size: int = 1000
    chunk: int | None = None
    nuisances: str | None = None
    method: str = "grid"

    def __post_init__(self) -> None:
        _checks.one_of("task", self.task, CHUNKS)
        _checks.one_of("method", self.method, METHODS)
        _checks.whole("size", self.size)
        _checks.whole("grid", self.fit.grid, 2 if self.on_grid else 0)
        if self.chunk is None:
            object.__setattr__(self, "chunk", min(CHUNKS[self.task], self.items))
        _checks.whole("chunk", self.chunk)
        accepted = {"toys": _TRUE, "coverage": _TRUE, "likelihood": _POINTS}.get(self.task)
        if self.nuisances is None:
            object.__setattr__(self, "nuisances", accepted[0] if accepted else "")
        elif accepted is None and self.nuisances:
            raise _checks.invalid("nuisances", self.nuisances, f"left out for {self.task!r}")
        elif accepted is not None:
            _checks.one_of("nuisances", self.nuisances, accepted)
        if self.task in ("toys", "coverage") and self.fit.truth_model != self.fit.model:
            raise InvalidArgument(
                f"`truth_model` must be the model of the fits, {self.fit.model!r}, for {self.task!r}; "
                f"got {self.fit.truth_model!r}"
            )

    @property
    def on_grid(self) -> bool:
        """Whether there is a (mass, g_x) plane."""
        return self.task in ("coverage", "profile", "likelihood")

    @property
    def items(self) -> int:
        """How many toys of one point, simulations, or rows."""
        return self.fit.grid if self.task in ("profile", "likelihood") else self.size

    @property
    def groups(self) -> int:
        """How many points have toys of their own."""
        return self.fit.grid**2 if self.task == "coverage" else 1

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.groups * -(-self.items // int(self.chunk or 1))

    def part(self, index: int) -> "Part":
        """Return what a chunk holds."""
        size = int(self.chunk or 1)
        group, within = divmod(index, -(-self.items // size))
        first = within * size
        return Part(group, first, min(size, self.items - first))

    def axis(self, name: str) -> np.ndarray:
        """Log-spaced values of a parameter over its range."""
        low, high = getattr(self.fit, name)
        return np.geomspace(low, high, self.fit.grid)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings and lists, as written to settings.json and sent to workers."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "Study":
        """Inverse of `to_dict`."""
        return cls(**{**given, "fit": FitSettings.from_dict(given["fit"])})

    @classmethod
    def from_file(cls, path: str | Path) -> "Study":
        """Read a settings.json of a study.

        Raises
        ------
        InvalidArgument
            No such file, no JSON, or no settings of a study.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InvalidArgument(f"`settings` must be a file of a study; {str(path)!r}: {error}") from None

    def identity(self) -> str:
        """All settings in one line."""
        return json.dumps(self.to_dict(), sort_keys=True)


class Part(NamedTuple):
    """Items of one chunk."""

    group: int
    """Which point of the grid of truths, for "coverage"; else 0."""
    first: int
    number: int


def stamp() -> dict[str, str]:
    """Versions of what the numbers depend on, as attributes."""
    return {f"{name}_version": value for name, value in versions().items()}
