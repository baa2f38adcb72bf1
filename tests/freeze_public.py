"""The public surface as text: every public name with its kind and its whole signature, one a line.

    python tests/freeze_public.py            # writes tests/public_surface.txt anew
    python tests/freeze_public.py --print    # says what it would write

What is public: `lmtbayes.__all__`; the public names of the modules in it (errors, priors, ...) and of those of
`lmtbayes.plotting`; what the functions of `__all__` return. Of a class its constructor, public methods, properties and
fields, and those of bases that are not public. Annotations are written as the source has them: what Python or jaxtyping
make of them changes with their versions. A diff of the file is the change that users see.
"""

import ast
import importlib
import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

FROZEN = Path(__file__).with_name("public_surface.txt")
PACKAGE = "lmtbayes"


def surface() -> str:
    """Every line of the public surface, sorted within its module."""
    package = importlib.import_module(PACKAGE)
    modules = {name: thing for name in package.__all__ if inspect.ismodule(thing := getattr(package, name))}
    plotting = importlib.import_module(f"{PACKAGE}.plotting")
    for found in pkgutil.iter_modules(plotting.__path__):
        modules[f"plotting.{found.name}"] = importlib.import_module(f"{plotting.__name__}.{found.name}")
    lines = []
    for name in sorted(package.__all__):
        if name not in modules:
            lines += described(f"{PACKAGE}.{name}", getattr(package, name))
    lines += ["", "returned by these"]
    for cls in returned(package):
        lines += described(f"{cls.__module__}.{cls.__qualname__}", cls)
    for name in sorted(modules):
        lines += ["", f"module {PACKAGE}.{name}"]
        for public in own_names(modules[name]):
            lines += described(f"{PACKAGE}.{name}.{public}", getattr(modules[name], public))
    return "\n".join(lines) + "\n"


def returned(package: ModuleType) -> list[type]:
    """Classes of the package that its public functions return and that have no public name of their own."""
    named = [getattr(package, name) for name in package.__all__]
    found = {inspect.signature(thing).return_annotation for thing in named if inspect.isfunction(thing)}
    classes = [c for c in found if inspect.isclass(c) and c.__module__.partition(".")[0] == PACKAGE and c not in named]
    return sorted(classes, key=lambda cls: (cls.__module__, cls.__qualname__))


def own_names(module: ModuleType) -> list[str]:
    """Public names that a module defines itself; or its `__all__`, where it has one."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    tree, names = ast.parse(inspect.getsource(module)), set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign):
            names |= {n.id for target in node.targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return sorted(name for name in names if not name.startswith("_"))


def described(name: str, thing: Any) -> Iterator[str]:
    """Lines for one public name."""
    if inspect.isclass(thing):
        yield from described_class(name, thing)
    elif inspect.isroutine(thing):
        yield f"function {name}{signature(thing)}"
    else:
        yield f"constant {name}: {type(thing).__name__}"


def described_class(name: str, cls: type) -> Iterator[str]:
    """A class, its bases, and what it and its bases in this package have."""
    bases = ", ".join(base.__name__ for base in cls.__bases__ if base is not object)
    yield f"class {name}({bases})"
    package = importlib.import_module(PACKAGE)
    listed = [getattr(package, public) for public in package.__all__]
    ours = [base for base in cls.__mro__ if base.__module__.partition(".")[0] == PACKAGE]
    own = [base for base in ours if base is cls or base not in listed]
    constructor = next((base.__dict__["__init__"] for base in ours if "__init__" in base.__dict__), None)
    if constructor is not None and not issubclass(cls, BaseException):
        yield f"    {name}.__init__{signature(constructor, fields_of(ours))}"
    members = {key: value for base in reversed(own) for key, value in vars(base).items() if not key.startswith("_")}
    fields = fields_of(own)
    for key in sorted({*members, *(field for field in fields if not field.startswith("_"))}):
        found = members.get(key)
        if isinstance(found, staticmethod | classmethod):
            yield f"    {type(found).__name__} {name}.{key}{signature(found.__func__)}"
        elif isinstance(found, property | cached_property):
            getter = found.fget if isinstance(found, property) else found.func
            yield f"    property {name}.{key} -> {source_of(getter).get('return', '?')}"
        elif key not in fields and inspect.isroutine(inspect.unwrap(found)):
            yield f"    method {name}.{key}{signature(found)}"
        elif key in fields:
            yield f"    field {name}.{key}: {fields[key]}"
        else:
            yield f"    attribute {name}.{key}: {type(found).__name__}"


def fields_of(classes: list[type]) -> dict[str, str]:
    """Annotated names of classes, the first of which is the most derived, as their source has them."""
    found = {}
    for cls in reversed(classes):
        node = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        found |= {ast.unparse(n.target): ast.unparse(n.annotation) for n in node.body if isinstance(n, ast.AnnAssign)}
    return found


def source_of(function: Any) -> dict[str, str]:
    """Annotations of a function as its source has them, "return" among them; empty where there is no source."""
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function)))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    if not isinstance(node, ast.FunctionDef):
        return {}
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found = {a.arg: ast.unparse(a.annotation) for a in every if a is not None and a.annotation is not None}
    return found | ({"return": ast.unparse(node.returns)} if node.returns is not None else {})


def signature(function: Any, fields: dict[str, str] | None = None) -> str:
    """Signature as text; `fields` annotate the arguments of a constructor that was made of them."""
    annotations = {**(fields or {}), **source_of(function)}
    parts, before = [], None
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters:
        kind = parameter.kind
        if before is parameter.POSITIONAL_ONLY and kind is not parameter.POSITIONAL_ONLY:
            parts.append("/")
        if kind is parameter.KEYWORD_ONLY and before not in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL):
            parts.append("*")
        before = kind
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(kind, "")
        text = stars + parameter.name
        annotation = annotations.get(parameter.name)
        text += f": {annotation}" if annotation else ""
        if parameter.default is not parameter.empty:
            text += (" = " if annotation else "=") + default(parameter.default)
        parts.append(text)
    if before is inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    returned = f" -> {annotations['return']}" if "return" in annotations else ""
    return f"({', '.join(parts)}){returned}"


def default(value: Any) -> str:
    """A default value, without the address that some objects show."""
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__qualname__
    text = repr(value)
    return f"<{type(value).__name__}>" if " at 0x" in text else text


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    if "--print" in sys.argv[1:]:
        print(surface(), end="")
    else:
        FROZEN.write_text(surface(), encoding="utf-8")
