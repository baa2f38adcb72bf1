"""The registry: every configuration by name; an entry is a row of data and the function that builds from it."""

import inspect
import math
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import jax

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, PluginError, PluginWarning
from lmtbayes.experiments import plugins
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import STATUSES
from lmtbayes.experiments.options import Options, options
from lmtbayes.experiments.published import as_published, is_own

type Builder = Callable[..., Experiment]
type Reach = Callable[[], tuple[float, float]]


@dataclass(frozen=True)
class Entry:
    """One registered configuration.

    Parameters
    ----------
    name, build
        As registered.
    accepted
        The overrides it takes, with their defaults.
    published
        What defaults of None stand for, where the entry says it.
    reach, status
        As registered.
    plugin
        What brought it, where a plugin did.
    """

    name: str
    build: Builder
    accepted: MappingProxyType[str, Any]
    published: Mapping[str, Any]
    reach: Reach | None = None
    status: str | None = None
    plugin: str | None = None


_ENTRIES: dict[str, Entry] = {}
_LOADED: set[str] = set()
"""Plugins whose entries are there; `plugins.GROUP` once those of installed packages are."""


def anywhere() -> tuple[float, float]:
    """Reach of an experiment that says something at any mass [MeV]."""
    return 0.0, math.inf


def register(
    name: str,
    build: Builder,
    *,
    reach: Reach | None = None,
    published: Mapping[str, Any] | None = None,
    status: str | None = None,
) -> None:
    """Make `build` available as `experiment(name, **overrides)`.

    Parameters
    ----------
    name
        Must be free.
    build
        Its keyword-only arguments are the overrides that the entry accepts, each with a default: what is no user's to
        change is bound by position (`functools.partial`). By custom `name`, `title` and `nuisances` are among them. The
        experiment must have the registered name (or that of `name=`), which is seen when it is built.
        What its docstring says of them under `Parameters`, numpy's style, is what `experiment_options` and the command
        line show; the first [unit] of an entry is its unit.
    reach
        Returns what `Experiment.mass_range` will be, before anything is built: settings of fits take their default
        range of the mass from it. `anywhere` for what says something at any mass; None: it is built and asked.
    published
        By name of an override whose default is None, the value that it then has: shown with its options.
    status
        What `Experiment.status` will be, before anything is built; None: it is built and asked.

    Raises
    ------
    InvalidArgument
        No name, or one that is taken; `build` is no function, or has an argument without default; another status than
        "data", "projection" and "approximate".

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> def halved(*, sigma=0.3):
    ...     return lmt.measurement("halved", 0.5, sigma, lambda model, photon: photon.g_x / (1e-3 + photon.g_x))
    >>> lmt.register("halved", halved)
    >>> lmt.experiment("halved", sigma=0.2).observed
    array([0.5])
    """
    _checks.name("name", name)
    if not callable(build):
        raise _checks.invalid("build", build, "a function that returns an Experiment")
    if status is not None:
        _checks.one_of("status", status, STATUSES)
    if name in _ENTRIES:
        raise InvalidArgument(f"`name` must be free; {name!r} is registered already")
    accepted = {}
    for parameter in inspect.signature(build).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            if parameter.default is parameter.empty:
                raise InvalidArgument(f"`build` of {name!r} must give its argument {parameter.name!r} a default")
            accepted[parameter.name] = parameter.default
    own = MappingProxyType(dict(published or {}))
    _ENTRIES[name] = Entry(name, build, MappingProxyType(accepted), own, reach, status)


def load_plugin(module: str) -> None:
    """Import a module that registers experiments; once a process.

    Parameters
    ----------
    module
        Its name, as `import` takes it; it is also looked for in the current folder.

    Raises
    ------
    InvalidArgument
        No name of a module.
    PluginError
        It cannot be imported, or registers nothing; what it has registered by then is taken back.
    """
    plugins.check("plugin", module)
    if module not in _LOADED:
        _brought_by(module, module in sys.modules, lambda: plugins.imported(module))


def _load_installed() -> None:
    """Load the entry points of installed packages, once a process; one that is broken is a warning."""
    if plugins.GROUP in _LOADED:
        return
    _LOADED.add(plugins.GROUP)  # first: a plugin may ask what is registered while it is imported
    for point, load in plugins.installed(register):
        try:
            _brought_by(point.value, point.module in sys.modules, load)
        except PluginError as error:
            warnings.warn(str(error), PluginWarning, stacklevel=2)


def _brought_by(plugin: str, known: bool, load: Callable[[], object]) -> None:
    """Load a plugin: all of its entries, marked as its own, or none; one that is `known` was imported before."""
    before = dict(_ENTRIES)
    try:
        load()
        new = _ENTRIES.keys() - before.keys()
        if not new and not known:
            raise PluginError(f"plugin {plugin!r} registers no experiment; it should call lmtbayes.register")
    except BaseException:
        _ENTRIES.clear()
        _ENTRIES.update(before)
        raise
    _ENTRIES.update({name: replace(_ENTRIES[name], plugin=plugin) for name in new})
    _LOADED.add(plugin)


def experiment_names() -> tuple[str, ...]:
    """Return every registered name, sorted; those of installed packages (entry points) included."""
    _load_installed()
    return tuple(sorted(_ENTRIES))


def own_names() -> tuple[str, ...]:
    """Return the registered names that no plugin brought, sorted."""
    return tuple(sorted(name for name, entry in _ENTRIES.items() if entry.plugin is None))


def experiment_options(name: str) -> Options:
    """Return the overrides that `experiment(name, ...)` accepts, with their defaults.

    Returns
    -------
    options
        A dict of name to default, which prints as a list with units and meanings; `options.records` has them as
        records (`name`, `default`, `published`, `value`, `unit`, `meaning`).

    Raises
    ------
    UnknownName
        No such experiment.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> options = lmt.experiment_options("na64mu-2022")
    >>> print(next(option for option in options.records if option.name == "resolution_gev").meaning)
    Standard deviation of the measured E'_mu [GeV]; None for perfect.
    """
    entry = _entry(name)
    return options(entry.build, entry.published)


def experiment_reach(name: str) -> tuple[float, float]:
    """Return the masses [MeV] between which an entry says something; only one without `reach` is built for it.

    Raises
    ------
    UnknownName
        No such experiment.
    """
    reach = _entry(name).reach
    return experiment(name).mass_range if reach is None else reach()


def experiment_status(name: str) -> str:
    """Return "data", "projection" or "approximate"; only an entry without `status` is built for it.

    Raises
    ------
    UnknownName
        No such experiment.
    """
    return _entry(name).status or experiment(name).status


def experiment(name: str, /, **overrides: Any) -> Experiment:
    """Build a registered experiment.

    Without overrides an entry of the package is the same object, with read-only arrays, while somebody has it: what is
    compiled of its rates serves all likelihoods.

    Parameters
    ----------
    name
        One of `experiment_names()`.
    overrides
        Any of `experiment_options(name)`. `name=` renames: a projection under another name is another detector, so that
        two variants fit together; published data stay the same data, and fit a likelihood once. `title=` is what
        pictures and tables call it.

    Raises
    ------
    UnknownName
        No such experiment, or an override that it does not accept; the message lists what is accepted and what was
        probably meant.
    InvalidArgument
        An override has a value that is not accepted.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> ess = lmt.experiment("ess", threshold_kevnr=10.0)
    >>> ess.bin_edges
    array([ 10. ,  32.5,  55. ,  77.5, 100. ])
    >>> ess.expected_counts(lmt.LMU_LTAU, lmt.BENCHMARKS["BP1"]).round(1)
    Array([59227.9, 23085.1,  8670.6,  3279.3], dtype=float64)
    """
    entry = _entry(name)
    for override in overrides:
        if override not in entry.accepted:
            raise _checks.unknown(f"override of experiment {name!r}", override, entry.accepted)
    if any(_checks.is_traced(value) for value in overrides.values()):
        return _named(entry, overrides, entry.build(**overrides))
    # What an experiment keeps are numbers, also where the caller is being traced.
    with jax.ensure_compile_time_eval():
        if not overrides and entry.plugin is None and is_own(entry.build):
            return as_published(entry.name, entry.build, lambda built: _named(entry, overrides, built))
        return _named(entry, overrides, entry.build(**overrides))


def _named(entry: Entry, overrides: Mapping[str, Any], built: object) -> Experiment:
    """Require an experiment of the name that it is asked for by: data and tables are found by it."""
    if not isinstance(built, Experiment):
        raise _checks.invalid(f"build of {entry.name!r}", built, "a function that returns an Experiment")
    name = overrides.get("name") or entry.name
    if built.name != name:
        raise InvalidArgument(
            f"`build` of {entry.name!r} must give the experiment this name; it is {built.name!r}: build it with "
            f"name={name!r}, or register it as {built.name!r}"
        )
    return built


def _entry(name: str) -> Entry:
    if not isinstance(name, str) or name not in _ENTRIES:
        names = experiment_names()  # which loads those of installed packages
        if not isinstance(name, str) or name not in _ENTRIES:
            raise _checks.unknown("experiment", name, names)
    return _ENTRIES[name]
