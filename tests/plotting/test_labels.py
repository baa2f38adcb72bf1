"""Names and labels for corner, getdist and chainconsumer: what their documentation asks for, without them."""

import numpy as np
import pytest
import xarray as xr
from matplotlib.mathtext import MathTextParser

from lmtbayes.errors import InvalidArgument, UnknownName
from lmtbayes.plotting import labels

ALL = ["log10_g_x", "log10_mass", "log10_kappa", "g_x", "mass", "eps_x", "kappa", "flux_8b"]


def tree(*names):
    draws = {name: (("chain", "draw"), np.arange(6.0).reshape(2, 3) + k) for k, name in enumerate(names)}
    return xr.DataTree.from_dict({"posterior": xr.Dataset(draws)})


def test_names_are_the_coordinates_that_were_sampled():
    assert labels.names_of(tree("g_x", "mass", "eps_x", "log10_g_x", "log10_mass", "flux")) == [
        "log10_g_x",
        "log10_mass",
    ]
    assert labels.names_of(tree("kappa", "g_x", "mass")) == ["g_x", "mass", "kappa"]
    with pytest.raises(InvalidArgument, match="a parameter of the boson"):
        labels.names_of(tree("flux"))
    with pytest.raises(InvalidArgument, match="the group posterior"):
        labels.names_of(xr.DataTree())


def test_the_table_has_a_column_a_name():
    found = labels.table(tree("g_x", "mass"), ["mass", "g_x"])
    np.testing.assert_array_equal(found, np.column_stack([np.arange(6.0) + 1.0, np.arange(6.0)]))
    with pytest.raises(UnknownName, match="'masss'"):
        labels.table(tree("mass"), ["masss"])


def test_every_label_is_tex_that_can_be_set():
    parse = MathTextParser("agg").parse
    for label in labels.for_corner(ALL):
        assert label.count("$") in (0, 2)
        parse(label)
    getdist = labels.for_getdist(ALL)
    assert getdist["names"] == ALL
    for name, label in zip(*getdist.values(), strict=True):
        assert " " not in name
        assert "$" not in label  # getdist adds the dollars
        parse(f"${label}$")
    assert labels.for_chainconsumer(ALL) == dict(zip(ALL, labels.for_corner(ALL), strict=True))
    assert len(set(labels.for_corner(ALL))) == len(ALL)
