"""What a profile found in every cell of its grid, and that as an xarray Dataset."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.devices import Devices
from lmtbayes.inference.frequentist.about_fits import about_fits
from lmtbayes.inference.frequentist.best_fit import BestFit
from lmtbayes.inference.frequentist.box import Box, photon_at, physical
from lmtbayes.inference.frequentist.counting import counting_variables
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.parameters import described

if TYPE_CHECKING:
    import xarray

STATUS = ("converged", "at_edge_of_range", "not_converged")
_FLAGS = {"flag_values": np.arange(3, dtype=np.int8), "flag_meanings": " ".join(STATUS)}
EDGE = 1e-6
"""Of a logarithm: how near an edge of its range counts as on it."""


_APART = 0.02
"""Of logarithms: ends of two climbs closer than this are one maximum."""
_RIVAL = 20.0
"""Of ln L below the best of a cell: what ends lower is not the best in a cell beside it either."""


class ProfileCells:
    """What was found in every cell, in coordinates of the box; the last axis of `x` follows the box's names."""

    def __init__(self, shape: tuple[int, ...], parameters: int, nuisances: int):
        self.value = np.full(shape, -np.inf)
        self.x = np.full((*shape, parameters), np.nan)
        self.pulls = np.full((*shape, nuisances), np.nan)
        self.converged = np.zeros(shape, dtype=bool)
        self.second = np.full((*shape, parameters + nuisances), np.nan)
        """Coordinates and pulls of the end of a lower climb, if it is another maximum."""

    def fill(
        self, at: tuple[np.ndarray, np.ndarray], x: np.ndarray, pulls: np.ndarray, value: np.ndarray
    ) -> Int[np.ndarray, " climbs"]:
        """Enter the ends of climbs in the cells `at`, several in some; returns their order, the best of a cell last."""
        order = np.argsort(value, kind="stable")
        where = (at[0][order], at[1][order])
        self.value[where], self.x[where], self.pulls[where] = value[order], x[order], pulls[order]
        other = (np.abs(x[order] - self.x[where]).max(axis=-1) > _APART) & (value[order] > self.value[where] - _RIVAL)
        self.second[where[0][other], where[1][other]] = np.concatenate([x, pulls], axis=-1)[order][other]
        return order

    def taken(self, axis: int, which: np.ndarray) -> "ProfileCells":
        """Take lines of one direction."""
        return self._of(lambda field: np.take(getattr(self, field), which, axis=axis))

    def joined(self, other: "ProfileCells", axis: int, order: np.ndarray) -> "ProfileCells":
        """Put the cells of other lines beside one's own, all lines in a given order."""

        def both(field: str) -> np.ndarray:
            return np.take(np.concatenate([getattr(self, field), getattr(other, field)], axis=axis), order, axis=axis)

        return self._of(both)

    @classmethod
    def _of(cls, make: Callable[[str], np.ndarray]) -> "ProfileCells":
        result = cls((0, 0), 0, 0)
        for field in ("value", "x", "pulls", "converged", "second"):
            setattr(result, field, make(field))
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
    x, value = (array.reshape(*shape, *array.shape[2:]) for array in (cells.x, cells.value))
    free = [i for i, name in enumerate(box.names) if name not in grid]
    variables: dict[str, Any] = {
        "q": (dims, np.maximum(2.0 * (best.log_likelihood - value), 0.0), {"long_name": "-2 ln lambda", "units": "1"}),
        "log_likelihood": (dims, value, {"long_name": "profiled ln L", "units": "1"}),
        "status": (dims, _status(box, x, cells.converged.reshape(shape), free), _FLAGS),
    }
    photons = jax.vmap(lambda row: photon_at(like.model, dict(zip(box.names, row, strict=True))))(
        jnp.asarray(x.reshape(-1, len(box.names)))
    )
    flat = cells.pulls.reshape(value.size, len(like.nuisances))
    for name, (array, about) in counting_variables(like, photons, flat, devices).items():
        variables[name] = (dims, array.reshape(shape), about)
    for name, array in _physical(like, photons).items():
        if name not in grid:
            about = described(name, like.model.mixing_sign)
            about["long_name"] = f"profiled {about['long_name']}"
            variables[name] = (dims, array.reshape(shape), about)
    coords: dict[str, Any] = {
        name: (name, values, described(name, like.model.mixing_sign)) for name, values in grid.items()
    }
    if like.nuisances:
        pulls = flat.reshape(*shape, -1)
        variables["pull"] = ((*dims, "nuisance"), pulls, {"long_name": "pull at the profile's maximum"})
        coords["nuisance"] = ("nuisance", list(like.nuisance_names))
    return xarray.Dataset(variables, coords, _attributes(like, box, best, free) | dict(refinement) | _best_pulls(best))


def _status(
    box: Box, x: Float[np.ndarray, "*cells parameters"], converged: Bool[np.ndarray, "*cells"], free: Sequence[int]
) -> Int8[np.ndarray, "*cells"]:
    edge = (np.abs(x - box.low) < EDGE) | (np.abs(x - box.high) < EDGE)
    return np.where(converged, edge[..., free].any(axis=-1).astype(np.int8), np.int8(2))


def _physical(like: JointLikelihood, photons: HiddenPhoton) -> dict[str, np.ndarray]:
    found = physical(like.model, *(np.asarray(x) for x in (photons.g_x, photons.mass, photons.eps_x)))
    return {name: array for name, array in found.items() if name != "kappa" or like.model.mixing == "free"}


def _attributes(like: JointLikelihood, box: Box, best: BestFit, free: Sequence[int]) -> dict[str, Any]:
    return {
        "title": "profile likelihood",
        **about_fits(like, box),
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
    }


def _best_pulls(best: BestFit) -> dict[str, float]:
    return {f"best_pull_{name}": pull for name, pull in best.pulls.items()}
