"""What may be joined into one likelihood, and which experiments compare their bins in one go."""

import itertools
from collections.abc import Sequence

import jax

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, PrecisionError
from lmtbayes.experiments.base import Experiment


def check_shared(experiments: Sequence[Experiment]) -> None:
    """Refuse two experiments of which one holds data of the other: "xenonnt-nr" holds "xenonnt-nr/8b"."""
    for first, second in itertools.combinations(experiments, 2):
        for a, b in itertools.product(first.data_sets, second.data_sets):
            if a == b or a.startswith(b + "/") or b.startswith(a + "/"):
                raise InvalidArgument(
                    f"`experiments` must not count data twice; {first.name!r} and {second.name!r} both hold "
                    f"{max(a, b, key=len)!r}: leave one out, or say allow_shared_data=True"
                )


def check_settings() -> None:
    """Require settings of jax under which a likelihood is right, 64 bits among them."""
    _checks.jax_settings()
    if not jax.config.jax_enable_x64:
        raise PrecisionError(
            "a likelihood needs jax in 64 bits, when it is built and when it is evaluated: unset LMTBAYES_X64=0 or "
            "call jax.config.update('jax_enable_x64', True)"
        )


def of_one_term(experiments: Sequence[Experiment]) -> list[list[Experiment]]:
    """Groups of experiments whose bins are compared in one go, which is less to compile: equal terms without arrays."""
    groups: list[list[Experiment]] = []
    for e in experiments:
        own = [] if jax.tree.leaves(e.term) else [group for group in groups if group[0].term == e.term]
        if own:
            own[0].append(e)
        else:
            groups.append([e])
    return groups
