"""`lmtbayes rates`: the bins of one experiment as a table, and its spectrum for the benchmarks as a picture."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import ArrayLike
from matplotlib.figure import SubFigure
from rich.markup import escape
from rich.table import Table

from lmtbayes import _checks
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.description import SINGLE_NUMBER
from lmtbayes.gauge.models import BENCHMARKS, MODELS, GaugeModel, HiddenPhoton
from lmtbayes.jobs.pictures import save
from lmtbayes.jobs.settings import parse_experiment, parse_truth
from lmtbayes.plotting.plain_text import plain
from lmtbayes.plotting.recoils import ratio_to_reference, recoil_spectra
from lmtbayes.plotting.spectra import binned_spectra
from lmtbayes.plotting.style import style


def table(name: str, points: list[str], model: str) -> Table:
    """Return expected counts by bin: background, no boson, and one column a point.

    Raises
    ------
    UnknownName, InvalidArgument
        As `parse_experiment` and `parse_truth`.
    """
    _checks.one_of("model", model, MODELS)
    exp = parse_experiment(name)
    gauge_model = MODELS[model]
    columns = _columns(exp, gauge_model, points)
    result = Table(title=escape(f"{plain(exp.title)} ({exp.status}), {gauge_model.name}"), title_justify="left")
    result.add_column(escape(plain(_axis_label(exp))))
    for column in columns:
        result.add_column(column, justify="right")
    if exp.binning is SINGLE_NUMBER:
        result.add_row("value", *(_number(values[0]) for values in columns.values()))
        return result
    for i in range(exp.n_bins):
        edges = f"{exp.bin_edges[i]:g}-{exp.bin_edges[i + 1]:g}"
        result.add_row(edges, *(_number(values[i]) for values in columns.values()))
    result.add_section()
    result.add_row("all", *(_number(values.sum()) for values in columns.values()))
    return result


def _columns(exp: Experiment, model: GaugeModel, points: list[str]) -> dict[str, np.ndarray]:
    """Counts of every bin by what is counted."""
    photons = {"no boson": HiddenPhoton.none()} | {point: parse_truth(point, model) for point in points}
    columns: dict[str, ArrayLike | None] = {"background": exp.background_counts}
    columns |= {name: exp.expected_counts(model, photon) for name, photon in photons.items()}
    columns["observed"] = exp.observed
    return {name: np.asarray(values) for name, values in columns.items() if values is not None}


def picture(name: str, model: str, path: Path) -> Path | None:
    """Draw the spectra of the four benchmarks over those of no boson; None for an experiment that is a single number.

    Binned as the experiment counts; for recoil experiments also the differential rate and its ratio to that of no boson
    (Fig. 6 of arXiv:2104.03297, one detector).
    """
    exp = parse_experiment(name)
    if exp.binning is SINGLE_NUMBER:
        return None
    photons = {"SM": HiddenPhoton.none(), **BENCHMARKS}
    counts = {key: np.asarray(exp.expected_counts(MODELS[model], photon)) for key, photon in photons.items()}
    if not counts["SM"].any():
        del counts["SM"]
    labels = {key: f"{key}: {float(photon.mass):g} MeV, {_coupling(photon)}" for key, photon in BENCHMARKS.items()}
    differential = getattr(exp, "differential_rate", None)
    with style():
        figure = plt.figure(figsize=(5.6, 4.2) if differential is None else (10.6, 4.2))
        panels = figure.subfigures(1, 1 if differential is None else 2, squeeze=False)[0]
        axis = panels[-1].subplots()
        binned_spectra(axis, exp.bin_edges, counts, labels, xlabel=_axis_label(exp))
        axis.set_title(exp.title, fontsize=10)
        if differential is not None:
            energy = np.geomspace(min(0.1, exp.bin_edges[0]), exp.bin_edges[-1], 300)
            curves = {key: np.asarray(differential(MODELS[model], photon, energy)) for key, photon in photons.items()}
            _recoils(panels[0], energy, curves, float(exp.bin_edges[0]))
        return save(figure, path)


def _recoils(panel: SubFigure, energy: np.ndarray, curves: dict[str, np.ndarray], threshold: float) -> None:
    """Differential rates [1/keV] over recoil energies [keV], and their ratios to that of no boson below."""
    upper, lower = panel.subplots(2, 1, sharex=True, height_ratios=(2.4, 1.0))
    recoil_spectra(upper, energy, curves, threshold, "true recoil energy, before any response")
    ratio_to_reference(lower, energy, curves, threshold_kev=threshold)
    upper.set_xlabel("")


def _number(value: float) -> str:
    return f"{value:.0f}" if 1e3 <= value < 1e9 else f"{value:.4g}"


def _coupling(photon: HiddenPhoton) -> str:
    mantissa, exponent = f"{float(photon.g_x):.0e}".split("e")
    return f"$g_x = {'' if mantissa == '1' else mantissa + r' \times '}10^{{{int(exponent)}}}$"


def _axis_label(exp: Experiment) -> str:
    return f"{exp.binning.quantity} [{exp.bin_unit}]" if exp.bin_unit else exp.binning.quantity
