"""Commands on a likelihood: fit, contours, compare, study."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lmtbayes import _checks
from lmtbayes.cli_options import (
    Context,
    Experiments,
    Force,
    Out,
    Published,
    SettingsFile,
    Truth,
    console,
    refuse,
    typed,
)
from lmtbayes.jobs.settings import LEAST_GRID, FitSettings, split_names

DEFAULTS = FitSettings()
MAIN_JOB = ",".join(DEFAULTS.experiments)


def fit(
    context: Context,
    experiments: Annotated[
        str | None,
        typer.Option(
            help=f"names, comma-separated; overrides as name:key=value. By default {MAIN_JOB}; with --data observed "
            "all published data, in both models, with g-2 of 2021 and of 2025"
        ),
    ] = None,
    truth: Truth = "BP1",
    model: Annotated[str, typer.Option(help="in which the data are read: lmu-ltau or lmu")] = "lmu-ltau",
    mixing: Annotated[str, typer.Option(help="free, paper, loop, loop0 or a number eps_x/g_x")] = "free",
    truth_model: Annotated[str, typer.Option(help="which made the data: lmu-ltau or lmu")] = "lmu-ltau",
    data: Annotated[str, typer.Option(help="asimov, toy or observed")] = "asimov",
    published: Published = "observed",
    seed: Annotated[int, typer.Option(help="of sampler and toys")] = 0,
    chains: Annotated[int, typer.Option(help="side by side")] = DEFAULTS.chains,
    warmup: Annotated[int, typer.Option(help="steps of adaptation")] = DEFAULTS.warmup,
    draws: Annotated[int, typer.Option(help="of each chain")] = DEFAULTS.draws,
    grid: Annotated[int, typer.Option(help="points a side of the profile's first grid; 0 for none")] = DEFAULTS.grid,
    settings: SettingsFile = None,
    out: Out = Path("fit"),
    force: Force = False,
    progress: Annotated[bool, typer.Option(help="show progress")] = True,
    suffix: Annotated[str, typer.Option("--format", help="of the pictures: pdf, svg or png")] = "pdf",
) -> None:
    """Posterior and profile of one data set, with pictures. Without options: BP1 with four experiments.

    With --data observed and no experiments named: the fit of today, which compares models and g-2 presets too.
    """
    from lmtbayes.jobs import today as all_data
    from lmtbayes.jobs.fit import fit as single

    given: dict[str, Any] = {
        "model": model,
        "mixing": mixing,
        "data": data,
        "published": published,
        "truth": truth,
        "truth_model": truth_model,
        "seed": seed,
        "chains": chains,
        "warmup": warmup,
        "draws": draws,
        "grid": grid,
    }
    if experiments is not None:
        given["experiments"] = split_names(experiments)
    if settings is not None:
        chosen = dataclasses.replace(FitSettings.from_file(settings), **typed(context, given))
    elif data == "observed" and experiments is None:
        chosen = FitSettings(**given, experiments=all_data.published(), scope="today")
    else:
        chosen = FitSettings(**given)
    if chosen.grid:
        _checks.whole("grid", chosen.grid, LEAST_GRID)
    if chosen.data == "observed":
        refuse(context, ("truth", "truth_model"), "with observed data there is no truth to choose")
    if chosen.scope == "today":
        refuse(context, ("model",), "the fit of all published data takes both models; name experiments for one fit")

    def say(text: str) -> None:
        console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

    job = all_data.today if chosen.scope == "today" else single
    summary = job(chosen, out, force, progress, say, suffix)
    console.print(escape(summary), soft_wrap=True, highlight=False)
    console.print(f"results: {out}")


def contours(
    context: Context,
    experiments: Experiments = "na64mu,ess",
    truth: Truth = "BP1",
    model: Annotated[str, typer.Option(help="lmu-ltau or lmu")] = "lmu-ltau",
    mixing: Annotated[str, typer.Option(help="free, paper, loop, loop0 or a number eps_x/g_x")] = "paper",
    data: Annotated[str, typer.Option(help="asimov, toy or observed")] = "asimov",
    published: Published = "observed",
    grid: Annotated[int, typer.Option(help="points a side of the first grid")] = 60,
    out: Out = Path("contours"),
    force: Force = False,
) -> None:
    """Profile-likelihood contours and the 90 % upper limit in the (mass, g_x) plane."""
    from lmtbayes.jobs.contours import contours as job

    given = FitSettings(
        experiments=split_names(experiments),
        model=model,
        mixing=mixing,
        data=data,
        published=published,
        truth=truth,
        grid=grid,
    )
    _checks.whole("grid", grid, LEAST_GRID)
    if data == "observed":
        refuse(context, ("truth",), "with observed data there is no truth to choose")
    console.print(escape(job(given, out, force)), soft_wrap=True, highlight=False)
    console.print(f"results: {out}")


def compare(
    context: Context,
    experiments: Experiments = ("na64mu,ess,darwin-nr:threshold_kev=1.0"),
    truth: Truth = "BP1",
    truth_model: Annotated[str, typer.Option(help="which made the data: lmu-ltau or lmu")] = "lmu-ltau",
    data: Annotated[str, typer.Option(help="asimov, toy or observed")] = "asimov",
    published: Published = "observed",
    mixings: Annotated[str, typer.Option(help="each model is taken with each of these")] = "paper,free",
    method: Annotated[str, typer.Option(help="cubature, importance, smc or nested")] = "cubature",
    seed: Annotated[int, typer.Option(help="of the method and of toys")] = 0,
    out: Out = Path("compare"),
    force: Force = False,
) -> None:
    """Bayesian evidence: Lmu-Ltau against Lmu, minimal against free mixing."""
    from lmtbayes.jobs.compare import compare as job

    given = FitSettings(
        experiments=split_names(experiments),
        data=data,
        published=published,
        truth=truth,
        truth_model=truth_model,
        seed=seed,
    )
    if data == "observed":
        refuse(context, ("truth", "truth_model"), "with observed data there is no truth to choose")
    summary = job(given, tuple(mixings.split(",")), method, out, force)
    console.print(escape(summary), soft_wrap=True, highlight=False)
    console.print(f"results: {out}")


def study(
    context: Context,
    task: Annotated[str, typer.Argument(help="toys, coverage, sbc, profile or likelihood")],
    experiments: Experiments = MAIN_JOB,
    truth: Truth = "BP1",
    model: Annotated[str, typer.Option(help="of truth and fits: lmu-ltau or lmu")] = "lmu-ltau",
    mixing: Annotated[str, typer.Option(help="free, paper, loop, loop0 or a number eps_x/g_x")] = "free",
    data: Annotated[str, typer.Option(help="asimov, toy or observed, for the grids")] = "asimov",
    published: Published = "observed",
    seed: Annotated[int, typer.Option(help="of toys and simulations")] = 0,
    grid: Annotated[int, typer.Option(help="points a side of the grids")] = DEFAULTS.grid,
    size: Annotated[int, typer.Option(help="toys (of every point) or simulations")] = 1000,
    chunk: Annotated[int | None, typer.Option(help="toys, simulations or rows in a chunk")] = None,
    nuisances: Annotated[str | None, typer.Option(help="drawn or central; likelihood: profiled, ...")] = None,
    method: Annotated[str, typer.Option(help="of sbc: grid or nuts")] = "grid",
    settings: SettingsFile = None,
    out: Out = Path("study"),
    chunks: Annotated[str | None, typer.Option(help="first:stop, for arrays of jobs; all by default")] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask scheduler, tcp://host:8786")] = None,
    workers: Annotated[int, typer.Option(help="worker processes on this machine; 0 for none")] = 0,
    merge: Annotated[bool, typer.Option("--merge", help="only merge chunks that other runs computed")] = False,
    progress: Annotated[bool, typer.Option(help="show progress")] = True,
) -> None:
    """Many toys, simulations or grid rows in chunks: here, on a dask cluster or in an array of jobs. Resumes."""
    from lmtbayes.jobs.chunks import Folder, run
    from lmtbayes.jobs.study import Study
    from lmtbayes.jobs.tasks import summary

    of_fit: dict[str, Any] = {
        "experiments": split_names(experiments),
        "model": model,
        "mixing": mixing,
        "data": data,
        "published": published,
        "truth": truth,
        "seed": seed,
        "grid": grid,
    }
    of_study: dict[str, Any] = {"size": size, "chunk": chunk, "nuisances": nuisances, "method": method}
    if settings is not None:
        given = Study.from_file(settings)
        _checks.one_of("task", task, (given.task,))
        of_fit = typed(context, of_fit)
        if "model" in of_fit:
            of_fit["truth_model"] = of_fit["model"]
        given = dataclasses.replace(given, fit=dataclasses.replace(given.fit, **of_fit), **typed(context, of_study))
    else:
        given = Study(task, FitSettings(**of_fit, truth_model=model), **of_study)
    if task != "sbc":
        refuse(context, ("method",), "it is of task 'sbc'")
    if given.on_grid and task != "coverage":
        refuse(context, ("size",), "grids have no toys or simulations")
    if not given.on_grid:
        refuse(context, ("grid",), "only coverage, profile and likelihood have a grid")
    if given.task == "sbc" or (given.on_grid and given.fit.data == "observed"):
        refuse(context, ("truth",), "the prior or the published data take its place")

    def say(text: str) -> None:
        console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

    if merge:
        console.print(escape(summary(given, Folder(out, given).merge())), soft_wrap=True, highlight=False)
        return
    result = run(given, out, chunks=chunks, scheduler=scheduler, workers=workers, progress=progress, say=say)
    if result is not None:
        console.print(escape(summary(given, result)), soft_wrap=True, highlight=False)
        console.print(f"results: {out}")
