"""Engine: a plan's nodes, truths and noise, drawn once; ln Z of every model for every data set at any design.

All designs share the nodes, the true bosons and nuisances, and the noise (common random numbers), so that designs are
compared with far smaller errors than each has. Rates are tabulated once a variant of an experiment.
"""

import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import logsumexp, ndtr
from scipy.stats import poisson

from lmtbayes import _checks
from lmtbayes.design.beliefs import draw_photons
from lmtbayes.design.marginal import Bins, log_marginals, log_marginals_paired
from lmtbayes.design.nodes import Nodes, log_evidences, make_nodes
from lmtbayes.design.plan import Plan
from lmtbayes.design.tables import Table, Tabulator, joined
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.nuisance import merge
from lmtbayes.experiments.terms import Term
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton

_PILOTS = 8
"""Data sets of each truth and pilot design that decide where nodes are dense."""
_KEPT = 64
_NODES, _SETS = 128, 64
"""Of one call of the contraction."""
NODES = {0: 2, 1: 256, 2: 1200, 3: 5000}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Bosons and pulls behind the data sets of one truth."""

    model: GaugeModel
    photons: HiddenPhoton
    pulls: Float[np.ndarray, "sets nuisances"]
    noise: int
    """Seed of what is counted, given what is expected."""


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
        names = plan.joint.nuisance_names
        self.columns = [np.array([names.index(n.name) for n in o.base.nuisances], dtype=int) for o in plan.options]
        self.drawn = {name: self._draw(name) for name in plan.truths}
        settings = [self.setting(values) for values in pilots]
        data = [
            self.data(setting, drawn, slice(0, _PILOTS)) for setting in settings for drawn in self.drawn.values()
        ]
        self.nodes: dict[str, Nodes] = {}
        for name, belief in plan.models.items():
            count = nodes or NODES[len(belief.names)]
            self.nodes[name] = make_nodes(
                belief, count, seed, lambda photons, name=name: self._of_pilots(name, photons, settings, data)
            )

    # -- truths and data ----------------------------------------------------------------------------------------------

    def _draw(self, name: str) -> Drawn:
        truth, own = self.plan.truths[name], zlib.crc32(name.encode())
        photons, values = truth.draw(self._seed(own, 0), self.size)
        return Drawn(truth.model, photons, self.pulls(values, own, self.size), own)

    def _seed(self, *parts: int) -> int:
        return int(np.random.default_rng([self.seed, *parts]).integers(2**31))

    def pulls(self, values: Mapping[str, np.ndarray], own: int, size: int) -> Float[np.ndarray, "sets nuisances"]:
        """Draw pulls of their constraints, but for nuisances whose values are known."""
        pulls = np.empty((size, len(self.plan.joint.nuisances)))
        for index, nuisance in enumerate(self.plan.joint.nuisances):
            seed = self._seed(own, zlib.crc32(nuisance.name.encode()))
            if nuisance.name in values:
                pulls[:, index] = np.asarray(nuisance.constraint.pull(values[nuisance.name]))
            elif nuisance.constraint.is_standard:
                pulls[:, index] = np.random.default_rng(seed).standard_normal(size)
            else:
                pulls[:, index] = np.asarray(nuisance.constraint.distribution().sample(jax.random.key(seed), (size,)))
        return pulls

    def own_truth(self, model: str, size: int) -> Drawn:
        """Draw data sets' bosons from what is believed of a model, for the information that it gains."""
        own = zlib.crc32(b"own" + model.encode())
        belief = self.plan.models[model]
        photons, values = draw_photons(belief, self._seed(own, 0), size)
        return Drawn(belief.model, photons, self.pulls(values, own, size), own)

    def expected(self, setting: Setting, drawn: Drawn) -> list[Array | np.ndarray]:
        """Counts that are expected behind every data set, experiment by experiment; traced where the setting is."""
        found = []
        pulls = self._effective(setting, drawn.pulls)
        for index, variant in enumerate(setting.variants):
            points = (drawn.photons, pulls[:, self.columns[index]])
            traced = setting.keys[index] is None or _is_traced(setting.known)
            tabulator = self.tabulator(index, drawn.model, variant, traced)
            key = ("truth", index, drawn.noise, setting.keys[index], _hashed(setting.known), len(drawn.pulls))
            if traced:
                counts = tabulator.traced_counts(variant, points)
            else:
                counts = self._kept(key, lambda t=tabulator, v=variant, p=points: t.counts(v, p))
            found.append(setting.factors[index] * counts)
        return found

    def data(self, setting: Setting, drawn: Drawn, which: slice = slice(None)) -> Float[np.ndarray, "sets bins"]:
        """Data sets: quantiles of their noise, so that neighbouring designs have neighbouring data."""
        rows = []
        for index, counts in enumerate(self.expected(setting, drawn)):
            e, mean = self.plan.options[index].base, np.asarray(counts)[which]
            term = setting.variants[index].term
            if term.draws_poisson:
                level = ndtr(self.noise(e.name, drawn, mean.shape[-1])[which])
                rows.append(poisson.ppf(level, np.maximum(mean, 0.0)))
            else:
                rows.append(np.asarray(self._sampled(e.name, term, drawn, counts))[which])
        return np.concatenate(rows, axis=-1)

    def smooth_data(self, setting: Setting, drawn: Drawn) -> Float[Array, "sets bins"]:
        """Data sets of the same noise that are no whole numbers, and differentiable: Poisson to its third moment."""
        rows = []
        for index, counts in enumerate(self.expected(setting, drawn)):
            e, term = self.plan.options[index].base, setting.variants[index].term
            if term.draws_poisson:
                z, mean = self.noise(e.name, drawn, counts.shape[-1]), jnp.maximum(counts, 1e-12)
                rows.append(jnp.maximum(mean + jnp.sqrt(mean) * z + (z**2 - 1.0) / 6.0, 0.0))
            else:
                rows.append(self._sampled(e.name, term, drawn, counts))
        return jnp.concatenate(rows, axis=-1)

    def noise(self, name: str, drawn: Drawn, bins: int) -> Float[np.ndarray, "sets bins"]:
        """Standard normals, an experiment's own."""
        rng = np.random.default_rng([self.seed, drawn.noise, zlib.crc32(name.encode())])
        return rng.standard_normal((len(drawn.pulls), bins))

    def _sampled(self, name: str, term: Term, drawn: Drawn, counts: Any) -> Array:
        return term.sample(jax.random.key(self._seed(drawn.noise, zlib.crc32(name.encode()))), jnp.asarray(counts))

    # -- designs ------------------------------------------------------------------------------------------------------

    def setting(self, values: Mapping[str, Any] | None = None) -> Setting:
        """Experiments at values of the design variables; traced ones may be."""
        by_option, known = self.plan.moved(values)
        variants, keys, factors = [], [], []
        for index, (option, moved) in enumerate(zip(self.plan.options, by_option, strict=True)):
            built, factor = option.split(moved)
            traced = any(_checks.is_traced(value) for value in built.values())
            key = None if traced else (index, tuple(sorted((name, float(value)) for name, value in built.items())))
            if not built:
                variant = option.base
            elif traced:
                variant = option.build(built)
            else:
                variant = _remembered(self._variants, key, lambda o=option, b=built: o.build(b))
            variants.append(variant)
            keys.append(key)
            factors.append(factor)
        return Setting(tuple(variants), tuple(keys), tuple(factors), self._widths(known, variants))

    def _widths(self, known: Mapping[str, Any], variants: Sequence[Experiment]) -> Any:
        nuisances = self.plan.joint.nuisances
        if any(v is not o.base for v, o in zip(variants, self.plan.options, strict=True)):
            # A variable may be the width of a nuisance, which other experiments then share.
            pairs = [(n, e.name) for e in variants for n in e.nuisances]
            nuisances = merge(tuple(n for n, _ in pairs), tuple(name for _, name in pairs))
            ours = self.plan.joint.nuisances
            if [(n.name, n.constraint.components) for n in nuisances] != [
                (n.name, n.constraint.components) for n in ours
            ]:
                raise InvalidArgument("`values` must leave the nuisances the same; these change which there are")
        factors = self.plan.known_factors(known, nuisances)
        if any(_checks.is_traced(x) for x in factors):
            return jnp.stack([jnp.asarray(x, dtype=float) for x in factors])
        return np.array(factors, dtype=float)

    def _effective(self, setting: Setting, pulls: Any) -> Any:
        """Pulls of the experiments' own constraints, where some nuisances are known better."""
        central = np.asarray(self.plan.joint.central_pulls)
        return central + setting.known * (pulls - central)

    def tabulator(self, index: int, model: GaugeModel, variant: Experiment, traced: bool = False) -> Tabulator:
        """Rates of one option in one model, compiled once; of a mixing rule only one that runs with q^2 enters them."""
        model = model if model.mixing == "loop" else model.with_mixing("free")
        known = self._tabulators.setdefault((index, model), [])
        for tabulator in known:
            if traced or tabulator.serves(variant):
                return tabulator
        known.append(Tabulator(variant, model))
        return known[-1]

    def table(self, setting: Setting, model: GaugeModel, photons: HiddenPhoton, name: Any, component: int) -> Table:
        """Rates of all experiments at photons, all nuisances in columns; kept under `name` unless that is None."""
        parts = []
        for index, variant in enumerate(setting.variants):
            start = self.starts[component]
            if np.any(start != np.asarray(self.plan.joint.central_pulls)):  # else no width moves it
                start = self._effective(setting, start)
            start = start[self.columns[index]]
            points = (photons, _rows(start, photons.g_x.size))
            traced = setting.keys[index] is None or _is_traced(start)
            tabulator = self.tabulator(index, model, variant, traced)
            if traced:
                own = tabulator.traced_table(variant, points)
            else:
                # Widths of nuisances move the start of a mixture's component alone.
                key = (name, index, setting.keys[index], component, _hashed(start))
                compute = lambda t=tabulator, v=variant, p=points: t.table(v, p)  # noqa: E731
                own = compute() if name is None else self._kept(key, compute)
            parts.append(own.scaled(setting.factors[index]))
        table = joined(parts, self.columns, len(self.plan.joint.nuisances))
        return Table(table.counts, table.first * setting.known, table.second * setting.known**2)

    # -- evidences ----------------------------------------------------------------------------------------------------

    def log_likelihoods(
        self, setting: Setting, model: str, photons: HiddenPhoton, data: Any, name: Any = None, paired: bool = False
    ) -> Any:
        """ln L of data sets (columns) at photons (rows), nuisances integrated; of each at its own where paired."""
        bins, run = self._contraction(setting, paired)
        parts = []
        gauge = self.plan.models[model].model
        for k in range(len(self.starts)):
            component = jax.tree.map(lambda x, k=k: x[k], self.components)
            table = self.table(setting, gauge, photons, name, k)
            if _is_traced(table) or _is_traced(data):
                function = log_marginals_paired if paired else log_marginals
                parts.append(function(bins, self.plan.joint.constraints, table, component, data))
            elif paired:
                parts.append(np.asarray(run(table, component, data)))
            else:
                parts.append(_in_blocks(run, table, component, data))
        if len(parts) == 1:
            return parts[0]
        if _is_traced(parts):
            return jax.scipy.special.logsumexp(jnp.stack(parts), axis=0)
        return logsumexp(np.stack(parts), axis=0)

    def _contraction(self, setting: Setting, paired: bool) -> tuple[Bins, Any]:
        terms = [variant.term for variant in setting.variants]
        sizes = [variant.n_bins for variant in setting.variants]
        numbers = tuple(_hashed(leaf) for term in terms for leaf in jax.tree.leaves(term))
        key = (paired, tuple(map(type, terms)), tuple(sizes), numbers)
        if key not in self._compiled:
            bins, constraints = Bins(terms, sizes), self.plan.joint.constraints
            function = log_marginals_paired if paired else log_marginals
            self._compiled[key] = bins, jax.jit(lambda *given: function(bins, constraints, *given))
        return self._compiled[key]

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
        """ln Z, its standard deviation, and ln L at the nodes, of every data set in one model."""
        nodes = self.nodes[model]
        values = self.log_likelihoods(setting, model, nodes.photons, data, name=model)
        return *log_evidences(nodes.log_weights, values), values

    def uncached(self, setting: Setting, drawn: Drawn) -> Float[np.ndarray, "sets bins"]:
        """Expected counts of all bins that nobody asks for twice."""
        pulls = self._effective(setting, drawn.pulls)
        found = []
        for index, variant in enumerate(setting.variants):
            tabulator = self.tabulator(index, drawn.model, variant)
            counts = tabulator.counts(variant, (drawn.photons, pulls[:, self.columns[index]]))
            found.append(setting.factors[index] * counts)
        return np.concatenate(found, axis=-1)

    def keep_compiled(self, key: Any, make: Any) -> Any:
        """Return what was made under a key, made once."""
        if key not in self._compiled:
            self._compiled[key] = make()
        return self._compiled[key]

    def _kept(self, key: Any, compute: Any) -> Any:
        return _remembered(self._tables, key, compute)


def _rows(row: Any, number: int) -> Any:
    xp: Any = jnp if _checks.is_traced(row) else np
    return xp.broadcast_to(row, (number, len(row)))


def _in_blocks(run: Any, table: Table, component: Any, data: np.ndarray) -> Float[np.ndarray, "nodes sets"]:
    """Contract any number of nodes and data sets in blocks of one shape, compiled once."""
    nodes, sets = len(table.counts), len(data)
    found = np.empty((nodes, sets))
    rows = [data[np.minimum(np.arange(k, k + _SETS), sets - 1)] for k in range(0, sets, _SETS)]
    for begin in range(0, nodes, _NODES):
        own = Table(*(x[np.minimum(np.arange(begin, begin + _NODES), nodes - 1)] for x in table))
        for k, row in enumerate(rows):
            here = (slice(begin, begin + _NODES), slice(k * _SETS, (k + 1) * _SETS))
            found[here] = np.asarray(run(own, component, row))[: nodes - begin, : sets - k * _SETS]
    return found


def _remembered(kept: OrderedDict[Any, Any], key: Any, compute: Any) -> Any:
    if key not in kept:
        kept[key] = compute()
        while len(kept) > _KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def _is_traced(tree: Any) -> bool:
    return any(_checks.is_traced(leaf) for leaf in jax.tree.leaves(tree))


def _hashed(array: Any) -> Any:
    return None if _checks.is_traced(array) else np.asarray(array).tobytes()
