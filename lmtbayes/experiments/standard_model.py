"""Rates without a boson, which backgrounds and normalisations are made of before the experiment is built."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from lmtbayes._compile import compile_quickly
from lmtbayes.experiments.nuisance import Nuisance, central_values
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton

type Rate = Callable[[GaugeModel, HiddenPhoton, Mapping[str, Float[Array, ""]]], Any]
"""(model, single photon, value of every nuisance) to arrays: what an experiment's `_signal` is made of."""


def standard_model(rate: Rate, nuisances: Iterable[Nuisance]) -> Any:
    """Evaluate a rate in the Standard Model at central nuisances.

    Parameters
    ----------
    rate
        Traceable; any pytree of arrays.
    nuisances
        All that it reads.

    Returns
    -------
    found
        The same pytree in NumPy.
    """
    none = HiddenPhoton.none()
    found = compile_quickly(lambda values: rate(LMU_LTAU, none, values))(central_values(nuisances))
    return jax.tree.map(np.asarray, found)
