"""Tables of results: read back by the package's own readers, by HEPData's validator and by NumPy."""

import sys
import tarfile
import warnings

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import lmtbayes as lmt
from lmtbayes import export
from lmtbayes.errors import InvalidArgument, MissingDependency, UnknownName
from lmtbayes.export.tables import read_contours
from lmtbayes.inference.frequentist.contours import Contour, Contours, Line
from lmtbayes.tables import read_csv

with warnings.catch_warnings(action="ignore"):  # it asks jsonschema for what that has renamed
    from hepdata_validator.full_submission_validator import FullSubmissionValidator

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
MASSES = np.array([1.0, 10.0, 100.0, 1000.0])
LIMITS = np.array([1e-4, 2.5e-4, 9e-4, np.nan])


@pytest.fixture
def limit():
    attrs = {"parameter": "g_x", "cl": 0.9, "provenance": "lmtbayes: profile likelihood of made-up"}
    variables = {"limit": LIMITS, "status": np.array([0, 1, 0, 2]), "islands": np.array([0, 1, 0, 0])}
    return xr.Dataset({name: ("mass", x) for name, x in variables.items()}, {"mass": MASSES}, attrs)


@pytest.fixture(scope="module")
def posterior():
    rng = np.random.default_rng(1)
    draws = {
        "log10_g_x": rng.normal(-3.3, 0.1, (4, 5000)),
        "log10_mass": rng.normal(1.2, 0.3, (4, 5000)),
        "flux_8b": rng.normal(1.0, 0.02, (4, 5000)),
    }
    draws |= {"g_x": 10.0 ** draws["log10_g_x"], "mass": 10.0 ** draws["log10_mass"]}
    group = xr.Dataset({name: (("chain", "draw"), x) for name, x in draws.items()})
    tree = xr.DataTree.from_dict(
        {"/": xr.Dataset(attrs={"prior": "Prior(...)", "experiments": "a"}), "posterior": group}
    )
    tree.attrs["lmtbayes"] = "0.1.0"
    return tree


def contours():
    turn = np.linspace(0.0, 2.0 * np.pi, 30)
    ring = Line(20.0 * np.exp(0.2 * np.cos(turn)), 5e-4 * np.exp(0.1 * np.sin(turn)), True, ())
    cut = Line(np.array([1.0, 5.0, 9.0]), np.array([3e-4, 4e-4, 5e-4]), False, ("mass lower",))
    levels = (Contour(0.6827, 2.296, (ring,), 0.1, 0.2, 0.0), Contour(0.9545, 6.18, (cut,), 0.3, 0.6, 0.0))
    return Contours(("mass", "g_x"), ("MeV", "1"), 2, levels, ("made up",))


def test_a_limit_is_read_back_from_csv(limit, tmp_path):
    path = export.limit_table(limit).to_csv(tmp_path / "limit.csv")
    again = lmt.published_limit("again", path)
    np.testing.assert_allclose(again.limit(MASSES[:3]), LIMITS[:3], rtol=1e-9)
    text = path.read_text()
    assert "no limit at 1000 MeV: no_limit" in text
    assert "at 10 MeV couplings above the limit are allowed again" in text


def test_a_submission_is_valid_and_its_limit_is_read_back(limit, posterior, tmp_path):
    tables = [export.limit_table(limit), *export.contour_tables(contours()), *export.posterior_tables(posterior)]
    archive = export.hepdata_submission(tables, tmp_path / "hepdata", "An abstract.")
    with tarfile.open(archive) as found:
        found.extractall(tmp_path / "uploaded", filter="data")
    for folder in ("hepdata", "uploaded"):
        files = [path for path in (tmp_path / folder).iterdir() if path.suffix == ".yaml"]
        (tmp_path / f"{folder}_only").mkdir()
        for path in files:
            (tmp_path / f"{folder}_only" / path.name).write_bytes(path.read_bytes())
        validator = FullSubmissionValidator()
        with warnings.catch_warnings(action="ignore"):
            accepted = validator.validate(directory=str(tmp_path / f"{folder}_only"))
        assert accepted, validator.get_messages()
    again = lmt.published_limit("again", hepdata=tmp_path / "hepdata" / "upper_limit.yaml", cl=0.9)
    np.testing.assert_allclose(again.limit(MASSES[:3]), LIMITS[:3], rtol=1e-7)
    with pytest.raises(InvalidArgument, match=r"`cl` must be 0.9"):
        lmt.published_limit("again", hepdata=tmp_path / "hepdata" / "upper_limit.yaml", cl=0.95)
    with tarfile.open(archive) as found:
        assert {"submission.yaml", "upper_limit.yaml", "contour_0.6827_line_1.yaml"} <= set(found.getnames())


def test_what_is_no_submission(limit, tmp_path, monkeypatch):
    table = export.limit_table(limit)
    with pytest.raises(InvalidArgument, match="`tables` must be at least one table"):
        export.hepdata_submission([], tmp_path / "none")
    with pytest.raises(InvalidArgument, match="different titles"):
        export.hepdata_submission([table, table], tmp_path / "twice")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InvalidArgument, match="`folder` must be a folder that is empty"):
        export.hepdata_submission([table], tmp_path / "full")
    monkeypatch.setitem(sys.modules, "hepdata_lib", None)
    with pytest.raises(MissingDependency, match=r"pip install 'lmtbayes\[export\]'"):
        export.hepdata_submission([table], tmp_path / "without")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full"]


def test_contours_of_a_file_are_those_of_the_object(tmp_path):
    path = contours().to_csv(tmp_path / "contours.csv")
    for mine, read in zip(export.contour_tables(contours()), read_contours(path), strict=True):
        assert (mine.name, mine.title) == (read.name, read.title)
        for a, b in zip(mine.columns, read.columns, strict=True):
            assert (a.name, a.unit) == (b.name, b.unit)
            np.testing.assert_allclose(a.values, b.values, rtol=1e-9)


def test_densities_of_a_posterior_hold_what_their_levels_say(posterior, tmp_path):
    tables = {table.name: table for table in export.posterior_tables(posterior)}
    marginal = read_csv(tables["marginal_log10_g_x"].to_csv(tmp_path / "marginal.csv"))
    width = marginal["log10_g_x_high"] - marginal["log10_g_x_low"]
    middle = 0.5 * (marginal["log10_g_x_high"] + marginal["log10_g_x_low"])
    assert np.sum(marginal["density"] * width) == pytest.approx(1.0)
    inside = marginal["credible_level"] <= 0.6827
    # A bin more or less at either end.
    assert np.sum((marginal["density"] * width)[inside]) == pytest.approx(0.6827, abs=0.04)
    assert np.ptp(middle[inside]) == pytest.approx(0.2, abs=2.5 * width[0])
    plane = {column.name: column.values for column in tables["posterior_plane"].columns}
    area = np.ptp(plane["log10_mass"], axis=1) * np.ptp(plane["log10_g_x"], axis=1)
    assert np.sum(plane["density"] * area) == pytest.approx(1.0)
    # The region of two Gaussians with 68.27 %: an ellipse with radii of sqrt(2.296) sigma.
    held = np.sum(area[plane["credible_level"] <= 0.6827])
    assert held == pytest.approx(np.pi * stats.chi2.ppf(0.6827, 2) * 0.1 * 0.3, rel=0.2)
    row = dict(zip(tables["intervals"].columns[0].values, range(9), strict=False))["log10_mass"]
    found = {column.name: column.values[row] for column in tables["intervals"].columns[1:]}
    quantiles = {"median": 0.5, "low_68": 0.15865, "high_68": 0.84135, "low_95": 0.02275, "high_95": 0.97725}
    for name, quantile in quantiles.items():
        assert found[name] == pytest.approx(stats.norm.ppf(quantile, 1.2, 0.3), abs=0.02)


def test_intervals_in_latex(posterior):
    text = export.intervals_to_latex(posterior, ["g_x", "flux_8b"])
    rows = text.splitlines()
    assert rows[0] == r"\begin{tabular}{lrr}"
    assert rows[4].startswith(r"  $g_x$ & $5.0")
    assert r"\times 10^{-4}$" in rows[4]
    assert rows[5].startswith(r"  \texttt{flux\_8b} & $1.000^{+0.020}_{-0.020}$ & $1.000^{+0.040}_{-0.0")
    assert rows[-1] == r"\end{tabular}"
    with pytest.raises(UnknownName, match="unknown parameter 'g_y'"):
        export.intervals_to_latex(posterior, ["g_y"])


def test_a_comparison_in_latex():
    names = ["Lmu-Ltau, paper mixing", "Lmu & free"]
    table = xr.Dataset(
        {
            "log_z": ("model", [-10.123, -12.0]),
            "log_z_error": ("model", [0.012, 0.03]),
            "posterior_probability": ("model", [0.867, 0.133]),
            "posterior_probability_error": ("model", [0.004, 0.004]),
            "log_bayes_factor": (("model", "against"), [[0.0, 1.877], [-1.877, 0.0]]),
            "log_bayes_factor_error": (("model", "against"), [[0.0, 0.032], [0.032, 0.0]]),
            "error_kind": ("model", ["bound", "bound"]),
        },
        {"model": names, "against": names},
    )
    text = export.comparison_to_latex(table)
    assert text.startswith("% errors of the evidences: bound\n")
    assert r"Lmu-Ltau, paper mixing & $-10.123 \pm 0.012$ & 0 & $0.8670 \pm 0.0040$ \\" in text
    assert r"Lmu \& free & $-12.000 \pm 0.030$ & $-1.877 \pm 0.032$ & $0.1330 \pm 0.0040$ \\" in text


def test_limit_files_of_collections(limit, tmp_path):
    path = export.limit_to_darkcast(limit, tmp_path / "mine.lmt")
    assert path.read_text().splitlines()[0].replace("#", "").split() == ["mass", "lower"]
    np.testing.assert_allclose(np.loadtxt(path), np.stack([MASSES[:3] / 1e3, LIMITS[:3]], axis=1), rtol=1e-4)
    path = export.limit_to_axion_limits(limit, tmp_path / "mine.txt")
    np.testing.assert_allclose(np.loadtxt(path), np.stack([MASSES[:3] * 1e6, LIMITS[:3]], axis=1), rtol=1e-9)
    limit.attrs["parameter"] = "kappa"
    with pytest.raises(InvalidArgument, match="it is on kappa"):
        export.limit_to_darkcast(limit, tmp_path / "other.lmt")
