"""JointLikelihood: a JointModel and its data, what sampling, evidence, profiles and toys are about."""

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
from lmtbayes.experiments.nuisance import Nuisance
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton, check_mixing
from lmtbayes.gauge.photon import check_photon
from lmtbayes.inference import priors
from lmtbayes.inference.likelihood.constraints import Constraints
from lmtbayes.inference.likelihood.data import Asimov, resolve_data
from lmtbayes.inference.likelihood.finite import check_finite
from lmtbayes.inference.likelihood.joining import check_settings
from lmtbayes.inference.likelihood.model import Data, JointModel
from lmtbayes.inference.likelihood.names import PULL


def check_likelihood(like: object) -> None:
    """Require a JointLikelihood, which is the first argument everywhere."""
    if not isinstance(like, JointLikelihood):
        raise _checks.invalid("like", type(like).__name__, "a JointLikelihood")


class JointLikelihood:
    """Likelihood of several experiments in one model.

    Parameters
    ----------
    experiments
        Names of the registry or experiments, no name twice; or a JointModel, with all that was compiled for it.
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

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> like = lmt.JointLikelihood(["muon-g2-2021", "ccfr-trident"], lmt.LMU_LTAU, "observed")
    >>> like
    JointLikelihood(['muon-g2-2021', 'ccfr-trident'], Lmu-Ltau, mixing='free': 2 bins, 0 nuisances)
    >>> print(f"{like.log_likelihood(lmt.BENCHMARKS['BP1']):.3f}")
    -5.185
    """

    def __init__(
        self,
        experiments: Sequence[str | Experiment] | JointModel,
        model: GaugeModel,
        data: Asimov | str | Mapping[str, ArrayLike],
        *,
        check: bool = True,
        allow_shared_data: bool = False,
    ):
        if isinstance(experiments, JointModel):
            if model != experiments.model:
                raise InvalidArgument(f"`model` must be that of the joint model, {experiments.model}; got {model!r}")
            self.joint = experiments
            left_out = []
        else:
            self.joint = JointModel(experiments, model, allow_shared_data=allow_shared_data)
            left_out = [(f"experiment {e.name!r}", e.left_out(model)) for e in self.experiments]
        with one_call():
            warn_left_out(model.name, left_out)
            self.data: Data = resolve_data(self.joint, data, evaluated=check)
            if check:
                check_finite(self.joint, self.data)

    def __repr__(self) -> str:
        """Experiments, model, and how many bins and nuisances there are."""
        bins = sum(e.n_bins for e in self.experiments)
        return (
            f"JointLikelihood({[e.name for e in self.experiments]}, {self.model.name}, mixing={self.model.mixing!r}: "
            f"{bins} bins, {len(self.nuisances)} nuisances)"
        )

    # -- data ---------------------------------------------------------------------------------------------------------

    def with_data(self, data: Asimov | str | Mapping[str, ArrayLike]) -> "JointLikelihood":
        """Return the same joint model with other data; everything that was compiled is kept."""
        return JointLikelihood(self.joint, self.model, data, check=False)

    # -- what it is made of -------------------------------------------------------------------------------------------

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """In the order in which they were given."""
        return self.joint.experiments

    @property
    def model(self) -> GaugeModel:
        """In which the data are read."""
        return self.joint.model

    @property
    def nuisances(self) -> tuple[Nuisance, ...]:
        """The free ones of all experiments, shared by name."""
        return self.joint.nuisances

    @property
    def nuisance_names(self) -> tuple[str, ...]:
        """Names of the free nuisances, in the order of the pulls."""
        return self.joint.nuisance_names

    @property
    def constraints(self) -> Constraints:
        """Of all nuisances, in their pulls."""
        return self.joint.constraints

    @property
    def central_pulls(self) -> Float[Array, " nuisances"]:
        """The pulls at which every nuisance is central."""
        return self.joint.central_pulls

    # -- evaluation ---------------------------------------------------------------------------------------------------

    def expected_counts(
        self, photon: HiddenPhoton, values: Mapping[str, ArrayLike] | None = None
    ) -> dict[str, Float[Array, "*batch _bins"]]:
        """Expected counts by experiment name, at physical values of the shared nuisances; as `JointModel`'s."""
        return self.joint.expected_counts(photon, values)

    def log_density(
        self, photon: HiddenPhoton, pulls: Float[Array, " nuisances"], data: Data | None = None
    ) -> Float[Array, ""]:
        """Log-likelihood ln L at one photon and the pulls of the nuisances, traceable; by default of its own data.

        A jitted function that is handed `data` as an argument is not compiled again for others.
        """
        return self.joint.log_density(photon, pulls, self.data if data is None else data)

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
        pulls = self.joint.pulls_at(nuisances)
        if photon.shape == ():
            return self.joint.log_density(photon, pulls, self.data)
        flat = jax.tree.map(jnp.ravel, photon.broadcast())
        return jax.vmap(lambda p: self.joint.log_density(p, pulls, self.data))(flat).reshape(photon.shape)

    def saturated_log_likelihood(self) -> Float[Array, ""]:
        """Log-likelihood where expectations equal data and nuisances are central: for a goodness of fit."""
        found: Float[Array, ""] = self.compiled(_saturated)(self.data)
        return found

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
        priors.check_prior_of(prior, self.model, self.experiments)

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

    # -- machinery ----------------------------------------------------------------------------------------------------

    def compiled[T](self, builder: Callable[..., T], *static: Hashable) -> T:
        """Return `builder(joint model, *static)`, built once for all data; see `JointModel.compiled`."""
        return self.joint.compiled(builder, *static)

    def identity_parts(self) -> tuple[Any, ...]:
        """What `identity.fingerprint` tells this likelihood by."""
        return *self.joint.identity_parts(), {k: np.asarray(x) for k, x in self.data.items()}


def _saturated(joint: JointModel) -> Callable[[Data], Float[Array, ""]]:
    return jax.jit(joint.saturated_log_likelihood)
