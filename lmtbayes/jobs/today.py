"""`lmtbayes fit --data observed`: all published data, both models, with the g-2 presets of 2021 and 2025 side by side.

Four fits (two models times two presets), each in a folder of its own that is there whole or not at all, so that an
interrupted study goes on where it was; then the evidences of both models and of no boson, for each preset. Most of the
time goes into compilation, which uses little more than one core: two processes, one a model, take half of it.
"""

import dataclasses
import functools
import gc
import itertools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lmtbayes import _checks
from lmtbayes._files import read_netcdf, read_tree, write_text
from lmtbayes.experiments import coherent_ge
from lmtbayes.experiments.muon_g2 import PRESETS
from lmtbayes.experiments.n_eff import MEASUREMENTS
from lmtbayes.experiments.registry import experiment_status, own_names
from lmtbayes.experiments.solar_8b import COUNTS_ALONE
from lmtbayes.experiments.white_dwarfs import BY_NAME
from lmtbayes.experiments.xenonnt_s2 import ENTRY as IONISATION_ALONE
from lmtbayes.inference import priors
from lmtbayes.inference.evidence.comparison import Comparison
from lmtbayes.inference.evidence.evidence import Evidence, evidence
from lmtbayes.inference.evidence.importance import Importance
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.jobs import pictures, pool
from lmtbayes.jobs.draw import plane_on
from lmtbayes.jobs.fit import fit
from lmtbayes.jobs.output import Say, output_folder, write_netcdf
from lmtbayes.jobs.settings import LEAST_GRID, FitSettings
from lmtbayes.plotting.evidence import against, evidence_bars
from lmtbayes.plotting.legends import entries
from lmtbayes.plotting.style import style

G2_PRESETS = ("muon-g2-2021", "muon-g2-2025")
MODELS = {"Lmu-Ltau": "lmu-ltau", "Lmu": "lmu"}
EVIDENCE_RTOL = 0.02
"""Of ln Z: what is compared are differences of order one."""


def published() -> tuple[str, ...]:
    """Return every registered entry with data or an approximate likelihood of its own, no data twice; none of plugins.

    Left out are the g-2 presets; of the measurements of N_eff, which share data, all but the first; of COHERENT's
    germanium the first set, which the protons of the second are taken to include; Borexino's one rate, which its
    spectrum contains; counts alone where another entry compares the distribution of the same events; XENONnT's search
    with ionisation alone, which may hold events of `xenonnt-8b`; and what a fit takes only by name, because no
    confidence level of it is published (white dwarfs).
    """
    counts = tuple(f"{name}{COUNTS_ALONE}" for name in own_names())
    contained = (coherent_ge.NAME_2024, "borexino-7be", IONISATION_ALONE)
    left_out = (*PRESETS, *MEASUREMENTS[1:], *counts, *contained, *BY_NAME)
    return tuple(
        name for name in own_names() if name not in left_out and experiment_status(name) in ("data", "approximate")
    )


def today(
    settings: FitSettings,
    out: str | Path,
    force: bool = False,
    progress: bool = True,
    say: Say = print,
    suffix: str = "pdf",
    workers: int = 1,
) -> str:
    """Fit, compare, draw, write.

    Parameters
    ----------
    settings
        Experiments (without g-2, which the study adds), mixing, prior ranges, sampler and grid, with `scope="today"`.
        The model is both.
    out
        Folder: one folder a fit (`lmu-ltau_2021`, ...) as `lmtbayes fit` leaves it, its evidence in a file beside it,
        `comparison_2021.nc`, pictures of all four planes and of the evidences, summary.txt. An interrupted study is
        continued by the same call.
    force, progress, say, suffix
        As in `fit`. Bars are shown by one worker only.
    workers
        Processes, two at most. An accelerator serves one.

    Returns
    -------
    summary
        The text of summary.txt: verdicts and intervals of the fits, evidences with their priors.
    """
    _checks.whole("workers", workers)
    _checks.whole("grid", settings.grid, LEAST_GRID)  # of the pictures
    parts = []
    with output_folder(out, settings.to_dict(), force) as folder:
        fits = {
            (preset, label): _case(settings, preset, model) for preset in G2_PRESETS for label, model in MODELS.items()
        }
        several = workers > 1
        work = functools.partial(_finish, folder, fits, progress=progress and not several, suffix=suffix)
        if several:
            groups = [[_title(label, preset) for preset in G2_PRESETS] for label in MODELS]
            pool.run(work, groups, min(workers, len(groups)), say, lambda _, __: None)
        else:
            for preset, label in fits:
                work(_title(label, preset), say)
        for preset in G2_PRESETS:
            for label in MODELS:
                summary = _own_folder(folder, label, preset) / "summary.txt"
                parts.append(f"{_title(label, preset)}\n{summary.read_text(encoding='utf-8')}")
            comparison = _comparison(folder, preset)
            write_netcdf(folder / f"comparison_{_year(preset)}.nc", comparison.table)
            parts.append(f"evidences with {preset}\n{comparison}\n")
        say("pictures")
        pictures.save(_planes(folder, fits), folder / f"planes.{suffix}")
        pictures.save(_evidences(folder), folder / f"evidences.{suffix}")
        text = "\n".join(parts)
        write_text(folder / "summary.txt", text)
    return text


def _case(settings: FitSettings, preset: str, model: str) -> FitSettings:
    """One of the four fits."""
    experiments = (*settings.experiments, preset)
    return dataclasses.replace(settings, experiments=experiments, model=model, scope="single")


def usual_workers() -> int:
    """Processes for the fit of today: two where the machine has two cores and no accelerator."""
    import jax

    return 2 if jax.default_backend() == "cpu" and (os.cpu_count() or 1) > 1 else 1


def _title(label: str, preset: str) -> str:
    return f"{label} with {preset}"


def _finish(folder: Path, fits: Mapping[tuple[str, str], FitSettings], title: str, say: Say, **options: Any) -> float:
    """Do what is not there yet of one fit and its evidences; what was compiled of the rates serves the next one."""
    begin = time.perf_counter()
    preset, label = next(key for key in itertools.product(G2_PRESETS, MODELS) if _title(*key[::-1]) == title)
    own, file, case = _own_folder(folder, label, preset), _evidence_file(folder, label, preset), fits[preset, label]
    if not (own.exists() and file.exists()):
        like = case.likelihood()
        if not own.exists():
            say(title)
            fit(case, own, say=say, like=like, **options)
        say(f"evidence of {title}")
        write_text(file, json.dumps(_evidences_of(like, case), indent=1))
        del like
        gc.collect()  # a compiled function and what it was traced from hold each other
    return time.perf_counter() - begin


def _own_folder(folder: Path, label: str, preset: str) -> Path:
    return folder / f"{MODELS[label]}_{_year(preset)}"


def _evidence_file(folder: Path, label: str, preset: str) -> Path:
    return folder / f"evidence_{MODELS[label]}_{_year(preset)}.json"


def _comparison(folder: Path, preset: str) -> Comparison:
    """Both models and no boson, from the files of their evidences."""
    found: dict[str, Evidence] = {}
    for label in MODELS:
        numbers = json.loads(_evidence_file(folder, label, preset).read_text(encoding="utf-8"))
        # Without a boson the models are one: the first has it, and it is the reference.
        if "no boson" in numbers:
            found["no boson"] = Evidence.from_dict(numbers["no boson"])
        found[label] = Evidence.from_dict(numbers[label])
    return Comparison(found, dict.fromkeys(found, 1.0 / len(found)), {})


def _evidences_of(like: JointLikelihood, case: FitSettings) -> dict[str, Any]:
    """Evidences of a model and of no boson, as numbers that a file holds; the chains' grid is used again."""
    label = next(label for label, model in MODELS.items() if model == case.model)
    entries = {label: case.prior} | ({"no boson": priors.no_boson(like.model)} if label == next(iter(MODELS)) else {})
    found = {
        name: evidence(like, prior, Importance(rtol=EVIDENCE_RTOL), seed=case.seed) for name, prior in entries.items()
    }
    # Without the draws, which the chains' file has better.
    return {name: dataclasses.replace(one, nodes={}, log_weights=np.zeros(0)).to_dict() for name, one in found.items()}


def _planes(folder: Path, fits: dict[tuple[str, str], FitSettings]) -> Figure:
    """One panel a fit: presets side by side, models below each other."""
    with style():
        figure, axes = plt.subplots(2, 2, figsize=(10.0, 8.0), sharex=True, sharey=True)
        reach = []
        for (preset, label), axis in zip(fits, axes.T.flat, strict=True):
            own = _own_folder(folder, label, preset)
            posterior = read_tree(own / "posterior.nc", groups=("posterior",))
            profile, limit = (read_netcdf(own / f"{what}.nc") for what in ("profile", "limit"))
            plane_on(axis, fits[preset, label], posterior, profile, preset, limit)
            reach.append((*axis.get_xlim(), *axis.get_ylim()))
            axis.set_title(f"{label}, all data with {preset}", fontsize=10)
        low, high = np.min(reach, axis=0), np.max(reach, axis=0)
        axes[0, 0].set(xlim=(low[0], high[1]), ylim=(low[2], high[3]))
        for axis in axes[0]:
            axis.set_xlabel("")
        for axis in axes[:, 1]:
            axis.set_ylabel("")
        figure.legend(handles=entries(*axes.flat), loc="outside lower center", ncols=4)
    return figure


def _year(preset: str) -> str:
    return preset.removeprefix("muon-g2-")


def _evidences(folder: Path) -> Figure:
    """Ln B of each model against no boson, presets below each other."""
    with style():
        figure, axes = plt.subplots(len(G2_PRESETS), 1, figsize=(6.4, 5.2), sharex=True)
        for preset, axis in zip(G2_PRESETS, axes, strict=True):
            table = read_netcdf(folder / f"comparison_{_year(preset)}.nc")
            evidence_bars(against(table, "no boson"), "no boson", axis)
            axis.set_title(f"all data with {preset}", fontsize=10)
        axes[0].set_xlabel("")
    return figure
