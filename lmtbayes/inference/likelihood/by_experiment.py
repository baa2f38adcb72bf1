"""A function of photon and pulls that is made of one of each experiment: these are compiled by themselves.

Each experiment's part is kept with its `Rates`: another likelihood that shares these compiles only what joins the
parts. All parts are compiled side by side, as many as there are cores.
"""

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from lmtbayes._compile import cores
from lmtbayes.gauge.charges import Charges
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Blocked, Column, Devices, Mapped
from lmtbayes.inference.likelihood.constraints import Constraints
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.rates import Rates, Reading

type Nuisances = Any
"""A pytree of arrays (nuisances,), or of an experiment's own: values, say, and their derivatives in the pulls."""


def values(constraints: Constraints, pulls: Float[Array, " nuisances"]) -> Float[Array, " nuisances"]:
    """Of the pulls the values alone: the first of `Parts` where nothing else is handed on."""
    return constraints.values(pulls)


class Parts(NamedTuple):
    """What a function of all experiments is made of; functions of modules, to be traced."""

    nuisances: Callable[[Constraints, Float[Array, " nuisances"]], Nuisances]
    """What of the pulls the experiments are handed, each its own columns."""
    own: Callable[[Reading, HiddenPhoton, Nuisances, Float[Array, " bins"]], Any]
    """One experiment's part: of its rates, the photon, what of its own nuisances it is handed, and its data."""
    join: Callable[[JointModel, Float[Array, " nuisances"], Nuisances, list[Any], Data], Any]
    """The result: of the pulls, what `nuisances` makes of them, every experiment's part, and all data."""

    def of_pulls(self, joint: JointModel, pulls: Float[Array, " nuisances"]) -> tuple[Nuisances, list[Nuisances]]:
        """What `nuisances` makes of the pulls, and the columns of it that every experiment is handed."""
        whole = self.nuisances(joint.constraints, pulls)
        columns = [np.array(own, dtype=int) for _, own in joint.nuisance_places]
        return whole, [jax.tree.map(lambda x, own=own: x[own], whole) for own in columns]

    def at(self, joint: JointModel, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data) -> Any:
        """Evaluate one point; to be traced."""
        whole, owned = self.of_pulls(joint, pulls)
        found = [
            self.own(rates, photon, values, data[rates.experiment.name])
            for rates, values in zip(joint.rates, owned, strict=True)
        ]
        return self.join(joint, pulls, whole, found, data)


class ByExperiment(Blocked):
    """((photons, pulls), data) to what `parts.join` makes of every experiment's part.

    Parameters
    ----------
    joint
        Experiments and nuisances.
    parts
        What is computed.
    devices, batch_size
        As of `Mapped`.
    """

    def __init__(self, joint: JointModel, parts: Parts, devices: Devices, batch_size: int):
        def join(item: tuple[Array, Nuisances, list[Any]], data: Data) -> Any:
            return parts.join(joint, *item, data)

        def one(point: tuple[HiddenPhoton, Array], data: Data) -> Any:
            return parts.at(joint, *point, data)

        self._names = [e.name for e in joint.experiments]
        self._of_pulls = Mapped(lambda pulls: parts.of_pulls(joint, pulls), devices, batch_size)
        self._own = [reading.rates.compiled(_own, parts.own, devices, batch_size) for reading in joint.rates]
        self._join = Mapped(join, devices, batch_size)
        self._is_compiled = False
        super().__init__(self._block, devices, len(devices) * batch_size, one)
        self._charges = [self.on_all(reading.charges) for reading in joint.rates]

    def _block(self, items: tuple[HiddenPhoton, Column], shared: tuple[dict[str, Column]], count: Column) -> Any:
        photons, pulls = items
        (data,) = shared
        whole, owned = self._of_pulls.run(pulls, (), count)
        each = [
            ((photons, values), (data[name], charges), count)
            for values, name, charges in zip(owned, self._names, self._charges, strict=True)
        ]
        if not self._is_compiled:
            self._compile(each)
        found = [own.run(*given) for own, given in zip(self._own, each, strict=True)]
        return self._join.run((pulls, whole, found), shared, count)

    def _compile(self, each: list[Any]) -> None:
        """Compile all parts side by side; traced they are here, where the settings of jax are the caller's.

        Each process in an order of its own: of two that begin at the same time, with one cache, each finds there what
        the other has done meanwhile.
        """
        parts = list(zip(self._own, each, strict=True))
        random.Random(os.getpid()).shuffle(parts)
        pool = ThreadPoolExecutor(min(cores(), len(parts)))
        try:
            waiting = [pool.submit(own.lowered(*given).compile) for own, given in parts]
            for part in waiting:
                part.result()
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt waits for what is compiled at that moment only
        self._is_compiled = True

    def _cache_size(self) -> int:
        """Count the kinds of arguments so far of what joins the parts, compilations at most."""
        return self._join._cache_size()


def _own(rates: Rates, own: Callable[..., Any], devices: Devices, batch_size: int) -> Mapped:
    def one(point: tuple[HiddenPhoton, Nuisances], data: Array, charges: Charges) -> Any:
        return own(Reading(rates, charges), *point, data)

    return Mapped(one, devices, batch_size)
