"""A likelihood as one HS3 document, with one analysis for each boson.

Format: the HEP Statistics Serialization Standard 0.2. Counts are `histfactory_dist`, as in a pyhf workspace;
a Gaussian measurement is a `gaussian_dist` among the auxiliary distributions, its mean linear in the pulls. Nothing of
pyhs3 is needed to write it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lmtbayes._version import __version__
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.terms import Gaussian
from lmtbayes.export.documents import Documents, numbers
from lmtbayes.export.linearised import COUNTS_AND_MEASUREMENTS, TOLERANCE, Linearised, linearised
from lmtbayes.export.responses import Channel, Effect, Sample
from lmtbayes.gauge.models import HiddenPhoton
from lmtbayes.inference.likelihood.joint import JointLikelihood

FILE = "hs3.json"
_VERSION = "0.2"
_WIDEST = 5.0
"""Pulls between which the domain lets a nuisance go, as pyhf does."""

type Document = dict[str, Any]


def hs3_workspace(
    like: JointLikelihood,
    bosons: Mapping[str, HiddenPhoton],
    *,
    leave_out: Sequence[str] = (),
    hold: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> Documents:
    """Write a likelihood as an HS3 document: an analysis "no_boson", and one with the name of each boson.

    Experiments that count are distributions "EXPERIMENT/BOSON" with their data; Gaussian measurements (g-2, N_eff,
    Eq. 34 of arXiv:2104.03297) are auxiliary distributions, one a bin. Parameters are the pulls of the nuisances.

    Parameters
    ----------
    like, bosons, leave_out, hold, tolerance
        As in `pyhf_workspace`.

    Returns
    -------
    documents
        "hs3.json" (`documents[...]`, `write(folder)`), and the differences of ln L.

    Raises
    ------
    InvalidArgument, UnknownName
        As `pyhf_workspace`; of terms only unequal uncertainties and your own cannot be expressed.
    """
    found = linearised(like, bosons, leave_out, hold, tolerance, "HS3 document", COUNTS_AND_MEASUREMENTS)
    distributions: list[Document] = []
    functions: list[Document] = []
    likelihoods = []
    counting = [e for e in found.experiments if e.term.is_poisson]
    for boson, channels in found.channels.items():
        own = dict(zip((e.name for e in found.experiments), channels, strict=True))
        names, auxiliary = [], []
        for e in found.experiments:
            if e in counting:
                distributions.append(_counts(f"{e.name}/{boson}", e, own[e.name]))
                names.append(f"{e.name}/{boson}")
            else:
                new, needed = _measurements(f"{e.name}/{boson}", e, own[e.name], found.data[e.name])
                distributions += new
                functions += needed
                auxiliary += [one["name"] for one in new]
        free = _unconstrained(found, own, counting)
        for name in free:
            constraint = {"name": f"constraint_{name}", "type": "gaussian_dist", "x": 0.0, "mean": name, "sigma": 1.0}
            if constraint not in distributions:
                distributions.append(constraint)
            auxiliary.append(constraint["name"])
        likelihoods.append(
            {"name": f"likelihood/{boson}", "distributions": names, "data": [e.name for e in counting]}
            | ({"aux_distributions": auxiliary} if auxiliary else {})
        )
    pulls = [n.name for n in found.nuisances]
    document = {
        "metadata": {
            "hs3_version": _VERSION,
            "packages": [{"name": "lmtbayes", "version": __version__}],
            "description": f"{found.words}; {found.said}",
        },
        "distributions": distributions,
        "functions": functions,
        "data": [
            {"name": e.name, "type": "binned", "contents": numbers(found.data[e.name]), "axes": [_axis(e)]}
            for e in counting
        ],
        "domains": [
            {
                "name": "pulls",
                "type": "product_domain",
                "axes": [{"name": name, "min": -_WIDEST, "max": _WIDEST} for name in pulls],
            }
        ],
        "parameter_points": [
            {"name": "zero_pulls", "parameters": [{"name": name, "value": 0.0} for name in pulls]},
        ],
        "likelihoods": likelihoods,
        "analyses": [
            {"name": boson, "likelihood": f"likelihood/{boson}", "domains": ["pulls"], "init": "zero_pulls"}
            for boson in found.channels
        ],
        "misc": {
            "bosons": {
                name: {"mass_mev": float(p.mass), "g_x": float(p.g_x), "eps_x": float(p.eps_x)}
                for name, p in found.bosons.items()
            },
            "ln_l_differences": {name: miss.size for name, miss in found.misses.items()},
        },
    }
    misses = {name: miss.size for name, miss in found.misses.items()}
    return Documents({FILE: document}, misses, found.said)


def _unconstrained(found: Linearised, own: Mapping[str, Channel], counting: Sequence[Experiment]) -> list[str]:
    """Nuisances whose constraint no histogram brings along: those of measurements alone."""
    brought = {effect.nuisance for e in counting for sample in own[e.name].samples for effect in sample.effects}
    return [n.name for n in found.nuisances if n.name not in brought]


def _axis(e: Experiment) -> Document:
    """Bins by number: experiments may share a quantity, and axes of one likelihood must have different names."""
    return {"name": f"bin of {e.name}", "min": 0.0, "max": float(e.n_bins), "nbins": e.n_bins}


def _counts(name: str, e: Experiment, channel: Channel) -> Document:
    samples = [
        {
            "name": sample.name,
            "data": {"contents": numbers(sample.counts), "errors": [0.0] * e.n_bins},
            "modifiers": [_modifier(sample, effect) for effect in sample.effects],
        }
        for sample in channel.samples
    ]
    return {"name": name, "type": "histfactory_dist", "axes": [_axis(e)], "samples": samples}


def _modifier(sample: Sample, effect: Effect) -> Document:
    common = {"name": effect.nuisance, "parameter": effect.nuisance, "constraint": "Gauss"}
    if effect.is_factor:
        return common | {
            "type": "normsys",
            "data": {"hi": float(np.exp(effect.size)), "lo": float(np.exp(-effect.size))},
        }
    up, down = ({"contents": numbers(sample.counts + sign * effect.size)} for sign in (1.0, -1.0))
    return common | {"type": "histosys", "data": {"hi": up, "lo": down}}


def _measurements(
    name: str, e: Experiment, channel: Channel, data: Float[np.ndarray, "..."]
) -> tuple[list[Document], list[Document]]:
    """Gaussians of a measurement, one a bin, and the functions that their means are."""
    width = e.term.sigma if isinstance(e.term, Gaussian) else np.sqrt(np.where(data > 0.0, data, 1.0))
    sigma = np.broadcast_to(width, data.shape)
    central = np.sum([sample.counts for sample in channel.samples], axis=0)
    distributions, functions = [], []
    for k, (x, s) in enumerate(zip(data, sigma, strict=True)):
        own = f"{name}/{k}"
        terms: dict[str, float] = {}
        for sample in channel.samples:
            for effect in sample.effects:
                terms[effect.nuisance] = terms.get(effect.nuisance, 0.0) + float(effect.size[k])
        mean: str | float = float(central[k])
        if any(terms.values()):
            mean = f"{own}/mean"
            factors = {f"{own}/{n}": [size, n] for n, size in terms.items() if size}
            functions += [{"name": n, "type": "product", "factors": f} for n, f in factors.items()]
            functions.append({"name": f"{own}/central", "type": "product", "factors": [float(central[k])]})
            functions.append({"name": mean, "type": "sum", "summands": [f"{own}/central", *factors]})
        distributions.append({"name": own, "type": "gaussian_dist", "x": float(x), "mean": mean, "sigma": float(s)})
    return distributions, functions
