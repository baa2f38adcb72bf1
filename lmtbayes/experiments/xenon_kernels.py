"""Recoil rates of solar neutrinos as contractions: static kernels per source and mass state, dynamic couplings.

A rate is a sum over three products of amplitudes (nuclear: N^2, N Z, Z^2; electron: g_L^2, g_R^2, g_L g_R), each times
an integral over the neutrino spectrum that no parameter of the boson enters. The boson enters through its propagator
1/(q^2 + M^2), which is smooth in ln q^2: each bin's response is reduced to a few Gauss nodes in ln q^2, shared by all
sources, mass states and isotopes.
"""

from collections.abc import Mapping

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes.constants import ELECTRON_MASS
from lmtbayes.experiments.low_rank import Weights
from lmtbayes.experiments.polynomials import lagrange_matrix
from lmtbayes.experiments.solar_moments import SHAPE_8B, Interpolation
from lmtbayes.experiments.solar_nuisances import flux_name
from lmtbayes.gauge.models import FLAVOURS, GaugeModel, HiddenPhoton
from lmtbayes.processes import electron, nucleus
from lmtbayes.sources.oscillation import mixing_probabilities

type Values = Mapping[str, Float[Array, ""]]


class RecoilKernel(eqx.Module):
    """Abstract: rates per tonne and year in bins (or at energies), linear in what is static.

    Parameters
    ----------
    q2
        Squared momentum transfer at the nodes [MeV^2], (bins, nodes).
    flat_weights
        Of the part of P(nu_e -> nu_alpha) that is constant in energy: rows are modifiers x columns, entries
        bins x 3 products x nodes, events/(t yr).
    cosine_weights
        Of the part that is proportional to <cos 2 theta_m>: rows are modifiers x columns x theta_12 nodes.
    columns
        Sources, out of `solar_moments.COLUMNS`.
    in_cosine
        Between the theta_12 nodes, in cos 2 theta_12.
    theta13_deg
        Mixing angle that stays fixed.
    """

    q2: np.ndarray
    flat_weights: Weights
    cosine_weights: Weights
    in_cosine: Interpolation
    columns: tuple[str, ...] = eqx.field(static=True)
    theta13_deg: float = eqx.field(static=True)

    def modifiers(self, values: Values) -> Float[Array, " modifiers"]:
        """Coefficients of the response or binding alternatives that the kernel holds."""
        raise NotImplementedError

    def products(
        self, model: GaugeModel, photon: HiddenPhoton, values: Values, arrival: Float[Array, " flavours"]
    ) -> Float[Array, "bins products nodes"]:
        """The three products of amplitudes at the nodes, summed over flavours with the weights `arrival`."""
        raise NotImplementedError

    def rates(self, model: GaugeModel, photon: HiddenPhoton, values: Values) -> Float[Array, " bins"]:
        """Events/(t yr) in each bin for one photon; `values` holds every nuisance."""
        coefficients = zip(self._coefficients(values), self._arrival(values), strict=True)
        (flat, flat_arrival), (cosine, cosine_arrival) = coefficients
        flat_products = self.products(model, photon, values, flat_arrival).reshape(-1)
        cosine_products = self.products(model, photon, values, cosine_arrival).reshape(-1)
        bins = self.q2.shape[0]
        return self.flat_weights.by_bin(flat, flat_products, bins) + self.cosine_weights.by_bin(
            cosine, cosine_products, bins
        )

    def _arrival(self, values: Values) -> tuple[Float[Array, " flavours"], Float[Array, " flavours"]]:
        """P(nu_e -> nu_alpha) = flat_alpha + <cos 2 theta_m> cos_alpha."""
        mixing = mixing_probabilities(values["theta_12"], self.theta13_deg, values["theta_23"], values["delta_cp"])
        third = float(np.sin(np.radians(self.theta13_deg)) ** 2)
        flat = 0.5 * (1.0 - third) * (mixing[:, 0] + mixing[:, 1]) + third * mixing[:, 2]
        return flat, 0.5 * (1.0 - third) * (mixing[:, 0] - mixing[:, 1])

    def _coefficients(self, values: Values) -> tuple[Float[Array, " rows"], Float[Array, " cosine_rows"]]:
        """Coefficients of the rows of the two weights."""
        fluxes = jnp.stack([_flux(column, values) for column in self.columns])
        flat = (self.modifiers(values)[:, None] * fluxes).reshape(-1)
        theta12 = self.in_cosine(jnp.cos(2.0 * jnp.radians(values["theta_12"])))
        return flat, (flat[:, None] * theta12).reshape(-1)


def _flux(column: str, values: Values) -> Float[Array, ""]:
    """Factor on a column: the flux nuisance where it is declared; the 8B shape shift comes with its pull."""
    one = jnp.ones(())
    if column == SHAPE_8B:
        return values.get("flux_8b", one) * values.get("shape_8b", 0.0 * one)
    return values.get(flux_name(column), one)


class NuclearRecoils(RecoilKernel):
    """Coherent scattering, Eq. 33: products of the amplitudes per neutron and per proton; modifiers: Lindhard's k."""

    in_lindhard_k: Interpolation

    def modifiers(self, values: Values) -> Float[Array, " modifiers"]:
        """Interpolation in Lindhard's k; one node stands for all."""
        return self.in_lindhard_k(values["lindhard_k"])

    def products(
        self, model: GaugeModel, photon: HiddenPhoton, values: Values, arrival: Float[Array, " flavours"]
    ) -> Float[Array, "bins products nodes"]:
        """n^2, 2 n z, z^2 for an amplitude Q/2 + chi = n N + z Z; n and z are linear in the flavour's charge."""
        propagator = nucleus.propagator(jnp.sqrt(self.q2), photon.mass)
        running = model.running(-self.q2)
        # chi of a flavour of unit charge, per neutron and per proton.
        chi_n = nucleus.hidden_amplitude(photon.g_x, model.nuclear_coupling(photon, 0, 1.0, running), propagator)
        chi_z = nucleus.hidden_amplitude(photon.g_x, model.nuclear_coupling(photon, 1, 0.0, running), propagator)
        n, z = 0.5, 2.0 * values["sin2_theta_w"] - 0.5
        charges = _charges(model)
        none, linear, square = jnp.sum(arrival), arrival @ charges, arrival @ charges**2
        neutrons = none * n * n + 2.0 * linear * n * chi_n + square * chi_n**2
        mixed = 2.0 * (none * n * z + linear * (n * chi_z + z * chi_n) + square * chi_n * chi_z)
        protons = none * z * z + 2.0 * linear * z * chi_z + square * chi_z**2
        return jnp.stack([neutrons, mixed, protons], axis=1)


class SharedNodes(NuclearRecoils):
    """Nuclear recoils whose responses share their nodes: `q2` is (1, nodes), rows of the weights as ever.

    Many responses over the same energies need the propagator at a dozen nodes, not at some in each.
    """

    def rates(self, model: GaugeModel, photon: HiddenPhoton, values: Values) -> Float[Array, " responses"]:
        """Events/(t yr) in each response for one photon; `values` holds every nuisance."""
        coefficients = zip(self._coefficients(values), self._arrival(values), strict=True)
        (flat, flat_arrival), (cosine, cosine_arrival) = coefficients
        flat_products = self.products(model, photon, values, flat_arrival).reshape(-1)
        cosine_products = self.products(model, photon, values, cosine_arrival).reshape(-1)
        total = self.flat_weights.combined(flat).reshape(-1, flat_products.size) @ flat_products
        return total + self.cosine_weights.combined(cosine).reshape(-1, cosine_products.size) @ cosine_products


class ElectronRecoils(RecoilKernel):
    """Scattering on electrons, Eq. 36; modifiers: stepped binding, and the distance from there to RRPA."""

    def modifiers(self, values: Values) -> Float[Array, " modifiers"]:
        """The stepped (or free) rate, and `rrpa_scale` of what RRPA takes from it."""
        one = jnp.ones(1)
        return jnp.append(one, values["rrpa_scale"]) if "rrpa_scale" in values else one

    def products(
        self, model: GaugeModel, photon: HiddenPhoton, values: Values, arrival: Float[Array, " flavours"]
    ) -> Float[Array, "bins products nodes"]:
        """g_L^2, g_R^2, -g_L g_R with the boson's shift, which is linear in the flavour's charge."""
        recoil = self.q2 / (2.0 * ELECTRON_MASS)
        electron_coupling = model.coupling(photon, "e", model.running(-self.q2))
        half = 0.5 * electron.hidden_shift(photon.g_x, electron_coupling, recoil, photon.mass)
        pairs = [electron.chiral_couplings(values["sin2_theta_w"], flavour == "e") for flavour in FLAVOURS]
        left, right = (jnp.stack(couplings) for couplings in zip(*pairs, strict=True))
        charged = arrival * _charges(model)
        square = (charged @ _charges(model)) * half**2
        squares = [arrival @ g**2 + 2.0 * (charged @ g) * half + square for g in (left, right)]
        mixed = arrival @ (left * right) + (charged @ (left + right)) * half + square
        return jnp.stack([*squares, -mixed], axis=1)


def _charges(model: GaugeModel) -> Float[Array, " flavours"]:
    return jnp.array([model.charges[flavour] for flavour in FLAVOURS])


def gauss_nodes(x: np.ndarray, measure: np.ndarray, count: int) -> np.ndarray:
    """Nodes of the Gauss rule of a discrete measure: eigenvalues of multiplication by x on polynomials.

    A measure that vanishes (a bin out of reach of any recoil) gets evenly spaced nodes.
    """
    centre, half = 0.5 * (x.min() + x.max()), max(0.5 * float(np.ptp(x)), 1e-12)
    scaled = (x - centre) / half
    weight = np.abs(measure) / max(float(np.max(np.abs(measure))), 1e-300)
    if np.count_nonzero(weight > 1e-200) < 4 * count:
        return np.linspace(x.min(), x.max(), count)
    basis, _ = np.linalg.qr(np.sqrt(weight)[:, None] * np.polynomial.chebyshev.chebvander(scaled, count - 1))
    return centre + half * np.linalg.eigvalsh(basis.T @ (scaled[:, None] * basis))


def fold(
    q2: Float[np.ndarray, " points"],
    intensity: Float[np.ndarray, "columns functions 3 points"],
    response: Float[np.ndarray, "alternatives bins points"],
    nodes: int,
    central: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reduce a response on many points to `nodes` Gauss nodes in ln q^2 a bin.

    Parameters
    ----------
    q2
        [MeV^2], of the fine quadrature.
    intensity
        Events/(t yr) of each quadrature point (its weight included) for unit products of amplitudes.
    response
        Probability that a recoil at the point is counted in the bin, for each alternative.
    nodes
        A bin.
    central
        The alternative whose measure the Gauss nodes are made for.

    Returns
    -------
    q2, flat_weights, cosine_weights
        What `RecoilKernel` has the `Weights` of.
    """
    log_q2 = np.log(q2)
    columns, functions, products, points = intensity.shape
    flat = intensity.reshape(-1, points)
    main = np.sum(intensity[:, 0, 0], axis=0)
    chosen, folded = [], []
    for row in range(response.shape[1]):
        at = gauss_nodes(log_q2, main * response[central, row], nodes)
        basis = lagrange_matrix(log_q2, at)
        seen = (response[:, row, None] * basis).reshape(-1, points)
        folded.append((flat @ seen.T).reshape(columns, functions, products, response.shape[0], nodes))
        chosen.append(at)
    weights = np.einsum("bcfpan->acfbpn", np.stack(folded))
    features = response.shape[1] * products * nodes
    return np.exp(np.stack(chosen)), weights[:, :, 0].reshape(-1, features), weights[:, :, 1:].reshape(-1, features)


def fold_together(
    q2: Float[np.ndarray, " points"],
    intensity: Float[np.ndarray, "columns functions 3 points"],
    response: Float[np.ndarray, "responses points"],
    nodes: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reduce responses, of either sign, to `nodes` nodes in ln q^2 that all share: those of their sum of squares.

    Arguments and result are those of `fold`, without alternatives; `SharedNodes` wants the result.
    """
    log_q2 = np.log(q2)
    main = np.sum(intensity[:, 0, 0], axis=0)
    at = gauss_nodes(log_q2, main * np.sum(response**2, axis=0), nodes)
    weights = np.einsum("cfpx,rx,nx->cfrpn", intensity, response, lagrange_matrix(log_q2, at), optimize=True)
    columns, functions = weights.shape[:2]
    flat, cosine = weights[:, :1].reshape(columns, -1), weights[:, 1:].reshape(columns * (functions - 1), -1)
    return np.exp(at)[None], flat, cosine
