"""A design that moves: tables and data sets with their derivatives in design variables, forward through ln L.

A variable that scales counts and the width of a nuisance move tables by plain factors; a traced threshold moves them by
a derivative that JAX takes of the experiment alone. Then one compiled contraction takes ln L and its derivative.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from lmtbayes._compile import compile_large
from lmtbayes.design.data_sets import Drawn, smoothly_counted
from lmtbayes.design.engine import Engine
from lmtbayes.design.marginal import in_blocks, log_marginals
from lmtbayes.design.options import TRACED
from lmtbayes.design.tables import Point, Table
from lmtbayes.gauge.models import GaugeModel
from lmtbayes.inference.devices import Mapped, resolve_devices
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.nuisances.expansion import expanded_counts

_BATCH = 64


class Moving:
    """One design, and the variables in which it is differentiated.

    Parameters
    ----------
    engine
        Of the plan.
    variables
        Differentiable ones (`Plan.smooth`).
    values
        The design.
    """

    def __init__(self, engine: Engine, variables: Sequence[str], values: Mapping[str, float]):
        self._engine, self._values = engine, dict(values)
        self._at = {name: float(values.get(name, engine.plan.value(name))) for name in variables}
        self._setting = engine.setting({**values, **self._at})
        self._parts = {name: engine.plan.part(name) for name in variables}

    def data(self, drawn: Drawn) -> tuple[Float[np.ndarray, "sets bins"], list[Float[np.ndarray, "sets bins"]]]:
        """Smooth data sets of a truth, and their derivatives in every variable."""
        engine, setting = self._engine, self._setting
        expected = engine.expected(setting, drawn)
        moved = [[np.zeros_like(x) for x in expected] for _ in self._at]
        pulls = engine.effective(setting, drawn.pulls)
        for row, (name, at) in zip(moved, self._at.items(), strict=True):
            option, variable = self._parts[name]
            if option is None:
                column = engine.plan.joint.nuisance_names.index(variable)
                by_width = setting.known[column] / at * (drawn.pulls[:, column] - engine.central[column])
                for index, (variant, own) in enumerate(zip(setting.variants, engine.columns, strict=True)):
                    if column in own:
                        points = (drawn.photons, pulls[:, own])
                        table = engine.tabulator(index, drawn.model, variant).table(variant, points)
                        by_pull = table.first[..., list(own).index(column)]
                        row[index] = setting.factors[index] * by_pull * by_width[:, None]
                continue
            index = engine.plan.options.index(option)
            if option.kind(variable) == TRACED:
                points = (drawn.photons, pulls[:, engine.columns[index]])
                expected[index], row[index] = (
                    setting.factors[index] * t.counts for t in self._by_threshold(index, drawn.model, points)
                )
            else:
                row[index] = (option.power(variable) or 0.0) / at * expected[index]
        data, slope = zip(
            *(smoothly_counted(e, drawn, mean) for e, mean in zip(setting.variants, expected, strict=True)), strict=True
        )
        together = np.concatenate(slope, axis=-1)
        return np.concatenate(data, axis=-1), [together * np.concatenate(row, axis=-1) for row in moved]

    def log_likelihoods(
        self, model: str, data: Float[np.ndarray, "sets bins"], data_slopes: list[Float[np.ndarray, "sets bins"]]
    ) -> tuple[Float[np.ndarray, "nodes sets"], list[Float[np.ndarray, "nodes sets"]]]:
        """Ln L at the nodes of a model, and its derivatives in every variable."""
        engine = self._engine
        bins, constraints = engine.bins(self._setting), engine.plan.joint.constraints

        def both(table: Table, moved: Table, component: Any, data: Any, data_moved: Any) -> Any:
            function = lambda t, d: log_marginals(bins, constraints, t, component, d)  # noqa: E731
            return jax.jvp(function, (table, data), (moved, data_moved))

        run = engine.compiled(("slopes", bins.key), lambda: compile_large(both))
        values: list[np.ndarray] = []
        slopes: list[list[np.ndarray]] = [[] for _ in self._at]
        for k in range(len(engine.starts)):
            table, moved = self._tables(model, k)
            for column, (tangent, data_slope) in zip(slopes, zip(moved, data_slopes, strict=True), strict=True):
                found, slope = in_blocks(run, table, engine.component(k), data, tangent, data_slope)
                column.append(slope)
            values.append(found)
        if len(values) == 1:
            return values[0], [column[0] for column in slopes]
        parts = np.stack(values)
        top = parts.max(axis=0)
        total = top + np.log(np.exp(parts - top).sum(axis=0))
        shares = np.exp(parts - total)
        return total, [np.sum(shares * np.stack(column), axis=0) for column in slopes]

    def _tables(self, model: str, component: int) -> tuple[Table, list[Table]]:
        """Rates at the nodes, and their derivatives in every variable."""
        engine, setting = self._engine, self._setting
        gauge, photons = engine.plan.models[model].model, engine.nodes[model].photons
        parts = engine.parts(setting, gauge, photons, model, component)
        thresholds: dict[str, Table] = {}
        for name in self._at:
            option, variable = self._parts[name]
            if option is not None and option.kind(variable) == TRACED:
                index = engine.plan.options.index(option)
                both = self._by_threshold(index, gauge, engine.points(setting, index, photons, component))
                parts[index], thresholds[name] = (t.scaled(setting.factors[index]) for t in both)
        table = engine.together(setting, parts)
        return table, [self._moved(name, parts, table, thresholds) for name in self._at]

    def _moved(self, name: str, parts: list[Table], table: Table, thresholds: Mapping[str, Table]) -> Table:
        engine, setting, at = self._engine, self._setting, self._at[name]
        option, variable = self._parts[name]
        if option is None:
            which = np.arange(len(setting.known)) == engine.plan.joint.nuisance_names.index(variable)
            return Table(np.zeros_like(table.counts), table.first * which / at, table.second * which * (2.0 / at))
        index = engine.plan.options.index(option)
        own = [Table(*(np.zeros_like(x) for x in part)) for part in parts]
        own[index] = thresholds.get(name) or parts[index].scaled((option.power(variable) or 0.0) / at)
        return engine.together(setting, own)

    def _by_threshold(self, index: int, model: GaugeModel, points: Point) -> tuple[Table, Table]:
        """Rates of one option of the plan's exposure at points, and their derivative in its threshold."""
        engine, option = self._engine, self._engine.plan.options[index]
        (name,) = (n for n, (o, v) in self._parts.items() if o is option and option.kind(v) == TRACED)
        variable = self._parts[name][1]
        by_option, _ = engine.plan.moved({**self._values, **self._at})
        built = {k: v for k, v in option.split(by_option[index])[0].items() if k != variable}

        def one(point: Point, threshold: Any) -> tuple[Table, Table]:
            def table(t: Any) -> Table:
                variant = option.build({**built, variable: t})
                return Table(*expanded_counts(JointModel([variant], model), *point)[0])

            return jax.jvp(table, (threshold,), (jax.numpy.ones(()),))

        key = ("threshold", index, model, tuple(sorted(built.items())))
        run = engine.compiled(key, lambda: Mapped(one, resolve_devices(None)[:1], _BATCH))
        return run(points, np.asarray(self._at[name]))
