"""Pictures against those of tests/plotting/baseline: what the other tests do not think of.

After a change that is meant, look at the new ones and commit them:

    python -m pytest tests/plotting/test_pictures.py --mpl-generate-path=tests/plotting/baseline

The tolerance lets fonts of another FreeType pass, and not a region that is missing (`test_what_is_missing_is_noticed`).
"""

import io

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt
from PIL import Image

from lmtbayes.plotting import panels, planes, pulls
from lmtbayes.plotting.bayes_factor import bayes_factor_lines, toy_histograms
from lmtbayes.plotting.coherent import residual_spectrum
from lmtbayes.plotting.corner import corner
from lmtbayes.plotting.evidence import evidence_bars
from lmtbayes.plotting.intervals import interval_panels
from lmtbayes.plotting.parameter_space import Entry, parameter_space
from lmtbayes.plotting.predictive import predictive_spectrum
from lmtbayes.plotting.recoils import ratio_to_reference, recoil_spectra
from lmtbayes.plotting.spectra import binned_spectra
from lmtbayes.plotting.style import _STYLE, GREEN, ORANGE, VERMILLION
from lmtbayes.plotting.xenon import exposure_lines, sign_map, solar_spectra

DPI, TOLERANCE = 50, 8.0
LOOK = {**_STYLE, "savefig.bbox": "standard"}
"""Of the house, but of a size that does not depend on the fonts."""
picture = pytest.mark.mpl_image_compare(
    baseline_dir="baseline", tolerance=TOLERANCE, style=LOOK, backend="agg", savefig_kwargs={"dpi": DPI}
)

MASS, G_X = np.geomspace(1.0, 1e3, 41), np.geomspace(1e-5, 1e-2, 51)
X, Y = np.log(MASS), np.log(G_X)[:, None]
Q = ((Y - np.log(5e-4)) / 0.5) ** 2 + ((X - np.log(30.0)) / 0.9) ** 2
ENERGY = np.geomspace(0.3, 30.0, 60)
POINTS = {"BP1": (15.0, 5e-4), "BP4": (100.0, 1e-3)}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def axes(columns=1, width=4.2):
    figure, found = plt.subplots(1, columns, figsize=(width * columns, 3.2), squeeze=False)
    return figure, *found[0]


def plane_of_a_profile():
    figure, axis = axes()
    planes.plane(axis)
    planes.band(axis, MASS, 2e-4 * (1 + MASS / 90) ** 0.9, 4e-4 * (1 + MASS / 90) ** 0.9, label="band")
    planes.profile_regions(axis, MASS, G_X, Q, label="profile")
    island = np.where(MASS < 8.0, 2.5e-3, np.nan)
    planes.limit_curve(axis, MASS, 8e-4 * (1 + (MASS / 80) ** 2), [(island, 1.6 * island)], label="limit")
    planes.stars(axis, POINTS)
    planes.best_fit(axis, 30.0, 5e-4)
    planes.legend(axis, loc="lower right")
    return figure


@picture
def test_plane_of_a_profile_with_limit_and_band():
    return plane_of_a_profile()


@picture
def test_plane_of_draws():
    figure, axis = axes()
    rng = np.random.default_rng(1)
    mass, g_x = 10.0 ** rng.normal(1.6, 0.35, 4000), 10.0 ** rng.normal(-3.3, 0.2, 4000)
    bounds = {"mass_bounds": (1.0, 1e3), "coupling_bounds": (1e-5, 1e-2)}
    planes.draws_regions(planes.plane(axis), mass, g_x, **bounds, colour=GREEN, label="draws")
    planes.legend(axis)
    return figure


@picture
def test_panels_with_one_legend():
    figure, found = panels.panels(POINTS, (1.0, 1e3), (1e-5, 1e-2), "two points")
    for axis, colour in zip(found.values(), (ORANGE, GREEN), strict=True):
        planes.profile_regions(axis, MASS, G_X, Q, colour=colour, label=f"in {colour}")
        panels.note(axis, "first")
        panels.note(axis, "second", colour)
    panels.shared_legend(figure)
    return figure


@picture
def test_parameter_space_with_labels():
    figure, axis = axes(width=6.0)
    mass = np.geomspace(0.5, 2e4, 40)
    entries = [
        Entry("beam", "a beam", "limit", [(mass, 5e-4 * (1 + (mass / 100) ** 1.5))], VERMILLION),
        Entry("stars", "old stars", "disputed", [(mass, 3e-5 * (1 + mass / 20))], GREEN),
        Entry("plan", "planned", "projection", [(mass, 6e-5 * (1 + (mass / 300) ** 2))], ORANGE),
        Entry(
            "ring", "a band", "band", [(np.array([3.0, 30.0, 30.0, 3.0, 3.0]), np.array([2, 2, 4, 4, 2]) * 1e-3)], "0.4"
        ),
    ]
    parameter_space(axis, entries, POINTS)
    return figure


@picture
def test_corner_of_a_posterior():
    rng = np.random.default_rng(2)
    base = rng.normal(size=(3, 3000))
    samples = {
        "log10_g_x": -3.3 + 0.1 * base[0],
        "log10_mass": 1.2 + 0.2 * base[0] + 0.2 * base[1],
        "flux_ess": 1.0 + 0.05 * base[2],
    }
    prior = {"log10_g_x": rng.uniform(-3.7, -2.9, 3000)}
    truth = {"log10_g_x": -3.25, "log10_mass": 1.1, "flux_ess": 1.0}
    grid = corner(samples, prior, truth, [{"log10_g_x": -3.4, "log10_mass": 1.0, "flux_ess": 1.02}])
    figure = grid[0, 0].figure
    figure.set_size_inches(6.0, 6.0)
    return figure


@picture
def test_spectra_in_bins():
    figure, left, right = axes(2)
    edges = np.linspace(10.0, 100.0, 7)
    counts = {name: scale * np.arange(1.0, 7.0) ** power for name, scale, power in (("BP1", 4, 0.3), ("BP4", 2, 1.2))}
    binned_spectra(left, edges, counts, {"BP4": "heavier"}, xlabel="energy [GeV]")
    draws = np.random.default_rng(3).normal(counts["BP4"], 2.0, (400, 6))
    predictive_spectrum(right, edges, counts["BP4"] + 1.0, draws, 1.6 * draws, "energy", "seen", logarithmic=True)
    return figure


@picture
def test_counts_above_a_background():
    figure, axis = axes()
    edges = np.array([0.0, 5.0, 10.0, 20.0, 40.0])
    parts = {"neutrons": np.array([10.0, 12, 8, 6]), "prompt": np.array([20.0, 30, 25, 5])}
    seen, lines = np.array([90.0, 120, 95, 40]), {"without": np.array([15.0, 20, 15, 10])}
    residual_spectrum(axis, edges, seen, np.full(4, 55.0), parts, lines, "photoelectrons", "photoelectron", "CsI")
    axis.legend()
    return figure


@picture
def test_recoils_and_their_ratio():
    figure, left, right = axes(2)
    spectra = {"SM": 1e3 / ENERGY, "BP1": 8e2 / ENERGY, "mine": 1e3 / ENERGY * (1 + 1 / (1 + ENERGY))}
    recoil_spectra(left, ENERGY, spectra, 1.0, "recoils")
    left.legend()
    ratio_to_reference(right, ENERGY, spectra, threshold_kev=1.0)
    return figure


@picture
def test_solar_spectra_and_exposures():
    figure, left, right = axes(2)
    spectra = {"SM": 10 * np.exp(-ENERGY), "BP1": 12 * np.exp(-ENERGY)}
    solar_spectra(left, ENERGY, spectra, 0.3 / ENERGY**0.2)
    left.set_ylim(1e-3, 30.0)
    at = np.geomspace(0.5, 5.0, 12)
    lines = {
        "LZ": {"BP1": 80 * at**2, "BP4": np.where(at < 2, 3e3 * at, np.inf)},
        "DARWIN": {"BP1": 40 * at**2, "BP4": 1e3 * at},
    }
    exposure_lines(right, at, lines, {"LZ, planned": (2.0, 15.3), "DARWIN, planned": (1.0, 200.0)})
    right.legend(fontsize=7)
    return figure


@picture
def test_map_of_the_sign():
    figure, axis = axes(width=5.0)
    delta, theta = np.linspace(0.0, 360.0, 25), np.linspace(40.0, 52.0, 21)
    change = 0.01 * (theta[:, None] - 46.0) + 0.06 * np.cos(np.radians(delta))
    sign_map(axis, delta, theta, change, {"NuFIT": (210.0, 30.0, 43.3, 0.9), "other": (100.0, 20.0, 49.0, 1.0)})
    return figure


@picture
def test_pulls_and_impacts():
    figure, left, right = axes(2)
    names = ["flux_ess", "radius_argon", "theta_23"]
    pulls.pull_plot(left, names, np.array([0.5, -1.2, 0.1]), np.array([0.6, 1.0, 0.9]))
    pulls.impact_plot(right, names, np.array([[-0.04, 0.03], [0.02, -0.02], [-0.005, 0.01]]))
    return figure


@picture
def test_evidences():
    figure, axis = axes()
    evidence_bars({"Lmu-Ltau": (3.2, 0.4), "Lmu": (-1.3, 0.2), "loop": (7.5, 0.9)}, "no boson", axis)
    return figure


@picture
def test_bayes_factors_and_toys():
    figure, left, right = axes(2)
    at = np.array([10.0, 30, 100, 300])
    bayes_factor_lines(left, at, {"BP1": 0.1 * at**0.9, "BP4": -0.2 + 0.02 * at}, "exposure [t yr]")
    left.legend()
    rng = np.random.default_rng(4)
    toys = {"Lmu-Ltau": rng.normal(4.0, 1.5, 400), "Lmu": rng.normal(-3.0, 1.2, 300)}
    toy_histograms(right, toys, {"Lmu-Ltau": 4.1, "Lmu": -3.2}, r"$\ln B$")
    return figure


@picture
def test_intervals_by_step():
    figure, left, right = axes(2)
    steps = {"prior": (-5.0, -3.5, -2.0), "beam": (-3.8, -3.4, -3.1), "all": (-3.5, -3.3, -3.2)}
    cases = {"BP1": steps, "BP2": {step: tuple(x + 0.3 for x in ends) for step, ends in steps.items()}}
    truths = {"BP1": -3.3, "BP2": -3.1}
    interval_panels([left, right], {"g": cases, "m": cases}, {"g": truths, "m": truths}, {"g": "log g", "m": "log M"})
    return figure


def pixels(figure):
    """As the pictures are compared."""
    file = io.BytesIO()
    figure.savefig(file, dpi=DPI, format="png")
    return np.asarray(Image.open(file).convert("RGB"), dtype=float)


def test_what_is_missing_is_noticed():
    with plt.style.context(LOOK, after_reset=True):
        figure = plane_of_a_profile()
        whole = pixels(figure)
        axis = figure.axes[0]
        for name, artists in (("fills", axis.patches), ("shades", axis.collections), ("region", axis.lines[:2])):
            for artist in artists:
                artist.set_visible(False)
            assert np.sqrt(np.mean((pixels(figure) - whole) ** 2)) > TOLERANCE, name
            for artist in artists:
                artist.set_visible(True)
