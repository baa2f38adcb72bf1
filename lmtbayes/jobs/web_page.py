"""A Markdown text with pictures as one self-contained web page: pictures embedded, a style of our own, no scripts."""

import base64
import html
import re
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt

_STYLE = """
:root { --ink: #1d2329; --pale: #5d6975; --line: #dfe4e8; --blue: #0072b2; }
body { max-width: 68rem; margin: 2.5rem auto; padding: 0 1.5rem; color: var(--ink); background: #fff;
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
h1 { font-size: 1.9rem; margin-bottom: .2rem; }
h2 { font-size: 1.45rem; margin-top: 3rem; border-bottom: 2px solid var(--line); padding-bottom: .3rem; }
h3 { font-size: 1.15rem; margin-top: 2.4rem; }
table { border-collapse: collapse; width: 100%; margin: .7rem 0 1.4rem; font-size: .93rem; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem; border-bottom: 1px solid var(--line); }
th { color: var(--pale); font-weight: 600; }
th:empty { display: none; }
td:first-child { min-width: 9rem; }
td img { width: 100%; min-width: 20rem; }
img { max-width: 100%; }
p > em:only-child { color: var(--pale); font-size: .9rem; }
code { background: #f3f5f7; padding: .1em .3em; border-radius: 3px; font-size: .9em; }
.agrees, .kind, .differs { font-weight: 600; padding: .05rem .5rem; border-radius: .8rem; white-space: nowrap; }
.agrees { color: #00583f; background: #d9f2e9; }
.kind { color: #6b4a00; background: #fbefce; }
.differs { color: #8a2f00; background: #fbe0d3; }
@media print { body { max-width: none; margin: 0; } h3, table { break-inside: avoid; } }
"""
_BADGES = (("agrees in kind", "kind"), ("agrees", "agrees"), ("differs", "differs"))
_IMAGE = re.compile(r'<img src="([^"]+)"')


def page(markdown: str, folder: Path, title: str) -> str:
    """Return the page.

    Parameters
    ----------
    markdown
        CommonMark with tables; raw HTML in it is shown, not obeyed.
    folder
        To which the paths of the pictures are relative; they must be PNGs.
    title
        Of the window.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)

    def embed(found: re.Match[str]) -> str:
        data = base64.b64encode((folder / unquote(html.unescape(found[1]))).read_bytes()).decode("ascii")
        return f'<img src="data:image/png;base64,{data}"'

    body = _IMAGE.sub(embed, body)
    for words, name in _BADGES:
        body = re.sub(rf"<td>{words}(?=<)", f'<td><span class="{name}">{words}</span>', body)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    )
    top = f'<!DOCTYPE html>\n<html lang="en">\n<head>{head}<style>{_STYLE}</style></head>'
    return f"{top}\n<body>\n{body}</body>\n</html>\n"
