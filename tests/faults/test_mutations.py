"""Files and arguments changed at random: accepted as what they say, or refused in a sentence of the package."""

import json
import subprocess
import sys
from pathlib import Path


def test_every_mutation_is_accepted_as_it_is_or_refused_in_a_sentence(tmp_path):
    """Settings files, their arguments and tables, 300 each, where no annotation is checked first."""
    script = Path(__file__).with_name("mutations.py")
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    for kind, counts in json.loads(done.stdout).items():
        assert counts.get("refused", 0) > 30, (kind, counts)
