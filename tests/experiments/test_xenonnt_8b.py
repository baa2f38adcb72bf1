"""XENONnT's 8B search in its observables: the release's templates, published results, a loop over bins, gradients."""

import csv
import functools
import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq, minimize, minimize_scalar

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument
from lmtbayes.experiments.xenonnt_8b import YIELDS
from lmtbayes.gauge.models import LMU, LMU_LTAU, HiddenPhoton
from lmtbayes.validation.independent import searches as reference
from lmtbayes.validation.independent import solar

NO_BOSON = HiddenPhoton.none()
NO_HEP = {"flux_hep": 1e-12}
SNO = 5.25 / 5.46
"""Flux that the collaboration assumes, over B16-GS98."""
XENONS_SUN = NO_HEP | {"flux_8b": SNO}
EXPOSURE = {"sr0": 1.174398, "sr1": 2.342593, "sr2": 3.249665}
RELEASE = Path(__file__).with_name("xenonnt_8b_release.csv")


@pytest.fixture(scope="module")
def search():
    return lmt.experiment("xenonnt-8b")


@pytest.fixture(scope="module")
def xenons():
    """With the spectrum that the collaboration uses."""
    return lmt.experiment("xenonnt-8b", spectrum_8b="b96")


def by_run(counts):
    return np.asarray(counts).reshape(3, 81).sum(axis=1)


def at(light, charge):
    return dict(zip(YIELDS, (float(light), float(charge)), strict=True))


# -- templates --------------------------------------------------------------------------------------------------------


@functools.cache
def efficiencies(run, light, charge):
    """Of the 81 bins at 46 energies by the shipped tables, row by row; the yields are nodes."""
    energies = np.array([[float(r[f"e{k}"]) for k in range(8)] for r in solar.rows("xenon/xenonnt_8b_energy.csv")])
    (yields,) = (
        [float(r[f"y{k}"]) for k in range(12)]
        for r in solar.rows("xenon/xenonnt_8b_yields.csv")
        if (int(r["light_yield"]), int(r["charge_yield"])) == (light, charge)
    )
    found = np.zeros((81, len(energies)))
    for row in solar.rows("xenon/xenonnt_8b_signal.csv"):
        if row["run"] == run:
            of_energy = energies @ [float(row[f"e{k}"]) for k in range(8)]
            found[int(row["bin"])] += 1e-6 * yields[int(row["mode"])] * of_energy
    return found


def test_the_compact_templates_are_the_releases():
    # The simulation's own statistics, which the modes leave out, are some 1 % of a bin at one energy.
    with RELEASE.open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for run in EXPOSURE:
        nominal = efficiencies(run, 0, 0)
        for energy in (1.5, 2.5, 3.5):
            of_bins = [r for r in rows if (r["run"], float(r["energy_kevnr"])) == (run, energy) and r["bin"] != "-1"]
            published = np.array([float(r["efficiency"]) for r in of_bins])
            compact = nominal[:, round((energy - 0.5) / 0.1)]
            assert published.size == 81
            assert np.linalg.norm(compact - published) < 4e-3 * np.linalg.norm(published)
            assert np.abs(compact - published).max() < 0.02 * published.mean()
    for light, charge in ((0, 0), (1, -1), (-2, 2), (2, 2)):
        compact = {run: efficiencies(run, light, charge).sum(axis=0) for run in EXPOSURE}
        for row in rows:
            if (row["light"], row["charge"], row["bin"]) == (str(light), str(charge), "-1"):
                index = round((float(row["energy_kevnr"]) - 0.5) / 0.1)
                assert compact[row["run"]][index] == pytest.approx(float(row["efficiency"]), rel=4e-3)


def test_modes_run_smoothly_through_the_yields_of_the_release(search):
    modes = search.in_yields
    nodes = np.arange(-3.0, 4.0)
    for i, j in itertools.product((0, 2, 3, 6), repeat=2):
        np.testing.assert_allclose(
            modes(jnp.asarray(nodes[i]), jnp.asarray(nodes[j])), modes.at_nodes[7 * i + j], atol=1e-12
        )
    # Beyond the release the value at its edge.
    np.testing.assert_allclose(modes(jnp.asarray(4.0), jnp.asarray(-5.0)), modes.at_nodes[7 * 6], atol=1e-12)
    slope = jax.jit(jax.jacfwd(modes))
    for node in (-1.0, 0.0, 2.0):
        below, above = (slope(jnp.asarray(node + step), jnp.asarray(0.4)) for step in (-1e-6, 1e-6))
        np.testing.assert_allclose(below, above, atol=1e-5)


# -- expected counts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("light", "charge", "point", "bins"),
    [
        (0, 0, {"g": 0.0, "mass": 1.0, "eps": 0.0}, {"sr0": 0, "sr2": 80}),
        (1, -2, {"g": 2e-3, "mass": 20.0, "eps": -2e-3 / 70}, {"sr1": 40}),
    ],
)
def test_counts_match_quadrature_bin_by_bin(search, light, charge, point, bins):
    # Ten nodes in q2 and the moments' spline reach 1e-7, the reference's fixed sums 1e-6.
    counts = search.signal_counts(LMU_LTAU, HiddenPhoton(*point.values()), NO_HEP | at(light, charge))
    points = np.array([float(r["energy_kevnr"]) for r in solar.rows("xenon/xenonnt_8b_energy.csv")])
    for run, bin_ in bins.items():
        efficiency = efficiencies(run, light, charge)[bin_]
        by_hand = reference.nuclear_counts((points, efficiency), charges=(0, 1, -1), **point)
        of_run = counts[81 * list(EXPOSURE).index(run) :]
        assert of_run[bin_] == pytest.approx(EXPOSURE[run] * by_hand, rel=4e-6)


def test_backgrounds_and_what_scales_them(search):
    # Runs of the release: accidentals, electron recoils, neutrons; the last through modes.
    rows = solar.rows("xenon/xenonnt_8b_bins.csv")
    accidental, electron = (
        np.array([EXPOSURE[r["run"]] * float(r[kind]) for r in rows])
        for kind in ("accidental_per_tyr", "electron_per_tyr")
    )
    neutrons = search.background_counts - accidental - electron
    np.testing.assert_allclose(by_run(accidental), [7.482, 17.767, 14.865], atol=5e-4)
    np.testing.assert_allclose(by_run(electron), [0.1257, 0.5486, 0.5244], atol=1e-4)
    np.testing.assert_allclose(by_run(neutrons), [0.1714, 0.4053, 0.1745], atol=3e-4)
    assert (np.asarray(neutrons) > 0.0).all()
    scaled = {"accidental_xenonnt_sr1": 1.1, "er_xenonnt_8b": 2.0, "neutron_xenonnt_8b": 3.0}
    change = search.expected_counts(LMU, NO_BOSON, scaled) - search.expected_counts(LMU, NO_BOSON)
    in_sr1 = np.array([r["run"] == "sr1" for r in rows])
    np.testing.assert_allclose(change, 0.1 * in_sr1 * accidental + electron + 2.0 * neutrons, rtol=1e-9)


def test_data_are_the_events_of_the_three_runs(search):
    np.testing.assert_array_equal(by_run(search.observed), [9, 28, 25])
    counts = lmt.experiment("xenonnt-8b-counts")
    np.testing.assert_allclose(by_run(search.background_counts), counts.background_counts, atol=0.03)
    # The efficiencies of that entry are rounded sums of these bins.
    boson = HiddenPhoton(1e-3, 20.0, -1e-3 / 70)
    for photon in (NO_BOSON, boson):
        np.testing.assert_allclose(
            by_run(search.signal_counts(LMU_LTAU, photon)), counts.signal_counts(LMU_LTAU, photon), rtol=2e-4
        )


def test_runs_can_be_chosen(search):
    first = lmt.experiment("xenonnt-8b", runs=("sr1", "sr0"))
    np.testing.assert_allclose(
        first.expected_counts(LMU, NO_BOSON), search.expected_counts(LMU, NO_BOSON)[:162], rtol=1e-12
    )
    assert {n.name for n in search.nuisances} - {n.name for n in first.nuisances} == {"accidental_xenonnt_sr2"}
    for runs in ((), ("sr0", "sr0")):
        with pytest.raises(InvalidArgument, match="`runs` must be some of"):
            lmt.experiment("xenonnt-8b", runs=runs)
    with pytest.raises(InvalidArgument, match="`runs` must be one of"):
        lmt.experiment("xenonnt-8b", runs=("sr3",))
    with pytest.raises(InvalidArgument, match="`efficiency_uncertainty` must be finite and positive"):
        lmt.experiment("xenonnt-8b", efficiency_uncertainty=0.0)


# -- published results ------------------------------------------------------------------------------------------------

ACCIDENTALS = tuple(f"accidental_xenonnt_{run}" for run in EXPOSURE)
OF_THE_SEARCH = (*YIELDS, "efficiency_xenonnt_8b", "er_xenonnt_8b", "neutron_xenonnt_8b", *ACCIDENTALS)


@pytest.fixture(scope="module")
def fit(xenons):
    """Fit of the search's own nuisances at a flux [of SNO's]: (pulls, -ln L), runs chosen by weights of the bins."""
    constraints = {n.name: n.constraint for n in xenons.nuisances if n.name in OF_THE_SEARCH}
    assert set(constraints) == set(OF_THE_SEARCH)

    @jax.jit
    @jax.value_and_grad
    def minus_log(pulls, flux, data, weights):
        values = {name: c.value(pulls[i]) for i, (name, c) in enumerate(constraints.items())}
        expected = xenons.expected_counts(LMU, NO_BOSON, values | NO_HEP | {"flux_8b": SNO * flux})
        return -jnp.sum(weights * xenons.term.log_prob(expected, data)) + 0.5 * jnp.sum(pulls**2)

    def at_flux(flux, data, weights, start):
        return minimize(minus_log, start, args=(flux, data, weights), jac=True, method="BFGS", options={"gtol": 1e-6})

    return at_flux


def flux_and_significance(fit, data, runs):
    """Best flux [1e6 cm^-2 s^-1] and its errors (half a unit of ln L); sqrt(2 ln L/L(no flux))."""
    weights, start = np.repeat(np.isin(list(EXPOSURE), runs).astype(float), 81), np.zeros(len(OF_THE_SEARCH))

    def minus_log(flux):
        return fit(flux, data, weights, start).fun

    best = minimize_scalar(minus_log, bounds=(0.2, 4.0), method="bounded", options={"xatol": 1e-3})
    above = [
        brentq(lambda mu: minus_log(mu) - best.fun - 0.5, *ends, xtol=1e-3) for ends in ((0.0, best.x), (best.x, 4.0))
    ]
    below, above = 5.25 * (best.x - above[0]), 5.25 * (above[1] - best.x)
    return 5.25 * best.x, above, below, np.sqrt(2.0 * (minus_log(0.0) - best.fun))


@pytest.mark.slow
def test_significance_and_flux_of_2024(search, xenons, fit):
    # Published, SR0 + SR1 (arXiv:2408.02877): 2.73 sigma; 4.7 (+3.6 -2.3)e6 where 11.9 events are expected of 5.25e6.
    # The release of 2026 expects 9.3 of them, so that the same events are a larger flux: what is compared to 5 % are
    # events and relative errors; significance to 0.1 (asymptotic here, toys there).
    expected = float(by_run(xenons.signal_counts(LMU, NO_BOSON, XENONS_SUN))[:2].sum())
    flux, above, below, sigma = flux_and_significance(fit, xenons.observed, ["sr0", "sr1"])
    events, published = flux / 5.25 * expected, 4.7 / 5.25 * 11.9
    print(f"\nSR0 + SR1: {flux:.2f} +{above:.2f} -{below:.2f}, {sigma:.2f} sigma (4.7 +3.6 -2.3, 2.73)")
    print(f"events {events:.2f} of {expected:.2f} expected (published {published:.2f} of 11.9)")
    assert sigma == pytest.approx(2.73, abs=0.1)
    assert events == pytest.approx(published, rel=0.05)
    assert above / flux == pytest.approx(3.6 / 4.7, rel=0.1)
    assert below / flux == pytest.approx(2.3 / 4.7, rel=0.1)
    assert 4.7 - 2.3 < flux < 4.7 + 3.6


@pytest.mark.slow
def test_all_three_runs(xenons, fit):
    # No number of the collaboration's for three runs is known to us. Expected by them of 5.25e6: 16.4 events.
    counts = by_run(xenons.signal_counts(LMU, NO_BOSON, XENONS_SUN))
    flux, above, below, sigma = flux_and_significance(fit, xenons.observed, list(EXPOSURE))
    print(f"\nexpected {np.round(counts, 2)}, sum {counts.sum():.2f} (16.4)")
    print(f"all runs: {flux:.2f} +{above:.2f} -{below:.2f}, {sigma:.2f} sigma")
    assert counts.sum() == pytest.approx(16.4, rel=1e-2)
    assert sigma == pytest.approx(3.3, abs=0.1)
    assert flux - below < 5.25 < flux + above


def test_pulls_of_expected_data_are_zero(xenons, fit):
    data = np.asarray(xenons.expected_counts(LMU, NO_BOSON, XENONS_SUN))
    found = fit(1.0, data, np.ones(243), np.linspace(-1.0, 1.0, len(OF_THE_SEARCH)))
    np.testing.assert_allclose(found.x, 0.0, atol=1e-5)


# -- gradients --------------------------------------------------------------------------------------------------------


def test_gradients_match_differences(search):
    # At the nominal yields, where bilinear templates would have a kink, and off them.
    weights = np.random.default_rng(3).normal(size=243)

    @jax.jit
    def total(x):
        values = dict(zip((*YIELDS, "efficiency_xenonnt_8b", "neutron_xenonnt_8b", "flux_8b"), x[2:], strict=True))
        g = jnp.exp(x[0])
        counts = search.expected_counts(LMU_LTAU, HiddenPhoton(g, jnp.exp(x[1]), -g / 70), values)
        return jnp.sum(weights * counts)

    slope = jax.jit(jax.grad(total))
    for yields in ((0.0, 0.0), (0.6, -1.3)):
        point = np.array([np.log(1e-3), np.log(20.0), *yields, 1.1, 0.8, 1.05])
        steps = 1e-4 * np.eye(point.size)
        by_steps = [float(total(point + step) - total(point - step)) / 2e-4 for step in steps]
        np.testing.assert_allclose(slope(point), by_steps, rtol=1e-5, atol=1e-5)
