"""The numbers behind a picture: read back, they are what was handed to the drawing functions."""

import csv

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from lmtbayes.plotting import planes
from lmtbayes.plotting.numbers import COLUMNS, to_csv
from lmtbayes.plotting.plain_text import plain
from lmtbayes.plotting.predictive import predictive_spectrum
from lmtbayes.plotting.spectra import binned_spectra

MASS, G_X = np.geomspace(1.0, 1e3, 31), np.geomspace(1e-5, 1e-2, 41)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def read(path):
    """Header lines, and rows as mappings."""
    lines = path.read_text().splitlines()
    head = [line for line in lines if line.startswith("#")]
    return head, list(csv.DictReader(lines[len(head) :]))


def points(rows, **wanted):
    """Coordinates of the rows that have these values; empty ones are NaN."""
    kept = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return np.array([[float(row[axis] or "nan") for axis in ("x", "y")] for row in kept])


def test_a_plane_gives_back_its_curves_and_points(tmp_path):
    figure, axis = plt.subplots()
    planes.plane(axis)
    limit = 1e-4 * (1.0 + (MASS / 80.0) ** 2)
    planes.limit_curve(axis, MASS, limit, label="90 %")
    planes.band(axis, MASS, limit, 2.0 * limit, label=r"$(g-2)_\mu$")
    q = (np.log(G_X / 5e-4)[:, None] / 0.3) ** 2 + (np.log(MASS / 30.0) / 0.5) ** 2
    planes.profile_regions(axis, MASS, G_X, q, label="toy")
    planes.stars(axis, {"BP1": (15.0, 5e-4)})
    axis.set_title("one plane")
    head, rows = read(to_csv(figure, tmp_path / "plane.csv", ("made by a test",)))
    assert head[0] == "# made by a test"
    assert head[1] == "# panel 1 (one plane): x = M_A' [MeV], y = g_x"
    assert tuple(rows[0]) == COLUMNS
    np.testing.assert_allclose(points(rows, what="90 %", kind="line"), np.column_stack([MASS, limit]), rtol=1e-9)
    np.testing.assert_allclose(points(rows, what="BP1", kind="marks"), [[15.0, 5e-4]])
    band = points(rows, what="(g-2)_μ", kind="band")
    for curve in (limit, 2.0 * limit):
        for point in zip(MASS, curve, strict=True):
            assert np.abs(band / point - 1.0).max(axis=1).min() < 1e-8
    for name, threshold in (("toy, 68 %", 2.30), ("toy, 95 %", 6.18)):
        x, y = points(rows, what=name).T
        found = (np.log(y / 5e-4) / 0.3) ** 2 + (np.log(x / 30.0) / 0.5) ** 2
        np.testing.assert_allclose(np.sqrt(found), np.sqrt(threshold), rtol=0.03)


def test_steps_errors_and_lines_across(tmp_path):
    figure, (left, right) = plt.subplots(1, 2)
    edges, counts = np.array([0.0, 1.0, 3.0, 4.0]), np.array([4.0, 9.0, 1.0])
    binned_spectra(left, edges, {"BP4": counts}, {"BP4": "heavy"}, xlabel=r"$E$ [GeV]")
    draws = np.random.default_rng(1).normal(counts, 0.5, (200, 3))
    predictive_spectrum(right, edges, counts, draws)
    right.axvline(2.0, label="here")
    head, rows = read(to_csv(figure, tmp_path / "steps.csv"))
    assert "x = E [GeV], y = expected events per bin" in head[0]
    steps = points(rows, panel="1", what="heavy", kind="steps")
    np.testing.assert_allclose(steps[:, 0], edges)
    np.testing.assert_allclose(steps[:-1, 1], counts)
    bars = points(rows, panel="2", what="data ± √n", kind="bars")
    np.testing.assert_allclose(np.sort(bars[:, 1]), np.sort([*(counts + np.sqrt(counts)), *(counts - np.sqrt(counts))]))
    across = points(rows, panel="2", what="here")
    np.testing.assert_allclose(across[:, 0], 2.0)
    assert np.isnan(across[:, 1]).all()
    median = points(rows, panel="2", what="expected, median", kind="steps")
    np.testing.assert_allclose(median[:-1, 1], np.quantile(draws, 0.5, axis=0), rtol=1e-9)


def test_a_file_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    figure, axis = plt.subplots()
    axis.plot([0.0, 1.0], [1.0, 2.0], label="a")
    path = to_csv(figure, tmp_path / "a.csv")
    before = path.read_bytes()
    axis.plot([0.0, 1.0], [5.0, 6.0], label="b")

    def full(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr("lmtbayes._files.os.replace", full)
        to_csv(figure, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"$N_{\mathrm{eff}}$ (Planck + BAO)", "N_eff (Planck + BAO)"),
        (r"$\log_{10}\,|\epsilon_x/g_x|$", "log10 |eps_x/g_x|"),
        (r"$g_x = 5 \times 10^{-4}$", "g_x = 5 × 10⁻⁴"),
        (r"$\delta_\mathrm{CP}$ [°]", "δ_CP [°]"),
        (r"pull $(\hat\theta - \theta_0)/\sigma_0$", "pull (θ - θ_0)/σ_0"),
        ("no TeX: a_b^2", "no TeX: a_b^2"),
    ],
)
def test_labels_as_plain_text(tex, text):
    assert plain(tex) == text
