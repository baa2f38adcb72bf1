"""Fig. 11: exposure of a discovery of BP1-BP4 against threshold, nuclear recoils."""

from matplotlib.figure import Figure

from lmtbayes.paper.exposure import exposure_figure


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 11 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    return exposure_figure("nr", "nuclear recoils", convention, (3.0, 1e5))
