"""Pictures of a fit: corner, posterior-predictive spectra, nuisances, and posterior and profile in one plane."""

from pathlib import Path
from typing import TYPE_CHECKING

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lmtbayes._compile import compile_quickly
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.muon_g2 import PRESETS
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.inference.frequentist.limits import STATUS
from lmtbayes.inference.likelihood.evaluation import evaluation
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.names import PULL
from lmtbayes.jobs import pictures
from lmtbayes.jobs.settings import FitSettings, parse_experiment
from lmtbayes.plotting import planes
from lmtbayes.plotting.corner import corner
from lmtbayes.plotting.legends import entries
from lmtbayes.plotting.predictive import predictive_spectrum
from lmtbayes.plotting.pulls import pull_plot
from lmtbayes.plotting.style import BLACK, style

if TYPE_CHECKING:
    import xarray as xr

G2_BAND, G2_TODAY = "muon-g2-2021", "muon-g2-2025"
"""Whose 2 sigma bands are drawn for orientation where a fit has no g-2 of its own: the paper's beside projections, that
of today beside published data. The legend names it."""
_UNEVEN = 20.0
"""Ratio of the widest to the narrowest bin above which their axis is logarithmic."""
_ALMOST_ALL = 0.99
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
    limit: "xr.Dataset | None" = None,
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
    counts = expected_at_draws(like, posterior)
    with style():
        for e in like.experiments:
            if e.n_bins > 1:
                pictures.save(predictive(like, e, posterior, counts[e.name]), folder / f"predictive_{e.name}.{suffix}")
    if like.nuisances:
        pictures.save(nuisances(like, posterior), folder / f"pulls.{suffix}")
    if profile is not None:
        pictures.save(plane(settings, posterior, profile, limit), folder / f"plane.{suffix}")


def expected_at_draws(
    like: JointLikelihood, posterior: "xr.DataTree", most: int = 1000
) -> dict[str, Float[np.ndarray, "draws _bins"]]:
    """Expected counts of every experiment at up to `most` draws, by what the fit has compiled."""
    draws, pulls = (
        group(posterior, name).stack(sample=("chain", "draw")) for name in ("posterior", "unconstrained_posterior")
    )
    chosen = np.linspace(0, draws.sizes["sample"] - 1, min(most, draws.sizes["sample"])).astype(int)
    photon = HiddenPhoton(*(draws[name].values[chosen] for name in ("g_x", "mass", "eps_x")))
    columns = [pulls[name + PULL].values[chosen] for name in like.nuisance_names]
    evaluated = evaluation(like.joint)((photon, np.array(columns).T.reshape(chosen.size, -1)), like.data)
    return {name: np.asarray(counts) for name, counts in evaluated.counts.items()}


def predictive(
    like: JointLikelihood, e: Experiment, posterior: "xr.DataTree", counts: Float[np.ndarray, "draws bins"]
) -> Figure:
    """Data of one experiment over what the posterior expects of it: `counts` at some draws, and predictions."""
    figure, (axis, ratio) = plt.subplots(2, 1, figsize=(5.6, 5.0), sharex=True, height_ratios=(2.6, 1.0))
    edges, reach = np.asarray(e.bin_edges), _end_of_events(like.model, e)
    predictive_spectrum(
        axis,
        edges,
        np.asarray(like.data[e.name]),
        counts,
        group(posterior, "posterior_predictive")[e.name].values.reshape(-1, e.n_bins).astype(float),
        xlabel=f"{e.binning.quantity} [{e.bin_unit}]" if e.bin_unit else e.binning.quantity,
        title=e.title,
        # Bins of very different widths, as of a last one that takes all that is left.
        logarithmic=bool(edges[0] > 0.0 and np.diff(edges).max() > _UNEVEN * np.diff(edges).min()),
        ratio=ratio,
        end=reach,
    )
    if reach is not None and reach < edges[-1]:
        words = f"last bin up to {edges[-1]:.4g} {e.bin_unit}"
        axis.text(0.98, 0.97, words, transform=axis.transAxes, ha="right", va="top", fontsize=8.0)
    axis.tick_params(axis="x", labelbottom=False)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8.5)
    return figure


def _end_of_events(model: GaugeModel, e: Experiment) -> float | None:
    """Where recoils end: energy above which no boson leaves less than a hundredth of the last bin; None where unknown.

    A last bin that takes all that is left is wider than all others, and all but empty towards its end.
    """
    edges = np.asarray(e.bin_edges)
    differential = getattr(e, "differential_rate", None)
    if differential is None or edges[-1] - edges[-2] < edges[-2] - edges[0] or edges[-2] <= 0.0:
        return None
    energy = np.geomspace(edges[-2], edges[-1], 400)
    # Compiled as a whole: its operations one by one would be as many functions.
    rate = np.asarray(compile_quickly(lambda photon: differential(model, photon, energy))(HiddenPhoton.none()))
    events = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(energy))])
    if not events[-1] > 0.0:
        return None
    return float(energy[np.searchsorted(events, _ALMOST_ALL * events[-1])])


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


def plane(
    settings: FitSettings,
    posterior: "xr.DataTree | None",
    profile: "xr.Dataset",
    limit: "xr.Dataset | None" = None,
) -> Figure:
    """Profile contours and posterior regions at 68 % and 95 % in the (mass, g_x) plane, a g-2 band and the truth.

    Where the profile allows that there is no boson the `limit` is drawn, too.
    """
    with style():
        figure, axis = plt.subplots(figsize=(7.4, 4.6))
        plane_on(axis, settings, posterior, profile, g2_preset(settings), limit)
        names = [name.partition(":")[0] for name in settings.experiments]
        axis.set_title(", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)} data sets", fontsize=9)
        figure.legend(handles=entries(axis), loc="outside right upper")
    return figure


def g2_preset(settings: FitSettings) -> str:
    """The g-2 entry, overrides included, whose band belongs into a picture of a fit: its own where it has one.

    Without one, that of the paper beside projections, and that of today beside published data.
    """
    own = (name for name in settings.experiments if name.partition(":")[0] in PRESETS)
    return next(own, G2_TODAY if settings.data == "observed" else G2_BAND)


def plane_on(
    axis: Axes,
    settings: FitSettings,
    posterior: "xr.DataTree | None",
    profile: "xr.Dataset",
    preset: str = G2_BAND,
    limit: "xr.Dataset | None" = None,
) -> None:
    """Draw what `plane` shows on given axes, with the band of a g-2 entry."""
    mass, g_x = profile["mass"].values, profile["g_x"].values
    planes.plane(axis, (mass[0], mass[-1]), (g_x[0], g_x[-1]))
    lower, upper = g2_band(settings.gauge_model, mass, preset)
    name, changed, _ = preset.removeprefix("muon-g2-").partition(":")
    words = f"$(g-2)_\\mu$ {name}{' (changed)' if changed else ''}, $2\\sigma$"
    planes.band(axis, mass, np.maximum(lower, 0.5 * g_x[0]), upper, label=words)
    if posterior is not None:
        draws = group(posterior, "posterior")
        planes.draws_regions(
            axis,
            draws["mass"].values,
            draws["g_x"].values,
            mass_bounds=settings.mass,
            coupling_bounds=settings.g_x,
            label="posterior",
        )
    q = profile["q"].transpose("g_x", "mass").values
    planes.profile_regions(axis, mass, g_x, q, label="profile", fill=0.0)
    seen = sees_a_boson(profile)
    if limit is not None and not seen:
        low, high = limit["island_lower"], limit["island_upper"]
        islands = [(low.isel(island=i).values, high.isel(island=i).values) for i in range(limit.sizes["island"])]
        words = f"{100 * limit.attrs['cl']:.3g} % upper limit at each mass"
        nothing = limit["status"].isin([STATUS.index("nothing_allowed"), STATUS.index("below_grid")]).values
        planes.limit_curve(axis, limit["mass"].values, limit["limit"].values, islands, label=words, excluded=nothing)
    if seen and "best_mass" in profile.attrs:
        best = (float(profile.attrs["best_mass"]), float(profile.attrs["best_g_x"]))
        planes.best_fit(axis, *best, colour=BLACK, label="best fit")
    photon = settings.true_photon
    if photon is not None and float(photon.g_x) > 0.0:
        name = settings.truth if "=" not in settings.truth else "truth"
        planes.stars(axis, {name: (float(photon.mass), float(photon.g_x))}, label="the data's boson")


def sees_a_boson(profile: "xr.Dataset") -> bool:
    """Whether the 95 % region of mass and coupling excludes that there is none."""
    zero = "log_likelihood_at_zero_g_x"
    if zero not in profile or "best_log_likelihood" not in profile.attrs:
        return True
    q = 2.0 * (float(profile.attrs["best_log_likelihood"]) - float(profile[zero].max()))
    return q > planes.PROFILE_Q[-1]


def g2_band(
    model: GaugeModel, mass: np.ndarray, preset: str = G2_BAND, sigmas: float = 2.0
) -> tuple[np.ndarray, np.ndarray]:
    """Couplings between which the boson explains g-2 within `sigmas`; the lower edge is 0 where nothing is needed.

    `preset` is a g-2 entry as a fit takes it, overrides included. Where the mixing is free none is assumed: it changes
    the muon's coupling from g_x to g_x (1 - e kappa), by half a per cent for kappa = 1/70.
    """
    exp = parse_experiment(preset)
    observed = float(np.asarray(exp.observed)[0])
    width = sigmas * float(np.sqrt(exp.term.distribution(jnp.zeros(1)).variance[0]))
    photons = HiddenPhoton(np.ones_like(mass), mass, np.full_like(mass, model.mixing_ratio or 0.0))
    per_coupling2 = np.asarray(compile_quickly(lambda x: exp.expected_counts(model, x))(photons))[:, 0]
    return np.sqrt(max(observed - width, 0.0) / per_coupling2), np.sqrt(max(observed + width, 0.0) / per_coupling2)
