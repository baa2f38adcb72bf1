"""What Figs. 5, 7, 8, 9 and 12 share: profiles in the (mass, g_x) plane of data made by a benchmark.

Data are Asimov data of a benchmark of Table 1 in Lmu-Ltau, eps_x = -g_x/70. What reads them is a model whose mixing is
fixed, so that mass and coupling are the only parameters of the boson: regions are where q = -2 ln lambda stays below
2.30 (68.27 %) and 6.18 (95.45 %).
"""

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from lmtbayes import _checks
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.registry import experiment
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, PAPER_MIXING, GaugeModel, HiddenPhoton
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.likelihood.data import asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood

if TYPE_CHECKING:
    import xarray

BEAM = ("na64mu",)
SPALLATION = ("cenns610", "ccm", "ess10", "ess")
XENON = ("darwin-nr",)
OVERRIDES: dict[str, dict[str, Any]] = {"darwin-nr": {"threshold_kev": 1.0}}
"""Fig. 12: DARWIN's nuclear recoils above 1 keV."""

WRONG_MIXING = -1.0 / 10.0
"""eps_x/g_x that the reconstruction of Fig. 9 assumes, of data that have -1/70."""
READ_LMU_LTAU, READ_LMU = LMU_LTAU.with_mixing("paper"), LMU.with_mixing("paper")
READ_WRONG_MIXING = LMU_LTAU.with_mixing(WRONG_MIXING)

MASS_RANGE, COUPLING_RANGE = (1.0, 1e3), (1e-4, 1e-2)
JOINT_COUPLING_RANGE = (3e-4, 3e-3)
"""With NA64mu in a fit everything allowed below 300 MeV is in here."""


def grid(names: tuple[str, ...], convention: str) -> dict[str, np.ndarray]:
    """Masses [MeV] and couplings of the profile of some experiments.

    By the paper's conventions there are no nuisances but the pull of Eq. 34: a point costs little, and DARWIN alone,
    which then has no uncertainty but the Poisson one, allows a strip of a few per cent only. By the defaults a point
    costs a hundred times more, and regions are wider; masses are dense where a beam loses sensitivity with the mass.
    """
    joint = len(names) > 1
    if convention == "paper":
        masses, couplings = (361, 541) if names == XENON else (181, 301)
        mass = np.geomspace(*MASS_RANGE, masses)
    else:
        couplings, light = (81, 25) if joint else (121, 49)
        mass = np.concatenate(
            [np.geomspace(1.0, 40.0, light), np.geomspace(44.0, 400.0, 32), np.geomspace(450.0, 1e3, 6)]
        )
    return {"g_x": np.geomspace(*(JOINT_COUPLING_RANGE if joint else COUPLING_RANGE), couplings), "mass": mass}


@functools.cache
def built(name: str, convention: str) -> Experiment:
    """One experiment as the figures have it."""
    return experiment(name, convention=convention, **OVERRIDES.get(name, {}))


@functools.cache
def likelihood(names: tuple[str, ...], model: GaugeModel, convention: str) -> JointLikelihood:
    """One for all benchmarks, so that it is compiled once; `with_data` changes its data."""
    data = asimov(LMU_LTAU, next(iter(BENCHMARKS.values())), published="asimov")
    return JointLikelihood([built(name, convention) for name in names], model, data, check=False)


@functools.cache
def profile(
    names: tuple[str, ...], benchmark: str, convention: str, model: GaugeModel = READ_LMU_LTAU
) -> "xarray.Dataset":
    """Profile over mass and coupling of experiments fitted together.

    Parameters
    ----------
    names
        Of the experiments.
    benchmark
        Of whose data; read in Lmu-Ltau with eps_x = -g_x/70 they are the truth's own.
    convention
        "default" or "paper".
    model
        That reads the data, mixing fixed.

    Returns
    -------
    profile
        Of `profile_likelihood`, on `grid`.
    """
    return _profile(names, benchmark, convention, model, grid(names, convention))


@functools.cache
def profile_wrong_mixing(name: str, benchmark: str, convention: str) -> "xarray.Dataset":
    """Profile of one recoil experiment read with eps_x = -g_x/10, on the same grid as `profile`.

    Its rate knows coupling and mixing through g_x eps_x alone, so that (g_x, -g_x/10) counts what (s g_x, -s g_x/70)
    counts with s^2 = 7: the likelihood that is compiled already is read at s g_x.
    """
    _checks.one_of("name", name, SPALLATION)
    points = grid((name,), convention)
    scale = np.sqrt(WRONG_MIXING / PAPER_MIXING)
    scaled = _profile((name,), benchmark, convention, READ_LMU_LTAU, points | {"g_x": scale * points["g_x"]})
    attrs = {"best_g_x": scaled.attrs["best_g_x"] / scale, "mixing": WRONG_MIXING}
    attrs["best_eps_x"] = attrs["best_g_x"] * WRONG_MIXING
    return scaled.assign_coords(g_x=("g_x", points["g_x"], scaled["g_x"].attrs)).assign_attrs(attrs)


def _profile(
    names: tuple[str, ...], benchmark: str, convention: str, model: GaugeModel, points: dict[str, np.ndarray]
) -> "xarray.Dataset":
    like = likelihood(names, model, convention).with_data(asimov(LMU_LTAU, BENCHMARKS[benchmark], published="asimov"))
    return profile_likelihood(like, points, progress=False)


def deviance_at(
    names: tuple[str, ...], benchmark: str, convention: str, model: GaugeModel, photon: HiddenPhoton
) -> float:
    """Deviance of a boson, nuisances at their central values, for data of `benchmark` read in `model`."""
    like = likelihood(names, model, convention).with_data(asimov(LMU_LTAU, BENCHMARKS[benchmark], published="asimov"))
    return 2.0 * float(like.saturated_log_likelihood() - like.log_likelihood(photon))
