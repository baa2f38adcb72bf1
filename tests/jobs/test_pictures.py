"""Pictures to files: the format that the name says, the same bytes each time, whole or not at all."""

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs.pictures import save, save_with_numbers
from lmtbayes.plotting.style import style

BEGINNINGS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


def drawn():
    figure, axes = plt.subplots(figsize=(1.0, 1.0))
    axes.plot([0.0, 1.0], [1.0, 0.0])
    return figure


@pytest.mark.parametrize("suffix", BEGINNINGS)
def test_the_suffix_is_the_format_and_the_figure_is_closed(suffix, tmp_path):
    figure = drawn()
    path = save(figure, tmp_path / "new" / f"a{suffix}")
    assert path.read_bytes().startswith(BEGINNINGS[suffix])
    assert not plt.fignum_exists(figure.number)
    assert list(path.parent.iterdir()) == [path]


def test_pictures_are_dark_on_light_whatever_the_users_settings_are(tmp_path):
    with plt.style.context("dark_background"), style():
        figure, axis = plt.subplots(figsize=(1.0, 1.0))
        axis.set_xlabel("words")
    with plt.style.context("dark_background"):
        shown = plt.imread(save(figure, tmp_path / "a.png"))[..., :3]
    assert shown[0, 0].min() == 1.0
    assert shown.min() < 0.1
    assert np.median(shown) == 1.0


@pytest.mark.parametrize("suffix", BEGINNINGS)
def test_one_picture_has_the_same_bytes_each_time(suffix, tmp_path):
    first, second = (save(drawn(), tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second


def test_the_numbers_lie_beside_a_picture(tmp_path):
    figure = drawn()
    save_with_numbers(figure, tmp_path / "new" / "a.pdf", tmp_path / "new" / "a.png", about="a line")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"a.pdf", "a.png", "a.csv"}
    head, *_, first, second = (tmp_path / "new" / "a.csv").read_text().splitlines()
    assert head.startswith("# lmtbayes ")
    assert head.endswith(": a line")
    assert (first, second) == ("1,unnamed,line,1,0,1,", "1,unnamed,line,1,1,0,")
    assert not plt.fignum_exists(figure.number)


def test_numbers_that_fail_leave_no_picture(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("no space left on device")

    figure = drawn()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr("lmtbayes.jobs.pictures.to_csv", full)
        save_with_numbers(figure, tmp_path / "a.png", about="a line")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidArgument, match="`out` must be one of"):
        save_with_numbers(figure, tmp_path / "a.gif", about="a line")
    plt.close(figure)
    assert not list(tmp_path.iterdir())


def test_another_format_is_refused_before_a_folder_is_made(tmp_path):
    figure = drawn()
    with pytest.raises(InvalidArgument, match=r"`out` must be one of '\.png', '\.pdf', '\.svg'; got '\.gif'"):
        save(figure, tmp_path / "new" / "a.gif")
    plt.close(figure)
    assert not list(tmp_path.iterdir())


def test_a_picture_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    path = save(drawn(), tmp_path / "a.png")
    old = path.read_bytes()

    def full(self, file, **options):
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    figure = drawn()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(Figure, "savefig", full)
        save(figure, path)
    plt.close(figure)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
