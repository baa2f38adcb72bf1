"""What a fit says in words, in one order: data, best fit, goodness, intervals, contours, limit, evidence, verdict.

The screen and summary.txt hold the same text, made of what the folder's files hold.
"""

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.frequentist.few_events import FEW_EVENTS
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.parameters import ALL, LEVELS, PARAMETERS

if TYPE_CHECKING:
    import xarray as xr

_WORDS = ("", "zero coupling is excluded", "no limit below the grid's upper edge", "no coupling is allowed")
_BELOW = "below the grid's lower edge"
_MASSES = 9
"""Most masses at which a limit is printed; limit.nc has all."""


def join(parts: Iterable[str]) -> str:
    """Put parts below each other with an empty line between, those that say nothing left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def what_is_fitted(settings: FitSettings) -> str:
    """Model and data in a line or two."""
    data = {
        "asimov": f"Asimov data of {settings.truth}",
        "toy": f"a toy of {settings.truth}, seed {settings.seed}",
        "observed": "published data",
    }[settings.data]
    other = settings.data != "observed" and settings.truth_model != settings.model
    made = f" in {settings.truth_model}" if other else ""
    model = f"{settings.gauge_model.name}, {settings.mixing} mixing"
    return f"{model}, and {data}{made}:\n  {', '.join(settings.experiments)}"


def best_fit(profile: "xr.Dataset", settings: FitSettings) -> str:
    """Point of highest likelihood, deviance and its p-value."""
    found = profile.attrs
    lines = ["best fit, boson and nuisances together"]
    lines += [f"  {_with_unit(name):<12s} {found[f'best_{name}']:.4g}" for name in ("mass", "g_x", "eps_x")]
    if found["best_at_edge"]:
        lines[0] += f" (at the edge of the range of {found['best_at_edge']})"
    if not found["best_converged"]:
        lines.append("  NOT CONVERGED: trust neither the point nor what is relative to it")
    degrees = int(found["bins"] - found["free_parameters"])
    # Rounding may leave Asimov data, whose deviance is zero, a little below.
    deviance = found["deviance"] if abs(found["deviance"]) > 5e-3 else 0.0
    size = f"{found['bins']} bins, with {found['free_parameters']} parameters of the boson"
    lines.append(f"  {'deviance':<12s} {deviance:.2f} in {size}")
    return "\n".join([*lines, f"  {_goodness(found, degrees, settings)}"])


def _goodness(found: Mapping[str, Any], degrees: int, settings: FitSettings) -> str:
    """The p-value with what it is of, and what stands against it; or why there is none."""
    if settings.data == "asimov":
        return "no p-value: Asimov data do not fluctuate"
    if degrees < 1:
        return "no p-value: there are no more bins than parameters"
    against = []
    if found["best_at_edge"]:
        against.append("the best fit lies at an edge, so that the degrees of freedom are not known")
    if "fewer than" in found["p_value_note"]:
        against.append(str(found["p_value_note"]).removeprefix("asymptotic, with "))
        against.append("lmtbayes.toy_test_statistics gives the one that holds")
    value = f"p-value {found['p_value']:.3g} by chi^2 with {degrees} degrees of freedom"
    return f"{value}; approximate: {'; '.join(against)}" if against else value


def intervals(posterior: "xr.DataTree") -> str:
    """Medians and central 68 % and 95 % intervals (arviz): the boson's parameters, then the nuisances."""
    import arviz

    draws = posterior["posterior"].to_dataset()
    names = [str(name) for name in draws.data_vars if not str(name).startswith("log10_")]
    boson = [name for name in PARAMETERS if name in names]
    own = [name for name in names if name not in boson and "constraint" not in draws[name].attrs]
    others = [name for name in names if name not in boson + own]
    medians = draws.median(("chain", "draw"))
    ends = [arviz.eti(draws[names], prob=level) for level in LEVELS]
    width = max(14, *(len(_with_unit(name)) for name in names)) + 2

    def row(name: str) -> str:
        texts = [f"{low:.4g} to {high:.4g}" for low, high in (found[name].values for found in ends)]
        return f"  {_with_unit(name):<{width}s}{float(medians[name]):>11.4g}" + "".join(f"{t:>25s}" for t in texts)

    lines = [f"{'posterior':<{width + 2}s}{'median':>11s}{'central 68 %':>25s}{'central 95 %':>25s}"]
    lines += [row(name) for name in boson + own]
    if others:
        lines += ["nuisances, in the units of their constraints", *(row(name) for name in others)]
    return "\n".join(lines)


def _with_unit(name: str) -> str:
    unit = ALL[name].unit if name in ALL else "1"
    return name if unit == "1" else f"{name} [{unit}]"


def limit(found: "xr.Dataset") -> str:
    """The upper limit at some of its masses, and what is to be known of it there."""
    masses = found["mass"].values
    sides = "one-sided" if found.attrs["tails"] == "one" else "upper end of a two-sided interval"
    head = f"{100 * found.attrs['cl']:g} % upper limit on g_x at each mass, {sides}"
    if found.attrs["relative_to"] == "slice":
        head += ", relative to the best g_x there"
    lines = [head, f"  {'mass [MeV]':>10s}   g_x"]
    lines += [_at(found, i) for i in _some(masses)]
    best = found["limit"].where(found["status"] != 1)
    if best.notnull().any():
        strongest = best.isel(mass=int(np.nanargmin(best.values)))
        lines.append(f"  the strongest: g_x < {float(strongest):.3g} at {float(strongest['mass']):.3g} MeV")
    return "\n".join(lines)


def _some(masses: np.ndarray) -> list[int]:
    """Places of the grid's masses next to 1, 2, 5, 10, ..., or fewer where those are many; the ends among them."""
    low, high = math.floor(math.log10(masses[0])), math.ceil(math.log10(masses[-1]))
    for digits in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        wanted = [digit * 10.0**power for power in range(low, high + 1) for digit in digits]
        inside = [mass for mass in wanted if masses[0] < mass < masses[-1]]
        places = {0, len(masses) - 1, *(int(np.argmin(abs(np.log(masses / mass)))) for mass in inside)}
        if len(places) <= _MASSES:
            break
    return sorted(places)


def _at(found: "xr.Dataset", place: int) -> str:
    here = found.isel(mass=place)
    status = int(here["status"])
    value = "" if np.isnan(here["limit"]) else f"{float(here['limit']):.3g}"
    notes = [_BELOW if status == 4 else _WORDS[status]]
    if int(here["islands"]):
        edges = zip(here["island_lower"].values, here["island_upper"].values, strict=True)
        notes += [f"allowed again from {low:.3g} to {high:.3g}" for low, high in edges if np.isfinite(low)]
    few = float(here["expected_events"])
    if value and bool(here["exact"]):
        notes.append("exact, of counts")
    elif value and few < FEW_EVENTS and "limit_error" not in found:
        notes.append(f"approximate: {few:.2g} events expected")
    words = "; ".join(filter(None, notes))
    return f"  {float(here['mass']):>10.4g}   {value:<9s} {words}".rstrip()


def evidence(found: Evidence) -> str:
    """Ln Z with the kind of its error, and the box it belongs to."""
    lines = ["evidence", f"  ln Z = {found.log_z:.4f} ± {found.log_z_error:.4f} ({found.error_kind}, {found.method})"]
    lines += [f"  of {found.prior!r}", *([] if found.converged else [f"  NOT CONVERGED: {found.status}"])]
    return "\n".join(lines)


def verdict(posterior: "xr.DataTree") -> str:
    """Whether to trust the posterior, check by check."""
    return str(posterior.attrs["verdict"])
