"""Bayesian design of experiments: what a measurement that might be made is expected to find, and which to make."""

from lmtbayes.design.beliefs import Posterior, Truth
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import Expectation, expect
from lmtbayes.design.gradients import Goal, Gradient, gradient
from lmtbayes.design.information import Information, information_gain
from lmtbayes.design.maps import design_map, rank
from lmtbayes.design.optimise import Optimum, optimise
from lmtbayes.design.options import Option
from lmtbayes.design.plan import Plan

__all__ = [
    "Engine",
    "Expectation",
    "Goal",
    "Gradient",
    "Information",
    "Optimum",
    "Option",
    "Plan",
    "Posterior",
    "Truth",
    "design_map",
    "expect",
    "gradient",
    "information_gain",
    "optimise",
    "rank",
]
