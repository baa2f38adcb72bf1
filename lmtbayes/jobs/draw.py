"""Pictures of a fit: corner, posterior-predictive spectra, nuisances, and posterior and profile in one plane."""

from pathlib import Path
from typing import TYPE_CHECKING

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.muon_g2 import PRESETS, UNIT
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.gauge.muon_g2 import delta_a_mu
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.names import PULL
from lmtbayes.jobs import pictures
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.plotting import planes
from lmtbayes.plotting.corner import corner
from lmtbayes.plotting.predictive import predictive_spectrum
from lmtbayes.plotting.pulls import pull_plot
from lmtbayes.plotting.style import style

if TYPE_CHECKING:
    import xarray as xr

G2_BAND = "muon-g2-2021"
"""Whose 2 sigma band is drawn for orientation where a fit has no g-2 of its own; the paper's. The legend names it."""
_MOST_NAMES = 6
"""That a title has room for."""


def group(tree: "xr.DataTree", name: str) -> "xr.Dataset":
    """One group of a tree as a Dataset."""
    return tree[name].to_dataset()


def coordinates(photon: HiddenPhoton | None, model: GaugeModel) -> dict[str, float] | None:
    """The corner picture's coordinates of a photon; None without a boson to mark.

    No kappa where the mixing has the other sign than the model's loop: its logarithm is then no number.
    """
    if photon is None or float(photon.g_x) == 0.0:
        return None
    values = {"log10_g_x": np.log10(float(photon.g_x)), "log10_mass": np.log10(float(photon.mass))}
    kappa = model.mixing_sign * float(photon.eps_x) / float(photon.g_x)
    if kappa > 0.0:
        values["log10_kappa"] = np.log10(kappa)
    return values


def modes(posterior: "xr.DataTree", names: list[str], least_weight: float = 0.02) -> list[dict[str, float]]:
    """Peaks of the modes that the grid found, those that hold at least `least_weight` of the posterior."""
    if "grid" not in posterior.children or any(f"mode_peak_{name}" not in group(posterior, "grid") for name in names):
        return []
    grid = group(posterior, "grid")
    heavy = np.flatnonzero(grid["mode_weight"].values >= least_weight)
    return [{name: float(grid[f"mode_peak_{name}"].values[i]) for name in names} for i in heavy]


def draw(
    folder: Path,
    like: JointLikelihood,
    settings: FitSettings,
    posterior: "xr.DataTree",
    profile: "xr.Dataset | None",
    suffix: str = "pdf",
) -> None:
    """Write corner, predictive, pull and plane pictures into the folder."""
    names = [name for name in settings.prior.names if name.startswith("log10_")]
    samples = {name: group(posterior, "posterior")[name].values.ravel() for name in names}
    prior = {name: group(posterior, "prior")[name].values.ravel() for name in names}
    axes = corner(
        samples,
        prior=prior,
        truth=coordinates(settings.true_photon, settings.gauge_model),
        modes=modes(posterior, names),
        bounds={name: settings.prior.box[name] for name in names},
    )
    pictures.save(axes[0, 0].figure, folder / f"corner.{suffix}")
    with style():
        for e in like.experiments:
            if e.n_bins > 1:
                pictures.save(predictive(like, e, posterior), folder / f"predictive_{e.name}.{suffix}")
    if like.nuisances:
        pictures.save(nuisances(like, posterior), folder / f"pulls.{suffix}")
    if profile is not None:
        pictures.save(plane(settings, posterior, profile), folder / f"plane.{suffix}")


def predictive(like: JointLikelihood, e: Experiment, posterior: "xr.DataTree", most: int = 1000) -> Figure:
    """Data of one experiment over what the posterior expects of it, at up to `most` draws."""
    draws = posterior["posterior"].to_dataset().stack(sample=("chain", "draw"))
    chosen = np.linspace(0, draws.sizes["sample"] - 1, min(most, draws.sizes["sample"])).astype(int)
    values = {name: draws[name].values[chosen] for name in ("g_x", "mass", "eps_x", *like.nuisance_names)}
    photon = HiddenPhoton(values.pop("g_x"), values.pop("mass"), values.pop("eps_x"))
    own = {n.name: values[n.name] for n in e.nuisances}
    figure, axis = plt.subplots(figsize=(5.2, 3.8))
    predictive_spectrum(
        axis,
        e.bin_edges,
        np.asarray(like.data[e.name]),
        np.asarray(e.expected_counts(like.model, photon, own)),
        group(posterior, "posterior_predictive")[e.name].values.reshape(-1, e.n_bins).astype(float),
        xlabel=f"{e.binning.quantity} [{e.bin_unit}]" if e.bin_unit else e.binning.quantity,
        title=e.title,
    )
    axis.legend()
    return figure


def nuisances(like: JointLikelihood, posterior: "xr.DataTree") -> Figure:
    """Posterior mean and standard deviation of every nuisance's pull, over what was known of it before the fit.

    In standard deviations of its constraint; where that has several solutions, of the heaviest.
    """
    draws = group(posterior, "unconstrained_posterior")
    pulls = np.array([draws[name + PULL].values.ravel() for name in like.nuisance_names])
    with style():
        figure, axis = plt.subplots(figsize=(5.2, 1.6 + 0.3 * len(pulls)))
        label = "posterior, mean and standard deviation"
        pull_plot(axis, like.nuisance_names, pulls.mean(axis=1), pulls.std(axis=1), label)
        axis.set_xlabel(r"pull $(\theta - \theta_0)/\sigma_0$ of the constraint")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    return figure


def plane(settings: FitSettings, posterior: "xr.DataTree | None", profile: "xr.Dataset") -> Figure:
    """Profile contours and posterior regions at 68 % and 95 % in the (mass, g_x) plane, a g-2 band and the truth."""
    with style():
        figure, axis = plt.subplots(figsize=(6.0, 4.6))
        plane_on(axis, settings, posterior, profile, g2_preset(settings))
        names = [name.partition(":")[0] for name in settings.experiments]
        axis.set_title(", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} data sets", fontsize=9)
        planes.legend(axis, loc="upper left")
    return figure


def g2_preset(settings: FitSettings) -> str:
    """The g-2 preset whose band belongs into a picture of a fit: its own where it has one."""
    names = [name.partition(":")[0] for name in settings.experiments]
    return next((name for name in names if name in PRESETS), G2_BAND)


def plane_on(
    axis: Axes,
    settings: FitSettings,
    posterior: "xr.DataTree | None",
    profile: "xr.Dataset",
    preset: str = G2_BAND,
) -> None:
    """Draw what `plane` shows on given axes, with the band of a g-2 preset."""
    mass, g_x = profile["mass"].values, profile["g_x"].values
    planes.plane(axis, (mass[0], mass[-1]), (g_x[0], g_x[-1]))
    lower, upper = g2_band(settings.gauge_model, mass, preset)
    planes.band(axis, mass, lower, upper, label=f"$(g-2)_\\mu$ {preset.removeprefix('muon-g2-')}, $2\\sigma$")
    if posterior is not None:
        draws = group(posterior, "posterior")
        planes.draws_regions(
            axis,
            draws["mass"].values,
            draws["g_x"].values,
            mass_bounds=settings.mass,
            coupling_bounds=settings.g_x,
            label="posterior, 68 % and 95 %",
        )
    q = profile["q"].transpose("g_x", "mass").values
    planes.profile_regions(axis, mass, g_x, q, label="profile, 68 % and 95 %", fill=0.0)
    photon = settings.true_photon
    if photon is not None and float(photon.g_x) > 0.0:
        planes.stars(
            axis,
            {settings.truth if "=" not in settings.truth else "truth": (float(photon.mass), float(photon.g_x))},
        )


def g2_band(
    model: GaugeModel, mass: np.ndarray, preset: str = G2_BAND, sigmas: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Couplings between which the boson explains g-2 within `sigmas`; the lower edge is 0 where nothing is needed."""
    exp = experiment(preset)
    observed = float(np.asarray(exp.observed)[0])
    width = sigmas * float(np.sqrt(exp.term.distribution(jnp.zeros(1)).variance[0]))
    per_coupling2 = np.asarray(delta_a_mu(HiddenPhoton(1.0, mass, model.mixing_ratio or 0.0), model)) / UNIT
    return np.sqrt(max(observed - width, 0.0) / per_coupling2), np.sqrt(max(observed + width, 0.0) / per_coupling2)
