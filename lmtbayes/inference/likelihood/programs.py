"""What a process keeps compiled: bounded, since Linux gives a process a number of memory maps only.

Every compiled function brings a few dozen maps. A process that asks for more than `vm.max_map_count` of them dies in
the middle of a compilation, however much memory is free. So the models whose compiled functions have not been asked
for the longest let go of them before a new one is made; what is asked for again is compiled again.
"""

import gc
import itertools
import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from lmtbayes.errors import OutOfMaps
from lmtbayes.inference.likelihood.joining import check_settings

SHARE = 0.7
"""Of the maps that there may be, that may be there before room is made."""
ROOM = 0.8
"""Of that share, that is left once room was made: it is not made for every function anew."""
RESERVE = 0.03
"""Of the maps that there may be, what one function of a large likelihood may need."""

_LIMIT = Path("/proc/sys/vm/max_map_count")
_MAPS = Path("/proc/self/maps")
KEPT = 100
"""Compiled functions of a model. A fit has some twenty; toys whose posteriors are summed in coordinates of their own
each bring a few, which are never asked for again, and a process can hold so many only (memory maps)."""

_owners: "weakref.WeakSet[Programs]" = weakref.WeakSet()
_ticks = itertools.count(1)


class Programs:
    """What a joint model has compiled, and results that are long to compute: kept, and let go of."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[Hashable, Any] = OrderedDict()
        self._last: dict[Callable[..., Any], tuple[Hashable, Any]] = {}
        self._used = 0

    def __getstate__(self) -> dict[str, Any]:
        """Pickled and copied without what was compiled or kept, which belongs to a process; it is made again."""
        return self.__dict__ | {"_compiled": OrderedDict(), "_last": {}}

    def compiled[T](self, builder: Callable[..., T], *static: Hashable) -> T:
        """Return `builder(this, *static)`, built once; the last `KEPT` that were asked for are kept.

        The builder and its own arguments are the key, and all that the compiled function can have closed over besides
        experiments and model: a builder is a function or class of a module, and is handed no data.

        Parameters
        ----------
        builder
            (this joint model, *static) to jitted function(s), which take the data as an argument.
        static
            Hashable; equal ones of equal types are the same.

        Raises
        ------
        TypeError
            A builder that is not found under its own name in its module: a closure, a lambda, a method, a partial.
        OutOfMaps
            The process can hold no more of them (`programs`).
        """
        check_settings()
        key = _key(builder, static)
        self._used = next(_ticks)
        _owners.add(self)
        if key in self._compiled:
            self._compiled.move_to_end(key)
            return self._compiled[key]
        module = sys.modules.get(getattr(builder, "__module__", None) or "")
        if getattr(module, getattr(builder, "__qualname__", ""), None) is not builder:
            raise TypeError(
                f"`builder` must be a function or class of a module, found there by its name, so that it closes over "
                f"nothing but its arguments; got {builder!r}"
            )
        _make_room(self)
        found = self._compiled[key] = builder(self, *static)
        while len(self._compiled) > KEPT:
            self._compiled.popitem(last=False)
        return found

    def last[T](self, function: Callable[..., T], key: Hashable) -> T | None:
        """Return what `keep` was last given of a function, if for an equal key, else None."""
        found, result = self._last.get(function, (None, None))
        return result if found == key else None

    def keep[T](self, function: Callable[..., T], key: Hashable, result: T) -> T:
        """Keep a result that is long to compute, one for a function, and return it.

        Parameters
        ----------
        function
            Of a module, which makes the result.
        key
            All that the result depends on besides experiments and model: prior, data, settings.
        result
            What it made.
        """
        self._last[function] = key, result
        return result

    def has_compiled(self, builder: Callable[..., Any], *static: Hashable) -> bool:
        """Whether `compiled` has this already."""
        return _key(builder, static) in self._compiled

    def release(self) -> None:
        """Let go of all that was compiled or kept; what is asked for again is made again."""
        self._let_go()

    def _let_go(self) -> None:
        self._compiled.clear()
        self._last.clear()


def _make_room(owner: Programs) -> None:
    """Have others let go of what they compiled, the longest unused first, where too many maps are there."""
    limit = most()
    if limit is None or (now := maps()) < SHARE * limit:
        return
    for other in sorted((o for o in _owners if o is not owner), key=lambda o: o._used):
        other._let_go()
        _owners.discard(other)
        gc.collect()
        if (now := maps()) < ROOM * SHARE * limit:
            return
    if now > (1.0 - RESERVE) * limit:
        raise OutOfMaps(
            f"this process has {now:,} memory maps, most of them of compiled functions, and Linux allows {limit:,} "
            "(vm.max_map_count): one more function could end it. Begin a new process, or have the limit raised "
            "(sysctl vm.max_map_count=262144)"
        )


def _key(builder: Callable[..., Any], static: tuple[Hashable, ...]) -> Hashable:
    return builder, static, tuple(map(type, static))


def maps() -> int:
    """Memory maps of this process."""
    return _MAPS.read_bytes().count(b"\n")


def most() -> int | None:
    """Memory maps that a process may have; None where there is no such limit."""
    try:
        return int(_LIMIT.read_text())
    except (OSError, ValueError):
        return None
