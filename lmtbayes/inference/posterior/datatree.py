"""Draws to the ecosystem's own object: an arviz DataTree with named coordinates, units, and attributes NetCDF takes."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float
from scipy import special

from lmtbayes.experiments.base import Experiment
from lmtbayes.inference.coordinates import Space
from lmtbayes.inference.integration.posterior_grid import PosteriorGrid
from lmtbayes.inference.likelihood.model import Data
from lmtbayes.inference.likelihood.names import PULL
from lmtbayes.inference.posterior.description import describe, prior_positions
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.parameters import ALL, described

_NOTES = {
    "lp": "log posterior density in the prior's coordinates and the pulls, up to ln Z",
    "log_likelihood": "ln L of all experiments and of the constraints",
    "jumped": "whether the step ended with a jump proposed from the grid",
    "log_weight": "ln of posterior over proposal, up to a constant",
    "energy": "Hamiltonian of the NUTS step, before the jump",
}


def to_datatree(
    space: Space,
    data: Data,
    grid: PosteriorGrid | None,
    positions: Float[np.ndarray, "draw chain parameters"],
    statistics: Mapping[str, np.ndarray],
    about: Mapping[str, Any],
    settings: Mapping[str, Any],
    identity: str,
    seconds: float,
) -> xr.DataTree:
    """Join everything that is known of a run; see `sample_posterior` for the groups.

    `statistics`, (chain, draw), and the attributes `about` are what the sampler says of its steps.
    """
    position = np.swapaxes(positions, 0, 1)
    rng = np.random.default_rng([settings["seed"], 1])
    found = describe(space, data, position, rng)
    before = describe(space, data, prior_positions(space, rng), rng)
    groups = {
        "posterior": _parameters(space, found["parameters"]),
        "unconstrained_posterior": _unconstrained(space, position),
        "sample_stats": _statistics(statistics, found, about),
        "log_likelihood": _by_bin(space, found["pointwise"], "log-likelihood"),
        "log_prior": _log_prior(space, found["log_prior"]),
        "posterior_predictive": _by_bin(space, found["predictive"], "counts"),
        "prior": _parameters(space, before["parameters"]),
        "prior_predictive": _by_bin(space, before["predictive"], "counts"),
        "observed_data": _by_bin(space, {k: np.asarray(v) for k, v in data.items()}, "counts"),
        "constant_data": _constant(space),
    }
    if grid is not None:
        groups["grid"] = _grid(grid, special.expit(position[..., : space.dimensions]))
    tree = xr.DataTree.from_dict({name: _numbered(dataset) for name, dataset in groups.items()})
    tree["posterior"].attrs.update(inference_library="numpyro", creation_library="lmtbayes")
    verdict = diagnose(tree)
    tree.attrs.update(
        {name: int(value) if isinstance(value, bool) else value for name, value in settings.items()},
        fingerprint=identity,
        model=space.joint.model.name,
        mixing=str(space.joint.model.mixing),
        seconds=seconds,
        grid_check=int(grid is not None),
        parameters=json.dumps(list(space.prior.names)),
        nuisances=json.dumps(list(space.joint.nuisance_names)),
        verdict=str(verdict),
        passed=int(verdict.passed),
    )
    return tree


def _statistics(of_sampler: Mapping[str, Any], found: Mapping[str, Any], about: Mapping[str, Any]) -> xr.Dataset:
    """What the sampler says of each of its steps, and the densities there."""
    statistics = {"lp": found["lp"], "log_likelihood": found["total"], **of_sampler}
    return xr.Dataset(
        {
            name: (("chain", "draw"), np.asarray(value), {"long_name": _NOTES[name]} if name in _NOTES else {})
            for name, value in statistics.items()
        },
        attrs=dict(about),
    )


def _numbered(dataset: xr.Dataset) -> xr.Dataset:
    """Give chain and draw their numbers."""
    numbers = {name: np.arange(dataset.sizes[name]) for name in ("chain", "draw") if name in dataset.sizes}
    return dataset.assign_coords(numbers)


def _parameters(space: Space, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    variables = {}
    nuisances = {n.name: n for n in space.joint.nuisances}
    for name, value in values.items():
        if name in nuisances:
            own = nuisances[name]
            attributes = {"long_name": own.effect, "constraint": repr(own.constraint), "source": own.source}
        else:
            attributes = described(name, space.joint.model.mixing_sign)
        variables[name] = (("chain", "draw"), value, attributes)
    return xr.Dataset(variables)


def _unconstrained(space: Space, position: np.ndarray) -> xr.Dataset:
    names = [*space.prior.names, *(name + PULL for name in space.joint.nuisance_names)]
    whose = "prior's quantile" if space.plain else "working measure's quantile"
    notes = [f"logit of the {whose}"] * space.dimensions + ["pull of the nuisance"] * len(space.joint.nuisances)
    return xr.Dataset(
        {
            name: (("chain", "draw"), position[..., k], {"long_name": note, "units": "1"})
            for k, (name, note) in enumerate(zip(names, notes, strict=True))
        }
    )


def _log_prior(space: Space, values: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Log prior density of every draw, by coordinate of the prior and by nuisance: what arviz's `psense` scales."""
    what = dict.fromkeys(space.prior.names, "log prior density") | dict.fromkeys(
        space.joint.nuisance_names, "log density of the pull under its constraint"
    )
    return xr.Dataset({name: (("chain", "draw"), x, {"long_name": what[name]}) for name, x in values.items()})


def _whole(e: Experiment, values: np.ndarray) -> np.ndarray:
    """Counts that are whole numbers as integers, which arviz's plots of counts ask for; anything else as it is."""
    is_whole = e.term.draws_poisson and np.all((values == np.rint(values)) & (values < 2.0**53))
    return values.astype(np.int64) if is_whole else values


def _by_bin(space: Space, values: Mapping[str, np.ndarray], quantity: str) -> xr.Dataset:
    variables, coordinates = {}, {}
    for e in space.joint.experiments:
        dimension = f"{e.name}_bin"
        leading = ("chain", "draw") if values[e.name].ndim == 3 else ()
        own = _whole(e, values[e.name]) if quantity == "counts" else values[e.name]
        variables[e.name] = (
            (*leading, dimension),
            own,
            {"long_name": f"{e.name}: {quantity}", "units": "1"},
        )
        edges, attributes = e.bin_edges, {"units": e.bin_unit or "1"}
        what = e.binning.quantity
        coordinates[dimension] = (
            dimension,
            0.5 * (edges[:-1] + edges[1:]),
            attributes | {"long_name": f"{what}, centre"},
        )
        coordinates[f"{e.name}_low"] = (dimension, edges[:-1], attributes | {"long_name": f"{what}, lower edge"})
        coordinates[f"{e.name}_high"] = (dimension, edges[1:], attributes | {"long_name": f"{what}, upper edge"})
    return xr.Dataset(variables, coordinates)


def _constant(space: Space) -> xr.Dataset:
    variables = {}
    for e in space.joint.experiments:
        attributes = {"units": e.bin_unit or "1", "long_name": f"bin edges of {e.name}: {e.binning.quantity}"}
        variables[f"{e.name}_edges"] = (f"{e.name}_edge", np.asarray(e.bin_edges), attributes | {"source": e.citation})
    for name, box in space.prior.box.items():
        about = described(name, space.joint.model.mixing_sign)
        variables[f"{name}_prior"] = (
            "edge",
            np.array(box),
            {**about, "long_name": f"prior's edges of {about['long_name']}"},
        )
    return xr.Dataset(variables)


def _grid(grid: PosteriorGrid, unit: np.ndarray) -> xr.Dataset:
    variables: dict[str, Any] = {}
    for name in grid.prior.names:
        edges, probability = grid.marginal(name)
        about = described(name, grid.prior.model.mixing_sign)
        variables[f"{name}_edges"] = (f"{name}_edge", edges, about)
        variables[f"{name}_probability"] = (
            f"{name}_bin",
            probability,
            {"long_name": f"posterior of {about['long_name']} in the bin"},
        )
    modes = grid.modes()
    variables["mode_weight"] = ("mode", np.array([mode.weight for mode in modes]), {"long_name": "weight by the grid"})
    labels = grid.regions()[grid.cells.locate(unit.reshape(-1, unit.shape[-1]))]
    counts = np.bincount(labels[labels >= 0], minlength=len(modes))
    occupancy = counts / max(float(counts.sum()), 1.0)
    variables["mode_occupancy"] = ("mode", occupancy, {"long_name": "weight by the chains"})
    for name in grid.prior.names:
        for part in ("peak", "low", "high"):
            values = np.array([getattr(mode, part)[name] for mode in modes])
            variables[f"mode_{part}_{name}"] = ("mode", values, {"units": ALL[name].unit})
    attributes = {
        "log_evidence": grid.log_evidence,
        "estimated_relative_error": grid.error,
        "missed_height": grid.missed,
        "cells": len(grid.cells),
        "evaluations": grid.evaluations,
    }
    return xr.Dataset(variables, attrs=attributes)
