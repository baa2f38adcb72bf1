"""Composition of the targets against published atomic weights and against counting by hand."""

import math

import pytest

from lmtbayes.constants import ATOMIC_MASS_UNIT, AVOGADRO
from lmtbayes.detectors.targets import Isotope, Target, target, target_names
from lmtbayes.errors import InvalidArgument, UnknownName

# Standard atomic weights (IUPAC 2021, abridged): (value, half a unit of its last digit or its stated uncertainty).
ATOMIC_WEIGHTS = {
    "sodium": (22.990, 5e-4),
    "silicon": (28.085, 1.1e-3),
    "argon": (39.95, 0.16),
    "germanium": (72.630, 0.008),
    "iodine": (126.90, 5e-3),
    "xenon": (131.293, 1e-3),
    "caesium": (132.91, 5e-3),
    "lead": (207.2, 0.05),
}


@pytest.mark.parametrize("name", ATOMIC_WEIGHTS)
def test_mean_mass_is_the_standard_atomic_weight(name):
    weight, uncertainty = ATOMIC_WEIGHTS[name]
    assert target(name).mean_mass_u == pytest.approx(weight, abs=uncertainty)


def test_every_name_resolves_and_fractions_add_up():
    for name in target_names():
        assert math.isclose(sum(i.abundance for i in target(name).isotopes), 1.0, abs_tol=1e-6)


def test_compound_by_hand():
    caesium, iodine = target("caesium-iodide").isotopes
    assert (caesium.protons, caesium.neutrons, iodine.protons, iodine.neutrons) == (55, 78, 53, 74)
    assert caesium.abundance == iodine.abundance == 0.5
    formula_units = 1e6 / (132.905451959 + 126.904473) * AVOGADRO
    assert target("caesium-iodide").atoms_per_tonne == pytest.approx(2 * formula_units, rel=1e-12)


def test_single_isotope():
    (argon,) = target("argon-40").isotopes
    assert (argon.protons, argon.neutrons, argon.abundance) == (18, 22, 1.0)
    assert argon.mass == pytest.approx(39.962383122 * ATOMIC_MASS_UNIT, rel=1e-12)
    assert target("germanium-76").isotopes[0].neutrons == 44


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("Ar", "argon"), ("Xe", "xenon"), ("Ge", "germanium"), ("CsI", "caesium-iodide"), ("Si", "silicon")],
)
def test_symbols_are_other_names_of_the_same(symbol, name):
    assert target(symbol) == target(name)
    assert target("Ar-40") == target("argon-40")


@pytest.mark.parametrize("name", ["argn", "argon-41", "caesium-iodide-133", ""])
def test_unknown_target_is_told_what_exists(name):
    with pytest.raises(UnknownName, match="argon"):
        target(name)


def test_fractions_that_do_not_add_up_are_refused():
    with pytest.raises(InvalidArgument, match="add up to 1"):
        Target("mine", (Isotope(18, 40, 37224.7, 0.9),))
