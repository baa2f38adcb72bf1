"""The API reference: every line of the frozen public surface that is a name, on the page of its topic.

`tests/public_surface.txt` is what users may rely on, and a test holds the package to it; here it says what the
reference has to show. The words are the docstrings'.
"""

import ast
import functools
import importlib
import inspect
import itertools
import re
from dataclasses import dataclass

import links
from tabulated import table

SURFACE = links.ROOT / "tests" / "public_surface.txt"


@dataclass(frozen=True)
class Topic:
    """A page, and the modules whose names stand on it (the longest of all that fit)."""

    page: str
    title: str
    modules: tuple[str, ...]
    words: str


TOPICS = (
    Topic(
        "boson",
        "The boson and its models",
        ("lmtbayes.gauge",),
        "A boson is three numbers (coupling, mass, mixing), a model the charges that it is read in.",
    ),
    Topic(
        "experiments",
        "Experiments",
        ("lmtbayes.experiments",),
        "A boson goes in, expected counts come out. What each registered entry is stands in "
        "[its own page](../experiments/index.md).",
    ),
    Topic(
        "likelihood",
        "Likelihood and data",
        ("lmtbayes.inference.likelihood", "lmtbayes.inference.nuisances"),
        "Experiments in a model, with data: the one function that everything statistical evaluates.",
    ),
    Topic("priors", "Priors", ("lmtbayes.inference.priors",), "Normalised priors of the boson's parameters."),
    Topic(
        "posterior",
        "Posterior and credible limits",
        ("lmtbayes.inference.posterior", "lmtbayes.inference.integration", "lmtbayes.inference.credible"),
        "Draws, the posterior's grid, what they are worth, and limits that hold for a prior.",
    ),
    Topic(
        "evidence",
        "Evidence and methods",
        ("lmtbayes.inference.evidence", "lmtbayes.methods"),
        "ln Z with an error that says of what kind it is, models compared by it, and the methods as objects.",
    ),
    Topic(
        "frequentist",
        "Fits, profiles, limits, toys",
        ("lmtbayes.inference.frequentist",),
        "Best fits, profile likelihoods, contours, limits, Feldman and Cousins, CLs, significance, discovery.",
    ),
    Topic(
        "design",
        "Design of experiments",
        ("lmtbayes.design",),
        "What a measurement that might be made is expected to find, and which one to make.",
    ),
    Topic("export", "Export", ("lmtbayes.export",), "Results in the forms that other programs read."),
    Topic("plotting", "Pictures", ("lmtbayes.plotting",), "Each takes arrays and an Axes, and returns the Axes."),
    Topic(
        "errors",
        "Errors, warnings, settings",
        ("lmtbayes",),
        "What is raised and warned of, and what is kept of what was compiled.",
    ),
)


@dataclass(frozen=True)
class Name:
    """A public name: its kind, and the module that defines it."""

    path: str
    kind: str
    module: str

    @property
    def topic(self) -> Topic:
        """Where the reference shows it."""
        fits = [(len(m), t) for t in TOPICS for m in t.modules if self.module == m or self.module.startswith(f"{m}.")]
        return max(fits, key=lambda fit: fit[0])[1]

    @property
    def shown(self) -> str:
        """Markdown: the docstring's, or name and value of a constant that has none."""
        if self.kind != "constant" or self.path.count(".") == 1:
            return f"::: {self.path}"
        value = repr(resolve(self.path))
        value = f"`{value}`" if len(value) < 120 else f"a {type(resolve(self.path)).__name__}"
        return f"## `{short(self.path)}` {{ #{self.path} }}\n\n= {value}\n\n{self.first}"

    @property
    def first(self) -> str:
        """First words of its docstring; of a constant, of the string below it."""
        thing = resolve(self.path)
        text = said_below(self) if self.kind == "constant" else inspect.getdoc(thing) or ""
        return " ".join(text.partition("\n\n")[0].split())


def said_below(constant: Name) -> str:
    """The string that follows the assignment of a constant in its module; "" where there is none."""
    module = resolve(constant.module)
    assert inspect.ismodule(module)
    for node, below in itertools.pairwise(ast.parse(inspect.getsource(module)).body):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        named = {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
        if constant.path.rpartition(".")[2] in named and isinstance(below, ast.Expr):
            return str(getattr(below.value, "value", ""))
    return ""


def resolve(path: str) -> object:
    """What a dotted path stands for."""
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing: object = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            thing = getattr(thing, part)
        return thing
    raise ImportError(path)


@functools.cache
def names() -> tuple[Name, ...]:
    """Every public name, in the order of the frozen surface; modules apart, whose names stand there themselves."""
    found = re.findall(r"^(class|function|constant) ([\w.]+)", SURFACE.read_text(encoding="utf-8"), re.MULTILINE)
    return tuple(Name(path, kind, defined_in(path, kind)) for kind, path in found)


def defined_in(path: str, kind: str) -> str:
    """The module of a name's definition."""
    parent = path.rpartition(".")[0]
    thing = resolve(path)
    if kind == "constant":
        return "lmtbayes.gauge.models" if parent == "lmtbayes" else parent
    module = getattr(thing, "__module__", parent)
    return module if module.startswith("lmtbayes") and not parent.startswith("lmtbayes.plotting") else parent


def navigation() -> list[str | dict[str, str]]:
    """The section of the reference."""
    return ["api/index.md", *({topic.title: f"api/{topic.page}.md"} for topic in TOPICS)]


def pages() -> dict[str, str]:
    """The reference: a list of everything, and a page a topic."""
    files = {}
    index = [
        "# API reference",
        "",
        "Every public name, frozen with its signature in a test (`tests/public_surface.txt`); what does not stand here "
        "may change without a word. `import lmtbayes as lmt`.",
        "",
    ]
    for topic in TOPICS:
        here = [name for name in names() if name.topic is topic]
        index += [f"## {topic.title}", "", topic.words, ""]
        index += [*table(("name", "what it is"), ((f"[`{short(n.path)}`][{n.path}]", n.first) for n in here)), ""]
        body = "\n\n".join(name.shown for name in here)
        files[f"api/{topic.page}.md"] = f"# {topic.title}\n\n{topic.words}\n\n{body}\n"
    files["api/index.md"] = "\n".join(index)
    return files


def short(path: str) -> str:
    """The name as a user writes it, or without the rooms that it comes from."""
    kept = path.replace("lmtbayes.", "", 1)
    return kept.rpartition(".")[2] if kept.startswith(("inference.", "experiments.")) else kept
