"""Names of experiments and nuisances: numpyro sites and variables of a posterior share one room with the boson's."""

import re
from collections.abc import Iterable

from lmtbayes.errors import InvalidArgument, NuisanceConflict
from lmtbayes.parameters import PARAMETERS

PULL = "_pull"
"""Suffix of a nuisance's pull in the numpyro model; the name itself is its physical value."""
_TAKEN = frozenset((*PARAMETERS, "chain", "draw", "sample", "log_likelihood", "log_prior", "lp"))
_SAFE = re.compile(r"[^\W_](?:[\w.+-]*[\w+])?")
"""Names that a file can have everywhere: nothing that leads out of its folder."""
_OF_BINS = ("_bin", "_low", "_high", "_edge", "_edges")
"""Suffixes of the coordinates that a posterior has of an experiment."""


def check_names(experiments: Iterable[str], nuisances: Iterable[str]) -> None:
    """Require names that nothing else in a posterior has.

    Raises
    ------
    InvalidArgument
        An experiment whose name is no name of a file, the boson's, a coordinate's, or another experiment's with a
        suffix.
    NuisanceConflict
        A nuisance of such a name, or of the name of an experiment.
    """
    experiments, nuisances = tuple(experiments), tuple(nuisances)
    for name in experiments:
        if not _SAFE.fullmatch(name):
            raise InvalidArgument(
                f"`experiments` must have names of letters, digits, '-', '+', '_' and '.', as files are named by them; "
                f"got {name!r}"
            )
        if _reserved(name):
            raise InvalidArgument(f"`experiments` must have names that nothing else has; got {name!r}, {_WHY}")
        for other in experiments:
            if name in {other + suffix for suffix in _OF_BINS}:
                raise InvalidArgument(
                    f"`experiments` must have names that nothing else has; {name!r} is also a coordinate of the "
                    f"experiment {other!r}"
                )
    for name in nuisances:
        if _reserved(name):
            raise NuisanceConflict(f"a nuisance must have a name that nothing else has; got {name!r}, {_WHY}")
        if name in experiments:
            raise NuisanceConflict(f"a nuisance must have a name that nothing else has; {name!r} is an experiment too")


_WHY = (
    f"which stands for something else in a posterior (taken: {', '.join(sorted(_TAKEN))}, what begins with 'log10_', "
    f"what ends in '{PULL}')"
)


def _reserved(name: str) -> bool:
    return name in _TAKEN or name.startswith("log10_") or name.endswith(PULL)
