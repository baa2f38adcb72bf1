"""The look of every picture: colour-blind-safe colours, one colour an experiment, vector output, no global state."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

import matplotlib.pyplot as plt
from cycler import cycler

# Okabe and Ito's palette: told apart with every common form of colour vision.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
WINE = "#7A0B3C"
"""Beside ESS in blue: two blues in regions that lie on each other are one."""
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
BENCHMARK_COLOURS = MappingProxyType({"BP1": BLUE, "BP2": GREEN, "BP3": ORANGE, "BP4": VERMILLION})

EXPERIMENT_COLOURS = MappingProxyType(
    {
        "na64mu": ORANGE,
        "cenns610": PURPLE,
        "ccm": GREEN,
        "ess10": WINE,
        "ess": BLUE,
        "darwin-nr": VERMILLION,
        "combination": BLACK,
    }
)
"""The same in every figure; what has several experiments is a combination."""
LMU_COLOUR = "#5D3A9B"
"""Of data read in Lmu where those read in Lmu-Ltau have the experiment's colour."""

_STYLE = {
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.grid": False,
    "axes.linewidth": 0.8,
    "font.size": 10.0,
    "axes.labelsize": 11.0,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "savefig.bbox": "tight",
    "figure.dpi": 110.0,
    "savefig.dpi": 200.0,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "lmtbayes",
    # Letters stay letters in a PDF; journals refuse the other kind.
    "pdf.fonttype": 42,
    # Dark on light, whatever the user's own settings are.
    **dict.fromkeys(("figure.facecolor", "savefig.facecolor", "axes.facecolor", "legend.facecolor"), "white"),
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor"), BLACK),
    **dict.fromkeys(("xtick.color", "ytick.color", "legend.labelcolor"), BLACK),
}


@contextmanager
def style() -> Iterator[None]:
    """Apply the package's look inside a with block and leave the user's own settings as they were."""
    with plt.rc_context(_STYLE):
        yield
