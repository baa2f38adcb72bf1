"""Published limits on the mixing of a dark photon, as approximate terms on bosons that electrons make.

A search for e -> e A' or e+ e- -> gamma A', A' unseen, limits |eps| of a dark photon that always decays unseen. Here
the boson is made by the electron's coupling g_e = g_x Q_e + eps_x e (Eq. 9), in Lmu-Ltau by mixing alone, and unseen
in decays to neutrinos:

    mu = g_e^2 BR(invisible)/(e eps_lim(M))^2,   ln L = -(z^2/2) mu^2,

with z, the fade beyond the curve's ends and what is lost as in `experiments.limits`. eps_x is that at q^2 = 0.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from jaxtyping import Array, Float

from lmtbayes.constants import ELECTRIC_CHARGE
from lmtbayes.experiments.limits import PublishedLimit, of_row, published_limit, register_rows
from lmtbayes.gauge.couplings import hadronic_decays
from lmtbayes.gauge.decays import branching_ratio
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton


class MixingLimit(PublishedLimit):
    """Strength of the signal in units of its upper limit, for bosons made by electrons; `limit` is that on |eps|."""

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """Decays to hadrons."""
        return hadronic_decays(model.charges)

    def _yield(self, model: GaugeModel, photon: HiddenPhoton) -> Float[Array, "..."]:
        """(g_e/e)^2 BR(invisible): eps^2 of the dark photon that gives as many events."""
        produced = model.electron_coupling(photon) / ELECTRIC_CHARGE
        return produced**2 * branching_ratio(model, photon, "invisible")


def mixing_limit(
    name: str,
    curve: Any,
    cl: float = 0.90,
    citation: str = "given by the user",
    title: str | None = None,
    data_sets: Sequence[str] = (),
) -> MixingLimit:
    """Make an approximate experiment of a published upper limit on |eps| of a dark photon with unseen decays.

    Parameters
    ----------
    name, cl, citation, title, data_sets
        As in `published_limit`.
    curve
        Two arrays (masses [MeV], limits on |eps|), masses increasing.

    Returns
    -------
    experiment
        Status "approximate".

    Raises
    ------
    InvalidArgument
        As `published_limit`.
    """
    like = published_limit(name, curve, cl=cl, citation=citation, title=title, data_sets=data_sets)
    return MixingLimit(**{field.name: getattr(like, field.name) for field in dataclasses.fields(like)})


def _registered(
    row: int, *, name: str, title: str | None = None, nuisances: tuple[str, ...] | None = None
) -> MixingLimit:
    return mixing_limit(name, **of_row(row, "eps_x", name, title, nuisances))


register_rows(_registered, "mixing")
