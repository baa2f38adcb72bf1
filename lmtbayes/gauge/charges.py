"""Models that differ in the charges of muon and tau alone: what is compiled of a rate takes these as an argument.

So Lmu-Ltau and Lmu are one program. The charges of electron and quarks decide on what a rate is made of, and a mixing
that runs with q^2 is a loop over all charges: models that differ in these are programs of their own.
"""

from dataclasses import fields
from types import MappingProxyType

import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks
from lmtbayes.gauge.models import GaugeModel

FLAVOURS = ("mu", "tau")
"""Whose charges are arguments."""

type Charges = Float[Array, "2"] | Float[np.ndarray, "2"] | None
"""Of `FLAVOURS`; None where they are those of the model itself."""


def apart_from_charges(model: GaugeModel) -> tuple[GaugeModel, Charges]:
    """Return the model that stands for all whose rates are one program, and the charges that make it this one.

    A mixing rule enters rates by its running only (`GaugeModel.running`). A model of a user's own class stands for
    itself. The one that stands for others has no name: what is said of a model is said before.
    """
    if type(model) is not GaugeModel or model.mixing == "loop":
        return model, None
    own = [model.charges[flavour] for flavour in FLAVOURS]
    charges = _checks.array_library(*own).array(own)
    return GaugeModel("", {**model.charges, **dict.fromkeys(FLAVOURS, 0.0)}), charges


def recharged(model: GaugeModel, charges: Charges) -> GaugeModel:
    """Return the model of these charges, unchecked: they may be traced."""
    if charges is None:
        return model
    other = object.__new__(GaugeModel)
    for field in fields(model):
        object.__setattr__(other, field.name, getattr(model, field.name))
    own = dict(zip(FLAVOURS, charges, strict=True))
    object.__setattr__(other, "charges", MappingProxyType({**model.charges, **own}))
    return other
