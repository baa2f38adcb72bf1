"""Tables: read once, immutable, found by name wherever the package lies, with a header that gives a source."""

import importlib
import os
import sys
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmtbayes import tables
from lmtbayes.errors import InvalidArgument, UnknownName

NAMES = [name.removesuffix(".csv") for name in tables.files() if name.endswith(".csv")]
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", NAMES)
def test_every_table_reads_and_names_its_source(name):
    columns = tables.read(name)
    assert columns
    assert len({len(column) for column in columns.values()}) == 1
    header = "".join(
        line for line in tables.files()[f"{name}.csv"].read_text("utf-8").splitlines() if line.startswith("#")
    )
    assert any(word in header for word in ("arXiv", "Source", "source", "Phys")), "the header must name a source"


def test_numbers_are_numbers_and_cannot_be_changed():
    column = tables.read("muon_g2")["value_1e11"]
    assert column.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 1.0


def test_a_table_that_is_not_there():
    with pytest.raises(UnknownName, match="no table 'nothing'"):
        tables.read("nothing")


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """The tables of another package, which the test makes in a folder or an archive of this path."""

    def look(package, path):
        monkeypatch.syspath_prepend(str(path))
        importlib.invalidate_caches()
        monkeypatch.setattr(tables, "_PACKAGE", package)

    yield look
    for name in ("linked", "zipped", "unlinked", "empty"):
        sys.modules.pop(name, None)


def test_tables_are_found_through_a_link_as_in_a_checkout(elsewhere, tmp_path):
    package = tmp_path / "linked"
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "deep" / "of_a_checkout.csv").write_text("# source\na,b\n1,x\n")
    package.mkdir()
    (package / "__init__.py").touch()
    os.symlink(Path("..", "data"), package / "data")
    elsewhere("linked", tmp_path)
    assert list(tables.files()) == ["deep/of_a_checkout.csv"]
    assert tables.read("deep/of_a_checkout")["a"] == [1.0]


def test_tables_are_found_in_an_archive_from_which_python_imports(elsewhere, tmp_path):
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
        archive.writestr("zipped/data/deep/of_an_archive.csv", "# source\na,b\n1,x\n2,y\n")
    elsewhere("zipped", tmp_path / "package.zip")
    assert list(tables.files()) == ["deep/of_an_archive.csv"]
    assert tables.read("deep/of_an_archive")["a"].tolist() == [1.0, 2.0]


def test_a_checkout_without_links_is_told_what_to_do(elsewhere, tmp_path):
    for name in ("unlinked", "empty"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "unlinked" / "data").write_text("../data")
    elsewhere("unlinked", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"got a plain file where git made no symbolic link: run `git config"):
        tables.read("wherever")
    elsewhere("empty", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"got nothing there: .* or install a wheel"):
        tables.data_folder()


def test_wheel_and_sdist_hold_every_table_once(monkeypatch, tmp_path):
    build = pytest.importorskip("hatchling.build")
    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        in_wheel = wheel.namelist()
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as sdist:
        in_sdist = [name.partition("/")[2] for name in sdist.getnames()]
    expected = sorted(f"lmtbayes/data/{name}" for name in tables.files())
    for names in (in_wheel, in_sdist):
        assert sorted(name for name in names if "data/" in name and not name.startswith("tests/")) == expected


@pytest.mark.parametrize(
    "content",
    [
        "mass_mev,g_x\n1.5,2e-4\n3,4e-4\n",
        "mass_mev, g_x\n1.5,2e-4\n\n3,4e-4\n",
        "  # indented\n% mine\nmass_mev,g_x\n1.5,+2e-4\n3.,.4E-3\n",
        "mass_mev;g_x\n1,5;2e-4\n3;0,0004\n",
    ],
)
def test_a_users_table_in_every_dress(tmp_path, content):
    path = tmp_path / "x.csv"
    path.write_text("# mine\n" + content, encoding="utf-8" if ";" in content else "utf-8-sig")
    columns = tables.read_csv(path)
    np.testing.assert_array_equal(columns["mass_mev"], [1.5, 3.0])
    np.testing.assert_array_equal(columns["g_x"], [2e-4, 4e-4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"mass_mev,g_x\n1,2e-4,3\n2,3e-4\n", r"`curve`: x.csv must have 2 entries in each row .*; line 2 has 3"),
        (
            b"# mine\nmass_mev,g_x\n1,2e-4\n2\n",
            r"x.csv must have 2 entries in each row \(mass_mev, g_x\); line 4 has 1",
        ),
        (b"mass_mev,mass_mev\n1,2\n2,3\n", r"x.csv must name each column once; line 1 has mass_mev, mass_mev"),
        (b"mass_mev,g_x\n1,\xff\n", r"x.csv must be a CSV file in UTF-8"),
        (b"mass_mev,g_x\n1,2e-4\n# 2,3e-4\n3,4e-4\n", r"x.csv must have its comments first; line 3 is one among"),
        (b"mass_mev,g_x\n1,2e-4\n2,3e1_03\n", r"x.csv must have a number as g_x in line 3; got '3e1_03'"),
        ("mass_mev,g_x\n1,2e-4\n\u0662,3e-4\n".encode(), r"must have a number as mass_mev in line 3"),
        (b"mass_mev,g_x\n1,2e-4\n2,3e\n", r"must have a number as g_x in line 3; got '3e'"),
    ],
)
def test_a_damaged_table_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidArgument, match=message):
        tables.read_csv(path, "curve")


TABLE = "# mine\nmass_mev,g_x\n1,2e-4\n2.5,3e-4\n4,5e-4\n"


@settings(max_examples=300, deadline=None)
@given(
    place=st.integers(0, len(TABLE)),
    cut=st.integers(0, 8),
    put=st.text(st.sampled_from("0123456789eE+-.,;#%_\"' \t\n\r\u0662\ufeff\x00nafi"), max_size=6),
)
def test_no_damage_is_a_raw_error_or_a_column_half_read(tmp_path_factory, place, cut, put):
    path = tmp_path_factory.mktemp("damaged") / "x.csv"
    path.write_text(TABLE[:place] + put + TABLE[place + cut :], encoding="utf-8")
    with suppress(InvalidArgument):
        columns = tables.read_csv(path, "curve")
        assert len({len(column) for column in columns.values()}) <= 1
        for column in columns.values():
            text = column.dtype.kind == "U"
            assert not (text and tables.is_number(column[0]) and not all(map(tables.is_number, column)))
