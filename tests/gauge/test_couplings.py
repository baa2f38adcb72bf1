"""Couplings of every fermion against Eq. 9 written out, the sum over a nucleus's quarks, the paper's convention."""

import jax.numpy as jnp
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.gauge.couplings import ELECTRIC_CHARGES, nuclear_coupling, vector_coupling

G, EPS = 1e-3, -2e-4
E = np.sqrt(4 * np.pi / 137.035999177)
B_MINUS_L = lmt.GaugeModel("B-L", {"e": -1, "mu": -1, "tau": -1, "u": 1 / 3, "d": 1 / 3})


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lmt.LMU_LTAU, {"e": E * EPS, "mu": G + E * EPS, "tau": -G + E * EPS, "nu_e": 0.0, "nu_mu": G, "nu_tau": -G}),
        (lmt.LMU, {"e": E * EPS, "mu": G + E * EPS, "tau": E * EPS, "nu_mu": G, "nu_tau": 0.0, "u": -2 * E * EPS / 3}),
        (B_MINUS_L, {"e": -G + E * EPS, "nu_e": -G, "u": G / 3 - 2 * E * EPS / 3, "d": G / 3 + E * EPS / 3}),
    ],
)
def test_eq_9_written_out(model, expected):
    photon = lmt.HiddenPhoton(G, 15.0, EPS)
    for fermion, coupling in expected.items():
        assert float(vector_coupling(model.charges, photon, fermion)) == pytest.approx(coupling, rel=1e-12), fermion
        assert float(model.coupling(photon, fermion)) == pytest.approx(coupling, rel=1e-12), fermion
    half = model.coupling(photon, "mu", 0.5)
    assert float(half) == pytest.approx(float(model.coupling(lmt.HiddenPhoton(G, 15.0, 0.5 * EPS), "mu")), rel=1e-14)


def test_the_papers_convention_leaves_mixing_out_of_leptons_with_charge():
    photon = lmt.HiddenPhoton(G, 15.0, EPS)
    for fermion, coupling in {"e": E * EPS, "mu": G, "tau": -G, "nu_mu": G, "u": -2 * E * EPS / 3}.items():
        assert float(vector_coupling(lmt.LMU_LTAU.charges, photon, fermion, convention="paper")) == pytest.approx(
            coupling
        )
    assert float(vector_coupling(lmt.LMU.charges, photon, "tau", convention="paper")) == pytest.approx(E * EPS)


def test_a_nucleus_is_its_quarks():
    photon, protons, neutrons = lmt.HiddenPhoton(G, 15.0, EPS), 54, 77
    for model in (lmt.LMU, B_MINUS_L):
        up, down = (float(vector_coupling(model.charges, photon, quark)) for quark in ("u", "d"))
        expected = protons * (2 * up + down) + neutrons * (up + 2 * down)
        assert float(nuclear_coupling(model.charges, photon, protons, neutrons)) == pytest.approx(expected, rel=1e-12)


def test_shapes_broadcast():
    photon = lmt.HiddenPhoton(jnp.full((2, 1), G), jnp.array([1.0, 10.0, 100.0]), EPS)
    assert vector_coupling(lmt.LMU.charges, photon, "mu").shape == (2, 1)
    assert vector_coupling(lmt.LMU.charges, lmt.HiddenPhoton(G, 1.0, EPS), "mu", np.ones(4)).shape == (4,)


def test_bad_input():
    photon = lmt.BENCHMARKS["BP1"]
    with pytest.raises(InvalidArgument, match=r"`fermion` must be one of .*got 'muon'"):
        lmt.LMU.coupling(photon, "muon")
    with pytest.raises(InvalidArgument, match="`convention` must be one of 'default', 'paper'"):
        lmt.LMU.coupling(photon, "mu", convention="improved")
    assert sum(ELECTRIC_CHARGES[f] for f in ("u", "u", "d")) == pytest.approx(1.0)
