"""Fig. 14: exposure of a discovery of BP1-BP4 against threshold, nuclear and electron recoils together."""

from matplotlib.figure import Figure

from lmtbayes.paper.exposure import exposure_figure


def figure(convention: str = "default") -> Figure:
    """Draw Fig. 14 of arXiv:2104.03297.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    return exposure_figure("nr+er", "nuclear and electron recoils together", convention, (3.0, 1e5))
