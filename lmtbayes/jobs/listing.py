"""`lmtbayes experiments`: what there is, one line an entry, and one entry in detail."""

from rich.markup import escape
from rich.table import Column, Table

from lmtbayes.experiments.registry import experiment, experiment_names, experiment_options
from lmtbayes.plotting.plain_text import plain

HINT = "`lmtbayes experiments NAME` names the nuisances of one and lists its options"


def table() -> Table:
    """List every registered experiment: name, status, numbers of bins and of nuisances, title.

    What a user copies, the name, is never cut or broken: the title gives way.
    """
    names = experiment_names()
    widest = max(map(len, names))
    result = Table(
        Column("name", no_wrap=True, min_width=widest),
        Column("status", no_wrap=True),
        Column("bins", justify="right"),
        Column("nuisances", justify="right", no_wrap=True),
        "what",
        box=None,
        pad_edge=False,
    )
    for name in names:
        exp = experiment(name)
        result.add_row(name, exp.status, str(exp.n_bins), str(len(exp.nuisances)), escape(plain(exp.title)))
    return result


def about(name: str) -> tuple[str, ...]:
    """Say what an experiment is: title and status, citation, bins, nuisances with their meaning.

    Raises
    ------
    UnknownName
        No such experiment.
    """
    exp = experiment(name)
    bins = f"{exp.n_bins} bin{'s' if exp.n_bins > 1 else ''} of {exp.binning.quantity}"
    if exp.bin_unit:
        bins += f", {exp.bin_edges[0]:g} to {exp.bin_edges[-1]:g} {exp.bin_unit}"
    return (
        f"{name}: {plain(exp.title)} ({exp.status})",
        exp.citation,
        "one number that is measured" if exp.n_bins == 1 and exp.binning.quantity == "measurement" else bins,
        f"nuisances: {', '.join(nuisance.name for nuisance in exp.nuisances) or 'none'}",
    )


def options(name: str) -> Table:
    """List each option of an experiment with default, unit and meaning."""
    # Long words are broken, not cut: they are names to look for.
    result = Table(
        Column("option", no_wrap=True),
        Column("default", max_width=24, overflow="fold"),
        "unit",
        Column("meaning", overflow="fold"),
    )
    for option in experiment_options(name).records:
        result.add_row(option.name, *map(escape, (option.shown, option.unit, plain(option.meaning))))
    return result


def usage(name: str) -> str:
    """How an option is given."""
    return f"in Python lmt.experiment({name!r}, option=value), in --experiments {name}:option=value"
