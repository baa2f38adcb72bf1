"""One experiment read in one gauge model: what is compiled of it serves every likelihood that holds both.

Rates are nearly all of what there is to compile. Two fits that share experiments, as those with the g-2 of 2021 and of
2025 do, compile what they share once; so does a notebook that adds one experiment to the others.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import jax
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.programs import Programs

RECENT = 64
"""Experiments in a model whose compiled functions outlive the likelihoods that they were compiled for."""

_recent: "OrderedDict[tuple[int, GaugeModel], Rates]" = OrderedDict()


class Rates(Programs):
    """An experiment in a gauge model; `rates_of` makes one."""

    def __init__(self, experiment: Experiment, model: GaugeModel):
        super().__init__()
        self.experiment = experiment
        self.model = model

    def own_counts(self, photon: HiddenPhoton, values: Sequence[Array]) -> Float[Array, " bins"]:
        """Expected counts, for one photon and the values of the experiment's own nuisances; to be traced."""
        by_name = {n.name: value for n, value in zip(self.experiment.nuisances, values, strict=True)}
        return self.experiment.expected_counts(self.model, photon, by_name)

    @property
    def counts(self) -> Callable[[HiddenPhoton, Sequence[Array]], Float[Array, " bins"]]:
        """`own_counts`, jitted so that whatever is made of it, and its derivatives, traces it once."""
        return self.compiled(_counts)


def rates_of(experiment: Experiment, model: GaugeModel) -> Rates:
    """Return the rates of this very experiment in a model, with what was compiled of them for others.

    The last `RECENT` that were asked for are kept.
    """
    if any(_checks.is_traced(leaf) for leaf in jax.tree.leaves(experiment)):
        return Rates(experiment, model)
    # By identity, which holds as long as what is kept has the experiment: nothing can take its place.
    key = id(experiment), model
    found = _recent.setdefault(key, Rates(experiment, model))
    _recent.move_to_end(key)
    while len(_recent) > RECENT:
        _recent.popitem(last=False)
    return found


def _counts(rates: Rates) -> Callable[[HiddenPhoton, Sequence[Array]], Float[Array, " bins"]]:
    return jax.jit(lambda photon, values: rates.own_counts(photon, values))
