"""The folder of a study, one file a chunk, and who fills it: this process, an array of jobs, or a dask cluster.

A file appears under its name when it is complete; a chunk whose file is there is never computed again. So any run can
be killed and repeated, and any number of runs may fill one folder.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks
from lmtbayes._files import read_netcdf, write_text
from lmtbayes.errors import ChunkError, InvalidArgument
from lmtbayes.jobs.cluster import over_cluster
from lmtbayes.jobs.locks import settling
from lmtbayes.jobs.output import MARK, SETTINGS_FILE, differences, write_netcdf
from lmtbayes.jobs.strict import read_json
from lmtbayes.jobs.study import Study, stamp
from lmtbayes.jobs.tasks import compute, merge, rows_of

if TYPE_CHECKING:
    import xarray as xr

RESULT = "study.nc"
AXIS = {
    "toys": "toy",
    "coverage": "toy",
    "feldman-cousins": "toy",
    "intervals": "toy",
    "verdicts": "toy",
    "sbc": "simulation",
    "evidence": "repeat",
}
"""What is numbered in a chunk; of a grid it is the mass."""


class Folder:
    """A folder with the settings of one study and the chunks that are done.

    Parameters
    ----------
    path
        Made if it is not there.
    study
        What it is for.

    Raises
    ------
    InvalidArgument
        The folder belongs to another study, or holds something else.
    """

    def __init__(self, path: str | Path, study: Study):
        self.path, self.study = Path(path), study
        if self.path.exists() and not self.path.is_dir():
            raise self._is_something_else()
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(study.to_dict(), indent=2) + "\n"
        with settling(self.path):  # runs that start together: what one has begun, another must not look at
            self._check()
            (self.path / "chunks").mkdir(exist_ok=True)
            if not (self.path / SETTINGS_FILE).exists():
                write_text(self.path / SETTINGS_FILE, text)

    def _check(self) -> None:
        """Refuse a folder of another study; one whose maker was killed has no settings, or a temporary file of them."""
        file = self.path / SETTINGS_FILE
        if file.is_file():
            try:
                theirs = read_json(file.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise InvalidArgument(
                    f"`out` = {str(self.path)!r} has settings that cannot be read ({error}); name another folder"
                ) from None
            ours = self.study.to_dict()
            if theirs != ours:
                changed = ", ".join(differences(theirs, ours)) or "its settings"
                raise InvalidArgument(f"`out` = {str(self.path)!r} belongs to another study ({changed}); name another")
        elif self._others():
            raise self._is_something_else()

    def _is_something_else(self) -> InvalidArgument:
        return InvalidArgument(f"`out` = {str(self.path)!r} holds something that is no study; name another folder")

    def _others(self) -> list[str]:
        """Names of what no study has before its settings are written."""
        names = [p.name for p in self.path.iterdir()]
        return [n for n in names if n not in ("chunks", MARK) and not fnmatch(n, f".{SETTINGS_FILE}.*.tmp")]

    def file(self, index: int) -> Path:
        """Where a chunk is, or will be."""
        return self.path / "chunks" / f"{index:06d}.nc"

    def missing(self, chunks: Sequence[int]) -> list[int]:
        """Those that are not there yet."""
        return [index for index in chunks if not self.file(index).exists()]

    def keep(self, index: int, chunk: "xr.Dataset") -> None:
        """Write a chunk, unless it has been written meanwhile."""
        if not self.file(index).exists():
            try:
                write_netcdf(self.file(index), chunk)
            except FileNotFoundError:  # cleared away by a run that merges meanwhile
                if not self.file(index).exists():
                    raise

    def merge(self) -> "xr.Dataset":
        """Join all chunks into study.nc.

        Raises
        ------
        ChunkError
            A chunk that is missing, damaged, of another study, of other versions or of a wrong size; a file too many.
        """
        missing = self.missing(range(self.study.chunks))
        if missing:
            raise ChunkError(
                f"{len(missing)} of {self.study.chunks} chunks are not there yet, the first is number {missing[0]}; "
                "the same command without --merge computes them"
            )
        known = {self.file(index).name for index in range(self.study.chunks)}
        strange = sorted(p.name for p in (self.path / "chunks").glob("*.nc") if p.name not in known)
        if strange:
            raise ChunkError(f"{self.path / 'chunks' / strange[0]} is no chunk of this study; take it away")
        parts = [self._read(index) for index in range(self.study.chunks)]
        result = merge(self.study, parts)
        made_by = {name: parts[0].attrs[name] for name in stamp()}
        result.attrs |= {"study": self.study.identity(), "seed": self.study.fit.seed, "chunks": len(parts)} | made_by
        result.attrs.pop("chunk", None)
        write_netcdf(self.path / RESULT, result)
        for folder in (self.path, self.path / "chunks"):
            for stale in folder.glob(".*.tmp"):  # of a killed run
                stale.unlink(missing_ok=True)
        return result

    def _read(self, index: int) -> "xr.Dataset":
        path = self.file(index)
        try:
            chunk = read_netcdf(path)
        except (OSError, ValueError) as error:
            raise ChunkError(f"{path} cannot be read ({error}); delete it and run the study again") from None
        part = self.study.part(index)
        axis = AXIS.get(self.study.task, "mass")
        numbers = np.arange(part.first, part.first + part.number)
        wanted = rows_of(self.study, part) if axis == "mass" else numbers
        if (chunk.attrs.get("study"), chunk.attrs.get("chunk")) != (self.study.identity(), index):
            raise ChunkError(f"{path} is not chunk {index} of this study; delete it and run the study again")
        if not np.array_equal(chunk[axis].values, wanted):
            raise ChunkError(f"{path} does not hold {axis} {wanted[0]:g} to {wanted[-1]:g}; delete it and run again")
        for name, value in stamp().items():
            if chunk.attrs.get(name) != value:
                raise ChunkError(
                    f"{path} was made by {name.removesuffix('_version')} {chunk.attrs.get(name)}, this is {value}; "
                    "a study has one version of everything: merge with that one, or delete the chunk"
                )
        return chunk


def run(
    study: Study,
    out: str | Path,
    *,
    chunks: str | None = None,
    scheduler: str | None = None,
    workers: int = 0,
    progress: bool = True,
    say: Callable[[str], None] = print,
) -> "xr.Dataset | None":
    """Compute the chunks that are missing, and merge them when all are there.

    Parameters
    ----------
    study
        What to compute.
    out
        Folder of the study; the same call, or another one with other `chunks`, goes on where it stands.
    chunks
        "first:stop" of the chunks that this run computes, for arrays of jobs; all by default.
    scheduler
        Address of a dask scheduler, as "tcp://host:8786"; its workers compute, this process writes.
    workers
        Start so many worker processes on this machine instead; 0 computes in this process.
    progress
        Show a bar.
    say
        Is told what is being done.

    Returns
    -------
    result
        The merged study; None while chunks of other runs are missing.

    Raises
    ------
    InvalidArgument
        A bad range of chunks; a folder of another study; a scheduler and workers.
    ChunkError
        A chunk failed.
    MissingDependency
        A cluster without the extra `cluster`.
    """
    from tqdm.auto import tqdm

    wanted = parse_range(chunks, study.chunks)
    _checks.whole("workers", workers, 0)
    if scheduler is not None and workers:
        raise InvalidArgument("`workers` must be left out where a `scheduler` is given: it has its own")
    folder = Folder(out, study)
    missing = folder.missing(wanted)
    say(f"{study.task}: {study.chunks} chunks, {len(missing)} of {len(wanted)} to compute")
    if scheduler is None and not workers:
        done: Iterator[tuple[int, xr.Dataset]] = ((index, compute(study, index)) for index in missing)
    else:
        done = over_cluster(study, missing, scheduler, workers, say)
    for index, chunk in tqdm(done, total=len(missing), unit="chunk", disable=None if progress else True):
        folder.keep(index, chunk)
    if folder.missing(range(study.chunks)):
        say("chunks of other runs are missing: not merged yet")
        return None
    return folder.merge()


def parse_range(text: str | None, count: int) -> range:
    """Return the chunks of "first:stop"; all of them for None.

    Raises
    ------
    InvalidArgument
        No range, or one that leaves the chunks there are.
    """
    if text is None:
        return range(count)
    first, colon, stop = text.partition(":")
    try:
        found = range(int(first or 0), int(stop or count)) if colon else range(int(first), int(first) + 1)
    except ValueError:
        found = range(0)
    if not found or found[0] < 0 or found[-1] >= count:
        raise _checks.invalid("chunks", text, f"first:stop within 0:{count}")
    return found
