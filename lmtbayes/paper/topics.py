"""What `lmtbayes reproduce` goes through: one row a figure or table of arXiv:2104.03297, then what lies beyond it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from lmtbayes import _checks
from lmtbayes.paper.statement import Statement

PAPER, BEYOND, ERRATA = "The paper", "Beyond the paper", "Errata"
SECTIONS = (PAPER, BEYOND, ERRATA)


@dataclass(frozen=True)
class Topic:
    """One unit of the report, computed whole or not at all.

    Parameters
    ----------
    name
        By which it is asked for: "fig7".
    title
        Its heading.
    section
        One of `SECTIONS`.
    figures
        Names that `paper.draw` accepts; each is drawn in both conventions.
    statements
        Module of `lmtbayes.paper.statements` whose `statements()` are judged; None for none.
    text
        Module of `lmtbayes.paper` whose `markdown()` gives a passage with tables; None for none.
    family
        Topics of one family share arrays that are computed once in a process; "" for a topic that shares none.
    """

    name: str
    title: str
    section: str = PAPER
    figures: tuple[str, ...] = ()
    statements: str | None = None
    text: str | None = None
    family: str = ""

    def __post_init__(self) -> None:
        _checks.one_of("section", self.section, SECTIONS)

    @property
    def modules(self) -> tuple[str, ...]:
        """Full names of the modules that statements and text come from."""
        own = [f"lmtbayes.paper.statements.{self.statements}"] if self.statements else []
        return (*own, f"lmtbayes.paper.{self.text}") if self.text else tuple(own)

    def judge(self) -> tuple[Statement, ...]:
        """Compute the statements and their verdicts."""
        if self.statements is None:
            return ()
        judge: Callable[[], tuple[Statement, ...]] = import_module(
            f"lmtbayes.paper.statements.{self.statements}"
        ).statements
        return judge()

    def markdown(self) -> str:
        """Compute the passage, in Markdown; "" without one."""
        if self.text is None:
            return ""
        write: Callable[[], str] = import_module(f"lmtbayes.paper.{self.text}").markdown
        return write()


def _figure(name: str, title: str, *more: str, family: str = "") -> Topic:
    statements = f"fig{int(name.removeprefix('fig')):02d}"
    return Topic(name, title, figures=(name, *more), statements=statements, family=family)


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("table1", "Table 1 and Eq. 13: the benchmarks and the muon's magnetic moment", statements="table1"),
        _figure("fig1", "Fig. 1: the plane of mass and coupling"),
        _figure("fig4", "Fig. 4: events of NA64μ in bins of the scattered muon's energy"),
        _figure("fig5", "Fig. 5: what NA64μ reconstructs", family="planes"),
        Topic("branching", "Sects. 2 and 3: invisible branching ratio above 2 m_μ", statements="branching"),
        _figure("fig6", "Fig. 6: recoil spectra at spallation sources"),
        _figure("fig7", "Fig. 7: what the spallation experiments reconstruct", family="planes"),
        _figure("fig8", "Fig. 8: NA64μ and the spallation experiments together", family="planes"),
        _figure("fig9", "Fig. 9: reconstruction with a wrong kinetic mixing", family="planes"),
        _figure("fig10", "Fig. 10: recoil spectra of solar neutrinos in xenon", "nr-sign"),
        _figure("fig11", "Fig. 11: discovery by nuclear recoils", family="discovery"),
        _figure("fig12", "Fig. 12: DARWIN added, and the data read in Lμ", family="planes"),
        _figure("fig13", "Fig. 13: discovery by electron recoils", family="discovery"),
        _figure("fig14", "Fig. 14: discovery by nuclear and electron recoils together", family="discovery"),
        Topic("conclusions", "Abstract and Sect. 6: the conclusions", statements="conclusions", family="evidences"),
        Topic(
            "posteriors",
            "Which experiment measures what: posteriors of (g_x, M, eps_x)",
            BEYOND,
            ("posteriors",),
            "posteriors",
            "posteriors",
            family="evidences",
        ),
        Topic(
            "bayes-factor",
            "Lμ-Lτ or Lμ? The Bayes factor against DARWIN's exposure and threshold",
            BEYOND,
            ("bayes-factor",),
            "bayes_factor",
            family="evidences",
        ),
        Topic(
            "toys",
            "The Bayes factor that one experiment may find: toys",
            BEYOND,
            ("toys",),
            "toys",
            family="evidences",
        ),
        Topic(
            "design",
            "Where should the next tonne-year go? The probability of a decision, and what raises it",
            BEYOND,
            ("design",),
            "design",
            family="evidences",
        ),
        Topic(
            "feldman-cousins",
            "Figs. 5, 7 and 8 with critical values by toys (Feldman and Cousins)",
            BEYOND,
            text="feldman_cousins",
            family="planes",
        ),
        Topic("errata", "Errata of the printed paper and what each does to its numbers", ERRATA, text="errata"),
    )
}
"""Topic name to topic, in the order of the report."""


CAPTIONS = {
    "nr-sign": "Not in the paper: change of DARWIN's nuclear-recoil rate above 1 keVnr by BP1 in Lμ-Lτ, over θ_23 and "
    "δ_CP",
    "posteriors": "Not in the paper: central 68 % intervals of prior and posterior (white: median) as experiments are "
    "added",
    "bayes-factor": "Not in the paper: ln of the Bayes factor Lμ-Lτ : Lμ on Asimov data of BP1 with NA64μ, ESS, ESS10 "
    "and DARWIN, by what is known of the solar neutrinos",
    "toys": "Not in the paper: ln of the Bayes factor Lμ-Lτ : Lμ over toy experiments, data of BP1 in either model",
    "design": "Not in the paper: probability that ln of the Bayes factor Lμ-Lτ : Lμ exceeds 5 if BP1 is true, with "
    "NA64μ, ESS, ESS10 and DARWIN, over what is drawn of bosons, nuisances and counts",
}
"""Captions of the pictures that the paper does not have; a picture of the paper is captioned by its topic's title."""


def chosen(names: tuple[str, ...] = ()) -> tuple[Topic, ...]:
    """Return the topics of these names in the report's order; all of them for none.

    Raises
    ------
    UnknownName
        No such topic.
    """
    for name in names:
        if name not in TOPICS:
            raise _checks.unknown("topic", name, TOPICS)
    return tuple(topic for topic in TOPICS.values() if not names or topic.name in names)
