"""JointLikelihood: the one definition of the likelihood that sampling, evidence, profiles and toys all evaluate.

ln L(photon, nuisances) = sum over experiments and bins of the term's log-probability + sum over nuisances of the
normalised log-density of their constraint, the nuisances being shared between experiments by name.
"""

import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes._left_out import one_call, warn_left_out
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import Nuisance, merge
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference import priors
from lmtbayes.inference.identity.fingerprint import physics
from lmtbayes.inference.likelihood.constraints import Constraints
from lmtbayes.inference.likelihood.data import Asimov, Data, resolve
from lmtbayes.inference.likelihood.finite import check_finite
from lmtbayes.inference.likelihood.joining import check_settings, check_shared, of_one_term
from lmtbayes.inference.likelihood.names import PULL, check_names


def check_likelihood(like: object) -> None:
    """Require a JointLikelihood, which is the first argument everywhere."""
    if not isinstance(like, JointLikelihood):
        raise _checks.invalid("like", type(like).__name__, "a JointLikelihood")


class JointLikelihood:
    """Likelihood of several experiments in one model.

    Parameters
    ----------
    experiments
        Names of the registry or experiments; no name twice.
    model
        The model in which the data are read; it need not be the one that made them.
    data
        `asimov(model, photon)` (projections see what they expect, published data are as observed), "observed" (all
        are), or a mapping of experiment name to an array of its bins.
    check
        Evaluate likelihood and gradient at draws from the default prior, so that a NaN is found here and not in a
        sampler.
    allow_shared_data
        Accept experiments that hold the same data (`Experiment.data_sets`), which are then counted twice.

    Raises
    ------
    PrecisionError
        jax runs in 32 bits.
    UnknownName
        No such experiment, or data for one that is not there.
    InvalidArgument
        No experiment, a name twice or one that is taken, two that hold the same data, data of a wrong shape, "observed"
        for a projection, `asimov` without one.
    NuisanceConflict
        Two experiments constrain one nuisance differently; a nuisance has a name that is taken (mass, g_x, ...).
    NotFinite
        The likelihood or its gradient is not finite; the message names the experiment and the photon.

    Warns
    -----
    LeftOutWarning
        An experiment's rate leaves something of the model out.
    """

    def __init__(
        self,
        experiments: Sequence[str | Experiment],
        model: GaugeModel,
        data: Asimov | str | Mapping[str, ArrayLike],
        check: bool = True,
        allow_shared_data: bool = False,
    ):
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
        self._alike = of_one_term(self.experiments)
        self.constraints = Constraints(self.nuisances)
        self._compiled: dict[Hashable, Any] = {}
        self.results: dict[str, Any] = {}
        """The last result of a kind, with what it belongs to; shared with `with_data` copies."""
        self.checked = check
        with one_call():
            warn_left_out(model.name, [(f"experiment {e.name!r}", e.left_out(model)) for e in self.experiments])
            self.data = resolve(self, data)
            if check:
                check_finite(self)

    # -- data ---------------------------------------------------------------------------------------------------------

    def with_data(self, data: Asimov | str | Mapping[str, ArrayLike]) -> "JointLikelihood":
        """Return the same likelihood with other data; everything that was compiled is kept."""
        other = object.__new__(JointLikelihood)
        other.__dict__.update(self.__dict__)
        other.data = resolve(self, data)
        return other

    # -- evaluation ---------------------------------------------------------------------------------------------------

    @property
    def nuisance_names(self) -> tuple[str, ...]:
        """Names of the free nuisances, in the order of the pulls."""
        return tuple(nuisance.name for nuisance in self.nuisances)

    @property
    def central_pulls(self) -> Float[Array, " nuisances"]:
        """The pulls at which every nuisance is central."""
        return jnp.array([n.constraint.central_pull for n in self.nuisances], dtype=float)

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
        index = {name: i for i, name in enumerate(self.nuisance_names)}
        own = {e.name: [pulls[index[n.name]] for n in e.nuisances] for e in self.experiments}
        return {e.name: self.counts_of(e)(photon, own[e.name]) for e in self.experiments}

    def counts_of(self, e: Experiment) -> Callable[[HiddenPhoton, Sequence[Array]], Float[Array, " _bins"]]:
        """Expected counts of one experiment as a jitted function of one photon and the experiment's own pulls."""
        return self.compiled(_counts_of, e.name)

    def pointwise(self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data | None = None) -> Data:
        """Log-likelihood of every bin of every experiment (constraints apart), for one photon."""
        return self.terms(self.counts(photon, pulls), self.data if data is None else data)

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

    def log_density(
        self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data | None = None
    ) -> Float[Array, ""]:
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

    def log_likelihood(
        self, photon: HiddenPhoton, nuisances: Mapping[str, ArrayLike] | None = None
    ) -> Float[Array, "..."]:
        """Log-likelihood ln L of photon(s), constraint terms included.

        Parameters
        ----------
        photon
            One, or an array of them.
        nuisances
            Name to physical value (a scalar); what is not named is at its central value.

        Returns
        -------
        log_likelihood
            Shape of `photon`. -2 ln L is Eq. 34's chi^2 up to a constant where the experiment is Gaussian.

        Raises
        ------
        UnknownName
            A nuisance that no experiment has free.
        InvalidArgument
            No photon, or one whose eps_x is not what the mixing rule of the likelihood's model gives.
        """
        check_settings()
        check_photon(photon)
        check_mixing(self.model, photon)
        given = dict(nuisances or {})
        self._check_known(given)
        for name, value in given.items():
            _checks.finite(f"nuisances[{name!r}]", value)
        pulls = self.central_pulls
        for i, nuisance in enumerate(self.nuisances):
            if nuisance.name in given:
                pulls = pulls.at[i].set(nuisance.constraint.pull(jnp.asarray(given[nuisance.name], dtype=float)))
        if photon.shape == ():
            return self.log_density(photon, pulls)
        flat = jax.tree.map(jnp.ravel, photon.broadcast())
        return jax.vmap(lambda p: self.log_density(p, pulls))(flat).reshape(photon.shape)

    def saturated_log_likelihood(self, data: Data | None = None) -> Float[Array, ""]:
        """Log-likelihood where expectations equal data and nuisances are central: for a goodness of fit."""
        data = self.data if data is None else data
        total = self.log_constraint(self.central_pulls)
        for e in self.experiments:
            total = total + jnp.sum(e.term.saturated_log_prob(data[e.name]))
        return total

    # -- numpyro ------------------------------------------------------------------------------------------------------

    def numpyro_model(self, prior: priors.Prior) -> Callable[..., None]:
        """Return a plain numpyro model, for any numpyro tool.

        Sample sites: the prior's coordinates; `NAME_pull` for every nuisance; one site for each experiment, observed.
        Deterministic sites: g_x, mass [MeV], eps_x, and every nuisance's physical value.

        The model's only argument is `data`: left out, the likelihood's own; None leaves the experiments unobserved, as
        predictive draws need; a mapping of name to counts conditions on those.

        Raises
        ------
        InvalidArgument
            A prior of another model.
        """
        check_settings()
        if prior.model != self.model:
            raise InvalidArgument(f"`prior` must be of the likelihood's model {self.model}; got one of {prior.model}")

        def model(data: Data | None = self.data) -> None:
            photon = prior.photon({name: numpyro.sample(name, d) for name, d in prior.distributions.items()})
            for name in ("g_x", "mass", "eps_x"):
                if name not in prior.names:
                    numpyro.deterministic(name, getattr(photon, name))
            values = {}
            for nuisance in self.nuisances:
                pull = numpyro.sample(nuisance.name + PULL, nuisance.constraint.distribution())
                values[nuisance.name] = numpyro.deterministic(nuisance.name, nuisance.constraint.value(pull))
            expected = self.expected_counts(photon, values)
            for e in self.experiments:
                observed = None if data is None else data[e.name]
                distribution = e.term.distribution(expected[e.name], observed).to_event(1)
                numpyro.sample(e.name, distribution, obs=observed)

        return model

    def _check_known(self, values: Mapping[str, ArrayLike]) -> None:
        if not isinstance(values, Mapping):
            raise _checks.invalid("nuisances", values, "a mapping of name to value")
        for name in values:
            if name not in self.nuisance_names:
                raise _checks.unknown("nuisance", name, self.nuisance_names)

    # -- machinery ----------------------------------------------------------------------------------------------------

    def compiled[T](self, builder: Callable[..., T], *static: Hashable) -> T:
        """Return `builder(likelihood, *static)`, built once for this likelihood and its `with_data` copies.

        The builder and its own arguments are the key, and all that the compiled function can have closed over besides
        experiments and model: a builder is a function or class of a module, and the likelihood that it is handed knows
        the shapes of its data only.

        Parameters
        ----------
        builder
            (likelihood, *static) to jitted function(s), which take the data as an argument.
        static
            Hashable; equal ones of equal types are the same.

        Raises
        ------
        TypeError
            A builder that is not found under its own name in its module: a closure, a lambda, a method, a partial.
        """
        check_settings()
        module = sys.modules.get(getattr(builder, "__module__", None) or "")
        if getattr(module, getattr(builder, "__qualname__", ""), None) is not builder:
            raise TypeError(
                f"`builder` must be a function or class of a module, found there by its name, so that it closes over "
                f"nothing but its arguments; got {builder!r}"
            )
        key = (builder, static, tuple(map(type, static)))
        if key not in self._compiled:
            bare = object.__new__(JointLikelihood)
            shapes = {e.name: jax.ShapeDtypeStruct((e.n_bins,), float) for e in self.experiments}
            bare.__dict__.update(self.__dict__, data=shapes)
            self._compiled[key] = builder(bare, *static)
        return self._compiled[key]

    def identity_parts(self) -> tuple[Any, ...]:
        """What `identity.fingerprint` tells this likelihood by."""
        return physics(), self.model, self.experiments, {k: np.asarray(x) for k, x in self.data.items()}


def _counts_of(like: JointLikelihood, name: str) -> Callable[[HiddenPhoton, Sequence[Array]], Float[Array, " _bins"]]:
    (e,) = (e for e in like.experiments if e.name == name)

    def own(photon: HiddenPhoton, pulls: Sequence[Array]) -> Array:
        values = {n.name: n.constraint.value(pull) for n, pull in zip(e.nuisances, pulls, strict=True)}
        return e.expected_counts(like.model, photon, values)

    # Jitted so that whatever is made of it, and its derivatives, traces it once.
    return jax.jit(own)
