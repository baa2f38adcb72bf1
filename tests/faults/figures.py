"""Figures of the faults: scripts of this folder, each run in a process of its own, as rows of validation/faults.csv.

`python tests/faults/figures.py`, with tests/ on the path of Python, runs all of them and writes table and page.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from lmtbayes._files import write_text
from lmtbayes._version import __version__
from lmtbayes.jobs.validate import MADE, text_of
from lmtbayes.validation import rows
from lmtbayes.validation.rows import Row

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "validation.md"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), str(HERE.parent)])}
SWEEPS = ("jobs", "pictures")
KILLED_AT_RANDOM = ("sample_posterior", "fit", "study", "reproduce", "study --workers")
SEED = 1
ALLOWED_MAPS, FITS = 3600, 30
"""Room for the compiled functions of some seven likelihoods, and how many are fitted."""
KILLED, SIGKILLED = "killed before an operation on files: not as the unbroken call", "SIGKILL: not as the unbroken call"
MET = "begun four at a time in one folder: refused wrongly, or mixed"
CHANGED = "changed at random: neither taken as it is nor refused in a sentence"
TAKEN, REFUSED = "changed at random: taken as what it says", "changed at random: refused in a sentence"
UNANSWERED = "wrong: not answered by its sentence"


def told(script, *words):
    """Return what a script of this folder prints."""
    command = [sys.executable, str(HERE / script), *map(str, words)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-5000:])
    return json.loads(done.stdout)


def of_kill_points(found):
    """Rows of `kill_points.py`."""
    return [Row(name, KILLED, 0.0, float(len(wrong)), size=kills) for name, (kills, wrong) in found.items()]


def of_meetings(found):
    """Rows of `meetings.py`."""
    return [Row(name, MET, 0.0, float(len(wrong)), size=starts) for name, (starts, wrong) in found.items()]


def of_random_kills(found):
    """Rows of `random_kills.py`."""
    return [
        Row(name, SIGKILLED, 0.0, float(len(of["wrong"])), size=of["kills"], note=f"{of['runs']} runs")
        for name, of in found.items()
    ]


def of_mutations(found):
    """Rows of `mutations.py`."""
    made = []
    for kind, counts in found.items():
        of, accepted, refused = sum(counts.values()), counts.get("accepted", 0), counts.get("refused", 0)
        made.append(Row(kind, CHANGED, 0.0, float(of - accepted - refused), size=of))
        made.append(Row(kind, TAKEN, math.nan, float(accepted), size=of))
        made.append(Row(kind, REFUSED, math.nan, float(refused), size=of))
    return made


def of_commands():
    """Row of the commands of tests/test_cli.py that are wrong; the test ends this where one is not answered."""
    words = (
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "-k",
        "an_error_is_one_sentence",
        str(HERE.parent / "test_cli.py"),
    )
    done = subprocess.run([sys.executable, "-m", "pytest", *words], check=True, stdout=subprocess.PIPE, text=True)
    return Row("commands", UNANSWERED, 0.0, 0.0, size=int(re.search(r"(\d+) passed", done.stdout)[1]))


def of_session(found):
    """Rows of `long_session.py`: what the second half of a session holds beyond the first."""
    maps, memory, threads, files, _ = zip(*found["found"], strict=True)
    half, name = len(maps) // 2, f"{len(maps)} fits of likelihoods that are kept"
    numbers = {
        "memory maps at most, where 3600 are allowed": max(maps),
        "MB more in the second half": max(memory[half:]) - max(memory[:half]),
        "threads more in the second half": max(threads[half:]) - max(threads[:half]),
        "open files more in the second half": max(files[half:]) - max(files[:half]),
    }
    return [Row(name, what, math.nan, float(number), size=len(maps)) for what, number in numbers.items()]


def recorded(*whats):
    """Rows of the committed table, by what they count; all for none."""
    return [row for row in rows.read(PAGE.with_suffix("") / "faults.csv") if not whats or row.what in whats]


def main():
    from test_wrong_calls import CALLS

    found = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for which in SWEEPS:
            found += of_kill_points(told("kill_points.py", base / which, which))
        found += of_random_kills(told("random_kills.py", base / "kills", SEED, *KILLED_AT_RANDOM))
        for name in ("files", "meetings"):
            (base / name).mkdir()
        found += of_meetings(told("meetings.py", base / "meetings"))
        found += of_mutations(told("mutations.py", base / "files"))
    answered = subprocess.run([sys.executable, "-c", CALLS], check=True, stdout=subprocess.PIPE)
    found.append(Row("calls of the library", UNANSWERED, 0.0, 0.0, size=int(answered.stdout)))
    found.append(of_commands())
    found += of_session(told("long_session.py", FITS, ALLOWED_MAPS))
    write(found)


def write(found):
    """Write the table, and the page anew."""
    folder = PAGE.with_suffix("")
    rows.write(folder / "faults.csv", found)
    made = json.loads((folder / MADE).read_text(encoding="utf-8"))
    made["faults"] = {"caption": f"Made by `tests/faults/figures.py` with version {__version__}.", "picture": None}
    write_text(folder / MADE, json.dumps(made, indent=2, sort_keys=True) + "\n")
    write_text(PAGE, text_of(PAGE))


if __name__ == "__main__":
    main()
