"""Plan: options, models with what is believed of them, truths; its design variables by name, and what they may do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lmtbayes import _checks
from lmtbayes.design.beliefs import Belief, Truth, check_belief
from lmtbayes.design.options import SCALES, TRACED, Option
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import Gaussian, LogNormal, Nuisance, TruncatedGaussian
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.priors import check_prior_of

KNOWN = "known"
"""Of a variable "known.flux_8b": the standard deviation to which a nuisance is known."""


class Plan:
    """What might be measured, and between which models it is to decide.

    Parameters
    ----------
    options
        `Option`s, names of the registry, or experiments; no name twice. Their data are simulated, published or not.
    models
        Name to a Prior or a `Posterior`, each of a gauge model of its own; with `priors.no_boson()` no boson is one.
    truths
        Name to `Truth`.

    Raises
    ------
    InvalidArgument
        No option, model or truth; a truth that is read as a model whose belief is of another gauge model than it; a
        name with a dot.
    UnknownName
        A truth that is read as a model that is not there.
    NuisanceConflict
        Two experiments constrain one nuisance differently.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> tau, mu = (model.with_mixing("paper") for model in (lmt.LMU_LTAU, lmt.LMU))
    >>> plan = lmt.design.Plan(
    ...     ["na64mu", lmt.design.Option("ess10", threshold_kevnr=0.2)],
    ...     {"Lmu-Ltau": lmt.priors.default(tau), "Lmu": lmt.priors.default(mu)},
    ...     {"BP1": lmt.design.Truth(tau, lmt.BENCHMARKS["BP1"], "Lmu-Ltau")},
    ... )
    >>> plan.value("ess10.baseline_m"), plan.kind("ess10.baseline_m"), plan.kind("ess10.threshold_kevnr")
    (20.0, 'scales the counts', 'built anew')
    """

    def __init__(
        self,
        options: Sequence[str | Experiment | Option],
        models: Mapping[str, Belief],
        truths: Mapping[str, Truth],
    ):
        if isinstance(options, str | Experiment | Option):
            options = [options]
        self.options = tuple(o if isinstance(o, Option) else Option(o) for o in options)
        for argument, given in (("models", models), ("truths", truths)):
            if not isinstance(given, Mapping) or not given:
                raise _checks.invalid(argument, given, "a mapping of at least one name to what it is")
        for name, belief in models.items():
            check_belief(f"models[{name!r}]", belief)
        for name, truth in truths.items():
            if not isinstance(truth, Truth):
                raise _checks.invalid(f"truths[{name!r}]", truth, "a design.Truth")
            self._check_reading(name, truth, models)
        self.models, self.truths = dict(models), dict(truths)
        experiments = [option.base for option in self.options]
        self.joints = {name: JointModel(experiments, belief.model) for name, belief in self.models.items()}
        self.joint = next(iter(self.joints.values()))
        for name, belief in self.models.items():
            if hasattr(belief, "distributions"):
                check_prior_of(belief, self.joints[name].model, experiments)

    @staticmethod
    def _check_reading(name: str, truth: Truth, models: Mapping[str, Belief]) -> None:
        if truth.reads_as is None:
            return
        if truth.reads_as not in models:
            raise _checks.unknown(f"model that truths[{name!r}] is read as", truth.reads_as, models)
        belief = models[truth.reads_as]
        ours, theirs = (m.with_mixing("free") for m in (truth.model, belief.model))
        if ours != theirs:
            raise InvalidArgument(
                f"`models[{truth.reads_as!r}]` must be of the gauge model of truths[{name!r}], {truth.model.name!r}; "
                f"it is a prior of another model, {belief.model.name!r}"
            )

    def __repr__(self) -> str:
        """Options, models and truths."""
        names = [option.name for option in self.options]
        return f"Plan({names}, models {list(self.models)}, truths {list(self.truths)})"

    # -- design variables ---------------------------------------------------------------------------------------------

    @property
    def variables(self) -> dict[str, float]:
        """Every design variable, and where it stands: "darwin-nr.exposure_tyr", "known.flux_8b"."""
        found = {f"{o.name}.{name}": value for o in self.options for name, value in o.variables.items()}
        known = {n.name: _sigma(n) for n in self.joint.nuisances}
        return found | {f"{KNOWN}.{name}": sigma for name, sigma in known.items() if sigma is not None}

    def value(self, variable: str) -> float:
        """Where a design variable stands unless it is moved."""
        self.part(variable)
        return self.variables[variable]

    def kind(self, variable: str) -> str:
        """What moving a variable takes: "scales the counts", "traced" or "built anew"."""
        option, name = self.part(variable)
        return TRACED if option is None else option.kind(name)

    def part(self, variable: str) -> tuple[Option | None, str]:
        """Option and override of a variable; None and the nuisance of "known.NAME".

        Raises
        ------
        UnknownName
            No such option, or one that does not have the variable; no such nuisance, or one with no single width.
        """
        owner, dot, name = str(variable).rpartition(".")
        owners = {option.name: option for option in self.options}
        if dot and owner == KNOWN:
            known = [v.partition(".")[2] for v in self.variables if v.startswith(f"{KNOWN}.")]
            if name not in known:
                raise _checks.unknown("nuisance to be known better", name, known)
            return None, name
        if owner not in owners:
            accepted = [f"{name}.VARIABLE" for name in owners] + [f"{KNOWN}.NUISANCE"]
            raise _checks.unknown("design variable", variable, accepted)
        owners[owner].check(name)
        return owners[owner], name

    def smooth(self, variable: str) -> None:
        """Require a variable that can be differentiated.

        Raises
        ------
        InvalidArgument
            It changes what is built: it can be moved, not differentiated.
        """
        if self.kind(variable) not in (SCALES, TRACED):
            option, name = self.part(variable)
            more = " (give its Option `bins`)" if name == "threshold_kev" else ""
            raise InvalidArgument(
                f"`{variable}` must be a variable that scales the counts or is traced, to be differentiated; "
                f"{option.name if option else KNOWN} is built anew at each of its values{more}: map over it instead"
            )

    def known_factors(self, moved: Mapping[str, Any], nuisances: Sequence[Nuisance]) -> list[Any]:
        """Factor on the width of every nuisance, in the order of the pulls."""
        factors: list[Any] = [1.0] * len(nuisances)
        for index, nuisance in enumerate(nuisances):
            if nuisance.name in moved:
                sigma = moved[nuisance.name]
                _checks.scalar(f"{KNOWN}.{nuisance.name}", sigma)
                _checks.positive(f"{KNOWN}.{nuisance.name}", sigma)
                factors[index] = sigma / _sigma(nuisance)
        return factors

    def moved(self, values: Mapping[str, Any] | None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Part values into those of each option, and the known nuisances.

        Raises
        ------
        InvalidArgument
            No mapping of variable to value.
        UnknownName
            As `part`.
        """
        given = {} if values is None else values
        if not isinstance(given, Mapping):
            raise _checks.invalid("values", given, "a mapping of design variable to value")
        by_option: list[dict[str, Any]] = [{} for _ in self.options]
        known: dict[str, Any] = {}
        for variable, value in given.items():
            option, name = self.part(variable)
            if option is None:
                known[name] = value
            else:
                by_option[self.options.index(option)][name] = value
        return by_option, known

    def check(self, values: Mapping[str, Any]) -> None:
        """Require design variables and values that the entries accept, before anything is computed with them.

        Raises
        ------
        InvalidArgument, UnknownName
            As `moved`; what an entry says of a value.
        """
        by_option, known = self.moved(values)
        for option, own in zip(self.options, by_option, strict=True):
            built, _ = option.split(own)
            if built:
                option.build(built)
        self.known_factors(known, self.joint.nuisances)


def _sigma(nuisance: Nuisance) -> float | None:
    """Width of a constraint in the nuisance's own unit; None where it has no single one."""
    constraint = nuisance.constraint
    if isinstance(constraint, Gaussian | TruncatedGaussian):
        return float(constraint.sigma)
    if isinstance(constraint, LogNormal):
        return float(np.log(constraint.factor) * constraint.median)
    return None
