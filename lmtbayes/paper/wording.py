"""How statements put their numbers: by benchmark, in powers of ten, as "never"; and when a number is near another."""

import math
from collections.abc import Iterable, Mapping

from lmtbayes.paper.statement import AGREES, DIFFERS, IN_KIND

NEAR = 0.25
"""Relative distance up to which our number counts as the paper's "about" or a value read off a logarithmic axis."""


def by_benchmark(values: Mapping[str, float], form: str = ".3g", unit: str = "") -> str:
    """Return "BP1 0.91, BP2 0.90 t" for a mapping of benchmark to number."""
    listed = ", ".join(f"{name} {number(value, form)}" for name, value in values.items())
    return f"{listed} {unit}" if unit else listed


def exposures(values: Mapping[str, float]) -> str:
    """Return "BP1 93.5, BP2 147 t yr", or "never" where no exposure is enough for any benchmark."""
    return by_benchmark(values, unit="t yr") if any(map(math.isfinite, values.values())) else "never"


def number(value: float, form: str = ".3g") -> str:
    """Return a number for a sentence: "never" for infinity, 6.1 x 10^7 for a large one."""
    if math.isinf(value):
        return "never"
    text = f"{value:{form}}"
    if "e" not in text:
        return text.replace("-", "") if float(text) == 0.0 else text
    mantissa, exponent = text.split("e")
    return f"{mantissa} × 10^{int(exponent)}"


def near(value: float, stated: float, within: float = NEAR) -> bool:
    """Whether a number is the stated one to the relative distance `within`."""
    return bool(math.isfinite(value) and abs(value / stated - 1.0) <= within)


def verdict(agrees: bool, in_kind: bool = False) -> str:
    """Return the verdict of two tests, the stricter one first."""
    return AGREES if agrees else IN_KIND if in_kind else DIFFERS


def flat(prefix: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return {"prefix_BP1": number, ...} for a statement's numbers."""
    return {f"{prefix}_{key}": float(value) for key, value in values.items()}


def names(those: Iterable[str]) -> str:
    """Return "BP1, BP2" or "none"."""
    return ", ".join(those) or "none"
