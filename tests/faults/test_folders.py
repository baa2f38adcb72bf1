"""Folders of results: nothing that is not ours is touched, nothing of ours is lost, and no kill wedges one."""

import json
import os
from pathlib import Path

import pytest

from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs.chunks import Folder
from lmtbayes.jobs.locks import hold
from lmtbayes.jobs.output import MARK, output_folder, unit_folder
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study


def made(path, settings, **options):
    with output_folder(path, settings, **options) as folder:
        (folder / "new").write_text("y")
    return path


def interrupted(path, settings, **options):
    with pytest.raises(RuntimeError, match="interrupted"), output_folder(path, settings, **options) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError("interrupted")


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    out = tmp_path / "fit"
    interrupted(out, {"seed": 1})
    assert not out.exists()
    assert (tmp_path / "fit.partial" / "half").exists()
    with output_folder(out, {"seed": 1}) as folder:
        assert (folder / "half").exists(), "the same settings go on where the run stopped"
    assert (out / "settings.json").is_file()
    assert not (tmp_path / "fit.partial").exists()


def test_an_unfinished_run_with_other_settings_is_dropped_when_asked(tmp_path):
    out = tmp_path / "fit"
    interrupted(out, {"seed": 1})
    refused = pytest.raises(InvalidArgument, match=r"an unfinished run with other settings \(seed: 1 there, 2 here\)")
    with refused, output_folder(out, {"seed": 2}):
        pass
    assert (tmp_path / "fit.partial" / "half").exists()
    with output_folder(out, {"seed": 2}, force=True) as folder:
        assert not (folder / "half").exists()


def test_nothing_is_replaced_unasked_and_nothing_but_ours(tmp_path):
    out = made(tmp_path / "fit", {"seed": 2})
    with pytest.raises(InvalidArgument, match="`out` must not exist yet"), output_folder(out, {"seed": 2}):
        pass
    made(out, {"seed": 3}, force=True)
    assert json.loads((out / "settings.json").read_text()) == {"seed": 3}
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.json").write_text("{}")  # an editor's
    refused = pytest.raises(InvalidArgument, match="holds no results of lmtbayes")
    with refused, output_folder(home, {}, force=True):
        pass
    assert (home / "settings.json").exists()


@pytest.mark.parametrize("name", ["thesis.partial", ".thesis.replaced"])
@pytest.mark.parametrize("there", [False, True])
def test_a_users_own_folders_are_left_alone(tmp_path, name, there):
    own = tmp_path / name
    own.mkdir()
    if there:
        (tmp_path / "thesis").mkdir()
    (own / "chapter.tex").write_text("years of work")
    for force in (False, True):
        refused = pytest.raises(InvalidArgument, match="which holds something else; name another")
        with refused, output_folder(tmp_path / "thesis", {}, force=force):
            pass
    assert (own / "chapter.tex").read_text() == "years of work"


def test_links_dots_and_files_are_refused_at_once(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path / "folder")
    for path, message in (
        (tmp_path / "link", "must be a folder itself"),
        (Path(), "must not exist yet"),
        (tmp_path / "file" / "fit", "cannot be written"),
    ):
        with pytest.raises(InvalidArgument, match=message), output_folder(path, {}):
            raise AssertionError(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder", "link"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_no_permission_is_a_sentence(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with (
        pytest.raises(InvalidArgument, match="cannot be written: Permission"),
        output_folder(tmp_path / "closed/a", {}),
    ):
        pass


def test_a_folder_that_appears_meanwhile_is_not_replaced(tmp_path):
    out = tmp_path / "fit"
    appeared = pytest.raises(InvalidArgument, match="has appeared meanwhile; the results are in")
    with appeared, output_folder(out, {"seed": 1}) as folder:
        (folder / "new").write_text("y")
        out.mkdir()
        (out / "mine").write_text("z")
    assert (out / "mine").exists()
    assert (tmp_path / "fit.partial" / "new").exists()


def test_a_folder_has_one_writer(tmp_path):
    busy = pytest.raises(InvalidArgument, match="is being written by another process")
    with output_folder(tmp_path / "fit", {"seed": 1}), busy, output_folder(tmp_path / "fit", {"seed": 1}):
        pass
    assert hold(tmp_path / "fit" / MARK) is not None, "let go at the end"


def test_a_run_that_left_nothing_leaves_no_folder(tmp_path):
    with pytest.raises(RuntimeError), output_folder(tmp_path / "out", {"seed": 1}):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_unit_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), unit_folder(tmp_path / "unit") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert not (tmp_path / "unit").exists()
    with unit_folder(tmp_path / "unit") as folder:
        assert not (folder / "half").exists(), "a unit starts afresh"
    assert (tmp_path / "unit").is_dir()


def test_an_extended_folder_that_is_interrupted_keeps_what_it_had(tmp_path):
    out = tmp_path / "out"
    with output_folder(out, {"seed": 1}) as folder:
        (folder / "first").write_text("x")
    with pytest.raises(RuntimeError), output_folder(out, {"seed": 1}, extend=True):
        raise RuntimeError
    with output_folder(out, {"seed": 1}, extend=True) as folder:
        assert (folder / "first").exists()
    refused = pytest.raises(InvalidArgument, match="must not exist yet")
    with refused, output_folder(out, {"seed": 2}, extend=True):
        pass
    assert (out / "first").exists()
    (out / MARK).unlink()
    with pytest.raises(InvalidArgument), output_folder(out, {"seed": 1}, extend=True):
        pass
    assert (out / "first").exists(), "what is not known to be ours stays where it is"


def test_a_study_begun_by_a_killed_process_goes_on(tmp_path):
    study = Study("sbc", FitSettings(("na64mu",), mixing="paper"), size=2)
    folder = tmp_path / "study"
    (folder / "chunks").mkdir(parents=True)
    (folder / ".settings.json.4711.0123abcd.tmp").write_text("{")
    Folder(folder, study)
    assert Study.from_dict(json.loads((folder / "settings.json").read_text())) == study
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidArgument, match="holds something that is no study"):
        Folder(tmp_path / "other", study)
