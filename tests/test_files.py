"""Files that are there whole or not at all."""

import os
import stat

import pytest

from lmtbayes import _files


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    before = os.umask(0o022)
    try:
        path = _files.write_text(tmp_path / "a.csv", "x\n")
    finally:
        os.umask(before)
    assert path.read_bytes() == b"x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_is_there(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(RuntimeError), _files.whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
