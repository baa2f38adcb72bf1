"""`Auto`, `Independence` and `Nuts`: how `sample_posterior` samples, as objects that check themselves."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument

INITIALISATIONS = ("grid", "prior")
TREE_DEPTH = {True: 5, False: 8}
"""Cap on the depth of NUTS's trees, with jumps and without."""
LEAST_WARMUP, LEAST_DRAWS = 10, 4
"""Steps and draws of a chain below which nothing can be adapted or judged."""


@dataclass(frozen=True, kw_only=True)
class Nuts:
    """NUTS chains (arXiv:1111.4246, with numpyro's adaptation) that alternate with jumps from the posterior grid.

    Parameters
    ----------
    chains, warmup, draws
        Chains run side by side; steps of adaptation, then draws, of each.
    target_accept, max_tree_depth
        Of NUTS. By default trees end at depth 5, since jumps make the draws independent and NUTS has to explore a mode
        only locally (8 takes twice the time or more for the same effective number of draws), and at 8 without jumps.
    init
        "grid" starts the chains at draws of the grid; "prior" at draws of the prior (to see what goes wrong then).
    jumps
        Whether NUTS steps alternate with jumps.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    """

    chains: int = 16
    warmup: int = 500
    draws: int = 500
    target_accept: float = 0.95
    max_tree_depth: int | None = None
    init: str = "grid"
    jumps: bool = True

    def __post_init__(self) -> None:
        least = {"chains": 1, "warmup": LEAST_WARMUP, "draws": LEAST_DRAWS, "max_tree_depth": 1}
        for name, minimum in least.items():
            value = getattr(self, name)
            if value is None and name == "max_tree_depth":
                continue
            _checks.whole(name, value, minimum)
            # A NumPy integer is no JSON.
            object.__setattr__(self, name, int(value))
        _checks.scalar("target_accept", self.target_accept)
        if not 0.0 < float(self.target_accept) < 1.0:
            raise _checks.invalid("target_accept", self.target_accept, "between 0 and 1, both excluded")
        object.__setattr__(self, "target_accept", float(self.target_accept))
        _checks.one_of("init", self.init, INITIALISATIONS)
        _checks.switch("jumps", self.jumps)
        if isinstance(self.jumps, np.bool_):
            object.__setattr__(self, "jumps", bool(self.jumps))

    @property
    def tree_depth(self) -> int:
        """Cap on the depth of the trees: `max_tree_depth`, or the default."""
        return TREE_DEPTH[self.jumps] if self.max_tree_depth is None else self.max_tree_depth


@dataclass(frozen=True, kw_only=True)
class Independence:
    """Metropolis-Hastings chains all of whose proposals are draws of the posterior grid, evaluated many at a time.

    No gradient is asked for, and no step waits for the last: where the grid's Gaussians in the pulls are close to the
    posterior, so that a good part of the proposals is accepted, an effective draw costs a few likelihoods, and a device
    is as full as `chains` times `thin` make it. Where they are not, chains stand still: the verdict then says so, and
    `Nuts` is for that. Tails that the grid does not propose are not seen, by the verdict neither (`Auto`).

    Parameters
    ----------
    chains, warmup, draws
        Chains run side by side; draws of each that are left out and that are kept.
    thin
        Proposals before a draw is kept.

    Raises
    ------
    InvalidArgument
        A setting out of range.

    References
    ----------
    W. K. Hastings, Biometrika 57 (1970) 97; the independence chain: L. Tierney, Ann. Stat. 22 (1994) 1701.
    """

    chains: int = 64
    warmup: int = 25
    draws: int = 250
    thin: int = 4

    def __post_init__(self) -> None:
        for name, minimum in {"chains": 1, "warmup": LEAST_WARMUP, "draws": LEAST_DRAWS, "thin": 1}.items():
            value = getattr(self, name)
            _checks.whole(name, value, minimum)
            object.__setattr__(self, name, int(value))


@dataclass(frozen=True, kw_only=True)
class Auto:
    """`Independence` where the grid's proposals are so good that its chains mix, else `Nuts`.

    A block of proposals is drawn and weighed first. From their weights follows how many of them a chain needs to forget
    where it was, which becomes `thin`. Where that is too many, or the weights have a heavy tail, or have one after all
    when the chains are done, `Nuts` is run. Draws of either are `chains` times `draws`.

    Weights of proposals do not show what is hardly ever proposed, and neither does the grid beside them. So no chains
    are made of a grid that ran out of cells, and `Nuts` is run too where walks from the draws, small steps that leave
    the posterior as it is, end where nothing of it was proposed (`integration.walks`).

    Parameters
    ----------
    chains, draws
        As of both.
    warmup
        Of `Nuts`.

    Raises
    ------
    InvalidArgument
        A setting out of range.
    """

    chains: int = Nuts.chains
    warmup: int = Nuts.warmup
    draws: int = Nuts.draws

    def __post_init__(self) -> None:
        Nuts(chains=self.chains, warmup=self.warmup, draws=self.draws)
        for each in fields(self):
            object.__setattr__(self, each.name, int(getattr(self, each.name)))

    @property
    def nuts(self) -> Nuts:
        """NUTS of these settings."""
        return Nuts(chains=self.chains, warmup=self.warmup, draws=self.draws)

    def independence(self, thin: int) -> Independence:
        """Independence chains of these settings."""
        return Independence(chains=self.chains, draws=self.draws, thin=thin)


METHODS: dict[str, type[Nuts] | type[Independence] | type[Auto]] = {
    "auto": Auto,
    "nuts": Nuts,
    "independence": Independence,
}
"""By the word that stands for one with its default settings."""
SETTINGS = tuple(each.name for each in fields(Nuts))


def one_way_only[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Refuse a setting that is given as a keyword beside a `method` that has it: one of them would not count."""

    @functools.wraps(function)
    def call(*args: P.args, **given: P.kwargs) -> R:
        twice = [name for name in given if name in SETTINGS]
        if twice and given.get("method") is not None:
            raise InvalidArgument(
                f"`{twice[0]}` is a setting of `method`, {given['method']!r}: give it there, or give no `method`"
            )
        return function(*args, **given)

    return call
