"""`lmtbayes reproduce`, on the paper's quickest topics: interrupted and resumed, a few at a time, and its report."""

import csv
import io
import json
import math

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import pytest
from rich.console import Console
from typer.testing import CliRunner

from lmtbayes.cli import app
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.jobs import pictures, report
from lmtbayes.jobs.reproduce import families, reproduce
from lmtbayes.paper import topics
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.statements import branching

TWO = ("table1", "branching")


@pytest.fixture(scope="module")
def judged():
    """Statements of both topics, from the paper's own modules."""
    return {name: topics.TOPICS[name].judge() for name in TWO}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("reproduce") / "out"
    return out, reproduce(out, TWO)


@pytest.fixture
def interrupted(monkeypatch):
    """The user's Ctrl-C while the second topic is judged for the first time."""
    reached, real = [], branching.statements

    def statements():
        reached.append("branching")
        if len(reached) == 1:
            raise KeyboardInterrupt
        return real()

    monkeypatch.setattr(branching, "statements", statements)
    return reached


def times(folder):
    """When each finished topic was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("topics/*/statements.json")}


def test_the_report_holds_every_statement(done, judged):
    out, summary = done
    statements = {s.key: (name, s) for name in TWO for s in judged[name]}
    assert summary.topics == TWO
    assert sum(summary.verdicts.values()) == len(statements) >= 5
    rows = list(csv.DictReader((out / "statements.csv").read_text(encoding="utf-8").splitlines()))
    assert [(r["key"], r["topic"], r["verdict"], r["claim"]) for r in rows] == [
        (key, name, s.verdict, s.claim) for key, (name, s) in statements.items()
    ]
    listed = json.loads((out / "statements.json").read_text())
    for entry in listed:
        topic = entry.pop("topic")
        assert (topic, report.from_dict(entry)) == statements[entry["key"]]
    markdown, page = (out / "report.md").read_text(), (out / "report.html").read_text()
    for _, s in statements.values():
        assert s.claim in markdown
        assert s.paper.replace("|", r"\|") in markdown
    assert page.count('<span class="agrees">agrees</span>') >= summary.verdicts["agrees"]
    assert "http" not in page, "self-contained"


def test_an_interrupted_run_goes_on_with_the_next_topic(done, interrupted, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        reproduce(out, TWO)
    assert not out.exists()
    left = times(tmp_path / "out.partial")
    assert list(left) == ["table1"]
    assert reproduce(out, TWO) == done[1]
    assert times(out)["table1"] == left["table1"], "what was done is not done again"
    assert not (tmp_path / "out.partial").exists()
    assert not [*out.rglob("*.partial"), *out.rglob("*.tmp")]
    for file in ("report.md", "statements.csv", "statements.json"):
        assert (out / file).read_text() == (done[0] / file).read_text()


def test_some_topics_then_the_others_then_again(done, tmp_path):
    out = tmp_path / "out"
    assert reproduce(out, ("branching",)).topics == ("branching",)
    first = times(out)
    assert reproduce(out, ("table1",)) == done[1], "it adds to the folder"
    second = times(out)
    assert second["branching"] == first["branching"]
    reproduce(out, ("table1",))
    assert times(out) == second
    reproduce(out, ("table1",), force=True)
    assert times(out)["table1"] > second["table1"]


def test_what_a_statement_holds_survives_the_files():
    statement = Statement(
        "a", "Sect. 1", "g | M <small>", "0.5", "0.7", "differs", "why", {"never": math.inf, "g": 0.5}
    )
    assert report.from_dict(json.loads(json.dumps(report.as_dict(statement)))) == statement


def test_the_report_lays_both_conventions_side_by_side(tmp_path):
    for convention in ("paper", "default"):
        figure, axes = plt.subplots(figsize=(1.0, 1.0))
        axes.set_title(convention)
        pictures.save(figure, tmp_path / f"{convention}.png")
    printed = report.Image("First", "paper.png", "default.png", printed=True)
    statement = Statement("a", "Sect. 1", "g | M <small>", "0.5", "0.7", "differs", "because")
    units = [report.Unit(topics.TOPICS["fig4"], [printed], [statement], "| a |\n| --- |\n| 1 |\n")]
    assert report.write(tmp_path, units, "1.0").verdicts == {"agrees": 0, "agrees in kind": 0, "differs": 1}
    markdown, page = (tmp_path / "report.md").read_text(), (tmp_path / "report.html").read_text()
    assert r"g \| M <small>" in markdown
    assert "| verdict | differs |\n| remark | because |" in markdown
    assert page.count("data:image/png;base64,") == 2
    assert "First. Left: the paper's conventions, to be laid beside the printed figure." in page
    assert "<small>" not in page
    assert '<span class="differs">differs</span>' in page


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
    assert (tmp_path / "two" / "report.html").read_text().count("data:image/png;base64,") == 2
    pictures_of = {path.name for path in (tmp_path / "two" / "topics" / "fig4").glob("*.png")}
    assert pictures_of == {"fig4_paper.png", "fig4_default.png"}


def test_topics_that_share_arrays_stay_together():
    groups = families(list(topics.TOPICS.values()))
    assert ["fig5", "fig7", "fig8", "fig9", "fig12", "feldman-cousins"] in groups
    assert ["fig4"] in groups
    assert sorted(name for group in groups for name in group) == sorted(topics.TOPICS)


def test_refusals(done, tmp_path):
    with pytest.raises(UnknownName, match="unknown topic 'table' \\(did you mean 'table1'"):
        reproduce(tmp_path / "out", ("table",))
    with pytest.raises(InvalidArgument, match="`format` must be one of"):
        reproduce(tmp_path / "out", suffix="gif")
    assert not list(tmp_path.iterdir()), "nothing was begun"
    with pytest.raises(InvalidArgument, match="`out` must not exist yet"):
        reproduce(done[0], suffix="pdf")


def test_the_command_shows_progress_and_says_how_to_go_on(done, interrupted, tmp_path):
    out = tmp_path / "out"
    only = [word for name in TWO for word in ("--only", name)]
    command = ["reproduce", *only, "--workers", "1", "--out", str(out)]
    stopped = CliRunner().invoke(app, command)
    assert stopped.exit_code == 130
    assert "goes on with the next topic" in stopped.output
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0, again.output
    assert str(done[1]) in again.output
    console = Console(record=True, force_terminal=True, width=120, file=io.StringIO())
    reproduce(tmp_path / "other", ("table1",), console=console)
    assert "table1: statements" in console.export_text()
