"""The boson's parameters and their logarithms, one row each: name, words, label, unit, reach and range; and levels.

kappa = eps_x/(s g_x) with s = `GaugeModel.mixing_sign`, the sign of the model's loop: -eps_x/g_x in Lmu-Ltau and Lmu.
"""

from dataclasses import dataclass
from types import MappingProxyType

LEVELS = (0.6827, 0.9545)
"""Of contours and credible regions: one and two standard deviations."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of the boson, or the decimal logarithm of one."""

    name: str
    long_name: str
    label: str
    """Of an axis, in TeX."""
    unit: str
    reach: tuple[float, float]
    """Values at which rates are numbers, far beyond all that any experiment can tell; from 0 where no other sign is."""
    range: tuple[float, float] | None = None
    """Default range of priors and fits: that of the modulus. None where others give it."""


def _rows(*rows: Parameter) -> MappingProxyType[str, Parameter]:
    return MappingProxyType({row.name: row for row in rows})


PARAMETERS = _rows(
    Parameter("g_x", "gauge coupling", r"$g_x$", "1", (0.0, 1e4), (1e-5, 1e-2)),
    Parameter("mass", "mass of the A'", r"$M_{A'}$ [MeV]", "MeV", (0.0, 1e9), (1.0, 1e3)),
    Parameter("eps_x", "kinetic mixing", r"$\epsilon_x$", "1", (-1e10, 1e10)),
    Parameter("kappa", "-eps_x/g_x", r"$\kappa$", "1", (-1e6, 1e6), (1e-3, 1.0)),
)
"""By name, in the order in which everything lists them."""

LOG10 = _rows(
    Parameter("log10_g_x", "log10 of the gauge coupling", r"$\log_{10}\, g_x$", "1", (-40.0, 4.0)),
    Parameter("log10_mass", "log10 of the mass in MeV", r"$\log_{10}\, M_{A'}$ [MeV]", "1", (-9.0, 9.0)),
    Parameter("log10_eps_x", "log10 of |eps_x|", r"$\log_{10}\,|\epsilon_x|$", "1", (-80.0, 10.0)),
    Parameter("log10_kappa", "log10 of |eps_x|/g_x", r"$\log_{10}\,|\epsilon_x/g_x|$", "1", (-40.0, 6.0)),
)

ALL = MappingProxyType({**PARAMETERS, **LOG10})

COORDINATES = MappingProxyType({name: (f"log10_{name}", name) for name, p in PARAMETERS.items() if p.range})
"""Parameter to the coordinates that a prior may be put on. log10_kappa has the loop's sign, kappa may have both."""


def default_range(name: str) -> tuple[float, float]:
    """Default range of a parameter that has one of its own: g_x, mass [MeV], kappa."""
    found = PARAMETERS[name].range
    if found is None:
        raise KeyError(name)
    return found


def described(name: str, mixing_sign: float) -> dict[str, str]:
    """Return words and unit of a parameter, as the attributes of a variable, in a model whose loop has this sign."""
    words = ALL[name].long_name
    if name == "kappa" and mixing_sign > 0.0:
        words = words.removeprefix("-")
    return {"long_name": words, "units": ALL[name].unit}
