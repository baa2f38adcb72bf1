"""Chunks over a dask cluster: plain data and a number go out, a data set comes back; the optional extra `cluster`."""

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from lmtbayes.errors import ChunkError, MissingDependency
from lmtbayes.jobs.study import Study, stamp
from lmtbayes.jobs.tasks import compute_elsewhere

if TYPE_CHECKING:
    import xarray as xr

RETRIES = 3
"""How often a chunk may fail before the run stops. A chunk whose worker died is given to another (dask's own
`allowed-failures`, 3, stops one that kills every worker it meets)."""
LOOPBACK = "127.0.0.1"
"""Where workers of this machine listen: nobody else's machine may hand them work."""


def over_cluster(
    study: Study, chunks: list[int], scheduler: str | None, workers: int, say: Callable[[str], None]
) -> "Iterator[tuple[int, xr.Dataset]]":
    """Yield chunks as a cluster finishes them; a chunk whose worker died is computed by another."""
    try:
        from distributed import Client, LocalCluster, as_completed
    except ImportError:
        raise MissingDependency(
            "a scheduler or workers need dask.distributed: pip install 'lmtbayes[cluster]'"
        ) from None
    if not chunks:
        return
    where: dict[str, Any] = {"address": scheduler}
    if scheduler is None:
        where = {
            "address": LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None, host=LOOPBACK)
        }
    try:
        with Client(**where, set_as_default=False) as client:
            say(f"{client.scheduler.address}: {len(client.scheduler_info()['workers'])} workers so far")
            given, versions = study.to_dict(), stamp()
            run_id = uuid.uuid4().hex[:8]
            futures = {
                client.submit(
                    compute_elsewhere, given, index, versions, key=f"lmtbayes-{run_id}-{index}", retries=RETRIES
                ): index
                for index in chunks
            }
            for future in as_completed(list(futures), loop=client.loop):
                index = futures.pop(future)
                if future.status != "finished":
                    raise ChunkError(f"chunk {index} failed on the cluster: {future.exception()}") from None
                yield index, future.result()
                future.release()
    finally:
        if scheduler is None:
            where["address"].close()
