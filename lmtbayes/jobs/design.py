"""`lmtbayes design`: what a measurement that might be made is expected to find; a map, and what to do next. Resumes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from lmtbayes import _checks
from lmtbayes._files import write_text
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import expect
from lmtbayes.design.maps import check_axes, corners, joined_map, points, rank, ranking_text
from lmtbayes.jobs import pictures
from lmtbayes.jobs.design_settings import Designing
from lmtbayes.jobs.output import Say, output_folder, write_netcdf
from lmtbayes.plotting.design import assurance_map, probability_line, ranking_bars
from lmtbayes.plotting.style import style

if TYPE_CHECKING:
    import xarray as xr


def design(
    designing: Designing,
    out: str | Path,
    force: bool = False,
    progress: bool = True,
    say: Say = print,
    suffix: str = "pdf",
) -> str:
    """Write expectation.nc, map.nc and ranking.nc with pictures, and summary.txt.

    Parameters
    ----------
    designing
        Everything that determines the results.
    out, force
        Folder; whether to replace it. The points of a map that were done before an interruption are not done again.
    progress
        Show a bar.
    say
        Is told what is being done.
    suffix
        Of the pictures: "pdf", "svg" or "png".

    Returns
    -------
    summary
        The text of summary.txt.

    Raises
    ------
    UnknownName
        A design variable that an entry does not have.
    InvalidArgument
        A value that cannot be; a folder that exists.
    """
    _checks.one_of("suffix", f".{suffix}", pictures.FORMATS)
    plan, moved = designing.plan(), designing.moved
    axes = designing.axes(plan)
    alternatives = {label: {**moved, **own} for label, own in designing.alternatives(plan).items()}
    ends = [{**moved, **corner} for corner in corners(axes)] if axes else []
    for values in (moved, *alternatives.values(), *ends):
        plan.check(values)
    with output_folder(out, designing.to_dict(), force) as folder:
        say(f"nodes for {', '.join(plan.models)} in {plan!r}")
        engine = Engine(plan, designing.size, designing.fit.seed, designing.nodes or None, [moved, *ends])
        found = expect(engine, moved, threshold=designing.threshold)
        write_netcdf(folder / "expectation.nc", found.table)
        parts = [str(found)]
        truth = next(iter(plan.truths))
        if alternatives:
            say(f"what next: {', '.join(alternatives)}")
            ranking = rank(engine, alternatives, truth, base=moved, threshold=designing.threshold)
            write_netcdf(folder / "ranking.nc", ranking)
            parts.append(ranking_text(ranking))
            pictures.save(_ranking_picture(ranking), folder / f"ranking.{suffix}")
        if axes:
            say(f"map over {', '.join(f'{name} ({len(values)})' for name, values in axes.items())}")
            table = _mapped(engine, check_axes(plan, axes), moved, designing.threshold, folder, progress)
            write_netcdf(folder / "map.nc", table)
            pictures.save(_map_picture(table, axes, truth), folder / f"map.{suffix}")
            parts.append(_map_text(table, axes, truth))
        summary = "\n\n".join(parts) + "\n"
        write_text(folder / "summary.txt", summary)
        for path in (folder / "points").glob("*.nc"):
            path.unlink()
        if (folder / "points").exists():
            (folder / "points").rmdir()
    return summary


def _mapped(
    engine: Engine,
    axes: Mapping[str, np.ndarray],
    moved: Mapping[str, float],
    threshold: float,
    folder: Path,
    progress: bool,
) -> "xr.Dataset":
    """Go through a map; every point is written as soon as it is there."""
    import xarray as xr

    place = folder / "points"
    place.mkdir(exist_ok=True)
    tables: dict[tuple[int, ...], xr.Dataset] = {}
    for path in sorted(place.glob("*.nc")):
        with xr.open_dataset(path, engine="h5netcdf") as one:
            tables[tuple(int(k) for k in path.stem.split("-"))] = one.load()
    for index, table in points(engine, axes, threshold, base=moved, done=list(tables), progress=progress):
        write_netcdf(place / f"{'-'.join(map(str, index))}.nc", table)
        tables[index] = table
    return joined_map(axes, tables)


def _ranking_picture(ranking: "xr.Dataset") -> Any:
    labels = [str(label) for label in ranking["alternative"].values]
    with style():
        fig, axes = plt.subplots(1, 2, figsize=(9.6, 1.2 + 0.42 * len(labels)), sharey=True)
        for ax, name, words in zip(
            axes,
            ("assurance_gain", "log_bayes_factor_gain"),
            ("gain in assurance", "gain in expected ln B"),
            strict=True,
        ):
            ranking_bars(ax, labels, ranking[name].values, ranking[f"{name}_error"].values, words)
    return fig


def _map_picture(table: "xr.Dataset", axes: Mapping[str, np.ndarray], truth: str) -> Any:
    assured = table["assurance"].sel(truth=truth)
    title = f"P(ln B > {table.attrs['threshold']:g}) if {truth} is true"
    with style():
        fig, ax = plt.subplots(figsize=(6.2, 4.4))
        if len(axes) == 2:
            x, y = axes
            assurance_map(ax, axes[x], axes[y], assured.transpose(y, x).values, x, y, title)
        else:
            (x,) = axes
            misled = table["misleads"].sel(truth=truth)
            lines = {
                "assurance": (assured.values, table["assurance_error"].sel(truth=truth).values),
                "misled": (misled.values, table["misleads_error"].sel(truth=truth).values),
            }
            probability_line(ax, axes[x], lines, x)
            ax.set_title(title)
    return fig


def _map_text(table: "xr.Dataset", axes: Mapping[str, np.ndarray], truth: str) -> str:
    """Where the assurance is largest, and the range of the errors."""
    assured = table["assurance"].sel(truth=truth)
    best = np.unravel_index(int(np.argmax(assured.values)), assured.shape)
    at = ", ".join(f"{name} = {axes[name][k]:.4g}" for name, k in zip(axes, best, strict=True))
    return (
        f"map of {assured.size} designs: P(ln B > {table.attrs['threshold']:g}) if {truth} is true is "
        f"{float(assured.min()):.3f} to {float(assured.max()):.3f} (± {float(table['assurance_error'].max()):.2g} at "
        f"worst), the largest at {at}; ln Z is good to {float(table['node_error'].max()):.2g} (nodes)"
    )
