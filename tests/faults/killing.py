"""Kill a call before its n-th operation on files, for every n, and make the same call again."""

import builtins
import io
import os
import shutil
import signal
from pathlib import Path

from lmtbayes.jobs.output import MARK

OPERATIONS = (
    *((os, name) for name in ("replace", "rename", "mkdir", "unlink", "rmdir", "open", "fsync")),
    (io, "open"),
    (builtins, "open"),
)
OWN = {"thesis/chapter.tex": b"years of work", "out.tex": b"a figure of it"}
"""A user's files beside the folder of results, where nothing of ours has a right to be."""


def killed_before(number, call):
    """Whether a child that makes the call is killed (`os._exit`, as SIGKILL: no handler runs) before that operation.

    Raises
    ------
    RuntimeError
        The child failed, or ended otherwise.
    """
    child = os.fork()
    if child:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status not in (0, 9):
            raise RuntimeError(f"a child that was to be killed before operation {number} ended with status {status}")
        return status == 9
    signal.alarm(60)
    count = 0

    def counting(function, name):
        def counted(*args, **kwargs):
            nonlocal count
            if name == "open" and function is io_open and not writes(*args, **kwargs):
                return function(*args, **kwargs)
            count += 1
            if count == number:
                os._exit(9)
            return function(*args, **kwargs)

        return counted

    io_open = io.open
    for module, name in OPERATIONS:
        setattr(module, name, counting(getattr(module, name), name))
    try:
        call()
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def writes(file, mode="r", *_, **__):
    """Whether a file is opened to be written."""
    return not isinstance(file, int) and not set(mode) <= set("rbt")


def contents(base):
    """Every file below a folder but the marks that say who made a folder."""
    files = sorted(path for path in base.rglob("*") if path.is_file() and path.name != MARK)
    return {str(path.relative_to(base)): path.read_bytes() for path in files}


def begin(base, before):
    """An empty folder with a user's files in it, and what an earlier call left."""
    shutil.rmtree(base, ignore_errors=True)
    for name, content in OWN.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(content)
    before(base / "out")


def sweep(base, before, call, needed=()):
    """Kill `call` before every one of its operations.

    Parameters
    ----------
    base
        A folder that may be emptied.
    before
        Makes what is there already, given the path of the folder of results.
    call
        What is killed and made again, given that path.
    needed
        Names of files that some folder has at any moment: of an earlier result, or of the new one.

    Returns
    -------
    kills, wrong
        How many operations there are; a sentence for everything that was not as it should be.
    """
    base, wrong, number = Path(base), [], 0
    begin(base, before)
    call(base / "out")
    expected = contents(base)
    while True:
        number += 1
        begin(base, before)
        if not killed_before(number, lambda: call(base / "out")):
            return number - 1, wrong
        where = f"after a kill before operation {number}"
        left = contents(base)
        if needed and not any(all((path / name).is_file() for name in needed) for path in base.iterdir()):
            wrong.append(f"nothing whole is left {where}: {sorted(left)}")
        if any(left.get(name) != content for name, content in OWN.items()):
            wrong.append(f"a user's file is not what it was {where}")
        try:
            call(base / "out")
        except BaseException as error:
            wrong.append(f"refused {where}: {error!r}")
            continue
        found = contents(base)
        if found != expected:
            names = sorted(name for name in {*found, *expected} if found.get(name) != expected.get(name))
            wrong.append(f"not what the unbroken call leaves {where}: {names}")
        if empty := [str(path) for path in base.rglob("*") if path.is_dir() and not any(path.iterdir())]:
            wrong.append(f"empty folders {where}: {empty}")
