"""COHERENT at the Spallation Neutron Source: what its CsI[Na] and liquid-argon data sets share.

Eq. 33 of arXiv:2104.03297 at quadrature nodes, prompt nu_mu apart from delayed nubar_mu and nu_e, because they arrive
at different times; bins in several dimensions; backgrounds as templates. One module a detector builds on it, by way of
`coherent_data_set`.
"""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_KEV
from lmtbayes.experiments import recoils
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import Binning
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

COMPONENTS = {"prompt": ("nu_mu",), "delayed": ("nu_e", "nubar_mu")}
"""Neutrinos by when they arrive."""


class Neutrinos(eqx.Module):
    """Recoils of prompt and of delayed neutrinos at the nodes, what the detector makes of them apart."""

    spectrum: recoils.Spectrum
    nodes: dict[str, recoils.Recoils]  # by component; the quadrature's weights are in the fluxes

    @property
    def recoil_kevnr(self) -> Float[np.ndarray, " nodes"]:
        """Recoil energies [keVnr], the same for both components."""
        return np.asarray(self.nodes["delayed"].energy) / MEV_PER_KEV

    def __call__(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "nodes 2"]:
        """Recoils at each node (weights of the quadrature included): prompt, delayed; times every common factor."""
        columns = [self.spectrum(self.nodes[component], model, photon, values) for component in COMPONENTS]
        return jnp.stack(columns, axis=-1)  # in the order of COMPONENTS: jax sorts the keys of a dict


class Coherent(Experiment):
    """A data set of COHERENT.

    Its bins have several dimensions and are flattened, the last axis running fastest: `bin_edges` counts the bins
    (0, 1, ..., n), the real edges stand in `axes`, and `project` sums counts over all axes but one. The nuisance
    `strength` multiplies the neutrino counts without constraint; it is free only where it is named in `nuisances=`.
    """

    axes: tuple[Binning, ...] = eqx.field(static=True)
    neutrinos: Neutrinos
    backgrounds: dict[str, np.ndarray]  # name of the nuisance that scales it -> (bins,)
    steady_state: tuple[str, ...] = eqx.field(static=True)  # names of those that the beam has no part in

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

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        total = jnp.zeros(self.n_bins)
        for name, template in self.backgrounds.items():
            # A Gaussian of 100 % reaches below zero, a background does not.
            total = total + jnp.maximum(values[name], 0.0) * template
        return total
