"""Exclusions with two edges: what is said on them, between and outside of them, where they meet; bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lmtbayes as lmt
from lmtbayes.errors import InvalidArgument, LeftOutWarning
from lmtbayes.experiments.limits import FADE, published_limit
from lmtbayes.experiments.regions import excluded_region

MASSES = np.array([1.0, 5.0, 30.0, 100.0, 180.0])
ENTRIES = np.array([2e-9, 1e-9, 1.5e-9, 4e-9, 3e-8])
EXITS = np.array([4e-6, 1e-6, 2e-7, 9e-8, 3e-8])
CLOSED = (MASSES, ENTRIES, EXITS)
"""Made up; wide at low masses, closed at 180 MeV."""
OPEN = (MASSES[:4], ENTRIES[:4], EXITS[:4])
# Normal quantiles of 90 and 95 %, as tables have them.
Z90, Z95 = 1.2815515655, 1.6448536270
E137 = (
    np.array([2.08, 2.18, 2.29, 2.39, 3.05, 3.32]),
    np.array([5.08e-6, 5.08e-6, 5.13e-6, 5.15e-6, 6.09e-6, 7.60e-6]),
    np.array([2.46e-5, 2.30e-5, 2.10e-5, 1.96e-5, 1.20e-5, 8.47e-6]),
)
"""E137 in Lmu-Ltau with the loop's mixing: the masses that both edges of a digitised figure have (E137_lower.txt and
E137_upper.txt of the public repository SYen-qc/muon_g_minus_2, 2022-10-13). The figure gives no confidence level."""


ROWS = 1024
"""One shape for all calls: what is compiled once serves every test."""


def rise(exp, g_x, mass):
    """-2 ln L above that of no boson."""
    g_x, mass = np.broadcast_arrays(g_x, mass)
    pad = [np.resize(x.ravel(), ROWS) for x in (g_x, mass)]
    strength = exp.expected(lmt.LMU_LTAU, lmt.HiddenPhoton(*pad, 0.0))
    seen = jnp.zeros_like(strength)
    found = 2.0 * np.asarray(exp.term.log_prob(seen, seen) - exp.term.log_prob(strength, seen))
    return found[: g_x.size, 0].reshape(g_x.shape)


@pytest.mark.parametrize("table", [CLOSED, E137])
@pytest.mark.parametrize(("cl", "z"), [(0.90, Z90), (0.95, Z95)])
def test_each_edge_says_what_its_level_means(table, cl, z):
    masses, entries, exits = table
    exp = excluded_region("mine", table, cl=cl)
    assert exp.status == "approximate"
    for edge in (entries, exits):
        np.testing.assert_allclose(rise(exp, edge, masses), z**2, rtol=1e-8)
    # Half-way in ln g, where the edges do not meet, it is excluded by more; a factor outside of them by less.
    width = exits / entries
    assert np.all(rise(exp, entries * np.sqrt(width), masses)[width > 1.0] > z**2)
    for outside in (entries / 1.3, exits * 1.3):
        assert np.all(rise(exp, outside, masses) < z**2)


def test_two_levels():
    masses, entries, exits = OPEN
    for cl, z in (((0.95, 0.90), (Z95, Z90)), ((0.90, 0.95), (Z90, Z95))):
        exp = excluded_region("mine", OPEN, cl=cl)
        np.testing.assert_allclose(rise(exp, entries, masses), z[0] ** 2, rtol=1e-8)
        np.testing.assert_allclose(rise(exp, exits, masses), z[1] ** 2, rtol=1e-8)
        # One maximum, between the edges, and so at least the weaker of the two between them.
        for row, mass in enumerate(masses):
            found = rise(exp, np.geomspace(entries[row] / 30, exits[row] * 30, 1001), mass)
            assert np.unique(np.sign(np.diff(found)), return_index=True)[1].tolist() == [found.argmax(), 0]
            assert np.count_nonzero(np.diff(np.sign(np.diff(found)))) == 1
            inside = rise(exp, np.geomspace(entries[row], exits[row], 101), mass)
            assert inside.min() == pytest.approx(min(z) ** 2, rel=1e-8)
    # They cannot both hold where the edges meet: 1.28 = z(0.95)/z(0.90), and sqrt(1.283 + sqrt(1.283^2 - 1)) = 1.445.
    with pytest.raises(InvalidArgument, match=r"`cl` must be one level .* closer than a factor of 1.45: 1; got"):
        excluded_region("mine", CLOSED, cl=(0.95, 0.90))
    near = (MASSES[:2], [1e-9, 1e-9], [1e-6, 1.45e-9])
    found = rise(excluded_region("mine", near, cl=(0.95, 0.90)), np.geomspace(1e-9, 1.45e-9, 400), 5.0)
    assert found.min() == pytest.approx(Z90**2, rel=1e-8)
    with pytest.raises(InvalidArgument, match=r"closer than a factor of 1.45: 1.44"):
        excluded_region("mine", (MASSES[:2], [1e-9, 1e-9], [1e-6, 1.44e-9]), cl=(0.90, 0.95))


def test_an_independent_construction_of_the_statement():
    # In the logarithm of the coupling, about the middle of the region and of half-width h = ln(exit/entry)/2, the
    # strength is cosh(2 h)/cosh(2 t): even, one on the edges t = +-h, and g^2 at the entry's side where t << -1.
    for row, mass in enumerate(MASSES):
        middle, half = 0.5 * np.log(ENTRIES[row] * EXITS[row]), 0.5 * np.log(EXITS[row] / ENTRIES[row])
        g_x = np.geomspace(1e-12, 1e-3, 60)
        strength = np.cosh(2.0 * half) / np.cosh(2.0 * (np.log(g_x) - middle))
        np.testing.assert_allclose(
            rise(excluded_region("mine", CLOSED), g_x, mass), (Z90 * strength) ** 2, rtol=1e-8, atol=1e-15
        )


def test_a_joint_likelihood_says_the_same():
    like = lmt.JointLikelihood([excluded_region("mine", CLOSED, cl=0.95)], lmt.LMU_LTAU, "observed", check=False)
    photons = lmt.HiddenPhoton(np.stack([ENTRIES, EXITS]), MASSES, 0.0)
    found = like.log_likelihood(lmt.HiddenPhoton.none()) - like.log_likelihood(photons)
    np.testing.assert_allclose(found, 0.5 * Z95**2, rtol=1e-8)


@given(log_g=st.floats(-11, -5), log_mass=st.floats(0.0, np.log(100.0)))
def test_it_is_symmetric_between_its_edges_and_the_edges_are_where_it_says(log_g, log_mass):
    exp, mass, g_x = _open(), np.exp(log_mass), 10.0**log_g
    entry, leave = (float(edge) for edge in exp.edges(jnp.asarray(mass)))
    at, mirrored, low, high = exp.expected(
        lmt.LMU, lmt.HiddenPhoton(jnp.array([g_x, entry * leave / g_x, entry, leave]), mass, 0.0)
    )[:, 0]
    assert float(at) == pytest.approx(float(mirrored), rel=1e-9)
    assert (float(low), float(high)) == pytest.approx((1.0, 1.0), rel=1e-9)
    assert (float(at) > 1.0) == (entry < g_x < leave) or abs(float(at) - 1.0) < 1e-9
    # Between the points of the table neither edge leaves the range of its neighbours by much, and they do not cross.
    row = min(int(np.searchsorted(OPEN[0], mass, side="right")) - 1, 2)
    for edge, column in ((entry, OPEN[1]), (leave, OPEN[2])):
        assert 0.95 * column[row : row + 2].min() < edge < 1.05 * column[row : row + 2].max()


def _open():
    return excluded_region("mine", OPEN)


def test_without_an_exit_it_is_the_published_limit():
    masses, entries, _ = OPEN
    far = excluded_region("mine", (masses, entries, np.full(4, 1e3)), cl=0.95)
    limit = published_limit("mine", (masses, entries), cl=0.95)
    photon = lmt.HiddenPhoton(np.geomspace(1e-10, 1e-5, 9)[:, None], np.geomspace(0.9, 110.0, 7), 0.0)
    # At 1e-5 the exit at 1000 still is (1e-5/1e-9)^4/(1e3/1e-9)^2 = 1e-8 of it.
    np.testing.assert_allclose(far.expected(lmt.LMU, photon), limit.expected(lmt.LMU, photon), rtol=2e-8)
    np.testing.assert_array_equal(far.term.sigma, limit.term.sigma)


def test_where_the_edges_meet_one_coupling_is_just_excluded():
    exp, g_x = excluded_region("mine", CLOSED), np.geomspace(1e-9, 1e-6, 1001)
    found = rise(exp, g_x, 180.0)
    assert found.max() == pytest.approx(Z90**2, rel=1e-4)
    assert g_x[found.argmax()] == pytest.approx(3e-8, rel=4e-3)
    # Shortly before the region is narrow, and beyond the last mass nothing is excluded.
    assert np.ptp(np.log(g_x[rise(exp, g_x, 178.0) >= Z90**2])) < 0.4
    for beyond in (180.5, 185.0, 200.0, 1e4):
        assert rise(exp, g_x, beyond).max() < Z90**2


@pytest.mark.parametrize("table", [OPEN, CLOSED])
def test_outside_the_masses_nothing_is_said(table):
    exp, g_x = excluded_region("mine", table), np.geomspace(1e-11, 1e-3, 9)
    low, high = exp.mass_range
    assert (low, high) == pytest.approx((table[0][0] * np.exp(-FADE), table[0][-1] * np.exp(FADE)))
    for mass in (1e-2, low * (1.0 - 1e-12), high * (1.0 + 1e-12), 1e5):
        np.testing.assert_allclose(rise(exp, g_x, mass), 0.0, atol=1e-12)


def test_gradients_are_finite_and_right_everywhere():
    # Couplings from none to far beyond, masses at the points, at the tip, in the fade and beyond.
    model = lmt.LMU_LTAU.with_mixing(0.0)
    masses = np.array([1e-2, 0.96, 1.0, 1.02, 17.3, 100.0, 179.9, 180.0, 183.7, 190.0, 1e5])
    couplings = np.array([0.0, 1e-15, 3e-9, 2.9e-8, 3e-8, 5e-7, 1e-2, 1.0])
    points = np.array([(g, m) for g in couplings for m in masses])
    for exp in (
        excluded_region("closed", CLOSED),
        excluded_region("open", OPEN, cl=(0.90, 0.95)),
        excluded_region("muons", CLOSED, channel="invisible"),
    ):
        like = lmt.JointLikelihood([exp], model, "observed", check=False)

        def log_density(x, like=like):
            return like.log_density(lmt.HiddenPhoton.unchecked(x[0], x[1], 0.0), jnp.zeros(0))

        run = jax.jit(jax.vmap(jax.value_and_grad(log_density)))
        shifts = [np.array([np.exp(h), 1.0]) for h in (0.0, 1e-4, -1e-4)]
        value, slope = (np.asarray(x) for x in run(np.concatenate([points * shift for shift in shifts])))
        assert np.isfinite(value).all()
        assert np.isfinite(slope).all()
        at, up, down = value.reshape(3, -1)
        by_log_g = slope[: len(points), 0] * points[:, 0]
        assert np.all(np.abs(by_log_g - (up - down) / 2e-4) <= 1e-6 * np.abs(at - at[0]) + 1e-10)


@pytest.mark.slow
def test_both_sides_of_it_are_reported_as_allowed():
    model = lmt.LMU_LTAU.with_mixing(0.0)
    like = lmt.JointLikelihood([excluded_region("mine", OPEN)], model, "observed", check=False)
    grid = {"g_x": np.geomspace(1e-10, 1e-4, 121), "mass": MASSES[:3]}
    profile = lmt.profile_likelihood(like, grid)
    found = lmt.upper_limit(profile, "g_x", 0.90)
    np.testing.assert_allclose(found["limit"], ENTRIES[:3], rtol=1e-4)
    np.testing.assert_allclose(found["island_lower"][:, 0], EXITS[:3], rtol=1e-4)
    assert list(found["islands"].values) == [1, 1, 1]


@pytest.mark.slow
def test_evidence_and_chains_find_both_sides_of_it():
    # The middle is excluded by up to 1e7 in -2 ln L. Weights of the sides and ln Z: a plain sum over a fine lattice.
    model = lmt.LMU_LTAU.with_mixing(0.0)
    like = lmt.JointLikelihood([excluded_region("mine", OPEN)], model, "observed")
    prior = lmt.priors.default(model, g_x=(1e-11, 1e-4), mass=(1.0, 200.0))
    log_g, log_mass = np.meshgrid(np.linspace(-11, -4, 701), np.linspace(0, np.log10(200), 401), indexing="ij")
    lattice = np.exp(np.asarray(like.log_likelihood(model.hidden_photon(10**log_g, 10**log_mass))))
    assert lmt.evidence(like, prior).log_z == pytest.approx(np.log(lattice.mean()), abs=0.01)
    above = log_g > -7.6
    exact = (lattice * above).sum() / lattice.sum()
    posterior = lmt.sample_posterior(like, prior, seed=0, chains=8, warmup=200, draws=400, progress=False)
    assert lmt.diagnose(posterior).passed
    found = np.asarray(posterior.posterior["log10_g_x"]) > -7.6
    assert 0.3 < exact < 0.7
    assert found.mean() == pytest.approx(exact, abs=0.05)


def test_channels_are_those_of_a_published_limit():
    masses, entries, _ = OPEN
    region = excluded_region("mine", OPEN, channel="invisible")
    limit = published_limit("mine", (masses, entries), channel="invisible")
    photon = lmt.HiddenPhoton(1e-13, 17.3, 0.0)  # far below the entry, where the exit does not matter
    with pytest.warns(LeftOutWarning, match="how its exit moves with lifetime and absorption"):
        found = region.expected(lmt.LMU, photon)
    assert float(found[0]) == pytest.approx(float(limit.expected(lmt.LMU, photon)[0]), rel=1e-4)
    assert region.left_out(lmt.LMU_LTAU) == region.left_out(lmt.LMU_LTAU.with_mixing("paper")) == ()
    # A muon of twice the charge: both edges at half the coupling.
    twice = lmt.GaugeModel("twice", {"mu": 2, "tau": -2})
    entry, leave = (float(edge) for edge in region.edges(jnp.asarray(30.0)))
    with pytest.warns(LeftOutWarning):
        found = region.expected(twice, lmt.HiddenPhoton(jnp.array([entry / 2, leave / 2]), 30.0, 0.0))
    np.testing.assert_allclose(found[:, 0], 1.0, rtol=1e-9)
    with pytest.raises(InvalidArgument, match="`reference` must decay into 'e'"):
        excluded_region("mine", OPEN, channel="e")


def test_a_users_table_from_a_file(tmp_path):
    path = tmp_path / "region.csv"
    rows = "\n".join(",".join(map(str, row)) for row in zip(*CLOSED, strict=True))
    path.write_text(f"# Somebody, arXiv:0000.00000\nmass_mev,g_entry,g_exit\n{rows}\n")
    from_file = excluded_region("mine", path, citation="Somebody, arXiv:0000.00000", title="Mine", data_sets=("sn",))
    from_arrays = excluded_region("mine", CLOSED)
    photon = lmt.HiddenPhoton(3e-8, np.geomspace(0.9, 190.0, 30), 0.0)
    np.testing.assert_array_equal(from_file.expected(lmt.LMU, photon), from_arrays.expected(lmt.LMU, photon))
    assert (from_file.citation, from_file.title) == ("Somebody, arXiv:0000.00000", "Mine")
    with pytest.raises(InvalidArgument, match="count data twice"):
        lmt.JointLikelihood([from_file, excluded_region("b", CLOSED, data_sets=("sn",))], lmt.LMU_LTAU, "observed")
    path.write_text("mass_mev,g_x\n1,2\n")
    with pytest.raises(InvalidArgument, match=r"must have columns mass_mev, g_entry, g_exit; .* lacks g_entry, g_exit"):
        excluded_region("mine", path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"curve": "nowhere.csv"}, "`curve` must be the path of a CSV file that exists"),
        ({"curve": 3.0}, r"`curve` must be the path of a CSV file, or three arrays .*; got 3.0"),
        ({"curve": (MASSES, ENTRIES)}, "`curve` must be the path of a CSV file, or three arrays"),
        ({"curve": ([1.0, 1.0], [1.0, 1.0], [1.0, 1.0])}, "`curve masses` must be a strictly increasing"),
        ({"curve": ([0.0, 1.0], [1.0, 1.0], [1.0, 1.0])}, r"`curve masses` must be finite and positive \[MeV\]"),
        ({"curve": ([1.0, 2.0], [1.0, -1.0], [1.0, 1.0])}, "`curve entries` must be finite and positive"),
        ({"curve": ([1.0, 2.0], [1.0, 1.0], [1.0, np.inf])}, "`curve exits` must be finite and positive"),
        ({"curve": ([1.0, 2.0], [1.0, 1.0], [1.0])}, r"`curve exits` must be an array of shape \(2,\)"),
        (
            {"curve": ([1.0, 2.0], [1e-9, 1e-8], [1e-7, 1e-9])},
            "`curve exits` must be not below the entry, 1e-08, at 2 MeV; got 1e-09",
        ),
        ({"cl": 90}, r"`cl` must be a confidence level between 0.5 and 1, or \(of the entry, of the exit\); got 90"),
        ({"cl": (0.9, 0.4)}, "`cl` must be a confidence level between 0.5 and 1"),
        ({"channel": "nu"}, "`channel` must be one of"),
        ({"name": "a b"}, "`name` must be a name of letters"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(InvalidArgument, match=message):
        excluded_region(**({"name": "x", "curve": CLOSED} | change))


def test_a_closed_contour_is_told_what_to_do():
    with pytest.raises(InvalidArgument, match="give its lower part as entry, its upper as exit"):
        lmt.excluded_region("loop", ([1.0, 10.0, 5.0], [1e-9, 1e-9, 1e-8], [1e-8, 1e-8, 1e-7]))
