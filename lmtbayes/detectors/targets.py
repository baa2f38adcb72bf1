"""What a detector is made of: isotopes with their number fractions, elements, compounds, single isotopes."""

from dataclasses import dataclass

import numpy as np

from lmtbayes import _checks, tables
from lmtbayes.constants import ATOMIC_MASS_UNIT, AVOGADRO, GRAMS_PER_TONNE


@dataclass(frozen=True)
class Isotope:
    """One isotope of a target.

    Parameters
    ----------
    protons, mass_number
        Z and A.
    mass
        [MeV], of the neutral atom: what a recoil of a few keV accelerates, to the 3e-4 that the electrons weigh.
    abundance
        Number of these atoms over the number of all atoms of the target.
    """

    protons: int
    mass_number: int
    mass: float
    abundance: float

    @property
    def neutrons(self) -> int:
        """N = A - Z."""
        return self.mass_number - self.protons


@dataclass(frozen=True)
class Target:
    """A material: its isotopes, whose abundances add up to one over all atoms (of all elements of a compound)."""

    name: str
    isotopes: tuple[Isotope, ...]

    def __post_init__(self) -> None:
        if not self.isotopes:
            raise _checks.invalid("isotopes", self.isotopes, "at least one Isotope")
        _checks.positive("abundance", [isotope.abundance for isotope in self.isotopes])
        total = sum(isotope.abundance for isotope in self.isotopes)
        if abs(total - 1.0) > 1e-6:
            raise _checks.invalid("isotopes", total, "a list whose abundances add up to 1 within 1e-6")

    @property
    def mean_mass_u(self) -> float:
        """Mean mass of an atom [u]."""
        return sum(isotope.abundance * isotope.mass for isotope in self.isotopes) / ATOMIC_MASS_UNIT

    @property
    def atoms_per_tonne(self) -> float:
        """Atoms of all kinds in a tonne; times an isotope's abundance, that isotope's nuclei."""
        return GRAMS_PER_TONNE * AVOGADRO / self.mean_mass_u


def target_names() -> tuple[str, ...]:
    """Return the names that `target` accepts: elements and compounds; symbols ("Ar") and isotopes ("argon-40") too."""
    return tuple(sorted(_symbols().values()))


def _symbols() -> dict[str, str]:
    """Name of every element and compound by its symbol."""
    isotopes, compounds = tables.read("targets/isotopes"), tables.read("targets/compounds")
    pairs = ((isotopes["symbol"], isotopes["element"]), (compounds["symbol"], compounds["target"]))
    return {str(s): str(n) for symbols, names in pairs for s, n in zip(symbols, names, strict=True)}


def target(name: str) -> Target:
    """Look a target up.

    Parameters
    ----------
    name
        An element of natural composition ("argon", "Ar"), a compound ("caesium-iodide", "CsI") or one isotope
        ("argon-40", "Ar-40"). The target has the long name, whichever it was asked for by.

    Raises
    ------
    UnknownName
        No such target; the message lists what there is.

    References
    ----------
    AME2020 masses, IUPAC abundances: data/targets/isotopes.csv.
    """
    head, dash, tail = str(name).partition("-")
    name = _symbols().get(head, head) + dash + tail
    compounds = tables.read("targets/compounds")
    rows = compounds["target"] == name
    if np.any(rows):
        atoms = compounds["atoms"][rows] / compounds["atoms"][rows].sum()
        parts = zip(compounds["element"][rows], atoms, strict=True)
        return Target(name, tuple(i for element, share in parts for i in _isotopes(str(element), float(share))))
    element, _, mass_number = name.rpartition("-")
    found = _isotopes(name) or tuple(
        Isotope(i.protons, i.mass_number, i.mass, 1.0) for i in _isotopes(element) if str(i.mass_number) == mass_number
    )
    if not found:
        raise _checks.unknown("target", name, (*target_names(), *_symbols(), "<element>-<mass number>"))
    return Target(name, found)


def _isotopes(element: str, share: float = 1.0) -> tuple[Isotope, ...]:
    """Isotopes of a natural element that has `share` of the atoms; empty for an unknown element."""
    table = tables.read("targets/isotopes")
    rows = table["element"] == element
    columns = (table[key][rows] for key in ("protons", "mass_number", "mass_u", "fraction"))
    return tuple(
        Isotope(int(protons), int(mass_number), float(mass_u) * ATOMIC_MASS_UNIT, share * float(fraction))
        for protons, mass_number, mass_u, fraction in zip(*columns, strict=True)
    )


_HEAVIEST = 3.1
"""Molar mass over atomic number above which there is no nucleus; tritium has 3.02, uranium 2.59."""


def check_element(name: str, protons: float, molar_mass: float) -> None:
    """Require that the atomic number belongs to a target named after an element, and the molar mass to the number.

    Parameters
    ----------
    name
        Of the target: an element's name or symbol, or anything else (an alloy), which is taken as it is.
    protons, molar_mass
        Z and A [g/mol].

    Raises
    ------
    InvalidArgument
        Z of another element, or an A that no nucleus of Z protons has.
    """
    table = tables.read("targets/elements")
    known = {
        str(key): float(number)
        for column in ("symbol", "name")
        for key, number in zip(table[column], table["atomic_number"], strict=True)
    }
    if name in known and protons != known[name]:
        raise _checks.invalid("Z", protons, f"{known[name]:g}, the atomic number of {name}")
    if not protons <= molar_mass <= _HEAVIEST * protons:
        raise _checks.invalid("A", molar_mass, f"{protons:g} to {_HEAVIEST * protons:.4g} g/mol for Z = {protons:g}")
