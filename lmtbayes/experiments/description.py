"""What an experiment is in words (Description), and what it bins (Binning)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmtbayes import _checks

STATUSES = ("data", "projection", "approximate")


@dataclass(frozen=True)
class Description:
    """What an experiment is, in words.

    Parameters
    ----------
    name
        As in the registry, or your own.
    title
        For legends and tables.
    citation
        Paper(s), as "author et al., journal, arXiv:number".
    status
        "data" (published, with a likelihood that can be calculated), "projection", or "approximate" (a published curve
        turned into a likelihood).
    data_sets
        Names of what is counted or measured, a part behind a slash: "xenonnt-nr/8b" is a part of "xenonnt-nr". A joint
        likelihood refuses two experiments that hold the same, since they would count it twice.
    """

    name: str
    title: str
    citation: str
    status: str
    data_sets: Sequence[str] = ()

    def __post_init__(self) -> None:
        _checks.one_of("status", self.status, STATUSES)
        _checks.name("name", self.name)
        if not isinstance(self.title, str) or not self.title:
            raise _checks.invalid("title", self.title, "a non-empty string")
        given = self.data_sets
        if not isinstance(given, list | tuple) or not all(isinstance(each, str) and each for each in given):
            raise _checks.invalid("data_sets", self.data_sets, "a tuple of non-empty strings")
        object.__setattr__(self, "data_sets", tuple(self.data_sets))


@dataclass(frozen=True, eq=False)
class Binning:
    """Bin edges, strictly increasing, with the name of their quantity and their unit ("" for a pure number).

    `edges` and `unit` are None and "" for a measurement that is a single number.
    """

    edges: Any
    unit: str
    quantity: str

    def __post_init__(self) -> None:
        if _checks.is_traced(self.edges):  # an experiment whose threshold is scanned
            return
        edges = _checks.increasing("bin_edges", self.edges).copy()
        edges.flags.writeable = False
        object.__setattr__(self, "edges", edges)

    def __len__(self) -> int:
        return self.edges.size - 1


SINGLE_NUMBER = Binning(np.array([0.0, 1.0]), "", "measurement")
"""The one "bin" of a measurement that counts nothing."""
