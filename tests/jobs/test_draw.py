"""Pictures and summary of a fit: what is labelled 68 % and 95 % holds that of draws that it has not seen."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import PathPatch

from lmtbayes._files import write_netcdf
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU_LTAU, GaugeModel, HiddenPhoton
from lmtbayes.inference.likelihood.data import asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.names import PULL
from lmtbayes.jobs.draw import (
    _end_of_events,
    coordinates,
    draw,
    expected_at_draws,
    g2_band,
    g2_preset,
    nuisances,
    plane,
)
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.summary import intervals
from lmtbayes.jobs.today import G2_PRESETS, MODELS, _planes

SETTINGS = FitSettings()


def narrow(size, rng):
    """As BP4's posterior: a tenth of a decade in a plane of two."""
    z = rng.normal(size=(2, size))
    return 10.0 ** np.array([2.0 + 0.07 * z[0], -3.0 + 0.03 * z[0] + 0.015 * z[1]])


def at_the_edge(size, rng):
    """As BP1's: down to the lowest mass of the prior."""
    return 10.0 ** np.array([np.abs(0.7 * rng.normal(size=size)) % 3.0, -3.3 + 0.02 * rng.normal(size=size)])


def posterior(draws):
    named = dict(zip(("mass", "g_x"), draws.reshape(2, 16, -1), strict=True))
    group = xr.Dataset({name: (("chain", "draw"), values) for name, values in named.items()})
    tree = xr.DataTree.from_dict({"posterior": group})
    tree.attrs["verdict"] = "trust it"
    return tree


def profile():
    """As `lmtbayes fit` makes it: half a decade beyond the draws, far wider than the posterior."""
    mass, g_x = np.geomspace(1.0, 600.0, 40), np.geomspace(2e-4, 5e-3, 40)
    q = (np.log10(mass / 100.0) / 0.3) ** 2 + (np.log10(g_x / 1e-3) / 0.3)[:, None] ** 2
    return xr.Dataset({"q": (("g_x", "mass"), q)}, {"g_x": g_x, "mass": mass})


def limit(status=0):
    """Of the same masses, everywhere the same."""
    mass = profile()["mass"].values
    kept = {"limit": ("mass", np.full(40, 7e-4)), "status": ("mass", np.full(40, status))}
    islands = {f"island_{side}": (("mass", "island"), np.zeros((40, 0))) for side in ("lower", "upper")}
    return xr.Dataset({**kept, **islands}, {"mass": mass}, {"cl": 0.90})


def held(axis, points):
    """Fractions of draws inside the outer and inside the inner region."""
    pixels = axis.transData.transform(points.T)
    paths = [p.get_path().transformed(axis.transData) for p in axis.patches if isinstance(p, PathPatch)]
    inside = sum(path.contains_points(pixels).astype(int) for path in paths)
    return [float(np.mean(inside >= least)) for least in (1, 2)]


@pytest.mark.parametrize("shape", [narrow, at_the_edge])
def test_the_regions_of_the_plane_hold_what_they_say(shape):
    figure = plane(SETTINGS, posterior(shape(8000, np.random.default_rng(0))), profile())
    for seed in (0, 1):  # its own draws, and others
        found = held(figure.axes[0], shape(8000, np.random.default_rng(seed)))
        assert found == pytest.approx([0.9545, 0.6827], abs=0.02)
    plt.close(figure)


def test_expected_counts_at_draws_are_the_experiment_s_own():
    like = JointLikelihood(["ess10"], LMU_LTAU.with_mixing("free"), asimov(LMU_LTAU, BENCHMARKS["BP1"]), check=False)
    rng = np.random.default_rng(0)
    g_x, mass = 10.0 ** rng.uniform(-4.0, -3.0, (2, 6)), 10.0 ** rng.uniform(1.0, 2.0, (2, 6))
    pulls = rng.normal(size=(len(like.nuisances), 2, 6))
    values = {n.name: np.asarray(n.constraint.value(pull)) for n, pull in zip(like.nuisances, pulls, strict=True)}
    draws = {"g_x": g_x, "mass": mass, "eps_x": -g_x / 50.0, **values}
    groups = {
        "posterior": draws,
        "unconstrained_posterior": {name + PULL: x for name, x in zip(like.nuisance_names, pulls, strict=True)},
    }
    tree = xr.DataTree.from_dict(
        {key: xr.Dataset({k: (("chain", "draw"), v) for k, v in own.items()}) for key, own in groups.items()}
    )
    chosen = [0, 2, 5, 8, 11]
    at = {name: x.ravel()[chosen] for name, x in draws.items()}
    photon = HiddenPhoton(*(at.pop(name) for name in ("g_x", "mass", "eps_x")))
    expected = experiment("ess10").expected_counts(like.model, photon, at)
    np.testing.assert_allclose(expected_at_draws(like, tree, most=5)["ess10"], expected, rtol=1e-12)


def test_the_regions_of_today_hold_what_they_say(tmp_path):
    fits, draws = {}, {}
    for preset in G2_PRESETS:
        for number, (label, model) in enumerate(MODELS.items()):
            fits[preset, label] = SETTINGS
            draws[preset, label] = (narrow, at_the_edge)[number]
            own = tmp_path / f"{model}_{preset.removeprefix('muon-g2-')}"
            own.mkdir()
            made = posterior(draws[preset, label](8000, np.random.default_rng(0))), profile(), limit()
            for name, result in zip(("posterior", "profile", "limit"), made, strict=True):
                write_netcdf(own / f"{name}.nc", result)
    figure = _planes(tmp_path, fits)
    for case, axis in zip(fits, np.array(figure.axes).reshape(2, 2).T.flat, strict=True):
        found = held(axis, draws[case](8000, np.random.default_rng(1)))
        assert found == pytest.approx([0.9545, 0.6827], abs=0.02)
    plt.close(figure)


def shown(figure):
    """Texts of the one legend."""
    (legend,) = [*figure.legends, *(axis.get_legend() for axis in figure.axes if axis.get_legend())]
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("zero", [3.0, 30.0])
def test_a_limit_is_drawn_where_no_boson_is_allowed_and_a_best_fit_elsewhere(zero):
    """q of no boson is `zero`; the 95 % region ends at 6.18."""
    seen = profile().assign(log_likelihood_at_zero_g_x=("mass", np.full(40, -0.5 * zero)))
    seen.attrs = {"best_log_likelihood": 0.0, "best_mass": 100.0, "best_g_x": 1e-3}
    figure = plane(SETTINGS, posterior(narrow(4000, np.random.default_rng(0))), seen, limit())
    curves = [line for line in figure.axes[0].lines if np.allclose(line.get_ydata(), 7e-4)]
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert (len(curves), len(crosses)) == ((1, 0) if zero < 6.0 else (0, 1))
    words = shown(figure)
    assert ("90 % upper limit at each mass" in words) == (zero < 6.0)
    assert ("best fit" in words) == (zero > 6.0)
    # Every line style and mark has its entry.
    assert {"posterior", "profile", "68 %", "95 %", "the data's boson"} <= set(words)
    assert sum("(g-2)" in word for word in words) == 1
    plt.close(figure)


def test_the_band_of_g2_is_that_of_the_fit():
    """Its own entry with its overrides; today's beside published data; the paper's beside projections."""
    assert g2_preset(FitSettings(("na64mu",))) == "muon-g2-2021"
    assert g2_preset(FitSettings(("na64mu-2022",), data="observed")) == "muon-g2-2025"
    own = "muon-g2-2023:convention=paper"
    assert g2_preset(FitSettings(("na64mu", own))) == own
    mass = np.array([1.0, 50.0])
    lower, upper = g2_band(LMU_LTAU.with_mixing("paper"), mass, "muon-g2-2025")
    assert (lower == 0.0).all()  # nothing is asked for
    assert (upper > 0.0).all()
    changed, default = (
        g2_band(LMU_LTAU.with_mixing(-0.5), mass, f"muon-g2-2021{more}") for more in (":convention=paper", "")
    )
    np.testing.assert_allclose(changed[1] / default[1], 1.0 - 0.5 * 0.3028, rtol=2e-3)


@pytest.mark.parametrize("shape", [narrow, at_the_edge])
def test_the_intervals_of_the_summary_hold_what_they_say(shape):
    text = intervals(posterior(shape(8000, np.random.default_rng(0))))
    fresh = dict(zip(("mass", "g_x"), shape(8000, np.random.default_rng(1)), strict=True))
    rows = text.splitlines()[1:]
    assert [line.split()[0] for line in rows] == ["g_x", "mass"]
    for line in rows:
        name, (_, low68, _, high68, low95, _, high95) = line.split()[0], line.split()[-7:]
        for low, high, content in ((low68, high68, 0.6827), (low95, high95, 0.9545)):
            values = fresh[name]
            assert np.mean((values > float(low)) & (values < float(high))) == pytest.approx(content, abs=0.02)


def test_the_truth_is_marked_where_its_mixing_has_the_sign_of_the_loop():
    for model, sign in ((LMU_LTAU, -1.0), (GaugeModel("Ltau-Lmu", {"tau": 1.0, "mu": -1.0}), 1.0)):
        assert model.mixing_sign == sign
        marked = coordinates(HiddenPhoton(1e-3, 100.0, sign * 2e-5), model)
        assert marked == pytest.approx({"log10_g_x": -3.0, "log10_mass": 2.0, "log10_kappa": np.log10(0.02)})
        assert "log10_kappa" not in coordinates(HiddenPhoton(1e-3, 100.0, -sign * 2e-5), model)
    assert coordinates(HiddenPhoton.none(), LMU_LTAU) is None


def test_recoils_end_before_a_bin_that_takes_all_that_is_left():
    wide = experiment("darwin-nr", threshold_kev=1.0)
    end = _end_of_events(LMU_LTAU, wide)
    assert wide.bin_edges[-2] < end < 0.2 * wide.bin_edges[-1]
    energy = np.geomspace(wide.bin_edges[-2], wide.bin_edges[-1], 2000)
    rate = np.asarray(wide.differential_rate(LMU_LTAU, HiddenPhoton.none(), energy))
    beyond = np.trapezoid(np.where(energy > end, rate, 0.0), energy) / np.trapezoid(rate, energy)
    assert beyond == pytest.approx(0.01, abs=0.004)
    assert _end_of_events(LMU_LTAU, experiment("ess")) is None  # equal bins
    assert _end_of_events(LMU_LTAU, experiment("three-bins")) is None  # no rate


def fitted(flux):
    """A likelihood with one nuisance, and the groups of a posterior that pictures are made of."""
    settings = FitSettings(("three-bins-flux",), mixing="paper")
    draws = np.log10(narrow(flux.size, np.random.default_rng(2))).reshape(2, *flux.shape)
    names = {"log10_g_x": draws[1], "log10_mass": draws[0]}
    photon = {"g_x": 10.0 ** draws[1], "mass": 10.0 ** draws[0], "eps_x": -(10.0 ** draws[1]) / 70.0}
    groups = {
        "posterior": names | photon | {"flux": 1.0 + 0.1 * flux},
        "prior": names,
        "unconstrained_posterior": names | {"flux_pull": flux},
    }
    tree = {g: xr.Dataset({n: (("chain", "draw"), x) for n, x in values.items()}) for g, values in groups.items()}
    counts = np.random.default_rng(3).poisson(5.0, (*flux.shape, 3))
    tree["posterior_predictive"] = xr.Dataset({"three-bins-flux": (("chain", "draw", "bin"), counts)})
    return settings.likelihood(), settings, xr.DataTree.from_dict(tree)


def test_pulls_are_drawn_where_there_are_nuisances(tmp_path):
    flux = np.random.default_rng(1).normal(0.7, 0.4, (4, 100))
    like, settings, tree = fitted(flux)
    draw(tmp_path, like, settings, tree, None, "png")
    assert {path.name for path in tmp_path.iterdir()} == {"corner.png", "predictive_three-bins-flux.png", "pulls.png"}
    (axis,) = nuisances(like, tree).axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["flux"]
    (container,) = axis.containers
    np.testing.assert_allclose(container.lines[0].get_xydata(), [[flux.mean(), 0.0]])
    np.testing.assert_allclose(container.lines[1][1].get_xdata(), [flux.mean() + flux.std()])
    (legend,) = axis.figure.legends
    axis.figure.canvas.draw()
    assert axis.figure.bbox.containsx(legend.get_window_extent().x1)
    assert axis.figure.bbox.containsx(legend.get_window_extent().x0)
    words = [text.get_text() for text in legend.get_texts()]
    assert "posterior, mean and standard deviation" in words
    plt.close(axis.figure)
