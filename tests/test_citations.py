"""Citations: every registered experiment and every published curve has its entries; entries are BibTeX."""

import re

import pytest

import lmtbayes as lmt
from lmtbayes import citations, tables
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments.cite import bibtex
from lmtbayes.experiments.measurement import measurement

EPRINT = re.compile(r"arXiv:((?:[a-z-]+/\d{7})|(?:\d{4}\.\d{4,5}))")
"""How a text names an arXiv number, old and new."""


@pytest.mark.parametrize("name", lmt.experiment_names())
def test_every_experiment_can_be_cited_and_no_arxiv_number_is_without_entry(name):
    text = lmt.experiment(name, nuisances=()).citation
    found = citations.cited_in(text)
    assert found
    known = {citations.fields(key).get("eprint") for key in found}
    assert set(EPRINT.findall(text)) <= known


def test_every_published_curve_has_its_entries():
    index = tables.read("constraints/index")
    for text in map(str, index["citation"]):
        known = {citations.fields(key).get("eprint") for key in citations.cited_in(text)}
        assert set(EPRINT.findall(text)) <= known, text


@pytest.mark.parametrize("key", citations.entries())
def test_entries_are_bibtex_with_the_facts_one_needs(key):
    entry, field = citations.entries()[key], citations.fields(key)
    assert entry.count("{") == entry.count("}")
    assert {"author", "title", "year"} <= set(field)
    assert field.keys() & {"journal", "eprint", "url", "version"}
    assert re.fullmatch(r"(19|20)\d\d", field["year"])
    if "journal" in field:
        assert field["volume"]
        assert field["pages"]
    if "eprint" in field and field["eprint"][0].isdigit():
        # A paper is not printed before its preprint's month.
        assert int(field["year"]) >= 2000 + int(field["eprint"][:2])


def test_no_key_eprint_or_reference_twice():
    text = (tables.data_folder() / "citations.bib").read_text(encoding="utf-8")
    assert text.count("\n@") == len(citations.entries())
    numbers = re.findall(r"eprint = \{(.*)\}", text)
    assert len(numbers) == len(set(numbers))


def test_experiments_methods_keys_and_a_users_own():
    out = bibtex("ccfr-trident", "nuts", "Kumar:2019", "ccfr-trident")
    for key in (
        "lmtbayes:2026",
        "Amaral:2021rzw",
        "CCFR:1991",
        "Altmannshofer:2014",
        "Hoffman:2014",
        "Phan:2019",
        "Kumar:2019",
    ):
        assert out.count(f"{{{key},") == 1
    assert out.index("CCFR:1991") < out.index("Altmannshofer:2014") < out.index("Hoffman:2014")
    mine = measurement("mine", 1.0, 1.0, lambda model, photon: 1.0, citation="see arXiv:1901.02010")
    assert "Escudero:2019" in bibtex(mine)


def test_bad_input():
    with pytest.raises(UnknownName, match=r"'ccfr-tridant' \(did you mean 'ccfr-trident'"):
        bibtex("ccfr-tridant")
    with pytest.raises(InvalidArgument, match="`names` must be experiments, methods or keys"):
        bibtex()
    with pytest.raises(InvalidArgument, match=r"no entry .* matches the citation of experiment 'mine'"):
        bibtex(measurement("mine", 1.0, 1.0, lambda model, photon: 1.0, citation="my notebook"))
    with pytest.raises(UnknownName, match="unknown citation"):
        citations.render(["Nobody:1900"])
