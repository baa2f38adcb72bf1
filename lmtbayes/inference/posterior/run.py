"""What a run of chains is given beside its method: seed, files, devices, and a bar that says how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from lmtbayes.inference.devices import Devices
from lmtbayes.inference.posterior.checkpoint import Checkpoint


class Bar:
    """A progress bar on the standard error where that is a terminal, or nothing."""

    def __init__(self, total: int, show: bool):
        from tqdm.std import tqdm

        self.total, self.done = total, 0
        self.bar = tqdm(total=total, unit="step", disable=None if show else True, dynamic_ncols=True)

    def say(self, text: str) -> None:
        """Show what is being done."""
        self.bar.set_description(text)

    def expect(self, total: int) -> None:
        """Begin to count, now that it is known how far."""
        self.total, self.done = total, 0
        self.bar.reset(total)

    def advance(self, steps: int) -> None:
        """So many steps more are done."""
        self.done += steps
        self.bar.update(steps)

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.close()


@dataclass(frozen=True)
class Run:
    """One call of `sample_posterior`."""

    seed: int
    chunk: int
    """Steps between two files."""
    saved: dict[str, np.ndarray] | None
    """What a checkpoint held."""
    file: Checkpoint | None
    """Where to write one."""
    bar: Bar
    devices: Devices
    """Those that share the chains."""

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """Add to an interrupt how far the run came, and how it goes on."""
        try:
            yield
        except KeyboardInterrupt as interrupt:
            kept = (
                "nothing was kept: give checkpoint=FILE"
                if self.file is None
                else f"the same call goes on from {self.file.path}"
            )
            interrupt.add_note(f"stopped after {self.bar.done} of {self.bar.total} steps; {kept}")
            raise
