"""The figures of arXiv:2104.03297: each computes its arrays with the package and draws them with `plotting`."""

from collections.abc import Callable
from importlib import import_module

from matplotlib.figure import Figure

from lmtbayes import _checks

_MODULES: dict[str, str] = {
    "fig1": "fig01",
    "fig4": "fig04",
    "fig5": "fig05",
    "fig6": "fig06",
    "fig7": "fig07",
    "fig8": "fig08",
    "fig9": "fig09",
    "fig10": "fig10",
    "fig11": "fig11",
    "fig12": "fig12",
    "fig13": "fig13",
    "fig14": "fig14",
    "nr-sign": "nr_sign",
    "coherent": "coherent_data",
    "posteriors": "posteriors",
    "bayes-factor": "bayes_factor",
    "toys": "toys",
    "design": "design",
}
"""Figure name to the module of this package whose `figure(convention)` draws it."""

CONVENTIONS = ("default", "paper")


def figure_names() -> tuple[str, ...]:
    """Return the names that `draw` accepts."""
    return tuple(_MODULES)


def draw(name: str, convention: str = "default") -> Figure:
    """Compute and draw one figure.

    Parameters
    ----------
    name
        One of `figure_names()`.
    convention
        "default" (right physics) or "paper" (its choices, errata included).

    Raises
    ------
    UnknownName
        No such figure.
    InvalidArgument
        No such convention.
    """
    if name not in _MODULES:
        raise _checks.unknown("figure", name, _MODULES)
    _checks.one_of("convention", convention, CONVENTIONS)
    figure: Callable[[str], Figure] = import_module(f"lmtbayes.paper.{_MODULES[name]}").figure
    return figure(convention)
