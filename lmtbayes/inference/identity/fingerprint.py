"""Identity of what a result depends on: one hash of data, settings, priors, experiments and a user's own code.

Equal in every process and every version of Python: code is hashed as its syntax tree, without comments, docstrings and
positions, with everything that it reaches: closures, defaults, global names, attributes, methods of its class. Code of
the libraries below goes by its name. What cannot be hashed is refused; it then needs an identity given by its author.
"""

import enum
import functools
import hashlib
import importlib.resources
import inspect
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import numpy as np
import numpyro.distributions as dist

from lmtbayes import tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.base import Experiment
from lmtbayes.inference.identity import source
from lmtbayes.inference.identity.own_attributes import attributes

_LIBRARIES = frozenset(sys.stdlib_module_names) - {"__main__"} | {
    "beartype",
    "equinox",
    "interpax",
    "jax",
    "jaxlib",
    "jaxtyping",
    "lmtbayes",
    "numpy",
    "numpyro",
    "scipy",
    "typing_extensions",
}
"""Their code goes by its name: a result names the versions that matter, and `physics` this package's own."""
_HEAP = 1 << 9
"""Flag of a class that was made at run time: `type(...)` gives it the module of whoever called it."""
_METHODS = (types.FunctionType, staticmethod, classmethod)
_OF_A_FUNCTION = frozenset({"__wrapped__", "__type_params__", "_jit_info"})
_OF_AN_OBJECT = frozenset({"__doc__", "__module__"})
"""A cached property keeps them among its attributes, the second since Python 3.13."""


def fingerprint(*parts: Any) -> str:
    """Hash that is equal for equal settings, data, priors and experiments, also in another process.

    Raises
    ------
    InvalidArgument
        Something whose contents cannot be told, such as a function without source text.
    """
    return _Digest().of(parts).hex()[:32]


@functools.cache
def physics() -> str:
    """Hash of this package's own rates: source text and tables."""
    digest = hashlib.sha256()
    package = importlib.resources.files("lmtbayes")  # which may be an archive
    rooms = ("detectors", "experiments", "gauge", "processes", "sources")
    found = {f"{room}/{file.name}": file for room in rooms for file in (package / room).iterdir()}
    code = {name: found[name] for name in sorted(found) if name.endswith(".py")}
    for name, file in ({"constants.py": package / "constants.py"} | code | tables.files()).items():
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


class _Digest:
    """Digests of anything; what refers back to itself is told by how far up it is met again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._open: list[int] = []

    def of(self, part: Any) -> bytes:
        if id(part) in self._known:
            return self._known[id(part)][1]
        if id(part) in self._open:
            return f"up {len(self._open) - self._open.index(id(part))}".encode()
        self._open.append(id(part))
        try:
            kind, content = self._content(part)
            digest = hashlib.sha256(kind.encode() + b"(")
            for item in content:
                given = item if isinstance(item, bytes) else self.of(item)
                digest.update(len(given).to_bytes(8) + given)
        finally:
            self._open.pop()
        # The object is kept with its digest: nothing else can then have its id.
        self._known[id(part)] = part, digest.digest()
        return digest.digest()

    def _content(self, part: Any) -> tuple[str, Iterable[Any]]:
        """Kind of an object, and what it is made of: bytes, or other objects."""
        if part is None or part is ... or type(part) in (bool, int, float, complex, str, range, slice):
            return "value", [f"{type(part).__name__} {part!r}".encode()]
        if isinstance(part, bytes | bytearray):
            return "bytes", [bytes(part)]
        if isinstance(part, jax.core.Tracer):
            raise _refused(part, "its numbers are not known while it is traced")
        if isinstance(part, jax.Array) and jax.dtypes.issubdtype(part.dtype, jax.dtypes.prng_key):
            return "key", [np.asarray(jax.random.key_data(part))]
        if isinstance(part, np.ndarray | jax.Array | np.generic):
            array = np.asarray(part)
            if array.dtype.hasobject:
                return "objects", [array.shape, array.ravel().tolist()]
            return "array", [f"{array.dtype.str}{array.shape}".encode(), array.tobytes()]
        if hasattr(type(part), "identity_parts"):
            return type(part).__qualname__, part.identity_parts()
        if isinstance(part, Mapping):
            pairs = sorted(self.of(key) + self.of(value) for key, value in part.items())
            return "mapping", [type(part), *pairs]
        if isinstance(part, set | frozenset):
            return "set", [type(part), *sorted(self.of(item) for item in part)]
        if isinstance(part, list | tuple):
            return "sequence", [type(part), *part]
        if isinstance(part, enum.Enum):
            return "member", [type(part), part.name]
        if isinstance(part, types.ModuleType):
            if _of_a_library(part.__name__):
                return "module", [part.__name__.encode()]
            raise _refused(part, "only attributes of a module can be hashed, not all of it")
        if (name := _library_name(part)) is not None:
            return "library", [name.encode()]
        if isinstance(part, functools.partial):
            return "partial", [part.func, part.args, part.keywords]
        if isinstance(part, types.MethodType):
            return "method", [part.__func__, part.__self__]
        if isinstance(part, types.FunctionType):
            return "function", self._function(part)
        if isinstance(part, type):
            return "class", self._class(part)
        if isinstance(part, property):
            return "property", [part.fget]
        if isinstance(part, staticmethod | classmethod):
            return type(part).__name__, [part.__func__]
        return "object", self._object(part)

    def _function(self, part: types.FunctionType) -> Iterable[Any]:
        held = {}
        for name, cell in zip(part.__code__.co_freevars, part.__closure__ or (), strict=True):
            try:
                held[name] = cell.cell_contents
            except ValueError:  # a name that is not bound yet
                held[name] = None
        state = (part.__defaults__, part.__kwdefaults__)
        if _of_a_library(part.__globals__.get("__name__", "")):
            return [part.__code__.co_qualname, *state, held]
        node = source.node_of(part.__code__)
        if node is None:
            raise _refused(part, "its source text is not to be had")
        reached = {n: part.__globals__[n] for n in source.global_names(part.__code__) if n in part.__globals__}
        used = dict(held)
        for name, value in (held | reached).items():
            if not isinstance(value, types.ModuleType) or _of_a_library(value.__name__):
                used[name] = value
                continue
            used.pop(name, None)
            for path in source.attribute_paths(node, name):
                if not path:
                    raise _refused(part, f"what it does with the module {value.__name__} cannot be told")
                used[".".join((name, *path))] = _attribute(part, value, path)
        for module in source.imported_names(part.__code__):
            if not _of_a_library(module):
                raise _refused(part, f"it imports {module} inside its body")
        own = {name: value for name, value in vars(part).items() if name not in _OF_A_FUNCTION}
        return [source.canonical(node).encode(), *state, used, own]

    def _class(self, part: type) -> Iterable[Any]:
        content: list[Any] = []
        for kind in part.__mro__:
            if (known := _library_name(kind)) is not None:
                content.append(known.encode())
                continue
            content.append(kind.__name__.encode())
            for name, value in attributes(kind).items():
                content += [name.encode(), value]
        return content

    def _object(self, part: Any) -> Iterable[Any]:
        kind = type(part)
        own = getattr(part, "identity", None) if isinstance(part, Experiment | dist.Distribution) else None
        if isinstance(own, str):
            return [b"identity", kind.__name__.encode(), own.encode(), self._told(part)]
        state = _state(part)
        if state is not None:
            return [kind, state]
        try:
            made = part.__reduce_ex__(4)
        except Exception as error:
            raise _refused(part, str(error)) from None
        if isinstance(made, str):
            return [made.encode()]
        return [list(x) if k in (3, 4) and x is not None else x for k, x in enumerate(made)]

    def _told(self, part: Any) -> dict[str, bytes]:
        """Digests of the fields of an object that has an identity; it stands for functions and what has no digest."""
        found = {}
        for name, value in (_state(part) or {}).items():
            if callable(value):
                continue
            try:
                found[name] = self.of(value)
            except InvalidArgument:
                continue
        return found


def _state(part: Any) -> dict[str, Any] | None:
    """Attributes of an object; None where it has none that Python knows of."""
    kind = type(part)
    slots = [name for k in kind.__mro__ for name in _names(vars(k).get("__slots__", ())) if hasattr(part, name)]
    state = {name: getattr(part, name) for name in slots if name not in ("__dict__", "__weakref__")}
    if not hasattr(part, "__dict__"):
        return state or None
    for name, value in vars(part).items():
        own = inspect.getattr_static(kind, name, None)
        # Kept by a cached property: it follows from the rest, and is there only once it has been asked for.
        derived = hasattr(type(own), "__get__") and not hasattr(type(own), "__set__") and not isinstance(own, _METHODS)
        left_out = name in _OF_A_FUNCTION | _OF_AN_OBJECT or (name.startswith("__") and hasattr(part, "__wrapped__"))
        if not derived and not left_out:
            state[name] = value
    if hasattr(part, "__wrapped__"):
        state["__wrapped__"] = part.__wrapped__
    # Without attributes it may be a plain object of a plain class, or one whose contents Python does not see.
    return state if state or (kind.__reduce_ex__ is object.__reduce_ex__ and not kind.__flags__ & (1 << 8)) else None


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _attribute(function: Any, module: types.ModuleType, path: tuple[str, ...]) -> Any:
    """Follow a path of attributes as far as it leads through modules: `physics.rates.slope` ends at the function."""
    value: Any = module
    for name in path:
        if not isinstance(value, types.ModuleType) or _of_a_library(value.__name__):
            break
        if not hasattr(value, name):
            raise _refused(function, f"the module {value.__name__} has no {name}")
        value = getattr(value, name)
    return value


def _of_a_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in _LIBRARIES


def _library_name(part: Any) -> str | None:
    """Full name of what a library defines and keeps under its own name."""
    if isinstance(part, np.ufunc):
        return f"numpy.{part.__name__}"
    module, name = getattr(part, "__module__", None), getattr(part, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or not _of_a_library(module):
        return None
    if isinstance(part, type) and (not part.__flags__ & _HEAP or "<locals>" in name):
        return f"{module}.{name}"
    found: Any = sys.modules.get(module)
    for step in name.split("."):
        found = getattr(found, step, None)
    builtin = isinstance(part, types.BuiltinFunctionType) and isinstance(part.__self__, types.ModuleType | None)
    return f"{module}.{name}" if found is part or builtin else None


def _refused(part: Any, why: str) -> InvalidArgument:
    shown = getattr(part, "__qualname__", None) or getattr(part, "__name__", None) or type(part).__qualname__
    return InvalidArgument(
        f"a run cannot be told from another one by {shown!r}: {why}; accepted: functions with source text and objects "
        "of plain attributes, or an identity of your own (`identity=` of measurement; an attribute `identity` of an "
        "Experiment or a Distribution), changed whenever the code is"
    )
