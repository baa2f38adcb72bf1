"""The pages: every link leads somewhere, every page has its place, and what is made of the package is all of it.

`make docs` builds them with warnings as errors; here is what needs no mkdocs. Links to other hosts are not tried.
"""

import json
import re
from pathlib import Path

import api
import experiments_pages
import history
import links
import pytest
import yaml

import lmtbayes as lmt

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", *(ROOT / path for path in links.COPIES)]
MADE = re.compile(r"docs/(api|experiments|tutorials)/|docs/(benchmarks|benchmarks_history|gallery)\.(md|svg)$")
"""What the site has and the repository not."""


def anchors(text):
    """Of the headings of a page, as the repository's reader and mkdocs both make them."""
    heads = [line.lstrip("#").strip() for line, prose in links.lines_outside_of_code(text) if prose and line[0] == "#"]
    words = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", head).replace("`", "").lower() for head in heads)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", head)) for head in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for link in links.links(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            assert target.startswith(("https://", "mailto:")), link
            continue
        there = (page.parent / target).resolve() if target else page
        if MADE.match(str(there.relative_to(ROOT))):
            continue
        assert there.exists(), f"{link} leads nowhere"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{link}: no such heading"


def test_a_link_that_leads_nowhere_is_found():
    text = "[a](b.md) `[no](code.md)` ![p](c.png)\n```\n[no](fence.md)\n```\n[d](e.md#f)\n"
    assert list(links.links(text)) == ["b.md", "c.png", "e.md#f"]
    assert anchors("# Two edges\n## `a_name`, of all\n```\n# no\n```\n") == {"two-edges", "a_name-of-all"}


def test_links_move_with_a_page():
    lost = []
    text = "[one](docs/limits.md#few) [two](SECURITY.md) [3](notebooks/01_first_fit.ipynb) [4](data/x.csv) [s](#h)"
    moved = links.moved(text, "CONTRIBUTING.md", "a/contributing.md", lost.append)
    assert moved == (
        "[one](../limits.md#few) [two](../security.md) [3](../tutorials/01_first_fit.md) [4](data/x.csv) [s](#h)"
    )
    assert lost == ["data/x.csv"]


def test_every_page_has_a_place_in_the_navigation():
    told = yaml.safe_load((ROOT / "docs" / "make" / "mkdocs.yml").read_text(encoding="utf-8"))
    named = re.findall(r"[\w/]+\.md", json.dumps(told["nav"]))
    assert len(set(named)) == len(named)
    lacking = {page.name for page in (ROOT / "docs").glob("*.md")} - set(named)
    assert not lacking, f"name these pages under `nav` of docs/make/mkdocs.yml: {sorted(lacking)}"
    assert told["validation"]["links"] == dict.fromkeys(
        ("not_found", "anchors", "absolute_links", "unrecognized_links"), "warn"
    )


def test_the_reference_has_every_public_name_once():
    text = "\n".join(page for place, page in api.pages().items() if place != "api/index.md")
    shown = re.findall(r"^(?:::: |## .* \{ #)([\w.]+)", text, re.MULTILINE)
    assert len(set(shown)) == len(shown)
    surface = (ROOT / "tests" / "public_surface.txt").read_text(encoding="utf-8")
    assert set(shown) == set(re.findall(r"^(?:class|function|constant) ([\w.]+)", surface, re.MULTILINE))
    modules = {"design", "errors", "export", "methods", "priors", "terms"}
    assert {name.removeprefix("lmtbayes.") for name in shown} >= set(lmt.__all__) - modules
    assert {name.topic for name in api.names()} == set(api.TOPICS)


@pytest.mark.parametrize("name", ["na64mu", "darwin-nr+er", "coh-ge-mini", "muon-g2-2021", "cms-4mu"])
def test_the_page_of_an_entry_says_what_it_is(name):
    entry = lmt.experiment(name)
    page = experiments_pages.page(entry)
    for section in ("Bins", "Options", "Nuisances", "What is approximate", "Validation", "Citation"):
        assert f"\n## {section}\n" in page
    assert all(f"\n| `{option.name}` | " in page for option in lmt.experiment_options(name).records)
    assert all(f"\n| `{nuisance.name}` | " in page for nuisance in entry.declared)
    assert entry.citation in page
    assert ("Nothing beyond" in page) == (name in ("na64mu", "darwin-nr+er", "muon-g2-2021"))
    assert "No row yet" not in page
    assert experiments_pages.kind(entry) != "Others"


def test_what_is_approximate_is_found_by_pattern_and_in_the_row_below():
    found = experiments_pages.rows_about("real_data.md")
    assert len(found["xenonnt-8b-counts"]) == 2
    assert set(found["cms-4mu"][0]) == {"published", "package", "approximate, and why"}
    assert set(experiments_pages.rows_about("projections.md")) >= {"xlzd-60-er", "xlzd-80-nr+er", "dune-trident"}


def run(when, processor, seconds):
    facts = {"processor": processor, "accelerator": "none", "when": when, "versions": {"lmtbayes": "0.1.0", "jax": "1"}}
    rows = [{"name": history.CASES[0], "warm_cpu_s": seconds}, {"name": history.CASES[1], "failed": "killed"}]
    return {"machine": facts, "rows": rows}


def test_the_history_says_how_many_machines_there_were(tmp_path):
    last = tmp_path / "results.json"
    last.write_text(json.dumps(run("2026-01-01", "a", 1.0)))
    (alone,) = history.runs(tmp_path / "history", last)
    assert history.said(1, [history.machine(alone)]).startswith("**One run, on one machine** (a, ")
    (tmp_path / "history").mkdir()
    for name, entry in {"1": run("2026-02-02", "a", 2.0), "2": run("2026-01-01", "b", 3.0)}.items():
        (tmp_path / "history" / f"{name}.json").write_text(json.dumps(entry))
    found = history.runs(tmp_path / "history", last)
    assert [history.seconds(each, history.CASES[0]) for each in found] == [3.0, 2.0]
    assert history.seconds(found[0], history.CASES[1]) is None
    machines = sorted({history.machine(each) for each in found})
    assert history.said(2, machines).startswith("**2 runs on 2 kinds of machine**")
    assert history.picture(found, machines).startswith(b"<?xml")
