"""A statement of the paper, held against what the package computes: by the paper's conventions and by the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lmtbayes import _checks

AGREES, IN_KIND, DIFFERS = "agrees", "agrees in kind", "differs"
VERDICTS = (AGREES, IN_KIND, DIFFERS)


@dataclass(frozen=True)
class Statement:
    """One statement and its verdict; every number in it is computed.

    Parameters
    ----------
    key
        Unique, as "fig5-bp4-closes".
    where
        In the paper: "Sect. 3, Fig. 5".
    claim
        What the paper says, in our words, its number included where it gives one.
    paper, default
        What we find by `convention="paper"` and by the defaults.
    verdict
        One of `VERDICTS`, on `paper`: does the paper follow from its own choices.
    why
        What makes a difference, also one between `paper` and `default`; "" where there is none.
    numbers
        The numbers behind it, for machines: name (unit in the name) to value.
    """

    key: str
    where: str
    claim: str
    paper: str
    default: str
    verdict: str
    why: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _checks.one_of("verdict", self.verdict, VERDICTS)
        if self.verdict == DIFFERS and not self.why:
            raise _checks.invalid("why", self.why, "a reason, where the verdict is that our result differs")
