"""Profile likelihood against closed forms, dense scans and an independent scipy multi-start of the same equations."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from profile_toys import FIXED, scale, toy
from scipy import optimize, special, stats

import lmtbayes as lmt
from lmtbayes.errors import AsymptoticWarning, InvalidArgument
from lmtbayes.experiments.nuisance import GaussianMixture, Nuisance
from lmtbayes.experiments.terms import Gaussian, Poisson
from lmtbayes.inference.frequentist.best_fit import best_fit
from lmtbayes.inference.frequentist.box import photon_at
from lmtbayes.inference.frequentist.maximise import maximise_joint
from lmtbayes.inference.frequentist.profile import profile_likelihood

FREE = lmt.LMU_LTAU


def likelihood(rate, term, data, nuisances=(), model=FREE):
    data = jnp.asarray(data)
    return lmt.JointLikelihood([toy(rate, term, data.size, nuisances)], model, {"toy": data}, check=False)


# -- Gaussian in the logarithms: q is a sum of squares ----------------------------------------------------------------

SIGMAS = np.array([0.2, 0.3, 0.25])


def logs(g_x, mass, eps_x, values):
    """ln g, ln M + ln kappa, ln kappa, each measured; the first with a linear nuisance."""
    kappa = -eps_x / g_x
    shift = 0.15 * values["shift"]
    return jnp.stack([jnp.log(g_x) + shift, jnp.log(mass) + jnp.log(kappa), jnp.log(kappa)])


@functools.cache
def gaussian():
    truth = [np.log(6e-4), np.log(30.0 * 0.02), np.log(0.02)]
    shift = Nuisance("shift", lmt.Gaussian(0.0, 1.0), "shifts ln g")
    return likelihood(logs, Gaussian(SIGMAS), truth, (shift,))


def test_a_gaussian_toy_has_its_known_profile():
    g_x, mass = np.geomspace(2e-4, 2e-3, 7), np.geomspace(10.0, 90.0, 6)
    profile = profile_likelihood(gaussian(), {"g_x": g_x, "mass": mass}, scan_points=32)
    # Profiling ln kappa adds the variances of the second and third measurement; the pull adds its own to the first.
    exact = np.log(g_x / 6e-4)[:, None] ** 2 / (0.2**2 + 0.15**2) + np.log(mass / 30.0) ** 2 / (SIGMAS[1:] ** 2).sum()
    assert profile["q"].dims == ("g_x", "mass")
    np.testing.assert_allclose(profile["q"], exact, atol=1e-7)
    pull = np.log(6e-4 / g_x) * 0.15 / (0.2**2 + 0.15**2)
    np.testing.assert_allclose(profile["pull"].sel(nuisance="shift"), np.tile(pull[:, None], 6), atol=1e-5)
    # Weighted mean of ln kappa from the two measurements, at each mass.
    weight = 1.0 / SIGMAS[1:] ** 2
    log_kappa = np.log(0.02) + weight[0] * np.log(30.0 / mass) / weight.sum()
    np.testing.assert_allclose(profile["kappa"], np.tile(np.exp(log_kappa), (7, 1)), rtol=1e-5)
    np.testing.assert_allclose(profile["eps_x"], -profile["kappa"] * profile["g_x"])
    assert (profile["status"] == 0).all()


def test_the_best_fit_is_found_off_the_grid():
    profile = profile_likelihood(gaussian(), {"g_x": np.geomspace(1e-3, 2e-3, 3), "mass": np.array([60.0, 90.0])})
    found = [profile.attrs[f"best_{name}"] for name in ("g_x", "mass", "eps_x")]
    np.testing.assert_allclose(found, [6e-4, 30.0, -0.02 * 6e-4], rtol=1e-5)
    np.testing.assert_allclose(profile.attrs["deviance"], 0.0, atol=1e-9)
    assert profile["q"].min() > 5.0
    assert profile.attrs["best_converged"] == 1


@pytest.mark.slow
def test_one_dimension_and_the_mixing_on_the_grid():
    like = gaussian()
    kappa = np.geomspace(5e-3, 5e-2, 5)
    profile = profile_likelihood(like, {"kappa": kappa}, scan_points=16)
    np.testing.assert_allclose(profile["q"], np.log(kappa / 0.02) ** 2 / SIGMAS[2] ** 2, atol=1e-6)
    eps_x = -np.geomspace(5e-5, 5e-6, 4)
    profile = profile_likelihood(like, {"eps_x": eps_x, "mass": np.array([20.0, 30.0])}, scan_points=32)
    # ln(-eps_x) = ln g + ln kappa.
    t = np.log(eps_x / (-0.02 * 6e-4))[:, None]
    m = np.log(np.array([20.0, 30.0]) / 30.0)
    variances = np.array([[0.2**2 + 0.15**2 + 0.25**2, -(0.25**2)], [-(0.25**2), (SIGMAS[1:] ** 2).sum()]])
    inverse = np.linalg.inv(variances)
    exact = inverse[0, 0] * t**2 + 2 * inverse[0, 1] * t * m + inverse[1, 1] * m**2
    np.testing.assert_allclose(profile["q"], exact, atol=1e-6)
    np.testing.assert_allclose(profile["kappa"], -eps_x[:, None] / profile["g_x"])


def test_a_range_that_stops_the_profile_is_said_so():
    like = gaussian()
    grid = {"g_x": np.array([6e-4]), "mass": np.array([30.0])}
    profile = profile_likelihood(like, grid, bounds={"kappa": (1e-3, 0.01)})
    assert int(profile["status"][0, 0]) == 1
    np.testing.assert_allclose(profile["kappa"], 0.01)
    assert profile.attrs["best_at_edge"] == "kappa"
    assert "kappa 0.001 to 0.01" in profile.attrs["ranges"]


# -- interference: two maxima -----------------------------------------------------------------------------------------


def interference(g_x, mass, eps_x, values):
    """Counts ~ (1 - x)^2, x = kappa/0.1: the same rate at x and 2 - x; the last bin prefers one, depending on mass."""
    x = -eps_x / g_x / 0.1
    recoil = 100.0 * values["scale"] * (1.0 - x) ** 2
    return jnp.stack([recoil + 5.0, 40.0 * (mass / 30.0) ** 0.5 * x**0.5 + 4.0, 20.0 * (g_x / 5e-4) ** 2])


@functools.cache
def bimodal():
    return likelihood(interference, Poisson(), [42.0, 58.0, 21.0], (scale(),))


MASSES, COUPLINGS = np.geomspace(3.0, 300.0, 9), np.geomspace(3e-4, 8e-4, 4)


@functools.cache
def bimodal_profile():
    return profile_likelihood(bimodal(), {"mass": MASSES, "g_x": COUPLINGS})


def dense(mass, g_x):
    """ln L maximised over kappa and the pull on a dense grid of kappa, plain NumPy; the pull by scipy."""
    n = np.array([42.0, 58.0, 21.0])
    best = -np.inf
    for kappa in np.geomspace(1e-3, 1.0, 4001):

        def minus(pull, k=kappa):
            x = k / 0.1
            mu = np.array(
                [
                    100.0 * (1.0 + 0.1 * pull) * (1.0 - x) ** 2 + 5.0,
                    40.0 * np.sqrt(mass / 30.0 * x) + 4.0,
                    20.0 * (g_x / 5e-4) ** 2,
                ]
            )
            return -np.sum(n * np.log(mu) - mu - special.gammaln(n + 1.0)) + 0.5 * pull**2 + 0.5 * np.log(2 * np.pi)

        best = max(best, -optimize.minimize_scalar(minus, bounds=(-6.0, 6.0), method="bounded").fun)
    return best


@pytest.mark.slow
def test_both_maxima_are_climbed():
    profile = bimodal_profile()
    assert (profile["status"] < 2).all()
    kappa = profile["kappa"].values[:, 0]
    assert kappa[0] > 0.12  # the solution beyond the interference minimum
    assert kappa[-1] < 0.08  # the one below it
    for i in (0, 4, 8):
        # 4001 points of kappa leave 1e-4 in ln L where the curvature in ln kappa is 200.
        np.testing.assert_allclose(profile["log_likelihood"].values[i, 1], dense(MASSES[i], COUPLINGS[1]), atol=3e-4)


@pytest.mark.slow
def test_one_start_would_draw_a_wrong_contour():
    like, profile = bimodal(), bimodal_profile()
    low, high = (jnp.array([np.log(edge), sign * np.inf]) for edge, sign in ((1e-3, -1.0), (1.0, 1.0)))

    @jax.jit
    def single(mass, g_x):
        def photon(x):
            return photon_at(FREE, {"mass": mass, "g_x": g_x, "kappa": x[0]})

        start = jnp.array([0.5 * np.log(1e-3), 0.0])
        return maximise_joint(like.joint, photon, start, 1, like.data, 60, (low, high))[1]

    loss = [
        profile["log_likelihood"].values[i, 1] - float(single(jnp.log(mass), jnp.log(COUPLINGS[1])))
        for i, mass in enumerate(MASSES)
    ]
    assert min(loss) > -1e-6  # never better than the scan and climbs
    assert max(loss) > 1.0


# -- independent optimum ----------------------------------------------------------------------------------------------


def spectrum(g_x, mass, eps_x, values):
    """A beam-like and a recoil-like experiment in one, three nuisances of different kinds."""
    beam = 9.0 * (g_x / 5e-4) ** 2 * jnp.array([1.0, 0.8, 0.5]) / (1.0 + (mass / 60.0) ** 2) * values["beam"]
    q2 = jnp.array([20.0, 35.0, 60.0]) ** 2
    chi = 4.0e8 * (-eps_x * g_x) / (mass**2 + q2)
    recoil = jnp.array([90.0, 60.0, 30.0]) * (1.0 - chi) ** 2 * values["flux"]
    return jnp.concatenate([beam, recoil * (1.0 + 0.1 * values["tilt"] * jnp.array([1.0, 0.0, -1.0]))])


NUISANCES = (
    Nuisance("beam", lmt.LogNormal(1.0, 1.2), "beam rate"),
    Nuisance("flux", lmt.Gaussian(1.0, 0.05), "recoil rate"),
    Nuisance("tilt", lmt.TruncatedGaussian(0.0, 1.0, -2.5, 2.5), "slope"),
)


@functools.cache
def realistic():
    truth = spectrum(5e-4, 20.0, -5e-4 / 30.0, {"beam": 1.0, "flux": 1.0, "tilt": 0.0})
    return likelihood(spectrum, Poisson(), truth, NUISANCES)


def scipy_optimum(like, g_x, mass):
    """Many starts of scipy's L-BFGS-B on equations written here in NumPy."""
    n = np.asarray(like.data["toy"])

    def minus(z):
        x, (beam, flux, tilt) = np.exp(z[0]), z[1:]
        spread = special.ndtr(2.5) - special.ndtr(-2.5)
        tilt_value = special.ndtri(special.ndtr(-2.5) + spread * special.ndtr(tilt))
        eps_g = x * g_x**2
        mu = np.concatenate(
            [
                9.0 * (g_x / 5e-4) ** 2 * np.array([1.0, 0.8, 0.5]) / (1.0 + (mass / 60.0) ** 2) * 1.2**beam,
                np.array([90.0, 60.0, 30.0])
                * (1.0 - 4e8 * eps_g / (mass**2 + np.array([20.0, 35.0, 60.0]) ** 2)) ** 2
                * (1.0 + 0.05 * flux)
                * (1.0 + 0.1 * tilt_value * np.array([1.0, 0.0, -1.0])),
            ]
        )
        mu = np.maximum(mu, 1e-30)
        return -np.sum(n * np.log(mu) - mu - special.gammaln(n + 1.0)) + 0.5 * z[1:] @ z[1:] + 1.5 * np.log(2 * np.pi)

    limits = [(np.log(1e-3), 0.0)] + [(-40.0, 40.0)] * 3
    ends = [
        optimize.minimize(minus, [start, b, 0.0, 0.0], method="L-BFGS-B", bounds=limits, options={"ftol": 1e-13})
        for start, b in itertools.product(np.linspace(*limits[0], 25), (-1.0, 1.0))
    ]
    return -min(end.fun for end in ends)


@pytest.mark.slow
def test_cells_equal_an_independent_multi_start_optimum():
    like = realistic()
    g_x, mass = np.array([1e-4, 4e-4, 6e-4, 1.5e-3]), np.array([2.0, 18.0, 150.0])
    profile = profile_likelihood(like, {"mass": mass, "g_x": g_x})
    assert (profile["status"] < 2).all()
    oracle = [[scipy_optimum(like, g, m) for g in g_x] for m in mass]
    # The oracle works with finite differences; 1e-4 in ln L is far below what a contour shows.
    np.testing.assert_allclose(profile["log_likelihood"], oracle, atol=1e-4)
    np.testing.assert_allclose(profile.attrs["best_log_likelihood"], scipy_optimum(like, 5e-4, 20.0), atol=1e-4)


@pytest.mark.slow
def test_mass_and_mixing_profiled_together():
    # Two parameters whose names do not come in the order of the alphabet: starts must not trade places.
    like, g_x = realistic(), np.array([1e-4, 3e-4, 6e-4, 1.5e-3])
    line = profile_likelihood(like, {"g_x": g_x})
    assert (line["status"] < 2).all()
    for name, (low, high) in {"mass": (1.0, 1000.0), "kappa": (1e-3, 1.0)}.items():
        assert ((line[name] > low * (1 - 1e-9)) & (line[name] < high * (1 + 1e-9))).all()
    plane = profile_likelihood(like, {"g_x": g_x, "mass": np.geomspace(1.0, 1000.0, 80)})
    above = (line["log_likelihood"] - plane["log_likelihood"].max("mass")).values
    # The line's maximum lies between the plane's masses, 9 % apart: never below, and not far above.
    assert above.min() > -1e-6
    assert above.max() < 0.1


@pytest.mark.slow
def test_asimov_data_return_their_truth():
    fit = best_fit(realistic())
    # A climb ends when 1e-9 in ln L is left to gain: in the flattest direction here 0.2 % of the mass.
    np.testing.assert_allclose([fit.g_x, fit.mass, fit.eps_x], [5e-4, 20.0, -5e-4 / 30.0], rtol=5e-3)
    assert abs(fit.deviance) < 1e-7
    with pytest.warns(AsymptoticWarning, match=r"4 events expected in a bin \(fewer than 5 in 1 of 6 bins\)"):
        assert fit.p_value == pytest.approx(1.0)
    assert fit.converged
    assert "g_x = 0.0005" in str(fit)


def flat(expected):
    """Three bins that know nothing of the boson."""
    rate = lambda g_x, mass, eps_x, values: jnp.array(expected) + 0.0 * g_x  # noqa: E731
    return likelihood(rate, Poisson(), [1.0, 0.0, 9.0], model=FIXED)


@pytest.mark.slow
def test_the_p_value_of_few_events_is_said_to_be_asymptotic():
    fit = best_fit(flat([0.3, 0.3, 9.0]))
    assert (fit.fewest_events, fit.sparse_bins, fit.degrees_of_freedom) == (pytest.approx(0.3), 2, 1)
    with pytest.warns(AsymptoticWarning) as caught:
        value = fit.p_value
    assert value == stats.chi2.sf(fit.deviance, 1) == fit.asymptotic_p_value
    assert [str(w.message) for w in caught] == [
        f"p_value: {value:.3g} is the probability of chi^2 above {fit.deviance:.4g} with 1 degrees of freedom, "
        "asymptotic, with 0.3 events expected in a bin (fewer than 5 in 2 of 3 bins); "
        "lmtbayes.toy_test_statistics(like, fit.photon).p_value(fit.deviance) is the one that holds"
    ]
    # Said in words where it is printed or written, and not of many events.
    words = "(asymptotic, with 0.3 events expected in a bin (fewer than 5 in 2 of 3 bins))"
    assert words in str(fit)
    profile = profile_likelihood(flat([0.3, 0.3, 9.0]), {"g_x": [1e-4, 1e-3]})
    assert profile.attrs["p_value_note"] == words[1:-1]
    assert profile.attrs["p_value"] == pytest.approx(value)
    many = best_fit(flat([5.0, 6.0, 9.0]))
    assert many.p_value == stats.chi2.sf(many.deviance, 1)
    assert "asymptotic" not in str(many)


def test_new_data_of_the_same_shape_do_not_recompile():
    like = bimodal()
    grid = {"mass": MASSES, "g_x": COUPLINGS}
    bimodal_profile()
    before = {key: f._cache_size() for key, f in like.joint._compiled.items() if hasattr(f, "_cache_size")}
    other = profile_likelihood(like.with_data({"toy": jnp.array([30.0, 60.0, 9.0])}), grid)
    after = {key: f._cache_size() for key, f in like.joint._compiled.items() if hasattr(f, "_cache_size")}
    assert after == before
    assert not np.allclose(other["q"], bimodal_profile()["q"])


@pytest.mark.slow
def test_fixed_mixing_leaves_nothing_to_scan():
    def rate(g_x, mass, eps_x, values):
        return jnp.stack([20.0 * (g_x / 5e-4) ** 2 * values["scale"], 1e6 * -eps_x])

    like = likelihood(rate, Poisson(), [20.0, 7.0], (scale(),), FIXED)
    profile = profile_likelihood(like, {"mass": np.array([10.0, 20.0]), "g_x": np.array([4e-4, 5e-4, 6e-4])})
    # Equal at every mass, and equal to one conditional optimum over the pull.
    np.testing.assert_allclose(profile["q"][0], profile["q"][1], atol=1e-9)
    assert "kappa" not in profile
    np.testing.assert_allclose(profile["eps_x"], -profile["g_x"].values / 70.0 * np.ones((2, 1)))


@pytest.mark.slow
def test_no_nuisances():
    def rate(g_x, mass, eps_x, values):
        return jnp.stack([20.0 * (g_x / 5e-4) ** 2, mass])

    like = likelihood(rate, Poisson(), [20.0, 30.0], (), FIXED)
    g_x = np.array([4e-4, 5e-4, 6e-4])
    profile = profile_likelihood(like, {"g_x": g_x})
    mu = 20.0 * (g_x / 5e-4) ** 2
    np.testing.assert_allclose(profile["q"], 2.0 * (mu - 20.0 - 20.0 * np.log(mu / 20.0)), atol=1e-8)
    assert "pull" not in profile


@pytest.mark.slow
def test_a_nuisance_with_two_solutions():
    octant = Nuisance("octant", GaussianMixture((-3.0, 3.0), (0.5, 0.4), (0.4, 0.6)), "shifts")

    def rate(g_x, mass, eps_x, values):
        return jnp.stack([values["octant"] + jnp.log(g_x / 5e-4), jnp.log(mass)])

    like = likelihood(rate, Gaussian([0.3, 0.1]), [-3.0, np.log(30.0)], (octant,), FIXED)
    g_x = 5e-4 * np.exp(np.array([-6.2, -3.0, -0.2, 0.0, 0.3]))
    profile = profile_likelihood(like, {"g_x": g_x}, bounds={"g_x": (1e-8, 1e-2)})
    value = np.linspace(-8.0, 8.0, 160_001)
    density = 0.4 * np.exp(-0.5 * ((value + 3) / 0.5) ** 2) / 0.5 + 0.6 * np.exp(-0.5 * ((value - 3) / 0.4) ** 2) / 0.4

    def best(x):
        return np.max(np.log(density + 1e-300) - 0.5 * ((-3.0 - value - x) / 0.3) ** 2)

    exact = [best(x) for x in np.log(g_x / 5e-4)]
    top = max(best(x) for x in np.linspace(-8.0, 2.0, 2001))
    np.testing.assert_allclose(profile["q"], 2.0 * (top - np.array(exact)), atol=1e-4)


def test_the_data_set_says_what_it_is_and_is_saved():
    xarray = pytest.importorskip("xarray")
    profile = bimodal_profile()
    assert profile["mass"].attrs["units"] == "MeV"
    assert profile.attrs["profiled"] == "kappa, scale"
    for value in profile.attrs.values():
        assert isinstance(value, int | float | str)
    again = xarray.open_dataset(profile.to_netcdf(engine="scipy"), engine="scipy")
    np.testing.assert_array_equal(again["q"], profile["q"])
    assert again.attrs["best_g_x"] == profile.attrs["best_g_x"]


@pytest.mark.parametrize(
    ("grid", "bounds", "message"),
    [
        ({}, None, "one or two parameters"),
        ({"g_x": [1e-4], "mass": [1.0], "kappa": [0.1]}, None, "one or two parameters"),
        ({"gx": np.array([1e-4])}, None, "must be one of 'g_x'"),
        ({"g_x": np.array([2e-4, 1e-4])}, None, "strictly increasing"),
        ({"g_x": np.array([0.0, 1e-4])}, None, "positive"),
        ({"eps_x": np.array([1e-6, 1e-5])}, None, "negative"),
        ({"eps_x": np.array([-1e-5]), "kappa": np.array([0.1])}, None, "not both"),
        ({"eps_x": np.array([-1e-5])}, None, "range of 'eps_x'"),
        ({"g_x": np.array([1e-4])}, {"mas": (1.0, 2.0)}, "must be one of"),
        ({"g_x": np.array([1e-4])}, {"mass": (2.0, 1.0)}, "strictly increasing"),
        ({"g_x": np.array([1e-4])}, {"mass": (0.0, 1.0)}, "positive"),
        ({"g_x": np.array([1e-4])}, {"g_x": (2e-4, 1e-3)}, "holds the grid"),
        ({"g_x": np.array([10.0, 20.0]), "mass": np.array([1e-4, 1e-3])}, None, r"`grid\['g_x'\]` must be at most 1"),
        ({"eps_x": np.array([-20.0, -10.0])}, None, r"`grid\['eps_x'\]` must be at most 1"),
        ({"g_x": np.array([1e-4])}, {"g_x": (1e-4, 1e3)}, r"`bounds\['g_x'\]` must be at most 1"),
    ],
)
def test_bad_grids(grid, bounds, message):
    with pytest.raises(InvalidArgument, match=message):
        profile_likelihood(bimodal(), grid, bounds=bounds)


def test_bad_settings():
    grid = {"g_x": np.array([1e-4])}
    with pytest.raises(InvalidArgument, match="starts"):
        profile_likelihood(bimodal(), grid, starts=0)
    like = likelihood(lambda g_x, mass, eps_x, values: jnp.stack([g_x]), Poisson(), [1.0], (), FIXED)
    with pytest.raises(InvalidArgument, match="kappa"):
        profile_likelihood(like, {"kappa": np.array([0.1])})


@pytest.mark.parametrize(("tau", "words"), [(-1, "-eps_x/g_x"), (1, "eps_x/g_x")])
def test_kappa_is_called_what_it_is(tau, words):
    """Positive, and of the sign of the model's loop."""
    model = lmt.GaugeModel("tau and mu", {"tau": tau, "mu": -tau})
    like = lmt.JointLikelihood(["muon-g2-2025"], model, "observed")
    profile = lmt.profile_likelihood(like, {"kappa": [0.01, 0.1], "g_x": [1e-4, 3e-4]})
    assert profile["kappa"].attrs["long_name"] == words
    assert profile["eps_x"].sel(kappa=0.01, g_x=1e-4) == pytest.approx(tau * 1e-6)
