"""A page from Markdown: it holds its pictures, shows what it is given and loads nothing."""

import base64
import re

import pytest

from lmtbayes.jobs.web_page import page

PICTURES = {"a.png": b"\x89PNG the first", "b & c.png": b"\x89PNG the second"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "topics").mkdir()
    for name, data in PICTURES.items():
        (tmp_path / "topics" / name).write_bytes(data)
    return tmp_path


def test_the_page_holds_its_pictures_and_needs_no_other_file(folder):
    made = page("![first](topics/a.png)\n\n| |\n| --- |\n| ![second](<topics/b & c.png>) |\n", folder, "T")
    held = [base64.b64decode(data) for data in re.findall(r'<img src="data:image/png;base64,([^"]+)"', made)]
    assert held == list(PICTURES.values())
    assert made.count("<img") == 2
    assert 'alt="first"' in made
    assert not re.search(r"https?:|<link|<script|url\(", made)


def test_a_picture_that_is_not_there_is_an_error(folder):
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        page("![](topics/none.png)", folder, "T")


def test_what_looks_like_html_is_shown(folder):
    made = page("g < 1 & <script>alert(1)</script>", folder, "A & <b>")
    assert "<title>A &amp; &lt;b&gt;</title>" in made
    assert "g &lt; 1 &amp; &lt;script&gt;" in made
    assert "<script>" not in made


def test_tables_and_their_verdicts(folder):
    made = page(
        "| a | verdict |\n| --- | --- |\n| 1 | agrees |\n| 2 | agrees in kind |\n| differs | so it differs |\n",
        folder,
        "T",
    )
    assert "<td>1</td>" in made
    badges = re.findall(r'<td><span class="(\w+)">([^<]+)</span></td>', made)
    assert badges == [("agrees", "agrees"), ("kind", "agrees in kind"), ("differs", "differs")]
    assert "<td>so it differs</td>" in made
