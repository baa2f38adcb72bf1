"""Fig. 13: exposure of a discovery of BP1-BP4 against threshold, electron recoils."""

from matplotlib.figure import Figure

from lmtbayes.paper.exposure import exposure_figure


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 13 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    return exposure_figure("er", "electron recoils", convention, (10.0, 2e7))
