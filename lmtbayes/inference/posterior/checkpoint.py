"""Checkpoints: one file a run, replaced as a whole, so that a killed run leaves its last complete one behind."""

import glob
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import whole
from lmtbayes.errors import CheckpointError

_FORMAT = 3
"""Counts what a run goes on with: arrays and, since 3, the proposals whose weights they are."""


@dataclass(frozen=True)
class Checkpoint:
    """The file of one run.

    Parameters
    ----------
    path
        That `checked` has let pass.
    identity, settings
        What tells this run from others, and its settings by name, for the message where they differ.
    """

    path: Path
    identity: str
    settings: Mapping[str, Any]

    def save(self, arrays: Mapping[str, Any]) -> None:
        """Write the file whole."""
        kept: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
        about = {"format": _FORMAT, "identity": self.identity, "settings": dict(self.settings), "digest": _digest(kept)}
        with whole(self.path) as temporary, temporary.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(about)), **kept)

    def load(self) -> dict[str, np.ndarray] | None:
        """Read the arrays; None where there is no file.

        Raises
        ------
        CheckpointError
            Not a checkpoint, one that has changed since it was written, or one of another run; the message says what
            differs.
        """
        for stale in self.path.parent.glob(f".{glob.escape(self.path.name)}.*.tmp"):  # of a run that was killed
            stale.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            header: dict[str, Any] = dict(json.loads(str(arrays.pop("header"))))
        except Exception as error:  # a damaged archive has a dozen, zlib's and struct's among them
            raise CheckpointError(
                f"`checkpoint` {self.path} is not a checkpoint of lmtbayes ({error}); name another file"
            ) from None
        if header.get("format") != _FORMAT or header.get("identity") != self.identity:
            theirs, ours = header.get("settings", {}), dict(self.settings)
            changed = [
                f"{name}: {theirs.get(name)!r} there, {ours.get(name)!r} here"
                for name in sorted({*theirs, *ours})
                if theirs.get(name) != ours.get(name)
            ]
            if header.get("format") != _FORMAT:
                changed.append("another version of lmtbayes began it")
            reason = "; ".join(changed) or "the data, an experiment or the prior are not the same"
            raise CheckpointError(
                f"`checkpoint` {self.path} belongs to another run ({reason}); name another file, delete it, or repeat "
                "the call with the settings it was made with"
            )
        if header.get("digest") != _digest(arrays):
            raise CheckpointError(
                f"`checkpoint` {self.path} has changed since it was written; delete it, or name another"
            )
        return arrays


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Of names, types, shapes and contents."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def checked(checkpoint: str | Path) -> Path:
    """Return the path of a checkpoint that can be written later on.

    Raises
    ------
    InvalidArgument
        No path, a folder, or a file in a folder that does not exist or cannot be written to.
    """
    if not isinstance(checkpoint, str | os.PathLike) or not str(checkpoint):
        raise _checks.invalid("checkpoint", checkpoint, "the path of a file, or None")
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        raise _checks.invalid("checkpoint", str(checkpoint), "a file; that is a folder")
    try:
        # Asking for the permission is not enough: there are folders in which nobody can make a file.
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError:
        raise _checks.invalid(
            "checkpoint", str(checkpoint), "a file in a folder that exists and can be written to"
        ) from None
    return path
