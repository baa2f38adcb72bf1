"""What mkdocs calls: it makes the pages that nobody writes by hand, and turns formulae into MathML.

Made at each build: a page an experiment, the API reference, the tutorials (the notebooks as they were executed; nothing
is run), the gallery, the benchmarks' history, and copies of pages that stand outside of docs/. No page asks another
host for anything: formulae are MathML, which browsers draw themselves.
"""

import functools
import html
import logging
import os
import re
from typing import Any

import api
import experiments_pages
import history
import links
import tutorials
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

os.environ.setdefault("MPLBACKEND", "Agg")
LOG = logging.getLogger("mkdocs.hooks.lmtbayes")


@functools.cache
def made() -> dict[str, str | bytes]:
    """Content of every file that is made, by its place among the pages."""
    files: dict[str, str | bytes] = {**tutorials.pages(), **api.pages(), **experiments_pages.pages()}
    files |= tutorials.gallery() | history.pages()
    files["make.css"] = (links.ROOT / "docs" / "make" / "make.css").read_bytes()
    for path, page in links.COPIES.items():
        files[page] = links.moved(
            (links.ROOT / path).read_text(encoding="utf-8"), path, page, functools.partial(gone, path)
        )
    return files


def gone(path: str, target: str) -> None:
    """Say that a page links to what the site does not show; with --strict the build ends."""
    LOG.warning("%s links to %s, which is no page of the site", path, target)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the parts of the navigation that follow from the package."""
    for section in config.nav:
        ((title, pages),) = section.items()
        if title == "Tutorials":
            section[title] = tutorials.navigation()
        elif title == "API":
            section[title] = api.navigation()
        elif title == "Experiments":
            pages[1:1] = experiments_pages.navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is made."""
    for place, content in made().items():
        files.append(File.generated(config, place, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links out of docs/ lead to what the site shows of it; the remarks for the tests go."""
    place = page.file.src_uri
    if page.file.generated_by is None:
        markdown = links.moved(markdown, f"docs/{place}", place, functools.partial(gone, place))
    return re.sub(r"^<!-- (?:smaller|skip): .*? -->\n+(?=```)", "", markdown, flags=re.MULTILINE)


def on_page_content(content: str, **_: Any) -> str:
    """MathML for LaTeX."""

    def formula(found: re.Match[str]) -> str:
        latex = html.unescape(found[2]).strip()
        display = latex.startswith("\\[")
        return convert(latex[2:-2].strip(), display="block" if display else "inline")

    return re.sub(r"<(span|div) class=\"arithmatex\">(.*?)</\1>", formula, content, flags=re.DOTALL)


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Say which page would load something from another host."""
    for found in re.findall(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"?https?://[^>]*>", output):
        LOG.warning("%s loads from another host: %s", page.file.src_uri, found)
    return output
