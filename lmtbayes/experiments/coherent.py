"""COHERENT at the Spallation Neutron Source: what its CsI[Na] and liquid-argon data sets share.

Eq. 33 of arXiv:2104.03297 at quadrature nodes, prompt nu_mu apart from delayed nubar_mu and nu_e, because they arrive
at different times; bins in several dimensions; backgrounds as templates. One module a detector builds on it, by way of
`coherent_data_set`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.constants import MEV_PER_KEV
from lmtbayes.experiments import recoils
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import Binning
from lmtbayes.experiments.low_rank import Weights
from lmtbayes.experiments.polynomials import lagrange_matrix
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

COMPONENTS = {"prompt": ("nu_mu",), "delayed": ("nu_e", "nubar_mu")}
"""Neutrinos by when they arrive."""
_FLAVOURS = {"prompt": ("mu",), "delayed": ("mu", "e")}
"""Theirs; what is first in both is worked out once."""


@dataclass(frozen=True)
class Neutrinos:
    """Recoils of prompt and of delayed neutrinos before any response, on a fine quadrature: what is known beforehand.

    Parameters
    ----------
    spectrum
        Eq. 33.
    fine
        By component; energies are the same for both, the quadrature's weights are in the fluxes.
    nodes
        The few recoils, isotope by isotope, through which form factor and amplitudes are interpolated.
    """

    spectrum: recoils.Spectrum
    fine: Mapping[str, recoils.Recoils]
    nodes: recoils.Recoils

    @property
    def recoil_kevnr(self) -> Float[np.ndarray, " points"]:
        """Recoil energies [keVnr] of the quadrature, isotope after isotope."""
        return np.asarray(self.fine["delayed"].energy) / MEV_PER_KEV

    def seen(self, response: Float[np.ndarray, "rows points"]) -> "Seen":
        """Fold with what a detector makes of the recoils at `recoil_kevnr`.

        A response has edges, a flux has a kink; F^2 (Q/2 + chi)^2 is smooth in ln E_R. Of the many points of the
        quadrature a call needs none: only the nodes.
        """
        basis = self._basis()
        weights = {
            component: Weights.of(np.concatenate([(basis * flux) @ response.T for flux in self._fluxes(component)]))
            for component in COMPONENTS
        }
        return Seen(self.spectrum, self.nodes, weights)

    def _fluxes(self, component: str) -> list[np.ndarray]:
        return [np.asarray(self.fine[component].flux[flavour]) for flavour in _FLAVOURS[component]]

    def _basis(self) -> Float[np.ndarray, "nodes points"]:
        """Interpolation in ln E_R from the nodes of each isotope to its points."""
        at, points = np.asarray(self.nodes.energy), np.asarray(self.fine["delayed"].energy)
        own, theirs = np.asarray(self.nodes.neutrons), np.asarray(self.fine["delayed"].neutrons)
        nuclei = np.stack([own, np.asarray(self.nodes.protons)], axis=1)
        found = np.zeros((at.size, points.size))
        for neutrons, protons in np.unique(nuclei, axis=0):
            row = (own == neutrons) & (np.asarray(self.nodes.protons) == protons)
            column = (theirs == neutrons) & (np.asarray(self.fine["delayed"].protons) == protons)
            found[np.ix_(row, column)] = lagrange_matrix(np.log(points[column]), np.log(at[row]))
        return found


class Seen(eqx.Module):
    """What a detector counts of prompt and of delayed neutrinos, in the rows of its response."""

    spectrum: recoils.Spectrum
    nodes: recoils.Recoils
    weights: dict[str, Weights]  # by component: rows are flavours x nodes, entries those of the response

    def __call__(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, "2 rows"]:
        """Counts in each row of the response: prompt, delayed; without `scale`."""
        squares = self._squares(model, photon, values)
        return jnp.stack([self.weights[component].combined(squares[component]) for component in COMPONENTS])

    def counted(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],
        probability: Float[Array, " rows"],
    ) -> Float[Array, "2"]:
        """Sum over the rows, each with a probability that may be traced: prompt, delayed; without `scale`."""
        squares = self._squares(model, photon, values)
        parts = [self.weights[component].between(squares[component], probability) for component in COMPONENTS]
        return jnp.stack(parts)

    def scale(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, ""]:
        """Product of the common factors, for the end of a rate: what comes after it is worked out for their slopes."""
        return self.spectrum.scale(values)

    def _squares(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> dict[str, Float[Array, " _rows"]]:
        delayed = self.spectrum.squares(self.nodes, _FLAVOURS["delayed"], model, photon, values)
        return {"prompt": delayed[0], "delayed": delayed.reshape(-1)}


class Coherent(Experiment):
    """A data set of COHERENT.

    Its bins have several dimensions and are flattened, the last axis running fastest: `bin_edges` counts the bins
    (0, 1, ..., n), the real edges stand in `axes`, and `project` sums counts over all axes but one. The nuisance
    `strength` multiplies the neutrino counts without constraint; it is free only where it is named in `nuisances=`.
    """

    axes: tuple[Binning, ...] = eqx.field(static=True)
    neutrinos: Seen
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
