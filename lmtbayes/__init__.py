"""lmtbayes: which boson, if any? A gauged Lmu-Ltau against NA64mu, CEvNS and liquid-xenon data, in JAX."""

import os as _os

import jax as _jax

from lmtbayes import _xla

if _xla.is_needed():
    _xla.switch_on()

if _os.environ.get("LMTBAYES_X64", "1") != "0":
    _jax.config.update("jax_enable_x64", True)

from lmtbayes import design, errors, export, methods
from lmtbayes._version import __version__ as __version__
from lmtbayes.compilation import compilation_cache, from_environment
from lmtbayes.experiments import (
    experiment,
    experiment_names,
    experiment_options,
    register,
    terms,
)
from lmtbayes.experiments.base import Experiment
from lmtbayes.experiments.beam_setup import BeamSetup
from lmtbayes.experiments.cite import bibtex
from lmtbayes.experiments.description import Binning, Description
from lmtbayes.experiments.limits import published_limit
from lmtbayes.experiments.liquid_xenon import liquid_xenon
from lmtbayes.experiments.measurement import measurement
from lmtbayes.experiments.muon_beam import muon_beam
from lmtbayes.experiments.muon_g2 import muon_g2
from lmtbayes.experiments.nuisance import Constraint, Gaussian, GaussianMixture, LogNormal, Nuisance, TruncatedGaussian
from lmtbayes.experiments.regions import excluded_region
from lmtbayes.experiments.spallation import spallation
from lmtbayes.experiments.xenon_detectors import XenonDetector
from lmtbayes.gauge.decays import branching_ratio, decay_length_cm, decay_width
from lmtbayes.gauge.mixing import loop_mixing
from lmtbayes.gauge.models import BENCHMARKS, LMU, LMU_LTAU, MODELS, GaugeModel, HiddenPhoton
from lmtbayes.gauge.muon_g2 import delta_a_mu
from lmtbayes.inference import priors
from lmtbayes.inference.credible.highest_density import highest_density_region
from lmtbayes.inference.credible.limits import credible_intervals, credible_limit
from lmtbayes.inference.credible.sensitivity import prior_sensitivity
from lmtbayes.inference.credible.side_by_side import limits_table
from lmtbayes.inference.evidence.comparison import Comparison, compare_models
from lmtbayes.inference.evidence.evidence import evidence
from lmtbayes.inference.evidence.result import Evidence
from lmtbayes.inference.frequentist.best_fit import best_fit
from lmtbayes.inference.frequentist.calibration import Calibration
from lmtbayes.inference.frequentist.cls import cls_limit
from lmtbayes.inference.frequentist.contours import contours
from lmtbayes.inference.frequentist.discovery import discovery_exposure
from lmtbayes.inference.frequentist.feldman_cousins import feldman_cousins
from lmtbayes.inference.frequentist.impacts import nuisance_pulls
from lmtbayes.inference.frequentist.limits import intervals, upper_limit
from lmtbayes.inference.frequentist.profile import profile_likelihood
from lmtbayes.inference.frequentist.significance import significance
from lmtbayes.inference.frequentist.toys import toy_q, toy_test_statistics
from lmtbayes.inference.integration.refine import posterior_grid
from lmtbayes.inference.likelihood.data import asimov
from lmtbayes.inference.likelihood.joint import JointLikelihood
from lmtbayes.inference.likelihood.model import JointModel
from lmtbayes.inference.likelihood.toys import simulate
from lmtbayes.inference.nuisances.at_points import log_likelihood_at
from lmtbayes.inference.posterior.diagnostics import diagnose
from lmtbayes.inference.posterior.sample import sample_posterior
from lmtbayes.inference.posterior.sbc import sbc
from lmtbayes.inference.priors import Prior

from_environment()

__all__ = [
    "BENCHMARKS",
    "LMU",
    "LMU_LTAU",
    "MODELS",
    "BeamSetup",
    "Binning",
    "Calibration",
    "Comparison",
    "Constraint",
    "Description",
    "Evidence",
    "Experiment",
    "GaugeModel",
    "Gaussian",
    "GaussianMixture",
    "HiddenPhoton",
    "JointLikelihood",
    "JointModel",
    "LogNormal",
    "Nuisance",
    "Prior",
    "TruncatedGaussian",
    "XenonDetector",
    "asimov",
    "best_fit",
    "bibtex",
    "branching_ratio",
    "cls_limit",
    "compare_models",
    "compilation_cache",
    "contours",
    "credible_intervals",
    "credible_limit",
    "decay_length_cm",
    "decay_width",
    "delta_a_mu",
    "design",
    "diagnose",
    "discovery_exposure",
    "errors",
    "evidence",
    "excluded_region",
    "experiment",
    "experiment_names",
    "experiment_options",
    "export",
    "feldman_cousins",
    "highest_density_region",
    "intervals",
    "limits_table",
    "liquid_xenon",
    "log_likelihood_at",
    "loop_mixing",
    "measurement",
    "methods",
    "muon_beam",
    "muon_g2",
    "nuisance_pulls",
    "posterior_grid",
    "prior_sensitivity",
    "priors",
    "profile_likelihood",
    "published_limit",
    "register",
    "sample_posterior",
    "sbc",
    "significance",
    "simulate",
    "spallation",
    "terms",
    "toy_q",
    "toy_test_statistics",
    "upper_limit",
]
