"""What pages and docstrings show runs: every python block of README.md and docs/, every `>>>` of the package.

The blocks of a page run in order and share their names, as a reader would run them. Two comments that a reader of the
page does not see, before a block and in this order, say what the tests do with it:

    <!-- smaller: 16 for 10_000; 8 for 464 -->       it runs with these numbers
    <!-- skip: next if(not SLOW, reason="...") -->   not in the default suite; in the slow one it runs

A block that never runs needs `if(True, reason="needs ...")`, with what it needs.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

import matplotlib as mpl
import pytest
from sybil import Document, Example, Region
from sybil.document import PythonDocStringDocument
from sybil.evaluators.doctest import NUMBER
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer
from sybil.parsers.rest import DocTestParser

from lmtbayes.experiments import registry

mpl.use("Agg")
ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```py", re.MULTILINE)
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if FENCE.search(page.read_text())]
WAITING = [page for page in PAGES if "if(not SLOW" in page.read_text()]
"""With a block that the default suite skips: in the slow one they run in full. It has run all of the others."""
PACKAGE = ROOT / "lmtbayes"
MODULES = [str(m.relative_to(PACKAGE)) for m in sorted(PACKAGE.rglob("*.py")) if ">>>" in m.read_text()]
LONG = (
    "inference/posterior/sample.py",
    "inference/credible/limits.py",
    "inference/frequentist/cls.py",
    "inference/frequentist/contours.py",
    "inference/frequentist/feldman_cousins.py",
    "inference/frequentist/limits.py",
    "inference/frequentist/significance.py",
    "inference/likelihood/toys.py",
)
"""Of these modules the examples compile for long: in the slow suite."""


class Smaller:
    """Numbers of the next block for smaller ones."""

    def __init__(self):
        self.changes: list[tuple[str, str]] = []
        self.run = PythonEvaluator()

    def comments(self, document: Document) -> Iterator[Region]:
        for found in DirectiveInHTMLCommentLexer("smaller")(document):
            changes = [tuple(change.split(" for ")) for change in found.lexemes["arguments"].strip().split("; ")]
            yield Region(found.start, found.end, changes, self.remember)

    def remember(self, example: Example) -> None:
        self.changes = [(old, new) for new, old in example.parsed]

    def block(self, example: Example) -> None:
        source = example.parsed
        for old, new in self.changes:
            assert old in source, f"{example.path}, line {example.line}: {old!r} is not in the block"
            source = type(source)(source.replace(old, new), source.offset, source.line_offset)
        example.parsed, self.changes = source, []
        self.run(example)


def run_page(page: Path, slow: bool) -> tuple[int, list[str]]:
    """Run a page's blocks; how many ran, and why others did not."""
    smaller = Smaller()
    parsers = (smaller.comments, SkipParser(), CodeBlockParser("python", smaller.block))
    document = Document.parse(str(page), *parsers)
    document.namespace["SLOW"] = slow
    ran, skipped = 0, []
    for example in document.examples():
        is_block = example.region.evaluator == smaller.block
        try:
            example.evaluate()
            ran += is_block
        except SkipTest as reason:
            smaller.changes = []
            skipped.append(str(reason))
    assert ran + len(skipped) == len(FENCE.findall(page.read_text())), "a block is neither run nor skipped"
    return ran, skipped


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder for what examples write, and a registry for what they register."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))


def test_there_are_pages_and_docstrings_with_examples():
    assert {page.name for page in PAGES} >= {"install.md", "many_machines.md"}
    assert set(LONG) < set(MODULES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_runs_but_for_what_compiles_for_long(page, elsewhere):
    """Blocks that say why they wait run in the slow suite."""
    ran, skipped = run_page(page, slow=False)
    assert all(len(reason.split()) > 2 for reason in skipped), "a block is skipped without a reason"
    if page not in WAITING:
        assert ran
        assert all(reason.startswith("needs ") for reason in skipped), skipped


def tier(page: Path) -> pytest.MarkDecorator:
    """Clusters that start and stop take minutes, and so do toys that are fitted."""
    return pytest.mark.nightly if page.name in ("many_machines.md", "limits_by_toys.md") else pytest.mark.slow


@pytest.mark.longest  # all of the file is one process's
@pytest.mark.filterwarnings("ignore:.* read critical values between truths")  # the few toys of a smaller block
@pytest.mark.parametrize("page", [pytest.param(page, marks=tier(page), id=page.name) for page in WAITING])
def test_a_page_runs_in_full(page, elsewhere):
    ran, skipped = run_page(page, slow=True)
    assert ran
    assert all(reason.startswith("needs ") for reason in skipped), skipped


@pytest.mark.parametrize("module", [pytest.param(m, marks=[pytest.mark.slow] * (m in LONG)) for m in MODULES])
def test_docstrings_show_what_is(module, elsewhere):
    document = PythonDocStringDocument.parse(str(PACKAGE / module), DocTestParser(NUMBER))
    for example in document.examples():
        example.evaluate()
