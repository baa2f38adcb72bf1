"""Designs beside each other: a map over design variables, and a ranking of what might be done next."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes.design import quantities
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import STRONG, evaluate
from lmtbayes.design.options import REBUILT, TRACED
from lmtbayes.design.plan import Plan
from lmtbayes.errors import InvalidArgument

if TYPE_CHECKING:
    import xarray as xr


def check_axes(plan: Plan, axes: Mapping[str, Sequence[float] | np.ndarray]) -> dict[str, np.ndarray]:
    """Values of each variable of a map, increasing.

    Raises
    ------
    UnknownName
        A variable that there is not.
    InvalidArgument
        No variable, or values that do not increase.
    """
    if not isinstance(axes, Mapping) or not axes:
        raise _checks.invalid("axes", axes, "a mapping of at least one design variable to its values")
    for name in axes:
        plan.part(name)
    return {name: _checks.increasing(f"axes[{name!r}]", values) for name, values in axes.items()}


def corners(axes: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    """Designs at the corners of a map: what nodes have to serve lies between them."""
    ends = [(float(values[0]), float(values[-1])) for values in axes.values()]
    return [dict(zip(axes, point, strict=True)) for point in itertools.product(*ends)]


def design_map(
    plan: Plan,
    axes: Mapping[str, Sequence[float] | np.ndarray],
    *,
    base: Mapping[str, float] | None = None,
    threshold: float = STRONG,
    size: int = 200,
    seed: int = 0,
    nodes: int | None = None,
    progress: bool = False,
) -> "xr.Dataset":
    """Expect what designs on a grid find; all of them share bosons, nuisances, noise and nodes.

    Parameters
    ----------
    plan
        What might be measured.
    axes
        Design variable to its values, increasing.
    base
        Design variables that are moved at every point.
    threshold
        Of ln B.
    size, seed, nodes
        As in `Engine`; the nodes are chosen for the corners of the map.
    progress
        Show a bar.

    Returns
    -------
    map
        For every truth and point: assurance, misleads, log_bayes_factor and exceeds with their errors, as the table of
        an `Expectation`; "node_error" is that of ln Z at the point.

    Raises
    ------
    UnknownName, InvalidArgument
        As `check_axes`, and what an entry says of a value.
    """
    given = check_axes(plan, axes)
    moved = dict(base or {})
    engine = Engine(plan, size, seed, nodes, [{**moved, **corner} for corner in corners(given)])
    return joined_map(given, dict(points(engine, given, threshold, base=moved, progress=progress)))


def order_of(plan: Plan, axes: Mapping[str, np.ndarray]) -> list[tuple[int, ...]]:
    """Indices of all points, what has to be built anew outermost."""
    rank = {name: plan.kind(name) not in (REBUILT, TRACED) for name in axes}
    places = sorted(range(len(axes)), key=lambda k: rank[list(axes)[k]])
    loops = itertools.product(*(range(len(list(axes.values())[k])) for k in places))
    return [tuple(one[places.index(k)] for k in range(len(places))) for one in loops]


def points(
    engine: Engine,
    axes: Mapping[str, np.ndarray],
    threshold: float,
    *,
    base: Mapping[str, float] | None = None,
    done: Sequence[tuple[int, ...]] = (),
    progress: bool = False,
) -> Iterator[tuple[tuple[int, ...], "xr.Dataset"]]:
    """Tables of the points of a map that are not done, one after the other."""
    from tqdm.auto import tqdm

    left = [index for index in order_of(engine.plan, axes) if index not in set(done)]
    for index in tqdm(left, desc="designs", disable=None if progress else True):
        values = dict(base or {}) | {name: float(axes[name][i]) for name, i in zip(axes, index, strict=True)}
        yield index, evaluate(engine, values, threshold, boson=False).table


_OF_A_MAP = ("assurance", "misleads", "log_bayes_factor", "exceeds")


def joined_map(axes: Mapping[str, np.ndarray], tables: Mapping[tuple[int, ...], "xr.Dataset"]) -> "xr.Dataset":
    """Put the tables of all points of a map at their places."""
    import xarray as xr

    shape = tuple(len(values) for values in axes.values())
    first = next(iter(tables.values()))
    names = [f"{name}{suffix}" for name in _OF_A_MAP for suffix in ("", "_error")]
    found = {name: np.full((*shape, *first[name].shape), np.nan) for name in names}
    node_error = np.full(shape, np.nan)
    for index, table in tables.items():
        for name in names:
            found[name][index] = table[name].values
        node_error[index] = table.attrs["node_error"]
    variables: dict[str, Any] = {
        name: ((*axes, *map(str, first[name].dims)), values, dict(first[name].attrs)) for name, values in found.items()
    }
    variables["node_error"] = (tuple(axes), node_error, {"long_name": "standard deviation of ln Z due to the nodes"})
    coordinates = dict(axes.items())
    coordinates |= {str(name): values.values for name, values in first.coords.items() if name != "parameter"}
    return xr.Dataset(variables, coordinates, {"threshold": first.attrs["threshold"], "sets": first.attrs["sets"]})


def rank(
    engine: Engine,
    alternatives: Mapping[str, Mapping[str, float]],
    truth: str,
    *,
    base: Mapping[str, float] | None = None,
    threshold: float = STRONG,
) -> "xr.Dataset":
    """Order what might be done next by how much it raises the assurance.

    Parameters
    ----------
    engine
        Of a plan; its data sets are common to all alternatives, so that differences have small errors.
    alternatives
        Label to the design variables that it moves, beside those of `base`.
    truth
        Under which the assurance is.
    base
        The design that each is compared with.
    threshold
        Of ln B.

    Returns
    -------
    ranking
        By alternative, the best first: assurance and gain over the base, the same of the mean of ln B (of the right
        model against the best of the others), each with its error; those of gains are of the paired differences. Ties
        in the assurance are ordered by ln B.

    Raises
    ------
    InvalidArgument
        No alternative; a truth that no model reads.
    UnknownName
        No such truth or variable.
    """
    import xarray as xr

    if not isinstance(alternatives, Mapping) or not alternatives:
        raise _checks.invalid("alternatives", alternatives, "a mapping of at least one label to the variables it moves")
    if truth not in engine.drawn:
        raise _checks.unknown("truth", truth, engine.drawn)
    for label, moved in alternatives.items():
        if not isinstance(moved, Mapping):
            raise InvalidArgument(f"`alternatives[{label!r}]` must be a mapping of design variable to value")
        engine.plan.check(moved)
    reference = evaluate(engine, base or {}, threshold, boson=False)
    reference.assurance(truth)  # says what is wrong with a truth
    least = _least(reference, truth)
    rows, labels = [], list(alternatives)
    for moved in alternatives.values():
        found = evaluate(engine, {**(base or {}), **moved}, threshold, boson=False)
        own = _least(found, truth)
        gain = quantities.changed(least > threshold, own > threshold)
        rows.append((*found.assurance(truth), *gain, *quantities.mean(own), *quantities.mean(own - least)))
    columns = np.array(rows)
    order = np.lexsort((-columns[:, 6], -columns[:, 2]))
    names = ("assurance", "assurance_gain", "log_bayes_factor", "log_bayes_factor_gain")
    variables = {}
    for k, name in enumerate(names):
        variables[name] = ("alternative", columns[order, 2 * k], {"units": "1"})
        variables[f"{name}_error"] = ("alternative", columns[order, 2 * k + 1], {"long_name": "standard deviation"})
    before = reference.assurance(truth)
    attributes = {"truth": truth, "threshold": float(threshold), "sets": engine.size, "assurance_before": before.value}
    attributes |= {"assurance_before_error": before.error, "log_bayes_factor_before": float(least.mean())}
    return xr.Dataset(variables, {"alternative": [labels[k] for k in order]}, attributes)


def _least(found: Any, truth: str) -> np.ndarray:
    """Ln B of the right model against the best of the others, of every data set."""
    right = found.right[truth]
    log_z = found.log_z[truth]
    return np.asarray(np.min(log_z[right] - np.delete(log_z, right, axis=0), axis=0))


def ranking_text(ranking: "xr.Dataset") -> str:
    """Read a ranking as lines of text."""
    a = ranking.attrs
    before = f"{a['assurance_before']:.3f} ± {a['assurance_before_error']:.1g}"
    lines = [f"P(ln B > {a['threshold']:g}) if {a['truth']} is true: {before} as planned ({a['sets']} data sets)"]
    width = max(len(str(label)) for label in ranking["alternative"].values)
    for k, label in enumerate(ranking["alternative"].values):
        one = {name: float(ranking[name][k]) for name in map(str, ranking.data_vars)}
        lines.append(
            f"  {label:<{width}}  {one['assurance']:.3f}, by {one['assurance_gain']:+.3f} ± "
            f"{one['assurance_gain_error']:.1g}; ln B by {one['log_bayes_factor_gain']:+.2f} ± "
            f"{one['log_bayes_factor_gain_error']:.1g}"
        )
    return "\n".join(lines)
