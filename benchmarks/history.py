"""The history of the benchmarks: a file for a machine and a day, and how the times went.

python -m benchmarks --history benchmarks/history      # adds today's, or replaces it
python -m benchmarks.history benchmarks/history FIGURE # draws what is there
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWN = (
    "likelihood/value/4096",
    "likelihood/gradient/4096",
    "fits/posterior, 4 chains of 1000",
    "fits/NUTS, 4 chains of 1000 + 1000",
    "fits/profile 100 x 100",
    "fits/evidence by importance",
    "device/value, seven experiments",
    "device/posterior, default settings",
)
"""What a history is read for; the files have all."""


def file_name(machine: Mapping[str, Any]) -> str:
    """Return the day and the kind of machine, as letters, digits and dashes."""
    kind = machine["processor"] if machine["accelerator"] == "none" else machine["accelerator"]
    return f"{machine['when']}_{re.sub(r'[^A-Za-z0-9]+', '-', kind).strip('-')}.json"


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the results of all files, the oldest first."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def seconds(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Return case to kind of machine to (day, CPU seconds of a warm call), of an accelerator seconds by the clock."""
    found: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for one in results:
        machine = one["machine"]
        on_cpu = machine["accelerator"] == "none"
        kind = machine["processor"] if on_cpu else machine["accelerator"]
        for row in one["rows"]:
            taken = row.get("warm_cpu_s" if on_cpu else "warm_s")
            if taken is not None:
                found.setdefault(row["name"], {}).setdefault(kind, []).append((machine["when"], taken))
    return found


def draw(folder: Path) -> "Figure":
    """Draw a panel for every case of `DRAWN` that was measured, a line for a kind of machine."""
    import matplotlib.pyplot as plt
    import numpy as np

    measured = {name: kinds for name, kinds in seconds(read(folder)).items() if name in DRAWN}
    figure, axes = plt.subplots(len(measured), 1, figsize=(6.4, 1.5 * len(measured)), sharex=True, squeeze=False)
    for axis, (name, kinds) in zip(axes[:, 0], measured.items(), strict=True):
        for kind, line in kinds.items():
            days, taken = zip(*line, strict=True)
            axis.plot(np.array(days, dtype="datetime64[D]"), taken, "o-", label=kind)
        axis.set(ylim=(0.0, 1.3 * max(t for line in kinds.values() for _, t in line)), ylabel="s")
        axis.set_title(name.replace("/", ": ", 1), fontsize=9, loc="left")
    axes[0, 0].legend(fontsize=7, frameon=False)
    figure.autofmt_xdate()
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    draw(Path(sys.argv[1])).savefig(sys.argv[2])
