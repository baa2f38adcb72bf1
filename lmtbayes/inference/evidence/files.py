"""An `Evidence` as plain data and as a NetCDF file, and back, with its prior and the cells of its cubature."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import whole
from lmtbayes._version import __version__
from lmtbayes.errors import InvalidArgument
from lmtbayes.inference.evidence import records
from lmtbayes.inference.evidence.evidence import SHORTHAND
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.integration.cubature import Cubature
from lmtbayes.inference.priors import Prior

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
    lacking = [name for name in (*_NUMBERS, *_OTHERS, "arrays") if name not in written]
    if lacking:
        raise InvalidArgument(f"`written` must be what Evidence.to_dict gives; it has no {', '.join(lacking)}")
    arrays = {name: records.read(array) for name, array in written["arrays"].items()}
    return _whole(written, arrays, prior)


def to_netcdf(evidence: Evidence, path: str | Path) -> None:
    """See `Evidence.to_netcdf`."""
    # A bare import of the package must start fast.
    import xarray as xr

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
    if not Path(path).expanduser().parent.is_dir():
        raise _checks.invalid("path", str(path), "a file in a folder that exists")
    with whole(Path(path).expanduser()) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")


def from_netcdf(path: str | Path, prior: Prior | None) -> Evidence:
    """See `Evidence.from_netcdf`."""
    import xarray as xr

    try:
        opened = xr.open_dataset(path, engine="h5netcdf")
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"`path` must be a file that Evidence.to_netcdf wrote; {str(path)!r}: {error}") from None
    with opened as dataset:
        if "evidence" not in dataset.attrs:
            raise _checks.invalid("path", str(path), "a file that Evidence.to_netcdf wrote")
        header = json.loads(dataset.attrs["evidence"])
        arrays = {}
        for name, shape in header["shapes"].items():
            own = name.replace("/", "_").replace(".", "_")
            arrays[name] = dataset[own].values if own in dataset else np.zeros(shape)
    return _whole(header, arrays, prior)


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
    if header.get("format") != _FORMAT:
        raise InvalidArgument(
            f"`written` must be an evidence in format {_FORMAT}; got format {header.get('format')!r}, by lmtbayes "
            f"{header.get('lmtbayes')}"
        )
    prior = records.read_prior(header["prior"], given)
    settings, cubature, measure = None, None, prior
    if header["settings"] is not None:
        settings = SHORTHAND[header["method"]](**{k: records.read(v) for k, v in header["settings"].items()})
    if header["cubature"] is not None:
        cells = {name.removeprefix(_CELLS): x for name, x in arrays.items() if name.startswith(_CELLS)}
        cubature = records.joined(Cubature, header["cubature"], cells)
    if header["measure"]:
        own = {name: records.read(distribution) for name, distribution in header["measure"].items()}
        measure = records.new_prior(prior.model, {**prior.distributions, **own})
    return Evidence(
        prior=prior,
        settings=settings,
        cubature=cubature,
        measure=measure,
        nodes={name.removeprefix(_NODES): x for name, x in arrays.items() if name.startswith(_NODES)},
        log_weights=arrays["log_weights"],
        **{name: records.read(header[name]) for name in _NUMBERS},
    )
