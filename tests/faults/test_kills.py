"""No kill loses a result, wedges a folder or changes what comes of it; figures of it stand in docs/validation.md."""

import figures
import pytest


def compared(found, what):
    """Nothing is wrong, and the table has these rows; other versions of Python remove a folder in other steps."""
    table = {row.name: row for row in figures.recorded(what)}
    for row in found:
        assert row.found == 0.0, row
        assert row.size == pytest.approx(table[row.name].size, rel=0.1), row


@pytest.mark.slow
@pytest.mark.parametrize("which", ["jobs", "pictures"])
def test_no_kill_between_two_operations_loses_or_wedges_anything(tmp_path, which):
    """Before every operation on files of a folder, a checkpoint, a study; of fit, contours and reproduce."""
    found = figures.told("kill_points.py", tmp_path / "base", which)
    for command, (kills, wrong) in found.items():
        assert not wrong, (command, wrong[:3])
        assert kills > 8, command
    compared(figures.of_kill_points(found), figures.KILLED)


@pytest.mark.slow
def test_processes_that_begin_at_one_moment_do_not_refuse_each_other_wrongly(tmp_path):
    found = figures.told("meetings.py", tmp_path)
    assert {what: wrong for what, (_, wrong) in found.items()} == {"study": [], "a folder of results": []}
    compared(figures.of_meetings(found), figures.MET)


@pytest.mark.slow
@pytest.mark.parametrize("commands", [figures.KILLED_AT_RANDOM[:2], figures.KILLED_AT_RANDOM[2:]], ids=" ".join)
def test_sigkill_at_any_moment_changes_nothing(tmp_path, commands):
    found = figures.told("random_kills.py", tmp_path / "kills", figures.SEED, *commands)
    assert {command: of["wrong"] for command, of in found.items()} == {command: [] for command in commands}
    compared(figures.of_random_kills(found), figures.SIGKILLED)


def test_forty_sigkills_are_on_the_page():
    recorded = figures.recorded(figures.SIGKILLED)
    assert {row.name for row in recorded} == set(figures.KILLED_AT_RANDOM)
    assert sum(row.size for row in recorded) == 40
    assert all(row.found == 0.0 for row in recorded)
