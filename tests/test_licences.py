"""What the package needs, and what that needs: every licence is one that asks for a notice and no more."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ALLOWED = (
    *(r"MIT", r"BSD", r"0BSD", r"BSL-1\.0", r"ISC", r"Apache", r"PSF", r"Python Software Foundation", r"Zlib", r"CC0"),
    *(r"MPL-2\.0", r"Mozilla Public License 2\.0"),  # tqdm, certifi: of their own files, which we do not change
    r"Kiwi licensing terms",  # BSD in other words, as its classifier says
)
NEVER = r"GPL|General Public|Affero|EUPL|CeCILL|SSPL|Proprietary|Commercial|Non-?Commercial|CC-BY-NC"
KNOWN = {"dynesty": "MIT"}
"""Licences that stand in a file only."""
OF_EXTRAS = {"hepdata-validator": "GPLv2"}
"""What hepdata_lib (MIT), of the extra `export`, needs, and a submission is checked by where it is there: nothing of it
is in this package, nor in what a plain installation brings."""
BEYOND = ("nvidia", "cuda")
"""Of the extra `gpu`: the vendor's own terms, which a user accepts with the extra."""


def stated(name):
    """What a distribution says of its licence: the expression, else the classifiers, else the text's first lines."""
    if name in KNOWN:
        return KNOWN[name]
    about = metadata.metadata(name)
    classifiers = [line for line in about.get_all("Classifier") or [] if line.startswith("License ::")]
    text = (about.get("License") or "").strip()[:200]
    return about.get("License-Expression") or "; ".join(classifiers).replace("OSI Approved", "") or text


def needed(names):
    """Distributions by name, and those that they need here."""
    found, to_do = {}, list(names)
    while to_do:
        name = re.sub(r"[-_.]+", "-", to_do.pop()).lower()
        if name in found or name.startswith(BEYOND):
            continue
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # an extra that is not installed here
            continue
        found[name] = stated(name)
        wanted = [Requirement(line) for line in requires]
        to_do += [w.name for w in wanted if w.marker is None or w.marker.evaluate({"extra": ""})]
    return found


def acceptable(licence):
    """Whether all of "A AND B", or one of "A OR B", is on the list and none is on the other."""
    either = re.split(r"\bOR\b", licence)
    return any(
        all(re.search("|".join(ALLOWED), part) and not re.search(NEVER, part) for part in re.split(r"\bAND\b", one))
        for one in either
    )


def test_every_licence_is_permissive():
    found = needed(Requirement(line).name for line in PROJECT["dependencies"])
    assert {"jax", "numpyro", "matplotlib", "tqdm"} <= set(found)
    assert {name: licence for name, licence in found.items() if not acceptable(licence)} == {}


def test_so_are_those_of_what_a_user_may_add():
    extras = PROJECT["optional-dependencies"]
    names = [Requirement(line).name for extra in ("cluster", "nested", "export", "gpu") for line in extras[extra]]
    other = {name: licence for name, licence in needed(names).items() if not acceptable(licence)}
    assert other.items() <= OF_EXTRAS.items()


@pytest.mark.parametrize(
    ("licence", "right"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-2.0-or-later", False),
        ("License :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Other/Proprietary License", False),
        ("", False),
    ],
)
def test_what_is_acceptable(licence, right):
    assert bool(acceptable(licence)) is right
