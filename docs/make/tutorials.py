"""The tutorials: the committed notebooks as pages, with what they printed and drew when they were executed."""

import posixpath
import re

import links
import nbformat
from nbconvert import MarkdownExporter

FOLDER = links.ROOT / "notebooks"
PICTURES = {
    "What the commands draw": {
        "docs/figures/fit_plane.png": "`lmtbayes fit`: profile and posterior in the plane of mass and coupling.",
        "docs/figures/fit_corner.png": "`lmtbayes fit`: the posterior's marginals.",
        "docs/figures/fig4.png": "`lmtbayes figures --only fig4`: events of NA64μ for the four benchmarks.",
        "docs/figures/nr_sign.png": "`lmtbayes figures --only nr-sign`: the sign of DARWIN's effect.",
        "docs/figures/today_planes.png": "`lmtbayes fit --data observed`: all published data, g−2 of 2021.",
        "docs/figures/today_planes_2025.png": "The same with g−2 of 2025.",
        "docs/figures/validation_coverage.png": "`lmtbayes validate`: how many regions hold the truth.",
    }
}
"""Pictures that are committed with the pages, and what each is."""


def titles() -> dict[str, str]:
    """Heading of each notebook by its name, in order."""
    found = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        first = nbformat.read(path, as_version=4).cells[0].source
        found[path.stem] = first.partition("\n")[0].lstrip("# ")
    return found


def navigation() -> list[str | dict[str, str]]:
    """The section of the tutorials."""
    return ["tutorials/index.md", *({title: f"tutorials/{name}.md"} for name, title in titles().items())]


def pages() -> dict[str, str | bytes]:
    """A page a notebook, its pictures, and itself to download; and the list of them."""
    files: dict[str, str | bytes] = {}
    rows = []
    for name, title in titles().items():
        path = FOLDER / f"{name}.ipynb"
        text, pictures = converted(name)
        files[f"tutorials/{name}.md"] = text
        files |= {f"tutorials/{picture}": content for picture, content in pictures.items()}
        files[f"tutorials/{name}.ipynb"] = path.read_bytes()
        rows.append(f"1. [{title}]({name}.md): {summary(name)}")
    files["tutorials/index.md"] = "\n".join(
        (
            "# Tutorials",
            "",
            "Notebooks, with what they printed and drew when they were last executed. Each has a link to itself.",
            "",
            *rows,
            "",
        )
    )
    return files


def summary(name: str) -> str:
    """First sentence of a notebook below its heading."""
    text = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells[0].source.partition("\n")[2]
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    words = links.moved(paragraph, f"notebooks/{name}.ipynb", "tutorials/index.md", lambda _: None)
    return re.split(r"(?<=[.?:]) (?=[A-Z`])", words)[0].rstrip(":.") + "."


def converted(name: str) -> tuple[str, dict[str, bytes]]:
    """Markdown of a notebook, and its pictures by the names that it gives them."""
    exporter = MarkdownExporter()
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            # Tables of xarray come as HTML too, with a style sheet of their own that knows no dark page.
            if "text/plain" in output.get("data", ()):
                output.data.pop("text/html", None)
    resources = {"output_files_dir": f"{name}_files", "unique_key": name}
    text, resources = exporter.from_notebook_node(notebook, resources=resources)
    unknown: list[str] = []
    ours = re.escape(f"{name}_files/")
    parts = re.split(rf"(!\[[a-z]*\]\({ours}[^)]*\))", text)
    body = "".join(
        f'<div class="cell-output" markdown>{part}</div>'
        if re.match(r"!\[", part)
        else links.moved(part, f"notebooks/{name}.ipynb", f"tutorials/{name}.md", unknown.append)
        for part in parts
    )
    if unknown:
        raise ValueError(f"{name}.ipynb links to {', '.join(unknown)}: no page of the site")
    heading, _, rest = body.strip().partition("\n")
    return f"{heading}\n\n[This page as a notebook]({name}.ipynb)\n{rest}\n", resources["outputs"]


def gallery() -> dict[str, str | bytes]:
    """Every picture that stands in the project, with where it comes from."""
    files: dict[str, str | bytes] = {}
    lines = ["# Gallery", "", "What the package draws; each picture with what makes it.", ""]
    for heading, pictures in PICTURES.items():
        lines += [f"## {heading}", ""]
        for path, words in pictures.items():
            lines += [f"![{words}]({links.place(path)}){{ .picture }}", "", words, ""]
    lines += ["## From the tutorials", ""]
    for name, title in titles().items():
        found = re.findall(r"!\[[a-z]*\]\(([^)]*)\)", converted(name)[0])
        for picture in found:
            place = posixpath.join("tutorials", picture)
            lines += [f"![{title}]({place}){{ .picture }}", "", f"[{title}](tutorials/{name}.md)", ""]
    lines += ["## What each function draws", "", "Of `lmtbayes.plotting`, with the made-up numbers of its test.", ""]
    for path in sorted((links.ROOT / "tests" / "plotting" / "baseline").glob("*.png")):
        words = path.stem.removeprefix("test_").replace("_", " ").capitalize()
        files[f"gallery/{path.name}"] = path.read_bytes()
        lines += [f"![{words}](gallery/{path.name}){{ .picture }}", "", f"{words}.", ""]
    return files | {"gallery.md": "\n".join(lines)}
