"""Beyond the paper: the Bayes factor of Lmu-Ltau against Lmu that a single experiment finds, over toys of BP1."""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from lmtbayes.gauge.models import BENCHMARKS
from lmtbayes.paper.minimal import MODELS, asimov_log_bayes_factors, toy_log_bayes_factors
from lmtbayes.plotting.bayes_factor import toy_histograms
from lmtbayes.plotting.style import style

TOYS = 100
"""A truth: the mean of ln B is then known to a tenth of its spread, a probability to 5 per cent."""


@cache
def log_bayes_factors(convention: str) -> dict[str, Float[np.ndarray, " toys"]]:
    """True model to ln B(Lmu-Ltau : Lmu) of every toy."""
    return {
        model: toy_log_bayes_factors(convention, model, BENCHMARKS["BP1"], TOYS, seed=number)
        for number, model in enumerate(MODELS)
    }


@cache
def asimov(convention: str) -> dict[str, float]:
    """True model to ln B(Lmu-Ltau : Lmu) on Asimov data."""
    return asimov_log_bayes_factors(convention, BENCHMARKS["BP1"])


def figure(convention: str = "default") -> Figure:
    """Draw the two distributions.

    Parameters
    ----------
    convention
        "default" or "paper".
    """
    label = {model: f"data of {model}" for model in MODELS}
    toys = {label[model]: values for model, values in log_bayes_factors(convention).items()}
    lines = {label[model]: value for model, value in asimov(convention).items()}
    with style():
        fig, axes = plt.subplots(figsize=(6.4, 4.2))
        toy_histograms(axes, toys, lines, r"$\ln B(L_\mu-L_\tau : L_\mu)$")
        axes.set_title("BP1, ε_x = -g_x/70: NA64μ, ESS, ESS10, DARWIN (200 t yr, 1 keVnr)", fontsize=9.5)
        plt.close(fig)
    return fig
