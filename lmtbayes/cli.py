"""The command line `lmtbayes`: options in, a job or a picture out; everything it does is a call of the library."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

import lmtbayes as lmt
from lmtbayes import cli_fits, compilation
from lmtbayes.cli_options import (
    Context,
    Convention,
    Force,
    Out,
    console,
    refuse,
    resumable,
)
from lmtbayes.errors import LmtbayesError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help="Which boson, if any? A gauged Lmu-Ltau against NA64mu, CEvNS and liquid-xenon detectors.")
def _root(
    version: Annotated[bool, typer.Option("--version", help="print the version and stop", is_eager=True)] = False,
) -> None:
    if version:
        console.print(lmt.__version__)
        raise typer.Exit


@app.command()
def experiments(
    name: Annotated[str | None, typer.Argument(help="one of them, to list its options")] = None,
) -> None:
    """List every registered experiment, or the options of one."""
    if name is not None:
        _show_options(name)
        return
    # A name that is broken between lines cannot be copied.
    table = Table(Column("name", no_wrap=True), "status", "bins", "nuisances", "what")
    for name in lmt.experiment_names():
        exp = lmt.experiment(name)
        table.add_row(name, exp.status, str(exp.n_bins), ", ".join(n.name for n in exp.nuisances), exp.title)
    console.print(table)


def _show_options(name: str) -> None:
    """Print what an experiment is, and each of its options with default, unit and meaning."""
    options = lmt.experiment_options(name)
    exp = lmt.experiment(name)
    nuisances = ", ".join(nuisance.name for nuisance in exp.nuisances) or "none"
    for line in (f"{name}: {exp.title} ({exp.status})", exp.citation, f"nuisances: {nuisances}"):
        console.print(escape(line), soft_wrap=True, highlight=False)
    table = Table(Column("option", no_wrap=True), Column("default", max_width=24), "unit", "meaning")
    for option in options.records:
        table.add_row(option.name, *map(escape, (option.shown, option.unit, option.meaning)))
    console.print(table)
    console.print(
        f"in Python lmt.experiment({name!r}, option=value), in --experiments {name}:option=value",
        soft_wrap=True,
        highlight=False,
    )


@app.command()
def rates(
    context: Context,
    name: Annotated[str, typer.Argument(help="a registered experiment, with overrides if wanted: ess:mass_ton=2")],
    point: Annotated[str, typer.Option(help="BP1 ... BP4, or g_x=5e-4,mass=15,eps_x=-7e-6, or none")] = "BP4",
    model: Annotated[str, typer.Option(help="lmu-ltau or lmu")] = "lmu-ltau",
    all_benchmarks: Annotated[bool, typer.Option("--all-benchmarks", help="a column for each of BP1-BP4")] = False,
    out: Annotated[Path | None, typer.Option(help="picture to write (.png, .pdf, .svg)")] = None,
) -> None:
    """Print the expected counts of an experiment and draw its spectrum for the four benchmarks."""
    from lmtbayes.jobs import rates as job

    if all_benchmarks:
        refuse(context, ("point",), "--all-benchmarks shows BP1-BP4")
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


for _command in (cli_fits.fit, cli_fits.contours, cli_fits.compare, cli_fits.study, cli_fits.design):
    app.command()(_command)


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

    with resumable("with the next topic"):
        summary = job(out, tuple(only or ()), force, suffix, console, workers)
    console.print(escape(str(summary)), soft_wrap=True, highlight=False)
    console.print(f"report: {out / 'report.html'}")


@app.command()
def validate(
    out: Annotated[Path, typer.Option(help="folder of the studies")] = Path("validation"),
    page: Annotated[Path | None, typer.Option(help="the page, tables beside it; OUT/validation.md by default")] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="rates, published, outside, sbc, coverage, evidence or verdicts, comma-separated; all by default"
        ),
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option(help="entries of rates and published, comma-separated; all by default")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="tiny: whether the command works")] = False,
    size: Annotated[int | None, typer.Option(help="of every study, in place of the usual ones")] = None,
    workers: Annotated[int, typer.Option(help="processes for the studies; 0 for none")] = 0,
) -> None:
    """Hold rates, results and statistics to independent calculations, and write the page. Studies resume."""
    from lmtbayes.cli_options import say
    from lmtbayes.jobs.validate import validate as job

    chosen, entries = (tuple(x for given in many or () for x in given.split(",")) for many in (only, names))
    with resumable():
        written = job(out, chosen, to=page, quick=quick, size=size, names=entries, workers=workers, say=say)
    console.print(f"page: {written}")


@app.command()
def cite(
    names: Annotated[list[str] | None, typer.Argument(help="experiments and methods, e.g. na64mu ess nuts")] = None,
) -> None:
    """Print BibTeX for experiments and methods; by itself that of the package and of the paper it is built on."""
    typer.echo(lmt.bibtex(*(names or ["lmtbayes"])))


def main() -> None:
    """Run the command line; an error of the package is one sentence on stderr and exit status 2.

    What is compiled is kept for the next command. A request to end (SIGTERM) is an interrupt like any other: what was
    begun is let go of in order, and the same command goes on.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    if problem := compilation.for_commands():
        Console(stderr=True).print(f"[dim]{escape(problem)}[/]", highlight=False, soft_wrap=True)
    try:
        app()
    except LmtbayesError as error:
        Console(stderr=True).print(f"[bold red]error[/]: {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
