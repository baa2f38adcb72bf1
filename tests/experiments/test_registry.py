"""The registry: what is there, what an entry accepts, what a near miss is told."""

import jax
import pytest
from toys import counter

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.experiments import registry


@pytest.mark.parametrize("name", lmt.experiment_names())
def test_every_entry_builds_describes_itself_and_expects_finite_counts(name):
    exp = lmt.experiment(name)
    assert exp.name == name
    assert exp.title
    assert "arXiv" in exp.citation or "Phys" in exp.citation
    assert exp.status in ("data", "projection", "approximate")
    for model in (lmt.LMU_LTAU, lmt.LMU):
        counts = exp.expected_counts(model, lmt.BENCHMARKS["BP1"])
        assert counts.shape == (exp.n_bins,) == (len(exp.bin_edges) - 1,)
        assert bool((abs(counts) < 1e12).all())


@pytest.mark.parametrize("name", lmt.experiment_names())
def test_every_entry_can_be_renamed_and_stripped_of_its_nuisances(name):
    exp = lmt.experiment(name, name="mine", nuisances=())
    assert exp.name == "mine"
    assert exp.nuisances == ()


@pytest.mark.parametrize("name", ["darwin-er", "ess10", "na64mu", "xenonnt-8b", "coherent-lar-2020", "ccfr-trident"])
def test_entries_can_be_built_while_the_caller_is_traced(name):
    def total(g_x):
        return lmt.experiment(name).expected_counts(lmt.LMU_LTAU, lmt.HiddenPhoton(g_x, 15.0, -g_x / 70)).sum()

    assert float(jax.jit(total)(5e-4)) == pytest.approx(float(total(5e-4)), rel=1e-12)


def test_near_misses_are_told():
    with pytest.raises(UnknownName, match=r"unknown experiment 'muon-g2-2012' \(did you mean 'muon-g2-202"):
        lmt.experiment("muon-g2-2012")
    with pytest.raises(
        UnknownName, match=r"override of experiment 'muon-g2-2021' 'predicton' \(did you mean 'prediction'"
    ):
        lmt.experiment("muon-g2-2021", predicton="white-paper-2020")


def test_a_users_own_entry(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))

    def build(*, name="mine", scale=1.0, nuisances=None):
        return counter(name=name, scale=scale, nuisances=nuisances)

    lmt.register("mine", build)
    assert lmt.experiment("mine", scale=3.0).scale == 3.0
    assert lmt.experiment_options("mine") == {"name": "mine", "scale": 1.0, "nuisances": None}
    with pytest.raises(InvalidArgument, match="'mine' is registered already"):
        lmt.register("mine", build)
    with pytest.raises(InvalidArgument, match="must give its argument 'mass_ton' a default"):
        lmt.register("other", lambda *, mass_ton: counter(scale=mass_ton))
