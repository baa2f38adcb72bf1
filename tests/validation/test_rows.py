"""Rows and the page: what a table says is what the page says, and nothing else."""

import math

from lmtbayes.validation import page, rows
from lmtbayes.validation.rows import Row

FOUND = [
    Row("ess", "BP1", 100.0, 100.00001, 2e-7, 4, "by hand"),
    Row("three", "", math.nan, math.nan, note="elsewhere"),
    Row("none", "BP2", 0.0, 1.0),
]


def test_rows_survive_a_file(tmp_path):
    rows.write(tmp_path / "a.csv", FOUND)
    again = rows.read(tmp_path / "a.csv")
    assert rows.to_csv(again) == rows.to_csv(FOUND)
    assert again[0] == Row("ess", "BP1", 100.0, 100.0, 2e-7, 4, "by hand")  # seven digits
    assert math.isnan(again[2].ratio)


def test_a_page_shows_what_was_run_and_names_what_was_not():
    text = page.to_markdown({"rates": FOUND}, {"rates": "Made so."}, {"rates": "figures/a.png"})
    assert "| ess | BP1 | 100 | 100 | 1 + 1.0e-07 | 2e-07 | 4 | by hand |" in text
    assert "*Made so.*" in text
    assert "![Rates against second derivations](figures/a.png)" in text
    assert "**Not run yet**: published results beside ours, outside codes, simulation-based calibration" in text
    assert "| code |" not in text
