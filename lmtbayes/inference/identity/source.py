"""Source text of a function as a syntax tree, and the names that its code looks up."""

import ast
import dis
import functools
import inspect
import types
from collections.abc import Iterator

type Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_LEFT_OUT = frozenset({"ctx", "kind", "type_comment", "decorator_list", "returns", "annotation", "type_params"})
"""Of a syntax tree: what changes between versions of Python, or changes no number. What a decorator did shows in the
object that it left."""


def node_of(code: types.CodeType) -> Function | None:
    """Find the syntax tree of a function; None where its text is not to be had."""
    try:
        lines, _ = inspect.findsource(code)
        tree = _parsed("".join(lines))
    except (OSError, SyntaxError, ValueError, TypeError):
        return None
    if code.co_name != "<lambda>":
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == code.co_name:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first == code.co_firstlineno:
                    return node
        return None
    # Several may stand in one line: the code's own positions tell which, the innermost whose body holds them all.
    spans = [
        ((first, begin), (last, end))
        for first, last, begin, end in code.co_positions()
        if None not in (first, last, begin, end) and (first, begin) != (last, end)
    ]
    held = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and spans
        and all(
            (node.body.lineno, node.body.col_offset) <= begin
            and end <= (node.body.end_lineno, node.body.end_col_offset)
            for begin, end in spans
        )
    ]
    # `walk` goes from outside to inside.
    return held[-1] if held else None


@functools.lru_cache(maxsize=32)
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


def canonical(node: object) -> str:
    """One text for one meaning: without positions, comments, docstrings, annotations and empty fields."""
    if isinstance(node, ast.AST):
        fields = []
        for name, value in ast.iter_fields(node):
            if name in _LEFT_OUT or value is None or value == []:
                continue
            if name == "body" and isinstance(value, list) and _is_text(value[0]):
                value = value[1:]
            fields.append(f"{name}={canonical(value)}")
        return f"{type(node).__name__}({','.join(fields)})"
    if isinstance(node, list):
        return f"[{','.join(map(canonical, node))}]"
    return repr(node)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _nested(constant)


def global_names(code: types.CodeType) -> list[str]:
    """Global names that a function and the functions inside it look up."""
    found = {
        instruction.argval
        for part in _nested(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
    }
    return sorted(found)


def imported_names(code: types.CodeType) -> list[str]:
    """Modules that a function imports inside its body."""
    found = {
        instruction.argval
        for part in _nested(code)
        for instruction in dis.get_instructions(part)
        if instruction.opname == "IMPORT_NAME"
    }
    return sorted(found)


def attribute_paths(node: ast.AST, name: str) -> list[tuple[str, ...]]:
    """Paths of attributes that are looked up from a name: ("a", "b") of `name.a.b`, () where it stands alone."""
    found: set[tuple[str, ...]] = set()

    def visit(part: ast.AST, path: tuple[str, ...]) -> None:
        if isinstance(part, ast.Attribute):
            visit(part.value, (part.attr, *path))
        elif isinstance(part, ast.Name):
            if part.id == name:
                found.add(path)
        else:
            for child in ast.iter_child_nodes(part):
                visit(child, ())

    visit(node, ())
    return sorted(found)
