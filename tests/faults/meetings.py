"""Run in a process of its own: processes that begin at one moment in one folder.

Any number may begin one study, and none is refused; of those that begin a job of other kinds one writes, and the others
are told so. Prints one line of JSON: how many began, and what was wrong.
"""

import json
import os
import signal
import sys
import time
import warnings
from pathlib import Path

from lmtbayes.errors import InvalidArgument
from lmtbayes.jobs.chunks import Folder
from lmtbayes.jobs.output import output_folder
from lmtbayes.jobs.settings import FitSettings
from lmtbayes.jobs.study import Study

AT_ONCE, ROUNDS = 4, 25
WROTE, REFUSED, FAILED = 0, 3, 4
STUDY = Study("toys", FitSettings(("muon-g2-2025",), mixing="paper"), size=3, chunk=1)


def study(path, number):
    Folder(path, STUDY)
    return WROTE


def job(path, number):
    try:
        with output_folder(path, {"seed": number}) as folder:
            (folder / "result").write_text(str(number))
            time.sleep(0.02)
    except InvalidArgument as error:
        told = ("is being written by another", "must not exist yet")
        return REFUSED if any(words in str(error) for words in told) else FAILED
    return WROTE


def together(call, path):
    """Exit statuses of children that all make a call once a pipe is closed."""
    ready, go = os.pipe()
    children = []
    for number in range(AT_ONCE):
        children.append(os.fork())
        if not children[-1]:
            signal.alarm(60)
            os.close(go)
            os.read(ready, 1)
            status = FAILED
            try:
                status = call(path, number)
            except BaseException as error:
                os.write(2, f"{error!r}\n".encode())
            finally:
                os._exit(status)
    os.close(ready)
    os.close(go)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def main(base):
    warnings.filterwarnings("ignore", ".*fork")  # a child computes nothing with jax
    wrong = {"study": [], "a folder of results": []}
    for number in range(ROUNDS):
        out = base / f"study{number}"
        found = together(study, out)
        if found != [WROTE] * AT_ONCE or Study.from_file(out / "settings.json") != STUDY or list(out.glob(".*.tmp")):
            wrong["study"].append(found)
        out = base / f"job{number}" / "out"
        found = together(job, out)
        settings = json.loads((out / "settings.json").read_text())
        mixed = (out / "result").read_text() != str(settings["seed"])
        if sorted(found) != [WROTE] + [REFUSED] * (AT_ONCE - 1) or mixed or os.listdir(out.parent) != ["out"]:
            wrong["a folder of results"].append(found)
    print(json.dumps({name: [AT_ONCE * ROUNDS, found] for name, found in wrong.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
