"""`lmtbayes compare`: evidences of Lmu-Ltau and Lmu, each with several mixing rules, on one data set."""

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes.inference.evidence.comparison import compare_models
from lmtbayes.inference.evidence.evidence import SHORTHAND
from lmtbayes.jobs import pictures
from lmtbayes.jobs.output import output_folder, write_netcdf
from lmtbayes.jobs.settings import FitSettings, mixing_rules
from lmtbayes.jobs.strict import Saved, checked, one_of, settings
from lmtbayes.plotting.evidence import against, evidence_bars
from lmtbayes.plotting.style import style

MODELS = {"Lmu-Ltau": "lmu-ltau", "Lmu": "lmu"}


@settings
class Comparing(Saved):
    """Everything that determines a comparison.

    Raises
    ------
    InvalidArgument
        A value that cannot be.
    UnknownName
        A setting that does not exist.
    """

    WHAT: ClassVar[str] = "a comparison"
    NEEDS: ClassVar[tuple[str, ...]] = ("fit",)

    fit: FitSettings = FitSettings()
    """Data, experiments, prior ranges, seed; its own model and mixing do not matter."""
    mixings: Annotated[tuple[str, ...], checked(mixing_rules)] = ("paper", "free")
    """Rules that each model is taken with."""
    method: Annotated[str, checked(one_of(SHORTHAND))] = "cubature"
    """cubature, importance, smc, nested or nss."""

    def variants(self) -> dict[str, FitSettings]:
        """Settings of each model by its label."""
        return {
            f"{label}, {mixing} mixing": dataclasses.replace(self.fit, model=model, mixing=mixing)
            for label, model in MODELS.items()
            for mixing in self.mixings
        }


def compare(comparing: Comparing, out: str | Path, force: bool = False, suffix: str = "pdf") -> str:
    """Write comparison.nc, evidences.pdf and summary.txt.

    Parameters
    ----------
    comparing
        Everything that determines the result.
    out, force
        Folder; whether to replace it.
    suffix
        Of the picture: "pdf", "svg" or "png".

    Returns
    -------
    summary
        The table, priors included.

    Raises
    ------
    InvalidArgument
        A folder that exists; another suffix.
    """
    _checks.one_of("suffix", f".{suffix}", pictures.FORMATS)
    comparing.fit.check_data()
    with output_folder(out, comparing.to_dict(), force) as folder:
        entries = {label: (variant.likelihood(), variant.prior) for label, variant in comparing.variants().items()}
        comparison = compare_models(entries, method=comparing.method, seed=comparing.fit.seed)
        write_netcdf(folder / "comparison.nc", comparison.table)
        pictures.save(_bars(comparison.table), folder / f"evidences.{suffix}")
        summary = str(comparison)
        write_text(folder / "summary.txt", summary + "\n")
    return summary


def _bars(table: xr.Dataset) -> Figure:
    """Ln B of every model against the first."""
    first = str(table["model"].values[0])
    bars = against(table, first)
    with style():
        figure, axis = plt.subplots(figsize=(6.4, 1.5 + 0.42 * len(bars)))
        evidence_bars(bars, first, axis)
    return figure
