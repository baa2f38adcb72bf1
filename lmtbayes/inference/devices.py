"""Devices of this machine: one compiled function of one item, run over many of them in blocks dealt out to all devices.

Every device runs the same program on blocks of one shape, whatever their number, and devices do not talk to each other:
an item's result is the one that a single device gives, to rounding (the compiler may round a program for two devices
otherwise than one for a single device: last bits, 1e-13 in q where it was seen at all).
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from lmtbayes import _checks
from lmtbayes._compile import compile_large

AXIS = "items"
"""Name of the one axis of every mesh: chains, cells, toys or points."""

ACCELERATED = 64
"""Times as many items as a core is given, where an item is a point: blocks of 128 then are blocks of 8192."""

_FEW = 32
"""Items that a core evaluates at least: fewer take as long, by the loops that XLA dispatches."""

_SMALL = 4096
"""Numbers that are copied in a microsecond or two."""

type Devices = tuple[jax.Device, ...]

type Column = jax.Array | np.ndarray
"""Of a block: on its devices, or where that is the same the caller's own."""


def resolve_devices(devices: Sequence[Any] | None) -> Devices:
    """Return the devices to run on: all of this process where None are given.

    Raises
    ------
    InvalidArgument
        None, no devices of jax, one of another process, or one twice.
    """
    local = tuple(jax.local_devices())
    if devices is None:
        return local
    given = tuple(devices) if isinstance(devices, Sequence) else (devices,)
    ours = {d for d in given if isinstance(d, jax.Device) and d.process_index == jax.process_index()}
    if not given or len(ours) < len(given):
        raise _checks.invalid("devices", devices, f"different devices of this process, such as {local}")
    return given


def side_by_side(devices: Devices, on_a_core: int, accelerated: int = ACCELERATED) -> int:
    """Items a device evaluates at once where nobody says how many: what fills it, and bounds its memory.

    On a core as many as its second-level cache holds the arrays of; an accelerator waits for the host unless it is
    given `accelerated` times as many.
    """
    return on_a_core if devices[0].platform == "cpu" else accelerated * on_a_core


def resolve_batch_size(given: int | None, devices: Devices, on_a_core: int, accelerated: int = ACCELERATED) -> int:
    """Return the items a device evaluates side by side: those given, or what suits the devices.

    Raises
    ------
    InvalidArgument
        A number below one.
    """
    if given is None:
        return side_by_side(devices, on_a_core, accelerated)
    _checks.whole("batch_size", given)
    return int(given)


def mesh_of(devices: Devices) -> Mesh:
    """Return the one-dimensional mesh of devices.

    Its axis is Auto: an Explicit one, jax's default, is refused by code that does not know of meshes (numpyro's).
    """
    return Mesh(np.array(devices), (AXIS,), axis_types=(AxisType.Auto,))


class Blocked:
    """A function of many items side by side, over all items, in blocks of one shape on every device.

    Parameters
    ----------
    run
        (items, shared, count) -> results, items and results with the leading axis `block`, on the devices; `count`, an
        entry a device, is how many of its items are wanted.
    devices
        Of `resolve_devices`.
    block
        Items of a call on all devices together.
    function
        (item, *shared) -> results, the same of one item in plain Python, for `jax.disable_jit()`; by default `run` is
        made of such functions.
    """

    def __init__(
        self,
        run: Callable[[Any, tuple[Any, ...], Any], Any],
        devices: Devices,
        block: int,
        function: Callable[..., Any] | None = None,
    ):
        mesh = mesh_of(devices)
        self.run = run
        self.block = block
        self._devices = len(devices)
        self._function = function
        self._is_here = _is_here(devices)
        self._split, self._whole = NamedSharding(mesh, PartitionSpec(AXIS)), NamedSharding(mesh, PartitionSpec())

    def __call__(self, items: Any, *shared: Any, bar: str | None = None) -> Any:
        """Evaluate all items.

        Parameters
        ----------
        items
            NumPy arrays, or a pytree of them, of one leading axis.
        shared
            What the function takes besides the item, the same for all of them.
        bar
            Label of a progress bar, shown at a terminal; none by default.

        Returns
        -------
        results
            NumPy arrays with the leading axis of the items.
        """
        items = jax.tree.map(np.asarray, items)
        count = len(jax.tree.leaves(items)[0])
        parts = [
            part for _, part in self.blocks(count, lambda i: jax.tree.map(lambda x: x[i], items), *shared, bar=bar)
        ]
        return jax.tree.map(lambda *columns: np.concatenate(columns), *parts)

    def on_all(self, arrays: Any) -> Any:
        """Put arrays on every device, whole, unless they are there."""
        return jax.tree.map(_kept, arrays) if self._is_here else jax.device_put(arrays, self._whole)

    def dealt_out(self, items: Any) -> Any:
        """Put the items of one block on the devices that work on them, unless they are there."""
        return items if self._is_here else jax.device_put(items, self._split)

    def blocks(
        self, count: int, take: Callable[[np.ndarray], Any], *shared: Any, bar: str | None = None
    ) -> Iterator[tuple[slice, Any]]:
        """Evaluate `count` items block by block; `take` makes the items of an array of indices, here or on the devices.

        Only two blocks are on the devices at a time: one that is computed and one that is fetched. Under
        `jax.disable_jit()` one by one, as plain Python.
        """
        from tqdm.auto import tqdm

        if self._function is not None and jax.config.jax_disable_jit:
            for k in range(count):
                item = jax.tree.map(lambda x: jnp.asarray(x[0]), take(np.array([k])))
                yield slice(k, k + 1), jax.tree.map(lambda x: np.asarray(x)[None], self._function(item, *shared))
            return
        shared = self.on_all(shared)
        waiting: tuple[slice, Any] | None = None
        with tqdm(total=count, desc=bar, disable=None if bar else True) as progress:
            for begin in range(0, count, self.block):
                # The last block is filled up with copies of the last item: one shape, one compilation.
                indices = np.minimum(np.arange(begin, begin + self.block), count - 1)
                found = self.run(self.dealt_out(take(indices)), shared, self._wanted(count - begin))
                if waiting is not None:
                    yield _fetched(*waiting)
                    progress.update(waiting[0].stop - waiting[0].start)
                waiting = slice(begin, min(begin + self.block, count)), found
            if waiting is not None:
                yield _fetched(*waiting)
                progress.update(waiting[0].stop - waiting[0].start)

    def _wanted(self, left: int) -> Any:
        """How many of the next items are wanted on each device, on the devices."""
        if left >= self.block:
            return self._all
        own = self.block // self._devices
        return self.dealt_out(np.clip(left - own * np.arange(self._devices), 0, own))

    @functools.cached_property
    def _all(self) -> Any:
        return self.dealt_out(np.full(self._devices, self.block // self._devices))


class Mapped(Blocked):
    """A compiled function of one item, over all items; `run` is what it is compiled to.

    Parameters
    ----------
    function
        (item, *shared) -> arrays; both may be pytrees. Traceable.
    devices
        Of `resolve_devices`.
    batch_size
        Items a device evaluates side by side: what bounds its memory. On a core those that are wanted of a larger batch
        are evaluated `_FEW` at a time, so that few items do not take as long as many.
    batches
        Batches a device works through in one call, one after the other, so that short ones do not wait for the host.
    """

    def __init__(self, function: Callable[..., Any], devices: Devices, batch_size: int, batches: int = 1):
        by_few = batches == 1 and devices[0].platform == "cpu" and batch_size > _FEW and batch_size % _FEW == 0

        # Jitted, as it is traced once then.
        @jax.jit
        def together(items: Any, shared: tuple[Any, ...]) -> Any:
            return jax.vmap(lambda item: function(item, *shared))(items)

        def own(items: Any, shared: tuple[Any, ...], count: jax.Array) -> Any:
            if by_few:
                return _few_at_a_time(lambda few: together(few, shared), items, count[0], batch_size)
            if batches == 1:
                return together(items, shared)
            # Not lax.map's own batch_size: that takes no arrays of size zero (no nuisances).
            rows = jax.tree.map(lambda x: x.reshape(batches, batch_size, *x.shape[1:]), items)
            found = jax.lax.map(lambda batch: together(batch, shared), rows)
            return jax.tree.map(lambda x: x.reshape(batches * batch_size, *x.shape[2:]), found)

        if not _is_here(devices):
            split, whole, mesh = PartitionSpec(AXIS), PartitionSpec(), mesh_of(devices)
            own = jax.shard_map(own, mesh=mesh, in_specs=(split, whole, split), out_specs=split, check_vma=False)
        # Any: jax's type of a compiled function lacks the method that counts its compilations.
        self._compiled: Any = compile_large(own)
        super().__init__(self._compiled, devices, len(devices) * batch_size * batches, function)

    def lowered(self, items: Any, shared: tuple[Any, ...], count: Any) -> Any:
        """Return what `run` is compiled from: its method `compile` spares the first call of `run` that."""
        return self._compiled.lower(items, shared, count)

    def _cache_size(self) -> int:
        """Count the kinds of arguments so far, by jax's own name for it: at most as many compilations."""
        return self._compiled._cache_size()


def _few_at_a_time(together: Callable[[Any], Any], items: Any, count: jax.Array, number: int) -> Any:
    """Evaluate as many of `number` items as are wanted, `_FEW` at a time; the results of the others are zero."""

    def few(k: Any) -> Any:
        return jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, k * _FEW, _FEW), items)

    def step(k: jax.Array, results: Any) -> Any:
        return jax.tree.map(
            lambda whole, part: jax.lax.dynamic_update_slice_in_dim(whole, part, k * _FEW, 0), results, together(few(k))
        )

    shapes = jax.eval_shape(together, jax.eval_shape(few, 0))
    nothing = jax.tree.map(lambda x: jnp.zeros((number, *x.shape[1:]), x.dtype), shapes)
    return jax.lax.fori_loop(0, (count + _FEW - 1) // _FEW, step, nothing)


def _is_here(devices: Devices) -> bool:
    """Whether arrays are there anyway: a compiled function takes them in a tenth of the time of `device_put`."""
    return len(devices) == 1 and devices[0] == jax.devices()[0] and devices[0].platform == "cpu"


def _kept(array: Any) -> Any:
    """An array that is not copied at each call; to copy a small one takes less time than to make it one of jax's."""
    return jnp.asarray(array) if isinstance(array, np.ndarray) and array.size > _SMALL else array


def _fetched(where: slice, found: Any) -> tuple[slice, Any]:
    return where, jax.tree.map(lambda x: np.asarray(x)[: where.stop - where.start], found)
