"""All cases, in the order in which they run."""

from benchmarks import by_hand, cold, designs, device, fits, growth, rates
from benchmarks.timing import Case

CASES: tuple[Case, ...] = (
    *rates.CASES,
    *cold.CASES,
    *fits.CASES,
    *by_hand.CASES,
    *designs.CASES,
    *growth.CASES,
    *device.CASES,
)


def find(only: list[str] | None = None, quick: bool = False) -> tuple[Case, ...]:
    """Return the cases whose name begins with, or holds, one of `only`."""
    chosen = [case for case in CASES if case.quick or not quick]
    if only:
        chosen = [case for case in chosen if any(word in case.name for word in only)]
    return tuple(chosen)
