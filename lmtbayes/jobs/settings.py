"""Settings of a fit: what the command line's options mean, checked, saved and read back."""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, cast

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.registry import (
    experiment,
    experiment_names,
    experiment_options,
    experiment_reach,
    load_plugin,
)
from lmtbayes.gauge.models import BENCHMARKS, MIXING_RULES, MODELS, GaugeModel, HiddenPhoton
from lmtbayes.inference import priors
from lmtbayes.inference.likelihood.data import PUBLISHED, Asimov, asimov, check_observed
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.toys import simulate
from lmtbayes.inference.posterior.method import LEAST_DRAWS, LEAST_WARMUP, Auto, Independence, Nuts
from lmtbayes.inference.posterior.method import METHODS as SAMPLERS
from lmtbayes.jobs.strict import Saved, checked, one_of, read_json, settings, text, whole
from lmtbayes.parameters import default_masses, default_range
from lmtbayes.tables import is_number

DATA = ("asimov", "toy", "observed")
LEAST_GRID = 5
"""Points a side of a profile that can have a contour inside; a finer one follows around the contour."""
SCOPES = ("single", "today")
MOST_MIXING = 1e6
"""|eps_x/g_x| beyond which eps_x would be no coupling at any g_x that is searched."""
MOST_GRID, MOST_DRAWS, MOST_SEED = 10_000, 10**7, 2**63 - 1
"""Beyond these a fit has no memory to hold, and a key no bits."""


def split_names(text: str) -> tuple[str, ...]:
    """Split "a,b:edges=[1,2],c" at the commas that separate names, not at those inside brackets."""
    names, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            names.append("")
        else:
            names[-1] += character
    return tuple(name.strip() for name in names if name.strip())


def parse_experiment(text: str) -> Experiment:
    """Build "name" or "name:override=value:override=value"; values are read as JSON where they are, else as words.

    Raises
    ------
    InvalidArgument
        An override without "=".
    UnknownName
        No such experiment or override.
    """
    name, options = name_and_options(text)
    return experiment(name, **options)


def name_and_options(text: str) -> tuple[str, dict[str, Any]]:
    """What `parse_experiment` builds from; both are known, and nothing is built."""
    name, *overrides = text.split(":")
    options = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise InvalidArgument(f"`experiments` must read name:override=value; got {_checks.shown(text)}")
        try:
            options[key.strip()] = read_json(value)
        except ValueError:
            options[key.strip()] = value
    accepted = experiment_options(name.strip())
    for key in options:
        if key not in accepted:
            raise _checks.unknown(f"override of experiment {name.strip()!r}", key, accepted)
    if len(options) < len(overrides):
        raise InvalidArgument(f"`experiments` must give every override once; got {_checks.shown(text)}")
    if options.get("name") is not None:
        _checks.name("name", options["name"])
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return name.strip(), options


def masses_of(experiments: Iterable[str]) -> tuple[float, float]:
    """Default range of the mass [MeV] of a fit of these names, as their entries say; overrides are left out."""
    names = (text.partition(":")[0].strip() for text in experiments)
    return default_masses(experiment_reach(name) for name in names if name in experiment_names())


def parse_truth(text: str, model: GaugeModel) -> HiddenPhoton:
    """Return the photon of "BP1", "g_x=5e-4,mass=15,eps_x=-7e-6" or "none" (no boson).

    Raises
    ------
    UnknownName
        No such benchmark or parameter.
    InvalidArgument
        A value that is no number; g_x or mass missing.
    """
    values = _numbers_of(text)
    if text == "none":
        return HiddenPhoton.none()
    if not values:
        return BENCHMARKS[text]
    if "eps_x" in values:
        return HiddenPhoton(values["g_x"], values["mass"], values["eps_x"])
    return model.hidden_photon(values["g_x"], values["mass"])


def _numbers_of(text: str) -> dict[str, float]:
    """Numbers of a truth, checked; none of a benchmark and of "none". No photon is made, which would start jax."""
    if text == "none":
        return {}
    if "=" not in text:
        if text not in BENCHMARKS:
            raise _checks.unknown("benchmark", text, (*BENCHMARKS, "none"))
        return {}
    values: dict[str, float] = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key.strip() not in ("g_x", "mass", "eps_x"):
            raise _checks.unknown("parameter of `truth`", key.strip(), ("g_x", "mass", "eps_x"))
        try:
            values[key.strip()] = _number(value)
        except ValueError:
            raise _checks.invalid("truth", text, "numbers, as in g_x=5e-4,mass=15,eps_x=-7e-6") from None
    if len(values) < len(text.split(",")):
        raise _checks.invalid("truth", text, "given with each parameter once")
    if not {"g_x", "mass"} <= set(values):
        raise _checks.invalid("truth", text, "a benchmark, 'none', or at least g_x=...,mass=...")
    _checks.non_negative("g_x", values["g_x"])
    _checks.positive("mass", values["mass"], "MeV")
    _checks.in_interval("mass", values["mass"], _checks.LOWEST_MASS, _checks.HIGHEST_MASS)
    for name in {"g_x", "eps_x"} & set(values):
        _checks.finite(name, values[name])
        _checks.coupling(name, values[name])
    return values


def parse_mixing(text: str) -> str | float:
    """Return a mixing rule or the number eps_x/g_x.

    Raises
    ------
    InvalidArgument
        Neither.
    """
    if text in MIXING_RULES:
        return text
    try:
        ratio = _number(text)
    except ValueError:
        _checks.one_of("mixing", text, (*MIXING_RULES, "a number"))
        raise
    if not math.isfinite(ratio):
        raise _checks.invalid("mixing", text, f"one of {', '.join(map(repr, MIXING_RULES))}, or a finite number")
    _checks.in_interval("mixing", ratio, -MOST_MIXING, MOST_MIXING)
    return ratio


def _number(text: str) -> float:
    """Number of a word as tables have it: Python's 1_0 and digits of other scripts are none."""
    if not is_number(text.strip()):
        raise ValueError(text)
    return float(text)


def _range(name: str, value: Any) -> tuple[float, float]:
    priors.log_range(name, value)
    low, high = value
    return float(low), float(high)


def _names(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
        raise _checks.invalid(name, value, "a list of names")
    if not value:
        raise _checks.invalid(name, value, "at least one name")
    return tuple(value)


def mixing_rules(name: str, value: Any) -> tuple[str, ...]:
    """Names of mixing rules, or numbers in words; the check of a field.

    Raises
    ------
    InvalidArgument
        None at all, one that is neither, or one twice.
    """
    parsed = [parse_mixing(rule) for rule in _names(name, value)]
    if len(set(parsed)) < len(parsed):
        raise _checks.invalid(name, value, "different rules")
    return tuple(value)


def _experiments(name: str, value: Any) -> tuple[str, ...]:
    for one in _names(name, value):
        name_and_options(one)
    return tuple(value)


def _plugins(name: str, value: Any) -> tuple[str, ...]:
    """Load every plugin, also in a process that is handed these settings: a worker."""
    if not isinstance(value, list | tuple):
        raise _checks.invalid(name, value, "a list of names of modules")
    for module in value:
        load_plugin(module)
    return tuple(value)


# No `type` statement: pydantic 2.11 checks what one names as if it were always the first field that has it.
Range = Annotated[tuple[float, float], checked(_range)]


@settings
class FitSettings(Saved):
    """Everything that determines a fit; two runs with equal settings give equal results, bit for bit.

    Raises
    ------
    InvalidArgument
        A value that cannot be, or two that cannot be together.
    UnknownName
        A setting, experiment, override or benchmark that does not exist.
    """

    NEWER: ClassVar[tuple[str, ...]] = ("plugins", "sampler")

    experiments: Annotated[tuple[str, ...], checked(_experiments)] = (
        "na64mu",
        "ess",
        "ess10",
        "darwin-nr:threshold_kev=1.0",
    )
    """Names; overrides as name:key=value.

    Of the registry, each with as many overrides as wanted: "darwin-nr:threshold_kev=1.0:exposure_tyr=100".
    """
    model: Annotated[str, checked(one_of(MODELS))] = "lmu-ltau"
    """In which the data are read: lmu-ltau or lmu."""
    mixing: Annotated[str, checked(text(parse_mixing))] = "free"
    """free, paper, loop, loop0 or a number eps_x/g_x.

    Of the model in which the data are read.
    """
    data: Annotated[str, checked(one_of(DATA))] = "asimov"
    """asimov, toy or observed.

    Asimov data and toys are made from the truth; observed are the published ones.
    """
    published: Annotated[str, checked(one_of(PUBLISHED))] = "observed"
    """Data of published searches beside Asimov projections: observed or asimov.

    As `asimov`. Toys are drawn for all.
    """
    truth: Annotated[str, checked(text(_numbers_of))] = "BP1"
    """BP1 ... BP4, g_x=5e-4,mass=15,eps_x=-7e-6, or none.

    eps_x may be left out where `truth_mixing` fixes it.
    """
    truth_model: Annotated[str, checked(one_of(MODELS))] = "lmu-ltau"
    """Which made the data: lmu-ltau or lmu."""
    truth_mixing: Annotated[str, checked(text(parse_mixing))] = "paper"
    """free, paper, loop, loop0 or a number eps_x/g_x.

    Of the model that made the data.
    """
    g_x: Range = default_range("g_x")
    """Range of the log-uniform prior."""
    mass: Range = cast("tuple[float, float]", None)
    """Range of the log-uniform prior [MeV].

    By default 1 to 1000, or to 1e4 or 1e5 where an experiment has a published curve that reaches so far.
    """
    kappa: Range = default_range("kappa")
    """Range of the log-uniform prior of -eps_x/g_x, where the mixing is free."""
    seed: Annotated[int, checked(whole(0, MOST_SEED))] = 0
    """Of sampler and toys."""
    sampler: Annotated[str, checked(one_of(SAMPLERS))] = "auto"
    """auto, nuts or independence.

    Chains of the posterior grid's proposals alone, or with steps of NUTS between them; auto chooses by the proposals.
    """
    chains: Annotated[int, checked(whole(1, MOST_GRID))] = 16
    """Side by side."""
    warmup: Annotated[int, checked(whole(LEAST_WARMUP, MOST_DRAWS))] = 500
    """Steps of adaptation, of NUTS."""
    draws: Annotated[int, checked(whole(LEAST_DRAWS, MOST_DRAWS))] = 500
    """Of each chain."""
    grid: Annotated[int, checked(whole(0, MOST_GRID))] = 40
    """Points a side of the profile's first grid; 0 for none.

    In (mass, g_x); lines are added where the edges of its regions are.
    """
    scope: Annotated[str, checked(one_of(SCOPES))] = "single"
    """One fit, or today: both models, each with two g-2 presets (`jobs.today`)."""
    plugins: Annotated[tuple[str, ...], checked(_plugins)] = ()
    """Modules that register experiments of your own.

    Imported by name before `experiments` are looked up, here and by every worker.
    """

    @classmethod
    def before(cls, given: Mapping[str, Any]) -> None:
        """Load plugins: names of experiments are checked by then."""
        _plugins("plugins", given.get("plugins", ()))

    def __post_init__(self) -> None:
        if self.mass is None:
            object.__setattr__(self, "mass", masses_of(self.experiments))
        if self.scope == "today" and self.data != "observed":
            raise _checks.invalid("data", self.data, "'observed' in the fit of all published data (scope 'today')")
        values = _numbers_of(self.truth)
        if values and "eps_x" not in values and self.truth_mixing == "free" and self.data != "observed":
            raise _checks.invalid("truth", self.truth, "given with eps_x=... where `truth_mixing` is 'free'")

    @property
    def gauge_model(self) -> GaugeModel:
        """The model in which the data are read."""
        return MODELS[self.model].with_mixing(parse_mixing(self.mixing))

    @property
    def prior(self) -> priors.Prior:
        """Log-uniform in the stated ranges."""
        return priors.default(self.gauge_model, g_x=self.g_x, mass=self.mass, kappa=self.kappa)

    @property
    def sampling(self) -> Auto | Nuts | Independence:
        """The method of `sample_posterior` with its settings."""
        if self.sampler == "independence":
            return Independence(chains=self.chains, draws=self.draws)
        of_both = Nuts if self.sampler == "nuts" else Auto
        return of_both(chains=self.chains, warmup=self.warmup, draws=self.draws)

    @property
    def true_photon(self) -> HiddenPhoton | None:
        """The photon behind Asimov or toy data; None for observed data."""
        if self.data == "observed":
            return None
        return parse_truth(self.truth, MODELS[self.truth_model].with_mixing(parse_mixing(self.truth_mixing)))

    def check_data(self) -> None:
        """Require published data of every experiment where they are asked for, before a job begins.

        Raises
        ------
        InvalidArgument
            A projection has none.
        """
        if self.data == "observed":
            check_observed([parse_experiment(text) for text in self.experiments])

    def likelihood(self) -> JointLikelihood:
        """Build the likelihood with its data."""
        built = [parse_experiment(text) for text in self.experiments]
        photon = self.true_photon
        if photon is None:
            return JointLikelihood(built, self.gauge_model, "observed")
        published = self.published if self.data == "asimov" else "asimov"  # soon replaced by toys
        truth: Asimov = asimov(MODELS[self.truth_model], photon, published=published)
        like = JointLikelihood(built, self.gauge_model, truth)
        if self.data == "toy":
            like = like.with_data(simulate(like, photon, self.seed, model=MODELS[self.truth_model]))
        return like
