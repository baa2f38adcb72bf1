"""`lmtbayes reproduce`: interrupted in the middle and resumed, a few topics only, what it refuses, what it writes."""

import csv
import io
import json
import math
import sys
from types import ModuleType

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import pytest
from rich.console import Console
from typer.testing import CliRunner

from lmtbayes import paper
from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.jobs import report, topic_pool
from lmtbayes.jobs.output import output_folder, unit_folder
from lmtbayes.jobs.reproduce import reproduce
from lmtbayes.paper import topics
from lmtbayes.paper.statement import Statement

FIRST = Statement("one-a", "Sect. 1", "g_x | M <small>", "0.5 g_x", "0.7", "agrees", "", {"g": 0.5, "never": math.inf})
SECOND = Statement("two-a", "Sect. 2", "a second", "x", "y", "differs", "because")


@pytest.fixture
def world(monkeypatch):
    """Three topics of our own; `calls` tells what was computed, `fail` stops one of them."""
    calls, fail = [], set()

    def module(name, **functions):
        made = ModuleType(name)
        made.__dict__.update(functions)
        monkeypatch.setitem(sys.modules, name, made)

    def judged(name, *statements):
        def judge():
            calls.append(name)
            if name in fail:
                raise KeyboardInterrupt
            return statements

        return judge

    def draw(name, convention):
        calls.append(f"{name}:{convention}")
        figure, axes = plt.subplots(figsize=(1.0, 1.0))
        axes.set_title(convention)
        return figure

    module("lmtbayes.paper.statements.one", statements=judged("one", FIRST))
    module("lmtbayes.paper.statements.two", statements=judged("two", SECOND))
    module("lmtbayes.paper.three", markdown=lambda: "| a | b |\n| --- | --- |\n| 1 | 2 |\n")
    rows = (
        topics.Topic("one", "First", figures=("one",), statements="one"),
        topics.Topic("two", "Second", topics.BEYOND, statements="two"),
        topics.Topic("three", "Third", topics.ERRATA, text="three"),
    )
    monkeypatch.setattr(topics, "TOPICS", {row.name: row for row in rows})
    monkeypatch.setattr(paper, "draw", draw)
    return calls, fail


def test_an_interrupted_run_goes_on_with_the_next_topic(world, tmp_path):
    calls, fail = world
    out = tmp_path / "out"
    fail.add("two")
    with pytest.raises(KeyboardInterrupt):
        reproduce(out)
    assert not out.exists()
    assert [p.name for p in (tmp_path / "out.partial" / "topics").iterdir() if not p.name.endswith("partial")] == [
        "one"
    ]
    fail.clear()
    calls.clear()
    summary = reproduce(out)
    assert calls == ["two"], "what was done is not done again"
    assert summary.topics == ("one", "two", "three")
    assert summary.verdicts == {"agrees": 1, "agrees in kind": 0, "differs": 1}
    assert not (tmp_path / "out.partial").exists()
    assert not list(out.rglob("*.partial"))
    assert not list(out.rglob("*.tmp"))


def test_a_topic_interrupted_in_its_middle_starts_again(world, tmp_path):
    calls, fail = world
    fail.add("one")
    with pytest.raises(KeyboardInterrupt):
        reproduce(tmp_path / "out", ("one",))
    fail.clear()
    calls.clear()
    reproduce(tmp_path / "out", ("one",))
    assert calls == ["one:paper", "one:default", "one"]


def test_some_topics_then_the_others_then_again(world, tmp_path):
    calls, _ = world
    out = tmp_path / "out"
    assert reproduce(out, ("two",)).topics == ("two",)
    assert reproduce(out, ("three", "one")).topics == ("one", "two", "three"), "it adds to the folder"
    assert calls.count("two") == 1
    calls.clear()
    reproduce(out, ("two",))
    assert not calls
    reproduce(out, ("two",), force=True)
    assert calls == ["two"]


def test_the_report_holds_every_statement_and_every_picture(world, tmp_path):
    out = tmp_path / "out"
    reproduce(out, suffix="svg")
    rows = list(csv.DictReader((out / "statements.csv").read_text(encoding="utf-8").splitlines()))
    assert [(r["key"], r["topic"], r["verdict"]) for r in rows] == [
        ("one-a", "one", "agrees"),
        ("two-a", "two", "differs"),
    ]
    assert rows[0]["claim"] == FIRST.claim
    listed = json.loads((out / "statements.json").read_text())
    assert report.from_dict({k: v for k, v in listed[0].items() if k != "topic"}) == FIRST
    markdown = (out / "report.md").read_text()
    assert r"g_x \| M <small>" in markdown
    assert "| verdict | differs |\n| remark | because |" in markdown
    assert (out / "topics/one/one_paper.svg").is_file()
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert "by the paper's conventions" in page
    assert "by the package's defaults" in page
    assert "First. Left: the paper's conventions, to be laid beside the printed figure." in page
    assert "<small>" not in page
    assert "http" not in page, "self-contained"
    assert '<span class="differs">differs</span>' in page
    assert "<td>1</td>" in page


@pytest.mark.slow
def test_two_processes_leave_what_one_does(tmp_path):
    names = ("table1", "branching", "fig4")
    told = Console(record=True, width=120, file=io.StringIO())
    reproduce(tmp_path / "two", names, workers=2, console=told)
    reproduce(tmp_path / "one", names)
    for file in ("report.md", "statements.csv", "statements.json"):
        assert (tmp_path / "two" / file).read_text() == (tmp_path / "one" / file).read_text()
    text = told.export_text()
    assert [name for name in names if f"{name}: " not in text] == []


def test_topics_that_share_arrays_stay_together():
    groups = [[topic.name for topic in group] for group in topic_pool.families(list(topics.TOPICS.values()))]
    assert ["fig5", "fig7", "fig8", "fig9", "fig12"] in groups
    assert ["fig4"] in groups
    assert sorted(name for group in groups for name in group) == sorted(topics.TOPICS)


def test_refusals(world, tmp_path):
    with pytest.raises(UnknownName, match="unknown topic 'on' \\(did you mean 'one'"):
        reproduce(tmp_path / "out", ("on",))
    with pytest.raises(InvalidArgument, match="`format` must be one of"):
        reproduce(tmp_path / "out", suffix="gif")
    assert not list(tmp_path.iterdir()), "nothing was begun"
    reproduce(tmp_path / "out", ("two",))
    with pytest.raises(InvalidArgument, match="`out` must not exist yet"):
        reproduce(tmp_path / "out", suffix="pdf")


def test_the_command_shows_progress_and_says_how_to_go_on(world, tmp_path):
    _, fail = world
    out = tmp_path / "out"
    fail.add("two")
    stopped = CliRunner().invoke(app, ["reproduce", "--workers", "1", "--out", str(out)])
    assert stopped.exit_code == 130
    assert "goes on with the next topic" in stopped.output
    fail.clear()
    done = CliRunner().invoke(app, ["reproduce", "--only", "two", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "2 statements of 2 topics (agrees: 1, agrees in kind: 0, differs: 1)" in done.output
    console = Console(record=True, force_terminal=True, width=120)
    reproduce(out, console=console)
    reproduce(tmp_path / "other", ("one",), console=console)
    assert "one: statements" in console.export_text()


def test_a_unit_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), unit_folder(tmp_path / "unit") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert not (tmp_path / "unit").exists()
    with unit_folder(tmp_path / "unit") as folder:
        assert not (folder / "half").exists(), "a unit starts afresh"
    assert (tmp_path / "unit").is_dir()


def test_an_extended_folder_that_is_interrupted_keeps_what_it_had(tmp_path):
    out = tmp_path / "out"
    with output_folder(out, {"seed": 1}) as folder:
        (folder / "first").write_text("x")
    with pytest.raises(RuntimeError), output_folder(out, {"seed": 1}, extend=True):
        raise RuntimeError
    with output_folder(out, {"seed": 1}, extend=True) as folder:
        assert (folder / "first").exists()
    refused = pytest.raises(InvalidArgument, match="must not exist yet")
    with refused, output_folder(out, {"seed": 2}, extend=True):
        pass
    assert (out / "first").exists()
