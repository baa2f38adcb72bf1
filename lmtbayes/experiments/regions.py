"""Published exclusions with two edges, as approximate terms: ln L = -(z^2/2) s(g_mu)^2, with s = 1 on both of them.

Below the entry coupling a boson is too weak to matter, above the exit coupling it is trapped, or decays too early, and
is allowed again. With x = (g_mu/entry)^2, X = (exit/entry)^2 and z, z' the normal quantiles of the levels of the two
edges (one-sided, as in `limits`) the term is a Gaussian, observed 0 and width 1/z, in

    s(x) = (1 + B) x/(1 + B x^2),   B = (X - k)/(X (k X - 1)),   k = z'/z,

so that ln L falls by z^2/2 on the entry and by z'^2/2 on the exit. s has one maximum, between the edges, and falls on
both sides: a coupling is disfavoured by more than an edge inside of it and by less outside, and not at all far away,
below or above. With one level B = 1/X, s = cosh(ln(exit/entry))/cosh(2 ln(g_mu/sqrt(entry exit))), and as the exit goes
away (B -> 0) the term becomes that of `published_limit`. How deep the exclusion is between its edges is no part of what
was published.

Where the edges meet (a region that closes) s touches 1 in that one coupling; two levels cannot both hold there, and are
refused where X < K + sqrt(K^2 - 1), K = max(k, 1/k): the maximum would lie outside of the edges. Beyond the first and
the last mass the term fades out as that of `limits` does, and says nothing.
"""

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import equinox as eqx
import interpax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import norm

from lmtbayes import _checks, tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.limits import PublishedLimit, published_limit
from lmtbayes.gauge.models import LMU_LTAU, GaugeModel, HiddenPhoton

COLUMNS = ("mass_mev", "g_entry", "g_exit")


class ExcludedRegion(PublishedLimit):
    """Strength s of the exclusion, 1 on the entry coupling and `exit_strength` on the exit; observed 0.

    Parameters (beyond those of PublishedLimit, whose limit is the entry)
    ----------
    log_ratio
        ln(exit/entry) against ln M [MeV], monotonic between the points, so that the edges do not cross.
    exit_strength
        k = z'/z.
    """

    log_ratio: interpax.Interpolator1D
    exit_strength: float = eqx.field(static=True)

    def edges(self, mass: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Entry and exit coupling in the model of the publication, M in MeV; beyond the table those at its end."""
        entry = self.limit(mass)
        return entry, entry * jnp.exp(self._log_ratio(mass))

    def left_out(self, model: GaugeModel) -> tuple[str, ...]:
        """As of a published limit; and what else moves the exit in another model."""
        found = super().left_out(model)
        if self.channel is None or model.charges == self.reference.charges:
            return found
        moved = "how its exit moves with lifetime and absorption: it is scaled as the entry, by coupling and branching"
        return (*found, moved)

    def _signal(
        self,
        model: GaugeModel,
        photon: HiddenPhoton,
        values: Mapping[str, Float[Array, ""]],  # noqa: ARG002
    ) -> Float[Array, " bins"]:
        x = self._yield(model, photon) / self.limit(photon.mass) ** 2
        turn = _turn(jnp.exp(2.0 * self._log_ratio(photon.mass)), self.exit_strength)
        return jnp.atleast_1d((1.0 + turn) * x / (1.0 + turn * x**2) * self._window(photon.mass))

    def _log_ratio(self, mass: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.log_ratio(jnp.clip(jnp.log(mass), *self.log_mass_range))


def _turn(width: Float[Array, "..."], k: float) -> Float[Array, "..."]:
    """B, from X = (exit/entry)^2 and k; with one level, k = 1, it is 1/X where the edges meet too."""
    return 1.0 / width if k == 1.0 else (width - k) / (width * (k * width - 1.0))


def excluded_region(
    name: str,
    curve: Any,
    *,
    cl: float | Sequence[float] = 0.90,
    channel: str | None = None,
    citation: str = "given by the user",
    title: str | None = None,
    reference: GaugeModel = LMU_LTAU,
    data_sets: Sequence[str] = (),
) -> ExcludedRegion:
    """Make an approximate experiment of a published exclusion between two couplings, for use in a JointLikelihood.

    As `published_limit`, with a second edge: supernovae (trapping), beam dumps (the boson decays in the shield).

    Parameters
    ----------
    name
        Of the experiment.
    curve
        Path of a CSV file with columns mass_mev, g_entry and g_exit (lines of # are skipped), or three arrays (masses
        [MeV], entry couplings, exit couplings). Masses increase; an exit is not below its entry, and may equal it where
        the region closes.
    cl
        Confidence level of the edges, between 0.5 and 1, or (of the entry, of the exit); one-sided, as `upper_limit`
        reads it.
    channel
        What the boson decays to in the search: "e", "mu", "tau" or "invisible". Both edges are then carried over to
        other models by Q_mu^2 BR(channel); for the exit, which goes with lifetime or absorption, that is a guess. None:
        g_x has the same edges in every model.
    citation, title
        As in Description.
    reference
        The model that the region was published for; without mixing where its rule is "free".
    data_sets
        Names of the data that it holds, as in Description: a likelihood refuses two experiments that share one.

    Returns
    -------
    experiment
        Status "approximate". -2 ln L rises by z^2 on either edge, by more between them, and falls to that of no boson
        below and above. Outside the table's masses it says nothing: it fades out over 5 % in M.

    Raises
    ------
    InvalidArgument
        A table that cannot be read, masses that do not increase, couplings that are not positive, an exit below its
        entry, a confidence level or channel out of range, edges closer than two different levels allow, a reference
        that does not make the boson or does not decay into the channel.

    Examples
    --------
    A region that closes at 100 MeV, with made-up numbers. At 10 MeV it excludes 1e-9 to 1e-7: at 90 % there, more so
    between them, and nothing far below or above.

    >>> import numpy as np
    >>> import lmtbayes as lmt
    >>> region = lmt.excluded_region("trapped", ([1.0, 10.0, 100.0], [1e-9, 1e-9, 5e-9], [1e-6, 1e-7, 5e-9]))
    >>> like = lmt.JointLikelihood([region], lmt.LMU_LTAU, "observed")
    >>> photons = lmt.HiddenPhoton(np.array([1e-11, 1e-9, 2e-9, 1e-7, 1e-4]), 10.0, 0.0)
    >>> (2.0 * (like.log_likelihood(lmt.HiddenPhoton.none()) - like.log_likelihood(photons))).round(2)
    Array([ 0.  ,  1.64, 26.2 ,  1.64,  0.  ], dtype=float64)
    """
    masses, entries, exits = _table(curve)
    levels = _levels(cl)
    lower = published_limit(
        name,
        (masses, entries),
        cl=levels[0],
        channel=channel,
        citation=citation,
        title=title,
        reference=reference,
        data_sets=data_sets,
    )
    k = float(norm.ppf(levels[1]) / norm.ppf(levels[0])) if levels[1] != levels[0] else 1.0
    closest = float(np.min(exits / entries))
    needed = math.sqrt(max(k, 1.0 / k) + math.sqrt(max(k, 1.0 / k) ** 2 - 1.0))
    if closest < needed:
        raise _checks.invalid(
            "cl", cl, f"one level for both edges where they come closer than a factor of {needed:.3g}: {closest:.3g}"
        )
    log_ratio = interpax.Interpolator1D(np.log(masses), np.log(exits / entries), method="monotonic")
    fields = {field.name: getattr(lower, field.name) for field in dataclasses.fields(lower)}
    return ExcludedRegion(**fields, log_ratio=log_ratio, exit_strength=k)


def _levels(cl: float | Sequence[float]) -> tuple[float, float]:
    """Return the levels of entry and exit."""
    given = _checks.number("cl", cl, "a confidence level between 0.5 and 1, or (of the entry, of the exit)")
    if given is None or given.shape not in ((), (2,)) or not np.all((given > 0.5) & (given < 1.0)):
        raise _checks.invalid("cl", cl, "a confidence level between 0.5 and 1, or (of the entry, of the exit)")
    entry, leave = np.broadcast_to(given, (2,))
    return float(entry), float(leave)


def _table(curve: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return masses [MeV], entry and exit couplings."""
    given = _given(curve)
    masses = _increasing(given[0])
    _checks.positive("curve masses", masses, "MeV")
    entries = _checks.shape("curve entries", given[1], masses.shape)
    exits = _checks.shape("curve exits", given[2], masses.shape)
    _checks.positive("curve entries", entries)
    _checks.positive("curve exits", exits)
    below = exits < entries
    if np.any(below):
        at = int(np.argmax(below))
        raise _checks.invalid("curve exits", exits[at], f"not below the entry, {entries[at]:g}, at {masses[at]:g} MeV")
    return masses, entries, exits


def _increasing(masses: Any) -> np.ndarray:
    found = _checks.number("curve masses", masses)
    if found is not None and found.ndim == 1 and np.any(np.diff(found) < 0.0) and np.any(np.diff(found) > 0.0):
        raise _checks.invalid(
            "curve masses", masses, "increasing; of a closed contour give its lower part as entry, its upper as exit"
        )
    return _checks.increasing("curve masses", masses)


def _given(curve: Any) -> list[Any]:
    expected = "the path of a CSV file, or three arrays (masses [MeV], entry couplings, exit couplings)"
    if isinstance(curve, tuple | list) and len(curve) == len(COLUMNS):
        return list(curve)
    if not isinstance(curve, str | os.PathLike):
        raise _checks.invalid("curve", curve, expected)
    path = Path(curve)
    if not path.is_file():
        raise _checks.invalid("curve", str(curve), "the path of a CSV file that exists, or (masses, entries, exits)")
    columns = tables.read_csv(path, "curve")
    missing = [key for key in COLUMNS if key not in columns]
    if missing:
        raise InvalidArgument(
            f"`curve` must have columns {', '.join(COLUMNS)}; {path.name} lacks {', '.join(missing)} and has "
            f"{', '.join(columns) or 'none'}"
        )
    return [columns[key] for key in COLUMNS]
