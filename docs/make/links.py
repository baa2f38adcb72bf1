"""Links of a page that is read in the repository and on the site: where a file of the one lies in the other."""

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

COPIES = {
    "benchmarks/RESULTS.md": "benchmarks.md",
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Pages of the repository that the site shows too, and their names there."""

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})")
_LINK = re.compile(r"`[^`]*`|(\]\()([^)\s]+)((?:\s+\"[^\"]*\")?\))")
"""The end of a link; or code in a line, in which there is none."""
_ELSEWHERE = re.compile(r"^([a-z][a-z0-9+.-]*:|#|/)", re.IGNORECASE)


def place(path: str) -> str | None:
    """Where the site has a file of the repository, or None."""
    if path in COPIES:
        return COPIES[path]
    if path == "README.md":
        return "index.md"
    folder, name = posixpath.split(path)
    if folder == "notebooks" and name.endswith(".ipynb"):
        return f"tutorials/{name.removesuffix('.ipynb')}.md"
    return path.removeprefix("docs/") if path.startswith("docs/") else None


def lines_outside_of_code(text: str) -> Iterator[tuple[str, bool]]:
    """Every line with its end, and whether it is prose and no code."""
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            yield line, False
            if mark and mark[2].startswith(fence) and line.strip() == mark[2]:
                fence = ""
        elif mark:
            fence = mark[2]
            yield line, False
        else:
            yield line, True


def links(text: str) -> Iterator[str]:
    """Targets of the inline links and pictures of a page."""
    for line, prose in lines_outside_of_code(text):
        if prose:
            yield from (found[2] for found in _LINK.finditer(line) if found[2])


def moved(text: str, path: str, page: str, missing: Callable[[str], None]) -> str:
    """Links of a text that was written for the file `path` of the repository, for the page `page` of the site.

    Parameters
    ----------
    text
        Markdown.
    path, page
        Where it was written for, relative to the repository; where it is shown, relative to the site's pages.
    missing
        Called with a target that the site does not show.
    """

    def replace(found: re.Match[str]) -> str:
        if not found[2] or _ELSEWHERE.match(found[2]):
            return found[0]
        target, mark, anchor = found[2].partition("#")
        there = place(posixpath.normpath(posixpath.join(posixpath.dirname(path), target)))
        if there is None:
            missing(found[2])
            return found[0]
        return f"{found[1]}{posixpath.relpath(there, posixpath.dirname(page) or '.')}{mark}{anchor}{found[3]}"

    return "".join(_LINK.sub(replace, line) if prose else line for line, prose in lines_outside_of_code(text))
