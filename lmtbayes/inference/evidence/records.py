"""Priors, settings and dataclasses of arrays as plain numbers, text, lists and dicts, which JSON takes, and back.

A distribution is written as the name of its class and the arguments of its constructor, for numpyro's and this
package's own; whether that gives the same distribution again is tried before it is relied on. One that cannot be
written so is left to whoever reads, who gives the prior, and its fingerprint tells whether it is the same.
"""

import dataclasses
import functools
import inspect
import math
import reprlib
import typing
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import numpyro.distributions as dist

from lmtbayes import _checks
from lmtbayes.errors import InvalidArgument, UnitsWarning, UnknownName
from lmtbayes.gauge.models import GaugeModel
from lmtbayes.inference.distributions.signed import SignedLogUniform
from lmtbayes.inference.distributions.tabulated import Tabulated
from lmtbayes.inference.identity.fingerprint import fingerprint
from lmtbayes.inference.priors import Prior

type Plain = bool | int | float | str | list[Any] | dict[str, Any] | None

_OWN = {kind.__name__: kind for kind in (SignedLogUniform, Tabulated)}


class NotWritable(InvalidArgument):
    """Something that plain data cannot say; caught where the reader can help."""


class NotReadable(InvalidArgument):
    """What is wrong with what was written; who reads says where it stands."""


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
    """Inverse of `write`.

    Raises
    ------
    NotReadable
        Not of `write`.
    """
    if not isinstance(written, Mapping):
        return written
    try:
        if "float" in written:
            return float(written["float"])
        if "array" in written:
            return _array(written)
        kind = _known(str(written.get("distribution")))
        if kind is not None:
            return kind(**{name: read(argument) for name, argument in written["arguments"].items()})
    except NotReadable:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotReadable(f"{_short(written)} is no number, array or distribution ({error})") from None
    raise NotReadable(f"this release cannot read {_short(written)}")


def _array(written: Mapping[str, Any]) -> np.ndarray:
    dtype = np.dtype(written["dtype"])
    if dtype.kind not in "biuf":
        raise ValueError(f"dtype {written['dtype']!r}")
    # Words among the numbers are "nan", "inf" and "-inf".
    flat = np.array([float(x) if isinstance(x, str) else x for x in written["array"]], dtype=dtype)
    return flat.reshape(written["shape"])


def _short(written: Mapping[str, Any]) -> str:
    return reprlib.repr(dict(written))


def fields(written: Any, what: str, *names: str) -> Mapping[str, Any]:
    """Require a mapping with these entries.

    Raises
    ------
    NotReadable
        It is none, or has not all of them.
    """
    if not isinstance(written, Mapping):
        raise NotReadable(f"its {what} must be a mapping; got {reprlib.repr(written)}")
    lacking = [name for name in names if name not in written]
    if lacking:
        raise NotReadable(f"its {what} has no {', '.join(lacking)}")
    return written


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
        whole = written | {"distributions": {name: write(d) for name, d in prior.distributions.items()}}
        read_prior(whole)  # compares the fingerprints
    except (InvalidArgument, TypeError, ValueError):
        return written
    return whole


def read_prior(written: Mapping[str, Any], given: Prior | None = None) -> Prior:
    """Prior that `write_prior` wrote, or the one that is given, if it is the same.

    Raises
    ------
    InvalidArgument
        It could not be written and is not given; the one that is given is another; what was written was changed.
    """
    fields(written, "prior", "text", "fingerprint", "model", "distributions")
    if given is not None:
        if not isinstance(given, Prior):
            raise _checks.invalid("prior", given, "a Prior, or None")
        if fingerprint(given) != written["fingerprint"]:
            raise InvalidArgument(f"`prior` must be the one of the evidence, {written['text']}; got {given!r}")
        return given
    if written["distributions"] is None:
        raise InvalidArgument(
            f"`prior` must be given: the evidence is of {written['text']}, with a distribution that no file holds"
        )
    about = fields(written["model"], "prior's model", "name", "charges", "mixing", "new_physics_scale")
    charges = {p: read(charge) for p, charge in fields(about["charges"], "prior's charges").items()}
    distributions = {name: read(d) for name, d in fields(written["distributions"], "prior's distributions").items()}
    try:
        model = GaugeModel(about["name"], charges, about["mixing"], read(about["new_physics_scale"]))
        prior = new_prior(model, distributions)
    except (InvalidArgument, UnknownName) as error:
        raise NotReadable(f"its prior cannot be: {error}") from None
    if fingerprint(prior) != written["fingerprint"]:
        raise NotReadable(
            f"its prior, {prior!r}, is not the one of the evidence, {written['text']}, as the fingerprint tells: it was"
            " changed after it was written, or written by a release that tells priors apart otherwise"
        )
    return prior


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
    """Inverse of `split`.

    Raises
    ------
    NotReadable
        A field that is missing.
    """
    found: dict[str, Any] = {}
    hints = typing.get_type_hints(kind)
    for name in inspect.signature(kind).parameters:
        hint = hints[name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found[name] = joined(hint, values, arrays, f"{prefix}{name}.")
        elif prefix + name in arrays:
            found[name] = arrays[prefix + name]
        else:
            found[name] = read(fields(values, "cubature", prefix + name)[prefix + name])
    return kind(**found)


@functools.cache
def _known(name: str) -> type[dist.Distribution] | None:
    """Class of a distribution by its name: this package's own, or numpyro's."""
    kind = _OWN.get(name, getattr(dist, name, None))
    if kind is None:
        # Some are made by functions and are not exported, as what `TruncatedNormal` gives.
        kind = getattr(dist.truncated, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, dist.Distribution) else None
