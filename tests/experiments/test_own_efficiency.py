"""An efficiency as a number, a table, a file or a function: one is the other, and each is what the integral says."""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lmtbayes as lmt
from lmtbayes import tables
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.beam_efficiency import Efficiency
from lmtbayes.experiments.beam_setup import read_setups
from lmtbayes.experiments.efficiency import resolve
from lmtbayes.experiments.xenon_detectors import detectors
from lmtbayes.inference.identity.fingerprint import fingerprint

PHOTON = lmt.BENCHMARKS["BP2"]
NONE = lmt.HiddenPhoton.none()


def rising(energy):
    """Smooth, as an efficiency at a threshold of 30 keV is."""
    return 0.9 / (1.0 + np.exp(-(energy - 30.0) / 8.0))


def counts(name, photon=PHOTON, **overrides):
    return np.asarray(lmt.experiment(name, nuisances=(), **overrides).signal_counts(lmt.LMU_LTAU, photon))


# -- what a table, a file and a function are --------------------------------------------------------------------------


@given(
    energies=st.lists(st.floats(0.1, 100.0), min_size=3, max_size=8, unique=True).map(sorted),
    data=st.data(),
)
@settings(deadline=None, max_examples=30)
def test_one_table_in_every_dress_is_one_curve(energies, data, tmp_path_factory):
    values = data.draw(st.lists(st.floats(0.01, 1.0), min_size=len(energies), max_size=len(energies)))
    path = tmp_path_factory.getbasetemp() / "efficiency.csv"
    rows = "".join(f"{energy!r},{value!r}\n" for energy, value in zip(energies, values, strict=True))
    path.write_text(f"# by hand\nenergy_kevnr,efficiency\n{rows}")
    dresses = [(energies, values), [np.array(energies), np.array(values)], jnp.array([energies, values]).T]
    dresses += [list(zip(energies, values, strict=True)), path, str(path)]
    curves = [resolve("efficiency", given, "energy_kevnr", 1e-3, 1e3) for given in dresses]
    assert curves == [curves[0]] * len(dresses)
    assert (curves[0].energies, curves[0].values) == (tuple(energies), tuple(values))
    np.testing.assert_allclose(curves[0](np.array(energies)), values, rtol=1e-12)
    assert curves[0](0.99 * energies[0]) == 0.0
    assert curves[0](2.0 * energies[-1]) == values[-1]


def test_a_function_is_good_to_its_samples():
    energies = np.geomspace(1e-3, 1e3, 777)
    smooth = resolve("efficiency", rising, "energy_kevnr", 1e-3, 1e3)
    np.testing.assert_allclose(smooth(energies), rising(energies), atol=3e-5)
    assert smooth.bends == ()
    step = resolve("efficiency", lambda energy: np.where(energy < 40.0, 0.0, 0.8), "energy_kevnr", 1e-3, 1e3)
    assert len(step.bends) == 2
    assert step.bends[0] < 40.0 <= step.bends[1] < (1.0 + 1e-4) * step.bends[0]
    assert resolve("efficiency", lambda energy: 0.8, "energy_kevnr", 1e-3, 1e3)(energies) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0.0, r"must be a number in \(0, 1\], a table \(recoil energies \[keVnr\], efficiencies\), .*; got 0.0"),
        (80, r"\(5 % is 0.05\); got 80"),
        (True, "must be a number in .*; got True"),
        (None, "must be a number in .*; got None"),
        ("nowhere.csv", "must be a CSV file that exists, with columns energy_kevnr and efficiency; got 'nowhere.csv'"),
        (([1.0, 2.0], [0.5]), "must be a number in"),
        (
            [0.1, 0.2, 0.3],
            r"must be a table of two or more points: \(recoil energies \[keVnr\], efficiencies\), or rows",
        ),
        (([0.1, 0.2], [0.3, 0.4]), "must be a table that is read in one way, .*: give a third point"),
        (([2.0, 1.0, 3.0], [0.1, 0.2, 0.3]), r"`x, recoil energies \[keVnr\]` must be a strictly increasing sequence"),
        (([-2.0, 1.0, 3.0], [0.1, 0.2, 0.3]), r"`x, recoil energies \[keVnr\]` must be finite and positive"),
        (([1.0, 2.0, 3.0], [10.0, 20.0, 90.0]), "`x` must be between 0 and 1"),
        (([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]), "`x` must be above 0 somewhere"),
        (lambda energy: energy, r"a function of an array of .*; got 1.00\d* at 1.00\d*"),
        (lambda energy: np.nan * energy, "a function of an array of .*; got nan at 0.001"),
        (lambda energy: 0.0 * energy, "above 0 somewhere; got 0 everywhere"),
        (lambda energy: energy[:3] * 0.0, r"for \(2000,\) it gives shape \(3,\)"),
        (lambda energy: 0.5 if energy > 3.0 else 0.0, "it fails with ValueError: The truth value of an array"),
        (lambda: 0.5, "it fails with TypeError"),
    ],
)
def test_what_is_no_efficiency_is_a_sentence(given, message):
    with pytest.raises(InvalidArgument, match=message) as caught:
        resolve("x", given, "energy_kevnr", 1e-3, 1e3)
    assert "\n" not in str(caught.value).replace("\n ", " ")


def test_a_file_of_another_unit_is_not_taken(tmp_path):
    path = tmp_path / "e.csv"
    path.write_text("energy_kevee,efficiency\n1,0.5\n2,0.6\n")
    with pytest.raises(
        InvalidArgument, match=r"columns energy_kevnr and efficiency; e.csv has energy_kevee, efficiency"
    ):
        lmt.experiment("ess", efficiency=path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidArgument, match=r"`efficiency`: e.csv must be a CSV file in UTF-8"):
        lmt.experiment("ess", efficiency=path)


# -- detectors at a spallation source ---------------------------------------------------------------------------------


def test_recoils_at_a_spallation_source_are_those_of_the_integral():
    exp = lmt.experiment("ess", nuisances=())
    table = ([20.0, 33.0, 41.0, 90.0], [0.0, 0.4, 0.5, 0.9])
    for own, efficiency in (
        (0.3, lambda energy: np.full(energy.shape, 0.3)),
        (table, lambda energy: np.interp(energy, *table)),
        (rising, rising),
    ):
        found = counts("ess", efficiency=own)
        for (low, high), value in zip(np.stack([exp.bin_edges[:-1], exp.bin_edges[1:]]).T, found, strict=True):
            energy = np.linspace(low, high, 4001)
            rate = np.asarray(exp.differential_rate(lmt.LMU_LTAU, PHOTON, energy))
            assert value == pytest.approx(np.trapezoid(rate * efficiency(energy), energy), rel=2e-5)


def test_a_step_in_a_function_costs_little():
    table = ([39.999, 40.0, 41.0], [0.0, 0.8, 0.8])
    step = counts("ess", efficiency=lambda energy: np.where(energy < 40.0, 0.0, 0.8))
    # 1e-4 of 40 keV is 4 eV of a bin of 20 keV.
    np.testing.assert_allclose(step[1:], counts("ess", efficiency=table)[1:], rtol=2e-4)
    assert step[0] < 2e-4 * step[1]


def test_names_of_efficiencies_stay_names():
    with pytest.raises(InvalidArgument, match=r"must be one of 'none', 'cenns610', .*; got 'cenn610' \(did you mean"):
        lmt.experiment("ess", efficiency="cenn610")
    assert "quenching_argon" in {nuisance.name for nuisance in lmt.experiment("ess", efficiency="cenns610").nuisances}
    assert "quenching_argon" not in {nuisance.name for nuisance in lmt.experiment("ess", efficiency=0.5).nuisances}


# -- liquid xenon -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "recoil"), [("darwin-nr", "nr"), pytest.param("darwin-er", "er", marks=pytest.mark.slow)]
)
def test_the_published_curve_given_as_ones_own_is_the_published_one(name, recoil):
    detector, table = detectors()["darwin"], tables.read(f"xenon/efficiency_{recoil}")
    nuclear = recoil == "nr"
    half = detector.half_kevnr if nuclear else detector.half_kevee
    own = (table["energy_kevnr" if nuclear else "energy_kevee"], table[detector.efficiency])
    published, mine = (counts(name, NONE, threshold_kev=half, **more) for more in ({}, {"efficiency": own}))
    np.testing.assert_allclose(mine, published, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["darwin-nr", "darwin-er"])
def test_a_number_is_a_function_that_gives_it(name):
    number, function = (counts(name, NONE, efficiency=own) for own in (0.2, lambda energy: 0.6))
    np.testing.assert_allclose(3.0 * number, function, rtol=1e-6)


@pytest.mark.slow
def test_two_kinds_of_recoil_scale_with_their_efficiencies():
    both = counts("darwin-nr+er", NONE, efficiency={"nr": 0.5, "er": 0.25})
    doubled = counts("darwin-nr+er", NONE, efficiency={"nr": 1.0, "er": 0.5})
    np.testing.assert_allclose(2.0 * both, doubled, rtol=1e-9)


def test_two_kinds_of_recoil_have_two_efficiencies():
    for own in (0.5, {"nr": 0.5}, {"nr": 0.5, "er": 0.5, "x": 0.5}):
        with pytest.raises(InvalidArgument, match=r"one for each kind of recoil, as \{'nr': \.\.\., 'er': \.\.\.\}"):
            lmt.experiment("darwin-nr+er", efficiency=own)
    with pytest.raises(InvalidArgument, match=r"`efficiency\['er'\]` must be a number"):
        lmt.experiment("darwin-nr+er", efficiency={"nr": 0.5, "er": 2.0})


@pytest.mark.slow
def test_an_own_efficiency_at_a_traced_threshold():
    def rate(threshold):
        exp = lmt.experiment("darwin-nr", convention="paper", threshold_kev=threshold, efficiency=rising_early)
        return exp.signal_counts(lmt.LMU_LTAU, NONE)[0]

    def rising_early(energy):
        return 1.0 / (1.0 + np.exp(-4.0 * (energy - 1.5)))

    assert float(jax.jit(rate)(1.2)) == pytest.approx(float(rate(1.2)), rel=1e-4)
    slope = (float(rate(1.21)) - float(rate(1.19))) / 0.02
    assert float(jax.jit(jax.grad(rate))(1.2)) == pytest.approx(slope, rel=1e-2)


# -- muon beams -------------------------------------------------------------------------------------------------------

MASSES = np.array([1.0, 10.0, 100.0, 1000.0])


def beam_efficiency(own):
    return Efficiency(replace(read_setups()["na64mu"], efficiency=own), "default")


def test_a_beams_efficiency_goes_with_the_mass():
    efficiency = beam_efficiency((MASSES, [0.2, 0.4, 0.1, 0.0]))
    np.testing.assert_allclose(
        efficiency(np.array([0.1, *MASSES, 3000.0])), [0.2, 0.2, 0.4, 0.1, 0.0, 0.0], rtol=1e-9, atol=1e-12
    )
    between = np.geomspace(0.1, 5000.0, 300)
    assert float(efficiency(between).min()) >= 0.0
    assert float(efficiency(between).max()) <= 0.4
    assert np.isfinite(jax.jit(jax.vmap(jax.grad(efficiency)))(between)).all()


def test_a_beams_efficiency_as_a_function_is_its_values():
    efficiency = beam_efficiency(lambda mass: 0.5 / (1.0 + mass / 300.0))
    masses = np.geomspace(0.02, 9e3, 200)
    np.testing.assert_allclose(efficiency(masses), 0.5 / (1.0 + masses / 300.0), rtol=1e-6)
    assert replace(read_setups()["na64mu"], efficiency=np.float64(0.25)).efficiency == 0.25


@pytest.mark.slow
def test_a_beams_counts_have_its_efficiency():
    exp, unity = (lmt.experiment("na64mu", nuisances=(), efficiency=own) for own in ((MASSES, MASSES / 2e3), 1.0))
    photon = lmt.HiddenPhoton(1e-3, jnp.asarray(MASSES), 0.0)
    ratio = exp.signal_counts(lmt.LMU_LTAU, photon) / unity.signal_counts(lmt.LMU_LTAU, photon)
    np.testing.assert_allclose(ratio, (MASSES / 2e3)[:, None] * np.ones(9), rtol=1e-9)


# -- identity ---------------------------------------------------------------------------------------------------------


@functools.cache
def _own(slope, name="na64mu"):
    return lmt.experiment(name, efficiency=lambda energy: 0.5 / (1.0 + slope * energy))


@pytest.mark.parametrize(
    "name", ["ess", *(pytest.param(name, marks=pytest.mark.slow) for name in ("na64mu", "darwin-nr"))]
)
def test_experiments_are_told_apart_by_what_a_function_gives(name):
    again = lmt.experiment(name, efficiency=eval("lambda energy: 0.5 / (1.0 + 1e-3 * energy)"))  # no source text
    assert fingerprint(_own(1e-3, name)) == fingerprint(again)
    assert fingerprint(_own(1e-3, name)) != fingerprint(_own(2e-3, name))
