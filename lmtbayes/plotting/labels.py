r"""A posterior's draws with names and TeX labels as corner, getdist and chainconsumer take them; none is needed here.

names = labels.names_of(posterior)
corner.corner(labels.table(posterior, names), labels=labels.for_corner(names))
getdist.MCSamples(samples=labels.table(posterior, names), **labels.for_getdist(names))
consumer.add_chain(Chain(samples=pandas.DataFrame(labels.table(posterior, names), columns=names), name="fit"))
consumer.set_plot_config(PlotConfig(labels=labels.for_chainconsumer(names)))
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from lmtbayes import _checks
from lmtbayes.parameters import ALL, COORDINATES

if TYPE_CHECKING:
    import xarray as xr


def names_of(posterior: "xr.DataTree") -> list[str]:
    """Names of the boson's coordinates that a posterior was sampled in: log10_g_x, log10_mass, log10_kappa, or g_x, ...

    Logarithms are taken where there are both: regions are drawn in what the prior is flat in.

    Raises
    ------
    InvalidArgument
        A tree without the group posterior, or without a parameter of the boson in it.
    """
    draws = _draws(posterior)
    found = [next((name for name in both if name in draws), "") for both in COORDINATES.values()]
    if not any(found):
        raise _checks.invalid("posterior", list(draws.data_vars), "draws with a parameter of the boson among them")
    return [name for name in found if name]


def table(posterior: "xr.DataTree", names: Sequence[str]) -> Float[np.ndarray, "draws names"]:
    """All draws of all chains, a column a name.

    Raises
    ------
    UnknownName
        A name that is not among the draws.
    InvalidArgument
        A tree without the group posterior.
    """
    draws = _draws(posterior)
    for name in names:
        if name not in draws:
            raise _checks.unknown("variable of the posterior", name, [str(known) for known in draws.data_vars])
    return np.column_stack([draws[name].values.ravel() for name in names])


def for_corner(names: Sequence[str]) -> list[str]:
    r"""Labels for `corner.corner(..., labels=)`: TeX between dollars, units outside.

    Examples
    --------
    >>> for_corner(["log10_g_x", "mass", "flux_8b"])
    ['$\\log_{10}\\, g_x$', "$M_{A'}$ [MeV]", 'flux 8b']
    """
    return [ALL[name].label if name in ALL else name.replace("_", " ") for name in names]


def for_getdist(names: Sequence[str]) -> dict[str, list[str]]:
    r"""`names` and `labels` for `getdist.MCSamples`: TeX without dollars, and no space in a name.

    Examples
    --------
    >>> for_getdist(["mass", "flux_8b"])
    {'names': ['mass', 'flux_8b'], 'labels': ["M_{A'}\\,[\\mathrm{MeV}]", '\\mathrm{flux\\ 8b}']}
    """
    return {"names": list(names), "labels": [_formula(name) for name in names]}


def for_chainconsumer(names: Sequence[str]) -> dict[str, str]:
    """Column to label for chainconsumer's `PlotConfig(labels=)`.

    Examples
    --------
    >>> for_chainconsumer(["g_x"])
    {'g_x': '$g_x$'}
    """
    return dict(zip(names, for_corner(names), strict=True))


def _formula(name: str) -> str:
    """A label all of which is TeX."""
    if name not in ALL:
        return rf"\mathrm{{{name.replace('_', r'\ ')}}}"
    symbol, _, unit = ALL[name].label.partition(" [")
    return symbol.strip("$") + (rf"\,[\mathrm{{{unit.rstrip(']')}}}]" if unit else "")


def _draws(posterior: "xr.DataTree") -> "xr.Dataset":
    if "posterior" not in getattr(posterior, "children", ()):
        raise _checks.invalid("posterior", type(posterior).__name__, "a DataTree with the group posterior")
    return posterior["posterior"].to_dataset()
