"""What the author of a class wrote in it, told from what Python and its makers of classes add to it."""

import enum
import inspect
import types
from typing import Any

_ADDED = frozenset(
    {
        "__abstractclassvars__",
        "__abstractmethods__",
        "__abstractvars__",
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__callable_proto_members_only__",
        "__conditional_annotations__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__match_args__",
        "__module__",
        "__mutable_keys__",
        "__non_callable_proto_members__",
        "__orig_bases__",
        "__parameters__",
        "__protocol_attrs__",
        "__qualname__",
        "__readonly_keys__",
        "__signature__",
        "__static_attributes__",
        "__type_params__",
        "__weakref__",
        "_abc_impl",
        "_is_protocol",
        "_is_runtime_protocol",
    }
)
"""Names that Python keeps in a class besides."""
_OF_AN_ENUMERATION = frozenset(
    f"_{name}_"
    for name in (
        "hashable_values",
        "member_map",
        "member_names",
        "member_type",
        "unhashable_values",
        "unhashable_values_map",
        "use_args",
        "value2member_map",
        "value_repr",
    )
)
"""What follows from the members; other in every version of Python."""
_MAKERS = frozenset({"abc", "collections", "dataclasses", "enum", "reprlib", "typing"})
"""Modules that write methods into a class: named tuples, data classes, protocols; other ones in every version."""


def attributes(kind: type) -> dict[str, Any]:
    """Return a class's own attributes by name, in alphabetic order; the members of an enumeration by their values."""
    found = {}
    members, derived = {}, _ADDED
    if issubclass(kind, enum.Enum):
        members = {name: member.value for name, member in kind.__members__.items()}
        derived = _ADDED | _OF_AN_ENUMERATION
    for name, value in sorted((dict(vars(kind)) | members).items()):
        # The value of a slot is the object's.
        slot = isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType)
        if not slot and name not in derived and not _generated(value):
            found[name] = value
    return found


def _generated(value: Any) -> bool:
    """Whether a method was written by Python, from the fields of a class, which the object has."""
    function = inspect.unwrap(getattr(value, "__func__", value))
    if not isinstance(function, types.FunctionType):
        return False
    if function.__code__.co_filename == "<string>":
        return True
    # They may wrap what the author wrote.
    held = [cell.cell_contents for cell in function.__closure__ or ()]
    return function.__globals__.get("__name__") in _MAKERS and all(
        _generated(part) for part in held if isinstance(part, types.FunctionType)
    )
