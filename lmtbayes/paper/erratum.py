"""One erratum of the printed paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Erratum:
    """One erratum.

    Parameters
    ----------
    where
        In the paper.
    printed, right
        What stands there and what should.
    effect
        What it does to the paper's numbers, in words with computed numbers.
    numbers
        The same for machines.
    """

    where: str
    printed: str
    right: str
    effect: str
    numbers: Mapping[str, float] = field(default_factory=dict)
