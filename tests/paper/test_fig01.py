"""Fig. 1: the lines are where the likelihoods put them, every entry has a citation, labels do not overlap, switches."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

import lmtbayes as lmt
from lmtbayes import citations, paper
from lmtbayes.errors import UnknownName
from lmtbayes.paper import fig01
from lmtbayes.plotting.parameter_space import edges_of
from lmtbayes.plotting.placing import _rectangle, overlap

FAST = ("muon-g2-2021", "muon-g2-2025", "n-eff", "ccfr-trident", "borexino-7be", "babar_4mu", "h0_band", "na62")


@pytest.fixture(scope="module")
def drawn():
    yield fig01.figure("default", FAST)
    plt.close("all")


def corners(text):
    angle = np.radians(text.get_rotation())
    text.set_rotation(0)
    extent = text.get_window_extent()
    text.set_rotation(np.degrees(angle))
    return _rectangle(text.axes.transData.transform(text.get_position()), extent.width, extent.height, angle)


@pytest.mark.slow
def test_no_label_on_another_and_all_are_there(drawn):
    (axis,) = drawn.axes
    texts = [t for t in axis.texts if t.get_gid() in FAST]
    assert {t.get_gid() for t in texts} == set(FAST)
    for first, second in itertools.combinations(texts, 2):
        assert overlap(corners(first), corners(second)) == 0.0, (first.get_text(), second.get_text())


@pytest.mark.parametrize("mass", [3.0, 100.0, 2000.0])
def test_trident_line_is_where_the_likelihood_falls_by_1_64(mass):
    (entry,) = fig01.entries("default", ["ccfr-trident"])
    exp = lmt.experiment("ccfr-trident")

    def chi2(g):
        return float(((exp.expected(lmt.LMU_LTAU, lmt.HiddenPhoton(g, mass, 0.0)) - 0.82) / 0.28)[0] ** 2)

    outline_mass, outline = entry.outlines[0]
    order = np.argsort(outline_mass)
    g = np.exp(np.interp(np.log(mass), np.log(outline_mass[order]), np.log(outline[order])))
    # R > 1, so that no boson is the best fit; the grid has 25 couplings a decade: 2 % of the coupling, 5 % of q.
    assert chi2(g) - chi2(0.0) == pytest.approx(1.282**2, rel=0.06)


def test_coarse_grid_moves_the_edge_by_less_than_two_percent():
    fine = fig01.limit("ccfr-trident")
    coarse = (*fig01.COARSE, fine[2][::2, ::2])
    edges = []
    for masses, couplings, statistic in (fine, coarse):
        ((mass, coupling), *_) = edges_of(masses, couplings, statistic, fig01.LEVEL)
        order = np.argsort(mass)
        edges.append(np.interp(np.linspace(0.5, 8.0, 40), np.log(mass[order]), np.log(coupling[order])))
    np.testing.assert_allclose(edges[0], edges[1], atol=0.02)


@pytest.mark.slow
def test_n_eff_is_a_wall_that_leans():
    (entry,) = fig01.entries("default", ["n-eff"])
    mass, g = (np.concatenate(part) for part in zip(*entry.outlines, strict=True))
    photon = fig01.MODEL.hidden_photon(g, mass)
    n_eff = lmt.experiment("n-eff")
    # (x - 2.99)^2 - (3.044 - 2.99)^2 = 1.64 x 0.17^2 with x = 3.214, less where the boson can lower N_eff.
    found = np.array(
        [float(n_eff.expected(fig01.MODEL, fig01.MODEL.hidden_photon(*p))[0]) for p in zip(g, mass, strict=True)]
    )
    assert photon.shape == mass.shape
    np.testing.assert_allclose(found, 2.99 + np.sqrt(1.282**2 * 0.17**2 + 0.054**2), rtol=0.01)
    # Mixing ties the neutrinos to the electrons: the stronger the coupling, the heavier the lightest boson allowed.
    order = np.argsort(g)
    assert np.all(np.diff(mass[order]) > -0.02 * mass[order][:-1])
    assert 9.0 < mass.min() < 13.0
    # docs/real_data.md, to the grid's spacing.
    for coupling, wall in ((1e-5, 12.5), (1e-4, 15.6), (5e-4, 17.8), (1e-3, 18.9)):
        assert mass[np.argmin(abs(np.log(g / coupling)))] == pytest.approx(wall, rel=0.05)


@pytest.mark.slow
def test_borexino_line_profiles_the_flux():
    (entry,) = fig01.entries("default", ["borexino-7be"])
    mass, g = (np.asarray(x) for x in max(entry.outlines, key=lambda outline: len(outline[0])))
    middle = np.argmin(abs(mass - 10.0))
    photon = lmt.LMU_LTAU.with_mixing("paper").hidden_photon(float(g[middle]), float(mass[middle]))
    rate = float(lmt.experiment("borexino-7be").expected(lmt.LMU_LTAU, photon)[0])
    # With the flux profiled, sigma^2 = 0.065^2 + 0.06^2 (rate^2 - 1); its best value without boson leaves nothing.
    q = (1.01 - rate) ** 2 / (0.065**2 + 0.06**2 * (rate**2 - 1))
    assert q == pytest.approx(1.282**2, rel=0.05)


def test_g2_bands():
    outline = fig01.entries("default", ["muon-g2-2021"])[0].outlines[0]
    shift = np.asarray(lmt.delta_a_mu(lmt.HiddenPhoton(outline[1], outline[0], 0.0))) * 1e11
    half = shift.size // 2
    np.testing.assert_allclose(shift[:half], 251 - 2 * np.hypot(41, 43), rtol=1e-9)
    np.testing.assert_allclose(shift[half:], 251 + 2 * np.hypot(41, 43), rtol=1e-9)
    assert fig01.entries("default", ["muon-g2-2025"])[0].kind == "limit"


def test_every_entry_of_both_pictures_can_be_cited():
    for convention in ("default", "paper"):
        published = [n for n in fig01.entry_names(convention) if n in fig01.PUBLISHED[convention]]
        for entry in fig01.entries(convention, published):
            assert citations.cited_in(entry.citation), entry.name
    assert {"ccfr-trident", "n-eff", "borexino-7be"} <= set(fig01.entry_names())
    assert not {"ccfr-trident", "n-eff"} & set(fig01.entry_names("paper"))


def test_registered_as_a_figure_and_switchable():
    assert "fig1" in paper.figure_names()
    picture = paper.draw("fig1", "paper")
    assert picture.axes[0].get_xscale() == "log"
    names = {line.get_gid() for line in picture.axes[0].lines}
    assert "muon-g2-2025" not in names
    with pytest.raises(UnknownName, match=r"entry of Fig. 1 'ccfr-tridnt' \(did you mean 'ccfr-trident'"):
        fig01.figure("default", ["ccfr-tridnt"])
