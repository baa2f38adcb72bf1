"""`lmtbayes contours`: profile-likelihood contours and the upper limit in the plane of mass and coupling."""

from pathlib import Path

from lmtbayes._files import write_text
from lmtbayes.jobs import pictures
from lmtbayes.jobs.draw import plane
from lmtbayes.jobs.fit import profile_on_plane, write_profile
from lmtbayes.jobs.output import output_folder
from lmtbayes.jobs.settings import FitSettings


def contours(settings: FitSettings, out: str | Path, force: bool = False) -> str:
    """Write profile.nc, contours.csv, limit.nc, summary.txt and plane.pdf.

    Returns
    -------
    summary
        Best fit, and which contours close.

    Raises
    ------
    InvalidArgument
        A setting that cannot be; a folder that exists.
    """
    settings.check_data()
    with output_folder(out, settings.to_dict(), force) as folder:
        profile = profile_on_plane(settings.likelihood(), settings, progress=True)
        summary = str(write_profile(folder, profile))
        pictures.save(plane(settings, None, profile), folder / "plane.pdf")
        write_text(folder / "summary.txt", summary + "\n")
    return summary
