"""Engine: a plan's nodes, truths and noise, drawn once; ln Z of every model for every data set at any design.

All designs share the nodes, the true bosons and nuisances, and the noise (common random numbers), so that designs are
compared with far smaller errors than each has. Rates are tabulated once a variant of an experiment.
"""

import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from lmtbayes import _checks
from lmtbayes._compile import compile_large
from lmtbayes.design.beliefs import draw_photons
from lmtbayes.design.data_sets import Drawn, counted, draw_pulls, seed_of
from lmtbayes.design.marginal import Bins, in_blocks, log_marginals, log_marginals_paired
from lmtbayes.design.nodes import Nodes, log_evidences, make_nodes
from lmtbayes.design.plan import Plan
from lmtbayes.design.tables import Point, Table, Tabulator, joined
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import merge
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.constraints import Components

_PILOTS = 8
"""Data sets of each truth and pilot design that decide where nodes are dense."""
_KEPT = 64
NODES = {0: 2, 1: 256, 2: 1200, 3: 5000}


@dataclass(frozen=True, eq=False)
class Setting:
    """One design: experiments as they are then, factors on their counts, and on the widths of the nuisances."""

    variants: tuple[Experiment, ...]
    keys: tuple[Any, ...]
    factors: tuple[Any, ...]
    known: Any


class Engine:
    """Evidences of a plan's models.

    Parameters
    ----------
    plan
        What might be measured.
    size
        Data sets of every truth.
    seed
        Equal seeds give equal results.
    nodes
        Of each model; by default 1200 where its boson has two parameters, 5000 where three.
    pilots
        Designs for which the nodes are chosen; where the plan's variables stand by default. What is evaluated should
        lie between them.

    Raises
    ------
    InvalidArgument, UnknownName
        A size or number of nodes that is none; what `Plan.part` raises.
    """

    def __init__(
        self,
        plan: Plan,
        size: int = 200,
        seed: int = 0,
        nodes: int | None = None,
        pilots: Sequence[Mapping[str, float]] = ({},),
    ):
        _checks.whole("size", size, 2)
        _checks.whole("seed", seed, 0)
        if nodes is not None:
            _checks.whole("nodes", nodes, 16)
        if not isinstance(plan, Plan):
            raise _checks.invalid("plan", type(plan).__name__, "a design.Plan")
        self.plan, self.size, self.seed = plan, size, seed
        self._tabulators: dict[tuple[int, GaugeModel], list[Tabulator]] = {}
        self._variants: OrderedDict[Any, Experiment] = OrderedDict()
        self._tables: OrderedDict[Any, Any] = OrderedDict()
        self._compiled: dict[Any, Any] = {}
        self.components = jax.tree.map(np.asarray, plan.joint.constraints.components())
        self.starts = np.asarray(plan.joint.constraints.start_of(plan.joint.constraints.components()))
        self.central = np.array([n.constraint.central_pull for n in plan.joint.nuisances], dtype=float)
        names = plan.joint.nuisance_names
        self.columns = [np.array([names.index(n.name) for n in o.base.nuisances], dtype=int) for o in plan.options]
        self.drawn = {name: self._draw(name) for name in plan.truths}
        settings = [self.setting(values) for values in pilots]
        data = [self.data(setting, drawn, slice(0, _PILOTS)) for setting in settings for drawn in self.drawn.values()]
        self.nodes: dict[str, Nodes] = {}
        for name, belief in plan.models.items():
            count = nodes or NODES[len(belief.names)]
            self.nodes[name] = make_nodes(
                belief, count, seed, partial(self._of_pilots, name, settings=settings, data=data)
            )

    # -- truths and data ----------------------------------------------------------------------------------------------

    def _draw(self, name: str) -> Drawn:
        truth, seeds = self.plan.truths[name], (self.seed, zlib.crc32(name.encode()))
        return self._of(truth.model, truth.draw(seed_of(*seeds), self.size), seeds, self.size)

    def own_truth(self, model: str, size: int) -> Drawn:
        """Draw data sets' bosons from what is believed of a model, for the information that it gains."""
        belief, seeds = self.plan.models[model], (self.seed, zlib.crc32(model.encode()), 1)
        return self._of(belief.model, draw_photons(belief, seed_of(*seeds), size), seeds, size)

    def _of(self, model: GaugeModel, drawn: Any, seeds: tuple[int, ...], size: int) -> Drawn:
        photons, values = drawn
        return Drawn(model, photons, draw_pulls(self.plan.joint.nuisances, values, seeds, size), seeds)

    def expected(self, setting: Setting, drawn: Drawn, keep: bool = True) -> list[Float[np.ndarray, "sets _bins"]]:
        """Counts that are expected behind every data set, experiment by experiment.

        With `keep` their tables are kept for other designs.
        """
        found = []
        pulls = self.effective(setting, drawn.pulls)
        for index, variant in enumerate(setting.variants):
            points = (drawn.photons, pulls[:, self.columns[index]])
            tabulator = self.tabulator(index, drawn.model, variant)
            key = ("truth", index, drawn.seeds, setting.keys[index], setting.known.tobytes(), len(drawn.pulls))
            compute = lambda t=tabulator, v=variant, p=points: t.counts(v, p)  # noqa: E731
            counts = _remembered(self._tables, key, compute) if keep else compute()
            found.append(setting.factors[index] * counts)
        return found

    def data(self, setting: Setting, drawn: Drawn, which: slice = slice(None)) -> Float[np.ndarray, "sets bins"]:
        """Data sets of a truth at a design."""
        pairs = zip(setting.variants, self.expected(setting, drawn), strict=True)
        return np.concatenate([counted(e, drawn, mean) for e, mean in pairs], axis=-1)[which]

    # -- designs ------------------------------------------------------------------------------------------------------

    def setting(self, values: Mapping[str, float] | None = None) -> Setting:
        """Experiments at values of the design variables."""
        by_option, known = self.plan.moved(values)
        variants, keys, factors = [], [], []
        for index, (option, moved) in enumerate(zip(self.plan.options, by_option, strict=True)):
            built, factor = option.split(moved)
            key = (index, tuple(sorted((name, float(value)) for name, value in built.items())))
            build = lambda o=option, b=built: o.build(b)  # noqa: E731
            variants.append(_remembered(self._variants, key, build) if built else option.base)
            keys.append(key)
            factors.append(factor)
        return Setting(tuple(variants), tuple(keys), tuple(factors), self._widths(known, variants))

    def _widths(self, known: Mapping[str, float], variants: Sequence[Experiment]) -> Float[np.ndarray, " nuisances"]:
        nuisances = ours = self.plan.joint.nuisances
        if any(v is not o.base for v, o in zip(variants, self.plan.options, strict=True)):
            # A variable may be the width of a nuisance, which other experiments then share.
            pairs = [(n, e.name) for e in variants for n in e.nuisances]
            nuisances = merge(tuple(n for n, _ in pairs), tuple(name for _, name in pairs))
            theirs, own = ([(n.name, n.constraint.components) for n in x] for x in (nuisances, ours))
            if theirs != own:
                raise InvalidArgument("`values` must leave the nuisances the same; these change which there are")
        return np.array(self.plan.known_factors(known, nuisances), dtype=float)

    def effective(self, setting: Setting, pulls: Float[np.ndarray, "*sets nuisances"]) -> np.ndarray:
        """Pulls of the experiments' own constraints, where some nuisances are known better."""
        return self.central + setting.known * (pulls - self.central)

    def tabulator(self, index: int, model: GaugeModel, variant: Experiment) -> Tabulator:
        """Rates of one option in one model, compiled once; of a mixing rule only one that runs with q^2 enters them."""
        model = model if model.mixing == "loop" else model.with_mixing("free")
        known = self._tabulators.setdefault((index, model), [])
        for tabulator in known:
            if tabulator.serves(variant):
                return tabulator
        known.append(Tabulator(variant, model))
        return known[-1]

    def points(self, setting: Setting, index: int, photons: HiddenPhoton, component: int) -> Point:
        """Photons, and where the pulls of one option start."""
        start = self.effective(setting, self.starts[component])[self.columns[index]]
        return photons, np.broadcast_to(start, (photons.g_x.size, len(start)))

    def parts(
        self, setting: Setting, model: GaugeModel, photons: HiddenPhoton, name: Any, component: int
    ) -> list[Table]:
        """Rates of every experiment at photons; kept under `name` unless that is None."""
        found = []
        for index, variant in enumerate(setting.variants):
            points = self.points(setting, index, photons, component)
            tabulator = self.tabulator(index, model, variant)
            key = (name, index, setting.keys[index], component, points[1][:1].tobytes())
            compute = lambda t=tabulator, v=variant, p=points: t.table(v, p)  # noqa: E731
            own = compute() if name is None else _remembered(self._tables, key, compute)
            found.append(own.scaled(setting.factors[index]))
        return found

    def together(self, setting: Setting, parts: list[Table]) -> Table:
        """Join them, in pulls of the nuisances as they are known at this design."""
        table = joined(parts, self.columns, len(self.plan.joint.nuisances))
        return Table(table.counts, table.first * setting.known, table.second * setting.known**2)

    def table(self, setting: Setting, model: GaugeModel, photons: HiddenPhoton, name: Any, component: int) -> Table:
        """Rates of all experiments at photons, all nuisances in columns."""
        return self.together(setting, self.parts(setting, model, photons, name, component))

    # -- evidences ----------------------------------------------------------------------------------------------------

    def log_likelihoods(
        self, setting: Setting, model: str, photons: HiddenPhoton, data: Any, name: Any = None, paired: bool = False
    ) -> Float[np.ndarray, "..."]:
        """Ln L of data sets (columns) at photons (rows), nuisances integrated; of each at its own where paired."""
        bins = self.bins(setting)
        function = log_marginals_paired if paired else log_marginals
        constraints = self.plan.joint.constraints
        run = self.compiled(
            (function, bins.key), lambda: compile_large(lambda *given: function(bins, constraints, *given))
        )
        parts = []
        for k in range(len(self.starts)):
            table = self.table(setting, self.plan.models[model].model, photons, name, k)
            component = self.component(k)
            parts.append(np.asarray(run(table, component, data)) if paired else in_blocks(run, table, component, data))
        return parts[0] if len(parts) == 1 else np.asarray(logsumexp(np.stack(parts), axis=0))

    def component(self, k: int) -> Components:
        """One choice of Gaussians of constraints that are sums."""
        chosen: Components = jax.tree.map(lambda x: x[k], self.components)
        return chosen

    def bins(self, setting: Setting) -> Bins:
        """How the bins of a design are compared."""
        return Bins([v.term for v in setting.variants], [v.n_bins for v in setting.variants])

    def _of_pilots(
        self, model: str, photons: HiddenPhoton, settings: Sequence[Setting], data: Sequence[np.ndarray]
    ) -> Float[np.ndarray, "photons pilots"]:
        columns, each = [], len(data) // len(settings)
        for index, setting in enumerate(settings):
            rows = np.concatenate(data[index * each : (index + 1) * each])
            columns.append(self.log_likelihoods(setting, model, photons, rows))
        return np.concatenate(columns, axis=1)

    def log_evidences(
        self, setting: Setting, model: str, data: Float[np.ndarray, "sets bins"]
    ) -> tuple[Float[np.ndarray, " sets"], Float[np.ndarray, " sets"], Float[np.ndarray, "nodes sets"]]:
        """Ln Z, its standard deviation, and ln L at the nodes, of every data set in one model."""
        nodes = self.nodes[model]
        values = self.log_likelihoods(setting, model, nodes.photons, data, name=model)
        return *log_evidences(nodes.log_weights, values), values

    def compiled(self, key: Any, make: Any) -> Any:
        """Return what was made under a key, made once."""
        if key not in self._compiled:
            self._compiled[key] = make()
        return self._compiled[key]


def _remembered(kept: OrderedDict[Any, Any], key: Any, compute: Any) -> Any:
    if key not in kept:
        kept[key] = compute()
        while len(kept) > _KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]
