"""The muon's anomalous magnetic moment: experiment minus prediction, compared with Eq. 13.

Experiment and Standard Model prediction are stored apart, so that the pair is always named. No preset is "the" value:
with the 2025 pair there is no excess, with the 2021 pair there is one of 4.2 sigma.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lmtbayes import _checks, tables
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.registry import anywhere, register
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.couplings import CONVENTIONS
from lmtbayes.gauge.models import GaugeModel, HiddenPhoton
from lmtbayes.gauge.muon_g2 import delta_a_mu

UNIT = 1e-11
"""a_mu is published in units of 1e-11."""
_MOMENT = (1.1e8, 1.2e8)
"""[1e-11] Where a_mu itself is."""
_DIFFERENCE = 1e5
"""[1e-11] Largest difference or uncertainty that can be meant: a hundredth of hadronic vacuum polarisation is 7e4."""
_SMALLEST_SIGMA = 1e-3
"""[1e-11] Ten thousand times better than any measurement."""


@dataclass(frozen=True)
class Moment:
    """One published a_mu with its uncertainty, in units of 1e-11, and its source."""

    value: float
    sigma: float
    source: str


class MuonG2(Experiment):
    """Delta a_mu = a_mu(experiment) - a_mu(SM) [1e-11], Gaussian; `convention` is that of `delta_a_mu`."""

    convention: str = eqx.field(static=True)

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002 - the uncertainty is in the term
    ) -> Float[Array, " bins"]:
        return jnp.atleast_1d(delta_a_mu(photon, model, convention=self.convention) / UNIT)


def moments() -> dict[str, Moment]:
    """Return the published measurements and predictions by key (data/muon_g2.csv)."""
    table = tables.read("muon_g2")
    rows = zip(table["key"], table["value_1e11"], table["sigma_1e11"], table["source"], strict=True)
    return {str(key): Moment(float(value), float(sigma), str(source)) for key, value, sigma, source in rows}


def muon_g2(
    measurement: str | tuple[float, float],
    prediction: str | tuple[float, float],
    *,
    name: str = "muon-g2",
    convention: str = "default",
    title: str | None = None,
) -> MuonG2:
    """Build a g-2 measurement from any pair.

    Parameters
    ----------
    measurement, prediction
        A key of `moments()`, or your own (a_mu, sigma) [1e-11].
    name
        Of the experiment.
    convention
        "default"; "paper" leaves mixing out of the muon's coupling.
    title
        What pictures and tables call it; the difference in numbers unless given.

    Raises
    ------
    UnknownName
        No such key.
    InvalidArgument
        A pair that is no two numbers, or whose sigma is not positive, or that cannot be in units of 1e-11;
        an unknown convention.
    """
    _checks.one_of("convention", convention, CONVENTIONS)
    pair = [_moment("measurement", measurement), _moment("prediction", prediction)]
    difference = pair[0].value - pair[1].value
    if abs(difference) > _DIFFERENCE:
        raise _checks.invalid(
            "prediction", prediction, f"of the same kind as `measurement` ({pair[0].value:g}): both a_mu, or both small"
        )
    sigma = math.hypot(pair[0].sigma, pair[1].sigma)
    return MuonG2(
        description=Description(
            name,
            f"muon g-2: Δa = ({difference:.1f} ± {sigma:.1f}) × 10⁻¹¹" if title is None else title,
            "; ".join(dict.fromkeys(moment.source for moment in pair)),
            "data",
            ("muon-g2",),
        ),
        binning=SINGLE_NUMBER,
        term=Gaussian(sigma),
        declared=(),
        active=(),
        observed=np.array([difference]),
        convention=convention,
    )


def _moment(argument: str, given: str | tuple[float, float]) -> Moment:
    if isinstance(given, str):
        known = moments()
        if given not in known:
            raise _checks.unknown(f"a_mu ({argument})", given, known)
        return known[given]
    value, sigma = _checks.shape(argument, given, (2,))
    _checks.finite(f"{argument}[0]", value)
    _checks.positive(f"{argument}[1]", sigma, "1e-11")
    is_known = value == 0.0 or sigma > _SMALLEST_SIGMA
    if not (_MOMENT[0] < value < _MOMENT[1] or abs(value) < _DIFFERENCE) or sigma > _DIFFERENCE or not is_known:
        raise _checks.invalid(
            argument,
            given,
            "(a_mu, sigma) in units of 1e-11, in which a_mu is 1.166e8, a difference some hundred, an uncertainty 10 "
            "to 100 (these look absolute, in ppm, in 1e-10, or exchanged)",
        )
    return Moment(float(value), float(sigma), "given by the user")


def _preset(
    *,
    name: str,
    title: str | None = None,
    measurement: str | tuple[float, float],
    prediction: str | tuple[float, float],
    convention: str = "default",
    nuisances: tuple[str, ...] | None = None,
) -> MuonG2:
    """Build a pair out of PRESETS.

    Parameters
    ----------
    measurement, prediction
        As in `muon_g2`.
    convention
        As in `muon_g2`.
    nuisances
        There are none.
    """
    if nuisances:
        raise _checks.unknown(f"nuisance of experiment {name!r}", nuisances[0], ())
    return muon_g2(measurement, prediction, name=name, convention=convention, title=title)


PRESETS = {
    "muon-g2-2021": ("experiment-2021", "white-paper-2020"),
    "muon-g2-2023": ("experiment-2023", "white-paper-2020"),
    "muon-g2-2025": ("experiment-2025", "white-paper-2025"),
    "muon-g2-2025-wp20": ("experiment-2025", "white-paper-2020"),
}
for _name, (_measurement, _prediction) in PRESETS.items():
    register(
        _name,
        functools.partial(_preset, name=_name, measurement=_measurement, prediction=_prediction),
        reach=anywhere,
        status="data",
    )
