"""Priors of (g_x, M_A', eps_x): numpyro distributions by parameter, normalised, so that evidences mean something."""

import functools
import warnings
from collections.abc import Iterable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, ArrayLike, Float

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, PriorWarning, UnitsWarning
from lmtbayes.experiments.base import Experiment
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.inference.distributions.signed import SignedLogUniform
from lmtbayes.inference.distributions.support import check_support, support_edges, with_quantiles
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.parameters import ALL, COORDINATES, default_masses, default_range

G_X, MASS, KAPPA = (default_range(name) for name in ("g_x", "mass", "kappa"))
"""Default ranges of the gauge coupling, of M_A' [MeV] where no experiment asks for more, and of |eps_x/g_x|."""
SIGNS = ("loop", "both")

_ANY_MASS = 10.0
"""[MeV] of a boson that couples to nothing."""


class Prior:
    """A normalised prior of the boson's parameters in one model.

    Parameters
    ----------
    model
        Where its mixing is "free", the prior covers kappa too: -eps_x/g_x, or eps_x/g_x where the model's loop is
        positive (`GaugeModel.mixing_sign`); else eps_x follows from g_x.
    distributions
        Coordinate to univariate numpyro distribution. One coordinate for each parameter: "log10_g_x" or "g_x",
        "log10_mass" or "mass" (MeV), and, where mixing is free, "log10_kappa" or "kappa". Empty: no boson at all, the
        Standard Model, which has an evidence too.

    Raises
    ------
    InvalidArgument
        A parameter that is missing, given twice or unknown; something that is no continuous univariate distribution
        with a cdf or quantiles; support where the parameter has none (a coupling or a mass below zero: truncate
        the distribution); tails that reach where rates are no numbers any more.

    Warns
    -----
    UnitsWarning
        Edges below 1 MeV, which look like GeV, or above 1e5 MeV, which look like keV.
    """

    def __init__(self, model: GaugeModel, distributions: Mapping[str, dist.Distribution]):
        parameters: tuple[str, ...] = ("g_x", "mass", "kappa") if model.mixing == "free" else ("g_x", "mass")
        if not distributions:
            parameters = ()
        known = {coordinate for parameter in parameters for coordinate in COORDINATES[parameter]}
        for name, distribution in distributions.items():
            _checks.one_of("distributions", name, sorted(known))
            if not isinstance(distribution, dist.Distribution) or distribution.event_shape or distribution.batch_shape:
                raise _checks.invalid(f"distributions[{name!r}]", distribution, "a univariate numpyro distribution")
            check_support(name, distribution)
        names = []
        for parameter in parameters:
            given = [coordinate for coordinate in COORDINATES[parameter] if coordinate in distributions]
            if len(given) != 1:
                raise InvalidArgument(
                    f"`distributions` must give exactly one of {COORDINATES[parameter]} (model {model.name!r}, mixing "
                    f"{model.mixing!r}); got {given or 'none'}"
                )
            names += given
        self.model = model
        self.distributions = {name: distributions[name] for name in names}
        self._quantiles = {name: with_quantiles(name, d) for name, d in self.distributions.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Sampled coordinates, in the order g_x, mass, kappa."""
        return tuple(self.distributions)

    def photon(self, values: Mapping[str, ArrayLike]) -> HiddenPhoton:
        """Return the photon(s) at values of the sampled coordinates."""
        if not self.names:
            return HiddenPhoton(0.0, _ANY_MASS, 0.0)
        physical = {}
        for name in self.names:
            value = jnp.asarray(values[name], dtype=float)
            physical[name.removeprefix("log10_")] = 10.0**value if name.startswith("log10_") else value
        g_x = physical["g_x"]
        if "kappa" not in physical:
            return HiddenPhoton.unchecked(g_x, physical["mass"], (self.model.mixing_ratio or 0.0) * g_x)
        return HiddenPhoton.unchecked(g_x, physical["mass"], self.model.mixing_sign * physical["kappa"] * g_x)

    def values(self, photon: HiddenPhoton) -> dict[str, Float[Array, "..."]]:
        """Return the sampled coordinates of photon(s): the inverse of `photon`."""
        physical = {"g_x": photon.g_x, "mass": photon.mass, "kappa": photon.eps_x / photon.g_x * self.model.mixing_sign}
        return {
            name: jnp.log10(physical[name.removeprefix("log10_")]) if name.startswith("log10_") else physical[name]
            for name in self.names
        }

    def log_prob(self, values: Mapping[str, ArrayLike]) -> Float[Array, "..."]:
        """Log density in the sampled coordinates, summed over parameters; -inf outside the support."""
        return sum(self.log_probs(values).values(), jnp.zeros(()))

    def log_probs(self, values: Mapping[str, ArrayLike]) -> dict[str, Float[Array, "..."]]:
        """Log density in each sampled coordinate; -inf outside its support."""
        found = {}
        for name, distribution in self.distributions.items():
            value = jnp.asarray(values[name], dtype=float)
            with warnings.catch_warnings():
                # numpyro warns of a value outside the support, which is what is being asked here.
                warnings.simplefilter("ignore", UserWarning)
                density = distribution.log_prob(value)
            found[name] = jnp.where(distribution.support(value), density, -jnp.inf)
        return found

    def from_unit_cube(self, unit: Float[Array, "... parameters"]) -> dict[str, Float[Array, "..."]]:
        """Map the unit cube to the sampled coordinates through each distribution's quantiles."""
        return {name: d.icdf(unit[..., index]) for index, (name, d) in enumerate(self._quantiles.items())}

    def quantiles(self, name: str, unit: Float[Array, "..."]) -> Float[Array, "..."]:
        """Quantiles of one coordinate."""
        return self._quantiles[name].icdf(unit)

    def has_quantiles(self, name: str) -> bool:
        """Whether a coordinate's distribution has a quantile function of its own; else it is inverted numerically."""
        return self._quantiles[name] is self.distributions[name]

    def reach(self, name: str) -> tuple[float, float]:
        """Finite range of a coordinate: its support, where rates are numbers."""
        low, high = support_edges(self.distributions[name])
        return max(low, ALL[name].reach[0]), min(high, ALL[name].reach[1])

    def sample(self, seed: int = 0, size: int = 1) -> dict[str, Float[Array, " draws"]]:
        """Draw `size` points of the sampled coordinates."""
        keys = jax.random.split(jax.random.key(seed), len(self.distributions))
        draws = {}
        for key, (name, distribution) in zip(keys, self.distributions.items(), strict=True):
            try:
                draws[name] = distribution.sample(key, (size,))
            except ImportError:  # numpyro draws from a cut Student's t by its quantiles, which it does not have
                draws[name] = self._quantiles[name].sample(key, (size,))
        return draws

    @property
    def box(self) -> dict[str, tuple[float, float]]:
        """Edges of each coordinate's support; infinite where it has none."""
        unit = jnp.array([0.0, 1.0])
        return {
            name: tuple(np.asarray(d.icdf(unit)).tolist()) if self.has_quantiles(name) else support_edges(d)
            for name, d in self.distributions.items()
        }

    def identity_parts(self) -> tuple[object, ...]:
        """What `identity.fingerprint` tells this prior by."""
        return self.model, tuple(self.distributions.items())

    def __eq__(self, other: object) -> bool:
        """Whether model and distributions are the same; of distributions that cannot be hashed only where they are one.

        Compiled functions are found by it.
        """
        return isinstance(other, Prior) and (self is other or self._key() == other._key())

    def __hash__(self) -> int:
        """By contents, as `==`."""
        return hash(self._key())

    def _key(self) -> str | int:
        return self._fingerprint or id(self)

    @functools.cached_property
    def _fingerprint(self) -> str:
        """Of the contents; "" where they cannot be told. Compiled functions ask for it hundreds of times a fit."""
        try:
            return fingerprint(self)
        except InvalidArgument:
            return ""

    def __repr__(self) -> str:
        """One line with the model and every edge: evidences are never quoted without it."""
        parts = []
        for name, (low, high) in self.box.items():
            kind = type(self.distributions[name]).__name__
            parts.append(f"{name} ~ {kind}[{low:.4g}, {high:.4g}]")
        if not parts:
            return "Prior(no boson)"
        return f"Prior({self.model.name}, mixing={self.model.mixing!r}: {', '.join(parts)})"


def check_prior_of(prior: object, model: GaugeModel, experiments: Iterable[Experiment] = ()) -> None:
    """Require a prior, and of a likelihood's model; warn of experiments that are silent in all of it."""
    if not isinstance(prior, Prior):
        raise _checks.invalid("prior", type(prior).__name__, "a Prior (lmtbayes.priors)")
    if prior.model != model:
        raise InvalidArgument(f"`prior` must be of the likelihood's model {model}; got one of {prior.model}")
    curves = {e.name: e.mass_range for e in experiments if np.isfinite(e.mass_range[1])}
    name = next((name for name in prior.names if curves and name.endswith("mass")), None)
    if name is None or any(_checks.is_traced(leaf) for leaf in jax.tree.leaves(prior.distributions[name])):
        return
    low, high = (10.0**edge if name.startswith("log10_") else edge for edge in support_edges(prior.distributions[name]))
    for silent, (first, last) in curves.items():
        if last < low or first > high:
            warnings.warn(
                f"experiment {silent!r} says nothing at the masses of the prior, {low:.4g} to {high:.4g} MeV, but from "
                f"{first:.4g} to {last:.4g} MeV, which priors.default(model, experiments=...) reaches",
                PriorWarning,
                stacklevel=3,
            )


def default(
    model: GaugeModel,
    *,
    g_x: Sequence[float] = G_X,
    mass: Sequence[float] | None = None,
    kappa: Sequence[float] | None = None,
    sign: str = "loop",
    experiments: Sequence[Experiment] = (),
) -> Prior:
    """Log-uniform in every parameter.

    Parameters
    ----------
    model
        Mixing "free" adds kappa.
    g_x, mass, kappa
        (low, high) of the gauge coupling, of M_A' [MeV] and of |eps_x/g_x|, by default 1e-5 to 1e-2, 1 to 1000 MeV and
        1e-3 to 1. The evidence of a null result depends on the edges: they are physics.
    sign
        Of eps_x where mixing is free. "loop": that of the model's loop, negative where it has none. "both": the
        coordinate is then "kappa", of either sign with probability 1/2, log-uniform in its modulus.
    experiments
        Of the likelihood (`JointLikelihood.experiments`): the default range of the mass ends at 10 or 100 GeV, and not
        at 1 GeV, where one of them has a published curve that reaches so far.

    Raises
    ------
    InvalidArgument
        A range that is not two increasing positive numbers, an unknown sign.

    Warns
    -----
    PriorWarning
        The default range of a free mixing does not hold what the model's loop gives.
    UnitsWarning
        Masses below 1 MeV, which look like GeV, or above 1e5 MeV, which look like keV.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> lmt.priors.default(lmt.LMU_LTAU, mass=(1.0, 200.0)).names
    ('log10_g_x', 'log10_mass', 'log10_kappa')
    >>> lmt.priors.default(lmt.LMU, experiments=[lmt.experiment("cms-4mu")]).box["log10_mass"]
    (0.0, 5.0)
    """
    _checks.one_of("sign", sign, SIGNS)
    for e in experiments:
        if not isinstance(e, Experiment):
            raise _checks.invalid("experiments", e, "experiments, as JointLikelihood.experiments holds them")
    mass = default_masses(e.mass_range for e in experiments) if mass is None else mass
    if model.mixing == "free" and kappa is None:
        _check_loop(model)
    kappa = KAPPA if kappa is None else kappa
    ranges = {"g_x": g_x, "mass": mass} | ({"kappa": kappa} if model.mixing == "free" else {})
    distributions: dict[str, dist.Distribution] = {}
    for name, given in ranges.items():
        low, high = log_range(name, given)
        if name == "kappa" and sign == "both":
            distributions[name] = SignedLogUniform(*np.asarray(given, dtype=float).tolist())
        else:
            distributions[f"log10_{name}"] = dist.Uniform(low, high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)  # said of the ranges
        return Prior(model, distributions)


_SENSIBLE = 1e-30, 1e6
"""Of edges of ranges: no data tell couplings below from none, and above are masses beyond 1 TeV and no mixings."""


def log_range(name: str, given: Sequence[float]) -> tuple[float, float]:
    """Log10 of a range (low, high) of positive numbers; InvalidArgument if it is none."""
    edges = _checks.shape(name, _checks.increasing(name, given), (2,))
    _checks.positive(name, edges)
    if name == "g_x":
        _checks.coupling(name, edges)
    if name == "mass":
        _checks.masses(name, edges)
    _checks.in_interval(name, edges, *_SENSIBLE)
    low, high = np.log10(edges)
    return float(low), float(high)


def _check_loop(model: GaugeModel) -> None:
    loop = model.loop_ratio
    if loop is not None and loop != 0.0 and not KAPPA[0] <= abs(loop) <= KAPPA[1]:
        warnings.warn(
            f"the loop of model {model.name!r} mixes with eps_x/g_x = {loop:.3g}, outside the default prior's "
            f"{KAPPA[0]:g} to {KAPPA[1]:g}: give `kappa` a range that holds it",
            PriorWarning,
            stacklevel=3,
        )


def no_boson(model: GaugeModel = LMU_LTAU) -> Prior:
    """The Standard Model as a prior without parameters: an entry of `compare_models` like any other.

    Parameters
    ----------
    model
        That of the likelihood; without a boson it makes no difference.
    """
    return Prior(model, {})
