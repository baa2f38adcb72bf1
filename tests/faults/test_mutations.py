"""Files and arguments changed at random: accepted as what they say, or refused in a sentence of the package."""

import figures
import pytest


@pytest.mark.slow
def test_every_mutation_is_accepted_as_it_is_or_refused_in_a_sentence(tmp_path):
    """Settings files, their arguments, tables, chunks and checkpoints, 300 each; no annotation is checked first."""
    found = figures.told("mutations.py", tmp_path)
    for kind, counts in found.items():
        assert counts.get("refused", 0) > 30, (kind, counts)
    table = {(row.name, row.what): row for row in figures.recorded()}
    for row in figures.of_mutations(found):
        assert table[row.name, row.what].size == row.size == 300, row
    assert found["chunks of studies"] == {"refused": 300}
