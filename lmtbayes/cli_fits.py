"""Commands on a likelihood: fit, contours, compare, study, design; each is handed one object of settings."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from lmtbayes import _checks
from lmtbayes.cli_options import Context, Force, Out, refuse, refuse_truth, resumable, say, show, typed
from lmtbayes.cli_settings import Setting, with_settings
from lmtbayes.jobs.compare import Comparing
from lmtbayes.jobs.design_settings import Designing
from lmtbayes.jobs.output import SETTINGS_FILE
from lmtbayes.jobs.settings import LEAST_GRID, FitSettings, masses_of
from lmtbayes.jobs.study import Study

Progress = Annotated[bool, typer.Option(help="show progress, at a terminal")]
Pictures = Annotated[str, typer.Option("--format", help="of the pictures: pdf, svg or png")]
_RANGES = (
    Setting("g_x", words="range of the prior, log-uniform, and of the profile"),
    Setting("mass", words="the same of the mass [MeV]; by default 1 to 1000, or as far as a published curve reaches"),
    Setting("kappa", words="the same of -eps_x/g_x, where the mixing is free"),
)
PLUGINS, OF_FIT = (
    Setting(field, flag="--plugin", words="modules that register experiments of your own")
    for field in ("plugins", "fit.plugins")
)


@with_settings(
    FitSettings,
    Setting(
        "experiments",
        words="names; overrides as name:key=value. Where none are named, --data observed takes all "
        "published data, in both models, with g-2 of 2021 and of 2025",
    ),
    "truth",
    "model",
    "mixing",
    "truth_model",
    "data",
    "published",
    *_RANGES,
    "seed",
    "sampler",
    "chains",
    "warmup",
    "draws",
    "grid",
    PLUGINS,
    repeats=True,
)
def fit(
    context: Context,
    settings: FitSettings,
    out: Out = Path("fit"),
    force: Force = False,
    progress: Progress = True,
    suffix: Pictures = "pdf",
    evidence: Annotated[bool, typer.Option("--evidence", help="ln Z of the model, too, over the prior's box")] = False,
    workers: Annotated[
        int | None, typer.Option(help="processes for all published data; by default two, one with an accelerator")
    ] = None,
) -> None:
    """Posterior and profile of one data set, with pictures. Without options: BP1 with four experiments.

    With --data observed and no experiments named: the fit of today, which compares models and g-2 presets too.
    """
    from lmtbayes.jobs import today
    from lmtbayes.jobs.fit import fit as single

    all_data = settings.data == "observed" and not typed(context, dict.fromkeys(("experiments", "settings")))
    if settings.grid:
        _checks.whole("grid", settings.grid, LEAST_GRID)
    refuse_truth(context, settings, "truth", "truth_model")
    if all_data or settings.scope == "today":
        refuse(context, ("model",), "the fit of all published data takes both models; name experiments for one fit")
        refuse(context, ("evidence",), "the fit of all published data has the evidences of both models anyway")
    if all_data:
        names = today.published()
        settings = dataclasses.replace(settings, experiments=names, mass=masses_of(names), scope="today")
    with resumable():
        if settings.scope == "today":
            number = today.usual_workers() if workers is None else workers
            show(today.today(settings, out, force, progress, say, suffix, number), out)
        else:
            refuse(context, ("workers",), "it is of the fit of all published data")
            show(single(settings, out, force, progress, say, suffix, None, evidence), out)


@with_settings(
    FitSettings,
    Setting("experiments", default=("na64mu", "ess")),
    "truth",
    "model",
    Setting("mixing", default="paper"),
    "data",
    "published",
    Setting("g_x", words="range of the couplings of the grid, and of the search for the best fit"),
    Setting("mass", words="the same of the masses [MeV]; by default 1 to 1000, or as far as a published curve reaches"),
    Setting("kappa", words="range in which -eps_x/g_x is profiled, where the mixing is free"),
    Setting("seed", words="of a toy's data"),
    Setting("grid", default=60, words="points a side of the first grid"),
    PLUGINS,
    repeats=True,
)
def contours(
    context: Context,
    settings: FitSettings,
    out: Out = Path("contours"),
    force: Force = False,
    calibration: Annotated[
        Path | None, typer.Option(help="file of a Feldman-Cousins calibration, such as a study's study.nc")
    ] = None,
    progress: Progress = True,
    suffix: Pictures = "pdf",
) -> None:
    """Profile-likelihood contours and the 90 % upper limit in the (mass, g_x) plane."""
    from lmtbayes.jobs.contours import contours as job

    _checks.whole("grid", settings.grid, LEAST_GRID)
    refuse_truth(context, settings, "truth")
    with resumable("from its beginning"):
        show(job(settings, out, force, calibration, progress, suffix), out)


@with_settings(
    Comparing,
    Setting("fit.experiments", default=("na64mu", "ess", "darwin-nr:threshold_kev=1.0")),
    "fit.truth",
    "fit.truth_model",
    "fit.data",
    "fit.published",
    Setting("fit.seed", words="of the method and of toys"),
    "mixings",
    "method",
    OF_FIT,
    repeats=True,
)
def compare(
    context: Context, settings: Comparing, out: Out = Path("compare"), force: Force = False, suffix: Pictures = "pdf"
) -> None:
    """Bayesian evidence: Lmu-Ltau against Lmu, minimal against free mixing."""
    from lmtbayes.jobs.compare import compare as job

    refuse_truth(context, settings.fit, "truth", "truth_model")
    with resumable("from its beginning"):
        show(job(settings, out, force, suffix), out)


@with_settings(
    Study,
    Setting("task", argument=True),
    "fit.experiments",
    "fit.truth",
    Setting("fit.model", words="of truth and fits: lmu-ltau or lmu", also="fit.truth_model"),
    "fit.mixing",
    Setting("fit.data", words="asimov, toy or observed, for the grids"),
    "fit.published",
    Setting("fit.seed", words="of toys and simulations"),
    Setting("fit.grid", words="points a side of the grids"),
    "size",
    "chunk",
    "nuisances",
    "method",
    "relative_to",
    OF_FIT,
    repeats=True,
)
def study(
    context: Context,
    settings: Study,
    out: Out = Path("study"),
    chunks: Annotated[str | None, typer.Option(help="first:stop, for arrays of jobs; all by default")] = None,
    scheduler: Annotated[str | None, typer.Option(help="address of a dask scheduler, tcp://host:8786")] = None,
    workers: Annotated[int, typer.Option(help="worker processes on this machine; 0 for none")] = 0,
    merge: Annotated[bool, typer.Option("--merge", help="only merge chunks that other runs computed")] = False,
    progress: Progress = True,
) -> None:
    """Many toys, simulations or grid rows in chunks: here, on a dask cluster or in an array of jobs. Resumes."""
    from lmtbayes.jobs.chunks import Folder, run
    from lmtbayes.jobs.tasks import summary

    _refuse_what_a_study_has_not(context, settings)
    if merge:
        if not (out / SETTINGS_FILE).is_file():
            raise _checks.invalid("out", str(out), f"the folder of a study, which has {SETTINGS_FILE}")
        show(summary(settings, Folder(out, settings).merge()))
        return
    with resumable():
        result = run(settings, out, chunks=chunks, scheduler=scheduler, workers=workers, progress=progress, say=say)
    if result is not None:
        show(summary(settings, result), out)


@with_settings(
    Designing,
    "fit.experiments",
    Setting("fit.truth", words="what is true: BP1 ... BP4, g_x=5e-4,mass=15,eps_x=-7e-6, or none"),
    "fit.truth_model",
    "posterior",
    Setting("fit.mixing", default="paper", words="of both models: paper, free, loop, loop0 or a number eps_x/g_x"),
    "design",
    "map",
    Setting("next", words="what might be done next, LABEL: VARIABLE=VALUE,...; separated by semicolons"),
    "threshold",
    "size",
    "nodes",
    "bins",
    Setting("fit.seed", words="of data sets and nodes"),
    repeats=True,
)
def design(
    context: Context,
    settings: Designing,
    out: Out = Path("design"),
    force: Force = False,
    progress: Progress = True,
    suffix: Pictures = "pdf",
) -> None:
    """What a measurement that might be made is expected to find: assurance, a map of it, what to do next. Resumes."""
    from lmtbayes.jobs.design import design as job

    if settings.posterior:
        refuse(context, ("truth",), "true bosons are drawn from the posterior")
    with resumable():
        show(job(settings, out, force, progress, say, suffix), out)


def _refuse_what_a_study_has_not(context: Context, study: Study) -> None:
    """Refuse options of other tasks."""
    if study.task != "sbc":
        refuse(context, ("method",), "it is of task 'sbc'")
    if study.on_grid and not study.has_truths:
        refuse(context, ("size",), "grids have no toys or simulations")
    if not study.on_grid:
        refuse(context, ("grid",), "only coverage, feldman-cousins, profile and likelihood have a grid")
    if study.task in ("sbc", "intervals", "verdicts") or (study.on_grid and study.fit.data == "observed"):
        refuse(context, ("truth",), "the prior, a list of truths or the published data take its place")
