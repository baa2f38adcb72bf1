"""The table of topics: every figure of the paper is in it, and what it names exists."""

from importlib.util import find_spec

import pytest

from lmtbayes import paper
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.paper.statement import Statement
from lmtbayes.paper.topics import BEYOND, CAPTIONS, ERRATA, PAPER, TOPICS, Topic, chosen

OF_THE_PAPER = ("fig1", *(f"fig{number}" for number in range(4, 15)))


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_names_what_there_is(name):
    topic = TOPICS[name]
    missing = [module for module in topic.modules if find_spec(module) is None]
    assert not missing
    assert set(topic.figures) <= set(paper.figure_names())
    if topic.section == BEYOND:
        assert set(topic.figures) <= set(CAPTIONS), "the paper's titles do not describe it"


def test_every_figure_of_the_paper_is_a_topic_in_its_order():
    names = [name for name, topic in TOPICS.items() if topic.section == PAPER and topic.figures]
    assert tuple(names) == OF_THE_PAPER
    sections = [topic.section for topic in TOPICS.values()]
    assert sections == sorted(sections, key=(PAPER, BEYOND, ERRATA).index)


def test_chosen_keeps_the_order_and_refuses_what_there_is_not():
    assert [topic.name for topic in chosen(("toys", "fig4"))] == ["fig4", "toys"]
    assert chosen() == tuple(TOPICS.values())
    with pytest.raises(UnknownName, match="unknown topic 'fig2'"):
        chosen(("fig2",))
    with pytest.raises(InvalidArgument, match="`section` must be one of"):
        Topic("x", "X", "Elsewhere")


def test_a_topic_without_parts_is_empty():
    topic = Topic("x", "X")
    assert topic.judge() == ()
    assert topic.markdown() == ""


def test_a_difference_needs_a_reason():
    with pytest.raises(InvalidArgument, match="`why` must be a reason"):
        Statement("k", "w", "c", "p", "d", "differs")
    with pytest.raises(InvalidArgument, match="`verdict` must be one of"):
        Statement("k", "w", "c", "p", "d", "maybe")
