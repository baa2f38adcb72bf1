"""The command line `lmtbayes`: options in, a job or a picture out; everything it does is a call of the library."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import lmtbayes as lmt
from lmtbayes import cli_export, cli_fits, cli_process
from lmtbayes.cli_options import (
    Command,
    Context,
    Convention,
    Force,
    Group,
    Out,
    Plugins,
    console,
    load_plugins,
    refuse,
    resumable,
)

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> bool:
    if asked:
        console.print(lmt.__version__, highlight=False)
        raise typer.Exit
    return asked


# A callback of the option's own: the group's is called only where a command follows.
_Version = Annotated[
    bool, typer.Option("--version", help="print the version and stop", is_eager=True, callback=_print_version)
]


@app.callback(help="Which boson, if any? A gauged Lmu-Ltau against NA64mu, CEvNS and liquid-xenon detectors.")
def _root(version: _Version = False) -> None:
    pass


@app.command(cls=Command)
def experiments(
    name: Annotated[str | None, typer.Argument(help="one of them, to list its options")] = None,
    plugin: Plugins = "",
) -> None:
    """List every registered experiment, or the options of one."""
    from lmtbayes.jobs import listing

    load_plugins(plugin)
    if name is None:
        console.print(listing.table())
        console.print(listing.HINT, soft_wrap=True, highlight=False)
        return
    for line in listing.about(name):
        console.print(escape(line), soft_wrap=True, highlight=False)
    console.print(listing.options(name))
    console.print(escape(listing.usage(name)), soft_wrap=True, highlight=False)


@app.command(cls=Command)
def rates(
    context: Context,
    name: Annotated[str, typer.Argument(help="a registered experiment, with overrides if wanted: ess:mass_ton=2")],
    point: Annotated[str, typer.Option(help="BP1 ... BP4, or g_x=5e-4,mass=15,eps_x=-7e-6, or none")] = "BP4",
    model: Annotated[str, typer.Option(help="lmu-ltau or lmu")] = "lmu-ltau",
    all_benchmarks: Annotated[bool, typer.Option("--all-benchmarks", help="a column for each of BP1-BP4")] = False,
    out: Annotated[Path | None, typer.Option(help="picture to write (.png, .pdf, .svg)")] = None,
    plugin: Plugins = "",
) -> None:
    """Print the expected counts of an experiment and draw its spectrum for the four benchmarks."""
    from lmtbayes.jobs import rates as job

    load_plugins(plugin)
    if all_benchmarks:
        refuse(context, ("point",), "--all-benchmarks shows BP1-BP4")
    table = job.table(name, list(lmt.BENCHMARKS) if all_benchmarks else [point], model)
    console.print(table)
    path = out or Path(f"rates_{name.partition(':')[0]}.png")
    if job.picture(name, model, path):
        console.print(f"spectrum of the four benchmarks: {path}")


@app.command(cls=Command)
def figures(
    only: Annotated[list[str] | None, typer.Option(help="names of figures, e.g. fig4; all of them by default")] = None,
    convention: Convention = "default",
    out: Annotated[Path, typer.Option(help="folder for the pictures")] = Path("figures"),
    suffix: Annotated[str, typer.Option("--format", help="png, pdf or svg")] = "png",
) -> None:
    """Compute and draw figures of the paper; the numbers behind each are written beside it as CSV."""
    from lmtbayes import _checks, paper
    from lmtbayes.jobs.pictures import FORMATS, save_with_numbers

    _checks.one_of("format", f".{suffix}", FORMATS)

    for name in only or paper.figure_names():
        with console.status(f"{name} ({convention})"):
            path = out / f"{name}_{convention}.{suffix}"
            save_with_numbers(paper.draw(name, convention), path, about=f"{name}, convention {convention}")
        console.print(f"{name}: {path}")


for _command in (cli_fits.fit, cli_fits.contours, cli_fits.compare, cli_fits.design, cli_fits.study, cli_export.export):
    app.command(cls=Command)(_command)


@app.command(cls=Command)
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


@app.command(cls=Command)
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


@app.command(cls=Command)
def cite(
    names: Annotated[list[str] | None, typer.Argument(help="experiments and methods, e.g. na64mu ess nuts")] = None,
    plugin: Plugins = "",
) -> None:
    """Print BibTeX for experiments and methods; by itself that of the package and of the paper it is built on."""
    load_plugins(plugin)
    typer.echo(lmt.bibtex(*(names or ["lmtbayes"])))


def main() -> None:
    """Run the command line, as `cli_process` says."""
    with cli_process.command():
        app()
