"""One experiment read in gauge models: what is compiled of it serves every likelihood that holds it.

Rates are nearly all of what there is to compile. Two fits that share experiments, as those with the g-2 of 2021 and of
2025 do, compile what they share once; so does a notebook that adds one experiment to the others. The charges of muon
and tau are arguments, so that Lmu-Ltau and Lmu are one program. Shared are the entries of the package as they are
published; those of users, and with overrides, belong to one joint model.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
from jaxtyping import Array, Float

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.published import is_published
from lmtbayes.gauge.charges import Charges, apart_from_charges, recharged
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.programs import Programs

RECENT = 64
"""Experiments whose compiled functions outlive the likelihoods that they were compiled for."""

_recent: "OrderedDict[tuple[str, GaugeModel], Rates]" = OrderedDict()


class Rates(Programs):
    """An experiment in a gauge model, or in all that `apart_from_charges` are one; `read` makes it."""

    def __init__(self, experiment: Experiment, model: GaugeModel):
        super().__init__()
        self.experiment = experiment
        self.model = model


@dataclass(frozen=True, eq=False)
class Reading:
    """Rates in the charges of one model; to be traced.

    Parameters
    ----------
    rates
        Of an experiment.
    charges
        Of one of the models that they serve; may be traced.
    model
        This one, where it is known.
    """

    rates: Rates
    charges: Charges
    model: GaugeModel | None = None

    @property
    def experiment(self) -> Experiment:
        """Whose rates they are."""
        return self.rates.experiment

    def own_counts(self, photon: HiddenPhoton, values: Sequence[Array]) -> Float[Array, " bins"]:
        """Expected counts, for one photon and the values of the experiment's own nuisances."""
        by_name = {n.name: value for n, value in zip(self.experiment.nuisances, values, strict=True)}
        model = recharged(self.rates.model, self.charges) if self.model is None else self.model
        return self.experiment.expected_counts(model, photon, by_name)

    def counts(self, photon: HiddenPhoton, values: Sequence[Array]) -> Float[Array, " bins"]:
        """`own_counts`, jitted so that whatever is made of it, and its derivatives, traces it once."""
        if jax.config.jax_disable_jit:
            return self.own_counts(photon, values)
        found: Float[Array, " bins"] = self.rates.compiled(_counts)(self.charges, photon, values)
        return found


def read(experiment: Experiment, model: GaugeModel) -> Reading:
    """Return the rates of an experiment in a model, with what was compiled of them for others.

    Shared are those of the package's own entries as they are published: what a user's rate closes over may change. The
    last `RECENT` that were asked for are kept.
    """
    if not is_published(experiment) or type(model) is not GaugeModel:
        return Reading(Rates(experiment, model), None, model)
    serves, charges = apart_from_charges(model)
    key = experiment.name, serves
    found = _recent.get(key)
    if found is None or found.experiment is not experiment:
        found = _recent[key] = Rates(experiment, serves)
    _recent.move_to_end(key)
    while len(_recent) > RECENT:
        _recent.popitem(last=False)
    return Reading(found, charges, model)


def _counts(rates: Rates) -> Callable[[Charges, HiddenPhoton, Sequence[Array]], Float[Array, " bins"]]:
    return jax.jit(lambda charges, photon, values: Reading(rates, charges).own_counts(photon, values))
