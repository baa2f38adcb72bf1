"""Experiment: a boson goes in, expected counts come out. What every experiment shares, and what a new one must give."""

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes._left_out import one_call, warn_left_out
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.called import called
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.experiments.terms import Term, check_term
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_model
from lmtbayes.gauge.photon import check_photon


class Experiment(eqx.Module):
    """One experiment: differentiable expectation, nuisances, likelihood term, and data where they exist.

    A subclass gives `_signal`, and `_background` where there is one; it reads nuisances from the mapping it is handed,
    in which every declared nuisance has a value, switched on or off. Arrays that no parameter changes are computed in
    NumPy when the experiment is built and kept as fields.

    A subclass whose code cannot be hashed, and which is to be sampled with a checkpoint, has an attribute `identity`: a
    string of its author's that stands for the code, changed whenever that is.

    Parameters
    ----------
    description
        Name, title, citation, status.
    binning
        Edges, unit, quantity.
    term
        How expected and observed counts are compared.
    declared
        Every nuisance that the rates know.
    active
        Names of those that are free in a fit; the others stay at their central values.
    observed
        Data, one entry a bin; None for a projection.
    """

    description: Description = eqx.field(static=True)
    binning: Binning = eqx.field(static=True)
    term: Term
    declared: tuple[Nuisance, ...] = eqx.field(static=True)
    active: tuple[str, ...] = eqx.field(static=True)
    observed: np.ndarray | None

    def __check_init__(self) -> None:
        names = [nuisance.name for nuisance in self.declared]
        for name in self.active:
            if name not in names:
                raise _checks.unknown(f"nuisance of experiment {self.name!r}", name, names)
        if self.observed is not None:
            _checks.shape("observed", self.observed, (self.n_bins,))
            _checks.finite("observed", self.observed)
            if self.term.counts_events:
                _checks.non_negative("observed", self.observed, "counts")
        check_term(self.term, self.n_bins, self.name)

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name, as in the registry."""
        return self.description.name

    @property
    def title(self) -> str:
        """Name for legends and tables; `experiment(..., title=...)` gives another."""
        return self.description.title

    @property
    def citation(self) -> str:
        """Paper(s) to cite."""
        return self.description.citation

    @property
    def status(self) -> str:
        """One of "data", "projection" and "approximate"."""
        return self.description.status

    @property
    def data_sets(self) -> tuple[str, ...]:
        """What is counted or measured; two experiments that hold the same do not belong into one likelihood."""
        return tuple(self.description.data_sets)

    @property
    def bin_edges(self) -> Any:
        """Edges of the bins [bin_unit], shape (n_bins + 1,)."""
        return self.binning.edges

    @property
    def bin_unit(self) -> str:
        """Unit of the edges."""
        return self.binning.unit

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.binning)

    @property
    def mass_range(self) -> tuple[float, float]:
        """Masses of the boson [MeV] between which the experiment says something."""
        return 0.0, math.inf

    @property
    def nuisances(self) -> tuple[Nuisance, ...]:
        """The nuisances that are free in a fit."""
        return tuple(nuisance for nuisance in self.declared if nuisance.name in self.active)

    # -- what a subclass gives ----------------------------------------------------------------------------------------

    def _signal(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        """Counts of a single photon, background apart; `values` holds every declared nuisance."""
        raise NotImplementedError

    def _background(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:  # noqa: ARG002
        """Counts that no boson changes; none unless a subclass says so."""
        return jnp.zeros(self.n_bins)

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:  # noqa: ARG002
        """What of a model the rate leaves out, one sentence each; nothing unless a subclass says so."""
        return ()

    # -- what everybody calls -----------------------------------------------------------------------------------------

    def expected_counts(
        self, model: GaugeModel, photon: HiddenPhoton, nuisances: Mapping[str, ArrayLike] | None = None
    ) -> Float[Array, "*batch bins"]:
        """Everything that the experiment counts: signal, Standard Model and background.

        Parameters
        ----------
        model
            Charges and mixing rule.
        photon
            One photon, or an array of them, over which the result is batched.
        nuisances
            Name to physical value (a scalar, or an array of the photon's shape); what is not named is central.

        Returns
        -------
        counts
            Shape `photon.shape + (n_bins,)`.

        Raises
        ------
        UnknownName
            A nuisance that the experiment does not declare.
        InvalidArgument
            A model that is no GaugeModel, a photon that is no HiddenPhoton, a nuisance whose shape does not fit.

        Warns
        -----
        LeftOutWarning
            The rate leaves something of the model out.
        """
        with one_call():
            self._say_left_out(model, photon)
            return self._batched(called(self, _expected, model, (photon, nuisances)), photon, nuisances)

    def expected(
        self, model: GaugeModel, photon: HiddenPhoton, nuisances: Mapping[str, ArrayLike] | None = None
    ) -> Float[Array, "*batch bins"]:
        """Alias of `expected_counts`, the name that suits a measurement that counts nothing."""
        return self.expected_counts(model, photon, nuisances)

    def signal_counts(
        self, model: GaugeModel, photon: HiddenPhoton, nuisances: Mapping[str, ArrayLike] | None = None
    ) -> Float[Array, "*batch bins"]:
        """Counts of the A' (muon beam) or of neutrinos, SM and A' together (recoils), without background.

        Arguments, shape and errors are those of `expected_counts`.
        """
        with one_call():
            self._say_left_out(model, photon)
            return self._batched(called(self, _signal, model, (photon, nuisances)), photon, nuisances)

    @property
    def background_counts(self) -> Float[Array, " bins"]:
        """Background at central nuisances, shape (n_bins,)."""
        return self._background_of(self.nuisance_values())

    def background_at(self, nuisances: Mapping[str, ArrayLike] | None = None) -> Float[Array, " bins"]:
        """Background at values of the nuisances (scalars), shape (n_bins,); errors are those of `nuisance_values`."""
        return self._background_of(self.nuisance_values(nuisances))

    def nuisance_values(self, nuisances: Mapping[str, ArrayLike] | None = None) -> dict[str, Float[Array, "..."]]:
        """Return a value for every declared nuisance: the given one, else the central one.

        Raises
        ------
        UnknownName
            A name that is not declared.
        InvalidArgument
            A value that is no finite number.
        """
        given = dict(nuisances or {})
        for name, value in given.items():
            if name not in {nuisance.name for nuisance in self.declared}:
                raise _checks.unknown(f"nuisance of experiment {self.name!r}", name, [n.name for n in self.declared])
            _checks.finite(f"nuisances[{name!r}]", value)
        return {n.name: jnp.asarray(given.get(n.name, n.constraint.central), dtype=float) for n in self.declared}

    def _signal_of(
        self, model: GaugeModel, photon: HiddenPhoton, values: Mapping[str, Float[Array, ""]]
    ) -> Float[Array, " bins"]:
        try:
            return self._of_all_bins("_signal", self._signal(model, photon, values))
        except jax.errors.JAXTypeError as error:
            raise InvalidArgument(
                f"`_signal` of experiment {self.name!r} must be written with jax.numpy, so that jax can trace it; got "
                f"{str(error).splitlines()[0]}"
            ) from error

    def _background_of(self, values: Mapping[str, Float[Array, ""]]) -> Float[Array, " bins"]:
        return self._of_all_bins("_background", self._background(values))

    def _of_all_bins(self, method: str, counts: Any) -> Float[Array, " bins"]:
        """Return counts of a subclass, if they are one number a bin: broadcasting would repeat or drop bins."""
        if np.shape(counts) != (self.n_bins,):
            raise InvalidArgument(
                f"`{method}` of experiment {self.name!r} must return one number a bin, shape ({self.n_bins},); got "
                f"shape {np.shape(counts)}"
            )
        return jnp.asarray(counts)

    def _say_left_out(self, model: GaugeModel, photon: HiddenPhoton) -> None:
        """Check the model, and warn of what is left out of it where a user calls: not inside jit."""
        check_model(model)
        if not any(_checks.is_traced(leaf) for leaf in jax.tree.leaves(photon)):
            warn_left_out(model.name, [(f"experiment {self.name!r}", self.left_out(model))])

    def _batched(
        self,
        single: Callable[[HiddenPhoton, dict[str, Array]], Float[Array, " bins"]],
        photon: HiddenPhoton,
        nuisances: Mapping[str, ArrayLike] | None,
    ) -> Float[Array, "*batch bins"]:
        check_photon(photon)
        values = self.nuisance_values(nuisances)
        shape = photon.shape
        if shape == () and all(value.shape == () for value in values.values()):
            return single(photon, values)
        try:
            shape = np.broadcast_shapes(shape, *(value.shape for value in values.values()))
        except ValueError:
            raise InvalidArgument(
                f"`nuisances` must be scalars or arrays that broadcast with the photon's shape {shape}; got shapes "
                f"{ {name: value.shape for name, value in values.items() if value.shape} }"
            ) from None
        flat = jax.tree.map(lambda x: jnp.broadcast_to(x, shape).reshape(math.prod(shape)), (photon, values))
        counts = jax.vmap(single)(*flat)
        return counts.reshape(*shape, *counts.shape[1:])


def _signal(
    experiment: Experiment, model: GaugeModel, photon: HiddenPhoton, values: dict[str, Array]
) -> Float[Array, " bins"]:
    return experiment._signal_of(model, photon, values)


def _expected(
    experiment: Experiment, model: GaugeModel, photon: HiddenPhoton, values: dict[str, Array]
) -> Float[Array, " bins"]:
    return experiment._signal_of(model, photon, values) + experiment._background_of(values)


def active_names(declared: tuple[Nuisance, ...], nuisances: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names an override `nuisances=` keeps: for None all that are free by default.

    Raises
    ------
    UnknownName
        A name that the experiment does not declare.
    """
    names = tuple(nuisance.name for nuisance in declared)
    if nuisances is None:
        return tuple(nuisance.name for nuisance in declared if nuisance.free_by_default)
    if isinstance(nuisances, str) or not isinstance(nuisances, Collection):
        raise _checks.invalid("nuisances", nuisances, f"a tuple of names out of {names}, or None for all")
    for name in nuisances:
        if name not in names:
            raise _checks.unknown("nuisance", name, names)
    return tuple(name for name in names if name in nuisances)
