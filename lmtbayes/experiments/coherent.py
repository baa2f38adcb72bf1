"""COHERENT at the Spallation Neutron Source: what its CsI[Na] and liquid-argon data sets share.

Eq. 33 of arXiv:2104.03297 at quadrature nodes, prompt nu_mu apart from delayed nubar_mu and nu_e, because they arrive
at different times; bins in several dimensions; backgrounds as templates. One module a detector builds on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import GRAMS_PER_TONNE, MEV_PER_KEV
from lmtbayes.detectors.targets import Target
from lmtbayes.experiments import recoils
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import Binning
from lmtbayes.experiments.nuisance import Gaussian, Nuisance
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.processes.form_factors import FormFactor
from lmtbayes.sources import pion_decay_at_rest as source

COMPONENTS = {"prompt": ("nu_mu",), "delayed": ("nu_e", "nubar_mu")}
"""Neutrinos by when they arrive."""


@dataclass(frozen=True)
class Exposure:
    """A detector at the source: mass [kg], distance [m], protons on target, neutrinos of each kind a proton."""

    mass_kg: float
    baseline_m: float
    protons: float
    neutrinos_per_proton: float

    def neutrinos(self, material: Target) -> float:
        """Atoms of the target times the fluence of each kind of neutrino [1/cm^2]."""
        fluence = source.fluence(self.protons, self.neutrinos_per_proton, self.baseline_m)
        return self.mass_kg * 1e3 / GRAMS_PER_TONNE * material.atoms_per_tonne * fluence


class Coherent(Experiment):
    """A data set of COHERENT.

    Its bins have several dimensions and are flattened, the last axis running fastest: `bin_edges` counts the bins
    (0, 1, ..., n), the real edges stand in `axes`, and `project` sums counts over all axes but one. The nuisance
    `strength` multiplies the neutrino counts without constraint; it is free only where it is named in `nuisances=`.
    """

    axes: tuple[Binning, ...] = eqx.field(static=True)
    form_factor: FormFactor = eqx.field(static=True)
    radius: str = eqx.field(static=True)  # name of the nuisance
    scales: tuple[str, ...] = eqx.field(static=True)  # names of the factors on all neutrino counts
    recoils: dict[str, recoils.Recoils]  # by component; the quadrature's weights are in the fluxes
    backgrounds: dict[str, np.ndarray]  # name of the nuisance that scales it -> (bins,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins along each axis."""
        return tuple(len(axis) for axis in self.axes)

    def project(self, counts: object, quantity: str) -> Float[np.ndarray, "*batch projected"]:
        """Sum counts (..., n_bins) over all axes but one.

        Raises
        ------
        InvalidArgument
            No axis of that quantity; the message lists them.
        """
        names = [axis.quantity for axis in self.axes]
        _checks.one_of("quantity", quantity, names)
        array = np.asarray(counts, dtype=float)
        array = array.reshape(*array.shape[:-1], *self.shape)
        keep = array.ndim - len(names) + names.index(quantity)
        return array.sum(axis=tuple(i for i in range(array.ndim - len(names), array.ndim) if i != keep))

    def component_counts(
        self, model: GaugeModel, photon: HiddenPhoton, nuisances: Mapping[str, ArrayLike] | None = None
    ) -> dict[str, Float[Array, "*batch bins"]]:
        """Neutrino counts, "prompt" and "delayed" apart; arguments, shapes and errors are those of `signal_counts`."""
        both = self._batched(lambda p, v: self._components(model, p, v), photon, nuisances)
        return {component: both[..., i, :] for i, component in enumerate(COMPONENTS)}

    def _components(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 bins"]:
        """Counts of prompt and of delayed neutrinos."""
        raise NotImplementedError

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        return self._components(model, photon, values).sum(axis=0)

    def _recoils(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "nodes 2"]:
        """Recoils at each node (weights of the quadrature included): prompt, delayed; times every common factor."""
        scale = jnp.ones(())
        for name in self.scales:
            scale = scale * values[name]
        columns = [
            recoils.density(
                at,
                model.running(-(at.momentum**2)),
                photon,
                scale,
                values[self.radius],
                values["sin2_theta_w"],
                model=model,
                form_factor=self.form_factor,
            )
            for at in (self.recoils[component] for component in COMPONENTS)  # jax sorts the keys of a dict
        ]
        return jnp.stack(columns, axis=-1)

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        total = jnp.zeros(self.n_bins)
        for name, template in self.backgrounds.items():
            # A Gaussian of 100 % reaches below zero, a background does not.
            total = total + jnp.maximum(values[name], 0.0) * template
        return total


def flat_binning(axes: tuple[Binning, ...]) -> Binning:
    """Bins of several axes as one: numbered from 0, without unit."""
    number = int(np.prod([len(axis) for axis in axes]))
    return Binning(np.arange(number + 1.0), "", "bin of " + " × ".join(axis.quantity for axis in axes))


def fold(
    material: Target, form_factor: FormFactor, neutrinos: float, lowest_kevnr: float, longest_panel: float
) -> dict[str, recoils.Recoils]:
    """Nodes over all recoil energies above the lowest, for each component; weights of the quadrature in the fluxes.

    Parameters
    ----------
    material, form_factor, neutrinos
        As in `recoils.at_energies`.
    lowest_kevnr
        [keVnr], below which nothing is seen.
    longest_panel
        In ln E_R, of 16 nodes.
    """
    energies, weights = [], []
    for isotope in material.isotopes:
        line, end = recoils.end_points(isotope)
        nodes, weight = recoils.quadrature(np.array([lowest_kevnr * MEV_PER_KEV, end]), line, end, longest_panel)
        energies.append(nodes)
        weights.append(weight[0])
    weight = np.concatenate(weights)
    parts = {c: recoils.at_energies(material, energies, form_factor, neutrinos, kinds=k) for c, k in COMPONENTS.items()}
    return {
        component: eqx.tree_at(lambda r: r.flux, part, {flavour: weight * flux for flavour, flux in part.flux.items()})
        for component, part in parts.items()
    }


# -- nuisances -------------------------------------------------------------------------------------------------------


def flux_nuisance() -> Nuisance:
    """Nuisance "flux_sns", shared by every COHERENT data set."""
    return Nuisance(
        "flux_sns",
        Gaussian(1.0, 0.10),
        "factor on the neutrinos of each kind per proton at the Spallation Neutron Source",
        "arXiv:2110.07730, arXiv:2003.10630: 10 % on the yield of pions",
    )


def yield_nuisance(key: str, sigma: float, source: str) -> Nuisance:
    """Nuisance "yield_<key>": what is left of the uncertainty of the signal, flux and named shapes taken out."""
    return Nuisance(f"yield_{key}", Gaussian(1.0, sigma), "factor on the neutrino counts of this detector", source)


def strength_nuisance(key: str) -> Nuisance:
    """Nuisance "strength_<key>": a signal strength without constraint worth the name, off unless asked for."""
    return Nuisance(
        f"strength_{key}",
        Gaussian(1.0, 10.0),
        "factor on the neutrino counts, to fit them as a free number; leave flux_sns and yield out of such a fit",
        "a width of 10 where the data give 0.1 to 0.4: no constraint",
    )


def background_nuisance(name: str, relative: float, effect: str, source: str) -> Nuisance:
    """Factor on a background, Gaussian, cut at zero where it is used."""
    return Nuisance(name, Gaussian(1.0, relative), effect, source)
