"""The registry: what is there, what an entry accepts, what a near miss is told."""

import re

import jax
import numpy as np
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
def test_every_option_is_accepted_and_name_title_and_nuisances_are_among_them(name):
    options = lmt.experiment_options(name)
    exp = lmt.experiment(name, **options | {"name": "mine", "title": "My own", "nuisances": ()})
    assert (exp.name, exp.title) == ("mine", "My own")
    assert exp.nuisances == ()


def test_a_title_is_a_sentence_of_its_own():
    assert lmt.experiment("ess", title="ESS, ten bar").title == "ESS, ten bar"
    assert lmt.experiment("ess", title="ESS, ten bar").name == "ess"
    with pytest.raises(InvalidArgument, match="`title` must be a non-empty string"):
        lmt.experiment("ess", title="")


def test_options_are_the_users_alone():
    everywhere = {"name", "title", "nuisances"}
    projections = {"convention", "bin_edges", "sin2_theta_w"}
    sun = {"oscillation", "solar_model", "spectrum_8b", "flux_8b_width", "octant", "sin2_theta_w"}
    size = {"mass_ton", "baseline_m", "exposure_years", "protons_per_year", "neutrinos_per_proton", "target"}
    shape = {"threshold_kevnr", "form_factor", "efficiency", "energy_correction", "statistics"}
    beam = {"muons_on_target", "efficiency", "efficiency_factor", "calibrate", "resolution_gev"}
    expected = {
        "muon-g2-2025": {"measurement", "prediction", "convention"},
        "na64mu": {"convention", "bin_edges", *beam},
        "ess": {*projections, *size, *shape, "systematic", "background_fraction"},
        "darwin-er": {*projections, *sun, "binding", "threshold_kev", "exposure_tyr", "efficiency"},
        "coherent-csi-2021": {"sin2_theta_w", "form_factor", "steady_state"},
        "coherent-lar-2020": {"sin2_theta_w", "form_factor"},
        "coherent-ge-2026": {"sin2_theta_w", "form_factor", "threshold_kevee"},
        "lz-er-ws2022": {*(sun - {"spectrum_8b", "flux_8b_width"}), "binding", "background_uncertainty"},
        "xenonnt-8b": {*sun, "efficiency_uncertainty", "runs"},
        "xenonnt-8b-counts": {*sun, "efficiency_uncertainty"},
        "xenonnt-s2-2026": sun,
        "lz-8b": {*sun, "measured"},
        "ccfr-trident": {"sin2_theta_w", "energy_gev", "convention"},
        "borexino-7be": {"measured", "probabilities", "sin2_theta_w", "threshold_kev"},
        "borexino-phase2": {"oscillation", "solar_model", "octant", "sin2_theta_w", "threshold_kev"},
        "n-eff": {"measured"},
        "white-dwarfs": {"excess", "cl", "sin2_theta_w"},
        "babar-4mu": set(),
    }
    found = {name: set(lmt.experiment_options(name)) - everywhere for name in expected}
    assert found == expected
    known = set().union(everywhere, *expected.values())
    for name in lmt.experiment_names():
        assert everywhere <= set(lmt.experiment_options(name)) <= known, name


@pytest.mark.parametrize("name", ["darwin-er", "ess10", "na64mu", "xenonnt-8b", "coherent-lar-2020", "ccfr-trident"])
def test_entries_can_be_built_while_the_caller_is_traced(name):
    def total(g_x):
        return lmt.experiment(name).expected_counts(lmt.LMU_LTAU, lmt.HiddenPhoton(g_x, 15.0, -g_x / 70)).sum()

    assert float(jax.jit(total)(5e-4)) == pytest.approx(float(total(5e-4)), rel=1e-12)


def test_what_is_said_of_an_entry_before_it_is_built_is_what_it_is():
    for name in registry.own_names():
        assert registry.experiment_status(name) == lmt.experiment(name).status, name
        assert registry._ENTRIES[name].status is not None, name


def test_an_entry_as_published_is_one_experiment_while_somebody_has_it():
    ess = lmt.experiment("ess10")
    assert lmt.experiment("ess10") is ess
    assert lmt.experiment("ess10", title="mine") is not ess
    with pytest.raises(ValueError, match="read-only"):
        ess.background[:] = 0.0
    with jax.enable_x64(False):
        assert lmt.experiment("ess10") is not ess
    assert lmt.experiment("ess10") is ess


def test_what_a_user_registers_is_built_anew_each_time(monkeypatch):
    """Its builder may read what has changed since; and its arrays are the user's."""
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    seen = np.array([1.0])
    lmt.register("mine", lambda *, name="mine": lmt.measurement(name, seen[0], 0.1, lambda model, photon: photon.g_x))
    first = lmt.experiment("mine")
    seen[0] = 2.0
    assert lmt.experiment("mine").observed == 2.0
    assert first.observed == 1.0


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


@pytest.mark.parametrize("name", ["a/b", "../a", "", "a b", ".hidden"])
def test_a_name_can_be_a_part_of_a_files_name(name):
    with pytest.raises(InvalidArgument, match="`name` must be a name of letters"):
        lmt.register(name, lambda: None)
    with pytest.raises(InvalidArgument, match="`name` must be a name of letters"):
        lmt.measurement(name, 1.0, 1.0, lambda model, photon: photon.g_x)


@pytest.mark.parametrize(
    ("first", "second", "held"),
    [
        ("muon-g2-2021", "muon-g2-2025", "muon-g2"),
        ("darwin-nr", "darwin-nr+er", "darwin-nr"),
        ("darwin-er", "darwin-nr+er", "darwin-er"),
        ("xenonnt-8b", "xenonnt-nr", "xenonnt-nr/8b"),
        ("xenonnt-8b", "xenonnt-8b-counts", "xenonnt-nr/8b"),
        ("xenonnt-nr", "xenonnt-s2-2026", "xenonnt-nr/s2"),
        ("xenonnt-nr+er", "xenonnt-er-2022", "xenonnt-er/2022"),
        ("lz-er", "lz-er-ws2024", "lz-er/ws2024"),
        ("na64mu", "na64mu-2022", "na64mu/2022"),
    ],
)
def test_data_are_counted_once(first, second, held):
    model = lmt.LMU_LTAU.with_mixing("paper")
    both = [lmt.experiment(first), lmt.experiment(second)]
    data = {e.name: np.ones(e.n_bins) for e in both}
    with pytest.raises(InvalidArgument, match=f"{re.escape(repr(first))} and {re.escape(repr(second))} both hold"):
        lmt.JointLikelihood(both, model, data, check=False)
    with pytest.raises(InvalidArgument, match=re.escape(held)):
        lmt.JointLikelihood(both[::-1], model, data, check=False)
    lmt.JointLikelihood(both, model, data, check=False, allow_shared_data=True)


@pytest.mark.slow
def test_a_renamed_projection_is_another_detector_and_published_data_stay_the_same():
    model = lmt.LMU_LTAU.with_mixing("paper")
    two = [
        lmt.experiment("ess"),
        lmt.experiment("ess", name="ess-b"),
        lmt.experiment("lz-nr"),
        lmt.experiment("darwin-nr"),
    ]
    two += [lmt.experiment("lz-er-ws2022"), lmt.experiment("lz-er-ws2024")]
    lmt.JointLikelihood(two, model, {e.name: np.ones(e.n_bins) for e in two}, check=False)
    for name in [n for n in lmt.experiment_names() if lmt.experiment(n).status != "projection"]:
        twice = [lmt.experiment(name)]
        if "name" in lmt.experiment_options(name):
            twice.append(lmt.experiment(name, name="again"))
            with pytest.raises(InvalidArgument, match="count data twice"):
                lmt.JointLikelihood(twice, model, "observed", check=False)
