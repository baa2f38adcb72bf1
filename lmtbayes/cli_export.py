"""The command `export`: a folder of results in the formats of others."""

from pathlib import Path
from typing import Annotated

import typer

from lmtbayes.cli_options import Context, Force, Out, console, refuse, say
from lmtbayes.jobs.settings import split_names


def export(
    context: Context,
    folder: Annotated[Path, typer.Argument(help="results of fit, contours or compare")],
    formats: Annotated[
        str,
        typer.Option("--format", help="csv, hepdata, latex, darkcast, axionlimits, pyhf or hs3, comma-separated"),
    ] = "csv",
    out: Out = Path("export"),
    force: Force = False,
    comment: Annotated[str, typer.Option(help="on a HEPData submission, such as an abstract")] = "",
    points: Annotated[int, typer.Option(help="of pyhf and hs3: bosons a side, of the profile's grid")] = 5,
    leave_out: Annotated[str, typer.Option(help="of pyhf and hs3: experiments to leave out, comma-separated")] = "",
    hold: Annotated[str, typer.Option(help="of pyhf and hs3: nuisances to hold at their centre")] = "",
    tolerance: Annotated[
        float, typer.Option(help="of pyhf and hs3: largest difference of ln L within two sigma of the nuisances")
    ] = 1e-3,
) -> None:
    """Write limits, contours, profiles, posteriors and likelihoods as CSV, HEPData, LaTeX, pyhf, HS3, limit files."""
    from lmtbayes.jobs.export import Workspaces, export_results

    chosen = split_names(formats)
    if not {"pyhf", "hs3"} & set(chosen):
        refuse(context, ("points", "leave_out", "hold", "tolerance"), "they are of pyhf and hs3")
    if "hepdata" not in chosen:
        refuse(context, ("comment",), "it is of hepdata")
    workspaces = Workspaces(points, split_names(leave_out), split_names(hold), tolerance)
    for line in export_results(folder, chosen, out, force, workspaces, comment):
        say(line)
    console.print(f"exported: {out}")
