"""An `Evidence` as plain data and as a NetCDF file, and back, with its prior and the cells of its cubature."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import read_netcdf, write_netcdf
from lmtbayes._version import __version__
from lmtbayes.errors import InvalidArgument, LmtbayesError
from lmtbayes.inference.evidence import records
from lmtbayes.inference.evidence.evidence import SHORTHAND
from lmtbayes.inference.evidence.result import Evidence, EvidenceMethod
from lmtbayes.inference.integration.cubature import Cubature
from lmtbayes.inference.integration.gauss_legendre import HIGH, LOW
from lmtbayes.inference.priors import Prior

if TYPE_CHECKING:
    import xarray as xr

_FORMAT = 1
_NUMBERS = (
    *("log_z", "bound", "sigma", "error_kind", "status", "converged", "evaluations", "log_correction"),
    *("method", "seed", "seconds"),
)
_OTHERS = ("format", "prior", "settings", "measure", "cubature")
_NODES, _CELLS = "nodes/", "cubature/"


def to_dict(evidence: Evidence) -> dict[str, Any]:
    """See `Evidence.to_dict`."""
    header, arrays = _parts(evidence)
    return header | {"arrays": {name: records.write(array) for name, array in arrays.items()}}


def from_dict(written: Mapping[str, Any], prior: Prior | None) -> Evidence:
    """See `Evidence.from_dict`."""
    if not isinstance(written, Mapping):
        raise _checks.invalid("written", type(written).__name__, "what Evidence.to_dict gives")
    try:
        _complete(written, "arrays")
        given = records.fields(written["arrays"], "arrays")
        return _whole(written, {name: records.read(array) for name, array in given.items()}, prior)
    except records.NotReadable as error:
        raise InvalidArgument(f"`written` must be what Evidence.to_dict gives; {error}") from None


def to_netcdf(evidence: Evidence, path: str | Path) -> None:
    """See `Evidence.to_netcdf`."""
    # A bare import of the package must start fast.
    import xarray as xr

    file = _path(path)
    if file.is_dir() or not file.parent.is_dir():
        raise _checks.invalid("path", str(path), "a file in a folder that exists")
    header, arrays = _parts(evidence)
    variables = {}
    for name, array in arrays.items():
        draws = name == "log_weights" or name.startswith(_NODES)
        # What has no entries has no place in a file of some engines: the reader knows its shape from the header.
        header.setdefault("shapes", {})[name] = list(array.shape)
        own = name.replace("/", "_").replace(".", "_")
        variables[own] = (["draw"] if draws else [f"{own}_{k}" for k in range(array.ndim)], array)
    dataset = xr.Dataset(
        {name: variable for name, variable in variables.items() if variable[1].size},
        attrs={
            "log_z": evidence.log_z,
            "log_z_error": evidence.log_z_error,
            "error_kind": evidence.error_kind,
            "prior": repr(evidence.prior),
            "evidence": json.dumps(header),
        },
    )
    write_netcdf(file, dataset)


def from_netcdf(path: str | Path, prior: Prior | None) -> Evidence:
    """See `Evidence.from_netcdf`."""
    file = _path(path)
    if not file.is_file():  # of a folder the HDF5 library would speak in addresses
        raise _checks.invalid("path", str(path), "a file that Evidence.to_netcdf wrote")
    try:
        dataset = read_netcdf(file, sealed=False)
        if "evidence" not in dataset.attrs:
            raise records.NotReadable("it has no attribute 'evidence'")
        header = json.loads(dataset.attrs["evidence"])
        _complete(header, "shapes")
        shapes = records.fields(header["shapes"], "shapes")
        arrays = {name: _variable(dataset, name, shape) for name, shape in shapes.items()}
        return _whole(header, arrays, prior)
    except (OSError, TypeError, ValueError) as error:
        # Not the prior that the reader gives, or does not give.
        if isinstance(error, InvalidArgument) and not isinstance(error, records.NotReadable):
            raise
        raise InvalidArgument(f"`path` must be a file that Evidence.to_netcdf wrote; {str(path)!r}: {error}") from None


def _path(path: str | Path) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise _checks.invalid("path", path, "the path of a file")
    return Path(path).expanduser()


def _variable(dataset: "xr.Dataset", name: str, shape: Any) -> np.ndarray:
    """Array of a variable; what has no entries is in no file."""
    own = name.replace("/", "_").replace(".", "_")
    if own in dataset:
        found = dataset[own].values
        if list(found.shape) == shape:
            return found
        raise records.NotReadable(f"its variable {own!r} must have the shape {shape}; got {list(found.shape)}")
    if isinstance(shape, list) and 0 in shape:
        return np.zeros(shape)
    raise records.NotReadable(f"it has no variable {own!r}")


def _complete(header: Any, arrays: str) -> None:
    records.fields(header, "header", "format")
    if header["format"] != _FORMAT:
        raise records.NotReadable(
            f"it must be in format {_FORMAT}; got format {header['format']!r}, by lmtbayes {header.get('lmtbayes')}"
        )
    records.fields(header, "header", *_NUMBERS, *_OTHERS, arrays)


def _parts(evidence: Evidence) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What is plain, and the arrays by name."""
    arrays = {"log_weights": evidence.log_weights}
    arrays |= {_NODES + name: np.asarray(values) for name, values in evidence.nodes.items()}
    header: dict[str, Any] = {"format": _FORMAT, "lmtbayes": __version__}
    header |= {name: records.write(_plain(getattr(evidence, name))) for name in _NUMBERS}
    header |= {"prior": records.write_prior(evidence.prior), "settings": None, "measure": None, "cubature": None}
    if evidence.settings is not None and SHORTHAND.get(evidence.method) is type(evidence.settings):
        header["settings"] = {
            f.name: records.write(_plain(getattr(evidence.settings, f.name)))
            for f in dataclasses.fields(SHORTHAND[evidence.method])
        }
    if evidence.cubature is not None:
        header["cubature"], cells = records.split(evidence.cubature)
        arrays |= {_CELLS + name: array for name, array in cells.items()}
        measure = evidence.measure or evidence.prior
        # Only where it differs, by tables of quantiles: whatever the prior is made of, the reader has it.
        header["measure"] = {
            name: records.write(distribution)
            for name, distribution in measure.distributions.items()
            if distribution is not evidence.prior.distributions[name]
        }
    return header, arrays


def _plain(value: Any) -> Any:
    """NumPy's single numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _whole(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], given: Prior | None) -> Evidence:
    prior = records.read_prior(header["prior"], given)
    if "log_weights" not in arrays:
        raise records.NotReadable("it has no array 'log_weights'")
    nodes = {name.removeprefix(_NODES): x for name, x in arrays.items() if name.startswith(_NODES)}
    cells = {name.removeprefix(_CELLS): x for name, x in arrays.items() if name.startswith(_CELLS)}
    if len(arrays) > 1 + len(nodes) + len(cells) or (cells and header["cubature"] is None):
        raise records.NotReadable(f"its arrays, {', '.join(arrays)}, are not those of its header")
    cubature = None if header["cubature"] is None else _cubature(header["cubature"], cells, len(prior.names))
    settings, measure = _settings(header), _measure(header, prior)
    numbers = {name: records.read(header[name]) for name in _NUMBERS}
    try:
        return Evidence(
            prior=prior,
            settings=settings,
            cubature=cubature,
            measure=measure,
            nodes=nodes,
            log_weights=arrays["log_weights"],
            **numbers,
        )
    except LmtbayesError as error:
        raise records.NotReadable(str(error)) from None


def _settings(header: Mapping[str, Any]) -> EvidenceMethod | None:
    if header["settings"] is None:
        return None
    method, written = header["method"], records.fields(header["settings"], "settings")
    try:
        _checks.one_of("method", method, SHORTHAND)
        names = [field.name for field in dataclasses.fields(SHORTHAND[method])]
        for name in written:
            if name not in names:
                raise _checks.unknown(f"setting of method {method!r}", name, names)
        return SHORTHAND[method](**{name: records.read(value) for name, value in written.items()})
    except LmtbayesError as error:
        raise records.NotReadable(str(error)) from None


def _measure(header: Mapping[str, Any], prior: Prior) -> Prior:
    """The prior, but for the coordinates that are written."""
    if header["measure"] is None:
        return prior
    written = records.fields(header["measure"], "measure")
    own = {name: records.read(distribution) for name, distribution in written.items()}
    try:
        return records.new_prior(prior.model, {**prior.distributions, **own}) if own else prior
    except LmtbayesError as error:
        raise records.NotReadable(f"its measure cannot be: {error}") from None


def _cubature(written: Any, arrays: Mapping[str, np.ndarray], dim: int) -> Cubature:
    """Cells as they were, each with the nodes of its rules."""
    found = records.joined(Cubature, records.fields(written, "cubature"), arrays)
    count = len(np.atleast_1d(found.cells.low))
    shapes = {
        "low": (count, dim),
        "width": (count, dim),
        "low_values": (count, LOW**dim),
        "high_values": (count, HIGH**dim),
    }
    for name, shape in shapes.items():
        given = np.shape(getattr(found.cells, name))
        if given != shape:
            raise records.NotReadable(f"its array {_CELLS}cells.{name} must have the shape {shape}; got {given}")
    for name in ("log_z", "log_z_error"):
        if type(getattr(found, name)) is not float:
            raise records.NotReadable(f"{name} of its cubature must be a number; got {getattr(found, name)!r}")
    return found
