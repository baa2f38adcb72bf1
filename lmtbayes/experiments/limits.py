"""Published upper limits without a calculable likelihood, as approximate terms: ln L = -(z^2/2) (g/g_lim(M))^4.

The term is a Gaussian, with observed 0 and width 1/z, in the signal's strength

    mu = g_mu^2 BR(model)/(g_lim(M)^2 [Q_mu^2 BR](model of the publication)),

so that ln L falls by z^2/2 where mu = 1: z = 1.282 for a limit at 90 %, 1.645 at 95 %, the normal quantile of a
one-sided limit. `upper_limit` has the same convention, so that a published limit at CL comes back as the upper limit at
that CL (a two-sided interval of 90 %, q = 2.71, ends at 1.133 g_lim). Production goes with the square of the muon's
coupling g_mu = g_x Q_mu + eps_x e, and what is seen with the branching ratio into the channel of the search; in the
model that the limit was published for, which is taken without mixing unless its mixing rule says otherwise,
mu = (g_x/g_lim)^2. What a search saw, its background and its fine structure in M are lost: status "approximate".
"""

import functools
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import interpax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float
from scipy.stats import norm

from lmtbayes import _checks, tables
from lmtbayes.errors import InvalidArgument, UnitsWarning
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER, Description
from lmtbayes.experiments.hepdata import read_limit
from lmtbayes.experiments.registry import register
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.gauge.couplings import hadronic_decays
from lmtbayes.gauge.decays import branching_ratio, decay_width
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton

CHANNELS = (None, "e", "mu", "tau", "invisible")
_HEAVY = 1e5
"""A mass [MeV] at which every channel is open."""
_LEAST_MASS = 1.0
"""Lower edge [MeV] of the default range of every fit."""
FADE = 0.05
"""Width in ln M over which a limit fades to nothing beyond either end of its curve; inside it is untouched."""


class PublishedLimit(Experiment):
    """Strength of the signal in units of its upper limit; observed 0.

    Parameters (beyond those of Experiment)
    ----------
    log_limit
        ln g_lim against ln M [MeV]: monotonic between the points, so that a digitised curve does not overshoot.
    log_mass_range
        ln of the curve's first and last mass. Beyond them the limit fades out over FADE and constrains nothing.
    channel
        What the search looked for; None: the same limit on g_x in every model.
    reference
        The model that the limit was published for.
    """

    log_limit: interpax.Interpolator1D
    log_mass_range: tuple[float, float] = eqx.field(static=True)
    channel: str | None = eqx.field(static=True)
    reference: GaugeModel = eqx.field(static=True)

    @property
    def mass_range(self) -> tuple[float, float]:
        """First and last mass of the curve [MeV], and how far it fades."""
        low, high = self.log_mass_range
        return math.exp(low - FADE), math.exp(high + FADE)

    def limit(self, mass: ArrayLike) -> Float[Array, "..."]:
        """g_lim(M) in the model of the publication, M in MeV; beyond the curve the value at its end."""
        return jnp.exp(self.log_limit(jnp.clip(jnp.log(mass), *self.log_mass_range)))

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002
    ) -> Float[Array, " bins"]:
        strength = self._yield(model, photon) / self.limit(photon.mass) ** 2
        return jnp.atleast_1d(strength * self._window(photon.mass))

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """Production off anything but muons, and decays to hadrons."""
        if self.channel is None:
            return ()
        others = [f"{particle!r}" for particle in ("e", "u", "d") if model.charges.get(particle, 0.0) != 0.0]
        if not others:
            return ()
        charged = f"production off {', '.join(others)}, which carry charge: the limit is scaled by the muon's coupling"
        return (charged, *hadronic_decays(model.charges))

    def _yield(self, model: GaugeModel, photon: HiddenPhoton) -> Float[Array, "..."]:
        """g_mu^2 BR over Q_mu^2 BR of the reference; 0 where the reference cannot make the signal."""
        if self.channel is None:
            return jnp.square(photon.g_x)
        # The reference's branching ratio does not depend on its coupling.
        there = HiddenPhoton.unchecked(1.0, photon.mass, self.reference.mixing_ratio or 0.0)
        published = branching_ratio(self.reference, there, self.channel) * self.reference.coupling(there, "mu") ** 2
        here = branching_ratio(model, photon, self.channel) * model.coupling(photon, "mu") ** 2
        is_open = published > 0.0
        return jnp.where(is_open, here / jnp.where(is_open, published, 1.0), 0.0)

    def _window(self, mass: Float[Array, "..."]) -> Float[Array, "..."]:
        """1 on the curve, 0 beyond FADE, a smoothstep between."""
        log_mass = jnp.log(mass)
        low, high = self.log_mass_range
        outside = jnp.maximum(jnp.maximum(low - log_mass, log_mass - high), 0.0) / FADE
        left = 1.0 - jnp.minimum(outside, 1.0)
        return left**2 * (3.0 - 2.0 * left)


def published_limit(
    name: str,
    curve: Any = None,
    *,
    cl: float = 0.90,
    channel: str | None = None,
    citation: str = "given by the user",
    title: str | None = None,
    reference: GaugeModel = LMU_LTAU,
    data_sets: Sequence[str] = (),
    hepdata: str | os.PathLike[str] | None = None,
    table: str | None = None,
    column: str | int | None = None,
    squared: bool | None = None,
) -> PublishedLimit:
    """Make an approximate experiment of a published upper limit on g_x, for use in a JointLikelihood.

    Parameters
    ----------
    name
        Of the experiment.
    curve
        Path of a CSV file with columns mass_mev and g_x (lines of # are skipped), or two arrays (masses [MeV], limits).
        Masses increase.
    cl
        Confidence level of the limit, between 0.5 and 1; one-sided, as `upper_limit` reads it.
    channel
        What the boson decays to in the search: "e", "mu", "tau" or "invisible". The limit is then carried over to other
        models by Q_mu^2 BR(channel). None: g_x has the same limit in every model.
    citation, title
        As in Description.
    reference
        The model that the limit was published for; without mixing where its rule is "free".
    data_sets
        Names of the data that it holds, as in Description: a likelihood refuses two experiments that share one.
    hepdata
        In place of `curve`: a file of one table as it is downloaded from hepdata.net, CSV or YAML. Masses are in the
        unit of their header. A file that names another confidence level than `cl` is refused.
    table, column
        Of that file, where it has several: the name, a part of it that only one has, or the column's number from 1.
    squared
        Of that column, where its name does not say: whether it is the square of the coupling.

    Returns
    -------
    experiment
        Status "approximate". Outside the curve's masses it says nothing: it fades out over 5 % in M.

    Raises
    ------
    InvalidArgument
        A curve or a file that cannot be read or does not say what it holds, masses that do not increase, limits that
        are not positive, a confidence level or channel out of range, a reference that does not make the boson or does
        not decay into the channel.
    """
    if (curve is None) == (hepdata is None):
        raise InvalidArgument("`curve` or `hepdata` must be given, and not both")
    if hepdata is None and (table, column, squared) != (None, None, None):
        raise InvalidArgument("`table`, `column` and `squared` must be left out: they belong to a `hepdata` file")
    given = curve if hepdata is None else read_limit(hepdata, table, column, squared, cl)
    masses, limits = _points(given)
    if not 0.5 < cl < 1.0:
        raise _checks.invalid("cl", cl, "a confidence level between 0.5 and 1")
    _checks.one_of("channel", channel, CHANNELS)
    if channel is not None and reference.charges["mu"] == 0.0:
        raise _checks.invalid(
            "reference", reference.name, "a model in which the muon, which makes the boson, is charged"
        )
    if channel is not None:
        heavy = HiddenPhoton(1.0, _HEAVY, reference.mixing_ratio or 0.0)
        if not float(decay_width(reference, heavy, channel)) > 0.0:
            raise InvalidArgument(
                f"`reference` must decay into {channel!r}; {reference.name!r} with mixing {reference.mixing!r} does "
                "not: give the mixing that the limit was published for, as in LMU_LTAU.with_mixing('loop0')"
            )
    return PublishedLimit(
        description=Description(name, name if title is None else title, citation, "approximate", data_sets),
        binning=SINGLE_NUMBER,
        term=Gaussian(1.0 / norm.ppf(cl)),
        declared=(),
        active=(),
        observed=np.zeros(1),
        log_limit=interpax.Interpolator1D(np.log(masses), np.log(limits), method="monotonic"),
        log_mass_range=(math.log(masses[0]), math.log(masses[-1])),
        channel=channel,
        reference=reference,
    )


def _points(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(curve, str | os.PathLike):
        path = Path(curve)
        if not path.is_file():
            raise _checks.invalid("curve", str(curve), "the path of a CSV file that exists, or (masses, limits)")
        columns = tables.read_csv(path, "curve")
        missing = [key for key in ("mass_mev", "g_x") if key not in columns]
        if missing:
            raise InvalidArgument(
                f"`curve` must have columns mass_mev and g_x; {path.name} lacks {', '.join(missing)} and has "
                f"{', '.join(columns) or 'none'} (a file from hepdata.net is given as `hepdata`)"
            )
        given = (columns["mass_mev"], columns["g_x"])
    else:
        if not isinstance(curve, tuple | list) or len(curve) != 2:
            raise _checks.invalid("curve", curve, "the path of a CSV file, or two arrays (masses [MeV], limits)")
        given = (curve[0], curve[1])
    masses = _checks.increasing("curve masses", given[0])
    _checks.positive("curve masses", masses, "MeV")
    limits = _checks.shape("curve limits", given[1], masses.shape)
    _checks.positive("curve limits", limits)
    _check_curve(masses, limits)
    return masses, limits


def _check_curve(masses: np.ndarray, limits: np.ndarray) -> None:
    """Require couplings that exclude something, and say where masses look like GeV."""
    if limits.min() > 1.0:
        raise _checks.invalid("curve limits", limits, "couplings, at most 1 somewhere; is a power of ten missing?")
    if masses[-1] < _LEAST_MASS:
        warnings.warn(
            f"the curve's masses end at {masses[-1]:g} MeV, below the default range of every fit: they look like GeV",
            UnitsWarning,
            stacklevel=4,
        )


def _registered(
    row: int, *, name: str, title: str | None = None, nuisances: tuple[str, ...] | None = None
) -> PublishedLimit:
    """Build one row of data/constraints/index.csv.

    Parameters
    ----------
    nuisances
        There are none.
    """
    channel = str(tables.read("constraints/index")["channel"][row])
    return published_limit(name, channel=channel, **of_row(row, "g_x", name, title, nuisances))


def of_row(row: int, column: str, name: str, title: str | None, nuisances: tuple[str, ...] | None) -> dict[str, Any]:
    """Arguments of a limit, out of a row of the index: its curve in a column, level, citation, title and data."""
    if nuisances:
        raise _checks.unknown(f"nuisance of experiment {name!r}", nuisances[0], ())
    index = tables.read("constraints/index")
    table = tables.read(f"constraints/{index['table'][row]}")
    return {
        "curve": (table["mass_mev"], table[column]),
        "cl": float(index["cl"][row]),
        "citation": str(index["citation"][row]),
        "title": str(index["label"][row]) if title is None else title,
        "data_sets": (str(index["experiment"][row]),),
    }


def reach_of(row: int) -> tuple[float, float]:
    """`PublishedLimit.mass_range` of a row of the index."""
    masses = tables.read(f"constraints/{tables.read('constraints/index')['table'][row]}")["mass_mev"]
    return float(masses[0]) * math.exp(-FADE), float(masses[-1]) * math.exp(FADE)


def register_rows(build: Callable[..., PublishedLimit], *kinds: str) -> None:
    """Register the rows of the index that are of these kinds and have an experiment's name."""
    index = tables.read("constraints/index")
    for row, (name, kind) in enumerate(zip(index["experiment"], index["kind"], strict=True)):
        if name and kind in kinds:
            entry = functools.partial(build, row, name=str(name))
            register(str(name), entry, reach=functools.partial(reach_of, row), status="approximate")


register_rows(_registered, "limit")
