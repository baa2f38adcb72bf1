"""A page an entry of the registry: made of the entry itself, its docstrings, and the tables of the validation."""

import csv
import functools
import inspect
import itertools
import re
import sys
from collections import defaultdict
from fnmatch import fnmatchcase

import links
import numpy as np
from tabulated import table

import lmtbayes as lmt

TABLES = links.ROOT / "docs" / "validation"
KINDS = {
    "Muon g−2": ("MuonG2",),
    "Muon beams": ("MuonBeam",),
    "Coherent scattering": ("Spallation", "CoherentCsI", "CoherentLAr", "CoherentGe"),
    "Solar neutrinos in xenon": ("LiquidXenon", "ElectronSearch", "Flux8B", "Solar8B", "XENONnT8B", "XENONnTS2"),
    "Borexino": ("Borexino", "BorexinoSpectrum"),
    "Tridents": ("TridentRatio",),
    "Cosmology and stars": ("NEff", "WhiteDwarfs"),
    "Published curves": ("PublishedLimit", "MixingLimit"),
    "Others": (),
}
"""Sections of the navigation, and the classes whose entries stand in them; the last takes what no other does."""
SAID = {
    "data": "published data, with a likelihood that can be calculated",
    "projection": "a projection: it holds no data, a fit gives it counts of your choice",
    "approximate": "approximate: a published curve or number turned into a likelihood",
}
EVERYWHERE = ("nuisances", "name", "title")
"""Options of all entries."""
_SHOWN = 12
"""A table of more bins than that says where they begin and end."""


@functools.cache
def entries() -> dict[str, lmt.Experiment]:
    """Every registered entry, built as it is by default."""
    return {name: lmt.experiment(name) for name in lmt.experiment_names()}


def kind(entry: lmt.Experiment) -> str:
    """Its section."""
    name = type(entry).__name__
    return next((section for section, classes in KINDS.items() if name in classes), "Others")


def navigation() -> list[dict[str, list[dict[str, str]]]]:
    """A section a kind."""
    sections = defaultdict(list)
    for name, entry in entries().items():
        sections[kind(entry)].append({name: f"experiments/{place(name)}"})
    return [{section: sections[section]} for section in KINDS if sections[section]]


def place(name: str) -> str:
    """File of an entry's page: the name, with letters that an address may have."""
    return f"{name.replace('+', '-and-')}.md"


def pages() -> dict[str, str]:
    """All of them, and their list."""
    files = {f"experiments/{place(name)}": page(entry) for name, entry in entries().items()}
    text = [
        "# Experiments",
        "",
        "Every entry of the registry, made of the entry itself when these pages are. `lmtbayes experiments` prints the "
        "same list, `lmtbayes experiments NAME` the options of one. A fit takes them by name: "
        '`lmt.JointLikelihood(["na64mu", "ess", "ess10", "darwin-nr"], ...)`.',
        "",
    ]
    for section in KINDS:
        here = [(name, entry) for name, entry in entries().items() if kind(entry) == section]
        if here:
            rows = (
                (f"[`{name}`]({place(name)})", entry.title, entry.status, entry.n_bins, len(entry.nuisances))
                for name, entry in here
            )
            text += [f"## {section}", "", *table(("entry", "", "status", "bins", "free nuisances"), rows), ""]
    files["experiments/index.md"] = "\n".join(text)
    return files


def page(entry: lmt.Experiment) -> str:
    """One entry."""
    name = entry.name
    text = [
        f"# {name}",
        "",
        f"**{entry.title}**: {SAID[entry.status]}. {what(entry)}",
        "",
        "```python",
        f'lmt.experiment("{name}")',
        "```",
        "",
        "## Bins",
        "",
        *bins(entry),
        "",
        "## Options",
        "",
        f"`lmt.experiment({name!r}, option=value)`, or `{name}:option=value` on the command line. Where the default is "
        "None the entry has its own number, or does without.".replace("'", '"'),
        "",
        *options(name),
        "",
        "## Nuisances",
        "",
        *nuisances(entry),
        "",
        "## What is approximate",
        "",
        *approximate(entry),
        "",
        "## Validation",
        "",
        *validation(name),
        "",
        "## Citation",
        "",
        entry.citation,
        "",
        f"`lmtbayes cite {name}` prints BibTeX for these and for the package.",
        "",
    ]
    return "\n".join(text)


def what(entry: lmt.Experiment) -> str:
    """The first words of the module and of the class that the entry is made of."""
    module = paragraph(sys.modules[type(entry).__module__].__doc__)
    return f"{module.rstrip('.')}. {paragraph(type(entry).__doc__)}"


def paragraph(docstring: str | None) -> str:
    """First paragraph in one line."""
    return " ".join(inspect.cleandoc(docstring or "").partition("\n\n")[0].split())


def bins(entry: lmt.Experiment) -> list[str]:
    """Edges, background, data."""
    edges, unit, quantity = entry.bin_edges, entry.bin_unit, entry.binning.quantity
    what = f"{quantity} [{unit}]" if unit else quantity
    background = np.asarray(entry.background_counts)
    if entry.n_bins == 1 and not unit:
        data = "" if entry.observed is None else f" Observed: {entry.observed[0]:.6g}."
        return [f"One number: {what}.{data}"]
    if entry.n_bins > _SHOWN:
        total = "" if entry.observed is None else f" {entry.observed.sum():.6g} observed in all."
        ends = f" from {edges[0]:.6g} to {edges[-1]:.6g} {unit}" if unit else ""
        return [f"{entry.n_bins} bins of {what}{ends}; {background.sum():.6g} background expected in all.{total}"]
    head = [what, "background", *(["observed"] if entry.observed is not None else [])]
    spans = (f"{low:.6g} to {high:.6g}" for low, high in itertools.pairwise(edges))
    columns = [[f"{b:.4g}" for b in background]]
    if entry.observed is not None:
        columns.append([f"{seen:.6g}" for seen in entry.observed])
    return table(head, zip(spans, *columns, strict=True))


def options(name: str) -> list[str]:
    """Every option; those that all entries have last."""
    records = sorted(lmt.experiment_options(name).records, key=lambda each: each.name in EVERYWHERE)
    rows = ((f"`{each.name}`", f"`{each.shown}`", each.unit, each.meaning) for each in records)
    return table(("option", "default", "unit", "meaning"), rows)


def nuisances(entry: lmt.Experiment) -> list[str]:
    """Every declared nuisance, those that are off by default too."""
    rows = [
        (
            f"`{each.name}`",
            constraint(each.constraint),
            each.effect,
            each.source,
            "free" if each.name in entry.active else "off",
        )
        for each in entry.declared
    ]
    return table(("name", "constraint", "what it does", "source", "by default"), rows) if rows else ["None."]


def constraint(known: lmt.Constraint) -> str:
    """What is known of a nuisance, in numbers."""
    match known:
        case lmt.Gaussian():
            return f"{known.mean:.6g} ± {known.sigma:.4g}"
        case lmt.LogNormal():
            return f"{known.median:.6g}, to a factor {known.factor:.4g}"
        case lmt.TruncatedGaussian():
            return f"{known.mean:.6g} ± {known.sigma:.4g} within {known.low:.4g} to {known.high:.4g}"
        case lmt.GaussianMixture():
            return "a sum of Gaussians: " + "; ".join(f"{w:.3g} of {m:.5g} ± {s:.3g}" for w, m, s in known.components)
    return f"`{known}`"


def approximate(entry: lmt.Experiment) -> list[str]:
    """Rows of real_data.md and projections.md about an entry, and what its rates leave out of a model."""
    found = []
    for source in ("real_data.md", "projections.md"):
        for row in rows_about(source).get(entry.name, ()):
            found += [f"- **{head[:1].upper()}{head[1:]}**: {cell}" for head, cell in row.items() if cell]
            found += ["", f"From [{source.removesuffix('.md').replace('_', ' ')}](../{source}), which says more.", ""]
    found += [f"- Left out of {lmt.LMU_LTAU.name}: {sentence}" for sentence in entry.left_out(lmt.LMU_LTAU)]
    if found:
        return found
    paper = (
        " It is the paper's: [its statements](../paper.md) are held to it." if "2104.03297" in entry.citation else ""
    )
    return [f"Nothing beyond what its options and nuisances say.{paper}"]


@functools.cache
def rows_about(source: str) -> dict[str, list[dict[str, str]]]:
    """Rows of the tables of a page by the entries that their first cells name, links made for the entries' pages."""
    text = (links.ROOT / "docs" / source).read_text(encoding="utf-8")
    text = links.moved(text, f"docs/{source}", "experiments/x.md", lambda _: None)
    text = re.sub(r"\]\(#", f"](../{source}#", text)
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    head, last = [], []
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if not cells:
            head = []
        elif not head:
            head = cells
        elif head[0].startswith("entry") and not set(cells[1]) <= {"-"}:
            patterns = re.findall(r"`([^`]+)`", cells[0].partition("(")[0]) or last
            last = patterns
            for name in lmt.experiment_names():
                if any(fnmatchcase(name, pattern) for pattern in patterns):
                    found[name].append(dict(zip(head[1:], cells[1:], strict=True)))
    return found


def validation(name: str) -> list[str]:
    """Rows of the entry in the tables of `lmtbayes validate`."""
    text = []
    rates = [row for row in read("rates.csv") if row["name"] == name]
    checked = [
        (row["what"], number(row["reference"]), number(row["found"]), small(row["error"]), row["note"])
        for row in rates
        if row["what"]
    ]
    if checked:
        text += [*table(("at", "by hand", "package", "largest deviation of a bin", "remark"), checked), ""]
        text += ["Against a second derivation that shares no line with the package ([all](../validation.md))."]
    text += [f"Its second derivation: {row['note']}." for row in rates if not row["what"]]
    published = [
        (row["what"], number(row["reference"]), number(row["found"]), number(row["error"]), row["note"])
        for row in read("published.csv")
        if row["name"] == name
    ]
    if published:
        head = ("published result", "published", "package", "published error", "remark")
        text += ["", *table(head, published)]
    return text or ["No row yet."]


def number(text: str, digits: str = "5g") -> str:
    """Of a table, in fewer digits; nothing where there is none."""
    return "" if text in ("", "nan") else f"{float(text):.{digits}}"


def small(text: str) -> str:
    """A deviation; below 1e-10 it is rounding."""
    return "< 1e-10" if float(text) < 1e-10 else number(text, "1e")


@functools.cache
def read(name: str) -> list[dict[str, str]]:
    """A table of the validation."""
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
