"""Tables for a paper: intervals of a posterior, and models compared by their evidences."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lmtbayes import _checks
from lmtbayes.export.posteriors import intervals_of
from lmtbayes.inference.evidence.comparison import Comparison
from lmtbayes.parameters import ALL, LEVELS

if TYPE_CHECKING:
    import xarray as xr

_SPECIAL = str.maketrans({c: rf"\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}"})


def intervals_to_latex(posterior: "xr.DataTree", parameters: Sequence[str] | None = None) -> str:
    r"""Return a `tabular` of medians with 68 % and 95 % equal-tailed intervals, in plain LaTeX.

    Parameters
    ----------
    posterior
        Of `sample_posterior`.
    parameters
        Names, in the order of the rows; g_x, mass, eps_x and the nuisances where nothing is said.

    Raises
    ------
    InvalidArgument
        No posterior.
    UnknownName
        A parameter that it has not.
    """
    found = intervals_of(posterior)
    chosen = [name for name in found if not name.startswith("log10_")] if parameters is None else list(parameters)
    rows = []
    for name in chosen:
        if name not in found:
            raise _checks.unknown("parameter", name, found)
        values = list(found[name].values())
        ends = zip(values[1::2], values[2::2], strict=True)
        shown = [_around(values[0], low, high) for low, high in ends]
        rows.append([_label(name), *shown])
    heads = ["parameter", *(rf"{100 * level:.0f}\,\%" for level in LEVELS)]
    return _tabular("l" + "r" * len(LEVELS), heads, rows)


def comparison_to_latex(comparison: "Comparison | xr.Dataset") -> str:
    r"""Return a `tabular` of ln Z, ln B against the first model, and posterior probabilities, in plain LaTeX.

    Parameters
    ----------
    comparison
        Of `compare_models`, or its `table`.

    Raises
    ------
    InvalidArgument
        No comparison.
    """
    import xarray

    table = comparison.table if isinstance(comparison, Comparison) else comparison
    if not isinstance(table, xarray.Dataset) or "log_bayes_factor" not in table:
        raise _checks.invalid("comparison", type(comparison).__name__, "a Comparison, or its table")
    first, rows = table["model"].values[0], []
    for name in table["model"].values:
        own = table.sel(model=name)
        factor = own.sel(against=first)
        pairs = [
            (own["log_z"], own["log_z_error"]),
            (factor["log_bayes_factor"], factor["log_bayes_factor_error"]),
            (own["posterior_probability"], own["posterior_probability_error"]),
        ]
        shown = [_with_error(float(value), float(error)) for value, error in pairs]
        if name == first:
            shown[1] = "0"
        rows.append([str(name).translate(_SPECIAL), *shown])
    kinds = sorted({str(kind) for kind in table["error_kind"].values})
    text = _tabular("lrrr", ["model", r"$\ln Z$", r"$\ln B$", "probability"], rows)
    return f"% errors of the evidences: {', '.join(kinds)}\n{text}"


def _tabular(columns: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = [rf"  {' & '.join(row)} \\" for row in rows]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"  \hline", rf"  {' & '.join(heads)} \\", r"  \hline", *body]
    return "\n".join([*lines, r"  \hline", r"\end{tabular}"]) + "\n"


def _label(name: str) -> str:
    return ALL[name].label if name in ALL else rf"\texttt{{{name.translate(_SPECIAL)}}}"


def _around(median: float, low: float, high: float) -> str:
    """Median with both errors, to two digits of the smaller one."""
    errors = (high - median, median - low)
    if not all(math.isfinite(x) for x in (median, *errors)):
        return "--"
    power = _power(max(abs(median), *errors))
    smaller = min((x for x in errors if x > 0.0), default=abs(median) or 1.0) / 10.0**power
    digits = max(0, min(8, 1 - math.floor(math.log10(smaller))))
    scaled = [f"{x / 10.0**power:.{digits}f}" for x in (median, *errors)]
    times = rf" \times 10^{{{power}}}" if power else ""
    return rf"${scaled[0]}^{{+{scaled[1]}}}_{{-{scaled[2]}}}{times}$"


def _with_error(value: float, error: float) -> str:
    if not math.isfinite(value):
        return "--"
    digits = 3 if not error > 0.0 or not math.isfinite(error) else max(0, min(8, 1 - math.floor(math.log10(error))))
    return rf"${value:.{digits}f} \pm {error:.{digits}f}$"


def _power(size: float) -> int:
    """Power of ten that is taken out of a number; none of those that read well as they are."""
    if size == 0.0 or 1e-2 <= size < 1e4:
        return 0
    return math.floor(math.log10(size))
