"""The package's own entries without overrides: each is one experiment while somebody has it.

What is compiled of its rates then serves all likelihoods. What a user's builder reads may change from call to call: it
builds anew.
"""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import jax
import numpy as np

if TYPE_CHECKING:
    from lmtbayes.experiments.base import Experiment


type Builder = Callable[..., "Experiment"]

_BUILT: "dict[tuple[str, bool], tuple[Builder, weakref.ref[Experiment]]]" = {}
"""By name and whether numbers have 64 bits: what builds it, and what that has built."""


def is_own(build: Builder) -> bool:
    """Whether this is a function of the package's experiments, or one with some of its arguments given."""
    return str(getattr(getattr(build, "func", build), "__module__", "")).startswith("lmtbayes.experiments.")


def as_published(name: str, build: Builder, checked: "Callable[[object], Experiment]") -> "Experiment":
    """Return what an entry builds, the same object while somebody has it; its arrays are read-only.

    Parameters
    ----------
    name, build
        The entry.
    checked
        What is built to the experiment that it has to be.
    """
    key = name, jax.config.jax_enable_x64
    by, found = _BUILT.get(key, (None, None))
    there = found() if found is not None and by is build else None
    if there is None:
        there = checked(build())
        for leaf in jax.tree.leaves(there):
            if isinstance(leaf, np.ndarray):
                leaf.flags.writeable = False
        _BUILT[key] = build, weakref.ref(there)
    return there


def is_published(experiment: "Experiment") -> bool:
    """Whether this is the one object that everybody has."""
    _, found = _BUILT.get((experiment.name, jax.config.jax_enable_x64), (None, None))
    return found is not None and found() is experiment
