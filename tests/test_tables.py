"""Tables: read once, immutable, found by name, with a header that gives a source."""

import numpy as np
import pytest

from lmtbayes import tables
from lmtbayes.errors import UnknownName

NAMES = sorted(str(p.relative_to(tables.data_folder()).with_suffix("")) for p in tables.data_folder().rglob("*.csv"))


@pytest.mark.parametrize("name", NAMES)
def test_every_table_reads_and_names_its_source(name):
    columns = tables.read(name)
    assert columns
    assert len({len(column) for column in columns.values()}) == 1
    header = "".join(
        line for line in (tables.data_folder() / f"{name}.csv").read_text().splitlines() if line.startswith("#")
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
