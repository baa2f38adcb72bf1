"""Files that are there whole or not at all."""

import os
import stat

import numpy as np
import pytest
import xarray

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


def test_some_groups_of_a_tree_are_those_of_the_whole(tmp_path):
    whole = xarray.DataTree.from_dict(
        {name: xarray.Dataset({"x": ("k", np.arange(3.0) + i)}, attrs={"of": name}) for i, name in enumerate("abc")}
    )
    whole.attrs["seed"] = 3
    _files.write_netcdf(tmp_path / "tree.nc", whole)
    some = _files.read_tree(tmp_path / "tree.nc", groups=("b", "a"))
    assert set(some.children) == {"a", "b"}
    assert some.attrs == whole.attrs
    for name in ("a", "b"):
        xarray.testing.assert_identical(some[name].to_dataset(), whole[name].to_dataset())
    assert _files.read_tree(tmp_path / "tree.nc").identical(whole)
    with pytest.raises(ValueError, match="its reader says"):
        _files.read_tree(tmp_path / "tree.nc", groups=("d",))
    body = (tmp_path / "tree.nc").read_bytes()
    (tmp_path / "tree.nc").write_bytes(body[:99] + b"?" + body[100:])
    with pytest.raises(ValueError, match="changed"):
        _files.read_tree(tmp_path / "tree.nc", groups=("a",))
