"""One program for models of several charges: it gives what each model gives."""

import jax
import numpy as np
import pytest

import lmtbayes as lmt
from lmtbayes.gauge.charges import apart_from_charges, recharged
from lmtbayes.gauge.couplings import ELECTRIC_CHARGES

MODELS = lmt.LMU_LTAU, lmt.LMU, lmt.GaugeModel("own", {"mu": 0.5, "tau": 2.0}, -0.1)


@pytest.mark.parametrize("convention", ["default", "paper"])
def test_couplings_and_widths_of_traced_charges_are_those_of_the_model(convention):
    photon = lmt.HiddenPhoton(1e-3, 300.0, -2e-4)
    stands, _ = apart_from_charges(lmt.LMU)

    @jax.jit
    def found(charges):
        model = recharged(stands, charges)
        couplings = {f: model.coupling(photon, f, convention=convention) for f in ELECTRIC_CHARGES}
        nucleus = model.nuclear_coupling(photon, 18, 22.0)
        return couplings, nucleus, lmt.decay_width(model, photon, "total", convention=convention)

    for model in MODELS:
        other, charges = apart_from_charges(model)
        assert other == stands
        couplings, nucleus, width = found(charges)
        for fermion, coupling in couplings.items():
            expected = model.coupling(photon, fermion, convention=convention)
            np.testing.assert_allclose(coupling, expected, rtol=1e-15, err_msg=fermion)
        np.testing.assert_allclose(nucleus, model.nuclear_coupling(photon, 18, 22.0), rtol=1e-15)
        np.testing.assert_allclose(width, lmt.decay_width(model, photon, "total", convention=convention), rtol=1e-14)
    assert found._cache_size() == 1


def test_what_decides_on_the_parts_of_a_rate_stands_for_itself():
    stands = {apart_from_charges(lmt.GaugeModel(name, {"e": 1.0, "mu": q}))[0] for name, q in (("a", 1.0), ("b", 3.0))}
    assert len(stands) == 1
    assert stands.isdisjoint(apart_from_charges(model)[0] for model in MODELS)
    quarks = lmt.GaugeModel("B-3Ltau", {"u": 1 / 3, "d": 1 / 3, "tau": -3})
    assert apart_from_charges(quarks)[0].charges["u"] == 1 / 3
    np.testing.assert_array_equal(apart_from_charges(quarks)[1], [0.0, -3.0])
    running = lmt.LMU_LTAU.with_mixing("loop")
    assert apart_from_charges(running) == (running, None)
    assert recharged(running, None) is running

    class Own(lmt.GaugeModel):
        pass

    own = Own("own", {"mu": 1.0})
    assert apart_from_charges(own) == (own, None)
