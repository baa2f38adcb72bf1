"""Settings of a fit: what the command line's options mean, checked, saved and read back."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, MIXING_RULES, MODELS, GaugeModel, HiddenPhoton
from lmtbayes.inference import priors
from lmtbayes.inference.likelihood.data import PUBLISHED, Asimov, asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.toys import simulate
from lmtbayes.inference.posterior.method import LEAST_DRAWS, LEAST_WARMUP
from lmtbayes.parameters import default_range

DATA = ("asimov", "toy", "observed")
LEAST_GRID = 5
"""Points a side of a profile that can have a contour inside; a finer one follows around the contour."""
SCOPES = ("single", "today")


@dataclass(frozen=True)
class FitSettings:
    """Everything that determines a fit; two runs with equal settings give equal results, bit for bit.

    Parameters
    ----------
    experiments
        Names of the registry, each with overrides if wanted: "darwin-nr:threshold_kev=1.0:exposure_tyr=100".
    model, mixing
        In which the data are read: a name of MODELS; "free", "loop", "loop0", "paper" or a number.
    data
        "asimov" and "toy" are made from the truth; "observed" are the published ones.
    published
        What experiments with data of their own see where `data` is "asimov": "observed" or "asimov" (as `asimov`). Toys
        are drawn for all.
    truth, truth_model, truth_mixing
        A benchmark, "g_x=5e-4,mass=15,eps_x=-7e-6" (eps_x may be left out where the mixing fixes it) or "none".
    g_x, mass, kappa
        Ranges of the log-uniform prior.
    seed, chains, warmup, draws
        Of the sampler.
    grid
        Points a side of the (mass, g_x) grid of the profile, before lines are added where the edges of its regions are;
        0 leaves the profile out.
    scope
        "single": one fit; "today": both models, each with two g-2 presets (`jobs.today`).
    """

    experiments: tuple[str, ...] = ("na64mu", "ess", "ess10", "darwin-nr:threshold_kev=1.0")
    model: str = "lmu-ltau"
    mixing: str = "free"
    data: str = "asimov"
    published: str = "observed"
    truth: str = "BP1"
    truth_model: str = "lmu-ltau"
    truth_mixing: str = "paper"
    g_x: tuple[float, float] = default_range("g_x")
    mass: tuple[float, float] = default_range("mass")
    kappa: tuple[float, float] = default_range("kappa")
    seed: int = 0
    chains: int = 16
    warmup: int = 500
    draws: int = 500
    grid: int = 40
    scope: str = "single"

    def __post_init__(self) -> None:
        _checks.one_of("data", self.data, DATA)
        _checks.one_of("published", self.published, PUBLISHED)
        _checks.one_of("scope", self.scope, SCOPES)
        for name in ("model", "truth_model"):
            _checks.one_of(name, getattr(self, name), MODELS)
        for name, least in {"seed": 0, "chains": 1, "warmup": LEAST_WARMUP, "draws": LEAST_DRAWS, "grid": 0}.items():
            _checks.whole(name, getattr(self, name), least)
        for name in ("mixing", "truth", "truth_mixing"):
            if not isinstance(getattr(self, name), str):
                raise _checks.invalid(name, getattr(self, name), "text")
        for name in ("mixing", "truth_mixing"):
            parse_mixing(getattr(self, name))
        for name in ("g_x", "mass", "kappa"):
            priors.log_range(name, getattr(self, name))
        if isinstance(self.experiments, str) or not all(isinstance(name, str) for name in self.experiments):
            raise _checks.invalid("experiments", self.experiments, "a list of names")
        if not self.experiments:
            raise _checks.invalid("experiments", self.experiments, "at least one name")
        if self.scope == "today" and self.data != "observed":
            raise _checks.invalid("data", self.data, "'observed' in the fit of all published data (scope 'today')")

    @property
    def gauge_model(self) -> GaugeModel:
        """The model in which the data are read."""
        return MODELS[self.model].with_mixing(parse_mixing(self.mixing))

    @property
    def prior(self) -> priors.Prior:
        """Log-uniform in the stated ranges."""
        return priors.default(self.gauge_model, self.g_x, self.mass, self.kappa)

    @property
    def true_photon(self) -> HiddenPhoton | None:
        """The photon behind Asimov or toy data; None for observed data."""
        if self.data == "observed":
            return None
        return parse_truth(self.truth, MODELS[self.truth_model].with_mixing(parse_mixing(self.truth_mixing)))

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

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers, strings and lists, as written to settings.json."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def from_file(cls, path: str | Path) -> "FitSettings":
        """Read what `to_dict` gave.

        Raises
        ------
        InvalidArgument
            No such file, no JSON, or settings that do not exist.
        """
        try:
            given = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InvalidArgument(f"`settings` must be a file of settings; {str(path)!r}: {error}") from None
        return cls.from_dict(given, f" in {str(path)!r}")

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], where: str = "") -> "FitSettings":
        """Inverse of `to_dict`; `where` is said in the error about a setting that does not exist."""
        known = {field.name for field in dataclasses.fields(cls)}
        for name in given if isinstance(given, Mapping) else [type(given).__name__]:
            if name not in known:
                raise _checks.unknown(f"setting{where}", name, sorted(known))
        settings: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in given.items()}
        return cls(**settings)


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
    """
    name, *overrides = text.split(":")
    options = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise InvalidArgument(f"`experiments` must read name:override=value; got {text!r}")
        try:
            options[key.strip()] = json.loads(value)
        except ValueError:
            options[key.strip()] = value
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    return experiment(name.strip(), **options)


def parse_truth(text: str, model: GaugeModel) -> HiddenPhoton:
    """Return the photon of "BP1", "g_x=5e-4,mass=15,eps_x=-7e-6" or "none" (no boson).

    Raises
    ------
    UnknownName
        No such benchmark or parameter.
    InvalidArgument
        A value that is no number; g_x or mass missing.
    """
    if text == "none":
        return HiddenPhoton.none()
    if "=" not in text:
        return BENCHMARKS[text]
    values = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key.strip() not in ("g_x", "mass", "eps_x"):
            raise _checks.unknown("parameter of `truth`", key.strip(), ("g_x", "mass", "eps_x"))
        try:
            values[key.strip()] = float(value)
        except ValueError:
            raise _checks.invalid("truth", text, "numbers, as in g_x=5e-4,mass=15,eps_x=-7e-6") from None
    if not {"g_x", "mass"} <= set(values):
        raise _checks.invalid("truth", text, "a benchmark, 'none', or at least g_x=...,mass=...")
    if "eps_x" in values:
        return HiddenPhoton(values["g_x"], values["mass"], values["eps_x"])
    return model.hidden_photon(values["g_x"], values["mass"])


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
        return float(text)
    except ValueError:
        _checks.one_of("mixing", text, (*MIXING_RULES, "a number"))
        raise
