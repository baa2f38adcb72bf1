"""Checks that the settings of all methods share."""

from typing import Any

from lmtbayes import _checks


def set_whole(settings: Any, **least: int) -> None:
    """Require whole numbers, and keep NumPy's as Python's: compiled functions are found by them, files have no others.

    Parameters
    ----------
    settings
        A frozen dataclass that is being made.
    least
        Name of the field to the smallest number accepted.
    """
    for name, minimum in least.items():
        value = getattr(settings, name)
        _checks.whole(name, value, minimum)
        object.__setattr__(settings, name, int(value))


def set_positive(settings: Any, name: str) -> None:
    """Require a single finite number above zero, and keep it as Python's; see `set_whole`."""
    value = getattr(settings, name)
    _checks.scalar(name, value)
    _checks.positive(name, value)
    object.__setattr__(settings, name, float(value))
