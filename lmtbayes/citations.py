"""What to cite: the entries of data/citations.bib, by key, by the name of a method, or by a reference in a text."""

import functools
import re
from collections.abc import Iterable
from types import MappingProxyType

from lmtbayes import _checks, tables

METHODS = MappingProxyType(
    {
        "lmtbayes": ("lmtbayes:2026", "Amaral:2021rzw"),
        "jax": ("JAX:2018",),
        "equinox": ("Kidger:2021",),
        "numpyro": ("Phan:2019", "Bingham:2018"),
        "nuts": ("Hoffman:2014", "Phan:2019", "Bingham:2018"),
        "arviz": ("Kumar:2019", "Vehtari:2021"),
        "dynesty": ("Speagle:2020", "Skilling:2006"),
        "nested": ("Speagle:2020", "Skilling:2006"),
        "nss": ("Yallup:2026", "Skilling:2006", "Cabezas:2024"),
        "blackjax": ("Cabezas:2024",),
        "smc": ("DelMoral:2006", "Cabezas:2024"),
        "profile": ("Cowan:2011",),
        "feldman-cousins": ("Feldman:1998", "NOvA:2025", "Cousins:1992"),
        "cls": ("Read:2002", "Junk:1999", "Cowan:2011"),
        "significance": ("Cowan:2011", "Gross:2010"),
        "darkcast": ("Ilten:2018",),
        "solar-model": ("Vinyoles:2016",),
        "nufit": ("Esteban:2024",),
        "reactor": ("Huber:2011", "Mueller:2011", "Perisse:2023", "Ma:2012"),
    }
)
"""Methods, tools and shared inputs by name, and the keys of what to cite for them."""

_ENTRY = re.compile(r"^@\w+\{([^,\s]+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\s*(\w+) = \{(.*)\},$", re.MULTILINE)


@functools.cache
def entries() -> MappingProxyType[str, str]:
    """Return every BibTeX entry by its key."""
    text = (tables.data_folder() / "citations.bib").read_text(encoding="utf-8")
    return MappingProxyType({match[1]: match[0] for match in _ENTRY.finditer(text)})


def fields(key: str) -> dict[str, str]:
    """Return the fields of one entry.

    Raises
    ------
    UnknownName
        No such key.
    """
    if key not in entries():
        raise _checks.unknown("citation", key, entries())
    return {match[1]: match[2] for match in _FIELD.finditer(entries()[key])}


@functools.cache
def _references() -> MappingProxyType[str, str]:
    """Eprint, and "journal volume (year) page", of every entry that has one, to its key."""
    found = {}
    for key in entries():
        field = fields(key)
        if "eprint" in field:
            found[field["eprint"]] = key
        if "journal" in field:
            found["{journal} {volume} ({year}) {pages}".format_map(field)] = key
    return MappingProxyType(found)


def cited_in(text: str) -> tuple[str, ...]:
    """Return the keys of the entries that a text refers to, by arXiv number or by journal, in order of appearance."""
    places: dict[str, int] = {}
    for reference, key in _references().items():
        # Not the beginning of a longer number.
        match = re.search(re.escape(reference) + r"(?!\d)", text)
        if match:
            places[key] = min(match.start(), places.get(key, match.start()))
    return tuple(sorted(places, key=places.__getitem__))


def render(keys: Iterable[str]) -> str:
    """Return the BibTeX of entries, each once, with a blank line between two.

    Raises
    ------
    UnknownName
        A key that there is no entry of.
    """
    unique = tuple(dict.fromkeys(keys))
    for key in unique:
        fields(key)
    return "\n\n".join(entries()[key] for key in unique) + "\n"
