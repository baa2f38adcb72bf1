"""Processes: workers end with their command, no signal is lost, streams may be closed, full or of few letters."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import figures
import pytest
from figures import ENVIRONMENT, HERE

from lmtbayes import cli_process
from lmtbayes.inference.likelihood import programs

COMMAND = (sys.executable, "-m", "lmtbayes")


def alive(pid):
    """Whether a process runs; one that nobody has asked about yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux which processes run")
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_command_however_that_ends(tmp_path, number):
    command = subprocess.Popen([sys.executable, HERE / "worker_pool.py", tmp_path], env=ENVIRONMENT)
    try:
        files = [tmp_path / name for name in ("table1", "fig4")]
        assert until(lambda: all(file.exists() for file in files), 300.0)
        workers = [int(file.read_text()) for file in files]
        assert all(map(alive, workers))
        command.send_signal(number)
        assert until(lambda: not any(map(alive, [command.pid, *workers])), 10.0), "seconds, not minutes"
    finally:
        command.kill()
        command.wait()


@pytest.mark.slow
def test_a_signal_that_meets_a_callback_in_which_python_drops_errors_comes_again():
    def _xla_gc_callback():  # the name that jax gives its own
        os.kill(os.getpid(), signal.SIGTERM)
        return sum(range(1000))

    before = signal.signal(signal.SIGTERM, cli_process.interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            assert _xla_gc_callback() == 499500, "nothing is raised there"
            time.sleep(10.0)
    finally:
        signal.signal(signal.SIGTERM, before)


FIT = (
    "fit --experiments muon-g2-2025 --mixing paper --data observed --chains 2 --warmup 50 --draws 50 --grid 0 "
    "--no-progress --format png --out f"
)
HOSTILE = {
    "standard error closed": ("{} cite nothing 2>&-", 2, None),
    "disk full": ("{} cite na64mu 2>&1 >/dev/full", 1, "error: No space left on device"),
    "nobody reads": ("{} cite na64mu 2>&1 | (exec <&-; sleep 0.1); exit ${PIPESTATUS[0]}", None, ""),
    "head": ("{} experiments 2>err | head -1; cat err", 0, None),
    "letters of Latin-1": ("PYTHONIOENCODING=latin-1 COLUMNS=60 {} experiments lz-8b", 0, "LZ ?B flux"),
    "twenty columns": ("COLUMNS=20 {} experiments lz-8b", 0, "lz-8b"),
    "no permission": ("{} fit --out /proc/f 2>&1", 2, "`out` = '/proc/f' cannot be written"),
    "a cache that cannot be": ("LMTBAYES_CACHE=/dev/null/x {} cite na64mu 2>&1", 0, "is kept: LMTBAYES_CACHE"),
    "no home, no temporary folder": ("env -u HOME TMPDIR=/nonexistent {} " + FIT, 0, "results: f"),
    "few open files": ("ulimit -n 12; {} " + FIT + " 2>&1", 1, "the same command goes on where it stands"),
}
"""Each a line of a shell, its exit status and what is on the screen."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
@pytest.mark.parametrize("what", HOSTILE)
def test_what_surrounds_a_command_may_be_hostile(tmp_path, what):
    line, status, sentence = HOSTILE[what]
    done = subprocess.run(
        ["bash", "-c", line.replace("{}", " ".join(COMMAND))],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert status is None or done.returncode == status, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    assert sentence is None or sentence in done.stdout
    if FIT in line:
        left = {path.name for path in tmp_path.iterdir()}
        assert left == ({"f"} if status == 0 else {"f.partial"}), "whole, or kept to go on from"


def test_a_command_whose_disk_is_full_says_how_it_goes_on(tmp_path):
    line = (
        "import resource, sys; from pathlib import Path; from lmtbayes import cli_process; "
        "from lmtbayes._files import write_netcdf; from lmtbayes.cli_options import resumable; import xarray, numpy\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "with cli_process.command(), resumable():\n"
        "    write_netcdf(Path(sys.argv[1]) / 'posterior.nc', xarray.Dataset({'q': ('x', numpy.arange(1e5))}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", line, tmp_path],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "the same command goes on where it stands" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(programs.most() is None, reason="counts the memory maps that Linux gives")
@pytest.mark.slow
def test_a_long_session_is_bounded():
    """Thirty fits of thirty likelihoods, all kept, where there is room for a quarter of them."""
    found = figures.told("long_session.py", figures.FITS, figures.ALLOWED_MAPS)
    bounded(figures.of_session(found))
    highest = [fit[-1] for fit in found["found"]]
    assert found["again"] == highest[0], "what was let go of is made again, and is the same"


def test_the_long_session_of_the_page_was_bounded():
    bounded([row for row in figures.recorded() if row.name.startswith("30 fits")])


def bounded(rows):
    maps, memory, threads, files = (row.found for row in rows)
    assert all(row.size == 30 for row in rows)
    assert 0 < maps < figures.ALLOWED_MAPS
    assert memory < 150
    assert threads <= 2
    assert files <= 4


@pytest.mark.slow
def test_no_room_for_what_is_compiled_is_a_sentence(monkeypatch):
    owner = programs.Programs()
    monkeypatch.setattr(programs, "most", lambda: 10)
    with pytest.raises(MemoryError, match=r"Linux allows 10 \(vm.max_map_count\)"):
        owner.compiled(id)


def test_the_longest_unused_lets_go_first(monkeypatch):
    owners = [programs.Programs() for _ in range(3)]
    for owner in (owners[1], owners[0], owners[2], owners[1]):
        owner.compiled(id)
    last = programs.Programs()
    held = [owners[0], owners[2], owners[1]]
    monkeypatch.setattr(programs, "_owners", set(owners))
    monkeypatch.setattr(programs, "most", lambda: 100)
    monkeypatch.setattr(programs, "maps", lambda: 10 + 25 * sum(o.has_compiled(id) for o in held))
    last.compiled(id)
    assert [o.has_compiled(id) for o in held] == [False, False, True]
    assert last.has_compiled(id)
