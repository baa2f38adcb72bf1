"""The page of the validation: Markdown made of the tables of rows, and of nothing else."""

import math
from collections.abc import Mapping, Sequence

from lmtbayes.validation.rows import Row

COMPUTED = ("rates", "published", "outside", "sbc", "coverage", "evidence", "verdicts")
"""Sections that the package itself computes."""
SECTIONS = (*COMPUTED, "faults")
"""All that a page may have; the last is recorded by the tests of faults."""
_TITLES = {
    "rates": "Rates against second derivations",
    "published": "Published results beside ours",
    "outside": "Outside codes",
    "sbc": "Simulation-based calibration",
    "coverage": "Coverage",
    "evidence": "Errors of evidences",
    "verdicts": "Verdicts against a dense reference",
    "faults": "Faults, hostile files, long sessions",
}
_HEADS = {
    "rates": ("entry", "at", "by hand", "package", "ratio", "largest deviation of a bin", "bins"),
    "published": ("entry", "quantity", "published", "package", "ratio", "published error", ""),
    "outside": ("code", "quantity", "theirs", "package", "ratio", "", ""),
    "sbc": ("quantity", "number", "right", "found", "", "error", "fits"),
    "coverage": ("truth", "region", "nominal", "holds the truth in", "", "error", "toys"),
    "evidence": ("likelihood", "method, number", "right", "found", "", "error", "seeds"),
    "verdicts": ("likelihood", "posteriors that are", "", "number", "", "", "of"),
    "faults": ("what", "happened to it", "right", "number", "", "", "of"),
}
_TEXTS = {
    "rates": "Counts of neutrinos (Standard Model and boson) or of bosons, all bins together, by "
    "`lmtbayes.validation.independent`: the equations as written, scipy's quadrature, no line of the package "
    "(import-linter holds it). The largest deviation is that of one bin.",
    "published": "What a paper prints, and the same number of the package. The reasons for what differs stand in "
    "[real_data.md](real_data.md) and [projections.md](projections.md).",
    "outside": "Numbers that other people's programs gave, recorded with their version in "
    "`data/validation/outside.csv`, or formulas of theirs that were evaluated; none of their code is here.",
    "sbc": "Truths from the prior, toys, posteriors, ranks of the truth among 99 draws (arXiv:1804.06788). Ranks are "
    "uniform where the posterior is right. The sampler is the default one with four chains of 200 draws in place "
    "of sixteen of 500: 99 draws ask for no more, and short chains are the harder test. The band of a histogram "
    "holds 95 % of its bins. The departure is the largest distance of the ranks' distribution from the uniform one; "
    "right ones exceed the error, sqrt(ln(2/0.05)/2n) (Dvoretzky, Kiefer, Wolfowitz; Massart, Ann. Probab. 18 (1990) "
    "1269), once in twenty. The box is g_x from 1e-5 to 1e-3, 1 to 1000 MeV, kappa from 1e-3 to 0.1. In the corner "
    "of the default box, up to 1e-2 and 1, a boson would give ESS10 1e8 events where the Standard Model gives 1e3: "
    "posteriors there are too narrow for any of the chains, ranks pile up at both ends (of 301 fits in the default "
    "box with more than 1e5 events 141 had four or more of seventeen quantities there, of 1359 others 8), and on the "
    "four whose verdict was asked for it is that five to seven of ten checks failed. What the data hardly constrain "
    "has the rank of the truth that was drawn: the 1000 drawn for form_factor_lead have a mean 1.9 of its errors below "
    "zero.",
    "coverage": "How many regions hold a given truth. Profile regions take the thresholds of chi^2, which hold where "
    "many events are expected. Credible regions are right for truths drawn from the prior, not for a given one: what "
    "they do at one is a fact about the prior as well: a central interval never holds a truth at the edge of the box, "
    "below which there is nothing.",
    "evidence": "(ln Z - reference)/stated error for many seeds; the reference is cubature to 1e-4. A cubature states "
    "a bound, half of which stands for one standard deviation: its pulls may be small, never large. "
    "Its seeds differ in the correction alone, and not at all where the "
    "nuisances are integrated exactly. "
    "Tempered SMC is too high in the fourteen coordinates of the four experiments, by 0.09, or 2.5 of its errors; with "
    "60 steps in place of 20 by 0.006 and 0.077 (two seeds), with 3000 particles in place of 1000 by 0.045 (one). "
    "Beyond ten coordinates it therefore "
    "says that it did not converge; importance sampling, which is right there, takes a third of the time.",
    "verdicts": "Posteriors of toys of truths from the prior, judged by the package, and held to sums over a dense "
    "grid. A miss is trusted and wrong.",
    "faults": "What `tests/faults/` does to the package. A command is killed before its n-th operation on files, for "
    "every n, and given again: it must end with the files, byte for byte, of the run that nobody killed, without stale "
    "ones, and with all that a user had beside them; what takes long (samples, profiles, toys) is handed to it there. "
    "SIGKILL meets real commands at random moments, up to three times a run. Files and arguments are changed at "
    "random, and wrong ones given: each is taken as what it says or refused in a sentence of the package, and a "
    "damaged chunk or checkpoint is never read as another one. The last rows are of one process that fits one "
    "likelihood after another and keeps them all.",
}


def sized(section: str) -> str:
    """What the size of a study counts."""
    return {
        "sbc": "fits",
        "coverage": "toys of each truth",
        "evidence": "seeds, fewer of what takes minutes",
        "verdicts": "toys of each likelihood",
    }[section]


def to_markdown(tables: Mapping[str, Sequence[Row]], captions: Mapping[str, str], pictures: Mapping[str, str]) -> str:
    """Return the page.

    Parameters
    ----------
    tables
        Section to its rows; what was not run is not on the page but by name.
    captions
        Section to how it was made: command, size.
    pictures
        Section to the path of its picture, relative to the page.
    """
    lines = [
        "# Validation",
        "",
        "Made by `lmtbayes validate`; every number stands in a table of `validation/`, and tests hold page, tables and "
        "package to each other.",
        "",
    ]
    for section in SECTIONS:
        if tables.get(section):
            lines += _section(section, tables[section], captions.get(section, ""), pictures.get(section))
    missing = [_TITLES[section].lower() for section in COMPUTED if not tables.get(section)]
    if missing:
        lines += [f"**Not run yet**: {', '.join(missing)}.", ""]
    return "\n".join(lines)


def _section(section: str, rows: Sequence[Row], caption: str, picture: str | None) -> list[str]:
    head = _HEADS[section]
    shown = [k for k, name in enumerate(head) if name]
    noted = any(row.note for row in rows)
    titles = [head[k] for k in shown] + (["remark"] if noted else [])
    lines = [f"## {_TITLES[section]}", "", _TEXTS[section], ""]
    if picture:
        lines += [f"![{_TITLES[section]}]({picture})", ""]
    lines += [f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    for row in rows:
        cells = [
            row.name,
            row.what,
            _number(row.reference),
            _number(row.found),
            _ratio(row.ratio),
            "< 1e-10" if section == "rates" and row.error < 1e-10 else _number(row.error),
            str(row.size),
        ]
        chosen = [cells[k] for k in shown] + ([row.note.replace("|", r"\|")] if noted else [])
        lines.append(f"| {' | '.join(chosen)} |")
    return [*lines, "", f"*{caption}*" if caption else "", ""]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"


def _ratio(value: float) -> str:
    if math.isnan(value) or value == 1.0:
        return "" if math.isnan(value) else "1"
    return f"1 {'+' if value >= 1 else '-'} {abs(value - 1):.1e}" if abs(value - 1) < 1e-3 else f"{value:.3f}"
