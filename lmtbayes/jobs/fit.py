"""`lmtbayes fit`: posterior and profile of one set of data, with pictures, in a folder that repeats itself."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes.inference.evidence.evidence import evidence as integrate
from lmtbayes.inference.evidence.importance import Importance
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.contours import Contours, contours
from lmtbayes.inference.frequentist.limits import upper_limit
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.jobs import pictures, summary
from lmtbayes.jobs.draw import draw, group
from lmtbayes.jobs.output import Say, output_folder, write_netcdf
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.plotting.density import LEAST_DRAWS

if TYPE_CHECKING:
    import xarray as xr


def fit(
    settings: FitSettings,
    out: str | Path,
    force: bool = False,
    progress: bool = True,
    say: Say = print,
    suffix: str = "pdf",
    like: JointLikelihood | None = None,
    evidence: bool = False,
) -> str:
    """Sample, profile, draw, write.

    Parameters
    ----------
    settings
        Everything that determines the results.
    out
        Folder; holds settings.json, posterior.nc, profile.nc, contours.csv, limit.nc (90 % on g_x at each mass),
        summary.txt and pictures when it is done: corner, plane (with a grid), predictive_NAME of every experiment with
        bins and, where there are nuisances, pulls (posterior mean and standard deviation of each).
        An interrupted run is continued by the same call.
    force
        Replace an existing folder of results.
    progress
        Show bars.
    say
        Is told what is being done.
    suffix
        Of the pictures: "pdf", "svg" or "png".
    like
        The likelihood of the settings, where it is built already.
    evidence
        Compute ln Z of the model over the prior's box, too, from the grid of the posterior: evidence.nc.

    Returns
    -------
    summary
        The text of summary.txt: data, best fit (with a grid), intervals, contours, limit, evidence, verdict.

    Raises
    ------
    InvalidArgument
        A setting that cannot be, draws too few for the pictures among them; a folder that exists.
    """
    _checks.one_of("suffix", f".{suffix}", pictures.FORMATS)
    if settings.chains * settings.draws < LEAST_DRAWS:  # known before they are drawn
        raise _checks.invalid(
            "draws", settings.draws, f"such that {settings.chains} chains have {LEAST_DRAWS} together"
        )
    if like is None:
        settings.check_data()
    with output_folder(out, settings.to_dict(), force) as folder:
        say(f"likelihood: {', '.join(settings.experiments)}")
        like, prior = settings.likelihood() if like is None else like, settings.prior
        say(f"posterior: {prior!r}")
        posterior = sample_posterior(
            like,
            prior,
            settings.seed,
            method=settings.sampling,
            checkpoint=folder / "chains.npz",
            progress=progress,
        )
        write_netcdf(folder / "posterior.nc", posterior)
        profile, limit, best, regions, log_z = None, None, "", "", ""
        if settings.grid:
            say(f"profile: {settings.grid} x {settings.grid} points of (mass, g_x), more where regions end")
            profile = profile_on_plane(like, settings, progress, posterior)
            found, limit = write_profile(folder, profile)
            best, regions = summary.best_fit(profile, settings), str(found)
        if evidence:
            say("evidence")
            integral = integrate(like, prior, Importance(), seed=settings.seed)
            integral.to_netcdf(folder / "evidence.nc")
            log_z = summary.evidence(integral)
        say("pictures")
        draw(folder, like, settings, posterior, profile, suffix, limit)
        (folder / "chains.npz").unlink(missing_ok=True)
        text = summary.join(
            (
                summary.what_is_fitted(settings),
                best,
                summary.intervals(posterior),
                regions,
                "" if limit is None else summary.limit(limit),
                log_z,
                summary.verdict(posterior),
            )
        )
        write_text(folder / "summary.txt", text)
    return text


def ranges(settings: FitSettings) -> dict[str, tuple[float, float]]:
    """Where a fit looks for each parameter of the boson."""
    free = ("kappa",) if settings.gauge_model.mixing == "free" else ()
    return {name: getattr(settings, name) for name in ("g_x", "mass", *free)}


def profile_on_plane(
    like: JointLikelihood, settings: FitSettings, progress: bool, posterior: "xr.DataTree | None" = None
) -> "xr.Dataset":
    """Profile on a log-spaced (mass, g_x) grid, everything else profiled in the prior's ranges.

    The grid covers the prior's box; with a posterior, the part of the box where its draws are, half a decade beyond
    them. Lines are added where the edges of the 68 % and 95 % regions are, until those no longer move.
    """
    bounds, grid = ranges(settings), {}
    for name in ("mass", "g_x"):
        low, high = bounds[name]
        if posterior is not None:
            draws = group(posterior, "posterior")[name].values
            low, high = max(low, draws.min() / 10**0.5), min(high, draws.max() * 10**0.5)
        grid[name] = np.geomspace(low, high, settings.grid)
    return profile_likelihood(
        like, grid=grid, bounds=bounds, refine=min(map(len, grid.values())) > 1, progress=progress
    )


def write_profile(
    folder: Path, profile: "xr.Dataset", calibration: Calibration | None = None
) -> "tuple[Contours, xr.Dataset]":
    """Write profile.nc, contours.csv and limit.nc (90 % on g_x at each mass); returns contours and limit.

    Of a calibration those that it is for: contours relative to the global best fit, limits relative to slices.
    """
    write_netcdf(folder / "profile.nc", profile)
    of_slices = calibration is not None and calibration.relative_to == "slice"
    regions = contours(profile, calibration=None if of_slices else calibration)
    regions.to_csv(folder / "contours.csv")
    limit = upper_limit(profile, "g_x", cl=0.90, calibration=calibration if of_slices else None)
    write_netcdf(folder / "limit.nc", limit)
    return regions, limit
