"""Priors, settings and dataclasses of arrays as plain numbers, text, lists and dicts, which JSON takes, and back.

A distribution is written as the name of its class and the arguments of its constructor, for numpyro's and this
package's own; whether that gives the same distribution again is tried before it is relied on. One that cannot be
written so is left to whoever reads, who gives the prior, and its fingerprint tells whether it is the same.
"""

import dataclasses
import functools
import inspect
import math
import typing
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import numpyro.distributions as dist

from lmtbayes.errors import InvalidArgument, UnitsWarning
from lmtbayes.gauge.models import GaugeModel
from lmtbayes.inference.distributions.signed import SignedLogUniform
from lmtbayes.inference.distributions.tabulated import Tabulated
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.priors import Prior

type Plain = bool | int | float | str | list[Any] | dict[str, Any] | None

_OWN = {kind.__name__: kind for kind in (SignedLogUniform, Tabulated)}


class NotWritable(InvalidArgument):
    """Something that plain data cannot say; caught where the reader can help."""


def write(value: Any) -> Plain:
    """Plain form of a number, text, array or distribution; no float is rounded, infinities are words."""
    if value is None or isinstance(value, bool | str) or type(value) is int:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        array = np.asarray(value)
        if array.dtype.kind in "biuf":
            flat = [x if not isinstance(x, float) or math.isfinite(x) else str(x) for x in array.ravel().tolist()]
            return {"array": flat, "dtype": array.dtype.str, "shape": list(array.shape)}
    if isinstance(value, dist.Distribution) and _known(type(value).__name__) is type(value):
        names = [name for name in inspect.signature(type(value)).parameters if name != "validate_args"]
        if all(hasattr(value, name) for name in names):
            return {
                "distribution": type(value).__name__,
                "arguments": {name: write(getattr(value, name)) for name in names},
            }
    raise NotWritable(f"plain data cannot hold {value!r}")


def read(written: Any) -> Any:
    """Inverse of `write`."""
    if not isinstance(written, Mapping):
        return written
    if "float" in written:
        return float(written["float"])
    if "array" in written:
        # Words among the numbers are "nan", "inf" and "-inf".
        dtype = np.dtype(written["dtype"])
        flat = np.array([float(x) if isinstance(x, str) else x for x in written["array"]], dtype=dtype)
        return flat.reshape(written["shape"])
    kind = _known(str(written.get("distribution")))
    if kind is None:
        raise InvalidArgument(f"`written` holds something that this release cannot read: {dict(written)!r}")
    return kind(**{name: read(argument) for name, argument in written["arguments"].items()})


def write_prior(prior: Prior) -> dict[str, Any]:
    """Model, text and fingerprint of a prior, and its distributions where they can be written.

    Raises
    ------
    InvalidArgument
        A distribution with code that cannot be told from other code.
    """
    model = prior.model
    written: dict[str, Any] = {
        "text": repr(prior),
        "fingerprint": fingerprint(prior),
        "model": {
            "name": model.name,
            "charges": {particle: write(float(charge)) for particle, charge in model.charges.items()},
            "mixing": model.mixing,
            "new_physics_scale": write(model.new_physics_scale),
        },
        "distributions": None,
    }
    try:
        distributions = {name: write(d) for name, d in prior.distributions.items()}
        again = read_prior(written | {"distributions": distributions})
        same = {name: fingerprint(d) for name, d in again.distributions.items()} == {
            name: fingerprint(d) for name, d in prior.distributions.items()
        }
    except (InvalidArgument, TypeError, ValueError):
        return written
    return written | {"distributions": distributions} if same else written


def read_prior(written: Mapping[str, Any], given: Prior | None = None) -> Prior:
    """Prior that `write_prior` wrote, or the one that is given, if it is the same.

    Raises
    ------
    InvalidArgument
        It could not be written and is not given; the one that is given is another.
    """
    if given is not None:
        if fingerprint(given) != written["fingerprint"]:
            raise InvalidArgument(f"`prior` must be the one of the evidence, {written['text']}; got {given!r}")
        return given
    if written["distributions"] is None:
        raise InvalidArgument(
            f"`prior` must be given: the evidence is of {written['text']}, with a distribution that no file holds"
        )
    fields = written["model"]
    charges = {particle: read(charge) for particle, charge in fields["charges"].items()}
    model = GaugeModel(fields["name"], charges, fields["mixing"], read(fields["new_physics_scale"]))
    return new_prior(model, {name: read(d) for name, d in written["distributions"].items()})


def new_prior(model: GaugeModel, distributions: Mapping[str, dist.Distribution]) -> Prior:
    """Prior that was one before: what its units look like has been said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)
        return Prior(model, distributions)


def split(thing: Any, prefix: str = "") -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Numbers and text of a dataclass of those, of arrays and of such dataclasses; and its arrays; by dotted names."""
    values: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for each in dataclasses.fields(thing):
        value, name = getattr(thing, each.name), prefix + each.name
        if dataclasses.is_dataclass(value):
            inner_values, inner_arrays = split(value, name + ".")
            values |= inner_values
            arrays |= inner_arrays
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            values[name] = write(value)
    return values, arrays


def joined[T](kind: type[T], values: Mapping[str, Any], arrays: Mapping[str, np.ndarray], prefix: str = "") -> T:
    """Inverse of `split`."""
    found: dict[str, Any] = {}
    hints = typing.get_type_hints(kind)
    for name in inspect.signature(kind).parameters:
        hint = hints[name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found[name] = joined(hint, values, arrays, f"{prefix}{name}.")
        else:
            found[name] = arrays[prefix + name] if prefix + name in arrays else read(values[prefix + name])
    return kind(**found)


@functools.cache
def _known(name: str) -> type[dist.Distribution] | None:
    """Class of a distribution by its name: this package's own, or numpyro's."""
    kind = _OWN.get(name, getattr(dist, name, None))
    if kind is None:
        # Some are made by functions and are not exported, as what `TruncatedNormal` gives.
        kind = getattr(dist.truncated, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, dist.Distribution) else None
