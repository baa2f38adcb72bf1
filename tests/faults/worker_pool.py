"""Run in a process of its own, to be killed: a command with two workers, each of which leaves its number and sleeps."""

import os
import sys
import time
from pathlib import Path

from lmtbayes import cli_process
from lmtbayes.jobs import topic_pool
from lmtbayes.paper.topics import TOPICS


def work(topic, folder, suffix, say):
    (folder / f"{topic.name}.tmp").write_text(str(os.getpid()))
    (folder / f"{topic.name}.tmp").rename(folder / topic.name)
    time.sleep(600.0)


if __name__ == "__main__":
    groups = [[TOPICS["table1"]], [TOPICS["fig4"]]]
    with cli_process.command():
        topic_pool.run(work, groups, Path(sys.argv[1]), "png", 2, print, print)
