"""One experiment read in one gauge model: what is compiled of it serves every likelihood that holds both.

Rates are nearly all of what there is to compile. Two fits that share experiments, as those with the g-2 of 2021 and of
2025 do, compile what they share once; so does a notebook that adds one experiment to the others. Shared are the entries
of the package as they are published; those of users, and with overrides, belong to one joint model.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import jax
from jaxtyping import Array, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.published import is_published
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.programs import Programs

RECENT = 64
"""Experiments in a model whose compiled functions outlive the likelihoods that they were compiled for."""

_recent: "OrderedDict[tuple[str, GaugeModel], Rates]" = OrderedDict()


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
    """Return the rates of an experiment in a model, with what was compiled of them for others.

    Shared are those of the package's own entries as they are published: what a user's rate closes over may change. The
    last `RECENT` that were asked for are kept.
    """
    if not is_published(experiment) or type(model) is not GaugeModel:
        return Rates(experiment, model)
    key = experiment.name, model
    found = _recent.get(key)
    if found is None or found.experiment is not experiment:
        found = _recent[key] = Rates(experiment, model)
    _recent.move_to_end(key)
    while len(_recent) > RECENT:
        _recent.popitem(last=False)
    return found


def _counts(rates: Rates) -> Callable[[HiddenPhoton, Sequence[Array]], Float[Array, " bins"]]:
    return jax.jit(lambda photon, values: rates.own_counts(photon, values))
