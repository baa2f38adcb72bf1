"""Settings of `lmtbayes design`: which experiments, what is true, what is moved, mapped and done next."""

from typing import Annotated, Any, ClassVar, cast

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import read_tree
from lmtbayes.design.beliefs import Posterior, Truth
from lmtbayes.design.options import Option
from lmtbayes.design.plan import Plan
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.registry import experiment_options
from lmtbayes.gauge.models import MODELS
from lmtbayes.inference import priors
from lmtbayes.jobs.settings import FitSettings, name_and_options, parse_mixing, parse_truth
from lmtbayes.jobs.strict import Saved, checked, settings, text, whole

LABELS = {"lmu-ltau": "Lmu-Ltau", "lmu": "Lmu"}
NO_BOSON = "no boson"
MAP = "darwin-nr.exposure_tyr=20:1000:8,darwin-nr.threshold_kev=0.8:3:6"
NEXT = (
    "8B flux to 3.8 %: known.flux_8b=0.038",
    "8B flux to 1 %: known.flux_8b=0.01",
    "theta_23, delta_CP to a quarter: known.theta_23=0.22,known.delta_cp=7.75",
    "NA64mu's efficiency twice: na64mu.efficiency=0.6",
    "DARWIN's exposure twice: darwin-nr.exposure_tyr=400",
    "DARWIN from 0.7 keV: darwin-nr.threshold_kev=0.7",
    "ESS10 from 0.05 keV: ess10.threshold_kevnr=0.05",
)
"""Left as they are, these are of those experiments that a plan has."""


def _mapping(text: str, argument: str) -> dict[str, tuple[float, ...]]:
    """Read "darwin-nr.exposure_tyr=20:1000:20,known.flux_8b=0.01": a value, or first:last:number, even in the log."""
    found: dict[str, tuple[float, ...]] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, equals, values = part.partition("=")
        try:
            numbers = tuple(float(v) for v in values.split(":"))
        except ValueError:
            numbers = ()
        if not equals or len(numbers) not in (1, 3) or not np.all(np.isfinite(numbers)):
            raise _checks.invalid(argument, part, "VARIABLE=VALUE, or in a map VARIABLE=FIRST:LAST:NUMBER")
        found[name.strip()] = numbers
    return found


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _checks.invalid(name, value, "text")
    _mapping(value, name)
    return value


def _next(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _checks.invalid(name, value, "a list of LABEL: VARIABLE=VALUE,...")
    for entry in value:
        if not isinstance(entry, str) or ":" not in entry:
            raise _checks.invalid(name, entry, "LABEL: VARIABLE=VALUE,...")
        moved = _mapping(entry.partition(":")[2], name)
        if not moved or any(len(values) != 1 for values in moved.values()):
            raise _checks.invalid(name, entry, "LABEL: VARIABLE=VALUE,...")
    return tuple(value)


@settings
class Designing(Saved):
    """Everything that determines a study of designs.

    Raises
    ------
    InvalidArgument
        A value that cannot be.
    UnknownName
        A setting, experiment or override that does not exist.
    """

    WHAT: ClassVar[str] = "a study of designs"
    NEEDS: ClassVar[tuple[str, ...]] = ("fit", "map", "next")

    fit: FitSettings = FitSettings(mixing="paper")
    """Experiments, true boson, ranges of the priors, mixing, seed."""
    bins: Annotated[int, checked(whole(1))] = 4
    """Bins of liquid-xenon experiments whose threshold is a design variable."""
    design: Annotated[str, checked(_text)] = ""
    """Design variables that are moved, VARIABLE=VALUE, comma-separated."""
    map: Annotated[str, checked(_text)] = MAP
    """One or two variables as VARIABLE=FIRST:LAST:NUMBER, comma-separated; "" for none."""
    next: Annotated[tuple[str, ...], checked(_next)] = NEXT
    """What might be done next, each LABEL: VARIABLE=VALUE,...; none for no ranking."""
    posterior: Annotated[str, checked(text())] = ""
    """File of a posterior (posterior.nc of `lmtbayes fit`) from which true bosons are drawn, in place of `truth`."""
    threshold: float = 5.0
    """Of ln B."""
    size: Annotated[int, checked(whole(2))] = 200
    """Data sets of each truth."""
    nodes: Annotated[int, checked(whole(0))] = 0
    """Of each model; 0 for the usual number."""

    def __post_init__(self) -> None:
        _checks.scalar("threshold", self.threshold)
        _checks.non_negative("threshold", self.threshold)

    def plan(self) -> Plan:
        """Build options, models and truths."""
        fit = self.fit
        mixing = parse_mixing(fit.mixing)
        gauge = {LABELS[name]: model.with_mixing(mixing) for name, model in MODELS.items()}
        own = LABELS[fit.truth_model]
        boxes = {name: priors.default(m, g_x=fit.g_x, mass=fit.mass, kappa=fit.kappa) for name, m in gauge.items()}
        if self.posterior:
            boson: Any = Posterior(_tree(self.posterior), gauge[own])
            truth = {"today's posterior": Truth(gauge[own], boson, own)}
        else:
            photon = parse_truth(fit.truth, MODELS[fit.truth_model].with_mixing(parse_mixing(fit.truth_mixing)))
            none = fit.truth == "none"
            truth = {NO_BOSON if none else fit.truth: Truth(MODELS[fit.truth_model], photon, NO_BOSON if none else own)}
        models = {**boxes, NO_BOSON: priors.no_boson(gauge[own])}
        return Plan([_option(text, self.bins) for text in fit.experiments], cast(Any, models), truth)

    @property
    def moved(self) -> dict[str, float]:
        """The design."""
        found = _mapping(self.design, "design")
        for name, values in found.items():
            if len(values) != 1:
                raise _checks.invalid("design", f"{name}={':'.join(map(str, values))}", "VARIABLE=VALUE")
        return {name: values[0] for name, values in found.items()}

    def axes(self, plan: Plan) -> dict[str, np.ndarray]:
        """Of the map; of the usual one what the plan has."""
        found: dict[str, np.ndarray] = {}
        for name, values in _mapping(self.map, "map").items():
            if len(values) != 3 or not 0.0 < values[0] < values[1] or values[2] != int(values[2]) or values[2] < 2:
                raise _checks.invalid("map", name, "VARIABLE=FIRST:LAST:NUMBER, 0 < FIRST < LAST, NUMBER at least 2")
            if self.map != MAP or _has(plan, name):
                found[name] = np.geomspace(values[0], values[1], int(values[2]))
        if len(found) > 2:
            raise _checks.invalid("map", self.map, "of at most two variables")
        return found

    def alternatives(self, plan: Plan) -> dict[str, dict[str, float]]:
        """What might be done next; of the usual list what the plan has."""
        found = {}
        for entry in self.next:
            label, _, text = entry.partition(":")
            own = {name: values[0] for name, values in _mapping(text, "next").items()}
            if self.next != NEXT or all(_has(plan, name) for name in own):
                found[label.strip()] = own
        return found


def _has(plan: Plan, variable: str) -> bool:
    try:
        plan.part(variable)
    except UnknownName:
        return False
    return True


def _option(text: str, bins: int) -> Option:
    name, options = name_and_options(text)
    binned = {"exposure_tyr", "threshold_kev", "bin_edges"} <= set(experiment_options(name))
    return Option(name, bins=bins if binned and "bin_edges" not in options else None, **options)


def _tree(path: str) -> Any:
    try:
        return read_tree(path, sealed=False)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"`posterior` must be a file of sample_posterior; {path!r}: {error}") from None
