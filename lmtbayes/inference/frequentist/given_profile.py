"""What is read off a profile that was given: whether it is one, of what it is, and which levels can be asked of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lmtbayes import _checks

if TYPE_CHECKING:
    import xarray


def check_profile(profile: object) -> None:
    """Require a Dataset of `profile_likelihood`."""
    import xarray

    if not isinstance(profile, xarray.Dataset) or "q" not in profile:
        raise _checks.invalid("profile", type(profile).__name__, "a Dataset of profile_likelihood")


def check_levels(argument: str, levels: Sequence[float]) -> tuple[float, ...]:
    """Return confidence levels as floats inside (0, 1)."""
    array = _checks.number(argument, levels, "numbers between 0 and 1")
    if array is None or array.ndim != 1 or not array.size or not np.all((array > 0.0) & (array < 1.0)):
        raise _checks.invalid(argument, levels, "numbers between 0 and 1, such as (0.6827, 0.9545)")
    return tuple(array.tolist())


def provenance(profile: "xarray.Dataset") -> tuple[str, ...]:
    """Lines that say where a profile comes from."""
    a = profile.attrs
    lines = [f"lmtbayes {a.get('lmtbayes_version', '?')}: profile likelihood of {a.get('experiments', '?')}"]
    lines.append(f"model {a.get('model', '?')}, mixing {a.get('mixing', '?')}; profiled: {a.get('profiled', '?')}")
    lines.append(f"ranges: {a.get('ranges', '?')}")
    if "best_g_x" in a:
        lines.append(
            f"best fit: g_x = {a['best_g_x']:.6g}, mass = {a['best_mass']:.6g} MeV, eps_x = {a['best_eps_x']:.6g}, "
            f"ln L = {a['best_log_likelihood']:.6f}"
        )
    return tuple(lines)
