"""`lmtbayes contours`: profile-likelihood contours and the upper limit in the plane of mass and coupling."""

from pathlib import Path

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes.inference.frequentist.about_fits import about_fits, check_same_fits
from lmtbayes.inference.frequentist.box import Box
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.jobs import pictures, summary
from lmtbayes.jobs.draw import plane
from lmtbayes.jobs.fit import profile_on_plane, ranges, write_profile
from lmtbayes.jobs.output import output_folder
from lmtbayes.jobs.settings import FitSettings


def contours(
    settings: FitSettings,
    out: str | Path,
    force: bool = False,
    calibration: str | Path | None = None,
    progress: bool = True,
    suffix: str = "pdf",
) -> str:
    """Write profile.nc, contours.csv, limit.nc, summary.txt and a picture of the plane.

    Parameters
    ----------
    settings
        Of the fit.
    out, force
        Folder of the results; whether to replace one.
    calibration
        File of a `Calibration`: of contours where it is relative to the global best fit, of the limit where it is
        relative to slices. The picture's regions are those of chi^2.
    progress
        Show bars, at a terminal.
    suffix
        Of the picture: "pdf", "svg" or "png".

    Returns
    -------
    summary
        Best fit, which contours close, and the 90 % upper limit on g_x.

    Raises
    ------
    InvalidArgument
        A setting that cannot be; a folder that exists; no file of a calibration, or one of another fit.
    """
    _checks.one_of("suffix", f".{suffix}", pictures.FORMATS)
    settings.check_data()
    calibrated = None if calibration is None else Calibration.from_netcdf(calibration)
    like = settings.likelihood()
    if calibrated is not None:  # before minutes are spent on the profile that it would not be for
        check_same_fits(
            calibrated.about, about_fits(like, Box.of(like.model, ranges(settings), None, like.experiments))
        )
    with output_folder(out, settings.to_dict(), force) as folder:
        profile = profile_on_plane(like, settings, progress)
        regions, limit = write_profile(folder, profile, calibrated)
        parts = (
            summary.what_is_fitted(settings),
            summary.best_fit(profile, settings),
            str(regions),
            summary.limit(limit),
        )
        text = summary.join(parts)
        pictures.save(plane(settings, None, profile, limit), folder / f"plane.{suffix}")
        write_text(folder / "summary.txt", text)
    return text
