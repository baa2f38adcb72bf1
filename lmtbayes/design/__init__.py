"""Bayesian design of experiments: what a measurement that might be made is expected to find, and which to make."""

from lmtbayes.design.beliefs import Posterior, Truth
from lmtbayes.design.engine import Engine
from lmtbayes.design.expectation import Expectation, expect
from lmtbayes.design.options import Option
from lmtbayes.design.plan import Plan

__all__ = ["Engine", "Expectation", "Option", "Plan", "Posterior", "Truth", "expect"]
