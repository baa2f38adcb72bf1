"""A study: many toys, simulations or grid rows from one set of settings, cut into chunks that do not know each other.

A chunk is made from the settings and its number alone, so that it is the same wherever, whenever and however often it
is made, and all chunks together are the study made in one go.
"""

import json
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np

from lmtbayes import _checks
from lmtbayes._version import versions
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.frequentist.calibration import RELATIVE_TO
from lmtbayes.inference.frequentist.order_statistics import ranks
from lmtbayes.inference.posterior.sbc import METHODS
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.strict import Saved, checked, one_of, optional, settings, text, whole
from lmtbayes.parameters import LEVELS
from lmtbayes.validation.intervals import TRUTHS

CHUNKS = {
    "toys": 1000,
    "coverage": 1000,
    "feldman-cousins": 1000,
    "sbc": 20,
    "profile": 4,
    "likelihood": 4,
    "intervals": 20,
    "evidence": 2,
    "verdicts": 5,
}
"""Every task and its default chunk: toys of one point, simulations, or rows of one mass: a minute or so of one core."""
MOST_CHUNKS = 1_000_000
NUISANCES = {
    "toys": ("drawn", "central"),
    "coverage": ("drawn", "central"),
    "feldman-cousins": ("profiled", "drawn"),
    "likelihood": ("profiled", "central", "marginalised"),
}
"""What each task that has a choice may do with the nuisances, as `toy_test_statistics`, `feldman_cousins` and
`log_likelihood_at`; first what it does where nothing is said."""


@settings
class Study(Saved):
    """Everything that determines a study.

    Raises
    ------
    InvalidArgument
        An unknown task or option; toys whose truth is of another model than the fit.
    UnknownName
        A setting that does not exist.
    """

    WHAT: ClassVar[str] = "a study"
    NEEDS: ClassVar[tuple[str, ...]] = ("task", "fit")

    task: Annotated[str, checked(one_of(CHUNKS))]
    """toys, coverage, feldman-cousins, sbc, profile, likelihood, intervals, evidence or verdicts.

    toys: fits of toys at the settings' truth. coverage: the same at every point of a (mass, g_x) grid of truths.
    feldman-cousins: critical values of q by toys at every point of such a grid. sbc: simulation-based calibration.
    profile: profile likelihood on the (mass, g_x) plane. likelihood: ln L on a grid in mass, g_x and, where mixing is
    free, kappa. intervals: coverage of profile regions, credible regions and credible intervals at BP1-BP4, at no boson
    and at the edges of the box. evidence: ln Z of every method for many seeds. verdicts: posteriors of toys and their
    verdicts against a dense reference.
    """
    fit: FitSettings = FitSettings()
    """Experiments, models, truth, ranges, seed; its grid is the number of points a side."""
    size: Annotated[int, checked(whole(1))] = 1000
    """Toys (of every point), simulations or seeds.

    Grids do not have it.
    """
    chunk: Annotated[int | None, checked(optional(whole(1)))] = None
    """Toys, simulations or rows in a chunk.

    Rows are those of one mass. A usual number where it is left out.
    """
    nuisances: Annotated[str | None, checked(optional(text()))] = None
    """drawn or central; feldman-cousins: profiled or drawn; likelihood: profiled, central or marginalised."""
    method: Annotated[str, checked(one_of(METHODS))] = "grid"
    """Of sbc: grid, auto or nuts."""
    relative_to: Annotated[str | None, checked(optional(one_of(RELATIVE_TO)))] = None
    """Of feldman-cousins: global (contours, the usual one) or slice (limits on g_x at each mass)."""

    def __post_init__(self) -> None:
        _checks.whole("grid", self.fit.grid, 2 if self.on_grid else 0)
        if self.chunk is None:
            object.__setattr__(self, "chunk", min(CHUNKS[self.task], self.items))
        if self.chunks > MOST_CHUNKS:
            raise InvalidArgument(
                f"`chunk` must be larger: {self.items} items at {self.groups} points in chunks of {self.chunk} are "
                f"{self.chunks} chunks, each of them a file; at most {MOST_CHUNKS}"
            )
        accepted = NUISANCES.get(self.task, ("",))
        if self.nuisances is None:
            object.__setattr__(self, "nuisances", accepted[0])
        elif accepted == ("",) and self.nuisances:
            raise _checks.invalid("nuisances", self.nuisances, f"left out for {self.task!r}")
        else:
            _checks.one_of("nuisances", self.nuisances, accepted)
        if self.task == "feldman-cousins":
            object.__setattr__(self, "relative_to", self.relative_to or "global")
            for level in LEVELS:
                ranks(level, self.size)
        elif self.relative_to is not None:
            raise _checks.invalid("relative_to", self.relative_to, f"left out for {self.task!r}")
        if self.task == "verdicts" and self.fit.gauge_model.mixing == "free":
            raise InvalidArgument("`mixing` must be fixed for 'verdicts', whose dense reference is a plane; got 'free'")
        if self.task in ("toys", "coverage") and self.fit.truth_model != self.fit.model:
            raise InvalidArgument(
                f"`truth_model` must be the model of the fits, {self.fit.model!r}, for {self.task!r}; "
                f"got {self.fit.truth_model!r}"
            )

    @property
    def on_grid(self) -> bool:
        """Whether there is a (mass, g_x) plane."""
        return self.has_truths or self.task in ("profile", "likelihood")

    @property
    def has_truths(self) -> bool:
        """Whether there are toys at every point of the plane."""
        return self.task in ("coverage", "feldman-cousins")

    @property
    def items(self) -> int:
        """How many toys of one point, simulations, or rows."""
        return self.fit.grid if self.task in ("profile", "likelihood") else self.size

    @property
    def groups(self) -> int:
        """How many points have toys of their own."""
        return len(TRUTHS) if self.task == "intervals" else self.fit.grid**2 if self.has_truths else 1

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return self.groups * -(-self.items // self._full)

    @property
    def _full(self) -> int:
        """Items of a chunk that is full; `chunk`, which is None for no longer than the constructor runs."""
        return int(self.chunk or 1)

    def part(self, index: int) -> "Part":
        """Return what a chunk holds."""
        group, within = divmod(index, -(-self.items // self._full))
        first = within * self._full
        return Part(group, first, min(self._full, self.items - first))

    def axis(self, name: str) -> np.ndarray:
        """Log-spaced values of a parameter over its range."""
        low, high = getattr(self.fit, name)
        return np.geomspace(low, high, self.fit.grid)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings without one that only other tasks have: folders of earlier versions go on."""
        given = super().to_dict()
        return {name: value for name, value in given.items() if name != "relative_to" or value is not None}

    def identity(self) -> str:
        """All settings in one line."""
        return json.dumps(self.to_dict(), sort_keys=True)


class Part(NamedTuple):
    """Items of one chunk."""

    group: int
    """Which point of the grid of truths, where there is one; which of `TRUTHS`, for "intervals"; else 0."""
    first: int
    number: int


def stamp() -> dict[str, str]:
    """Versions of what the numbers depend on, as attributes."""
    return {f"{name}_version": value for name, value in versions().items()}
