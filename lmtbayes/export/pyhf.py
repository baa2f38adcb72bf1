"""A likelihood as a pyhf workspace (no boson) and a patchset (one patch a boson).

Formats: pyhf's JSON schemas 1.0.0, L. Heinrich et al., J. Open Source Softw. 6 (2021) 2823; patchsets as those of
ATL-PHYS-PUB-2019-029. Nothing of pyhf is needed to write them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lmtbayes import _checks
from lmtbayes._version import __version__
from lmtbayes.export.documents import Documents, numbers
from lmtbayes.export.linearised import COUNTS, TOLERANCE, linearised
from lmtbayes.export.responses import SIGNAL, Channel, Effect, Sample
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.joint import JointLikelihood

WORKSPACE, PATCHSET = "workspace.json", "patchset.json"
_VERSION = "1.0.0"
_NO_RECORD = "ins0000000"


def pyhf_workspace(
    like: JointLikelihood,
    bosons: Mapping[str, HiddenPhoton],
    *,
    leave_out: Sequence[str] = (),
    hold: Sequence[str] = (),
    tolerance: float = TOLERANCE,
    inspire: str = _NO_RECORD,
) -> Documents:
    """Write a likelihood as a pyhf workspace without a boson, and a patchset with one patch for each boson.

    A channel an experiment, a sample each for its signal (with the neutrinos of the Standard Model) and background. A
    patch replaces the signals. Every nuisance is a `normsys` or `histosys` of its name, from the Jacobian of the counts
    and symmetric; its parameter is the pull. There is no parameter of interest: a boson that interferes with the
    Standard Model is no signal that scales. ln L includes the constraints, and is that of `like.log_density`.

    Parameters
    ----------
    like
        The likelihood with its data.
    bosons
        Name (letters, digits, _) to HiddenPhoton; `grid_of_bosons` makes it of an array.
    leave_out
        Names of experiments to leave out, such as Gaussian measurements (g-2, N_eff), which pyhf cannot express.
    hold
        Names of nuisances to hold at their central values, such as those whose constraint is no standard normal.
    tolerance
        Largest accepted difference of ln L from that of the likelihood, where nuisances are up to two standard
        deviations away, alone or together. At the nuisances' zero there is none.
    inspire
        Record of the publication, "ins" and seven digits, which the format of a patchset asks for; zeros for none.

    Returns
    -------
    documents
        "workspace.json" and "patchset.json" (`documents[...]`, `write(folder)`), and the differences of ln L.

    Raises
    ------
    InvalidArgument
        What cannot be expressed, by name; a difference of ln L above the tolerance, with its size.
    UnknownName
        An experiment or nuisance that is not there.

    Examples
    --------
    >>> import lmtbayes as lmt
    >>> truth = lmt.BENCHMARKS["BP4"]
    >>> like = lmt.JointLikelihood(["na64mu"], lmt.LMU_LTAU, lmt.asimov(lmt.LMU_LTAU, truth), check=False)
    >>> found = lmt.export.pyhf_workspace(like, {"BP4": truth})
    >>> [modifier["type"] for modifier in found["workspace.json"]["channels"][0]["samples"][0]["modifiers"]]
    ['normsys']
    """
    if not isinstance(inspire, str) or len(inspire) != 10 or inspire[:3] != "ins" or not inspire[3:].isdigit():
        raise _checks.invalid("inspire", inspire, "'ins' and seven digits")
    found = linearised(like, bosons, leave_out, hold, tolerance, "pyhf workspace", COUNTS)
    (_, base), *others = found.channels.items()
    workspace = {
        "channels": [{"name": c.name, "samples": [_sample(s) for s in c.samples]} for c in base],
        "measurements": [{"name": "lmtbayes", "config": {"poi": "", "parameters": []}}],
        "observations": [{"name": name, "data": numbers(counts)} for name, counts in found.data.items()],
        "version": _VERSION,
    }
    misses = {name: miss.size for name, miss in found.misses.items()}
    patches = [
        {
            "metadata": {
                "name": name,
                "values": _values(found.bosons[name]),
                "ln_l_difference": misses[name],
            },
            "patch": [_replaced(k, channel) for k, channel in enumerate(channels)],
        }
        for name, channels in others
    ]
    canonical = json.dumps(workspace, sort_keys=True, ensure_ascii=False)
    patchset = {
        "metadata": {
            "references": {"hepdata": inspire},
            "description": f"lmtbayes {__version__}: {found.words}; {found.said}",
            "digests": {"sha256": hashlib.sha256(canonical.encode()).hexdigest()},
            "labels": ["mass_mev", "g_x", "eps_x"],
        },
        "patches": patches,
        "version": _VERSION,
    }
    return Documents({WORKSPACE: workspace, PATCHSET: patchset}, misses, found.said)


def _values(photon: HiddenPhoton) -> list[float]:
    return [float(photon.mass), float(photon.g_x), float(photon.eps_x)]


def _replaced(number: int, channel: Channel) -> dict[str, Any]:
    """Operation that puts the signal of a boson into a channel."""
    (signal,) = (sample for sample in channel.samples if sample.name == SIGNAL)
    return {"op": "replace", "path": f"/channels/{number}/samples/0", "value": _sample(signal)}


def _sample(sample: Sample) -> dict[str, Any]:
    modifiers = [_modifier(sample, effect) for effect in sample.effects]
    return {"name": sample.name, "data": numbers(sample.counts), "modifiers": modifiers}


def _modifier(sample: Sample, effect: Effect) -> dict[str, Any]:
    if effect.is_factor:
        data: dict[str, Any] = {"hi": float(np.exp(effect.size)), "lo": float(np.exp(-effect.size))}
        return {"name": effect.nuisance, "type": "normsys", "data": data}
    data = {"hi_data": numbers(sample.counts + effect.size), "lo_data": numbers(sample.counts - effect.size)}
    return {"name": effect.nuisance, "type": "histosys", "data": data}
