"""The command line `lmtbayes`: options in, a job or a picture out; everything it does is a call of the library."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import lmtbayes as lmt
from lmtbayes._checks import one_of
from lmtbayes.errors import LmtbayesError
from lmtbayes.jobs.settings import FitSettings, split_names

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()

DEFAULTS = FitSettings()
MAIN_JOB = ",".join(DEFAULTS.experiments)

Experiments = Annotated[str, typer.Option(help="names, comma-separated; overrides as name:key=value")]
Truth = Annotated[str, typer.Option(help="BP1 ... BP4, g_x=5e-4,mass=15,eps_x=-7e-6, or none")]
Out = Annotated[Path, typer.Option(help="folder for the results")]
Force = Annotated[bool, typer.Option("--force", help="replace existing results")]
Convention = Annotated[str, typer.Option(help="default (right physics) or paper (the choices of arXiv:2104.03297)")]


@app.callback(help="Which boson, if any? A gauged Lmu-Ltau against NA64mu, CEvNS and liquid-xenon detectors.")
def _root(
    version: Annotated[bool, typer.Option("--version", help="print the version and stop", is_eager=True)] = False,
) -> None:
    if version:
        console.print(lmt.__version__)
        raise typer.Exit


@app.command()
def experiments() -> None:
    """List every registered experiment."""
    table = Table("name", "status", "bins", "nuisances", "what")
    for name in lmt.experiment_names():
        exp = lmt.experiment(name)
        table.add_row(name, exp.status, str(exp.n_bins), ", ".join(n.name for n in exp.nuisances), exp.title)
    console.print(table)


@app.command()
def rates(
    name: Annotated[str, typer.Argument(help="a registered experiment, with overrides if wanted: ess:mass_ton=2")],
    point: Annotated[str, typer.Option(help="BP1 ... BP4, or g_x=5e-4,mass=15,eps_x=-7e-6, or none")] = "BP4",
    model: Annotated[str, typer.Option(help="lmu-ltau or lmu")] = "lmu-ltau",
    all_benchmarks: Annotated[bool, typer.Option("--all-benchmarks", help="a column for each of BP1-BP4")] = False,
    out: Annotated[Path | None, typer.Option(help="picture to write (.png, .pdf, .svg)")] = None,
) -> None:
    """Print the expected counts of an experiment and draw its spectrum for the four benchmarks."""
    from lmtbayes.jobs import rates as job

    table = job.table(name, list(lmt.BENCHMARKS) if all_benchmarks else [point], model)
    console.print(table)
    path = out or Path(f"rates_{name.partition(':')[0]}.png")
    if job.picture(name, model, path):
        console.print(f"spectrum of the four benchmarks: {path}")


@app.command()
def figures(
    only: Annotated[list[str] | None, typer.Option(help="names of figures, e.g. fig4; all of them by default")] = None,
    convention: Convention = "default",
    out: Annotated[Path, typer.Option(help="folder for the pictures")] = Path("figures"),
    suffix: Annotated[str, typer.Option("--format", help="png, pdf or svg")] = "png",
) -> None:
    """Compute and draw figures of the paper."""
    from lmtbayes import paper
    from lmtbayes.jobs.pictures import save

    for name in only or paper.figure_names():
        with console.status(f"{name} ({convention})"):
            path = save(paper.draw(name, convention), out / f"{name}_{convention}.{suffix}")
        console.print(f"{name}: {path}")


@app.command()
def fit(
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
    seed: Annotated[int, typer.Option(help="of sampler and toys")] = 0,
    chains: Annotated[int, typer.Option(help="side by side")] = DEFAULTS.chains,
    warmup: Annotated[int, typer.Option(help="steps of adaptation")] = DEFAULTS.warmup,
    draws: Annotated[int, typer.Option(help="of each chain")] = DEFAULTS.draws,
    grid: Annotated[int, typer.Option(help="points a side of the profile's first grid; 0 for none")] = DEFAULTS.grid,
    settings: Annotated[Path | None, typer.Option(help="repeat a run from its settings.json")] = None,
    out: Out = Path("fit"),
    force: Force = False,
    progress: Annotated[bool, typer.Option(help="show progress")] = True,
    suffix: Annotated[str, typer.Option("--format", help="of the pictures: pdf, svg or png")] = "pdf",
) -> None:
    """Posterior and profile of one data set, with pictures. Without options: BP1 with four experiments.

    With --data observed and no experiments named: the fit of today, which compares models and g-2 presets too.
    """
    from lmtbayes.jobs.fit import fit as single
    from lmtbayes.jobs.today import published, today

    of_today = data == "observed" and experiments is None
    given = (
        FitSettings.from_file(settings)
        if settings is not None
        else FitSettings(
            experiments=published() if of_today else split_names(experiments or MAIN_JOB),
            scope="today" if of_today else "single",
            model=model,
            mixing=mixing,
            data=data,
            truth=truth,
            truth_model=truth_model,
            seed=seed,
            chains=chains,
            warmup=warmup,
            draws=draws,
            grid=grid,
        )
    )

    def say(text: str) -> None:
        console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

    job = today if given.scope == "today" else single
    summary = job(given, out, force, progress, say, suffix)
    console.print(escape(summary), soft_wrap=True, highlight=False)
    console.print(f"results: {out}")


@app.command()
def contours(
    experiments: Experiments = "na64mu,ess",
    truth: Truth = "BP1",
    model: Annotated[str, typer.Option(help="lmu-ltau or lmu")] = "lmu-ltau",
    mixing: Annotated[str, typer.Option(help="free, paper, loop, loop0 or a number eps_x/g_x")] = "paper",
    data: Annotated[str, typer.Option(help="asimov, toy or observed")] = "asimov",
    grid: Annotated[int, typer.Option(help="points a side of the first grid")] = 60,
    out: Out = Path("contours"),
    force: Force = False,
) -> None:
    """Profile-likelihood contours and the 90 % upper limit in the (mass, g_x) plane."""
    from lmtbayes.jobs.contours import contours as job

    given = FitSettings(
        experiments=split_names(experiments), model=model, mixing=mixing, data=data, truth=truth, grid=grid
    )
    console.print(escape(job(given, out, force)), soft_wrap=True, highlight=False)
    console.print(f"results: {out}")


@app.command()
def compare(
    experiments: Experiments = ("na64mu,ess,darwin-nr:threshold_kev=1.0"),
    truth: Truth = "BP1",
    truth_model: Annotated[str, typer.Option(help="which made the data: lmu-ltau or lmu")] = "lmu-ltau",
    data: Annotated[str, typer.Option(help="asimov, toy or observed")] = "asimov",
    mixings: Annotated[str, typer.Option(help="each model is taken with each of these")] = "paper,free",
    method: Annotated[str, typer.Option(help="cubature, importance, smc or nested")] = "cubature",
    seed: Annotated[int, typer.Option(help="of the method and of toys")] = 0,
    out: Out = Path("compare"),
    force: Force = False,
) -> None:
    """Bayesian evidence: Lmu-Ltau against Lmu, minimal against free mixing."""
    from lmtbayes.jobs.compare import compare as job

    given = FitSettings(
        experiments=split_names(experiments), data=data, truth=truth, truth_model=truth_model, seed=seed
    )
    summary = job(given, tuple(mixings.split(",")), method, out, force)
    console.print(escape(summary), soft_wrap=True, highlight=False)
    console.print(f"results: {out}")


@app.command()
def study(
    task: Annotated[str, typer.Argument(help="toys, coverage, sbc, profile or likelihood")],
    experiments: Experiments = MAIN_JOB,
    truth: Truth = "BP1",
    model: Annotated[str, typer.Option(help="of truth and fits: lmu-ltau or lmu")] = "lmu-ltau",
    mixing: Annotated[str, typer.Option(help="free, paper, loop, loop0 or a number eps_x/g_x")] = "free",
    data: Annotated[str, typer.Option(help="asimov, toy or observed, for the grids")] = "asimov",
    seed: Annotated[int, typer.Option(help="of toys and simulations")] = 0,
    grid: Annotated[int, typer.Option(help="points a side of the grids")] = DEFAULTS.grid,
    size: Annotated[int, typer.Option(help="toys (of every point) or simulations")] = 1000,
    chunk: Annotated[int | None, typer.Option(help="toys, simulations or rows in a chunk")] = None,
    nuisances: Annotated[str | None, typer.Option(help="drawn or central; likelihood: profiled, ...")] = None,
    method: Annotated[str, typer.Option(help="of sbc: grid or nuts")] = "grid",
    settings: Annotated[Path | None, typer.Option(help="repeat a study from its settings.json")] = None,
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

    if settings is not None:
        given = Study.from_file(settings)
        one_of("task", task, (given.task,))
    else:
        fit = FitSettings(
            experiments=split_names(experiments),
            model=model,
            mixing=mixing,
            data=data,
            truth=truth,
            truth_model=model,
            seed=seed,
            grid=grid,
        )
        given = Study(task, fit, size, chunk, nuisances, method)

    def say(text: str) -> None:
        console.print(f"[dim]{escape(text)}[/]", soft_wrap=True)

    if merge:
        console.print(escape(summary(given, Folder(out, given).merge())), soft_wrap=True, highlight=False)
        return
    result = run(given, out, chunks=chunks, scheduler=scheduler, workers=workers, progress=progress, say=say)
    if result is not None:
        console.print(escape(summary(given, result)), soft_wrap=True, highlight=False)
        console.print(f"results: {out}")


@app.command()
def reproduce(
    only: Annotated[list[str] | None, typer.Option(help="topics, e.g. fig7 or toys; all by default")] = None,
    out: Out = Path("reproduce"),
    force: Force = False,
    workers: Annotated[int, typer.Option(help="processes; two halve the time")] = 2,
    suffix: Annotated[str, typer.Option("--format", help="of the pictures: png, pdf or svg")] = "png",
) -> None:
    """Every figure and statement of the paper, by its conventions and by the defaults, and a report with verdicts."""
    from lmtbayes.jobs.reproduce import reproduce as job

    try:
        summary = job(out, tuple(only or ()), force, suffix, console, workers)
    except KeyboardInterrupt:
        console.print("interrupted; the same command goes on with the next topic")
        raise typer.Exit(130) from None
    console.print(escape(str(summary)), soft_wrap=True, highlight=False)
    console.print(f"report: {out / 'report.html'}")


@app.command()
def cite(
    names: Annotated[list[str] | None, typer.Argument(help="experiments and methods, e.g. na64mu ess nuts")] = None,
) -> None:
    """Print BibTeX for experiments and methods, and for the package's own paper."""
    typer.echo(lmt.bibtex(*(names or ["lmtbayes"])))


def main() -> None:
    """Run the command line; an error of the package is one sentence on stderr and exit status 2."""
    try:
        app()
    except LmtbayesError as error:
        Console(stderr=True).print(f"[bold red]error[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
