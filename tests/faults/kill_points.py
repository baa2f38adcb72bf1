"""Run in a process of its own: what is left of a folder when its maker is killed before its n-th operation on files.

For every n a child begins, is killed (`os._exit`, as SIGKILL: no handler runs), and the same call is made again. Prints
one line of JSON: the number of kills, and what was wrong after any of them.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from lmtbayes.jobs.output import MARK, output_folder, unit_folder

OPERATIONS = ((os, "replace"), (os, "mkdir"), (os, "unlink"), (os, "rmdir"), (os, "open"), (os, "fsync"))


def killed_before(number, call):
    """Whether a child that makes the call is killed before its operation of that number."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    signal.alarm(60)
    count = 0

    def counting(function):
        def counted(*args, **kwargs):
            nonlocal count
            count += 1
            if count == number:
                os._exit(9)
            return function(*args, **kwargs)

        return counted

    for module, name in OPERATIONS:
        setattr(module, name, counting(getattr(module, name)))
    try:
        call()
    except BaseException:
        os._exit(1)
    os._exit(0)


def filled(out, text, **options):
    def call():
        with output_folder(out, {"text": text}, **options) as folder:
            (folder / "chains").write_text(text)
            (folder / "deep").mkdir(exist_ok=True)
            with unit_folder(folder / "deep" / "unit") as unit:
                (unit / "result").write_text(text)

    return call


def contents(out):
    names = sorted(str(p.relative_to(out.parent)) for p in out.parent.rglob("*") if p.is_file())
    return {name: (out.parent / name).read_text() for name in names if not name.endswith(MARK)}


def sweep(base, before, call, complete):
    """Kill `call` at every point; what was there, or what is to be there, must be whole, and the call must end well."""
    kills, wrong, number = 0, [], 0
    while True:
        number += 1
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        before()
        if not killed_before(number, call):
            return kills, wrong
        kills += 1
        kept = [complete(path) for path in base.iterdir() if path.is_dir()]
        if complete(None) and not any(kept):
            wrong.append(f"nothing whole is left after a kill before operation {number}: {sorted(base.rglob('*'))}")
        try:
            call()
        except BaseException as error:
            wrong.append(f"refused after a kill before operation {number}: {error!r}")
            continue
        left = sorted(p.name for p in base.iterdir())
        if left != ["out"]:
            wrong.append(f"left beside the result after a kill before operation {number}: {left}")
        stale = [str(p) for p in base.rglob("*.tmp")] + [str(p) for p in base.rglob("*.partial")]
        if stale or (base / "out" / "chains").read_text() != "new":
            wrong.append(f"not what it should be after a kill before operation {number}: {stale}, {contents(base)}")


def main(base):
    out = base / "out"

    def whole(path):
        """A folder with all that a run leaves; asked for None, whether there must be one at any moment."""
        if path is None:
            return True
        # A unit that is being replaced has another name for a moment.
        return {p.name for p in path.iterdir()} >= {"chains", "deep", "settings.json"} and any(path.rglob("result"))

    found = {
        "fresh": sweep(base, lambda: None, filled(out, "new"), lambda path: path is not None and whole(path)),
        "replaced": sweep(base, filled(out, "old"), filled(out, "new", force=True), whole),
        "extended": sweep(base, filled(out, "new"), filled(out, "new", extend=True), whole),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
