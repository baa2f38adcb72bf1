"""`lmtbayes compare`: evidences of Lmu-Ltau and Lmu, each with several mixing rules, on one data set."""

import dataclasses
from pathlib import Path

from lmtbayes._files import write_text
from lmtbayes.inference.evidence.comparison import compare_models
from lmtbayes.jobs.output import output_folder, write_netcdf
from lmtbayes.jobs.settings import FitSettings

MODELS = {"Lmu-Ltau": "lmu-ltau", "Lmu": "lmu"}


def compare(settings: FitSettings, mixings: tuple[str, ...], method: str, out: str | Path, force: bool = False) -> str:
    """Write comparison.nc and summary.txt.

    Parameters
    ----------
    settings
        Data, experiments and prior ranges; its own model and mixing do not matter.
    mixings
        Rules each model is taken with.
    method
        Of `evidence`.
    out, force
        Folder; whether to replace it.

    Returns
    -------
    summary
        The table, priors included.
    """
    variants = {
        f"{label}, {mixing} mixing": dataclasses.replace(settings, model=model, mixing=mixing)
        for label, model in MODELS.items()
        for mixing in mixings
    }
    with output_folder(out, settings.to_dict() | {"mixings": list(mixings), "method": method}, force) as folder:
        entries = {label: (variant.likelihood(), variant.prior) for label, variant in variants.items()}
        comparison = compare_models(entries, method=method, seed=settings.seed)
        write_netcdf(folder / "comparison.nc", comparison.table)
        summary = str(comparison)
        write_text(folder / "summary.txt", summary + "\n")
    return summary
