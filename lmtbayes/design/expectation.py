"""`expect`: what a design may be expected to find, with its Monte Carlo errors; `Expectation` holds and prints it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.design import quantities
from lmtbayes.design.beliefs import coordinates
from lmtbayes.design.engine import Engine
from lmtbayes.design.plan import Plan
from lmtbayes.design.quantities import Estimate
from lmtbayes.errors import InvalidArgument

if TYPE_CHECKING:
    import xarray as xr

STRONG = 5.0
"""ln B above which evidence is strong (Trotta, arXiv:0803.4089, Table 1)."""
WIDTHS = ("log10_g_x", "log10_mass", "log10_eps_x")


@dataclass(frozen=True, eq=False)
class Expectation:
    """What the data sets of every truth give at one design.

    Parameters
    ----------
    values
        Design variables that were moved.
    threshold
        Of ln B.
    log_z, log_z_error
        Truth to ln Z, and its standard deviation from the nodes, of every model (rows) and data set (columns).
    right
        Truth to the index of the model that is right if it is true; None where there is none.
    information
        Truth to model to the information gain on the boson, expected [nat].
    widths
        Truth to model to parameter to the width of its central 68 % interval, expected [decades].
    models
        Names.
    """

    values: Mapping[str, float]
    threshold: float
    log_z: Mapping[str, Float[np.ndarray, "models sets"]]
    log_z_error: Mapping[str, Float[np.ndarray, "models sets"]]
    right: Mapping[str, int | None]
    information: Mapping[str, Mapping[str, Estimate]]
    widths: Mapping[str, Mapping[str, Mapping[str, Estimate]]]
    models: tuple[str, ...]

    def log_bayes_factor(self, truth: str, model: str, against: str) -> Estimate:
        """Expected ln B of one model against another."""
        difference = self._row(truth, model) - self._row(truth, against)
        return quantities.mean(difference)

    def exceeds(self, truth: str, model: str, against: str, threshold: float | None = None) -> Estimate:
        """Probability that ln B of one model against another exceeds the threshold."""
        limit = self.threshold if threshold is None else threshold
        return quantities.probability(self._row(truth, model) - self._row(truth, against) > limit)

    def assurance(self, truth: str) -> Estimate:
        """Probability that ln B of the right model exceeds the threshold against every other."""
        right = self._right(truth)  # first: it says what is wrong with a truth
        return quantities.assurance(self.log_z[truth], right, self.threshold)

    def misleads(self, truth: str) -> Estimate:
        """Probability that ln B of a wrong model against the right one exceeds the threshold."""
        right = self._right(truth)  # first, as above
        return quantities.misleading(self.log_z[truth], right, self.threshold)

    @property
    def node_error(self) -> float:
        """Root mean square of the standard deviation of ln Z that is due to the nodes."""
        errors = np.concatenate([x.ravel() for x in self.log_z_error.values()])
        return float(np.sqrt(np.mean(errors**2)))

    def _row(self, truth: str, model: str) -> Float[np.ndarray, " sets"]:
        self._known(truth)
        if model not in self.models:
            raise _checks.unknown("model", model, self.models)
        return self.log_z[truth][self.models.index(model)]

    def _known(self, truth: str) -> None:
        if truth not in self.log_z:
            raise _checks.unknown("truth", truth, self.log_z)

    def _right(self, truth: str) -> int:
        self._known(truth)
        right = self.right[truth]
        if right is None or len(self.models) < 2:
            raise InvalidArgument(
                f"`truth` must be one that is read as a model of the plan, with another to compare: {truth!r} is not"
            )
        return right

    @property
    def table(self) -> "xr.Dataset":
        """All of it by truth and model, as an xarray Dataset; NaN where a quantity does not exist."""
        import xarray as xr

        truths, models = list(self.log_z), list(self.models)
        pairs = {
            name: np.array([[[method(t, m, a) for a in models] for m in models] for t in truths])
            for name, method in (("log_bayes_factor", self.log_bayes_factor), ("exceeds", self.exceeds))
        }
        single = {}
        for name, method in (("assurance", self.assurance), ("misleads", self.misleads)):
            is_defined = [self.right[t] is not None and len(models) > 1 for t in truths]
            single[name] = np.array(
                [method(t) if ok else (np.nan, np.nan) for t, ok in zip(truths, is_defined, strict=True)]
            )
        nothing = Estimate(np.nan, np.nan)
        gains = np.array([[self.information[t].get(m, nothing) for m in models] for t in truths])
        widths = np.array(
            [[[self.widths[t].get(m, {}).get(p, nothing) for p in WIDTHS] for m in models] for t in truths]
        )
        variables: dict[str, Any] = {}
        shapes = {"log_bayes_factor": ("truth", "model", "against"), "exceeds": ("truth", "model", "against")}
        for name, array in (pairs | single | {"information": gains, "width": widths}).items():
            dims = shapes.get(
                name, ("truth",) if array.ndim == 2 else ("truth", "model", "parameter")[: array.ndim - 1]
            )
            notes = _NOTES[name]
            variables[name] = (dims, array[..., 0], notes)
            variables[f"{name}_error"] = (dims, array[..., 1], {"long_name": "standard deviation", **_unit(notes)})
        found = xr.Dataset(
            variables,
            coords={"truth": truths, "model": models, "against": models, "parameter": list(WIDTHS)},
            attrs={"threshold": self.threshold, "node_error": self.node_error, "sets": self._size},
        )
        for name, value in self.values.items():
            found.attrs[name] = float(value)
        return found

    @property
    def _size(self) -> int:
        return int(next(iter(self.log_z.values())).shape[1])

    def __str__(self) -> str:
        """One paragraph a truth, every number with its error."""
        at = ", ".join(f"{name} = {value:g}" for name, value in self.values.items()) or "as planned"
        lines = [f"design: {at}; {self._size} data sets a truth"]
        for truth in self.log_z:
            lines.append(f"if {truth} is true")
            right = self.right[truth]
            if right is not None:
                name = self.models[right]
                others = [other for other in self.models if other != name]
                lines += [
                    f"  expected ln B({name} : {other}) {_shown(self.log_bayes_factor(truth, name, other))}"
                    for other in others
                ]
                if others:
                    lines.append(f"  P(ln B > {self.threshold:g} for {name}) {_shown(self.assurance(truth))}")
                    lines.append(f"  P(misled by ln B > {self.threshold:g}) {_shown(self.misleads(truth))}")
            else:
                for i, model in enumerate(self.models):
                    for other in self.models[i + 1 :]:
                        value = self.log_bayes_factor(truth, model, other)
                        lines.append(f"  expected ln B({model} : {other}) {_shown(value)}")
            for model, gain in self.information[truth].items():
                lines.append(f"  information on the boson in {model} {_shown(gain)} nat")
            for model, by in self.widths[truth].items():
                words = ", ".join(f"{parameter} {_shown(width)}" for parameter, width in by.items())
                lines.append(f"  68 % widths in {model} [decades]: {words}")
        lines.append(f"ln Z of a data set is good to {self.node_error:.2g} (nodes)")
        return "\n".join(lines)

    __repr__ = __str__


_NOTES = {
    "log_bayes_factor": {"long_name": "expected ln of the Bayes factor", "units": "1"},
    "exceeds": {"long_name": "probability that ln B exceeds the threshold", "units": "1"},
    "assurance": {"long_name": "probability that ln B of the right model exceeds the threshold", "units": "1"},
    "misleads": {"long_name": "probability that ln B of a wrong model exceeds the threshold", "units": "1"},
    "information": {"long_name": "expected information on the boson", "units": "nat"},
    "width": {"long_name": "expected width of the central 68 % interval", "units": "decade"},
}


def _unit(notes: Mapping[str, str]) -> dict[str, str]:
    return {"units": notes["units"]}


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.3g} ± {estimate.error:.1g}"


def expect(
    plan: Plan | Engine,
    values: Mapping[str, float] | None = None,
    *,
    threshold: float = STRONG,
    size: int = 200,
    seed: int = 0,
    nodes: int | None = None,
) -> Expectation:
    """Simulate data sets of every truth at one design, and say what they are expected to find.

    Parameters
    ----------
    plan
        Or an `Engine` of it, whose nodes, truths and noise are then those of other designs too; `size`, `seed` and
        `nodes` are the engine's then.
    values
        Design variable to value; what is not named stays where it is.
    threshold
        Of ln B, for the assurance and the probability to be misled.
    size, seed, nodes
        As in `Engine`.

    Returns
    -------
    expectation
        Printed, all of it with errors; `.table` is an xarray Dataset.

    Raises
    ------
    UnknownName
        A design variable that an entry does not have.
    InvalidArgument
        A value that an entry does not accept; a threshold that is negative.
    """
    if values is not None and not isinstance(values, Mapping):
        raise _checks.invalid("values", values, "a mapping of design variable to value")
    given = dict(values or {})
    engine = plan if isinstance(plan, Engine) else Engine(plan, size, seed, nodes, [given])
    return evaluate(engine, given, threshold)


def evaluate(engine: Engine, values: Mapping[str, float], threshold: float, boson: bool = True) -> Expectation:
    """`expect` of an engine; with `boson` False without what is learnt of it, in half the time."""
    _checks.scalar("threshold", threshold)
    _checks.non_negative("threshold", threshold)
    setting = engine.setting(values)
    names = tuple(engine.plan.models)
    truths = list(engine.drawn)
    rows = np.concatenate([engine.data(setting, engine.drawn[truth]) for truth in truths])
    log_z, error = np.empty((2, len(names), len(rows)))
    gains: dict[str, dict[str, Estimate]] = {truth: {} for truth in truths}
    widths: dict[str, dict[str, dict[str, Estimate]]] = {truth: {} for truth in truths}
    columns = {truth: slice(k * engine.size, (k + 1) * engine.size) for k, truth in enumerate(truths)}
    for index, name in enumerate(names):
        log_z[index], error[index], values_at = engine.log_evidences(setting, name, rows)
        belief, nodes_of = engine.plan.models[name], engine.nodes[name]
        if not belief.names or not boson:
            continue
        at = coordinates(nodes_of.photons, WIDTHS)
        for truth, own in columns.items():
            gains[truth][name] = quantities.mean(quantities.information(nodes_of.log_weights, values_at[:, own]))
            shares = quantities.shares_of(nodes_of.log_weights, values_at[:, own])[0]
            widths[truth][name] = {
                parameter: quantities.mean(quantities.widths(at[:, k], shares)) for k, parameter in enumerate(WIDTHS)
            }
    readings = {name: truth.reads_as for name, truth in engine.plan.truths.items()}
    return Expectation(
        dict(values),
        float(threshold),
        {truth: log_z[:, own] for truth, own in columns.items()},
        {truth: error[:, own] for truth, own in columns.items()},
        {truth: None if model is None else names.index(model) for truth, model in readings.items()},
        gains,
        widths,
        names,
    )
