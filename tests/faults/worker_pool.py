"""Run in a process of its own, to be killed: a command with two workers, each of which leaves its number and sleeps."""

import functools
import os
import sys
import time
from pathlib import Path

from lmtbayes import cli_process
from lmtbayes.jobs import pool


def work(folder, name, say):
    (folder / f"{name}.tmp").write_text(str(os.getpid()))
    (folder / f"{name}.tmp").rename(folder / name)
    time.sleep(600.0)


if __name__ == "__main__":
    with cli_process.command():
        pool.run(functools.partial(work, Path(sys.argv[1])), [["table1"], ["fig4"]], 2, print, print)
