"""What a profile found in every cell of its grid, and that as an xarray Dataset."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from lmtbayes._version import versions
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.frequentist.best_fit import BestFit
from lmtbayes.inference.frequentist.box import Box, photon_at
from lmtbayes.inference.frequentist.counting import counting_variables
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.parameters import PARAMETERS

if TYPE_CHECKING:
    import xarray

STATUS = ("converged", "at_edge_of_range", "not_converged")
_EDGE = 1e-6


class ProfileCells:
    """What was found in every cell, in coordinates of the box; the last axis of `x` follows the box's names."""

    def __init__(self, shape: tuple[int, ...], parameters: int, nuisances: int):
        self.value = np.full(shape, -np.inf)
        self.x = np.full((*shape, parameters), np.nan)
        self.pulls = np.full((*shape, nuisances), np.nan)
        self.converged = np.zeros(shape, dtype=bool)

    def joined(self, other: "ProfileCells", axis: int, order: np.ndarray) -> "ProfileCells":
        """Put the cells of other lines beside one's own, all lines in a given order."""
        result = ProfileCells((0, 0), 0, 0)
        for field in ("value", "x", "pulls", "converged"):
            both = np.concatenate([getattr(self, field), getattr(other, field)], axis=axis)
            setattr(result, field, np.take(both, order, axis=axis))
        return result


def profile_dataset(
    like: JointLikelihood,
    box: Box,
    grid: Mapping[str, np.ndarray],
    cells: ProfileCells,
    best: BestFit,
    devices: Devices,
    refinement: Mapping[str, Any],
) -> "xarray.Dataset":
    """Join cells and best fit; see `profile_likelihood` for the variables."""
    import xarray

    dims = tuple(grid)
    shape = tuple(values.size for values in grid.values())

    def on_grid(array: np.ndarray) -> np.ndarray:
        return array.reshape(*shape, *array.shape[2:])

    x = on_grid(cells.x)
    value = on_grid(cells.value)
    free = [i for i, name in enumerate(box.names) if name not in grid]
    edge = (np.abs(x - box.low) < _EDGE) | (np.abs(x - box.high) < _EDGE)
    status = np.where(on_grid(cells.converged), edge[..., free].any(axis=-1).astype(np.int8), np.int8(2))
    photon = jax.vmap(lambda row: photon_at(like.model, dict(zip(box.names, row, strict=True))))(
        jnp.asarray(x.reshape(-1, len(box.names)))
    )
    profiled = {name: np.asarray(getattr(photon, name)).reshape(shape) for name in ("g_x", "mass", "eps_x")}
    if like.model.mixing == "free":
        profiled["kappa"] = like.model.mixing_sign * profiled["eps_x"] / profiled["g_x"]

    variables: dict[str, Any] = {
        "q": (dims, np.maximum(2.0 * (best.log_likelihood - value), 0.0), {"long_name": "-2 ln lambda", "units": "1"}),
        "log_likelihood": (dims, value, {"long_name": "profiled ln L", "units": "1"}),
        "status": (dims, status, {"flag_values": np.arange(3, dtype=np.int8), "flag_meanings": " ".join(STATUS)}),
    }
    flat = cells.pulls.reshape(value.size, len(like.nuisances))
    for name, (array, about) in counting_variables(like, photon, flat, devices).items():
        variables[name] = (dims, array.reshape(shape), about)
    for name, array in profiled.items():
        if name not in grid:
            own = PARAMETERS[name]
            variables[name] = (dims, array, {"long_name": f"profiled {own.long_name}", "units": own.unit})
    coords: dict[str, Any] = {
        name: (name, values, {"long_name": PARAMETERS[name].long_name, "units": PARAMETERS[name].unit})
        for name, values in grid.items()
    }
    if like.nuisances:
        variables["pull"] = ((*dims, "nuisance"), on_grid(cells.pulls), {"long_name": "pull at the profile's maximum"})
        coords["nuisance"] = ("nuisance", list(like.nuisance_names))
    attrs = {
        "title": "profile likelihood",
        "experiments": ", ".join(e.name for e in like.experiments),
        "model": like.model.name,
        "mixing": like.model.mixing,
        "best_g_x": best.g_x,
        "best_mass": best.mass,
        "best_eps_x": best.eps_x,
        "best_log_likelihood": best.log_likelihood,
        "best_converged": int(best.converged),
        "best_at_edge": ", ".join(best.at_edge),
        "deviance": best.deviance,
        "bins": best.bins,
        "free_parameters": best.free_parameters,
        "p_value": best.asymptotic_p_value,
        "p_value_note": best.few_events or "many events are expected in every bin",
        "profiled": ", ".join([box.names[i] for i in free] + list(like.nuisance_names)),
        "ranges": box.describe(),
        **{f"{package}_version": number for package, number in versions().items()},
    }
    attrs |= dict(refinement)
    attrs |= {f"best_pull_{name}": pull for name, pull in best.pulls.items()}
    return xarray.Dataset(variables, coords, attrs)
