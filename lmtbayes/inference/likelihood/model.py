"""JointModel: several experiments read in one gauge model, without their data; every statistical method evaluates it.

ln L(photon, nuisances; data) = sum over experiments and bins of the term's log-probability + sum over nuisances of the
normalised log-density of their constraint, the nuisances being shared between experiments by name.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import Nuisance, merge
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.identity.fingerprint import physics
from lmtbayes.inference.likelihood.constraints import Constraints
from lmtbayes.inference.likelihood.joining import check_settings, check_shared, of_one_term
from lmtbayes.inference.likelihood.names import check_names
from lmtbayes.inference.likelihood.programs import Programs
from lmtbayes.inference.likelihood.rates import read

type Data = dict[str, Float[Array, " _"]]
"""Experiment name to its counts, one entry a bin; experiments differ in their number of bins."""


class JointModel(Programs):
    """Experiments in a gauge model: expected counts, and ln L of any data.

    It owns what is compiled for it: likelihoods that share it (`JointLikelihood.with_data`) compile nothing anew, and
    what was compiled is let go of with it, by `release`, or where the process holds too much (`programs`).

    Parameters
    ----------
    experiments
        Names of the registry or experiments; no name twice.
    model
        The model in which data are read.
    allow_shared_data
        Accept experiments that hold the same data (`Experiment.data_sets`), which are then counted twice.

    Raises
    ------
    PrecisionError
        jax runs in 32 bits.
    UnknownName
        No such experiment.
    InvalidArgument
        No experiment, a name twice or one that is taken, two that hold the same data; no GaugeModel.
    NuisanceConflict
        Two experiments constrain one nuisance differently; a nuisance has a name that is taken (mass, g_x, ...).
    """

    def __init__(self, experiments: Sequence[str | Experiment], model: GaugeModel, *, allow_shared_data: bool = False):
        check_settings()
        if isinstance(experiments, str | Experiment):
            experiments = [experiments]
        self.experiments = tuple(e if isinstance(e, Experiment) else experiment(e) for e in experiments)
        names = [e.name for e in self.experiments]
        if not names:
            raise _checks.invalid("experiments", experiments, "at least one experiment")
        for name in names:
            if names.count(name) > 1:
                raise InvalidArgument(
                    f"`experiments` must have different names; {name!r} appears {names.count(name)} times (the "
                    "override name= renames one)"
                )
        if not allow_shared_data:
            check_shared(self.experiments)
        if not isinstance(model, GaugeModel):
            raise _checks.invalid("model", model, "a GaugeModel")
        self.model = model
        self.nuisances: tuple[Nuisance, ...] = merge(
            tuple(n for e in self.experiments for n in e.nuisances),
            tuple(e.name for e in self.experiments for _ in e.nuisances),
        )
        check_names(names, self.nuisance_names)
        self.constraints = Constraints(self.nuisances)
        self.rates = tuple(read(e, model) for e in self.experiments)
        """Of each experiment; what the package's own entries compile is shared by all joint models that have them."""
        self._alike = of_one_term(self.experiments)
        super().__init__()

    def __repr__(self) -> str:
        """Experiments, model, and how many nuisances are free."""
        return (
            f"JointModel({[e.name for e in self.experiments]}, {self.model.name}, mixing={self.model.mixing!r}: "
            f"{len(self.nuisances)} nuisances)"
        )

    @property
    def nuisance_names(self) -> tuple[str, ...]:
        """Names of the free nuisances, in the order of the pulls."""
        return tuple(nuisance.name for nuisance in self.nuisances)

    @property
    def central_pulls(self) -> Float[Array, " nuisances"]:
        """The pulls at which every nuisance is central."""
        return jnp.array([n.constraint.central_pull for n in self.nuisances], dtype=float)

    @property
    def data_shapes(self) -> dict[str, jax.ShapeDtypeStruct]:
        """Shapes of data, for what is compiled ahead of them."""
        return {e.name: jax.ShapeDtypeStruct((e.n_bins,), float) for e in self.experiments}

    def nuisance_values(self, pulls: Float[Array, "... nuisances"]) -> dict[str, Float[Array, "..."]]:
        """Physical values of the nuisances at their pulls."""
        return {n.name: n.constraint.value(pulls[..., i]) for i, n in enumerate(self.nuisances)}

    def expected_counts(
        self, photon: HiddenPhoton, values: Mapping[str, ArrayLike] | None = None
    ) -> dict[str, Float[Array, "*batch _bins"]]:
        """Expected counts by experiment name, at physical values of the shared nuisances.

        Raises
        ------
        UnknownName
            A nuisance that no experiment has free.
        """
        check_settings()
        values = values or {}
        self._check_known(values)
        return {
            e.name: e.expected_counts(
                self.model, photon, {n.name: values[n.name] for n in e.nuisances if n.name in values}
            )
            for e in self.experiments
        }

    def counts(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Data:
        """Expected counts by experiment name, for one photon and the pulls of the nuisances."""
        check_settings()
        values = self.constraints.values(pulls)
        places = [own for _, own in self.nuisance_places]
        return {
            rates.experiment.name: rates.counts(photon, [values[i] for i in own])
            for rates, own in zip(self.rates, places, strict=True)
        }

    def row(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"]) -> Float[Array, " all_bins"]:
        """Expected counts of every bin of every experiment, in one row."""
        return jnp.concatenate(list(self.counts(photon, pulls).values()))

    def by_experiment(self, row: Float[Array, " all_bins"]) -> Data:
        """Numbers of all bins in one row, by experiment name."""
        edges = np.cumsum([e.n_bins for e in self.experiments])[:-1]
        return dict(zip((e.name for e in self.experiments), jnp.split(row, edges), strict=True))

    @property
    def nuisance_places(self) -> list[tuple[Experiment, tuple[int, ...]]]:
        """Each experiment, and the places of its own nuisances among all."""
        index = {name: i for i, name in enumerate(self.nuisance_names)}
        return [(e, tuple(index[n.name] for n in e.nuisances)) for e in self.experiments]

    def pointwise(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data) -> Data:
        """Log-likelihood of every bin of every experiment (constraints apart), for one photon."""
        return self.terms(self.counts(photon, pulls), data)

    def terms(self, counts: Data, data: Data) -> Data:
        """Log-likelihood of every bin at expected counts."""
        found: Data = {}
        for alike in self._alike:
            names = [e.name for e in alike]
            row = alike[0].term.log_prob(*(jnp.concatenate([x[name] for name in names]) for x in (counts, data)))
            found |= zip(names, jnp.split(row, np.cumsum([e.n_bins for e in alike])[:-1]), strict=True)
        return {e.name: found[e.name] for e in self.experiments}

    def log_constraint(self, pulls: Float[Array, " nuisances"]) -> Float[Array, ""]:
        """Log-density of the constraints, normalised over the pulls."""
        return jnp.sum(self.constraints.log_prob(pulls))

    def log_density(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data) -> Float[Array, ""]:
        """Log-likelihood ln L at one photon and the pulls of the nuisances: what every statistical method evaluates.

        Traceable in all arguments; hand `data` over to a jitted function so that new data do not recompile it.
        """
        return self.total(self.pointwise(photon, pulls, data), pulls)

    def total(self, terms: Data, pulls: Float[Array, " nuisances"]) -> Float[Array, ""]:
        """Log-likelihood ln L of the log-likelihoods of all bins and the pulls of the nuisances."""
        total = self.log_constraint(pulls)
        for term in terms.values():
            total = total + jnp.sum(term)
        return total

    def saturated_log_likelihood(self, data: Data) -> Float[Array, ""]:
        """Log-likelihood where expectations equal data and nuisances are central: for a goodness of fit."""
        terms = [jnp.sum(e.term.saturated_log_prob(data[e.name])) for e in self.experiments]
        return sum(terms, self.log_constraint(self.central_pulls))

    def pulls_at(self, nuisances: Mapping[str, ArrayLike] | None = None) -> Float[Array, " nuisances"]:
        """Pulls at physical values of the nuisances (scalars); what is not named is central.

        Raises
        ------
        UnknownName
            A nuisance that no experiment has free.
        InvalidArgument
            A value that is not finite.
        """
        given = {} if nuisances is None else nuisances
        self._check_known(given)
        for name, value in given.items():
            _checks.finite(f"nuisances[{name!r}]", value)
        pulls = self.central_pulls
        for i, nuisance in enumerate(self.nuisances):
            if nuisance.name in given:
                pulls = pulls.at[i].set(nuisance.constraint.pull(jnp.asarray(given[nuisance.name], dtype=float)))
        return pulls

    def _check_known(self, values: Mapping[str, ArrayLike]) -> None:
        if not isinstance(values, Mapping):
            raise _checks.invalid("nuisances", values, "a mapping of name to value")
        for name in values:
            if name not in self.nuisance_names:
                raise _checks.unknown("nuisance", name, self.nuisance_names)

    def release(self) -> None:
        """Let go of all that was compiled or kept, of the experiments' rates too; what is asked for is made again."""
        super().release()
        for reading in self.rates:
            reading.rates.release()

    def identity_parts(self) -> tuple[Any, ...]:
        """What `identity.fingerprint` tells this model by: not by what happens to be compiled."""
        return physics(), self.model, self.experiments
